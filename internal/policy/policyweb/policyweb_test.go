package policyweb

import (
	"bytes"
	"context"
	"encoding/hex"
	"fmt"
	"log/slog"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"thimble"
	"thimble/internal/ledger"
	"thimble/internal/ledger/ledgerdb"
	"thimble/internal/policy"
	"thimble/internal/policy/policydb"
	"thimble/internal/sqldb"
	"thimble/internal/sqldb/sqldbtest"
	"thimble/internal/web"
	"thimble/internal/web/webtest"
)

func TestMain(m *testing.M) { os.Exit(webtest.Main(m)) }

func ruritania(t testing.TB, edit ...string) policy.File {
	t.Helper()
	text, err := os.ReadFile("../testdata/zz.ruritania.yaml")
	if err != nil {
		t.Fatal(err)
	}
	body, _, _ := strings.Cut(string(text), "examples:")
	return policy.File{Name: "zz.yaml", Text: []byte(strings.NewReplacer(edit...).Replace(body))}
}

// A door is a console with the pages in it and nothing else, over a real store.
type door struct {
	t      *testing.T
	mux    *http.ServeMux
	laws   *policydb.Store
	counts int
}

var now = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func clock() time.Time { return now }

func open(t *testing.T, db *sqldb.DB, files ...policy.File) *door {
	t.Helper()
	signer, err := ledger.NewSigner("shop.example/log", make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	trust := policy.Trust{}
	for _, f := range files {
		p, err := policy.Parse(f.Text)
		if err != nil {
			t.Fatal(err)
		}
		h := p.Hash()
		trust.Hashes = append(trust.Hashes, hex.EncodeToString(h[:]))
	}
	l := loaded(t, trust, files...)
	d := &door{t: t, mux: http.NewServeMux()}
	d.laws, err = policydb.Open(t.Context(), db, ledgerdb.New(db, signer, ledgerdb.Config{Now: clock}), l, policy.Shop{Establishment: []string{"DE"}}, clock)
	if err == nil {
		_, err = d.laws.Advance(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	kit, err := web.New(web.Config{Now: clock})
	if err != nil {
		t.Fatal(err)
	}
	flows := func() []policy.Flow {
		return []policy.Flow{{Name: "recommend: personalize", Purpose: "personalize.content.profiled"}}
	}
	section, err := Console(kit, Config{Laws: d.laws, Flows: flows, Count: func(context.Context) error { d.counts++; return nil }})
	if err != nil {
		t.Fatal(err)
	}
	section.Mount(d.mux, &web.Frame{Kit: kit, Log: slog.New(slog.DiscardHandler), Wrap: func(_ *http.Request, p web.Page) web.Page {
		p.Layout, p.Nav = web.Console, section.Nav
		return p
	}})
	d.mux.Handle("/", kit.Assets())
	d.mux.Handle("/assets/", kit.Assets())
	return d
}

var libraries sync.Map // by the hashes of the files: a library does not change

func loaded(t *testing.T, trust policy.Trust, files ...policy.File) *policy.Library {
	t.Helper()
	key := strings.Join(trust.Hashes, " ")
	if l, ok := libraries.Load(key); ok {
		return l.(*policy.Library)
	}
	l, err := policy.Load(trust, files...)
	if err != nil {
		t.Fatal(err)
	}
	libraries.Store(key, l)
	return l
}

func (d *door) serve(r *http.Request) (int, string) {
	d.t.Helper()
	r.Header.Set("Accept", "text/html")
	w := httptest.NewRecorder()
	d.mux.ServeHTTP(w, r.WithContext(web.WithVisitor(r.Context(), web.Visitor{Staff: "owner"})))
	return w.Code, w.Body.String()
}

func (d *door) get(want int, path string) string {
	d.t.Helper()
	status, body := d.serve(httptest.NewRequestWithContext(d.t.Context(), "GET", path, nil))
	if status != want {
		d.t.Fatalf("%s: %d, want %d", path, status, want)
	}
	return body
}

func (d *door) post(want int, path string, form url.Values) string {
	d.t.Helper()
	r := httptest.NewRequestWithContext(d.t.Context(), "POST", path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	status, body := d.serve(r)
	if status != want {
		d.t.Fatalf("POST %s: %d, want %d", path, status, want)
	}
	return body
}

func wants(t *testing.T, page string, all ...string) {
	t.Helper()
	for _, want := range all {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
}

func lacks(t *testing.T, page string, all ...string) {
	t.Helper()
	for _, s := range all {
		if strings.Contains(page, s) {
			t.Errorf("the page has %q", s)
		}
	}
}

func TestPagesRenderWithNothingAndWithEverything(t *testing.T) {
	kit, err := web.New(web.Config{})
	if err != nil {
		t.Fatal(err)
	}
	pages, err := kit.Pages(pageFiles)
	if err != nil {
		t.Fatal(err)
	}
	d := &desk{Config: Config{Laws: open(t, sqldbtest.SQLite(t, sqldb.Core), ruritania(t)).laws}}
	a := d.read(url.Values{})
	a.place = "DE"
	law := lawBody{Waits: &web.Callout{Title: "waits"}, Form: web.Form{Fields: d.shopFields(url.Values{}, a)}}
	if err := d.fillLaw(&law, a); err != nil {
		t.Fatal(err)
	}
	var cal calendarBody
	fillCalendar(&cal, d.library().Upcoming(a.on))
	p, err := d.library().Pack("zz.ruritania")
	if err != nil {
		t.Fatal(err)
	}
	change := policy.Waiting{Change: policy.Change{Dim: "purpose", Key: "personalize", From: "opt_in", To: "opt_out", Loosens: true, After: policy.Origin{Pack: "a@1", Cite: "s. 1", Verify: true}}, Places: []string{"ZZ", "DE", "FR", "", "US-CA"}}
	s := policy.Simulation{People: 30, Touched: 3, Changes: []policy.Effects{{Change: change.Change, People: 3, ByPlace: map[string]int64{"DE": 3}}}, Flows: []policy.FlowChange{{Flow: "x", People: 2, ByPlace: map[string]int64{"DE+FR": 2}}}, ByPlace: map[string]policy.Tally{"DE": {People: 30, Touched: 3}}}
	list := d.library().List()
	review := []policydb.Review{{Pack: "zz.ruritania", Hash: list[len(list)-1].Hash, Reviewer: "Reviewer A", On: a.on}}
	simulate := d.simulateBody(trial{ask: a})
	simulate.People, simulate.Result = &web.Empty{Title: "none"}, simulationOf(p, s, policydb.Census{At: now}, a.on)
	webtest.RenderAll(t, pages, map[string]web.Page{
		"law.html":      {Layout: web.Console, Title: "Laws", Body: law},
		"compare.html":  {Layout: web.Console, Title: "Difference", Body: compareBody{Stats: []web.Stat{{Label: "x"}}, Changes: changeTable("c", "c", []policy.Change{change.Change})}},
		"calendar.html": {Layout: web.Console, Title: "Upcoming", Body: cal},
		"simulate.html": {Layout: web.Console, Title: "Simulator", Body: *simulate.with()},
		"waiting.html": {Layout: web.Console, Title: "Waiting", Body: waitingOf(groupsOf([]policy.Waiting{change}), []policy.Waiting{change},
			[]policydb.Acceptance{{Change: change.Change, Places: "DE FR", Reason: "r", Staff: "s", At: now}}, []policydb.Moment{{At: now, Waiting: 2}}, nil)},
		"packs.html": {Layout: web.Console, Title: "Packs", Body: packsOf(list, review, "", "")},
		"pack.html": {Layout: web.Console, Title: "Pack", Body: packBody{Facts: packFacts(list[0], p, review), Text: web.CodeBlock{Title: "zz.yaml", Code: "x"}, Reviews: reviewTable("zz.ruritania", "", review),
			Form: reviewForm("zz", a.on), Sections: sectionsOf(policy.LawOf(a.on, p).Values())}},
	})
}

func (b simulateBody) with() *simulateBody { return &b }

func TestTheLawOfAPlaceIsShownWithEverySource(t *testing.T) {
	sqldbtest.Each(t, sqldb.Core, func(t *testing.T, db *sqldb.DB) {
		d := open(t, db)
		page := d.get(200, Path+"?place=US-CA&on=2026-11-21")
		wants(t, page, "not legal advice", "us.ca.ccpa@", "11 CCR 7026", "third_party_sharing", "Unchecked", "not yet checked against the primary source", "Checked", "residence in US-CA", "United States, California")
		// The shop's seat is configured, and the address may say otherwise.
		wants(t, page, "de.tax@")
		lacks(t, d.get(200, Path+"?place=US-CA&on=2026-11-21&establishment="), "de.tax@")
		wants(t, d.get(200, Path), "baseline.strict@", "residence unknown")
		// A place without a pack is asked for by its code.
		wants(t, d.get(200, Path+"?place=JP"), "no general law of JP is known here", "baseline.strict@")
		wants(t, d.get(200, Path+"?place=IN&on=2027-05-13"), "in.dpdp@")
		lacks(t, d.get(200, Path+"?place=IN&on=2027-05-12"), "in.dpdp@2026.11.0: ")
	})
}

func TestWhatCannotBeReadComesBackInTheForm(t *testing.T) {
	d := open(t, sqldbtest.SQLite(t, sqldb.Core))
	for query, say := range map[string]string{
		"place=Germany": "Choose a place of the list", "on=tomorrow": "Write a day such as", "on=2026-02-30": "Write a day such as", "establishment=germany": "Write ISO 3166 codes",
		"facts=marketplace": "Write names with whole numbers", "facts=a=1,a=2": "Write names with whole numbers", "place=%3Cscript%3E": "Choose a place of the list",
	} {
		page := d.get(422, Path+"?"+query)
		wants(t, page, say)
		lacks(t, page, "<script>\"", "Why these packs")
	}
	wants(t, d.get(422, comparePath+"?on2=never"), "Write a day such as")
	wants(t, d.get(422, comparePath+"?place2=nowhere"), "Choose a place of the list")
	wants(t, d.get(422, calendarPath+"?from=x"), "Write a day such as")
	wants(t, d.get(422, simulatePath+"?pack=zz.nowhere"), "There is no such pack here")
}

func TestTheDifferenceOfTwoDaysAndOfTwoPlaces(t *testing.T) {
	d := open(t, sqldbtest.SQLite(t, sqldb.Core))
	wants(t, d.get(200, comparePath+"?place=US-CA&on=2026-11-21&on2=2027-01-02"), "opt_out_adm", "adm_before_use", "Stricter")
	wants(t, d.get(200, comparePath+"?place=DE&on=2026-11-21&on2=2026-11-21"), "Nothing differs")
	wants(t, d.get(200, comparePath+"?place=DE&place2=US-VA&on=2026-11-21&on2=2026-11-21"), "us.va@", "Looser")
}

func TestTheCalendarListsWhatComesByDay(t *testing.T) {
	d := open(t, sqldbtest.SQLite(t, sqldb.Core), ruritania(t))
	page := d.get(200, calendarPath)
	wants(t, page, "May 2027", "Comes into force", "Digital Personal Data Protection Act 2023", "Proposed, without a day", "Digital Omnibus", "disclosures: adm_before_use", simulatePath+"?pack=in.dpdp")
	lacks(t, page, "July 2026")
	wants(t, d.get(200, calendarPath+"?from=2026-06-01"), "July 2026", "purposes: marketing")
	wants(t, d.get(200, calendarPath+"?from=2999-01-01"), "Nothing is dated from that day on")
}

func count(t *testing.T, d *door) {
	t.Helper()
	err := d.laws.KeepPeople(t.Context(), []policy.Group{
		{Places: []string{"ZZ"}, Age: 30, People: 20, Permits: []thimble.Purpose{"personalize.content.profiled"}}, {Places: []string{"ZZ"}, Age: -1, People: 3},
		{Places: []string{"DE"}, Age: 40, People: 1000}, {Places: []string{"LI"}, Age: 40, People: 4}, {Age: -1, People: 12},
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestTheSimulatorSaysWhoIsTouchedAndNamesNobody(t *testing.T) {
	sqldbtest.Each(t, sqldb.Core, func(t *testing.T, db *sqldb.DB) {
		d := open(t, db, ruritania(t))
		wants(t, d.get(200, simulatePath), "not counted yet", "Count the people")
		d.post(303, Path+"/count", nil)
		if d.counts != 1 {
			t.Error("no count was queued")
		}
		count(t, d)
		page := d.get(200, simulatePath)
		lacks(t, page, "not counted yet", "Who is touched")

		text := string(ruritania(t, "personalize, mode: opt_in_explicit", "personalize, mode: prohibited").Text)
		page = d.post(200, simulatePath, url.Values{"text": {text}, "on": {"2027-01-01"}})
		wants(t, page, "Who is touched, by place", "about 1,040", "recommend: personalize", "opt_in_explicit", "prohibited", "&lt;10", "People counted on")
		lacks(t, page, ">4<", ">3<", ">23 <") // of places with few people no number is named

		// The proposal that ships, by its address.
		page = d.get(200, simulatePath+"?pack=eu.gdpr.omnibus2025&on=2027-06-01")
		wants(t, page, "Germany", "1,000", "Liechtenstein", "&lt;10", "about 1,040")
		lacks(t, page, "1,039", "1,027") // what is missing would be the part that is not named
		wants(t, d.get(200, simulatePath+"?pack=us.al&on=2027-06-01"), "Nothing changes for anybody on file")
	})
}

func TestAPackThatCannotBeReadComesBackWithItsLine(t *testing.T) {
	d := open(t, sqldbtest.SQLite(t, sqldb.Core))
	count(t, d)
	good := string(ruritania(t).Text)
	for name, c := range map[string]struct{ text, say string }{
		"nothing":          {" \n", "Paste a pack, or choose its file."},
		"no YAML":          {"x: 1\ny: [\n", "line 3"},
		"an unknown key":   {strings.Replace(good, "cite: s. 5}", "cit: s. 5}", 1), "field cit not found"},
		"Norway":           {strings.Replace(good, "residence: [ZZ]", "residence: [NO]", 1), "line 7: NO may be read as a boolean"},
		"no citation":      {strings.Replace(good, ", cite: s. 4}", "}", 1), "cite is needed"},
		"nothing to amend": {strings.Replace(good, "applies: {residence: [ZZ], establishment: [ZZ]}", "amends: zz.nowhere", 1), "zz.nowhere"},
		"too much":         {"# " + strings.Repeat("a", maxText), "larger than 512 KiB"},
	} {
		page := d.post(422, simulatePath, url.Values{"text": {c.text}, "on": {"2027-01-01"}})
		wants(t, page, c.say)
		if t.Failed() {
			t.Fatal(name)
		}
	}
	lacks(t, d.post(422, simulatePath, url.Values{"text": {"a: <script>alert(1)</script>["}}), "<script>alert")
}

func TestAnUploadedPackIsTried(t *testing.T) {
	d := open(t, sqldbtest.SQLite(t, sqldb.Core))
	count(t, d)
	var b bytes.Buffer
	form := multipart.NewWriter(&b)
	file, err := form.CreateFormFile("file", "zz.yaml")
	if err == nil {
		_, err = file.Write(ruritania(t).Text)
	}
	for name, v := range map[string]string{"on": "2027-01-01", "text": ""} {
		if err == nil {
			err = form.WriteField(name, v)
		}
	}
	if err == nil {
		err = form.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequestWithContext(t.Context(), "POST", simulatePath, &b)
	r.Header.Set("Content-Type", form.FormDataContentType())
	status, page := d.serve(r)
	if status != 200 {
		t.Fatalf("%d", status)
	}
	wants(t, page, "Data Peace Act of Ruritania (zz.ruritania@1) on 2027-01-01", "Who is touched, by place")
	if _, err := d.laws.Regime().Library().Pack("zz.ruritania"); err == nil {
		t.Error("a pack that was tried is here")
	}
}

func TestALooseningIsAcceptedWithAReason(t *testing.T) {
	sqldbtest.Each(t, sqldb.Core, func(t *testing.T, db *sqldb.DB) {
		d := open(t, db, ruritania(t))
		wants(t, d.get(200, waitingPath), "Nothing waits", "Nothing was accepted yet")
		d = open(t, db, ruritania(t, `version: "1"`, `version: "2"`, "personalize, mode: opt_in_explicit", "personalize, mode: opt_in", "respond: 6d", "respond: 5d"))
		page := d.get(200, waitingPath)
		wants(t, page, "1 change waits", "Purposes: personalize", "opt_in_explicit", "zz.ruritania@2", "Tightened, and in force already", "5d")
		wants(t, d.get(200, Path+"?place=ZZ"), "More applies than is shown", "1 change loosens")
		lacks(t, d.get(200, Path+"?place=DE"), "More applies than is shown")
		action := webtest.SelectAttr(t, page, "form[action$=accept]", "action")
		if len(action) != 1 {
			t.Fatalf("forms %v", action)
		}
		wants(t, d.post(422, action[0], url.Values{"reason": {"because"}}), "Write 10 to 500 characters", "because")
		d.get(200, waitingPath)
		d.post(404, waitingPath+"/0000/accept", url.Values{"reason": {"counsel agreed on it"}})
		d.post(303, action[0], url.Values{"reason": {"counsel agreed on it"}})
		wants(t, d.get(200, waitingPath), "Nothing waits", "counsel agreed on it", "owner", "opt_in_explicit → opt_in")
		d.post(404, action[0], url.Values{"reason": {"counsel agreed on it"}}) // it does not wait any more
		lacks(t, d.get(200, Path+"?place=ZZ"), "More applies than is shown")
	})
}

func TestAPackIsShownWithItsStateAndReview(t *testing.T) {
	sqldbtest.Each(t, sqldb.Core, func(t *testing.T, db *sqldb.DB) {
		d := open(t, db, ruritania(t))
		page := d.get(200, packsPath)
		wants(t, page, "zz.ruritania@1", "its hash, in the configuration", "eu.gdpr.omnibus2025@", "nobody yet")
		page = d.get(200, packsPath+"?from=own")
		wants(t, page, "zz.ruritania@1")
		lacks(t, page, "eu.aiact@")
		page = d.get(200, packsPath+"/zz.ruritania")
		wants(t, page, "Data Peace Act of Ruritania", "Nobody has reviewed this pack", "s. 8", "6d", "eu-1182-71, Europe/Vienna", "the king&#39;s birthday")
		d.get(404, packsPath+"/zz.nowhere")

		for field, v := range map[string]url.Values{
			"reviewer": {"reviewer": {"x"}, "date": {"2026-11-20"}}, "date": {"reviewer": {"Reviewer A"}, "date": {"2026-11-23"}}, "note": {"reviewer": {"Reviewer A"}, "date": {"2026-11-20"}, "note": {strings.Repeat("a", 501)}},
		} {
			page := d.post(422, packsPath+"/zz.ruritania/review", v)
			if got := webtest.SelectAttr(t, page, "#review [aria-invalid]", "name"); len(got) != 1 || got[0] != field {
				t.Errorf("%v is wrong, and the form marks %v", v, got)
			}
		}
		d.post(303, packsPath+"/zz.ruritania/review", url.Values{"reviewer": {"Reviewer A"}, "date": {"2026-11-20"}, "note": {"ages"}})
		wants(t, d.get(200, packsPath+"/zz.ruritania"), "Reviewer A", "2026-11-20", "as it is here", "owner")
		wants(t, d.get(200, packsPath), "Reviewer A")

		// A changed pack is not the one that was reviewed.
		d = open(t, db, ruritania(t, "respond: 6d", "respond: 5d"))
		wants(t, d.get(200, packsPath+"/zz.ruritania"), "another state of it", "an earlier state was reviewed")
	})
}

func TestPagesAreAccessibleAndFitAPhone(t *testing.T) {
	b := webtest.Start(t)
	db := sqldbtest.SQLite(t, sqldb.Core)
	open(t, db, ruritania(t))
	d := open(t, db, ruritania(t, `version: "1"`, `version: "2"`, "personalize, mode: opt_in_explicit", "personalize, mode: opt_in"))
	count(t, d)
	server := httptest.NewServer(d.mux)
	defer server.Close()
	shots := os.Getenv("THIMBLE_SHOTS")
	if shots == "" {
		shots = t.TempDir()
	}
	tab := b.Open(server.URL+Path, webtest.Desk)
	for page, path := range map[string]string{
		"law": Path + "?place=US-CA", "compare": comparePath + "?place=US-CA&on2=2027-02-01", "calendar": calendarPath,
		"simulate": simulatePath + "?pack=eu.gdpr.omnibus2025&on=2027-06-01", "waiting": waitingPath, "packs": packsPath, "pack": packsPath + "/zz.ruritania",
	} {
		tab.Goto(server.URL + path)
		looks := map[string]webtest.Viewport{"desk-light": webtest.Desk, "phone-dark": {Width: 390, Height: 844, Dark: true}}
		if os.Getenv("THIMBLE_SHOTS") != "" {
			looks["desk-dark"], looks["phone-light"] = webtest.Viewport{Width: 1280, Height: 800, Dark: true}, webtest.Phone
		}
		for name, look := range looks {
			tab.Look(look)
			tab.NoOverflow(t)
			tab.Axe(t)
			if os.Getenv("THIMBLE_SHOTS") != "" {
				tab.Screenshot(t, filepath.Join(shots, fmt.Sprintf("laws-%s-%s.png", page, name)))
			}
		}
	}
	tab.Clean(t, server.URL)
}
