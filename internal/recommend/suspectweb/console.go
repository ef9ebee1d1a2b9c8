package suspectweb

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"thimble"
	"thimble/internal/recommend/suspect"
	"thimble/internal/recommend/suspectdb"
	"thimble/internal/web"
)

//go:embed pages/console_*.html
var consoleFiles embed.FS

// Findings are what was found and what is decided about it; *suspectdb.Store is.
type Findings interface {
	Findings(ctx context.Context, limit int) ([]suspectdb.Found, error)
	Quarantine(ctx context.Context, id thimble.ID, staff, note string) error
	Dismiss(ctx context.Context, id thimble.ID, staff, note string) error
	Release(ctx context.Context, id thimble.ID, staff, note string) error
}

const (
	consolePath = "/console/recommendations/alarms"
	shown       = 100
)

type console struct {
	*web.Frame
	pages    *web.Pages
	findings Findings
}

// Console is the page of findings.
func Console(kit *web.Kit, findings Findings) (web.Section, error) {
	pages, err := kit.Pages(consoleFiles, "pages/console_*.html")
	if err != nil {
		return web.Section{}, err
	}
	return web.Section{
		Nav: []web.NavItem{{Label: "Suspect accounts", Href: consolePath, Icon: "warning", Group: "Shop"}},
		Mount: func(mux web.Routes, f *web.Frame) {
			c := &console{Frame: f, pages: pages, findings: findings}
			mux.HandleFunc("GET "+consolePath, func(w http.ResponseWriter, r *http.Request) { c.show(w, r, http.StatusOK, nil) })
			mux.HandleFunc("POST "+consolePath+"/{id}", c.decide)
		},
	}, nil
}

// ConsoleTiles counts the open findings on the overview.
func ConsoleTiles(findings Findings) func(context.Context) ([]web.Stat, error) {
	return func(ctx context.Context) ([]web.Stat, error) {
		all, err := findings.Findings(ctx, shown)
		open := 0
		for _, f := range all {
			if f.State == suspectdb.Open {
				open++
			}
		}
		if open == 0 {
			return nil, err
		}
		return []web.Stat{{Label: "Suspect accounts", Value: open, Note: "findings that wait for somebody", Href: consolePath}}, err
	}
}

type body struct {
	Stats  []web.Stat
	Open   []card
	Empty  *web.Empty
	Closed web.Table
}

// A card is a finding that somebody can decide about.
type card struct {
	ID    string
	Title string
	Badge web.Badge
	Facts []web.KeyValue
	Form  web.Form
}

func (c *console) show(w http.ResponseWriter, r *http.Request, status int, refused *web.Form) {
	all, err := c.findings.Findings(r.Context(), shown)
	if err != nil {
		c.Fail(w, r, err)
		return
	}
	c.Render(w, r, status, c.pages, "console_suspects.html", web.Page{
		Title: "Suspect accounts", Lead: "Accounts that look as if they were made to push a product. Nobody is left out of learning before you decide; the caps hold meanwhile.",
		Body: bodyOf(all, refused),
	})
}

func bodyOf(all []suspectdb.Found, refused *web.Form) body {
	b := body{Closed: web.Table{
		ID: "closed", Caption: "Decided", Note: fmt.Sprintf("The newest %d at most.", shown),
		Columns: []web.Column{{Label: "When"}, {Label: "Product"}, {Label: "Accounts", Kind: web.NumberColumn}, {Label: "Decided"}, {Label: "By"}, {Label: "Found"}},
		Empty:   &web.Empty{Icon: "check", Title: "None yet", Text: "A finding moves here with what was decided about it."},
	}}
	open, left := 0, 0
	for _, f := range all {
		switch f.State {
		case suspectdb.Open:
			open++
			b.Open = append(b.Open, cardOf(f, refused))
		case suspectdb.Quarantined:
			left += f.People
			b.Open = append(b.Open, cardOf(f, refused))
		case suspectdb.Dismissed, suspectdb.Released:
			b.Closed.Rows = append(b.Closed.Rows, web.Row{Cells: web.Cells(f.At, string(f.Item), f.Accounts, string(f.State), web.Cell{Value: f.DecidedBy, Sub: web.Date(f.DecidedAt)}, f.Note)})
		}
	}
	if len(b.Open) == 0 {
		b.Empty = &web.Empty{Icon: "check", Title: "No suspect accounts", Text: "Each training looks for products whose buyers are accounts nobody can vouch for, for products whose new buyers all came within a few days, and for accounts with the very same products."}
	}
	b.Stats = []web.Stat{{Label: "To look into", Value: open}, {Label: "Left out of learning", Value: left, Note: "accounts"}}
	return b
}

