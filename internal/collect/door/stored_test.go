package door_test

import (
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"thimble"
	"thimble/internal/collect/frame"
	"thimble/internal/collect/intake"
	"thimble/internal/collect/source"
	"thimble/internal/thimbletest"
	"thimble/internal/web/webtest"
)

// A shop is a whole installation that serves.
type shop struct {
	*thimbletest.Shop
	url string
	key string
}

// installed opens an installation with one source.
func installed(t *testing.T, kind intake.Kind, consents bool, origins ...string) shop {
	t.Helper()
	s := shop{Shop: thimbletest.New(t)}
	handler, err := s.Handler(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	s.url = server.URL
	draft, err := source.New("sdk", kind, consents, origins)
	if err != nil {
		t.Fatal(err)
	}
	if s.key, _, err = s.Sources.Add(t.Context(), draft, "mara"); err != nil {
		t.Fatal(err)
	}
	return s
}

// everything is what people are asked for.
func everything() []thimble.Purpose {
	return []thimble.Purpose{thimble.PersonalizeContent, thimble.TrainAISystem}
}

// A kept is one event as it lies in the log, opened.
type kept struct {
	Categories []string       `json:"categories"`
	Event      map[string]any `json:"event"`
	Counts     []frame.Count  `json:"counts,omitempty"`
}

// stored opens whatever lies in the log.
func (s shop) stored(t *testing.T) (all []kept) {
	t.Helper()
	frames, err := s.Frames.After(t.Context(), 0, 1000)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range frames {
		for i := range f.Records {
			one := s.opened(t, &f.Records[i])
			// Whenever the test runs, what happened is of the day that was said, of the day on which
			// it came in, or of the day before: some calls say that they are of an hour ago.
			for n := range one.Counts {
				day := one.Counts[n].Day
				if ago := dayOf(time.UnixMicro(f.Received)) - day; ago == 0 || ago == 1 || day == dayOf(said) {
					one.Counts[n].Day = 0
				}
			}
			all = append(all, one)
		}
	}
	slices.SortStableFunc(all, func(a, b kept) int { return strings.Compare(name(a), name(b)) })
	return all
}

// dayOf is the day of an instant, counted from 1970.
func dayOf(at time.Time) int32 { return int32(at.Unix() / (24 * 60 * 60)) }

func name(k kept) string {
	b, _ := json.Marshal([]any{k.Event["type"], k.Event["event"], k.Event})
	return string(b)
}

// ports differ from run to run.
var ports = regexp.MustCompile(`localhost:[0-9]+`)

func (s shop) opened(t *testing.T, r *frame.Record) kept {
	t.Helper()
	one := kept{Counts: slices.Clone(r.Counts)}
	var parts [][]byte
	for _, p := range r.Parts {
		plain, err := s.Vault.Open(t.Context(), frame.PartCell(r, p.Category), p.Sealed)
		if err != nil {
			t.Fatal(err)
		}
		one.Categories, parts = append(one.Categories, string(p.Category)), append(parts, plain)
	}
	slices.Sort(one.Categories)
	if len(parts) == 0 {
		return one
	}
	whole, err := frame.Merge(parts...)
	if err == nil {
		err = json.Unmarshal(ports.ReplaceAll(whole, []byte("localhost")), &one.Event)
	}
	if err != nil {
		t.Fatal(err)
	}
	// The clock of the sender was right to within a moment, and the time is the one it said.
	if at, ok := one.Event["time"].(float64); ok && time.UnixMicro(int64(at)).Sub(said).Abs() < time.Minute {
		one.Event["time"] = "as it was said"
	} else if ok {
		one.Event["time"] = "when it arrived"
	}
	return one
}

// said is the time that the programs give their events.
var said = time.Date(2026, 11, 29, 10, 0, 0, 0, time.UTC)

func TestEachCallOfAnalyticsNodeIsStoredAsThePlanSays(t *testing.T) {
	dir := node(t)
	s := installed(t, intake.Server, false)
	s.Subject("u1", thimbletest.Allows(everything()...)...)
	out := run(t, dir, []string{"BASE=" + s.url, "WRITE_KEY=" + s.key}, "node", "node.mjs")
	if !strings.Contains(out, `"failed":[]`) {
		t.Errorf("the SDK says %s", out)
	}
	golden(t, "stored-analytics-node.json", s.stored(t))
}

func TestEachCallOfAnalyticsGoIsStoredAsThePlanSays(t *testing.T) {
	program := analyticsGo(t)
	s := installed(t, intake.Server, false)
	s.Subject("u1", thimbletest.Allows(everything()...)...)
	if out := run(t, "", []string{"BASE=" + s.url, "WRITE_KEY=" + s.key}, program); out != "" {
		t.Errorf("the SDK says %s", out)
	}
	golden(t, "stored-analytics-go.json", s.stored(t))
}

func TestEachCallOfAnalyticsNextIsStoredAsThePlanAndTheChoiceSay(t *testing.T) {
	browser := webtest.Start(t)
	for name, c := range map[string]struct{ choice, file string }{
		"everything": {`{Personalization: true, Training: true, Analytics: true, Advertising: true, Functional: true, DataSharing: true}`, "stored-analytics-next.json"},
		"some":       {`{Personalization: false, Training: false, Analytics: false, Advertising: false, Functional: true, DataSharing: false}`, "stored-analytics-next-refused.json"},
	} {
		t.Run(name, func(t *testing.T) {
			origin := pageServer(t, node(t))
			s := installed(t, intake.Browser, true, origin)
			tab := browser.Open(origin+"/", webtest.Desk)
			tab.Eval("window.choice = "+c.choice+", true", new(bool))
			tab.Eval(fmt.Sprintf(consentTools, s.key, s.url), new(bool))
			tab.Eval(calls, new(bool))
			var all []kept
			for deadline := time.Now().Add(15 * time.Second); time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
				if all = s.stored(t); len(all) >= wanted[name] {
					break
				}
			}
			time.Sleep(300 * time.Millisecond) // and no more than these
			golden(t, c.file, s.stored(t))
		})
	}
}

// wanted is how many records the calls make: an alias is none, and what is dropped is none.
var wanted = map[string]int{"everything": 6, "some": 1}
