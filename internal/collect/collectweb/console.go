package collectweb

import (
	"cmp"
	"context"
	"embed"
	"fmt"
	"net/http"
	"slices"
	"strconv"

	"thimble"
	"thimble/internal/collect"
	"thimble/internal/collect/collectdb"
	"thimble/internal/web"
)

//go:embed pages/console_*.html
var consoleFiles embed.FS

// ConsoleImports are kept with their rejected rows: collectdb does.
type ConsoleImports interface {
	Imports(ctx context.Context) ([]collectdb.Import, error)
	Rejects(ctx context.Context, id thimble.ID) ([]collect.Reject, error)
}

const (
	consolePath   = "/console/imports"
	consolePrefix = "imp"
	consoleRows   = 50
)

type console struct {
	pages   *web.Pages
	imports ConsoleImports
}

// Console is the imports' part of the staff console.
func Console(kit *web.Kit, imports ConsoleImports) (web.Section, error) {
	pages, err := kit.Pages(consoleFiles, "pages/console_*.html")
	if err != nil {
		return web.Section{}, err
	}
	c := &console{pages: pages, imports: imports}
	return web.Section{
		Nav: []web.NavItem{{Label: "Imports", Href: consolePath, Icon: "download", Group: "Shop"}},
		Mount: func(mux web.Routes, f *web.Frame) {
			mux.HandleFunc("GET "+consolePath, func(w http.ResponseWriter, r *http.Request) { c.list(w, r, f) })
			mux.HandleFunc("GET "+consolePath+"/{import}", func(w http.ResponseWriter, r *http.Request) { c.show(w, r, f) })
		},
	}, nil
}

// ConsoleMoments is the newest import, for the overview's timeline.
func ConsoleMoments(imports ConsoleImports) func(context.Context) ([]web.Moment, error) {
	return func(ctx context.Context) ([]web.Moment, error) {
		all, err := imports.Imports(ctx)
		if err != nil || len(all) == 0 {
			return nil, err
		}
		i := all[0]
		m := web.Moment{At: i.UpdatedAt, Title: "Imported " + i.Name, Icon: "download", Tone: web.Info, Href: consoleHref(i.ID),
			Text: fmt.Sprintf("%s from %s; %s rejected.", web.Plural(int(i.Counts.Orders), "order", "orders"), web.Plural(int(i.Counts.Rows), "row", "rows"), web.Text(i.Counts.Rejected))}
		if !i.Finished {
			m.Title, m.Tone = "Importing "+i.Name, web.Warn
		}
		return []web.Moment{m}, nil
	}
}

func consoleHref(id thimble.ID) string { return consolePath + "/" + id.Token(consolePrefix) }

type consoleListBody struct {
	Table   web.Table
	Command web.CodeBlock
}

func (c *console) list(w http.ResponseWriter, r *http.Request, f *web.Frame) {
	all, err := c.imports.Imports(r.Context())
	if err != nil {
		f.Fail(w, r, err)
		return
	}
	t := web.Table{
		ID: "imports", Caption: "Imports", HideCaption: true,
		Columns: []web.Column{{Label: "File"}, {Label: "State"}, {Label: "Rows", Kind: web.NumberColumn}, {Label: "Orders", Kind: web.NumberColumn}, {Label: "New customers", Kind: web.NumberColumn}, {Label: "Rejected", Kind: web.NumberColumn}, {Label: "Started", Secondary: true}},
		Empty:   &web.Empty{Icon: "download", Title: "Nothing was imported yet", Text: "Start with the shop's orders. A file may be imported again: what is known is not doubled."},
	}
	for _, i := range all {
		n := i.Counts
		t.Rows = append(t.Rows, web.Row{Href: consoleHref(i.ID), Cells: web.Cells(i.Name, consoleState(i), n.Rows, n.Orders, n.Subjects, n.Rejected, i.StartedAt)})
	}
	f.Render(w, r, http.StatusOK, c.pages, "console_imports.html", web.Page{
		Title: "Imports", Lead: "What the shop already knew. A broken row costs itself and no other; it is listed with its line and the rule it breaks.",
		Body: consoleListBody{Table: t, Command: web.CodeBlock{Title: "Import orders", Lang: "shell", Code: "thimble import orders orders.csv"}},
	})
}

func consoleState(i collectdb.Import) web.Badge {
	if i.Finished {
		return web.Badge{Text: "Finished", Tone: web.Good}
	}
	return web.Badge{Text: "At line " + web.Text(i.Line), Tone: web.Warn}
}

type consoleBody struct {
	Stats   []web.Stat
	Open    *web.Callout
	Facts   []web.KeyValue
	Reasons web.Table
	Lines   web.Table
}

