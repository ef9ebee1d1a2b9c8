package js_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"thimble/internal/web/webtest"
)

// everything is a page that makes every call there is.
const everything = `(async () => { await thimble.page("Shop", "Home"); await thimble.track("Product Viewed", {sku: "L1"}); await thimble.identify("u1", {email: "a@example.org"});
	await thimble.group("g1"); await thimble.alias("u2", "u1"); thimble.reset(); await thimble.flush(); })()`

func TestNothingIsStoredOrSentBeforeAChoice(t *testing.T) {
	s := newSite(t)
	tab := s.visit(webtest.Desk, "/?utm_source=mail&email=a@example.org")

	tab.Eval(everything, nil)
	tab.Eval(`dispatchEvent(new Event("pagehide"))`, nil)
	settles()

	s.askedOnlyForTheText()
	nothingStored(t, tab)
	if n := len(heard(tab, "drop")); n != 5 {
		t.Errorf("%d events were told as dropped, want 5", n)
	}
	s.goTo(tab, "/again")
	tab.Eval(everything, nil)
	tab.Goto("about:blank")
	settles()
	s.askedOnlyForTheText()
	s.policyKept()
	tab.Quiet(t)
}

func TestWithTheTextInThePageNothingAtAllIsAskedFor(t *testing.T) {
	s := newSite(t)
	s.options["notice"] = theNotice()
	tab := s.visit(webtest.Desk, "/")
	tab.Eval(everything, nil)
	settles()
	if all := s.requests("/"); len(all) > 0 {
		t.Errorf("asked for: %+v, want nothing", all)
	}
	nothingStored(t, tab)
}

// What happened before a yes is not sent after it.
func TestAYesCountsFromThenOn(t *testing.T) {
	s := newSite(t)
	tab := s.visit(webtest.Desk, "/")
	tab.Eval(`thimble.track("Before")`, nil)

	s.press(tab, "Allow all")
	tab.Eval(`thimble.track("After")`, nil)

	s.until("an event comes", func() bool { return len(s.events()) > 0 })
	settles()
	var names []string
	for _, e := range s.events() {
		names = append(names, e["event"].(string))
	}
	if !slices.Equal(names, []string{"After"}) {
		t.Errorf("events = %q, want After alone", names)
	}
}

func TestTheChoiceIsRecordedBeforeAnyEventLeaves(t *testing.T) {
	s := newSite(t)
	free := make(chan struct{})
	s.answers(func(r request) (int, http.Header, string) {
		if r.Path == "/v1/consent/browser" {
			<-free
		}
		return 0, nil, ""
	})
	tab := s.visit(webtest.Desk, "/")
	s.press(tab, "Allow all")
	tab.Eval(`thimble.track("Product Viewed")`, nil)
	s.until("the choice is under way", func() bool { return len(s.requests("/v1/consent/browser")) == 1 })
	settles()
	if n := len(s.requests("/v1/b")); n != 0 {
		t.Errorf("%d batches left before the choice was recorded", n)
	}
	close(free)
	s.until("the event comes", func() bool { return len(s.events()) == 1 })

	sent := s.requests("/v1/consent/browser")[0].json(t)
	e := s.events()[0]
	if sent["anonymousId"] == "" || sent["anonymousId"] != e["anonymousId"] {
		t.Errorf("the choice is of %v, the event of %v", sent["anonymousId"], e["anonymousId"])
	}
	want := object{
		"writeKey": key, "anonymousId": sent["anonymousId"], "notice": strings.Repeat("a", 64), "lang": "en", "ui": object{"component": "sdk@1", "choice_path": []any{"banner", "allow"}},
		"choices":  []any{object{"purpose": personalize, "state": "given"}, object{"purpose": train, "state": "given"}},
		"chosenAt": sent["chosenAt"], "sentAt": sent["sentAt"],
	}
	if diff := cmp.Diff(want, sent); diff != "" {
		t.Errorf("the choice on the wire (-want +got):\n%s", diff)
	}
	if got, want := e["context"].(object)["consent"], (object{"categoryPreferences": object{"Personalization": true, "Training": true}}); !cmp.Equal(got, any(want)) {
		t.Errorf("the event's consent = %v, want %v", got, want)
	}
}

