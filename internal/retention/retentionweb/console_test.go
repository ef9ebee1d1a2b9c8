package retentionweb

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"thimble"
	"thimble/internal/policy/calendar"
	"thimble/internal/retention"
	"thimble/internal/retention/retentiondb"
	"thimble/internal/web"
	"thimble/internal/web/webtest"
)

var now = time.Date(2026, 11, 30, 9, 0, 0, 0, time.UTC)

// A desk keeps what it was told; the rest of a Store is never asked of it.
type desk struct {
	Store
	told string
	hold retention.Hold
}

func (d *desk) Plan(context.Context) (retentiondb.Plan, error) { return plan(), nil }
func (d *desk) Upcoming(context.Context, []retention.Schedule) ([]retentiondb.Week, error) {
	return nil, nil
}
func (d *desk) Runs(context.Context, int) ([]retention.Run, error) { return runs(), nil }
func (d *desk) Run(_ context.Context, id thimble.ID) (retention.Run, error) {
	return retention.Run{ID: id, State: retention.Waiting}, nil
}
func (d *desk) Proposals(context.Context) ([]retentiondb.Proposal, error) { return proposals(), nil }
func (d *desk) Holds(context.Context, int) ([]retention.Hold, error)      { return holds(), nil }
func (d *desk) Tellings(context.Context) ([]retentiondb.Telling, error)   { return tellings(), nil }
func (d *desk) Waiting(context.Context) (int, error)                      { return 1, nil }
func (d *desk) tell(what, reason string) error {
	if len(reason) < 10 {
		return thimble.ErrInvalid
	}
	d.told = what
	return nil
}
func (d *desk) Confirm(_ context.Context, _ thimble.ID, _, reason string) error {
	return d.tell("confirm", reason)
}
func (d *desk) Accept(_ context.Context, c thimble.Category, holder, _, note string) error {
	return d.tell("accept "+string(c)+" "+holder, note)
}
func (d *desk) Decline(_ context.Context, c thimble.Category, holder, _, note string) error {
	return d.tell("decline "+string(c)+" "+holder, note)
}
func (d *desk) Open(_ context.Context, h retention.Hold, _ string) (retention.Hold, error) {
	d.hold = h
	return h, h.Check(now)
}
func (d *desk) AskRelease(_ context.Context, _ thimble.ID, _, reason string) error {
	return d.tell("ask", reason)
}
func (d *desk) Release(context.Context, thimble.ID, string, string) error { return thimble.ErrDenied }

func plan() retentiondb.Plan {
	law := retention.Rule{Category: thimble.PurchaseHistory, Span: calendar.Span{N: 8, Unit: calendar.Years}, After: retention.Collected, Record: "invoice", Source: retention.Source{Kind: retention.Law, Name: "de.tax", Cite: "§ 147 AO"}}
	own := retention.Rule{Category: thimble.PurchaseHistory, Span: calendar.Span{N: 3, Unit: calendar.Years}, After: retention.Collected, Source: retention.Source{Kind: retention.Operator, Name: "version 1", Cite: "what a claim needs"}}
	end := retention.Rule{Category: "*", Span: calendar.Span{Unit: calendar.Days}, After: retention.PurposeEnd, Source: retention.Source{Kind: retention.Law, Name: "eu.gdpr", Cite: "Art. 5(1)(e)"}}
	return retentiondb.Plan{Document: retentiondb.Version{Version: 1, Staff: "mia", Reason: "claims lapse", At: now, Text: "{}"}, Schedules: []retention.Schedule{
		retention.Compose(thimble.PurchaseHistory, []thimble.Purpose{thimble.EssentialService}, []retention.Rule{law, own, end}), retention.Compose("user.name", []thimble.Purpose{thimble.EssentialService}, nil),
	}}
}

func runs() []retention.Run {
	proof := retention.Proof{Listed: []retention.Count{{Of: "order_orders", N: 2}}, Expired: []retention.Count{{Of: "order", N: 1}}, Kept: []retention.Kept{{Holder: "order", What: "orders", Law: "§ 147 AO", N: 4}}, Root: "c0ffee"}
	return []retention.Run{
		{ID: thimble.ID{1}, Category: thimble.PurchaseHistory, Before: now, State: retention.Waiting, Why: "it is the first of this category", Proof: proof, At: now},
		{ID: thimble.ID{2}, Category: "user.name", Before: now, State: retention.Done, Proof: proof, At: now, Done: now, By: "mia"},
		{ID: thimble.ID{3}, Category: "user.content.public", Before: now, State: retention.Red, Proof: proof, At: now, Done: now},
	}
}

func proposals() []retentiondb.Proposal {
	return []retentiondb.Proposal{{Category: "user.name", Holder: "imports", State: "open", Since: now}, {Category: "user.behavior", Holder: "trial", State: "declined", Used: now}}
}

func tellings() (all []retentiondb.Telling) {
	for _, why := range []string{"", "no-mail-server", "kept-here", "no-address", "not-opened", "rejected", "busy"} {
		for _, state := range []retention.WarningState{retention.WarningOwed, retention.WarningQueued, retention.WarningTold, retention.WarningUnreached, retention.WarningBack} {
			all = append(all, retentiondb.Telling{State: state, Why: why, N: 3, Next: now.AddDate(0, 0, 7)})
		}
	}
	return all
}

