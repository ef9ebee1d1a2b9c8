package js_test

import (
	"bytes"
	"compress/gzip"
	"crypto/rand"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"thimble/internal/collect/plan"
	"thimble/internal/collect/segment"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// The calls as Segment's specification shows them.
const calls = `(async () => {
	await thimble.identify("97980cfea0067", {name: "Peter Gibbons", email: "peter@example.org", plan: "premium", logins: 5});
	await thimble.track("User Registered", {plan: "Pro Annual", accountType: "Facebook"});
	await thimble.page("Retail Page", "Home", {price: 12});
	await thimble.page("Home");
	await thimble.page();
	await thimble.group("0e8c78ea9d97a7b8185e8632", {name: "Initech", industry: "Technology", employees: 329});
	await thimble.track("Order Completed", {order_id: "50314b8e9bcf000000000000", total: 27.5, currency: "USD", products: [{product_id: "507f1f77bcf86cd799439011", price: 19, quantity: 1}]}, {timestamp: "2026-11-01T10:00:00Z", integrations: {All: false}, context: {app: {name: "shop"}}});
	await thimble.alias("507f191e81");
	await thimble.flush();
	thimble.reset();
	await thimble.choose({"personalize.content.profiled": true, "train_ai_system": true});
	await thimble.identify({plan: "free"});
	await thimble.track("Undefined", {a: undefined, b: null, c: new Date(0), d: NaN, e: "cut \ud83d"});
	await thimble.flush();
})()`

// steady replaces what differs from run to run, and fails when it has not the form it
// is to have.
func steady(t *testing.T, e object, ids map[string]string, shop string) {
	t.Helper()
	if !regexp.MustCompile(`^thimble-[0-9]{12,13}-[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`).MatchString(e["messageId"].(string)) {
		t.Errorf("messageId = %q", e["messageId"])
	}
	e["messageId"] = "MESSAGE"
	at, err := time.Parse("2006-01-02T15:04:05.000Z", e["timestamp"].(string))
	if err != nil {
		t.Errorf("timestamp: %v", err)
	}
	if time.Since(at) < time.Hour {
		e["timestamp"] = "NOW"
	}
	for _, field := range []string{"anonymousId", "previousId"} {
		if v, ok := e[field].(string); ok && strings.Count(v, "-") == 4 {
			if ids[v] == "" {
				ids[v] = fmt.Sprintf("BROWSER %d", len(ids)+1)
			}
			e[field] = ids[v]
		}
	}
	in := e["context"].(object)
	for _, field := range []string{"locale", "timezone"} {
		if v, _ := in[field].(string); v == "" {
			t.Errorf("context.%s is missing", field)
		}
		in[field] = strings.ToUpper(field)
	}
	b, _ := json.Marshal(e)
	b = bytes.ReplaceAll(b, []byte(shop), []byte("https://shop.example"))
	clear(e)
	if err := json.Unmarshal(b, &e); err != nil {
		t.Fatal(err)
	}
}

func TestEachCallOnTheWire(t *testing.T) {
	s := newSite(t)
	tab := s.allowed()
	s.goTo(tab, "/shirts/linen?utm_source=mail&utm_medium=newsletter&utm_campaign=autumn&token=secret#part")

	tab.Eval(calls, nil)
	s.until("all have come", func() bool { return len(s.events()) == 10 })

	var got bytes.Buffer
	out := json.NewEncoder(&got)
	out.SetIndent("", "  ")
	ids := map[string]string{}
	for _, e := range s.events() {
		steady(t, e, ids, s.shop.URL)
		if err := out.Encode(e); err != nil {
			t.Fatal(err)
		}
	}
	golden(t, "testdata/wire.golden", got.Bytes())
	for _, r := range s.requests("/v1/b") {
		b := r.json(t)
		if b["writeKey"] != key || b["sentAt"] == nil || len(b) != 3 {
			t.Errorf("a batch has %v", b)
		}
	}
	if bytes.Contains(got.Bytes(), []byte("secret")) || bytes.Contains(bytes.ToLower(got.Bytes()), []byte("mozilla")) {
		t.Error("something left that has no purpose")
	}
	s.policyKept()
	tab.Quiet(t)
}

// specification are the examples of Segment's documents (segmentio/segment-docs, CC BY 4.0).
const specification = "../../internal/collect/segment/testdata/spec/segment_spec_examples.jsonl.gz"

// Each call that the specification shows comes out with the fields it was made with.
func TestEachExampleOfTheSpecificationComesOutAsItWasCalled(t *testing.T) {
	type example struct {
		Kind, Method, Source string
		Line                 int
		Args                 []any
	}
	f, err := os.Open(specification)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	s := newSite(t)
	tab := s.allowed()
	var made []example
	for d := json.NewDecoder(z); ; {
		var e example
		if err := d.Decode(&e); err == io.EOF {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		if _, text := append(e.Args, "")[0].(string); e.Kind == "call" && (e.Method != "track" || text) {
			args, _ := json.Marshal(e.Args)
			tab.Eval(fmt.Sprintf("thimble.%s(...%s)", e.Method, args), nil)
			made = append(made, e)
		}
	}
	s.until("all have come", func() bool { return len(s.events()) == len(made) })
	if len(made) < 50 {
		t.Fatalf("%d examples, want more", len(made))
	}
	for i, got := range s.events() {
		e := made[i]
		texts, inside := e.Args, any(object{})
		if j := slices.IndexFunc(e.Args, func(a any) bool { _, is := a.(object); return is }); j >= 0 {
			texts, inside = e.Args[:j], e.Args[j]
		}
		field := map[string]string{"track": "properties", "page": "properties", "identify": "traits", "group": "traits"}[e.Method]
		for name, want := range inside.(object) {
			if !cmp.Equal(got[field].(object)[name], want) {
				t.Errorf("%s:%d %s: %s.%s = %v, want %v", e.Source, e.Line, e.Method, field, name, got[field].(object)[name], want)
			}
		}
		for j, name := range map[string][]string{"track": {"event"}, "page": {"category", "name"}, "identify": {"userId"}, "group": {"groupId"}, "alias": {"userId"}}[e.Method] {
			if j < len(texts) && got[name] != texts[j] {
				t.Errorf("%s:%d %s: %s = %v, want %v", e.Source, e.Line, e.Method, name, got[name], texts[j])
			}
		}
		if got["type"] != e.Method {
			t.Errorf("%s:%d: type = %v, want %s", e.Source, e.Line, got["type"], e.Method)
		}
	}
}

func golden(t *testing.T, path string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}

// A post is one that a browser makes without asking first: no preflight, no cookie.
func TestAPostNeedsNoPreflight(t *testing.T) {
	s := newSite(t)
	tab := s.allowed()
	tab.Eval(`thimble.track("Product Viewed")`, nil)
	s.until("the event comes", func() bool { return len(s.events()) == 1 })
	for _, r := range s.requests("/") {
		if r.Method == http.MethodOptions {
			t.Errorf("a preflight was made for %s", r.Path)
		}
		if r.Method != http.MethodPost {
			continue
		}
		if got := r.Header.Get("Content-Type"); !strings.HasPrefix(got, "text/plain") {
			t.Errorf("%s: Content-Type = %q", r.Path, got)
		}
		for _, name := range []string{"Cookie", "Authorization", "Referer"} {
			if v := r.Header.Get(name); v != "" {
				t.Errorf("%s carries %s: %q", r.Path, name, v)
			}
		}
	}
}

// What leaves the browser is what the reader of Segment's wire reads, without a complaint.
func TestTheServersReaderTakesEveryEvent(t *testing.T) {
	s := newSite(t)
	tab := s.allowed()
	tab.Eval(calls, nil)
	s.until("all have come", func() bool { return len(s.events()) == 10 })
	compiled, err := plan.Compile(plan.Default())
	if err != nil {
		t.Fatal(err)
	}
	reader, read := segment.NewReader(compiled), 0
	for _, r := range s.requests("/v1/b") {
		b, err := reader.Read([]byte(r.Body), segment.Batch, segment.Arrival{At: time.Now(), Random: func(b []byte) { _, _ = rand.Read(b) }})
		if err != nil {
			t.Fatalf("the body is refused: %v", err)
		}
		for _, refused := range b.Refused {
			t.Errorf("an event is refused: %+v", refused)
		}
		read += len(b.Events)
	}
	if read != 10 {
		t.Errorf("%d events were read, want 10", read)
	}
}

func TestEventsComeTogetherAndInOrder(t *testing.T) {
	s := newSite(t)
	s.options["flushInterval"] = 200
	tab := s.allowed()
	tab.Eval(`for (let i = 0; i < 65; i++) thimble.track("n", {i})`, nil)
	s.until("all have come", func() bool { return len(s.events()) == 65 })
	for i, e := range s.events() {
		if got := e["properties"].(object)["i"]; got != float64(i) {
			t.Fatalf("event %d is number %v", i, got)
		}
	}
	if n := len(s.requests("/v1/b")); n > 5 {
		t.Errorf("%d requests for 65 events, want few", n)
	}
}

func TestABusyServerIsGivenItsTime(t *testing.T) {
	for _, status := range []int{http.StatusTooManyRequests, http.StatusServiceUnavailable} {
		s := newSite(t)
		tab := s.allowed()
		var at []time.Time
		s.answers(func(r request) (int, http.Header, string) {
			if r.Path != "/v1/b" {
				return 0, nil, ""
			}
			s.mu.Lock()
			defer s.mu.Unlock()
			if at = append(at, time.Now()); len(at) == 1 {
				return status, http.Header{"Retry-After": {"1"}}, "{}"
			}
			return 0, nil, ""
		})
		tab.Eval(`thimble.track("one")`, nil)
		s.until("it was tried", func() bool { return len(s.requests("/v1/b")) == 1 })
		tab.Eval(`thimble.track("two"); thimble.flush()`, nil)
		s.until("it was tried again", func() bool { return len(s.requests("/v1/b")) == 2 })
		s.mu.Lock()
		waited := at[1].Sub(at[0])
		s.mu.Unlock()
		if waited < time.Second {
			t.Errorf("%d: tried again after %v, want a second as it was asked", status, waited)
		}
		first, again := s.requests("/v1/b")[0].json(t)["batch"].([]any), s.requests("/v1/b")[1].json(t)["batch"].([]any)
		if len(again) != 2 || !cmp.Equal(first[0], again[0]) {
			t.Errorf("%d: sent again: %v", status, again)
		}
	}
}

func TestWhatTheServerRefusesIsNotSentAgain(t *testing.T) {
	s := newSite(t)
	tab := s.allowed()
	s.answers(func(r request) (int, http.Header, string) {
		if r.Path == "/v1/b" {
			return http.StatusBadRequest, nil, "{}"
		}
		return 0, nil, ""
	})
	tab.Eval(`thimble.track("one")`, nil)
	tab.Wait(`heard.some(e => e[0] === "drop" && e[1].reason === "refused" && e[1].status === 400 && e[1].count === 1)`)
	time.Sleep(time.Second)
	if n := len(s.requests("/v1/b")); n != 1 {
		t.Errorf("sent %d times", n)
	}
}

func TestWhatHappensOfflineIsSentLater(t *testing.T) {
	s := newSite(t)
	s.options["queueLimit"] = 10
	tab := s.allowed()
	tab.Offline(true)
	tab.Eval(`for (let i = 0; i < 15; i++) thimble.track("n", {i})`, nil)
	tab.Wait(`heard.filter(e => e[0] === "drop" && e[1].reason === "full").length === 5`)
	settles()
	if n := len(s.events()); n != 0 {
		t.Fatalf("%d events came while offline", n)
	}
	tab.Offline(false)
	s.until("they come", func() bool { return len(s.events()) == 10 })
	if got := s.events()[0]["properties"].(object)["i"]; got != 5.0 {
		t.Errorf("the oldest is number %v, want 5: the oldest make room", got)
	}
}

// What waits when a page goes away while the server cannot be reached is sent by the next.
func TestWhatWaitsOutlivesItsPage(t *testing.T) {
	s := newSite(t)
	tab := s.allowed()
	s.answers(func(r request) (int, http.Header, string) {
		if r.Path == "/v1/b" {
			return http.StatusServiceUnavailable, http.Header{"Retry-After": {"30"}}, "{}"
		}
		return 0, nil, ""
	})
	tab.Eval(`thimble.track("one"); thimble.track("two")`, nil)
	s.until("it was tried", func() bool { return len(s.requests("/v1/b")) == 1 })
	settles()
	tab.Eval(`localStorage.setItem("thimble.q.broken", "{")`, nil)
	s.answers(nil)
	s.goTo(tab, "/next")
	s.until("they come", func() bool { return len(s.requests("/v1/b")) == 2 })
	var names []any
	for _, e := range s.events()[len(s.events())-2:] {
		names = append(names, e["event"])
	}
	if !cmp.Equal(names, []any{"one", "two"}) {
		t.Errorf("sent later: %v", names)
	}
	tab.Wait(`Object.keys(localStorage).every(k => k === "thimble" || k === "thimble.q.broken")`)
}

func TestWhatWaitsLeavesWithThePage(t *testing.T) {
	s := newSite(t)
	s.options["flushInterval"] = 60_000
	tab := s.allowed()
	for _, leave := range []string{`location.href = "/next"`, `location.reload()`} {
		before := len(s.events())
		tab.Eval(`thimble.track("last words")`, nil)
		tab.Eval(leave, nil)
		s.until("it comes", func() bool { return len(s.events()) == before+1 })
		tab.Wait("window.started")
	}
	// What a browser does not send for a page that goes away is sent by the next.
	tab.Eval(`for (let i = 0; i < 10; i++) thimble.track("long", {text: "x".repeat(20_000)}); location.href = "/next"`, nil)
	s.until("the rest comes", func() bool { return len(s.events()) == 12 })
	tab.Wait("window.started")
	// A browser without keepalive sends a beacon.
	tab.Eval(`delete Request.prototype.keepalive; thimble.track("by beacon"); window.dispatchEvent(new Event("pagehide"))`, nil)
	s.until("it comes", func() bool { return len(s.events()) == 13 })
}

func TestAnEventThatIsTooLargeOrNoJSONCostsOnlyItself(t *testing.T) {
	s := newSite(t)
	tab := s.allowed()
	tab.Eval(`thimble.track("large", {text: "x".repeat(40_000)}); const round = {}; round.round = round; thimble.track("round", round); thimble.track("big", {n: 1n});
		thimble.track("when", {}, {timestamp: "no time"}); thimble.track("good")`, nil)
	s.until("the good one comes", func() bool { return len(s.events()) == 1 })
	settles()
	if got := s.events(); len(got) != 1 || got[0]["event"] != "good" {
		t.Errorf("came: %v", got)
	}
	if n := len(heard(tab, "drop")); n != 4 {
		t.Errorf("%d told as dropped, want 4", n)
	}
}

func TestWhatIsOlderThanADayIsNotSent(t *testing.T) {
	s := newSite(t)
	tab := s.allowed()
	tab.Eval(`localStorage.setItem("thimble.q.1", JSON.stringify([{j: '{"type":"track","event":"old"}', t: Date.now() - 864e5 - 1}, {j: '{"type":"track","event":"young","anonymousId":"a"}', t: Date.now() - 8e7}]))`, nil)
	s.goTo(tab, "/next")
	s.until("the young one comes", func() bool { return len(s.events()) == 1 })
	if got := s.events()[0]["event"]; got != "young" {
		t.Errorf("came: %v", got)
	}
}

func TestListenersAndCallbacksHearOfCalls(t *testing.T) {
	s := newSite(t)
	tab := s.allowed()
	var got []any
	tab.Eval(`(async () => { const got = [], hear = (...a) => got.push(a);
		thimble.on("track", hear); thimble.once("page", hear); thimble.on("identify", () => { throw Error("a listener's fault"); });
		await thimble.track("one", {a: 1}); await thimble.page("p"); await thimble.page("q"); await thimble.identify("u", {}, {}, m => got.push([m.userId]));
		thimble.off("track", hear); await thimble.track("two", m => got.push([m.event])); await thimble.ready(() => got.push(["ready"]));
		return JSON.parse(JSON.stringify(got)); })()`, &got)
	want := []any{[]any{"one", object{"a": 1.0}, nil}, []any{nil, "p", nil, nil}, []any{"u"}, []any{"two"}, []any{"ready"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("heard (-want +got):\n%s", diff)
	}
}

func TestOneLineStartsItAndTakesUpEarlierCalls(t *testing.T) {
	s := newSite(t)
	tab := s.allowed()
	s.goTo(tab, "/")
	tab.Eval(`(async () => { const before = window.thimble; window.thimble = [["track", "Early", {n: 1}]];
		await import("`+s.thimble.URL+`/sdk/thimble.js?writeKey=web_other"); return before !== window.thimble && typeof window.thimble.track; })()`, nil)
	s.until("the early call comes", func() bool { return len(s.events()) == 1 })
	if r := s.requests("/v1/b")[0].json(t); r["writeKey"] != "web_other" || s.events()[0]["event"] != "Early" {
		t.Errorf("came: %v", r)
	}
}
