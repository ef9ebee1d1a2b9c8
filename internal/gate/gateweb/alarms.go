package gateweb

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"thimble"
	"thimble/internal/gate"
	"thimble/internal/gate/gatedb"
	"thimble/internal/web"
)

// Watch is the part of the use log that looks for what is out of pattern; *gatedb.Log
// is one.
type Watch interface {
	Reach(ctx context.Context, q gatedb.Query, after thimble.SubjectID, limit int) (gatedb.Reach, error)
	Alarms(ctx context.Context, limit int) ([]gatedb.Raised, error)
	CloseAlarm(ctx context.Context, id thimble.ID, staff, note string) error
	Canaries(ctx context.Context) (int, error)
}

const (
	alarmsPath = "/console/alarms"
	reachPath  = "/console/reach"
	shown      = 200
	perPage    = 50
)

// A Planter makes a made-up person.
type Planter = func(ctx context.Context) error

type watchDesk struct {
	watch   Watch
	plant   Planter
	holders []string
	pages   *web.Pages
	*web.Frame
}

// ConsoleWatch is the alarms and the reach of a breach. holders are the names of who
// keeps data about people.
func ConsoleWatch(kit *web.Kit, watch Watch, plant Planter, holders ...string) (web.Section, error) {
	pages, err := kit.Pages(consoleFiles, "pages/console_*.html")
	if err != nil {
		return web.Section{}, err
	}
	return web.Section{
		Nav: []web.NavItem{{Label: "Alarms", Href: alarmsPath, Icon: "warning", Group: "Customers"}, {Label: "Reach", Href: reachPath, Icon: "search", Group: "Customers"}},
		Mount: func(mux web.Routes, f *web.Frame) {
			d := &watchDesk{watch: watch, plant: plant, holders: holders, pages: pages, Frame: f}
			mux.HandleFunc("GET "+alarmsPath, func(w http.ResponseWriter, r *http.Request) { d.alarms(w, r, http.StatusOK, nil) })
			mux.HandleFunc("POST "+alarmsPath+"/{id}/close", d.close)
			mux.HandleFunc("POST "+alarmsPath+"/plant", d.plantOne)
			mux.HandleFunc("GET "+reachPath, d.reach)
		},
	}, nil
}

type alarmsBody struct {
	Stats  []web.Stat
	Open   []openAlarm
	Empty  *web.Empty
	Closed web.Table
	Plant  web.Form
}

// An openAlarm is one that waits for somebody.
type openAlarm struct {
	ID    string
	Title string
	Badge web.Badge
	Facts []web.KeyValue
	Form  web.Form
}

func alarmTitle(k gate.AlarmKind) string {
	switch k {
	case gate.BulkRead:
		return "Bulk read"
	case gate.OddRead:
		return "Out of pattern"
	}
	return "A made-up person was opened"
}

func (d *watchDesk) alarms(w http.ResponseWriter, r *http.Request, status int, refused *web.Form) {
	all, err := d.watch.Alarms(r.Context(), shown)
	var canaries int
	if err == nil {
		canaries, err = d.watch.Canaries(r.Context())
	}
	if err != nil {
		d.Fail(w, r, err)
		return
	}
	d.Render(w, r, status, d.pages, "console_alarms.html", web.Page{
		Title: "Alarms", Lead: "Reading that somebody should look at. Each alarm is a ledger entry and names no customer.",
		Body: alarmsOf(all, canaries, refused),
	})
}

func alarmsOf(all []gatedb.Raised, canaries int, refused *web.Form) alarmsBody {
	b := alarmsBody{Plant: plantForm(), Closed: web.Table{
		ID: "closed", Caption: "Looked into", Note: fmt.Sprintf("The newest %d at most.", shown),
		Columns: []web.Column{{Label: "When"}, {Label: "What"}, {Label: "Who read"}, {Label: "Looked into by"}, {Label: "Found"}},
		Empty:   &web.Empty{Icon: "check", Title: "None yet", Text: "An alarm moves here with what was found."},
	}}
	for _, a := range all {
		if a.Open {
			b.Open = append(b.Open, alarmCard(a, refused))
			continue
		}
		who := web.Cell{Value: a.Alarm.Hour.Actor, Sub: string(a.Alarm.Hour.Kind)}
		b.Closed.Rows = append(b.Closed.Rows, web.Row{Cells: web.Cells(a.At, alarmTitle(a.Alarm.Kind), who, web.Cell{Value: a.ClosedBy, Sub: web.Date(a.ClosedAt)}, a.Note)})
	}
	if len(b.Open) == 0 {
		b.Empty = &web.Empty{Icon: "check", Title: "No open alarm", Text: "Bulk reads, reads out of an actor's own pattern and the opening of made-up people appear here."}
	}
	b.Stats = []web.Stat{{Label: "Open", Value: len(b.Open)}, {Label: "Made-up people", Value: canaries}}
	return b
}