func TestARefusalIsToldToNobody(t *testing.T) {
	s := newSite(t)
	tab := s.visit(webtest.Desk, "/")

	s.press(tab, "Refuse all")
	tab.Eval(everything, nil)
	settles()

	s.askedOnlyForTheText()
	var kept object
	if err := json.Unmarshal([]byte(stored(tab)["local:thimble"]), &kept); err != nil || len(stored(tab)) != 1 {
		t.Fatalf("stored: %q, want the refusal alone: %v", stored(tab), err)
	}
	for _, name := range []string{"anonymousId", "userId", "groupId"} {
		if v, there := kept[name]; there {
			t.Errorf("the refusal is kept with %s = %v", name, v)
		}
	}
	// On the next page nothing is asked, not even for the text.
	before := len(s.requests("/"))
	s.goTo(tab, "/next")
	tab.Eval(everything, nil)
	settles()
	if n := len(s.requests("/")); n != before {
		t.Errorf("%d requests on the next page, want none: %+v", n-before, s.requests("/")[before:])
	}
	var gone bool
	if tab.Eval(`document.querySelector("thimble-choices") === null`, &gone); !gone {
		t.Error("who refused is asked again on the next page")
	}
}

func TestAWithdrawalStopsAtOnceAndLeavesNothing(t *testing.T) {
	s := newSite(t)
	tab := s.allowed()
	s.answers(func(r request) (int, http.Header, string) { // events wait, and a batch is under way
		if r.Path == "/v1/b" {
			time.Sleep(300 * time.Millisecond)
			return http.StatusServiceUnavailable, nil, "{}"
		}
		return 0, nil, ""
	})
	tab.Eval(`for (let i = 0; i < 30; i++) thimble.track("Product Viewed", {i}); thimble.identify("u1")`, nil)
	s.until("a batch is under way", func() bool { return len(s.requests("/v1/b")) == 1 })

	tab.Eval("thimble.withdraw()", nil)

	s.until("the withdrawal comes", func() bool { return len(s.requests("/v1/consent/browser")) == 2 })
	tab.Wait(`!localStorage.thimble.includes("anonymousId")`)
	s.answers(nil)
	tab.Eval(`thimble.track("After"); dispatchEvent(new Event("online")); thimble.flush()`, nil)
	settles()
	if n := len(s.requests("/v1/b")); n != 1 {
		t.Errorf("%d batches, want the one from before", n)
	}
	told := s.requests("/v1/consent/browser")
	was, is := told[0].json(t), told[1].json(t)
	want := []any{object{"purpose": personalize, "state": "withdrawn"}, object{"purpose": train, "state": "withdrawn"}}
	if diff := cmp.Diff(any(want), is["choices"]); diff != "" || is["anonymousId"] != was["anonymousId"] {
		t.Errorf("the withdrawal of %v, want of %v (-want +got):\n%s", is["anonymousId"], was["anonymousId"], diff)
	}
	all := stored(tab)
	if len(all) != 1 || strings.Contains(all["local:thimble"], was["anonymousId"].(string)) || strings.Contains(all["local:thimble"], "u1") || strings.Contains(all["local:thimble"], "tlog") {
		t.Errorf("stored after the withdrawal: %q", all)
	}
}

// Who is offline when they withdraw has withdrawn all the same; the server hears it as
// soon as it can be reached.
// A no for which the browser has no room is one all the same: what was stored before does
// not come back, and no yes is sent for it.
func TestAWithdrawalIntoAFullBrowserHolds(t *testing.T) {
	s := newSite(t)
	tab := s.allowed()
	tab.Eval(`Storage.prototype.setItem = () => { throw new DOMException("full", "QuotaExceededError"); }; thimble.withdraw()`, nil)
	s.until("the withdrawal comes", func() bool { return len(s.requests("/v1/consent/browser")) == 2 })
	settles()
	tab.Eval(`thimble.track("After"); dispatchEvent(new Event("online")); dispatchEvent(new StorageEvent("storage", {key: "thimble"})); thimble.flush()`, nil)
	settles()
	var on bool
	if tab.Eval(`Object.values(thimble.consent().categories).some(Boolean) || "thimble" in localStorage`, &on); on {
		t.Error("what was withdrawn is back")
	}
	if n := len(s.requests("/v1/consent/browser")); n != 2 {
		t.Errorf("%d choices were told, want the yes and the no", n)
	}
	if n := len(s.events()); n != 0 {
		t.Errorf("%d events were sent, want none", n)
	}
}

