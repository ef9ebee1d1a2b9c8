package casesweb

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"thimble"
	"thimble/internal/ledger/ledgerweb"
	"thimble/internal/rights/cases"
	"thimble/internal/rights/casesdb"
	"thimble/internal/subject/subjectweb"
	"thimble/internal/web"
)

//go:embed pages/console_*.html
var consoleFiles embed.FS

const (
	consolePath = "/console/requests"
	newPath     = consolePath + "/new"
	casePath    = "/console/cases"
	// executedPath lists what was executed, each with its report.
	executedPath = consolePath + "/executed"
	consoleShown = 100
	// unconfirmedList lists whose receipt was to be confirmed by now (11 CCR 7021(a)).
	unconfirmedList = "unconfirmed"
)

// A Queue lists cases for staff; *casesdb.Store does.
type Queue interface {
	Queue(ctx context.Context, after casesdb.Place, limit int) ([]cases.Case, error)
	Closed(ctx context.Context, after casesdb.Place, limit int) ([]cases.Case, error)
	Unconfirmed(ctx context.Context, limit int) ([]cases.Case, error)
	Counts(ctx context.Context) (open, overdue int, err error)
}

// ConsoleDeps are what the staff's desk is made of.
type ConsoleDeps struct {
	Store   Store
	Queue   Queue
	Begin   Begin
	Systems Systems // nil: none takes part
	Letters Letters // nil: nobody is written to
	// Mails says whether letters go anywhere; nil: not said.
	Mails    func() bool
	Reader   subjectweb.Reader
	Receipts ledgerweb.ReceiptLog
	// Attorney is which power of attorney a registered agent says it has.
	Attorney func(ctx context.Context, g thimble.Grant, c cases.Case) (thimble.Personal[string], error)
	// Colleagues are who a request can be handed to.
	Colleagues func(ctx context.Context) ([]string, error)
	// Corrections tell what came of a correction.
	Corrections Corrections
	Now         func() time.Time
}

type console struct {
	ConsoleDeps
	pages *web.Pages
	*web.Frame
}

// Console is the desk in the staff console.
func Console(kit *web.Kit, d ConsoleDeps) (web.Section, error) {
	pages, err := kit.Pages(consoleFiles, "pages/console_*.html")
	if err != nil {
		return web.Section{}, err
	}
	return web.Section{
		Nav: []web.NavItem{{Label: "Requests", Href: consolePath, Icon: "inbox", Group: "Customers"}},
		Mount: func(mux web.Routes, f *web.Frame) {
			c := &console{ConsoleDeps: d, pages: pages, Frame: f}
			mux.HandleFunc("GET "+consolePath, c.list)
			mux.HandleFunc("GET "+newPath, func(w http.ResponseWriter, r *http.Request) { c.blank(w, r, http.StatusOK, newForm()) })
			mux.HandleFunc("POST "+newPath, c.enter)
			mux.HandleFunc("GET "+casePath+"/{case}", func(w http.ResponseWriter, r *http.Request) { c.show(w, r, http.StatusOK, "") })
			mux.HandleFunc("POST "+casePath+"/{case}", c.act)
			mux.HandleFunc("GET "+casePath+"/{case}/receipt/{step}", c.receipt)
		},
	}, nil
}

// ConsoleTiles count what is open, for the overview.
func ConsoleTiles(q Queue) func(context.Context) ([]web.Stat, error) {
	return func(ctx context.Context) ([]web.Stat, error) {
		open, overdue, err := q.Counts(ctx)
		if err != nil || open == 0 {
			return nil, err
		}
		s := web.Stat{Label: "Open requests", Value: counted(open), Href: consolePath, Note: "none past its date"}
		if overdue > 0 {
			s.Delta, s.Trend, s.Note = web.Text(counted(overdue))+" past the date", web.Bad, "the one due first is on top"
		}
		return []web.Stat{s}, nil
	}
}

// counted is a count as a page says it.
func counted(n int) any {
	if n > casesdb.MostCounted {
		return "over " + web.Text(casesdb.MostCounted)
	}
	return n
}

type consoleListBody struct {
	Say   *web.Callout
	Table web.Table
}

