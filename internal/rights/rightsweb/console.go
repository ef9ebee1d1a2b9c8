package rightsweb

import (
	"context"
	"embed"
	"fmt"
	"net/http"
	"slices"

	"thimble"
	"thimble/internal/ledger"
	"thimble/internal/ledger/ledgerweb"
	"thimble/internal/rights"
	"thimble/internal/web"
)

//go:embed pages/console_*.html
var consoleFiles embed.FS

// ConsoleRequests are kept with their reports: rightsdb does.
type ConsoleRequests interface {
	List(ctx context.Context, limit int) ([]rights.Request, error)
	Opening(ctx context.Context, id thimble.ID) (ledger.Opening, error)
	Certificate(ctx context.Context, request thimble.ID) (ledger.Opening, error)
}

const (
	consolePath = "/console/requests"
	// executedPath lists what was executed; what people ask for is listed by casesweb.
	executedPath = consolePath + "/executed"
	// consoleKnown bounds the list, and how far back a request's page is found.
	consoleKnown = 10_000
	consoleShown = 200
)

type console struct {
	pages    *web.Pages
	requests ConsoleRequests
	receipts ledgerweb.ReceiptLog
}

// Console is the requests' part of the staff console.
func Console(kit *web.Kit, requests ConsoleRequests, receipts ledgerweb.ReceiptLog) (web.Section, error) {
	pages, err := kit.Pages(consoleFiles, "pages/console_*.html")
	if err != nil {
		return web.Section{}, err
	}
	c := &console{pages: pages, requests: requests, receipts: receipts}
	return web.Section{
		Mount: func(mux web.Routes, f *web.Frame) {
			mux.HandleFunc("GET "+executedPath, func(w http.ResponseWriter, r *http.Request) { c.list(w, r, f) })
			mux.HandleFunc("GET "+consolePath+"/{request}", func(w http.ResponseWriter, r *http.Request) { c.show(w, r, f) })
			mux.HandleFunc("GET "+consolePath+"/{request}/receipt", func(w http.ResponseWriter, r *http.Request) { c.receipt(w, r, f) })
			mux.HandleFunc("GET "+consolePath+"/{request}"+certificateFile, func(w http.ResponseWriter, r *http.Request) { c.certificate(w, r, f) })
		},
	}, nil
}

// ConsoleMoments are the newest erasures, for the overview's timeline.
func ConsoleMoments(requests ConsoleRequests) func(context.Context) ([]web.Moment, error) {
	return func(ctx context.Context) ([]web.Moment, error) {
		all, err := requests.List(ctx, 50)
		var moments []web.Moment
		for _, r := range all {
			if r.Kind != rights.Erase || r.State != rights.Fulfilled || len(moments) == 3 {
				continue
			}
			moments = append(moments, web.Moment{At: r.Done, Title: "A customer was forgotten", Icon: "trash", Tone: web.Good, Href: consoleHref(r.ID),
				Text: fmt.Sprintf("%s in %s, and the keys destroyed.", web.Plural(consoleCount(r.Report), "entry", "entries"), web.Plural(len(r.Report.Holders), "holder", "holders"))})
		}
		return moments, err
	}
}

func consoleHref(id thimble.ID) string { return consolePath + "/" + id.Token(rights.TokenPrefix) }

func consoleCount(r rights.Report) (n int) {
	for _, line := range r.Holders {
		n += line.Count
	}
	return n
}

type consoleListBody struct{ Table web.Table }

