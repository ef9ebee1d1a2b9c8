package portal_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"thimble"
	"thimble/internal/consent"
	"thimble/internal/gate"
	"thimble/internal/ledger"
	"thimble/internal/rights"
	"thimble/internal/session"
	"thimble/internal/web/webtest"
)

func one(t *testing.T, page, selector string) string {
	t.Helper()
	found := webtest.Select(t, page, selector)
	if len(found) == 0 {
		t.Fatalf("nothing matches %q in: %s", selector, strings.Join(webtest.Select(t, page, "main"), " "))
	}
	return found[0]
}

func TestWhoAllowsItGetsAListWithReasonsAndWhoRefusesThePopularOne(t *testing.T) {
	h := open(t)
	ada := h.signedIn(0)

	home := ada.page("/")
	if got := one(t, home, "#for-you"); got != "For you" {
		t.Fatalf("the first shelf is %q", got)
	}
	if got := one(t, home, ".product .why"); !strings.HasPrefix(got, "Because you bought ") {
		t.Errorf("the reason is %q", got)
	}
	why := webtest.SelectAttr(t, home, ".product .why a", "href")[0]
	page := ada.page(why)
	sums := webtest.Select(t, page, ".whyresult:first-of-type .sum tfoot .num")
	if points := one(t, page, ".whyresult:first-of-type .points"); len(sums) != 1 || points != sums[0]+" points" {
		t.Errorf("the sum is %v, the score %q", sums, points)
	}
	if got := h.signedIn(1).page("/"); len(webtest.Select(t, got, "#for-you")) != 0 || !strings.Contains(one(t, got, ".shelfwhy"), "you do not allow it") {
		t.Errorf("who refused everything sees %q", one(t, got, ".shelfwhy"))
	}
	if got := one(t, h.guest().page("/"), "#popular"); got != "Popular" {
		t.Errorf("a stranger sees %q", got)
	}

	// Another person's decision is not found, like one that never was.
	path, _, _ := strings.Cut(why, "#")
	for _, p := range []string{path, strings.Replace(path, "/shop/why/", "/privacy/decisions/", 1), strings.Replace(path, "/shop/why/", "/privacy/receipts/decision/", 1)} {
		if code, _ := h.signedIn(2).get(p); code != http.StatusNotFound {
			t.Errorf("a stranger's GET %s = %d, want 404", p, code)
		}
		if _, body := h.guest().get(p); len(webtest.Select(t, body, "h1")) == 0 || one(t, body, "h1") != "Sign in to your privacy centre" {
			t.Errorf("nobody's GET %s does not lead to the sign-in", p)
		}
	}
}

func TestRefusingWorksAtTheNextRequestAndHasAReceipt(t *testing.T) {
	h := open(t)
	ada := h.signedIn(0)
	notice := webtest.SelectAttr(t, ada.page("/privacy/choices"), "input[name=notice]", "value")[0]

	_, page := ada.post("/privacy/choices", url.Values{"notice": {notice}, "choice-0": {"refuse"}, "choice-1": {"allow"}})

	if got := one(t, page, ".flash"); !strings.HasPrefix(got, "Saved.") {
		t.Errorf("the answer is %q", got)
	}
	if got := webtest.Select(t, ada.page("/"), "#for-you"); len(got) != 0 {
		t.Error("the personal list is still there")
	}
	standing := must(h.consents.Standing(t.Context(), h.customers[0].Subject, thimble.PersonalizeContent))(t)
	if standing.State != consent.Withdrawn {
		t.Errorf("state = %q, want withdrawn", standing.State)
	}
	file := webtest.SelectAttr(t, page, ".receipt", "data-receipt")[0]
	got := h.verified(ada, file)
	if e := must(consent.Unmarshal(got.Record))(t); e.State != consent.Withdrawn || e.By.Actor != "subject" || e.Notice.SHA256 != notice {
		t.Errorf("the receipt says %+v", e)
	}

	// The same answer again is nothing new.
	if _, page = ada.post("/privacy/choices", url.Values{"notice": {notice}, "choice-0": {"refuse"}, "choice-1": {"allow"}}); !strings.HasPrefix(one(t, page, ".flash"), "Nothing has changed") {
		t.Error("an unchanged answer is recorded")
	}
	// An answer to another text is not taken.
	if code, _ := ada.post("/privacy/choices", url.Values{"notice": {"00"}, "choice-0": {"allow"}}); code != http.StatusConflict {
		t.Errorf("an answer to another text = %d, want 409", code)
	}
}