func (d *console) list(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	closed, unconfirmed := q.Get("show") == "closed", q.Get("show") == unconfirmedList
	after, err := placeOf(q.Get("after"))
	read := d.Queue.Queue
	switch {
	case closed:
		read = d.Queue.Closed
	case unconfirmed:
		read = func(ctx context.Context, _ casesdb.Place, _ int) ([]cases.Case, error) {
			return d.Queue.Unconfirmed(ctx, consoleShown)
		}
	}
	var all []cases.Case
	if err == nil {
		all, err = read(r.Context(), after, consoleShown+1)
	}
	if err != nil {
		d.Fail(w, r, err)
		return
	}
	t := queueTable(all[:min(len(all), consoleShown)], closed, d.Now())
	t.URL = r.URL
	if len(all) > consoleShown {
		t.Paging = &web.Paging{Next: cursor(all[consoleShown-1], closed)}
	}
	d.Render(w, r, http.StatusOK, d.pages, "console_cases.html", web.Page{
		Title: "Requests", Lead: "What people ask about their data, the one due first on top, with what is past its date before the others.",
		Tabs:    []web.Tab{{Label: "Open", Href: consolePath, Current: !closed && !unconfirmed}, {Label: "Not confirmed", Href: consolePath + "?show=" + unconfirmedList, Current: unconfirmed}, {Label: "Closed", Href: consolePath + "?show=closed", Current: closed}, {Label: "Executed", Href: executedPath}},
		Actions: []web.Action{{Label: "Enter a request", Href: newPath, Icon: "plus"}}, Body: consoleListBody{d.noLetters(), t},
	})
}

func queueTable(all []cases.Case, closed bool, now time.Time) web.Table {
	t := web.Table{ID: "requests", Caption: "Requests", HideCaption: true,
		Columns: []web.Column{{Label: "Asked for"}, {Label: "Due before"}, {Label: "State"}, {Label: "Received"}, {Label: "With"}, {Label: "Request", Kind: web.TokenColumn, Secondary: true}},
		Empty:   &web.Empty{Icon: "inbox", Title: "Nobody waits", Text: "What customers ask in their privacy centre, or the shop passes on by the API, appears here with its date. What comes by mail or in a shop is entered here."}}
	if closed {
		t.Columns[1].Label = "Closed"
	}
	for _, c := range all {
		when := web.Cell{Value: c.Due, Sub: dueWords(c, now)}
		if closed {
			when = web.Cell{Value: c.Closed}
		}
		badges := []web.Badge{stateBadges[c.State]}
		if c.Overdue(now) {
			badges = append(badges, web.Badge{Text: "Overdue", Tone: web.Bad})
		}
		if c.Unconfirmed(now) {
			badges = append(badges, web.Badge{Text: "Not confirmed", Tone: web.Bad})
		}
		t.Rows = append(t.Rows, web.Row{Href: casePath + "/" + token(c), Cells: web.Cells(web.Cell{Value: c.Kind.Words(), Sub: c.Via.Words()}, when, badges, c.At, c.Staff, web.Token(token(c)))})
	}
	return t
}

// cursor is where the next page begins.
func cursor(c cases.Case, closed bool) string {
	at := c.Due
	if closed {
		at = c.Closed
	}
	return strconv.FormatInt(at.UnixMicro(), 10) + "-" + token(c)
}

func placeOf(cursor string) (casesdb.Place, error) {
	if cursor == "" {
		return casesdb.Place{}, nil
	}
	var at int64
	var name string
	n, err := fmt.Sscanf(cursor, "%d-%s", &at, &name)
	if err == nil && n == 2 {
		if id, err := thimble.ParseID(cases.TokenPrefix, name); err == nil {
			return casesdb.Place{At: time.UnixMicro(at), ID: id}, nil
		}
	}
	return casesdb.Place{}, fmt.Errorf("casesweb: after: a page of this list was expected: %w", thimble.ErrNotFound)
}

type formBody struct{ Form web.Form }