func title(f suspectdb.Found) string {
	if f.Kind == suspect.Alike {
		return "The very same products, " + string(f.Item) + " among them"
	}
	return "Pushed: " + string(f.Item)
}

func cardOf(f suspectdb.Found, refused *web.Form) card {
	id := f.ID.Token(suspectdb.FindingPrefix)
	c := card{ID: id, Title: title(f), Badge: web.Badge{Text: "Open", Tone: web.Bad}, Facts: []web.KeyValue{
		{Key: "Why", Value: f.Why}, {Key: "Found", Value: f.At}, {Key: "Accounts in it now", Value: f.People},
	}}
	note := web.Field{Name: "note", Label: "What you found", Hint: "10 to 500 characters, and no customer's data.", Kind: web.TextAreaField, Rows: 2, Required: true, MaxLength: 500}
	if f.State == suspectdb.Quarantined {
		c.Badge = web.Badge{Text: "Left out of learning"}
		c.Facts = append(c.Facts, web.KeyValue{Key: "Decided by", Value: f.DecidedBy, Sub: web.Date(f.DecidedAt)}, web.KeyValue{Key: "What was found", Value: f.Note})
		c.Form = web.Form{ID: "decide-" + id, Action: consolePath + "/" + id, Legend: "Take it back?", Submit: "Learn from them again", Fields: []web.Field{
			{Name: "do", Label: "Decision", Kind: web.SelectField, Required: true, Value: "release", Options: []web.Option{{Value: "release", Label: "Release: learn from them again"}}}, note,
		}}
	} else {
		c.Form = web.Form{ID: "decide-" + id, Action: consolePath + "/" + id, Legend: "Looked into it?", Submit: "Decide",
			Intro: "Left out, they are not learned from any more, and a training begins. They read so in their own export. Their orders and accounts stay as they are.",
			Fields: []web.Field{
				{Name: "do", Label: "Decision", Kind: web.SelectField, Required: true, Options: []web.Option{{Value: "", Label: "Choose"}, {Value: "quarantine", Label: "Leave them out of learning"}, {Value: "dismiss", Label: "It is nothing"}}}, note,
			}}
	}
	if refused != nil && refused.ID == c.Form.ID {
		c.Form = *refused
	}
	return c
}

func (c *console) decide(w http.ResponseWriter, r *http.Request) {
	id, err := thimble.ParseID(suspectdb.FindingPrefix, r.PathValue("id"))
	if err == nil {
		err = r.ParseForm()
	}
	if err != nil {
		c.Fail(w, r, errors.Join(err, thimble.ErrNotFound))
		return
	}
	do, ok := map[string]func(context.Context, thimble.ID, string, string) error{
		"quarantine": c.findings.Quarantine, "dismiss": c.findings.Dismiss, "release": c.findings.Release,
	}[r.PostForm.Get("do")]
	field, say := "note", "Write 10 to 500 characters about what you found."
	if !ok {
		field, say, err = "do", "Choose what is to be done.", thimble.ErrInvalid
	} else {
		err = do(r.Context(), id, web.VisitorFrom(r.Context()).Staff, strings.TrimSpace(r.PostForm.Get("note")))
	}
	if errors.Is(err, thimble.ErrInvalid) {
		form := cardOf(suspectdb.Found{ID: id, State: stateOf(r.PostForm.Get("do"))}, nil).Form.Fill(r.PostForm).Explain(web.FieldProblem{Field: field, Detail: say})
		c.show(w, r, http.StatusUnprocessableEntity, &form)
		return
	}
	if err != nil {
		c.Fail(w, r, err)
		return
	}
	http.Redirect(w, r, consolePath, http.StatusSeeOther)
}

// stateOf is the state of a finding about which one decides so.
func stateOf(do string) suspectdb.State {
	if do == "release" {
		return suspectdb.Quarantined
	}
	return suspectdb.Open
}