func TestAWithdrawalOfflineIsToldLater(t *testing.T) {
	s := newSite(t)
	tab := s.allowed()
	tab.Offline(true)
	tab.Eval(`thimble.track("Product Viewed"); thimble.withdraw()`, nil)
	var on bool
	if tab.Eval(`Object.values(thimble.consent().categories).some(Boolean)`, &on); on {
		t.Error("something is still allowed")
	}
	settles()
	if n := len(s.requests("/v1/consent/browser")); n != 1 {
		t.Fatalf("%d choices came through, want the first", n)
	}
	tab.Offline(false)
	s.until("the withdrawal comes", func() bool { return len(s.requests("/v1/consent/browser")) == 2 })
	tab.Wait(`!localStorage.thimble.includes("anonymousId")`)
	if n := len(s.events()); n != 0 {
		t.Errorf("%d events were sent, want none", n)
	}
}

// A withdrawal that the server could not take is told again by whichever page is next.
func TestAWithdrawalOutlivesItsPage(t *testing.T) {
	s := newSite(t)
	tab := s.allowed()
	s.answers(func(r request) (int, http.Header, string) {
		if r.Path == "/v1/consent/browser" {
			return http.StatusServiceUnavailable, http.Header{"Retry-After": {"60"}}, "{}"
		}
		return 0, nil, ""
	})
	tab.Eval(`thimble.withdraw()`, nil)
	s.until("it was tried", func() bool { return len(s.requests("/v1/consent/browser")) == 2 })
	settles()
	s.answers(nil)
	s.goTo(tab, "/next")
	tab.Wait(`!localStorage.thimble.includes("anonymousId")`)
	told := s.requests("/v1/consent/browser")
	if len(told) != 3 || !cmp.Equal(told[1].json(t)["choices"], told[2].json(t)["choices"]) || told[1].json(t)["chosenAt"] != told[2].json(t)["chosenAt"] {
		t.Errorf("told: %+v, want the same withdrawal again", told)
	}
}

func TestAYesThatTheServerRefusesIsNone(t *testing.T) {
	for _, status := range sample([]int{403, 409, 400, 401, 422}, 2) {
		s := newSite(t)
		s.answers(func(r request) (int, http.Header, string) {
			if r.Path == "/v1/consent/browser" {
				return status, nil, "{}"
			}
			return 0, nil, ""
		})
		tab := s.visit(webtest.Desk, "/")
		s.press(tab, "Allow all")
		tab.Eval(`thimble.track("Product Viewed")`, nil)
		tab.Wait(`heard.some(e => e[0] === "error")`)
		settles()
		if n := len(s.requests("/v1/b")); n != 0 {
			t.Errorf("%d: %d batches were sent", status, n)
		}
		nothingStored(t, tab)
	}
}

func TestOneOfTwoAllowedIsSaidWithEachEvent(t *testing.T) {
	s := newSite(t)
	tab := s.visit(webtest.Desk, "/")
	tab.Eval(`thimble.choose({"train_ai_system": true})`, nil)
	tab.Eval(`thimble.track("Product Viewed", {}, {context: {consent: {categoryPreferences: {Personalization: true}}}})`, nil)
	s.until("the event comes", func() bool { return len(s.events()) == 1 })
	if got, want := s.events()[0]["context"].(object)["consent"], any(object{"categoryPreferences": object{"Personalization": false, "Training": true}}); !cmp.Equal(got, want) {
		t.Errorf("consent = %v, want %v", got, want)
	}
	want := []any{object{"purpose": personalize, "state": "refused"}, object{"purpose": train, "state": "given"}}
	if got := s.requests("/v1/consent/browser")[0].json(t)["choices"]; !cmp.Equal(got, any(want)) {
		t.Errorf("choices = %v, want %v", got, want)
	}
}

