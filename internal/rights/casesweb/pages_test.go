package casesweb

import (
	"slices"
	"testing"
	"time"

	"thimble"
	"thimble/internal/rights"
	"thimble/internal/rights/cases"
	"thimble/internal/rights/casesdb"
	"thimble/internal/rights/certificate"
	"thimble/internal/rights/letters"
	"thimble/internal/web"
	"thimble/internal/web/webtest"
)

var at = time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)

// some are cases in every state.
func some() (all []cases.Case) {
	for i, s := range cases.States() {
		c := cases.Case{ID: thimble.ID{byte(i + 1)}, Subject: thimble.SubjectID{1}, Kind: cases.Erase, Via: cases.Agent, State: s, At: at, Due: at.AddDate(0, 0, i-1), Staff: "zoe"}
		c.Rule, c.Void, c.Extended, c.Cools = "eu.gdpr, Art. 12(3): 1mo", []string{"told too late"}, true, at.AddDate(1, 0, 0)
		if s.Final() {
			c.Closed = at
		}
		all = append(all, c)
	}
	return all
}

func pagesOf(t *testing.T, files interface {
	pages(*web.Kit) (*web.Pages, error)
}) *web.Pages {
	t.Helper()
	kit, err := web.New(web.Config{})
	if err != nil {
		t.Fatal(err)
	}
	pages, err := files.pages(kit)
	if err != nil {
		t.Fatal(err)
	}
	return pages
}

type consolePages struct{}

func (consolePages) pages(kit *web.Kit) (*web.Pages, error) {
	return kit.Pages(consoleFiles, "pages/console_*.html")
}

type portalPages struct{}

func (portalPages) pages(kit *web.Kit) (*web.Pages, error) {
	return kit.Pages(portalFiles, "pages/portal_*.html")
}

func TestEveryPageRendersWithNothingAndWithEverything(t *testing.T) {
	var written []letters.Letter
	for i, k := range letters.Kinds() {
		written = append(written, letters.Letter{Step: i, Kind: k, State: letters.Unsent, Why: letters.NoServer, At: at})
	}
	timeline := web.Timeline{Title: "What happened", Items: []web.Moment{{At: at, Title: "It was asked", Who: "zoe", Text: "please", Proof: "receipt", ProofHref: "/r"}}}
	d := &console{ConsoleDeps: ConsoleDeps{Now: func() time.Time { return at }, Mails: func() bool { return false }}}
	body := consoleCaseBody{Problem: &web.Callout{Title: "No"}, Timeline: timeline, Facts: consoleFacts(some()[0], d)}
	body.Do, body.Forms = offers(some()[0], "zoe", []string{"zoe", "max"})
	body.Letters = letterTable(written)
	body.Do = append(body.Do, letterOffers(some()[0], written)...)
	body.Fix, body.Outcome = &web.Table{ID: "fix", Caption: "What is to be corrected"}, outcome{Facts: reached(corrected)}
	webtest.RenderAll(t, pagesOf(t, consolePages{}), map[string]web.Page{
		"console_cases.html": {Layout: web.Console, Title: "Requests", Body: consoleListBody{d.noLetters(), queueTable(some(), false, at)}},
		"console_new.html":   {Layout: web.Console, Title: "Enter", Body: formBody{newForm().Explain(web.FieldProblem{Field: "kind", Detail: "choose"})}},
		"console_case.html":  {Layout: web.Console, Title: "Erasure", Body: body},
	})
	p := &portal{PortalDeps: PortalDeps{Now: func() time.Time { return at }}}
	show := showBody{Facts: facts(some()[2], at), Timeline: timeline}
	p.offer(&show, some()[2], true)
	show.Letters = letterTable(written)
	show.Outcome = outcome{Facts: reached(corrected), Anew: web.Table{ID: "anew", Rows: []web.Row{{Cells: web.Cells("a", "b", "c")}}, Columns: []web.Column{{Label: "Before"}, {Label: "Now"}, {Label: "What changed"}}}}
	action := button("Stop it", cases.Sale, "", "sale")
	limits := limitsBody{Rest: limitView{"All", "Text", on, action, action}, OptOuts: []limitView{{"Sale", "Text", off, action, action}}, Uses: []limitView{{"Lists", "Text", on, action, action}}}
	webtest.RenderAll(t, pagesOf(t, portalPages{}), map[string]web.Page{
		"portal_requests.html": {Layout: web.Portal, Title: "My requests", Body: listBody{listed(some(), at), p.form(2)}},
		"portal_request.html":  {Layout: web.Portal, Title: "Erasure", Body: show},
		"portal_correct.html":  {Layout: web.Portal, Title: "This is wrong", Body: correctBody{[]web.KeyValue{{Key: "Country", Value: "FR"}}, []web.Action{{Label: "shirt, 2", Href: CorrectPath}}, correctForm(wrong)}},
		"portal_limit.html":    {Layout: web.Portal, Title: "Limits", Body: limits},
	})
}

