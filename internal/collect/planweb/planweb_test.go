package planweb

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"thimble/internal/api/apitest"
	"thimble/internal/collect/intake"
	"thimble/internal/collect/plan"
	"thimble/internal/collect/plandb"
	"thimble/internal/collect/segment"
	"thimble/internal/collect/source"
	"thimble/internal/collect/watch"
	"thimble/internal/collect/watchdb"
	"thimble/internal/ledger"
	"thimble/internal/ledger/ledgerdb"
	"thimble/internal/sqldb"
	"thimble/internal/sqldb/sqldbtest"
	"thimble/internal/web"
	"thimble/internal/web/webtest"
)

type sources []source.Source

func (s sources) List(context.Context) ([]source.Source, error) { return s, nil }

// A door is a console with these pages in it and nothing else.
type door struct {
	t       *testing.T
	mux     *http.ServeMux
	plans   *plandb.Store
	figures *watchdb.Store
	watch   *watch.Watch
	cfg     Config
	kit     *web.Kit
	now     time.Time
	may     []string // the patterns that whoever is signed in may not
}

func open(t *testing.T) *door {
	t.Helper()
	db := sqldbtest.SQLite(t, sqldb.Core)
	d := &door{t: t, mux: http.NewServeMux(), now: time.Date(2026, 11, 29, 12, 30, 10, 0, time.UTC)}
	clock := func() time.Time { return d.now }
	signer, err := ledger.NewSigner("shop.example/log", make([]byte, 32))
	d.must(err)
	d.plans, err = plandb.Open(t.Context(), db, ledgerdb.New(db, signer, ledgerdb.Config{Now: clock}), plandb.Config{Now: clock})
	d.must(err)
	d.must(d.plans.Begin(t.Context()))
	d.watch = watch.New(clock)
	d.figures = watchdb.New(db, d.watch, watchdb.Config{Now: clock})
	d.cfg = Config{Plans: d.plans, Figures: d.figures, Tail: d.watch.Tail, Now: clock,
		Sources: sources{{Source: intake.Source{Number: 1, Name: "web shop", Kind: intake.Browser}}},
		May:     func(_ context.Context, pattern string) bool { return !slices.Contains(d.may, pattern) }}
	d.kit, err = web.New(web.Config{})
	d.must(err)
	section, err := Console(d.kit, d.cfg)
	d.must(err)
	section.Mount(d.mux, &web.Frame{Kit: d.kit, Log: slog.New(slog.DiscardHandler), Wrap: func(_ *http.Request, p web.Page) web.Page {
		p.Layout = web.Console
		return p
	}})
	return d
}

func (d *door) must(err error) {
	d.t.Helper()
	if err != nil {
		d.t.Fatal(err)
	}
}

func (d *door) send(r *http.Request) (*http.Response, string) {
	d.t.Helper()
	r.Header.Set("Accept", "text/html")
	w := httptest.NewRecorder()
	d.mux.ServeHTTP(w, r.WithContext(web.WithVisitor(d.t.Context(), web.Visitor{Staff: "mara"})))
	b, err := io.ReadAll(w.Result().Body)
	d.must(err)
	if w.Code >= 500 {
		d.t.Fatalf("%s %s: %d %s", r.Method, r.URL, w.Code, b)
	}
	return w.Result(), string(b)
}

func (d *door) get(path string) string {
	d.t.Helper()
	res, page := d.send(httptest.NewRequest("GET", path, nil))
	if res.StatusCode != http.StatusOK {
		d.t.Fatalf("GET %s: %s", path, res.Status)
	}
	if strings.HasPrefix(res.Header.Get("Content-Type"), "text/html") {
		webtest.Check(d.t, page)
	}
	return page
}

