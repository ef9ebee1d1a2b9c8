package collectweb

import (
	"cmp"
	"context"
	"embed"
	"encoding/hex"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

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
	// Waiting lists the deliveries of shop systems for which somebody has to act, and
	// Settle notes that they have.
	Waiting(ctx context.Context) ([]collectdb.Delivery, error)
	Settle(ctx context.Context, digest []byte) error
}

const (
	consolePath   = "/console/imports"
	consolePrefix = "imp"
	consoleRows   = 50
)

type console struct {
	pages   *web.Pages
	imports ConsoleImports
	uploads *Uploads
}

// Console is the imports' part of the staff console.
func Console(kit *web.Kit, imports ConsoleImports, uploads *Uploads) (web.Section, error) {
	pages, err := kit.Pages(consoleFiles, "pages/console_*.html")
	if err != nil {
		return web.Section{}, err
	}
	c := &console{pages: pages, imports: imports, uploads: uploads}
	return web.Section{
		Nav: []web.NavItem{{Label: "Imports", Href: consolePath, Icon: "download", Group: "Shop"}},
		Mount: func(mux web.Routes, f *web.Frame) {
			mux.HandleFunc("GET "+consolePath, func(w http.ResponseWriter, r *http.Request) { c.list(w, r, f) })
			mux.HandleFunc("POST "+consolePath+"/waiting", func(w http.ResponseWriter, r *http.Request) { c.settle(w, r, f) })
			mux.HandleFunc("GET "+uploadPath, func(w http.ResponseWriter, r *http.Request) { c.ask(w, r, f, http.StatusOK, uploadForm("")) })
			mux.HandleFunc(UploadPattern, func(w http.ResponseWriter, r *http.Request) { c.receive(w, r, f) })
			mux.HandleFunc("GET "+uploadPath+"/{upload}", func(w http.ResponseWriter, r *http.Request) { c.upload(w, r, f) })
			mux.HandleFunc("POST "+uploadPath+"/{upload}", func(w http.ResponseWriter, r *http.Request) { c.confirm(w, r, f) })
			mux.HandleFunc("POST "+uploadPath+"/{upload}/drop", func(w http.ResponseWriter, r *http.Request) { c.drop(w, r, f) })
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
			Text: fmt.Sprintf("%s from %s; %s rejected.", consoleTaken(i), web.Plural(int(i.Counts.Rows), "row", "rows"), web.Text(i.Counts.Rejected))}
		switch {
		case i.Feed != "":
			m.Title = "Deliveries of " + i.Feed
		case !i.Finished:
			m.Title, m.Tone = "Importing "+i.Name, web.Warn
		}
		return []web.Moment{m}, nil
	}
}

func consoleHref(id thimble.ID) string { return consolePath + "/" + id.Token(consolePrefix) }

// consoleTaken says how much an import has taken.
func consoleTaken(i collectdb.Import) string {
	if i.Kind == collect.Orders {
		return web.Plural(int(i.Counts.Orders), "order", "orders")
	}
	return web.Plural(int(i.Counts.Written), one[i.Kind][0], one[i.Kind][1])
}

// one has the word for one thing of a kind, and for several.
var one = map[collect.Kind][2]string{
	collect.Customers: {"customer", "customers"}, collect.Products: {"product", "products"}, collect.Stock: {"level of stock", "levels of stock"},
	collect.Reviews: {"review", "reviews"}, collect.Consents: {"choice", "choices"},
}

type consoleListBody struct {
	Waiting *web.Table
	Table   web.Table
}

func (c *console) list(w http.ResponseWriter, r *http.Request, f *web.Frame) {
	all, err := c.imports.Imports(r.Context())
	if err != nil {
		f.Fail(w, r, err)
		return
	}
	waiting, err := c.imports.Waiting(r.Context())
	if err != nil {
		f.Fail(w, r, err)
		return
	}
	t := web.Table{
		ID: "imports", Caption: "Imports", HideCaption: true,
		Columns: []web.Column{{Label: "File"}, {Label: "What"}, {Label: "State"}, {Label: "Rows", Kind: web.NumberColumn}, {Label: "Taken", Kind: web.NumberColumn}, {Label: "New customers", Kind: web.NumberColumn, Secondary: true}, {Label: "Rejected", Kind: web.NumberColumn}, {Label: "Started", Secondary: true}},
		Empty: &web.Empty{Icon: "download", Title: "Nothing was imported yet", Text: "Start with the shop's customers, then its products and orders. A file may be imported again: what is known is not doubled.",
			Action: &web.Action{Label: "Import a file", Href: uploadPath}},
	}
	for _, i := range all {
		n := i.Counts
		t.Rows = append(t.Rows, web.Row{Href: consoleHref(i.ID), Cells: web.Cells(i.Name, kindWords[i.Kind], consoleState(i), n.Rows, n.Orders+n.Written, n.Subjects, n.Rejected, i.StartedAt)})
	}
	f.Render(w, r, http.StatusOK, c.pages, "console_imports.html", web.Page{
		Title: "Imports", Lead: "What the shop already knew, and what its shop system delivers. A broken row costs itself and no other; it is listed with its line and the rule it breaks.",
		Actions: []web.Action{{Label: "Import a file", Href: uploadPath, Kind: "primary"}}, Body: consoleListBody{Waiting: consoleWaiting(waiting), Table: t},
	})
}

