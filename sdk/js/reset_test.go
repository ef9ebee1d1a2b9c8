package js_test

import (
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"thimble/internal/web/webtest"
)

// Somebody else may sit at a browser after a reset, such as at signing out. A yes is of
// whoever said it: nobody inherits it.
func TestWhoeverComesAfterAResetIsAskedAnew(t *testing.T) {
	s := newSite(t)
	tab := s.allowed()
	tab.Eval(`thimble.identify("u1"); thimble.reset()`, nil)
	tab.Wait(`document.querySelector("thimble-choices")`)
	nothingStored(t, tab)
	var answered bool
	if tab.Eval(`thimble.consent().answered || thimble.anonymousId() !== undefined`, &answered); answered {
		t.Error("after a reset somebody has answered")
	}
	tab.Eval(everything, nil)
	settles()
	told := s.requests("/v1/consent/browser")
	if len(told) != 1 {
		t.Fatalf("%d choices were told, want that of the first alone", len(told))
	}
	for _, e := range s.events() {
		if e["event"] != nil || e["userId"] != "u1" {
			t.Errorf("%v was sent, want what the first did alone", e)
		}
	}
	first, before := told[0].json(t), len(s.events())

	s.press(tab, "Allow all")
	tab.Eval(`thimble.track("After")`, nil)
	s.until("the event comes", func() bool { return len(s.events()) == before+1 })
	second, e := s.requests("/v1/consent/browser")[1].json(t), s.events()[before]
	if second["anonymousId"] == first["anonymousId"] || second["chosenAt"] == first["chosenAt"] || e["anonymousId"] != second["anonymousId"] || e["userId"] != nil {
		t.Errorf("the second is %v with %v, after %v", second, e, first)
	}
}

func TestWhatWaitsAtAResetLeavesUnderTheYesOfWhoeverDidIt(t *testing.T) {
	s := newSite(t)
	s.options["flushInterval"] = 60_000
	tab := s.allowed()
	tab.Eval(`thimble.track("Product Viewed").then(() => thimble.reset())`, nil)
	s.until("the event comes", func() bool { return len(s.events()) == 1 })
	if got, want := s.events()[0]["anonymousId"], s.requests("/v1/consent/browser")[0].json(t)["anonymousId"]; got != want {
		t.Errorf("the event is of %v, want %v", got, want)
	}
	// When it cannot leave it stays nowhere.
	tab.Wait(`document.querySelector("thimble-choices")`)
	s.press(tab, "Allow all")
	s.until("the second is told", func() bool { return len(s.requests("/v1/consent/browser")) == 2 })
	tab.Wait(`thimble.consent().receipts.length === 1`)
	tab.Offline(true)
	tab.Eval(`thimble.track("Product Viewed").then(() => thimble.reset())`, nil)
	tab.Wait(`heard.some(e => e[0] === "drop" && e[1].reason === "consent")`)
	tab.Offline(false)
	settles()
	nothingStored(t, tab)
	if n := len(s.events()); n != 1 {
		t.Errorf("%d events came, want the first", n)
	}
}

func TestANoStaysWithTheBrowserAfterAReset(t *testing.T) {
	s := newSite(t)
	tab := s.visit(webtest.Desk, "/")
	s.press(tab, "Refuse all")
	before := stored(tab)
	tab.Eval(`thimble.reset()`, nil)
	settles()
	if after := stored(tab); !cmp.Equal(before, after) {
		t.Errorf("stored: %q, want %q", after, before)
	}
	var asked bool
	if tab.Eval(`document.querySelector("thimble-choices") !== null`, &asked); asked {
		t.Error("who refused is asked again after a reset")
	}
	s.askedOnlyForTheText()
}

