package intake_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"strings"
	"testing"

	"thimble"
	"thimble/internal/collect/intake"
	"thimble/internal/consent"
	"thimble/internal/subject"
)

func times(sample, full int) int {
	if os.Getenv("THIMBLE_SOAK") != "" {
		return full
	}
	return sample
}

// A trickster writes bodies in which one reader may find a yes and another a no.
type trickster struct{ *rand.Rand }

func (r trickster) of(all ...string) string { return all[r.IntN(len(all))] }

// spelt writes a key so that it is the same one for whoever takes escapes away.
func (r trickster) spelt(key string) string {
	if r.IntN(2) == 0 {
		return `"` + key + `"`
	}
	i := r.IntN(len(key))
	return fmt.Sprintf(`"%s\u%04x%s"`, key[:i], key[i], key[i+1:])
}

const yes = `"Analytics":true,"Advertising":true,"Functional":true,"DataSharing":true,"Personalization":true,"Training":true`

// value returns a consent object and whether it is a yes to all, a no, or nothing at all.
func (r trickster) value() (text string, no, said bool) {
	prefs := r.spelt("categoryPreferences")
	switch r.IntN(12) {
	case 0, 1, 2, 3:
		return `{` + prefs + `:{` + yes + `}}`, false, true
	case 4:
		return `{` + prefs + `:{` + yes + `},"x":[{"a":1}]}`, false, true
	case 5:
		return `{` + prefs + `:{` + strings.Replace(yes, `Personalization":true`, `Personalization":false`, 1) + `}}`, true, true
	case 6:
		return `{` + prefs + `:{` + yes + `,` + r.spelt("Personalization") + `:` + r.of("true", "false", "null") + `}}`, true, true
	case 7:
		return `{` + prefs + `:{` + yes + `},` + r.spelt("categoryPreferences") + `:{"Personalization":false}}`, true, true
	case 8:
		return r.of(`{}`, `{"categoryPreferences":{}}`, `{"categoryPreferences":[]}`, `{"categoryPreferences":{"Personalization":"true"}}`, `{"categoryPreferences":null}`, `{"CategoryPreferences":{`+yes+`}}`), true, true
	case 9:
		return r.of(`"no"`, `[]`, `false`, `0`, "\"\xff\"", `"\ud800"`, `{"a":"\ud800"}`, `{"a":1e999}`, `{`+prefs+`:{`+yes+`},"a":`+strings.Repeat(`[`, 70)+strings.Repeat(`]`, 70)+`}`), true, true
	case 10:
		return `{` + prefs + `:{` + yes + `},"tcf":` + r.of(`"x"`, `7`, `[]`, `"CP"`) + `}`, true, true
	}
	return `null`, false, false
}

// context returns a context, whether some reading of it finds a no, and whether a reader
// may refuse it.
func (r trickster) context() (text string, no bool) {
	var members []string
	for range r.IntN(3) {
		v, refuses, _ := r.value()
		switch r.IntN(8) {
		case 0:
			// Another key, which is none of consent.
			members = append(members, r.of(`"Consent"`, `"consent "`, `"CONSENT"`, `"con\u0000sent"`, `"x"`)+`:`+v)
			no = no || strings.Contains(v, "\xff") || strings.Contains(v, "ud800") || strings.Contains(v, "1e999") || strings.Contains(v, "[[[") // costs the event as well
		default:
			members = append(members, r.spelt("consent")+`:`+v)
			no = no || refuses
		}
	}
	members = append(members, r.of(`"locale":"de"`, `"x":{}`))
	r.Shuffle(len(members), func(i, j int) { members[i], members[j] = members[j], members[i] })
	return `{` + strings.Join(members, ",") + `}`, no
}

