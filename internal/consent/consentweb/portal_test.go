package consentweb

import (
	"context"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"thimble"
	"thimble/internal/consent"
	"thimble/internal/consent/consentdb"
	"thimble/internal/consent/signal"
	"thimble/internal/ledger"
	"thimble/internal/ledger/ledgerweb"
	"thimble/internal/web"
	"thimble/internal/web/webtest"
)

func TestWhatAnAnswerMakesOfAState(t *testing.T) {
	for _, tc := range []struct {
		now    consent.State
		answer string
		want   consent.State
	}{
		{"", yes, consent.Given}, {"", no, consent.Refused}, {"", "", ""}, {"", "maybe", ""},
		{consent.Given, yes, ""}, {consent.Given, no, consent.Withdrawn}, {consent.Given, "", ""},
		{consent.Renewed, no, consent.Withdrawn}, {consent.Deferred, no, consent.Refused}, {consent.Deferred, yes, consent.Given},
		{consent.Refused, yes, consent.Given}, {consent.Refused, no, ""},
		{consent.Withdrawn, yes, consent.Given}, {consent.Withdrawn, no, ""},
		{consent.Expired, yes, consent.Given}, {consent.Expired, no, consent.Withdrawn},
	} {
		got, changes := next(tc.now, tc.answer)
		if got != tc.want || changes != (tc.want != "") {
			t.Errorf("%q after %q = %q, %t, want %q", tc.answer, tc.now, got, changes, tc.want)
		}
	}
}

// A person is a store of one person's choices, and the doors they go through.
type person struct {
	t      *testing.T
	events []consent.Event
	at     time.Time
	age    consent.Age
	months int
	grew   bool
	child  thimble.SubjectID // whom the visitor answers for
	made   []consentdb.How
	portal http.Handler
	shop   http.Handler
}

var (
	ada = thimble.SubjectID{1}
	bob = thimble.SubjectID{2}
)

func (p *person) Questions(_ context.Context, _ thimble.SubjectID) ([]consent.Question, error) {
	all := consent.Standings(p.events, p.at)
	return consent.Questions(p.at, p.months, func(purpose thimble.Purpose, q consent.Scope) (consent.Standing, error) {
		st := consent.Decide(all[purpose], q, p.at)
		st.Purpose = purpose
		return st, nil
	}, func(consent.Standing) bool { return p.grew })
}

func (p *person) Record(_ context.Context, who thimble.SubjectID, choices []consent.Choice, how consentdb.How) ([]consentdb.Recorded, error) {
	for _, c := range choices {
		if err := p.age.Allows(c, how.By, true); err != nil {
			return nil, err
		}
		e := consent.Event{V: 1, Subject: who, Seq: int64(len(p.events) + 1), Purpose: c.Purpose, Scope: c.Scope, State: c.State, At: p.at, Notice: how.Notice.Ref(), UI: how.UI, By: how.By}
		if c.State.Permits() {
			e.Expires = p.age.Until(p.at, how.By)
			if !how.Until.IsZero() {
				e.Expires = how.Until
			}
		}
		p.events = append(p.events, e)
	}
	p.made = append(p.made, how)
	return nil, nil
}

func (p *person) Age(context.Context, thimble.SubjectID) (consent.Age, error) { return p.age, nil }

func (p *person) History(context.Context, thimble.Grant) (all []consentdb.Recorded, _ error) {
	for _, e := range p.events {
		all = append(all, consentdb.Recorded{Event: e})
	}
	return all, nil
}

func (p *person) now() time.Time { return p.at }