// What came of a correction, and a value that is wrong.
var (
	corrected = rights.Report{
		Kind: rights.Rectify, Holders: []rights.HolderLine{{Holder: "order", Count: 1, Kept: []thimble.Kept{{Count: 1, What: "the order", Law: "§ 147 AO"}}}}, Models: &rights.Models{Before: "aa", After: "bb"},
		Decisions: &rights.Rescored{Fed: 3, Ended: 1, Anew: []rights.AnewMade{{Was: "dec_1", Now: "dec_2", Changed: true}}, Not: []rights.NotRemade{{Was: "dec_3", Why: "nobody makes it"}}},
		Told:      []certificate.Recipient{{Name: "Parcels"}},
	}
	wrong = rights.Held{Datum: thimble.Datum{Holder: "subject", Name: "residence"}, Remedy: thimble.Remedy{Title: "Country", Was: "FR", Choices: []thimble.RemedyChoice{{Key: "replace", Words: "Another", Asks: "Which", AtOnce: true}, {Key: "remove", Words: "None"}}}}
)

func TestEachStateOffersWhatCanFollowAndNothingElse(t *testing.T) {
	for _, c := range some() {
		do, forms := offers(c, "max", []string{"max"})
		var offered []cases.What
		for _, a := range do {
			offered = append(offered, cases.What(a.Hidden[0].Value))
		}
		for _, f := range forms {
			offered = append(offered, cases.What(f.Form.Fields[0].Value))
		}
		for _, w := range offered {
			if !c.May(w) {
				t.Errorf("%s is offered while it is %s", w, c.State)
			}
		}
		if final := c.State.Final(); final != (len(offered) == 0) {
			t.Errorf("while it is %s there is offered %v", c.State, offered)
		}
	}
}

func TestEveryStepAndStateHasWords(t *testing.T) {
	for _, w := range append(cases.Whats(), cases.Opened) {
		if whatWords[w] == "" {
			t.Errorf("%s has no words", w)
		}
	}
	for _, s := range cases.States() {
		if stateBadges[s].Text == "" {
			t.Errorf("%s has no badge", s)
		}
	}
}

func TestAPageOfTheQueueIsFoundAgain(t *testing.T) {
	c := some()[0]
	got, err := placeOf(cursor(c, false))
	if err != nil || got.ID != c.ID || !got.At.Equal(c.Due) {
		t.Errorf("got %+v, %v", got, err)
	}
	for _, bad := range []string{"x", "1", "1-req_1", "-", "99999999999999999999-case_1"} {
		if p, err := placeOf(bad); err == nil {
			t.Errorf("%q is taken for %+v", bad, p)
		}
	}
	if first, err := placeOf(""); err != nil || first != (casesdb.Place{}) {
		t.Errorf("the first page: %+v, %v", first, err)
	}
}

func TestTheDeskSaysOnceThatNobodyIsWrittenTo(t *testing.T) {
	for mails, want := range map[bool]bool{true: false, false: true} {
		d := &console{ConsoleDeps: ConsoleDeps{Mails: func() bool { return mails }}}
		if got := d.noLetters() != nil; got != want {
			t.Errorf("with mail %t it says so: %t", mails, got)
		}
	}
}

func TestWhatLiesReadyIsNotOfferedToBeExtended(t *testing.T) {
	c := cases.Case{ID: thimble.ID{1}, Subject: thimble.SubjectID{1}, Kind: cases.Access, Via: cases.Mail, State: cases.Executing, Facts: cases.Facts{Proof: cases.Compared}}
	for _, ready := range []time.Time{{}, at} {
		c.Ready = ready
		_, forms := offers(c, "zoe", nil)
		offered := slices.ContainsFunc(forms, func(f actForm) bool { return f.Form.ID == string(cases.Prolonged) })
		if offered != ready.IsZero() {
			t.Errorf("ready %s: more time is offered: %t", ready, offered)
		}
	}
}