// What was withdrawn and not heard is told although somebody else is here now, and is
// nothing of theirs.
func TestAWithdrawalThatIsOwedOutlivesAReset(t *testing.T) {
	s := newSite(t)
	tab := s.allowed()
	s.answers(func(r request) (int, http.Header, string) {
		if r.Path == "/v1/consent/browser" {
			return http.StatusServiceUnavailable, http.Header{"Retry-After": {"60"}}, "{}"
		}
		return 0, nil, ""
	})
	tab.Eval(`thimble.choose({"train_ai_system": true})`, nil)
	s.until("it was tried", func() bool { return len(s.requests("/v1/consent/browser")) == 2 })
	settles()
	tab.Eval(`thimble.reset()`, nil)
	s.answers(nil)
	s.goTo(tab, "/next")
	s.until("the withdrawal comes", func() bool { return len(s.requests("/v1/consent/browser")) == 3 })
	told := s.requests("/v1/consent/browser")
	last, want := told[2].json(t), []any{object{"purpose": personalize, "state": "withdrawn"}}
	if !cmp.Equal(last["choices"], any(want)) || last["anonymousId"] != told[0].json(t)["anonymousId"] {
		t.Errorf("told: %v, want the withdrawal of the first", last)
	}
	tab.Wait(`localStorage.length === 0`)
	nothingStored(t, tab)
}

// An id that leads to nobody any more, such as one that several people used, is replaced:
// whoever has chosen just now is asked no second time. It does not go round.
func TestAnIdThatLeadsToNobodyIsReplacedOnce(t *testing.T) {
	s := newSite(t)
	refusals := 1
	s.answers(func(r request) (int, http.Header, string) {
		if r.Path == "/v1/consent/browser" && refusals > 0 {
			refusals--
			return http.StatusConflict, nil, `{"type":"urn:thimble:problem:browser-id","status":409}`
		}
		return 0, nil, ""
	})
	tab := s.visit(webtest.Desk, "/")
	s.press(tab, "Allow all")
	tab.Wait(`thimble.consent().receipts.length === 1`)
	tab.Eval(`thimble.track("Product Viewed")`, nil)
	s.until("the event comes", func() bool { return len(s.events()) == 1 })
	told := s.requests("/v1/consent/browser")
	if len(told) != 2 {
		t.Fatalf("%d choices were told, want 2", len(told))
	}
	a, b := told[0].json(t), told[1].json(t)
	if a["anonymousId"] == b["anonymousId"] || !cmp.Equal(a["choices"], b["choices"]) || a["chosenAt"] != b["chosenAt"] || s.events()[0]["anonymousId"] != b["anonymousId"] {
		t.Errorf("told: %v, then %v", a, b)
	}
	if n := len(heard(tab, "error")); n != 0 {
		t.Errorf("%d errors were told, want none", n)
	}

	refusals = 1 << 20
	other := s.visit(webtest.Desk, "/")
	s.press(other, "Allow all")
	other.Wait(`heard.some(e => e[0] === "error")`)
	settles()
	if n := len(s.requests("/v1/consent/browser")); n != 4 {
		t.Errorf("%d choices were told, want two more", n)
	}
	nothingStored(t, other)
}

// What the server leaves out of a yes, such as what the owner of an account has ended, is
// not allowed here either: nothing is sent for it.
func TestAYesThatIsLeftOutIsNone(t *testing.T) {
	s := newSite(t)
	s.answers(func(r request) (int, http.Header, string) {
		if r.Path == "/v1/consent/browser" {
			return http.StatusOK, nil, `{"recorded":[{"purpose":"train_ai_system","state":"given"}],"receipts":["c2sp.org/tlog-proof@v1 the proof"]}`
		}
		return 0, nil, ""
	})
	tab := s.allowed()
	tab.Eval(`thimble.track("Product Viewed")`, nil)
	s.until("the event comes", func() bool { return len(s.events()) == 1 })
	if got, want := s.events()[0]["context"].(object)["consent"], any(object{"categoryPreferences": object{"Personalization": false, "Training": true}}); !cmp.Equal(got, want) {
		t.Errorf("consent = %v, want %v", got, want)
	}
	s.answers(func(r request) (int, http.Header, string) {
		if r.Path == "/v1/consent/browser" {
			return http.StatusOK, nil, `{"recorded":[],"receipts":[]}`
		}
		return 0, nil, ""
	})
	other := s.visit(webtest.Desk, "/")
	s.press(other, "Allow all")
	other.Wait(`thimble.consent().answered && !Object.values(thimble.consent().choices).some(Boolean)`)
	other.Eval(`thimble.track("Product Viewed")`, nil)
	settles()
	if n := len(s.events()); n != 1 {
		t.Errorf("%d events were sent, want the one from before", n)
	}
}