func holds() []retention.Hold {
	h := retention.Hold{ID: thimble.ID{4}, Subject: thimble.SubjectID{7}, Categories: []thimble.Category{thimble.PurchaseHistory}, Law: "GDPR Art. 17(3)(e)", Reason: "a claim", State: retention.Active, OpenedBy: "mia", Opened: now, Review: now.AddDate(0, 1, 0)}
	asked, floor, old := h, h, h
	asked.ID, asked.State, asked.AskedBy, asked.Secret = thimble.ID{5}, retention.Releasing, "nia", "§ 47 GwG"
	floor.ID, floor.Floor, floor.Subject, floor.OpenedBy = thimble.ID{6}, "invoice", thimble.SubjectID{}, ""
	old.ID, old.State = thimble.ID{8}, retention.Released
	return []retention.Hold{h, asked, floor, old}
}

func TestEveryPageRendersWithNothingAndWithEverything(t *testing.T) {
	kit, err := web.New(web.Config{})
	if err != nil {
		t.Fatal(err)
	}
	pages, err := kit.Pages(consoleFiles, "pages/console_*.html")
	if err != nil {
		t.Fatal(err)
	}
	weeks := []retentiondb.Week{{From: now, Until: now.AddDate(0, 0, 7), Counts: []retention.Count{{Of: "user.name", N: 3}}}}
	webtest.RenderAll(t, pages, map[string]web.Page{
		"console_retention.html": {Layout: web.Console, Title: "Retention", Body: retentionBodyOf(plan(), weeks, runs(), proposals(), tellings(), now, nil)},
		"console_run.html":       {Layout: web.Console, Title: "Run", Body: runBodyOf(runs()[1], "{}")},
		"console_holds.html":     {Layout: web.Console, Title: "Holds", Body: holdsBodyOf(holds(), 1, now, nil)},
	})
	if b := retentionBodyOf(retentiondb.Plan{}, nil, nil, nil, nil, now, nil); b.Weeks.Empty == nil || b.Runs.Empty == nil {
		t.Error("with nothing the page does not say what to do")
	}
	b := retentionBodyOf(plan(), weeks, runs(), proposals(), tellings(), now, nil)
	if len(b.Waiting) != 1 || len(b.Proposals) != 1 || b.Stats[2].Value != 1 {
		t.Errorf("%d wait, %d proposals, %v red; want one of each", len(b.Waiting), len(b.Proposals), b.Stats[2].Value)
	}
	if sub := b.Schedules.Rows[0].Cells[4].Sub; !strings.Contains(sub, "Longer than the schedule") {
		t.Errorf("the floor that contradicts the schedule is not shown: %q", sub)
	}
	if h := holdsBodyOf(holds(), 0, now, nil); len(h.Holds) != 3 || len(h.Released.Rows) != 1 || len(h.Holds[2].Form.Fields) != 0 {
		t.Errorf("%d stand, %d released; a law's own period has no form", len(h.Holds), len(h.Released.Rows))
	}
}

func TestWhatStaffDecideIsDoneWithAReasonAndElseExplained(t *testing.T) {
	kit, err := web.New(web.Config{})
	if err != nil {
		t.Fatal(err)
	}
	d := &desk{}
	section, err := Console(kit, Deps{Store: d, Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	section.Mount(mux, &web.Frame{Kit: kit, Log: slog.New(slog.DiscardHandler), Wrap: func(_ *http.Request, p web.Page) web.Page {
		p.Layout = web.Console
		return p
	}})
	post := func(path string, pairs ...string) *httptest.ResponseRecorder {
		form := url.Values{}
		for i := 0; i < len(pairs); i += 2 {
			form.Add(pairs[i], pairs[i+1])
		}
		r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(form.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, r)
		return w
	}
	run, hold := runPath+"/"+thimble.ID{1}.Token(retention.RunPrefix), holdsPath+"/"+thimble.ID{5}.Token(retention.HoldPrefix)
	const reason = "I have looked at the list"
	for _, c := range []struct {
		path   string
		sent   []string
		status int
		says   string
		told   string
	}{
		{run, []string{"reason", "ok"}, 422, sayReason, ""},
		{run, []string{"reason", reason}, 303, "", "confirm"},
		{proposalPath, []string{"category", "user.name", "holder", "imports", "reason", reason}, 422, "Choose what is to be done.", ""},
		{proposalPath, []string{"category", "user.name", "holder", "imports", "do", "decline", "reason", reason}, 303, "", "decline user.name imports"},
		{hold, []string{"do", "release", "reason", reason}, 422, "A second member of staff agrees to it.", ""},
		{holdsPath, []string{"subject", "ada", "from", "soon"}, 422, "Write a day such as", ""},
		{holdsPath, []string{"categories", "user.name", "law", "GDPR Art. 17(3)(e)", "reason", "short", "review", "2027-01-31"}, 422, "10 to 500 characters", ""},
		{holdsPath, []string{"categories", "user.name", "law", "GDPR Art. 17(3)(e)", "reason", reason, "review", "2027-01-31", "from", "2020-01-01"}, 303, "", ""},
	} {
		d.told = ""
		if w := post(c.path, c.sent...); w.Code != c.status || !strings.Contains(w.Body.String(), c.says) || d.told != c.told {
			t.Errorf("%s %v: %d, told %q; want %d, %q, %q", c.path, c.sent, w.Code, d.told, c.status, c.says, c.told)
		}
	}
	if d.hold.From.IsZero() || len(d.hold.Categories) != 1 {
		t.Errorf("opened: %+v", d.hold)
	}
}