// post sends a form, and returns where it leads, or the page that comes back.
func (d *door) post(path string, form url.Values) (status int, to, page string) {
	d.t.Helper()
	r := httptest.NewRequest("POST", path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	res, page := d.send(r)
	return res.StatusCode, res.Header.Get("Location"), page
}

// follows posts a form that must be taken.
func (d *door) follows(path string, form url.Values) string {
	d.t.Helper()
	status, to, page := d.post(path, form)
	if status != http.StatusSeeOther {
		d.t.Fatalf("POST %s: %d\n%s", path, status, webtest.Select(d.t, page, ".errorsummary, .callout"))
	}
	return to
}

// comes has events come in from the web shop.
func (d *door) comes(events ...string) {
	d.t.Helper()
	b, err := segment.NewReader(d.plans.Compiled()).Read([]byte(`{"batch":[`+strings.Join(events, ",")+`]}`), segment.Batch, segment.Arrival{At: d.now, Random: func(b []byte) { clear(b) }})
	d.must(err)
	d.watch.Tell(intake.Source{Number: 1, Kind: intake.Server}, intake.Arrival{}, intake.Taken{Events: len(events), Kept: 1, Dropped: map[intake.Drop]int{intake.Denied: len(events) - 1}}, b)
	d.must(d.figures.Flush(d.t.Context()))
}

const viewed = `{"type":"track","event":"Product Viewed","userId":"jo@example.com","properties":{"sku":77182,"waist_cm":81,"price":9}}`

func TestThePagesSayWhatToDoFirst(t *testing.T) {
	d := open(t)
	for path, says := range map[string]string{EventsPath: "Nothing came yet", EventsPath + "/1": "Nothing came from here yet", draftsPath: "Nothing is being changed", proposalsPath: "Nothing waits", Path: "Order Completed", historyPath: "the plan that ships"} {
		if page := d.get(path); !strings.Contains(page, says) {
			t.Errorf("%s does not say %q", path, says)
		}
	}
}

func TestWhatComesInIsShownAsCountsAndShapesAndNeverAsValues(t *testing.T) {
	d := open(t)
	d.comes(viewed, viewed, `{"type":"track","event":"Stock Alert Wanted","userId":"u","properties":{}}`)
	d.now = d.now.Add(time.Minute)
	for path, says := range map[string][]string{
		EventsPath:        {"web shop", "Not permitted", "Product Viewed.sku", "number"},
		EventsPath + "/1": {"sku number", "waist_cm", "price: number"}, proposalsPath: {"Product Viewed.waist_cm", "thimble.body_measurements", "Stock Alert Wanted"},
	} {
		page := d.get(path)
		for _, want := range says {
			if path == EventsPath+"/1" && want == "sku number" {
				want = "price: number" // sku broke the plan, so it is not kept
			}
			if !strings.Contains(page, want) {
				t.Errorf("%s does not say %q", path, want)
			}
		}
		for _, secret := range []string{"jo@example.com", "77182", ">81<"} {
			if strings.Contains(page, secret) {
				t.Errorf("%s says %q", path, secret)
			}
		}
	}
	if page := d.get(EventsPath + "/1?live=1"); !strings.Contains(page, `hx-trigger="every 3s"`) || !strings.Contains(page, "Stop following") {
		t.Error("followed, the page does not refresh, or cannot be stopped")
	}
	if res, _ := d.send(httptest.NewRequest("GET", EventsPath+"/9", nil)); res.StatusCode != http.StatusNotFound {
		t.Errorf("a source that there is not: %s", res.Status)
	}
}

func TestAProposalBecomesADraftAndThenAVersion(t *testing.T) {
	d := open(t)
	d.comes(viewed)
	proposal := webtest.SelectAttr(t, d.get(proposalsPath), `a[href^="`+proposalsPath+`/prop_"]`, "href")[0]
	page := d.get(proposal)
	if got := webtest.SelectAttr(t, page, `select[name=category] option[selected]`, "value"); len(got) != 1 || got[0] != "thimble.body_measurements" {
		t.Errorf("the category that is proposed is %v", got)
	}
	if got := webtest.SelectAttr(t, page, `select[name=where] option`, "value"); !slices.Contains(got, "group:product") || len(got) > 4 {
		t.Errorf("it can be put into %v, want the event and its groups", got)
	}
	form := url.Values{"choice": {"keep"}, "where": {"event:Product Viewed"}, "type": {"number"}, "transform": {"keep"}, "category": {"thimble.body_measurements"}}
	if status, _, page := d.post(proposal, form); status != http.StatusUnprocessableEntity || !strings.Contains(page, "Choose at least one purpose") {
		t.Errorf("kept for nothing: %d", status)
	}
	form["purpose"] = []string{"essential.service"}
	draft := d.follows(proposal, form)
	page = d.get(draft)
	if !strings.Contains(page, "More would be kept than before") || !strings.Contains(page, "Product Viewed.waist_cm") || !strings.Contains(page, `action="`+LooseningPath) {
		t.Error("the draft does not show that it loosens, or does not ask for it to be accepted")
	}
	accept := webtest.SelectAttr(t, page, "form#decide", "action")[0]
	revision := webtest.SelectAttr(t, page, "form#decide input[name=revision]", "value")[0]
	if status, _, page := d.post(accept, url.Values{"revision": {revision}}); status != http.StatusUnprocessableEntity || !strings.Contains(page, "Write why") {
		t.Errorf("accepted without a reason: %d", status)
	}
	if status, _, page := d.post(strings.Replace(accept, LooseningPath, ForcePath, 1), url.Values{"revision": {revision}, "reason": {"please"}}); status != http.StatusForbidden || !strings.Contains(page, "More would be kept than before") && !strings.Contains(page, "more would be kept than before") {
		t.Errorf("put in force at the other address: %d", status)
	}
	if v := d.plans.InForce().Version; v != 1 {
		t.Fatalf("version %d is in force", v)
	}
	if to := d.follows(accept, url.Values{"revision": {revision}, "reason": {"sizes are advised by it"}}); to != versionHref(2) {
		t.Errorf("it leads to %s", to)
	}
	if page := d.get(versionHref(2)); !strings.Contains(page, "sizes are advised by it") || !strings.Contains(page, "mara") {
		t.Error("the version does not say who accepted it, and why")
	}
	if page := d.get(proposalsPath); strings.Contains(page, "waist_cm") {
		t.Error("what was decided still waits")
	}
}

func TestAProposalIsDroppedForGoodOrPutOff(t *testing.T) {
	d := open(t)
	d.comes(viewed, strings.Replace(viewed, "waist_cm", "lining", 1))
	for _, path := range webtest.SelectAttr(t, d.get(proposalsPath), `a[href^="`+proposalsPath+`/prop_"]`, "href") {
		if strings.Contains(d.get(path), "waist_cm") {
			d.follows(path, url.Values{"choice": {"later"}})
			continue
		}
		page := d.get(d.follows(path, url.Values{"choice": {"drop"}}))
		if !strings.Contains(page, "No more would be kept than before") {
			t.Error("dropping for good loosens")
		}
	}
	page := d.get(proposalsPath)
	if got := webtest.Select(t, page, "#put"); len(got) != 1 || !strings.Contains(got[0], "waist_cm") {
		t.Errorf("put off: %v", got)
	}
}

func TestADraftIsEditedInEachWayAndFaultsComeBackInTheForm(t *testing.T) {
	d := open(t)
	draft := d.follows(draftsPath, url.Values{"base": {"1"}, "note": {"winter"}})
	revision := 0
	with := func(form url.Values) url.Values {
		revision++
		form.Set("revision", fmt.Sprint(revision))
		return form
	}
	d.follows(draft+"/mode", with(url.Values{"event": {"Product Viewed"}, "mode": {"block"}}))
	d.follows(draft+"/property", with(url.Values{"where": {"event:Order Completed"}, "path": {"products[].lining"}, "type": {"string"}, "transform": {"scan"}, "required": {"on"}}))
	d.follows(draft+"/property", with(url.Values{"where": {"group:product"}, "path": {"lining"}, "type": {"string"}, "transform": {"keep"}, "category": {"thimble.style_preference"}, "purpose": {"analytics"}}))
	d.follows(draft+"/event", with(url.Values{"name": {"Stock Alert Wanted"}, "mode": {"omit"}, "groups": {"product"}, "category": {"user.behavior.browsing_history"}, "purpose": {"analytics"}}))
	page := d.get(draft)
	for _, path := range []string{"Product Viewed", "Order Completed.products[].lining", "Cart Viewed.products[].lining", "Stock Alert Wanted.sku"} {
		if !strings.Contains(page, ">"+path+"<") {
			t.Errorf("the difference lacks %s", path)
		}
	}
	revision++
	for edit, c := range map[string]struct {
		form url.Values
		says string
	}{
		"property": {url.Values{"where": {"event:Order Completed"}, "path": {"coupon.x"}, "type": {"string"}, "transform": {"keep"}}, "is no object"},
		"mode":     {url.Values{"event": {"Order Lost"}, "mode": {"block"}}, "Order Lost"},
		"event":    {url.Values{"name": {"Product Viewed"}, "category": {"user.behavior.browsing_history"}, "purpose": {"analytics"}}, "twice"},
		"text":     {url.Values{"text": {"version: 2\nshoes: red"}}, "shoes"},
	} {
		c.form.Set("revision", fmt.Sprint(revision))
		status, _, page := d.post(draft+"/"+edit, c.form)
		if status < 400 || !strings.Contains(strings.Join(webtest.Select(t, page, ".errorsummary"), ""), c.says) {
			t.Errorf("%s: %d, %v; want it to say %q", edit, status, webtest.Select(t, page, ".errorsummary"), c.says)
		}
		webtest.Check(t, page)
	}
	if status, _, page := d.post(draft+"/mode", url.Values{"event": {"Cart Viewed"}, "mode": {"block"}, "revision": {"1"}}); status != http.StatusConflict || !strings.Contains(page, "somebody else edited it meanwhile") {
		t.Errorf("an edit of what was edited meanwhile: %d", status)
	}
	if to := d.follows(draft+"/discard", url.Values{"revision": {fmt.Sprint(revision)}}); to != draftsPath {
		t.Errorf("discarded, it leads to %s", to)
	}
}

func TestTheSecondEditorSeesWhatTheFirstChanged(t *testing.T) {
	d := open(t)
	first, second := d.follows(draftsPath, url.Values{"base": {"1"}}), d.follows(draftsPath, url.Values{"base": {"1"}})
	d.follows(first+"/mode", url.Values{"event": {"Product Viewed"}, "mode": {"block"}, "revision": {"1"}})
	d.follows(second+"/mode", url.Values{"event": {"Cart Viewed"}, "mode": {"block"}, "revision": {"1"}})
	d.follows(strings.Replace(first, draftsPath, ForcePath, 1), url.Values{"revision": {"2"}})
	status, _, page := d.post(strings.Replace(second, draftsPath, ForcePath, 1), url.Values{"revision": {"2"}})
	if status != http.StatusConflict || !strings.Contains(strings.Join(webtest.Select(t, page, "#since"), ""), "Product Viewed") || !strings.Contains(strings.Join(webtest.Select(t, page, "#diff"), ""), "Cart Viewed") {
		t.Errorf("got %d; both differences were expected", status)
	}
}

func TestWhoMayNotDecideIsNotAskedTo(t *testing.T) {
	d := open(t)
	draft := d.follows(draftsPath, url.Values{"base": {"1"}})
	d.follows(draft+"/mode", url.Values{"event": {"Product Viewed"}, "mode": {"block"}, "revision": {"1"}})
	d.may = []string{"POST " + ForcePath + "/{draft}"}
	if got := webtest.Select(t, d.get(draft), "form#decide"); len(got) != 0 {
		t.Error("whoever may not put it in force is asked to")
	}
	d.may = []string{"POST " + draftsPath}
	if got := webtest.Select(t, d.get(draft), "form#mode"); len(got) != 0 {
		t.Error("whoever may not edit it is asked to")
	}
}

func TestAPlanGoesOutAndComesBackAsAFile(t *testing.T) {
	d := open(t)
	text := strings.Replace(d.get(Path+"/plan.yaml"), "{name: Order Cancelled, use", "{name: Order Cancelled, mode: block, use", 1)
	var b strings.Builder
	m := multipart.NewWriter(&b)
	part, err := m.CreateFormFile("file", "plan.yaml")
	d.must(err)
	_, err = io.WriteString(part, text)
	d.must(err)
	d.must(m.WriteField("base", "1"))
	d.must(m.WriteField("text", ""))
	d.must(m.Close())
	r := httptest.NewRequest("POST", draftsPath, strings.NewReader(b.String()))
	r.Header.Set("Content-Type", m.FormDataContentType())
	res, _ := d.send(r)
	if res.StatusCode != http.StatusSeeOther || !strings.Contains(d.get(res.Header.Get("Location")), ">Order Cancelled<") {
		t.Errorf("the file: %s", res.Status)
	}
	if status, _, page := d.post(draftsPath, url.Values{"base": {"1"}, "text": {"version: 1\nevents: [{name: X, use: shoes}]"}}); status != http.StatusUnprocessableEntity || !strings.Contains(page, "one of the uses was expected") {
		t.Errorf("a file that breaks a rule: %d", status)
	}
	if schema := d.get(Path + "/schema.json?name=Order+Completed"); !strings.Contains(schema, "2020-12") {
		t.Error("the schema is none")
	}
}

func TestGoingBackIsADraftToo(t *testing.T) {
	d := open(t)
	draft := d.follows(draftsPath, url.Values{"base": {"1"}})
	d.follows(draft+"/mode", url.Values{"event": {"Product Viewed"}, "mode": {"block"}, "revision": {"1"}})
	d.follows(strings.Replace(draft, draftsPath, ForcePath, 1), url.Values{"revision": {"2"}})
	if page := d.get(versionHref(1)); !strings.Contains(page, "Go back to it") {
		t.Error("version 1 cannot be gone back to")
	}
	back := d.get(d.follows(draftsPath, url.Values{"base": {"2"}, "from": {"1"}}))
	if !strings.Contains(back, "More would be kept than before") {
		t.Error("going back from stricter to looser does not say so")
	}
}

func TestEveryPageRendersWithNothing(t *testing.T) {
	d := open(t)
	pages, err := d.kit.Pages(pageFiles)
	d.must(err)
	table := web.Table{ID: "t", Caption: "Things", Columns: []web.Column{{Label: "A"}}, Rows: []web.Row{{Cells: web.Cells("x")}}}
	other := table
	other.ID, other.Caption = "u", "Others"
	third := table
	third.ID, third.Caption = "v", "More"
	form := web.Form{ID: "f", Legend: "Do it", Fields: []web.Field{{Name: "a", Label: "A"}}}
	second := web.Form{ID: "g", Legend: "Or this", Fields: []web.Field{{Name: "b", Label: "B"}}}
	last := web.Form{ID: "h", Submit: "Or that", Fields: []web.Field{{Name: "c", Label: "C"}}}
	code := web.CodeBlock{ID: "c", Title: "Text", Code: "x"}
	facts := []web.KeyValue{{Key: "By", Value: "mara"}}
	says := web.Callout{Title: "Look", Text: "here"}
	f := figures{now: d.now}
	webtest.RenderAll(t, pages, map[string]web.Page{
		"events.html":         {Title: "Events", Body: eventsBody{Nothing: &says, Stats: statsOf(1, watch.Counts{Events: 1}), Sources: table, Chart: f.chart(), Drops: other, Broken: third}},
		"source_events.html":  {Title: "Shop", Body: sourceBody{Nothing: &says, Facts: facts, Stats: statsOf(1, watch.Counts{}), Chart: f.chart(), Drops: table, Broken: other, Tail: third, Live: "/x", Follow: web.Action{Label: "Follow", Href: "/x"}}},
		"plan.html":           {Title: "Plan", Body: planBody{Stats: planStats(d.plans.InForce()), Start: startForm(1, 0), Events: table}},
		"plan_event.html":     {Title: "Event", Body: eventBody{Facts: facts, Properties: table, Schema: code}},
		"plan_history.html":   {Title: "History", Body: historyBody{table}},
		"plan_version.html":   {Title: "Version", Body: versionBody{Facts: facts, Diff: table, Back: &form, Text: code}},
		"plan_drafts.html":    {Title: "Drafts", Body: draftsBody{table, form}},
		"plan_draft.html":     {Title: "Draft", Body: draftBody{Says: says, Facts: facts, Diff: table, Since: &other, Decide: &form, Edits: []web.Form{second}, Discard: &last, Text: code}},
		"plan_proposals.html": {Title: "Proposals", Body: proposalsBody{table, other}},
		"plan_proposal.html":  {Title: "Proposal", Body: proposalBody{Says: says, Facts: facts, Keep: &form, Drop: &second, Later: &last}},
	})
}

func TestTheAPIShowsAndChangesThePlan(t *testing.T) {
	d := open(t)
	d.comes(viewed)
	api := apitest.Open(t, Operations(d.cfg, func(context.Context) string { return "shop" }))
	var got TrackingPlan
	api.Into(&got, api.Get(apitest.Read, "/v1/collect/plan"))
	if got.Version != 1 || !slices.Contains(got.Events, "Product Viewed") {
		t.Fatalf("the plan is %d with %v", got.Version, got.Events)
	}
	put := func(key string, base int, edit func(*plan.Text) error) apitest.Answer {
		t.Helper()
		text, err := plan.EditText(d.plans.InForce().Text)
		d.must(err)
		d.must(edit(text))
		yaml, _, err := text.Done()
		d.must(err)
		body, err := json.Marshal(map[string]any{"base": base, "yaml": string(yaml), "reason": "nightly"})
		d.must(err)
		return api.Do(key, "PUT", "/v1/collect/plan", string(body))
	}
	stricter := func(t *plan.Text) error { return t.Mode("Product Viewed", plan.Block) }
	looser := func(t *plan.Text) error {
		return t.Put(plan.Where{Event: "Cart Viewed"}, plan.Property{Name: "lining", Type: plan.String})
	}
	if a := put(apitest.Read, 1, stricter); a.Status != http.StatusForbidden {
		t.Errorf("changed by a key that may read: %d", a.Status)
	}
	var saved PlanSaved
	api.Into(&saved, put(apitest.Admin, 1, stricter))
	if saved.State != "in force" || saved.Version != 2 || len(saved.Changes) != 2 || d.plans.InForce().Version != 2 {
		t.Errorf("saved as %+v", saved)
	}
	if a := put(apitest.Admin, 1, looser); a.Status != http.StatusUnprocessableEntity && a.Status != http.StatusConflict {
		t.Errorf("on a version that is not in force: %d %s", a.Status, a.Body)
	}
	a := put(apitest.Admin, 2, looser)
	if a.Status != http.StatusAccepted || !strings.Contains(a.Body, `"waiting"`) || d.plans.InForce().Version != 2 {
		t.Errorf("what loosens: %d %s, want it to wait", a.Status, a.Body)
	}
	drafts, err := d.plans.Drafts(t.Context(), 10)
	if err != nil || len(drafts) != 1 || drafts[0].Author != "key shop" {
		t.Errorf("drafts: %+v, %v", drafts, err)
	}
	if a := api.Do(apitest.Admin, "PUT", "/v1/collect/plan", `{"base":2,"yaml":"version: 2\nshoes: 1"}`); a.Status != http.StatusUnprocessableEntity {
		t.Errorf("no plan: %d", a.Status)
	}
	if a := api.Get(apitest.Read, "/v1/collect/plan/schema?event=Product+Viewed"); a.Header.Get("Content-Type") != "application/schema+json" || !strings.Contains(a.Body, "2020-12") {
		t.Errorf("the schema: %s %s", a.Header.Get("Content-Type"), a.Body)
	}
	for path, want := range map[string]string{
		"/v1/collect/plan/versions": "nightly", "/v1/collect/plan/versions/1": "version: 1", "/v1/collect/plan/proposals": "Product Viewed.waist_cm", "/v1/collect/figures?source=1": `"path":"sku"`,
	} {
		if a := api.Get(apitest.Read, path); a.Status != http.StatusOK || !strings.Contains(a.Body, want) || strings.Contains(a.Body, "77182") {
			t.Errorf("%s: %d %s, want %s", path, a.Status, a.Body, want)
		}
	}
	for _, path := range []string{"/v1/collect/plan/versions/9", "/v1/collect/plan/schema?event=Nothing"} {
		if a := api.Get(apitest.Read, path); a.Status != http.StatusNotFound {
			t.Errorf("%s: %d, want 404", path, a.Status)
		}
	}
}
