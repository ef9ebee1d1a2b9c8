package watch

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"

	"thimble/internal/collect/intake"
	"thimble/internal/collect/plan"
)

// from is an event as one device sends it, and where it comes from.
func from(device, network int, name, properties string) (string, intake.Arrival) {
	return fmt.Sprintf(`{"batch":[{"type":"track","event":%q,"anonymousId":"device-%d","properties":%s}]}`, name, device, properties),
		intake.Arrival{Address: netip.AddrFrom4([4]byte{192, 0, byte(network), byte(1 + device%200)})}
}

// staffSee is all that a page may show of what came.
func staffSee(w *Watch) string { return fmt.Sprintf("%+v %+v", w.Tail(7), w.Take()) }

// Whoever has a public key, so anybody, can call an event or a property as they like.
func TestWhatFewHaveSentIsShownByItsShape(t *testing.T) {
	const property, event = "anna_schmidt", "Anna Schmidt Was Here"
	for name, c := range map[string]struct {
		devices, networks int
		shown             bool
	}{
		"one visitor":                        {1, 1, false},
		"one visitor with many ids":          {500, 1, false},
		"one visitor with many addresses":    {1, 50, false},
		"a few devices":                      {manySenders - 1, 3, false},
		"many devices in few networks":       {100, manyNetworks - 1, false},
		"many devices in different networks": {manySenders, manyNetworks, true},
	} {
		now := moment
		w, r := New(at(&now)), reader(t)
		for i := range max(c.devices, c.networks) + 1 {
			body, arrival := from(i%c.devices, i%c.networks, event, `{}`)
			w.Tell(web, arrival, intake.Taken{Events: 1}, read(t, r, body))
			body, arrival = from(i%c.devices, i%c.networks, "Product Viewed", `{"`+property+`":1,"jo@example.com":2}`)
			now = now.Add(tailEvery)
			w.Tell(web, arrival, intake.Taken{Events: 1}, read(t, r, body))
			now = now.Add(tailEvery)
		}
		said := staffSee(w)
		for _, text := range []string{property, event} {
			if strings.Contains(said, text) != c.shown {
				t.Errorf("%s: %q is shown: %t, want %t", name, text, !c.shown, c.shown)
			}
		}
		if strings.Contains(said, "jo@example.com") {
			t.Errorf("%s: an address is shown", name)
		}
	}
}

func TestAShapeSaysHowManyWordsAndIsOneProposal(t *testing.T) {
	now := moment
	w, r := New(at(&now)), reader(t)
	for i := range 20 {
		body, arrival := from(i, 1, fmt.Sprintf("Hello Number %c", 'a'+i), `{}`)
		w.Tell(web, arrival, intake.Taken{Events: 1}, read(t, r, body))
		body, arrival = from(i, 1, "Product Viewed", fmt.Sprintf(`{"p%c":"x"}`, 'a'+i))
		w.Tell(web, arrival, intake.Taken{Events: 1}, read(t, r, body))
	}
	got := map[string]int64{}
	for _, p := range w.Take().Proposals {
		got[p.Path()] = p.N
		if !p.Withheld() || !p.Rare() {
			t.Errorf("%s can be decided about", p.Path())
		}
	}
	if len(got) != 2 || got["(a name of 3 words that few have sent)"] != 20 || got["Product Viewed.(a name of one word that few have sent)"] != 20 {
		t.Errorf("proposals: %v", got)
	}
	if plan.Concealed("gift_wrap") || !plan.Concealed(plan.Withheld) {
		t.Error("a name counts as one that is not shown, or the other way round")
	}
}

// A sender who invents names keeps no name of the shop's from being shown, and takes no
// memory beyond a bound.
func TestAFloodOfNamesKeepsNoOtherFromBeingShown(t *testing.T) {
	const seed = 3
	chance := rand.New(rand.NewPCG(seed, seed))
	now := moment
	w, r := New(at(&now)), reader(t)
	for device := range manySenders {
		var flood strings.Builder
		flood.WriteString(`{"sku":"1"`)
		for range 200 {
			fmt.Fprintf(&flood, `,"n%c%c%c%c":1`, 'a'+chance.IntN(26), 'a'+chance.IntN(26), 'a'+chance.IntN(26), 'a'+chance.IntN(26))
		}
		body, arrival := from(1, 1, "Product Viewed", flood.String()+"}")
		w.Tell(web, arrival, intake.Taken{Events: 1}, read(t, r, body))
		body, arrival = from(device, device, "Product Viewed", `{"lining":"silk"}`)
		w.Tell(web, arrival, intake.Taken{Events: 1}, read(t, r, body))
	}
	if said := staffSee(w); !strings.Contains(said, "lining") {
		t.Errorf("seed %d: what many have sent is not shown", seed)
	}
	s := w.source(7)
	if n := len(s.names.newer) + len(s.names.older); n > 2*maxNames {
		t.Errorf("seed %d: %d names are held, want %d at most", seed, n, 2*maxNames)
	}
}