func (c *console) list(w http.ResponseWriter, r *http.Request, f *web.Frame) {
	all, err := c.requests.List(r.Context(), consoleShown)
	if err != nil {
		f.Fail(w, r, err)
		return
	}
	kind := rights.Kind(r.URL.Query().Get("kind"))
	t := web.Table{
		ID: "requests", Caption: "Requests", HideCaption: true, URL: r.URL,
		Columns: []web.Column{{Label: "Request", Kind: web.TokenColumn}, {Label: "Asked for"}, {Label: "State"}, {Label: "Received"}, {Label: "Done"}, {Label: "Entries", Kind: web.NumberColumn}},
		Filters: []web.Field{{Name: "kind", Label: "Asked for", Kind: web.SelectField, Value: string(kind), Short: true,
			Options: consoleKinds()}},
		Empty: &web.Empty{Icon: "inbox", Title: "Nobody has asked for anything", Text: "Customers ask in their privacy centre: to see everything that is held, or to be forgotten. Both are executed at once and appear here."},
	}
	status := http.StatusOK
	if kind != "" && !slices.Contains(rights.Kinds(), kind) {
		t.Filters[0].Error, status = "Choose one of the list.", http.StatusUnprocessableEntity
	}
	if len(all) == 0 {
		t.Filters = nil
	}
	for _, q := range all {
		if kind == "" || q.Kind == kind {
			t.Rows = append(t.Rows, web.Row{Href: consoleHref(q.ID), Cells: web.Cells(web.Token(q.ID.Token(rights.TokenPrefix)), consoleKind(q.Kind), consoleState(q), q.At, q.Done, consoleCount(q.Report))})
		}
	}
	f.Render(w, r, status, c.pages, "console_requests.html", web.Page{
		Title: "Executed", Lead: "What was done about people’s data: counts and hashes, no person.", Crumbs: []web.Crumb{{Label: "Requests", Href: consolePath}, {Label: "Executed"}}, Body: consoleListBody{t},
	})
}

// consoleKinds are the choices of the list's filter.
func consoleKinds() []web.Option {
	options := []web.Option{{Label: "All"}}
	for _, k := range rights.Kinds() {
		options = append(options, web.Option{Value: string(k), Label: consoleKind(k)})
	}
	return options
}

func consoleKind(k rights.Kind) string {
	words := map[rights.Kind]string{
		rights.Access: "Access", rights.Erase: "Erasure", rights.Restrict: "Restriction", rights.Lift: "End of a restriction",
		rights.Object: "Objection", rights.Expire: "Expiry", rights.Merge: "Merge", rights.Unmerge: "Undoing of a merge", rights.Rectify: "Correction",
	}
	if w, ok := words[k]; ok {
		return w
	}
	return string(k)
}

func consoleState(r rights.Request) web.Badge {
	switch r.State {
	case rights.Fulfilled:
		return web.Badge{Text: "Fulfilled", Tone: web.Good}
	case rights.Refused:
		return web.Badge{Text: "Not done", Tone: web.Warn}
	}
	return web.Badge{Text: "Being executed", Tone: web.Warn}
}

type consoleBody struct {
	Facts   []web.KeyValue
	Holders web.Table
	Kept    *web.Table
	Models  []web.KeyValue
	Open    *web.Callout
}

// named finds the request of the address. It is one of the newest consoleKnown.
func (c *console) named(r *http.Request) (rights.Request, error) {
	id, err := thimble.ParseID(rights.TokenPrefix, r.PathValue("request"))
	if err != nil {
		return rights.Request{}, fmt.Errorf("rightsweb: the address names no request: %w", thimble.ErrNotFound)
	}
	all, err := c.requests.List(r.Context(), consoleKnown)
	if err != nil {
		return rights.Request{}, err
	}
	if i := slices.IndexFunc(all, func(q rights.Request) bool { return q.ID == id }); i >= 0 {
		return all[i], nil
	}
	return rights.Request{}, fmt.Errorf("rightsweb: request %s: %w", id.Token(rights.TokenPrefix), thimble.ErrNotFound)
}

func (c *console) show(w http.ResponseWriter, r *http.Request, f *web.Frame) {
	q, err := c.named(r)
	if err != nil {
		f.Fail(w, r, err)
		return
	}
	short := web.ShortToken(q.ID.Token(rights.TokenPrefix))
	page := web.Page{Title: consoleKind(q.Kind) + " " + short, Crumbs: []web.Crumb{{Label: "Requests", Href: consolePath}, {Label: "Executed", Href: executedPath}, {Label: short}}}
	body := consoleBody{Facts: consoleFacts(q), Holders: consoleHolders(q.Report), Kept: consoleKept(q.Report)}
	if q.State != rights.Executing {
		page.Actions = []web.Action{{Label: "Download receipt", Href: consoleHref(q.ID) + "/receipt", Icon: "download"}}
		if q.Report.Backups != nil {
			page.Actions = append(page.Actions, web.Action{Label: "Download certificate", Href: consoleHref(q.ID) + certificateFile, Icon: "download"})
		}
	} else {
		body.Open = &web.Callout{Tone: web.Warn, Title: "Not done yet", Text: "It runs now, or a crash interrupted it: then it is taken up at the next start, before anything is served."}
	}
	if m := q.Report.Models; m != nil {
		body.Models = []web.KeyValue{{Key: "Model before", Value: m.Before, Copy: true}, {Key: "Model after", Value: m.After, Copy: true, Sub: consoleSame(m)}}
	}
	page.Body = body
	f.Render(w, r, http.StatusOK, c.pages, "console_request.html", page)
}