// waitingWords say what staff have to do for a delivery.
var waitingWords = map[string]string{
	"customers/data_request": "A customer wants to know what is kept about them. The shop system's message to the shop owner says who. Find them under Customers, make their archive, and send it to the shop owner.",
	"shop/redact":            "The shop has uninstalled the app. Nothing is erased by itself: if the shop is closed for good, erase its customers under Requests.",
}

// consoleWaiting is nil when nobody has to act.
func consoleWaiting(all []collectdb.Delivery) *web.Table {
	if len(all) == 0 {
		return nil
	}
	t := &web.Table{ID: "waiting", Caption: "Somebody has to act", Columns: []web.Column{{Label: "From"}, {Label: "What"}, {Label: "Came"}, {Label: ""}}}
	for _, d := range all {
		done := web.Action{Label: "Done", Href: consolePath + "/waiting", Post: true, About: d.Topic, Hidden: []web.Hidden{{Name: "delivery", Value: hex.EncodeToString(d.Digest)}}}
		t.Rows = append(t.Rows, web.Row{Cells: web.Cells(d.Feed, web.Cell{Value: d.Topic, Sub: waitingWords[d.Topic]}, time.UnixMicro(d.At).UTC(), done)})
	}
	return t
}

func (c *console) settle(w http.ResponseWriter, r *http.Request, f *web.Frame) {
	digest, err := hex.DecodeString(r.PostFormValue("delivery"))
	if err != nil || len(digest) == 0 {
		err = fmt.Errorf("collectweb: no delivery was named: %w", thimble.ErrInvalid)
	}
	if err == nil {
		err = c.imports.Settle(r.Context(), digest)
	}
	if err != nil {
		f.Fail(w, r, err)
		return
	}
	http.Redirect(w, r, consolePath, http.StatusSeeOther)
}

func consoleState(i collectdb.Import) web.Badge {
	switch {
	case i.Feed != "":
		return web.Badge{Text: web.Plural(int(i.Line), "delivery", "deliveries"), Tone: web.Info}
	case i.Finished:
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
	if !i.Finished && i.Feed == "" {
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
	stats := []web.Stat{{Label: "Rows", Value: n.Rows}}
	switch {
	case i.Kind == collect.Orders:
		stats = append(stats, web.Stat{Label: "Orders", Value: n.Orders, Note: web.Plural(int(n.Returns), "return", "returns") + " among them"},
			web.Stat{Label: "New customers", Value: n.Subjects, Note: web.Plural(int(n.Guests), "order", "orders") + " of guests"})
	case i.Kind.Personal() && i.Kind != collect.Consents:
		stats = append(stats, web.Stat{Label: "Taken", Value: n.Written}, web.Stat{Label: "New customers", Value: n.Subjects})
	default:
		stats = append(stats, web.Stat{Label: "Taken", Value: n.Written})
	}
	return append(stats, web.Stat{Label: "Rejected rows", Value: n.Rejected, Note: web.Percent(float64(n.Rejected)/float64(max(n.Rows, 1))) + " of the rows"})
}

func consoleFacts(i collectdb.Import) []web.KeyValue {
	n := i.Counts
	facts := []web.KeyValue{{Key: "What", Value: kindWords[i.Kind]}, {Key: "State", Value: consoleState(i)}, {Key: "Started", Value: i.StartedAt}, {Key: "Last progress", Value: i.UpdatedAt}}
	if i.Kind == collect.Orders {
		return append(facts,
			web.KeyValue{Key: "Known already", Value: web.Plural(int(n.Known), "order", "orders"), Sub: "not written again"},
			web.KeyValue{Key: "Of forgotten people", Value: web.Plural(int(n.Suppressed), "order", "orders"), Sub: "stayed out"},
			web.KeyValue{Key: "Without a country", Value: web.Plural(int(n.NoCountry), "order", "orders"), Sub: "the file names none that has a code"})
	}
	rows := func(key string, count int64, sub string) {
		facts = append(facts, web.KeyValue{Key: key, Value: web.Plural(int(count), "row", "rows"), Sub: sub})
	}
	switch i.Kind {
	case collect.Customers:
		rows("Of forgotten people", n.Suppressed, "stayed out")
		facts = append(facts,
			web.KeyValue{Key: "Identifiers added", Value: n.Joined, Sub: "to people who were there"},
			web.KeyValue{Key: "Identifiers left", Value: n.Contested, Sub: "with whom they were, or one too many"},
			web.KeyValue{Key: "Values not kept", Value: n.Dropped, Sub: "that no permitted purpose needs, or that are none"})
	case collect.Reviews:
		rows("Of forgotten people", n.Suppressed, "stayed out")
		rows("Known already", n.Known, "not written again")
		rows("Something taken out", n.Redacted, "of the text, that led to a person")
		rows("Of nobody who is known", n.Nobody, "without their text")
	case collect.Consents:
		rows("Of forgotten people", n.Suppressed, "stayed out")
		rows("Changed nothing", n.Same, "said already, or overtaken")
		rows("Refusals of nobody", n.Nobody, "who is known")
	}
	return facts
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