func TestWhatGlobalPrivacyControlDeniesIsNotAsked(t *testing.T) {
	s := newSite(t)
	s.before = `Object.defineProperty(navigator, "globalPrivacyControl", {value: true});`
	ads := s.notice["asks"].([]object)[0]
	s.notice["asks"] = append(s.notice["asks"].([]object), object{
		"purpose": "marketing.advertising.third_party", "category": "Advertising", "title": "Advertising by others", "what": ads["what"], "with": "", "without": "", "gpc": true,
	})
	tab := s.visit(webtest.Desk, "/")
	var text string
	if tab.Eval(`document.querySelector("thimble-choices").shadowRoot.textContent`, &text); strings.Contains(text, "Advertising by others") || !strings.Contains(text, "Learning for everybody") {
		t.Errorf("asked: %q", text)
	}
	s.press(tab, "Allow all")
	tab.Eval(`thimble.track("Product Viewed")`, nil)
	s.until("the event comes", func() bool { return len(s.events()) == 1 })
	if got, want := s.events()[0]["context"].(object)["consent"], any(object{"categoryPreferences": object{"Advertising": false, "Personalization": true, "Training": true}}); !cmp.Equal(got, want) {
		t.Errorf("consent = %v, want %v", got, want)
	}
	// Where all that is asked is denied, nobody is asked.
	s.mu.Lock()
	s.notice["asks"] = s.notice["asks"].([]object)[2:]
	s.mu.Unlock()
	other := s.visit(webtest.Desk, "/")
	var none bool
	if other.Eval(`document.querySelector("thimble-choices") === null`, &none); !none {
		t.Error("somebody is asked what their browser has answered")
	}
	nothingStored(t, other)
}

func TestAChoiceHoldsInEveryTab(t *testing.T) {
	s := newSite(t)
	tab := s.visit(webtest.Desk, "/")
	other := tab.Beside()
	s.goTo(other, "/other")

	s.press(tab, "Allow all")
	other.Wait(`document.querySelector("thimble-choices") === null && thimble.consent().answered`)
	other.Eval(`thimble.track("From the other")`, nil)
	tab.Eval(`thimble.track("From the first")`, nil)
	s.until("both come", func() bool { return len(s.events()) == 2 })
	if a, b := s.events()[0]["anonymousId"], s.events()[1]["anonymousId"]; a != b {
		t.Errorf("two tabs are %v and %v", a, b)
	}

	// A withdrawal in one throws away what waits in the other.
	s.answers(func(r request) (int, http.Header, string) {
		if r.Path == "/v1/b" {
			return http.StatusServiceUnavailable, http.Header{"Retry-After": {"1"}}, "{}"
		}
		return 0, nil, ""
	})
	other.Eval(`thimble.track("Waits")`, nil)
	s.until("it was tried", func() bool { return len(s.events()) == 3 })
	tab.Eval("thimble.withdraw()", nil)
	other.Wait(`!Object.values(thimble.consent().categories).some(Boolean)`)
	s.answers(nil)
	time.Sleep(1500 * time.Millisecond)
	if n := len(s.events()); n != 3 {
		t.Errorf("%d events, want no more after the withdrawal", n)
	}
}

func TestWhoeverTheNoticeHasGrownForIsAskedAgain(t *testing.T) {
	s := newSite(t)
	tab := s.allowed()
	s.mu.Lock()
	s.notice["covers"], s.notice["sha256"] = "c2", strings.Repeat("b", 64)
	s.mu.Unlock()
	s.goTo(tab, "/next")
	tab.Wait(`document.querySelector("thimble-choices")`)
	// Until they answer, the old yes goes on.
	tab.Eval(`thimble.track("Under the old yes")`, nil)
	s.until("it comes", func() bool { return len(s.events()) == 1 })
	s.press(tab, "Allow all")
	s.until("the new yes comes", func() bool { return len(s.requests("/v1/consent/browser")) == 2 })
	r := s.requests("/v1/consent/browser")[1].json(t)
	want := []any{object{"purpose": personalize, "state": "given"}, object{"purpose": train, "state": "given"}}
	if !cmp.Equal(r["choices"], any(want)) || r["notice"] != strings.Repeat("b", 64) {
		t.Errorf("the new yes = %v on %v", r["choices"], r["notice"])
	}
}

func TestAYesThatHasRunOutIsForgotten(t *testing.T) {
	s := newSite(t)
	tab := s.allowed()
	tab.Eval(`(() => { const s = JSON.parse(localStorage.thimble); s.until = Date.now() - 1; localStorage.thimble = JSON.stringify(s); })()`, nil)
	s.goTo(tab, "/a-year-later")
	tab.Wait(`document.querySelector("thimble-choices")`)
	nothingStored(t, tab)
	tab.Eval(`thimble.track("Product Viewed")`, nil)
	settles()
	if n := len(s.events()); n != 0 {
		t.Errorf("%d events under a yes that has run out", n)
	}
}