func (c *console) show(w http.ResponseWriter, r *http.Request, f *web.Frame) {
	i, err := c.named(r)
	if err != nil {
		f.Fail(w, r, err)
		return
	}
	rejects, err := c.imports.Rejects(r.Context(), i.ID)
	if err != nil {
		f.Fail(w, r, err)
		return
	}
	body := consoleBody{Stats: consoleStats(i), Facts: consoleFacts(i), Reasons: consoleReasons(i), Lines: consoleLines(r, i, rejects)}
	if !i.Finished {
		body.Open = &web.Callout{Tone: web.Warn, Title: "Not finished", Text: fmt.Sprintf("Everything up to line %s is in. Run the same import again: it goes on from there and doubles nothing.", web.Text(i.Line))}
	}
	f.Render(w, r, http.StatusOK, c.pages, "console_import.html", web.Page{
		Title: i.Name, Crumbs: []web.Crumb{{Label: "Imports", Href: consolePath}, {Label: web.ShortToken(i.ID.Token(consolePrefix))}}, Body: body,
	})
}

func (c *console) named(r *http.Request) (collectdb.Import, error) {
	id, err := thimble.ParseID(consolePrefix, r.PathValue("import"))
	if err != nil {
		return collectdb.Import{}, fmt.Errorf("collectweb: the address names no import: %w", thimble.ErrNotFound)
	}
	all, err := c.imports.Imports(r.Context())
	if err != nil {
		return collectdb.Import{}, err
	}
	if k := slices.IndexFunc(all, func(i collectdb.Import) bool { return i.ID == id }); k >= 0 {
		return all[k], nil
	}
	return collectdb.Import{}, fmt.Errorf("collectweb: import %s: %w", id.Token(consolePrefix), thimble.ErrNotFound)
}

func consoleStats(i collectdb.Import) []web.Stat {
	n := i.Counts
	return []web.Stat{
		{Label: "Rows", Value: n.Rows}, {Label: "Orders", Value: n.Orders, Note: web.Plural(int(n.Returns), "return", "returns") + " among them"},
		{Label: "New customers", Value: n.Subjects, Note: web.Plural(int(n.Guests), "order", "orders") + " of guests"},
		{Label: "Rejected rows", Value: n.Rejected, Note: web.Percent(float64(n.Rejected)/float64(max(n.Rows, 1))) + " of the rows"},
	}
}

func consoleFacts(i collectdb.Import) []web.KeyValue {
	n := i.Counts
	return []web.KeyValue{
		{Key: "State", Value: consoleState(i)}, {Key: "Started", Value: i.StartedAt}, {Key: "Last progress", Value: i.UpdatedAt},
		{Key: "Known already", Value: web.Plural(int(n.Known), "order", "orders"), Sub: "not written again"},
		{Key: "Of forgotten people", Value: web.Plural(int(n.Suppressed), "order", "orders"), Sub: "stayed out"},
		{Key: "Without a country", Value: web.Plural(int(n.NoCountry), "order", "orders"), Sub: "the file names none that has a code"},
	}
}

func consoleReasons(i collectdb.Import) web.Table {
	t := web.Table{ID: "reasons", Caption: "Rejected rows by rule", Columns: []web.Column{{Label: "Rule"}, {Label: "Rows", Kind: web.NumberColumn}, {Label: "Share"}},
		Empty: &web.Empty{Icon: "check", Title: "No row was rejected", Text: "Each row of the file was understood."}}
	reasons := make([]collect.Reason, 0, len(i.Counts.Reasons))
	for reason := range i.Counts.Reasons {
		reasons = append(reasons, reason)
	}
	slices.SortFunc(reasons, func(a, b collect.Reason) int {
		return cmp.Or(cmp.Compare(i.Counts.Reasons[b], i.Counts.Reasons[a]), cmp.Compare(a, b))
	})
	for _, reason := range reasons {
		n := i.Counts.Reasons[reason]
		t.Rows = append(t.Rows, web.Row{Cells: web.Cells(web.Cell{Value: string(reason), Sub: reason.Rule()}, n, web.Meter{Share: float64(n) / float64(max(i.Counts.Rejected, 1))})})
	}
	return t
}

func consoleLines(r *http.Request, i collectdb.Import, rejects []collect.Reject) web.Table {
	t := web.Table{ID: "lines", Caption: "Rejected lines", URL: r.URL, Note: "Line numbers of the file, the header being line 1.",
		Columns: []web.Column{{Label: "Line", Kind: web.NumberColumn}, {Label: "Rule"}},
		Empty:   &web.Empty{Icon: "check", Title: "No lines to list"}}
	if i.Counts.Rejected > int64(len(rejects)) {
		t.Note = fmt.Sprintf("The first %s of %s. %s", web.Text(len(rejects)), web.Text(i.Counts.Rejected), t.Note)
	}
	pages := (len(rejects) + consoleRows - 1) / consoleRows
	page, err := strconv.Atoi(cmp.Or(r.URL.Query().Get("page"), "1"))
	if err != nil || page < 1 || page > max(pages, 1) {
		t.Note, page = "That page does not exist; this is the first one.", 1
	}
	from := (page - 1) * consoleRows
	to := min(from+consoleRows, len(rejects))
	for _, j := range rejects[from:to] {
		t.Rows = append(t.Rows, web.Row{Cells: web.Cells(j.Line, web.Cell{Value: string(j.Reason), Sub: j.Reason.Rule()})})
	}
	if len(rejects) > 0 {
		t.Paging = &web.Paging{Page: page, Pages: pages, From: from + 1, To: to, Total: len(rejects)}
	}
	return t
}
