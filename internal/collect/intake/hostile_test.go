package intake_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"

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

func TestABodyOfNewDevicesIsBoundedInTime(t *testing.T) {
	s := one(t)
	var events []string
	for i := range 2500 {
		events = append(events, fmt.Sprintf(`{"type":"track","anonymousId":"d%d","event":"Order Completed","messageId":"q%d","properties":{"order_id":"o"}}`, i, i))
	}
	began := time.Now()
	got := s.sends(browser, batch(events...))
	t.Logf("2,500 events of 2,500 new devices took %s", time.Since(began).Round(time.Millisecond))
	if got.Kept != 2500 {
		t.Errorf("taken %+v, want all kept", got)
	}
	// Devices of which nothing may be kept make nobody, however many come.
	for i := range events {
		events[i] = fmt.Sprintf(`{"type":"track","anonymousId":"e%d","event":"Product Viewed","messageId":"r%d","properties":{"product_id":"p"}}`, i, i)
	}
	began = time.Now()
	s.want(s.sends(browser, batch(events...)), 0, intake.Nobody, 2500)
	t.Logf("2,500 views of 2,500 unknown devices took %s", time.Since(began).Round(time.Millisecond))
	if n, err := s.people.Count(ctx); err != nil || n != 2500 {
		t.Errorf("%d people are there, want the 2,500 of before, %v", n, err)
	}
}