func plantForm() web.Form {
	return web.Form{ID: "plant", Action: alarmsPath + "/plant", Legend: "Made-up people", Submit: "Make one up",
		Intro: "A made-up person stands among the customers with an account number of its own. Nobody has a reason to open it, so whoever does raises an alarm."}
}

func (d *watchDesk) plantOne(w http.ResponseWriter, r *http.Request) {
	if err := d.plant(r.Context()); err != nil {
		d.Fail(w, r, err)
		return
	}
	http.Redirect(w, r, alarmsPath, http.StatusSeeOther)
}

func alarmCard(a gatedb.Raised, refused *web.Form) openAlarm {
	h, id := a.Alarm.Hour, a.ID.Token(gatedb.AlarmPrefix)
	q := url.Values{"kind": {string(h.Kind)}, "actor": {h.Actor}, "from": {h.At.Format(inputTime)}, "to": {h.At.Add(time.Hour).Format(inputTime)}}
	card := openAlarm{
		ID: id, Title: alarmTitle(a.Alarm.Kind), Badge: web.Badge{Text: "Open", Tone: web.Bad},
		Facts: []web.KeyValue{
			{Key: "Who read", Value: h.Actor + " (" + string(h.Kind) + ")"}, {Key: "Hour (UTC)", Value: h.At}, {Key: "Why", Value: a.Alarm.Why},
			{Key: "Whose data", Value: []web.Action{{Label: "Ask for the reach", About: h.Actor, Href: reachPath + "?" + q.Encode(), Kind: "quiet"}}},
		},
		Form: web.Form{ID: "close-" + id, Action: alarmsPath + "/" + id + "/close", Legend: "Looked into it?", Submit: "Close the alarm",
			Fields: []web.Field{{Name: "note", Label: "What was found", Hint: "At least 10 characters, and no customer's data. Nobody closes an alarm about themselves.", Kind: web.TextAreaField, Rows: 2, Required: true, MaxLength: 500}}},
	}
	if refused != nil && refused.ID == card.Form.ID {
		card.Form = *refused
	}
	return card
}

func (d *watchDesk) close(w http.ResponseWriter, r *http.Request) {
	id, err := thimble.ParseID(gatedb.AlarmPrefix, r.PathValue("id"))
	if err == nil {
		err = r.ParseForm()
	}
	if err != nil {
		d.Fail(w, r, errors.Join(err, thimble.ErrNotFound))
		return
	}
	note := strings.TrimSpace(r.PostForm.Get("note"))
	err = d.watch.CloseAlarm(r.Context(), id, web.VisitorFrom(r.Context()).Staff, note)
	if errors.Is(err, thimble.ErrInvalid) || errors.Is(err, thimble.ErrDenied) {
		say := "Write 10 to 500 characters about what was found."
		if errors.Is(err, thimble.ErrDenied) {
			say = "This alarm is about you. Somebody else has to look into it."
		}
		form := alarmCard(gatedb.Raised{ID: id}, nil).Form.Fill(r.PostForm).Explain(web.FieldProblem{Field: "note", Detail: say})
		status, _, _ := web.Kind(err)
		d.alarms(w, r, status, &form)
		return
	}
	if err != nil {
		d.Fail(w, r, err)
		return
	}
	http.Redirect(w, r, alarmsPath, http.StatusSeeOther)
}

type reachBody struct {
	Form  web.Form
	Stats []web.Stat
	By    web.Table
	Who   web.Table
	Asked bool
}

// inputTime is the form of datetime-local fields, read as UTC.
const inputTime = "2006-01-02T15:04"