func somebody(t *testing.T) *person {
	t.Helper()
	kit, err := web.New(web.Config{Extra: []fs.FS{Assets(), ledgerweb.PortalAssets()}})
	if err != nil {
		t.Fatal(err)
	}
	p := &person{t: t, at: time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC), months: 6}
	section, err := Portal(kit, PortalDeps{
		Store: p, Log: receiptLog{}, Now: p.now, Controller: consent.Controller{Name: "Haberdashery", Contact: "not configured"},
		Own: func(context.Context, thimble.SubjectID, ...thimble.Category) (thimble.Grant, error) { return nil, nil },
		Children: func(context.Context, thimble.SubjectID) ([]thimble.SubjectID, error) {
			if p.child.IsZero() {
				return nil, nil
			}
			return []thimble.SubjectID{p.child}, nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	deps := ShopDeps{Store: p, Now: p.now}
	shopSection, err := Shop(kit, deps)
	if err != nil {
		t.Fatal(err)
	}
	ask := ShopPrompt(deps)
	p.portal = serve(section, &web.Frame{Kit: kit, Wrap: func(_ *http.Request, page web.Page) web.Page { page.Layout = web.Portal; return page }})
	pages, err := kit.Pages(ledgerweb.WithCheck(shopFiles), "pages/shop_*.html", asksPartial, ledgerweb.CheckPartial)
	if err != nil {
		t.Fatal(err)
	}
	frame := &web.Frame{Kit: kit, Wrap: func(r *http.Request, page web.Page) web.Page {
		page.Layout, page.Prompt = web.Shop, ask(r)
		return page
	}}
	home := web.Section{Mount: func(mux web.Routes, f *web.Frame) {
		shopSection.Mount(mux, f)
		mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
			f.Render(w, r, http.StatusOK, pages, "shop_choices.html", web.Page{Title: "Shop", Body: choicesBody{}})
		})
	}}
	p.shop = serve(home, frame)
	return p
}

func serve(s web.Section, f *web.Frame) http.Handler {
	mux := http.NewServeMux()
	s.Mount(mux, f)
	return mux
}