// TestNoTrickGetsAnEventPastConsent: collection.md, goal 10. Of a body in which any
// reader may find a no, nothing is kept that a no forbids; of the others what a yes
// permits is.
func TestNoTrickGetsAnEventPastConsent(t *testing.T) {
	const seed = 20261130
	t.Logf("seed %d", seed)
	s := one(t)
	ada := s.person(subject.Account, "A-1")
	s.says(ada, consent.Given, thimble.PersonalizeContent)
	r := trickster{rand.New(rand.NewPCG(seed, 1))}
	kept, orders, refused := 0, 0, 0
	for n := range times(4000, 200_000) {
		own, no := r.context()
		shared, batchNo := r.context()
		events := fmt.Sprintf(`"batch":[{"type":"track","userId":"A-1","event":"Order Completed","messageId":"t-%d","properties":{"order_id":"t-%d","products":[{"product_id":"p","colour":"blue"}]},%s:%s`, n, n, r.spelt("context"), own)
		if r.IntN(10) == 0 { // a second context
			again, twice := r.context()
			events += `,` + r.spelt("context") + `:` + again
			no = no || twice
		}
		events += `}]`
		body := `{` + events + `,"context":` + shared + `}`
		if r.IntN(2) == 0 {
			body = `{"context":` + shared + `,` + events + `}`
		}
		if r.IntN(20) == 0 {
			second, twice := r.context()
			body = strings.TrimSuffix(body, "}") + `,` + r.spelt("context") + `:` + second + `}`
			batchNo = batchNo || twice
		}
		s.log.records = s.log.records[:0]
		if _, err := s.take(server, body); err != nil {
			refused++
			continue
		}
		for _, k := range s.kept() {
			orders++
			if k.parts["thimble.style_preference"] == nil {
				continue
			}
			if kept++; no || batchNo {
				t.Fatalf("%d: kept in spite of a no: %s", n, body)
			}
		}
	}
	t.Logf("%d orders, %d with what a yes permits, %d bodies refused", orders, kept, refused)
	if kept < orders/10 || orders < 1000 || kept == 0 {
		t.Error("too little was kept: the test does not reach what it is for")
	}
}

// counting are people that count what they are asked for.
type counting struct {
	intake.People
	finds, makes, ids int
}

func (c *counting) FindAll(ctx context.Context, ids []subject.Identifier) ([]thimble.SubjectID, error) {
	c.finds, c.ids = c.finds+1, c.ids+len(ids)
	return c.People.FindAll(ctx, ids)
}

func (c *counting) Make(ctx context.Context, ids []subject.Identifier) ([]intake.Made, error) {
	c.makes, c.ids = c.makes+1, c.ids+len(ids)
	return c.People.Make(ctx, ids)
}

// A body of new devices is one look-up and one making, each device once in either, and takes
// as much memory as it is long. Devices of which nothing may be kept make nobody.
func TestABodyOfNewDevicesIsBoundedInWork(t *testing.T) {
	s := one(t)
	c := &counting{People: s.deps.People}
	s.deps.People = c
	s.open()
	devices := func(n int, event, properties string) string {
		events := make([]string, n)
		for i := range events {
			s.n++
			events[i] = s.track(fmt.Sprintf(`"anonymousId":"d%d"`, s.n), event, properties)
		}
		return batch(events...)
	}
	// spent is how much is allocated for a body, in bytes for each of its bytes.
	spent := func(body string) float64 {
		var before, after runtime.MemStats
		*c = counting{People: c.People}
		runtime.ReadMemStats(&before)
		s.sends(browser, body)
		runtime.ReadMemStats(&after)
		return float64(after.TotalAlloc-before.TotalAlloc) / float64(len(body))
	}
	spent(devices(250, "Product Viewed", `"product_id":"p"`)) // buffers are there
	for _, kind := range []struct {
		event, properties string
		makes             int
		most              float64 // bytes for each byte, about twice of what is needed
	}{{"Product Viewed", `"product_id":"p"`, 0, 60}, {"Order Completed", `"order_id":"o"`, 1, 600}} {
		few, many := spent(devices(250, kind.event, kind.properties)), spent(devices(2500, kind.event, kind.properties))
		t.Logf("%s: %.0f bytes for each of 250 devices, %.0f of 2,500", kind.event, few, many)
		if c.finds != 1 || c.makes != kind.makes || c.ids != 2500*(1+kind.makes) {
			t.Errorf("%s: %d look-ups, %d makings, %d devices, want 1, %d and %d", kind.event, c.finds, c.makes, c.ids, kind.makes, 2500*(1+kind.makes))
		}
		if few > kind.most || many > kind.most {
			t.Errorf("%s: %.0f and %.0f bytes are allocated for each that comes in, want at most %.0f", kind.event, few, many, kind.most)
		}
	}
	if n, err := s.people.Count(ctx); err != nil || n != 2750 {
		t.Errorf("%d people are there, want the 2,750 who ordered, %v", n, err)
	}
}