func (d *watchDesk) reach(w http.ResponseWriter, r *http.Request) {
	q, form, ok := d.query(r)
	body, status := reachBody{Form: form}, http.StatusOK
	switch {
	case !ok:
		status = http.StatusUnprocessableEntity
	case q != (gatedb.Query{}):
		var after thimble.SubjectID
		if text := r.URL.Query().Get("after"); text != "" {
			var err error
			if after, err = thimble.ParseSubjectID(text); err != nil {
				d.Fail(w, r, err)
				return
			}
		}
		found, err := d.watch.Reach(r.Context(), q, after, perPage)
		if err != nil {
			d.Fail(w, r, err)
			return
		}
		reachTables(&body, found, r.URL)
	}
	d.Render(w, r, status, d.pages, "console_reach.html", web.Page{
		Title: "Reach", Lead: "Whose data could have been seen: by whom, kept by which part, in which time. The first question after a breach.", Body: body,
	})
}

func (d *watchDesk) query(r *http.Request) (q gatedb.Query, form web.Form, ok bool) {
	v := r.URL.Query()
	choices := func(values ...string) (all []web.Option) {
		all = []web.Option{{Label: "Any"}}
		for _, value := range values {
			all = append(all, web.Option{Value: value})
		}
		return all
	}
	form = web.Form{ID: "reach", Action: reachPath, Method: "get", Legend: "Ask", Submit: "Show the reach", Fields: []web.Field{
		{Name: "kind", Label: "Kind of actor", Kind: web.SelectField, Options: choices(string(gate.Staff), string(gate.Client), string(gate.Machine), string(gate.Customer)), Short: true},
		{Name: "actor", Label: "Actor", Hint: "An account of staff, the name of an API key, or a capability.", MaxLength: 80, Autocomplete: "off"},
		{Name: "holder", Label: "Kept by", Kind: web.SelectField, Options: choices(d.holders...), Short: true},
		{Name: "from", Label: "From (UTC)", Kind: "datetime-local"},
		{Name: "to", Label: "Until (UTC)", Kind: "datetime-local"},
	}}.Fill(v)
	q = gatedb.Query{Kind: gate.Kind(v.Get("kind")), Actor: v.Get("actor"), Holder: v.Get("holder")}
	var problems []web.FieldProblem
	for name, into := range map[string]*time.Time{"from": &q.From, "to": &q.To} {
		if text := v.Get(name); text != "" {
			t, err := time.Parse(inputTime, text)
			if err != nil {
				problems = append(problems, web.FieldProblem{Field: name, Detail: "Write a time such as 2026-11-22T09:00."})
			}
			*into = t
		}
	}
	if problems == nil && !q.From.IsZero() && !q.To.IsZero() && !q.From.Before(q.To) {
		problems = append(problems, web.FieldProblem{Field: "to", Detail: "Choose a time after the beginning."})
	}
	return q, form.Explain(problems...), problems == nil
}

func reachTables(b *reachBody, found gatedb.Reach, u *url.URL) {
	b.Asked = true
	b.Stats = []web.Stat{{Label: "People", Value: found.People}, {Label: "Reads", Value: found.Reads}}
	b.By = web.Table{ID: "by", Caption: "By whom and what for", Note: "The largest 100 at most.",
		Columns: []web.Column{{Label: "Who"}, {Label: "What for"}, {Label: "What", Secondary: true}, {Label: "People", Kind: web.NumberColumn}, {Label: "Reads", Kind: web.NumberColumn}},
		Empty:   &web.Empty{Icon: "check", Title: "Nobody's data", Text: "The use log has no read that fits. Widen the time, or leave a field empty."}}
	for _, p := range found.By {
		b.By.Rows = append(b.By.Rows, web.Row{Cells: web.Cells(web.Cell{Value: p.Actor, Sub: string(p.Kind)}, string(p.Purpose), strings.Join(ConsoleWords(p.Categories), ", "), p.People, p.Reads)})
	}
	b.Who = web.Table{ID: "people", Caption: "Whose data", URL: u, Note: "By random id. Opening a customer is a read of its own.",
		Columns: []web.Column{{Label: "Customer", Kind: web.TokenColumn}, {Label: "First"}, {Label: "Last"}, {Label: "Reads", Kind: web.NumberColumn}}}
	for _, t := range found.Touched {
		b.Who.Rows = append(b.Who.Rows, web.Row{Cells: web.Cells(web.Token(t.Subject.String()), t.First, t.Last, t.Reads)})
	}
	if found.More {
		b.Who.Paging = &web.Paging{Next: found.Touched[len(found.Touched)-1].Subject.String(), Total: found.People}
	}
}