func (p *person) visit(h http.Handler, who thimble.SubjectID, method, path string, form url.Values) *httptest.ResponseRecorder {
	p.t.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Accept", "text/html")
	r = r.WithContext(web.WithVisitor(r.Context(), web.Visitor{Subject: who}))
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func (p *person) page(h http.Handler, path string) string {
	p.t.Helper()
	w := p.visit(h, ada, http.MethodGet, path, nil)
	if w.Code != http.StatusOK {
		p.t.Fatalf("GET %s = %d", path, w.Code)
	}
	return w.Body.String()
}

func (p *person) post(h http.Handler, path string, form url.Values) int {
	p.t.Helper()
	form.Set("notice", consent.Current().Ref().SHA256)
	return p.visit(h, ada, http.MethodPost, path, form).Code
}

// said is what was recorded, as "purpose scope state".
func (p *person) said() (all []string) {
	for _, e := range p.events {
		all = append(all, strings.Join(strings.Fields(string(e.Purpose)+" "+e.Scope.String()+" "+string(e.State)), " "))
	}
	return all
}

const (
	lists = "personalize.content.profiled"
	learn = "train_ai_system"
)

func TestTheWholeNoticeIsOnThePage(t *testing.T) {
	p := somebody(t)
	page := p.page(p.portal, choicesPath)
	webtest.Check(t, page)
	shown := webtest.Select(t, page, "form")[0]
	for _, part := range append([]string{closing(consent.Current())}, asked()...) {
		if !strings.Contains(shown, part) {
			t.Errorf("the page does not show %q", part)
		}
	}
}

func asked() (all []string) {
	for _, a := range consent.Asked {
		all = append(all, a.Title, a.What, a.With, a.Without)
		for _, p := range a.Parts {
			all = append(all, p.Title, p.With, p.Without)
		}
	}
	return all
}

func TestNothingIsTickedForWhoeverHasNotAnswered(t *testing.T) {
	p := somebody(t)
	for name, page := range map[string]string{"the privacy centre": p.page(p.portal, choicesPath), "the shop's form": p.page(p.shop, ShopChoices), "the banner": p.page(p.shop, "/")} {
		if got := webtest.SelectAttr(t, page, "input[checked], option[selected]", "name"); len(got) != 0 {
			t.Errorf("%s ticks %q", name, got)
		}
	}
	// Nor for a yes to less than is asked now, which a save would renew unseen.
	p.Record(t.Context(), ada, []consent.Choice{{Purpose: lists, State: consent.Given}}, consentdb.How{})
	p.grew = true
	if got := webtest.SelectAttr(t, p.page(p.portal, choicesPath), "input[name=choice-0][checked]", "value"); len(got) != 0 {
		t.Errorf("a yes to less ticks %q", got)
	}
	if p.post(p.portal, choicesPath, url.Values{}); len(p.events) != 1 {
		t.Errorf("saving without an answer recorded %q", p.said())
	}
}

// clicks is how many buttons, links and fields somebody has to use to give one answer
// to everything.
func clicks(t *testing.T, page, form, answer string) int {
	t.Helper()
	if len(webtest.Select(t, page, form+" button[name=all][value="+answer+"]")) == 1 {
		return 1
	}
	return len(webtest.Select(t, page, form+" input[value="+answer+"]")) + 1
}

// TestRefusingIsAsEasyAsAllowing counts clicks, and holds the two answers side by side:
// the same element, the same look, and the no first.
func TestRefusingIsAsEasyAsAllowing(t *testing.T) {
	p := somebody(t)
	for name, c := range map[string]struct{ page, form, row string }{
		"the privacy centre": {p.page(p.portal, choicesPath), ".choicesform", ".choicebuttons"},
		"the shop's form":    {p.page(p.shop, ShopChoices), ".choicesform", ".choicebuttons"},
		"the banner":         {p.page(p.shop, "/"), ".prompt form", ".promptbuttons"},
	} {
		if y, n := clicks(t, c.page, c.form, yes), clicks(t, c.page, c.form, no); y != n || n != 1 {
			t.Errorf("%s: %d clicks to allow, %d to refuse", name, y, n)
		}
		buttons := webtest.SelectAttr(t, c.page, c.row+" [name=all]", "value")
		looks := webtest.SelectAttr(t, c.page, c.row+" [name=all]", "class")
		if !slices.Equal(buttons, []string{no, yes}) || len(looks) != 2 || looks[0] != looks[1] {
			t.Errorf("%s: buttons %q look %q", name, buttons, looks)
		}
		allows, refuses := webtest.SelectAttr(t, c.page, "input[type=radio][value=allow]", "name"), webtest.SelectAttr(t, c.page, "input[type=radio][value=refuse]", "name")
		if !slices.Equal(allows, refuses) {
			t.Errorf("%s: what can be allowed is %q, what can be refused %q", name, allows, refuses)
		}
	}
	banner := p.page(p.shop, "/")
	if looks := webtest.SelectAttr(t, banner, ".promptbuttons > *", "class"); !slices.Equal(looks, []string{"button", "button", "button"}) {
		t.Errorf("the banner's three buttons look %q", looks)
	}
	// Taking a yes back takes as many clicks as giving it.
	if p.post(p.portal, choicesPath, url.Values{"all": {yes}}); clicks(t, p.page(p.portal, choicesPath), ".choicesform", no) != 1 {
		t.Error("withdrawing takes more than one click")
	}
}

func TestAPartIsLeftOutOnThePage(t *testing.T) {
	p := somebody(t)
	p.post(p.portal, choicesPath, url.Values{"choice-0": {yes}, "choice-0-part-1": {no}, "choice-1": {no}})
	want := []string{lists + " given", lists + " signal=returns refused", learn + " refused"}
	if !slices.Equal(p.said(), want) {
		t.Fatalf("recorded %q, want %q", p.said(), want)
	}
	page := p.page(p.portal, choicesPath)
	if got := webtest.SelectAttr(t, page, "input[checked]", "name"); !slices.Equal(got, []string{"choice-0", "choice-0-part-0", "choice-0-part-1", "choice-1"}) {
		t.Errorf("ticked: %q", got)
	}
	// Saving the page as it is changes nothing, and allowing all the rest leaves it out.
	same := url.Values{"choice-0": {yes}, "choice-0-part-0": {yes}, "choice-0-part-1": {no}, "choice-1": {no}}
	p.post(p.portal, choicesPath, same)
	p.post(p.portal, choicesPath, url.Values{"all": {yes}})
	if got := p.said()[3:]; !slices.Equal(got, []string{learn + " given"}) {
		t.Errorf("recorded %q", got)
	}
	p.post(p.portal, choicesPath, url.Values{"choice-0": {yes}, "choice-0-part-1": {yes}})
	if got := p.said()[4:]; !slices.Equal(got, []string{lists + " signal=returns given"}) {
		t.Errorf("taking it in again recorded %q", got)
	}
}

func TestThePageSaysSinceWhenUntilWhenByWhomAndWhenWeAsk(t *testing.T) {
	p := somebody(t)
	p.Record(t.Context(), ada, []consent.Choice{{Purpose: lists, State: consent.Given}, {Purpose: learn, State: consent.Refused}}, consentdb.How{By: consent.By{Actor: "subject", Auth: "session"}})
	p.events[1].By = consent.By{Actor: "signal:till"}
	text := strings.Join(webtest.Select(t, p.page(p.portal, choicesPath), ".ask"), "\n")
	for _, part := range []string{"You chose this", "The yes ends by itself on 22 Nov 2027", "We ask again from 22 Oct 2027 on", "You, in the store, chose this", "We ask again from 22 May 2027 on"} {
		if !strings.Contains(text, part) {
			t.Errorf("the page does not say %q:\n%s", part, text)
		}
	}
	links := webtest.SelectAttr(t, p.page(p.portal, choicesPath), ".ask a", "href")
	record := links[slices.IndexFunc(links, func(l string) bool { return strings.HasPrefix(l, choicesPath+"/record/") })]
	w := p.visit(p.portal, ada, http.MethodGet, record, nil)
	if w.Header().Get("Content-Type") != "application/ld+json" || !strings.Contains(w.Body.String(), "Haberdashery") || !strings.Contains(w.Header().Get("Content-Disposition"), "attachment") {
		t.Errorf("the record: %d %v %s", w.Code, w.Header(), w.Body)
	}
	if w := p.visit(p.portal, ada, http.MethodGet, choicesPath+"/record/9-"+bob.String(), nil); w.Code != http.StatusNotFound {
		t.Errorf("somebody else's record = %d", w.Code)
	}
}

func TestAYesThatRunsOutIsRenewedOrEndedByOneClick(t *testing.T) {
	p := somebody(t)
	p.post(p.portal, choicesPath, url.Values{"choice-0": {yes}})
	if got := webtest.Select(t, p.page(p.portal, choicesPath), "button[name=renew]"); len(got) != 0 {
		t.Error("a fresh yes is asked to be renewed")
	}
	p.at = p.at.AddDate(0, 11, 10)
	page := p.page(p.portal, choicesPath)
	if got := webtest.SelectAttr(t, page, ".pair button", "name"); !slices.Equal(got, []string{"end", "renew"}) {
		t.Fatalf("buttons %q", got)
	}
	p.post(p.portal, choicesPath, url.Values{"choice-0": {yes}, "renew": {"choice-0"}})
	p.at = p.at.AddDate(0, 11, 10)
	p.post(p.portal, choicesPath, url.Values{"choice-0": {yes}, "end": {"choice-0"}})
	if want := []string{lists + " given", lists + " renewed", lists + " withdrawn"}; !slices.Equal(p.said(), want) {
		t.Errorf("recorded %q, want %q", p.said(), want)
	}
}

// privacy.md, case 39.
func TestWhatABrowserSaysAgainstTheAccountIsShown(t *testing.T) {
	p := somebody(t)
	gpc := consent.By{Actor: signal.FromGPC.Actor(), Auth: "session"}
	p.events = []consent.Event{
		{V: 1, Seq: 1, Purpose: signal.Sharing, State: consent.Given, At: p.at.AddDate(0, -1, 0), By: consent.By{Actor: "subject"}},
		{V: 1, Seq: 2, Purpose: signal.Sharing, State: consent.Withdrawn, At: p.at, By: gpc},
		{V: 1, Seq: 3, Purpose: signal.AdProfiles, State: consent.Refused, At: p.at, By: gpc},
	}
	text := strings.Join(webtest.Select(t, p.page(p.portal, choicesPath), ".callout"), "\n")
	for _, part := range []string{
		"Selling or sharing your data: your browser and your account disagree", "On 22 October 2026 you allowed it", "the stricter holds", "Which is right?",
		"Profiles for advertising: off",
	} {
		if !strings.Contains(text, part) {
			t.Errorf("the page does not say %q:\n%s", part, text)
		}
	}
	if strings.Count(text, "disagree") != 1 {
		t.Errorf("a signal that contradicts nothing is shown as one that does:\n%s", text)
	}
}

func TestAChildCanOnlySayNoAndAGuardianDecides(t *testing.T) {
	p := somebody(t)
	p.age = consent.Age{Known: true}
	page := p.page(p.portal, choicesPath)
	if got := webtest.Select(t, page, "[value=allow]"); len(got) != 0 || !strings.Contains(page, "A guardian decides") {
		t.Errorf("a child is offered a yes: %q", got)
	}
	if code := p.post(p.portal, choicesPath, url.Values{"choice-0": {yes}}); code != http.StatusForbidden || len(p.events) != 0 {
		t.Errorf("a child's yes = %d", code)
	}
	if got := webtest.Select(t, p.page(p.shop, "/"), ".prompt"); len(got) != 0 {
		t.Errorf("a child is asked: %q", got)
	}
	path := childPath + bob.String()
	if w := p.visit(p.portal, ada, http.MethodGet, path, nil); w.Code != http.StatusNotFound {
		t.Errorf("somebody who is no guardian = %d", w.Code)
	}
	if code := p.post(p.portal, path, url.Values{"choice-0": {yes}}); code != http.StatusNotFound || len(p.events) != 0 {
		t.Errorf("somebody who is no guardian decides = %d", code)
	}
	p.child = bob
	if links := webtest.SelectAttr(t, p.page(p.portal, choicesPath), "[aria-labelledby=children] a", "href"); !slices.Equal(links, []string{path}) {
		t.Errorf("a guardian is led to %q", links)
	}
	webtest.Check(t, p.page(p.portal, path))
	if code := p.post(p.portal, path, url.Values{"choice-0": {yes}, "until": {"2020-01-01"}}); code != http.StatusUnprocessableEntity {
		t.Errorf("a day that is over = %d", code)
	}
	if code := p.post(p.portal, path, url.Values{"choice-0": {yes}, "until": {"2027-03-14"}}); code != http.StatusSeeOther {
		t.Fatalf("a guardian's yes = %d", code)
	}
	e := p.events[0]
	if e.Subject != bob || e.By != (consent.By{Actor: "guardian", Auth: "session", Guardian: ada}) || e.Expires.Format(time.DateOnly) != "2027-03-14" || e.UI.Component != guardianUI {
		t.Errorf("recorded %+v", e)
	}
	p.child = thimble.SubjectID{}
	if text := strings.Join(webtest.Select(t, p.page(p.portal, choicesPath), ".ask"), "\n"); !strings.Contains(text, "Your guardian chose this") {
		t.Errorf("the child is not shown who decided:\n%s", text)
	}
}

func TestAFormFromAnotherTextIsNotSaved(t *testing.T) {
	p := somebody(t)
	for path, h := range map[string]http.Handler{choicesPath: p.portal, ShopChoices: p.shop, shopBanner: p.shop} {
		w := p.visit(h, ada, http.MethodPost, path, url.Values{"notice": {"00"}, "all": {yes}})
		if w.Code != http.StatusConflict || !strings.Contains(w.Body.String(), "The text has changed") || len(p.events) != 0 {
			t.Errorf("%s = %d, recorded %q", path, w.Code, p.said())
		}
	}
}

// receiptLog makes no receipts: the pages only name where they are.
type receiptLog struct{}

func (receiptLog) Receipt(context.Context, ledger.Opening) (*ledger.Receipt, error) {
	return nil, thimble.ErrUnavailable
}

func (receiptLog) VerifierKey() string { return "key" }