func TestAllAndNothingAreOneButtonEach(t *testing.T) {
	h := open(t)
	new := h.signedIn(3)
	page := new.page("/privacy/choices")
	if got := webtest.SelectAttr(t, page, "input[checked]", "value"); len(got) != 0 {
		t.Errorf("somebody who was not asked finds %v chosen", got)
	}
	notice := webtest.SelectAttr(t, page, "input[name=notice]", "value")[0]
	state := func() consent.State {
		return must(h.consents.Standing(t.Context(), h.customers[3].Subject, thimble.TrainAISystem))(t).State
	}
	for _, step := range []struct {
		all  string
		want consent.State
	}{{"refuse", consent.Refused}, {"allow", consent.Given}, {"refuse", consent.Withdrawn}} {
		new.post("/privacy/choices", url.Values{"notice": {notice}, "all": {step.all}})
		if got := state(); got != step.want {
			t.Errorf("after %s all: %q, want %q", step.all, got, step.want)
		}
	}
}

// verified loads a receipt, once it is sealed, and checks it offline.
func (h *house) verified(g *guest, path string) ledger.Opened {
	h.Helper()
	for range 50 {
		code, text := g.get(path)
		if code == http.StatusServiceUnavailable {
			time.Sleep(50 * time.Millisecond)
			continue
		}
		if code != http.StatusOK {
			h.Fatalf("GET %s = %d", path, code)
		}
		return must(ledger.Verify([]byte(text), h.ledger.VerifierKey()))(h)
	}
	h.Fatalf("%s is never sealed", path)
	return ledger.Opened{}
}

func TestAOneTimeLinkIsUsedUpByTheButtonAlone(t *testing.T) {
	h := open(t)
	link := "/privacy/link/" + must(h.sessions.Link(t.Context(), session.Who{Audience: session.Customer, Subject: h.customers[0].Subject}))(t)
	for range 2 {
		if page := h.guest().page(link); !strings.Contains(one(t, page, "form[method=post] button"), "Open my privacy centre") {
			t.Error("the link's page has no button")
		}
	}
	ada := h.guest()
	if _, page := ada.post(link, nil); one(t, page, "h1") != "Your data, your choices" || one(t, page, ".account .who") != "Customer 17850" {
		t.Errorf("the button leads to %q", one(t, page, "h1"))
	}
	if code, page := h.guest().post(link, nil); code != http.StatusForbidden || one(t, page, "h1") != "This link does not work any more" {
		t.Errorf("using the link again = %d %q", code, one(t, page, "h1"))
	}
	if _, page := ada.post("/privacy/sign-out", nil); one(t, page, "h1") != "Sign in to your privacy centre" {
		t.Error("signing out does not sign out")
	}
}

func TestReadsByStaffAreShownWithTheirReceipts(t *testing.T) {
	h := open(t)
	who := h.customers[0].Subject
	must(h.gate.Open(t.Context(), gate.Request{Actor: gate.Actor{Kind: gate.Staff, Name: "mara"}, Subject: who, Purpose: thimble.SupportOperations, Categories: []thimble.Category{thimble.PurchaseHistory}}))(t)
	ada := h.signedIn(0)
	ada.page("/")
	if err := h.uses.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	page := ada.page("/privacy/access")
	got := strings.Join(webtest.Select(t, page, "#staff tbody td"), "|")
	if !strings.HasPrefix(got, "mara|helping you when you asked for help|what you bought|") {
		t.Errorf("the read is shown as %q", got)
	}
	if got := webtest.Select(t, page, "#machines tbody td:nth-child(2)"); !slices.Contains(got, "lists made for you") {
		t.Errorf("the programs are shown as %q", got)
	}
	receipt := webtest.SelectAttr(t, page, "#staff tbody a.button", "href")[0]
	if got := h.verified(ada, receipt+"/file"); got.Class != ledger.Access || !strings.Contains(string(got.Record), "mara") {
		t.Errorf("the receipt says %s: %s", got.Class, got.Record)
	}
	if code, _ := h.signedIn(1).get(receipt); code != http.StatusNotFound {
		t.Errorf("a stranger's GET of the receipt = %d, want 404", code)
	}
}