func consoleSame(m *rights.Models) string {
	if m.After == "" {
		return "none: the training failed, the model was withdrawn, and another follows"
	}
	if m.Before == m.After {
		return "the same bytes: the person was not in the model"
	}
	return "the model that never saw the person, byte for byte"
}

func consoleFacts(q rights.Request) []web.KeyValue {
	facts := []web.KeyValue{{Key: "Request", Value: q.ID.Token(rights.TokenPrefix), Copy: true}, {Key: "Asked for", Value: consoleKind(q.Kind)},
		{Key: "State", Value: consoleState(q)}, {Key: "Received", Value: q.At}, {Key: "Done", Value: q.Done}}
	if !q.Done.IsZero() {
		facts = append(facts, web.KeyValue{Key: "Took", Value: q.Done.Sub(q.At)})
	}
	switch {
	case q.Kind == rights.Expire:
		facts = append(facts, web.KeyValue{Key: "Customer", Value: "everybody"}, web.KeyValue{Key: "Category", Value: string(q.Report.Category)}, web.KeyValue{Key: "From before", Value: q.Report.Before})
	case q.Subject.IsZero():
		facts = append(facts, web.KeyValue{Key: "Customer", Value: "nobody any more", Sub: "unlinked with the erasure"})
	default:
		facts = append(facts, web.KeyValue{Key: "Customer", Value: web.Token(q.Subject.String())})
	}
	if q.Report.Purpose != "" {
		facts = append(facts, web.KeyValue{Key: "Purpose", Value: string(q.Report.Purpose)})
	}
	if q.Report.Snapshot != nil {
		facts = append(facts, web.KeyValue{Key: "As of", Value: q.Report.Snapshot.At, Sub: q.Report.Snapshot.Name})
	}
	if q.Report.Refused != "" {
		facts = append(facts, web.KeyValue{Key: "Why not", Value: q.Report.Refused})
	}
	if q.Report.KeyHash != "" {
		facts = append(facts, web.KeyValue{Key: "Hash of the destroyed key", Value: q.Report.KeyHash, Copy: true})
	}
	return facts
}

func consoleHolders(r rights.Report) web.Table {
	t := web.Table{ID: "holders", Caption: "Holders", Note: "Everything that keeps data about people was asked, in this order.",
		Columns: []web.Column{{Label: "Holder"}, {Label: "Entries", Kind: web.NumberColumn}, {Label: "Kept by law", Kind: web.NumberColumn}}}
	for _, line := range r.Holders {
		kept := 0
		for _, k := range line.Kept {
			kept += k.Count
		}
		t.Rows = append(t.Rows, web.Row{Cells: web.Cells(line.Holder, line.Count, kept)})
	}
	return t
}

func consoleKept(r rights.Report) *web.Table {
	t := web.Table{ID: "kept", Caption: "What a law keeps", Columns: []web.Column{{Label: "What"}, {Label: "Count", Kind: web.NumberColumn}, {Label: "Law"}, {Label: "Holder"}}}
	for _, line := range r.Holders {
		for _, k := range line.Kept {
			t.Rows = append(t.Rows, web.Row{Cells: web.Cells(k.What, k.Count, k.Law, line.Holder)})
		}
	}
	if len(t.Rows) == 0 {
		return nil
	}
	return &t
}

func (c *console) receipt(w http.ResponseWriter, r *http.Request, f *web.Frame) {
	q, err := c.named(r)
	if err != nil {
		f.Fail(w, r, err)
		return
	}
	opening, err := c.requests.Opening(r.Context(), q.ID)
	if err == nil {
		err = ledgerweb.WriteReceipt(w, r, c.receipts, opening, q.ID.Token(rights.TokenPrefix))
	}
	if err != nil {
		f.Fail(w, r, err)
	}
}

func (c *console) certificate(w http.ResponseWriter, r *http.Request, f *web.Frame) {
	q, err := c.named(r)
	if err == nil {
		err = writeCertificate(w, r, c.receipts, c.requests.Certificate, q.ID)
	}
	if err != nil {
		f.Fail(w, r, err)
	}
}