// newForm is what staff fill in when somebody asked by mail, by phone or in a shop.
func newForm() web.Form {
	kind := web.Field{Name: "kind", Label: "What is asked for", Kind: web.SelectField, Required: true, Options: []web.Option{{Label: "Choose"}}}
	for _, n := range cases.Natures() {
		if n.Kind != cases.Object && n.Kind != cases.Withdraw {
			kind.Options = append(kind.Options, web.Option{Value: string(n.Kind), Label: n.Words})
		}
	}
	via := web.Field{Name: "via", Label: "How it came", Kind: web.SelectField, Required: true}
	for _, v := range cases.Entered() {
		via.Options = append(via.Options, web.Option{Value: string(v), Label: v.Words()})
	}
	return web.Form{ID: "enter", Action: newPath, Submit: "Enter it", Fields: []web.Field{
		{Name: "subject", Label: "Whose", Required: true, Hint: "The customer’s token, from their page. Look them up under Customers.", Autocomplete: "off", MaxLength: 64}, kind, via,
		textField("What they wrote or said", "The customer reads it too.", false)}}
}

func (d *console) blank(w http.ResponseWriter, r *http.Request, status int, form web.Form) {
	d.Render(w, r, status, d.pages, "console_new.html", web.Page{Title: "Enter a request", Lead: "What came by mail, by phone or in a shop. The clock runs from now.",
		Crumbs: []web.Crumb{{Label: "Requests", Href: consolePath}, {Label: "Enter a request"}}, Body: formBody{form}})
}

func (d *console) enter(w http.ResponseWriter, r *http.Request) {
	if err := parse(w, r); err != nil {
		d.Fail(w, r, err)
		return
	}
	who, wrong := thimble.ParseSubjectID(r.PostForm.Get("subject"))
	var problems []web.FieldProblem
	if wrong != nil {
		problems = append(problems, web.FieldProblem{Field: "subject", Detail: "expected a token such as sub_1vz3m8t6q4c0k7d9h2x5r8w3ya."})
	}
	if _, err := cases.NatureOf(cases.Kind(r.PostForm.Get("kind"))); err != nil {
		problems = append(problems, web.FieldProblem{Field: "kind", Detail: "choose one of these."})
	}
	if len(problems) > 0 {
		d.blank(w, r, http.StatusUnprocessableEntity, newForm().Fill(r.PostForm).Explain(problems...))
		return
	}
	c, err := d.Store.Open(r.Context(), casesdb.Asked{Subject: who, Kind: cases.Kind(r.PostForm.Get("kind")), Via: entered(r.PostForm.Get("via")), By: cases.TheStaff,
		Staff: web.VisitorFrom(r.Context()).Staff, Words: written(r)})
	switch {
	case errors.Is(err, thimble.ErrNotFound):
		d.blank(w, r, http.StatusUnprocessableEntity, newForm().Fill(r.PostForm).Explain(web.FieldProblem{Field: "subject", Detail: "nobody has this token, or they were erased."}))
	case errors.Is(err, thimble.ErrInvalid):
		d.blank(w, r, http.StatusUnprocessableEntity, newForm().Fill(r.PostForm).Explain(web.FieldProblem{Field: "via", Detail: "choose one of these, and write no more than fits."}))
	case err != nil:
		d.Fail(w, r, err)
	default:
		http.Redirect(w, r, casePath+"/"+token(c), http.StatusSeeOther)
	}
}

// entered is a way that staff enter; any other is none.
func entered(v string) cases.Via {
	for _, e := range cases.Entered() {
		if string(e) == v {
			return e
		}
	}
	return ""
}

func (d *console) receipt(w http.ResponseWriter, r *http.Request) {
	id, err := caseOf(r)
	var c cases.Case
	if err == nil {
		c, err = d.Store.Get(r.Context(), id)
	}
	n, numErr := strconv.Atoi(r.PathValue("step"))
	if err == nil && numErr != nil {
		err = fmt.Errorf("casesweb: the address names no step: %w", thimble.ErrNotFound)
	}
	if err == nil {
		o, openErr := openingOf(r.Context(), d.Store, c, n)
		if err = openErr; err == nil {
			err = ledgerweb.WriteReceipt(w, r, d.Receipts, o, token(c)+"-"+strconv.Itoa(n))
		}
	}
	if err != nil {
		d.Fail(w, r, err)
	}
}