func TestEverythingHeldIsShownAndTakenAlong(t *testing.T) {
	h := open(t)
	ada := h.signedIn(0)
	ada.page("/")
	page := ada.page("/privacy/data")
	for _, id := range []string{"subject", "session", "consent", "order", "decision", "recommend"} {
		if len(webtest.Select(t, page, "#holding-"+id)) != 1 {
			t.Errorf("nothing is shown of %s", id)
		}
	}
	ada.page("/privacy/data?of=order&page=1")
	if code, _ := ada.get("/privacy/data?of=nobody"); code != http.StatusNotFound {
		t.Errorf("an unknown holder = %d", code)
	}
	_, body := ada.get("/privacy/data.json")
	var archive rights.Archive
	if err := json.Unmarshal([]byte(body), &archive); err != nil || len(archive.Data) < 5 {
		t.Errorf("the download holds %d entries: %v", len(archive.Data), err)
	}
}

func TestForgettingWantsTheWordAndProvesItself(t *testing.T) {
	h := open(t)
	ada := h.signedIn(0)
	ada.page("/")
	code, page := ada.post("/privacy/forget", url.Values{"word": {"forget"}})
	if code != http.StatusUnprocessableEntity || !strings.Contains(one(t, page, ".errorsummary"), "Nothing was deleted") {
		t.Fatalf("a wrong word = %d %q", code, one(t, page, "main"))
	}

	code, page = ada.post("/privacy/forget", url.Values{"word": {"FORGET"}})

	if code != http.StatusOK || one(t, page, "h1") != "You are forgotten" {
		t.Fatalf("forgetting = %d %q", code, one(t, page, "h1"))
	}
	if len(webtest.Select(t, page, ".account")) != 0 {
		t.Error("somebody is still signed in")
	}
	file := webtest.SelectAttr(t, page, ".receipt", "data-receipt")[0]
	// The proof needs nobody signed in, and names nobody.
	got := h.verified(h.guest(), file)
	if got.Class != ledger.Erasure || strings.Contains(string(got.Record), h.customers[0].Subject.String()) {
		t.Errorf("the receipt says %s: %s", got.Class, got.Record)
	}
	if _, page := ada.get("/privacy"); one(t, page, "h1") != "Sign in to your privacy centre" {
		t.Error("the forgotten can still come in")
	}
	// A request that is no erasure has no such page.
	must(h.desk.Access(t.Context(), h.customers[1].Subject))(t)
	for _, r := range must(h.requests.List(t.Context(), 10))(t) {
		code, _ := h.guest().get("/privacy/forgotten/" + r.ID.Token(rights.TokenPrefix))
		if want := map[rights.Kind]int{rights.Access: 404, rights.Erase: 200}[r.Kind]; code != want {
			t.Errorf("the page of a request of kind %s = %d, want %d", r.Kind, code, want)
		}
	}
}

func TestAnAnswerComesFromAFixedListAndTheSignalIsSeen(t *testing.T) {
	h := open(t)
	ada := h.signedIn(0)
	if got := webtest.Select(t, ada.page("/privacy?done=you+won"), ".flash"); len(got) != 0 {
		t.Errorf("an address put %q on a page", got)
	}
	req := must(http.NewRequest(http.MethodGet, h.url+"/privacy", nil))(t)
	req.Header.Set("Sec-GPC", "1")
	if _, page := ada.read(ada.client.Do(req)); !strings.Contains(one(t, page, "[aria-label='Privacy signal']"), "Global Privacy Control") {
		t.Error("the signal is not answered")
	}
	if code, _ := ada.get("/privacy/nothing"); code != http.StatusNotFound {
		t.Errorf("an unknown page = %d", code)
	}
}
