package ledgerweb

import (
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"slices"
	"time"

	"thimble"
	"thimble/internal/ledger"
	"thimble/internal/web"
)

//go:embed pages/portal_*.html
//go:embed pages/_portal_receipt.html
var portalFiles embed.FS

//go:embed portalassets
var portalAssets embed.FS

// PortalAssets returns the script and style that check receipts in place; they go
// to the kit ([web.Config]).
func PortalAssets() fs.FS { return portalAssets }

// A ReceiptLog makes receipts; *ledgerdb.Log does.
type ReceiptLog interface {
	Receipt(ctx context.Context, o ledger.Opening) (*ledger.Receipt, error)
	VerifierKey() string
}

// A Source lists and opens one kind of a person's receipts. Whoever keeps openings
// is one.
type Source struct {
	Kind  string // in addresses, such as "choice"
	Title string // such as "Choices"
	// List returns the newest first.
	List func(ctx context.Context, who thimble.SubjectID) ([]Listed, error)
	// Open is of kind thimble.ErrNotFound for a key that is not the person's.
	Open func(ctx context.Context, who thimble.SubjectID, key string) (ledger.Opening, error)
}

// A Listed receipt is one line of the list.
type Listed struct {
	Key   string // in addresses; holds nothing personal
	At    time.Time
	Title string
	Text  string
}

// ReceiptHref is the page of a receipt.
func ReceiptHref(kind, key string) string {
	return "/privacy/receipts/" + url.PathEscape(kind) + "/" + url.PathEscape(key)
}

// A Check offers to check a receipt in the browser. Its template block is
// "receiptcheck", from [WithCheck]; the page needs [CheckScript] and [CheckStyle].
type Check struct {
	Title string // what the receipt is of, such as "this list"
	Href  string // the receipt's file
	Page  string // the receipt's own page; empty on that page
	Key   string // of the log
	Auto  bool   // checks as soon as the page is there
	Open  bool   // shows what it says without being asked
	// Certificate is the module that checks the file when it is a certificate; "" for a receipt.
	Certificate string
}

// The assets of a page with a [Check].
const (
	CheckScript = "receipt.js"
	CheckStyle  = "receipt.css"
)

// VerifyHref is the module that checks. That of receipts [Handler] serves.
func (c Check) VerifyHref() string {
	if c.Certificate != "" {
		return c.Certificate
	}
	return ReceiptModule
}

// ReceiptModule is the address of the module that checks receipts.
const ReceiptModule = Prefix + "/verify.js"

// Noun is what is checked, in the word of people and of the command line.
func (c Check) Noun() string {
	if c.Certificate != "" {
		return "certificate"
	}
	return "receipt"
}

// CheckOf offers to check the receipt of a source.
func CheckOf(r ReceiptLog, kind, key, title string) Check {
	page := ReceiptHref(kind, key)
	return Check{Title: title, Href: page + "/file", Page: page, Key: r.VerifierKey()}
}

// CheckPartial is the file of the block in what [WithCheck] returns.
const CheckPartial = "pages/_portal_receipt.html"

// WithCheck adds the block "receiptcheck" to a package's page files.
func WithCheck(pages fs.FS) fs.FS { return withCheck{pages} }

type withCheck struct{ fs.FS }

// Open implements fs.FS.
func (w withCheck) Open(name string) (fs.File, error) {
	if name == CheckPartial {
		return portalFiles.Open(name)
	}
	return w.FS.Open(name)
}

// How long a reader is kept waiting for the seal, and how often it is looked for.
const (
	sealPatience = 3 * time.Second
	sealLook     = 50 * time.Millisecond
)

// Sealed returns a receipt as soon as the log has signed for it. One that it does not
// sign in time is of kind ErrUnavailable.
func Sealed(ctx context.Context, log ReceiptLog, o ledger.Opening) (*ledger.Receipt, error) {
	deadline := time.Now().Add(sealPatience)
	for {
		receipt, err := log.Receipt(ctx, o)
		if !errors.Is(err, thimble.ErrUnavailable) || time.Now().After(deadline) {
			return receipt, err
		}
		select {
		case <-ctx.Done():
			return nil, err
		case <-time.After(sealLook):
		}
	}
}

// WriteReceipt sends a receipt as a file. One that was made just now is waited
// for; when the log does not sign in time the answer is 503, and the script of
// [Check] tries again.
func WriteReceipt(w http.ResponseWriter, r *http.Request, log ReceiptLog, o ledger.Opening, name string) error {
	receipt, err := Sealed(r.Context(), log, o)
	if errors.Is(err, thimble.ErrUnavailable) {
		w.Header().Set("Retry-After", "1")
		w.Header().Set("Cache-Control", "no-store")
		http.Error(w, "This receipt is being sealed. Load it again in a second.", http.StatusServiceUnavailable)
		return nil
	}
	var text []byte
	if err == nil {
		text, err = receipt.MarshalText()
	}
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Disposition", fmt.Sprintf("attachment; filename=%q", name+".receipt"))
	send(w, "text/plain; charset=utf-8", text)
	return nil
}

// shownReceipts bounds the list.
const shownReceipts = 300

type listBody struct {
	Table web.Table
	Key   string
}

type receiptBody struct {
	Check  Check
	Sealed bool // in the signed tree
	Record web.CodeBlock
	File   string
}

type portal struct {
	log     ReceiptLog
	sources []Source
	pages   *web.Pages
	frame   *web.Frame
}

// ownData is the purpose of the screens on which people see their own data.
const ownData = "showing you your own data"

// Portal returns the pages on which people find and check their receipts.
func Portal(kit *web.Kit, log ReceiptLog, sources ...Source) (web.Section, error) {
	pages, err := kit.Pages(portalFiles, "pages/portal_*.html", CheckPartial)
	if err != nil {
		return web.Section{}, err
	}
	nav := []web.NavItem{{Label: "Receipts", Href: "/privacy/receipts"}}
	return web.Section{Nav: nav, Mount: func(mux web.Routes, f *web.Frame) {
		p := &portal{log: log, sources: sources, pages: pages, frame: f}
		mux.HandleFunc("GET /privacy/receipts", p.list)
		mux.HandleFunc("GET /privacy/receipts/{kind}/{key}", p.show)
		mux.HandleFunc("GET /privacy/receipts/{kind}/{key}/file", p.file)
	}}, nil
}

func (p *portal) list(w http.ResponseWriter, r *http.Request) {
	kind := r.URL.Query().Get("kind")
	tabs := []web.Tab{{Label: "All", Href: "/privacy/receipts", Current: kind == ""}}
	var rows []sourced
	for _, s := range p.sources {
		listed, err := s.List(r.Context(), web.VisitorFrom(r.Context()).Subject)
		if err != nil {
			p.frame.Fail(w, r, err)
			return
		}
		tabs[0].Count += len(listed)
		tabs = append(tabs, web.Tab{Label: s.Title, Href: "/privacy/receipts?kind=" + url.QueryEscape(s.Kind), Count: len(listed), Current: kind == s.Kind})
		for _, l := range listed {
			if kind == "" || kind == s.Kind {
				rows = append(rows, sourced{s.Kind, l})
			}
		}
	}
	p.frame.Render(w, r, http.StatusOK, p.pages, "portal_receipts.html", web.Page{
		Title: "My receipts", Tabs: tabs,
		Lead:   "For each choice you make, each list made for you and each look by staff you get a receipt. Nobody can change it afterwards, not even the shop.",
		Notice: &web.AccessNotice{Purpose: ownData}, Body: listBody{Table: receiptTable(rows), Key: p.log.VerifierKey()},
	})
}

// sourced is a line with the kind it came from.
type sourced struct {
	kind string
	Listed
}

func receiptTable(rows []sourced) web.Table {
	slices.SortStableFunc(rows, func(a, b sourced) int { return b.At.Compare(a.At) })
	t := web.Table{
		ID: "receipts", Caption: "Receipts", HideCaption: true,
		Columns: []web.Column{{Label: "What happened"}, {Label: "When"}, {Label: "Receipt", HideHead: true, Kind: web.ActionColumn}},
		Empty:   &web.Empty{Icon: "seal", Title: "No receipts yet", Text: "The first one comes with your first choice.", Action: &web.Action{Label: "My choices", Href: "/privacy/choices"}},
	}
	if len(rows) > shownReceipts {
		t.Note = fmt.Sprintf("The newest %d of %d. All of them are in your download.", shownReceipts, len(rows))
		rows = rows[:shownReceipts]
	}
	for _, l := range rows {
		href := ReceiptHref(l.kind, l.Key)
		t.Rows = append(t.Rows, web.Row{Href: href, Cells: web.Cells(web.Cell{Value: l.Title, Sub: l.Text}, l.At, []web.Action{
			{Label: "Check", Href: href, Icon: "seal", About: "the receipt: " + l.Title},
			{Label: "Download", Href: href + "/file", Icon: "download", Kind: "quiet", About: "the receipt: " + l.Title},
		})})
	}
	return t
}

// opening finds the receipt that a request names.
func (p *portal) opening(r *http.Request) (ledger.Opening, Source, error) {
	kind := r.PathValue("kind")
	for _, s := range p.sources {
		if s.Kind == kind {
			o, err := s.Open(r.Context(), web.VisitorFrom(r.Context()).Subject, r.PathValue("key"))
			return o, s, err
		}
	}
	return ledger.Opening{}, Source{}, fmt.Errorf("ledger: receipts of kind %q: %w", kind, thimble.ErrNotFound)
}

func (p *portal) show(w http.ResponseWriter, r *http.Request) {
	o, s, err := p.opening(r)
	if err != nil {
		p.frame.Fail(w, r, err)
		return
	}
	_, err = p.log.Receipt(r.Context(), o)
	if err != nil && !errors.Is(err, thimble.ErrUnavailable) {
		p.frame.Fail(w, r, err)
		return
	}
	kind, key := r.PathValue("kind"), r.PathValue("key")
	check := CheckOf(p.log, kind, key, "this receipt")
	check.Page, check.Auto, check.Open = "", true, true
	p.frame.Render(w, r, http.StatusOK, p.pages, "portal_receipt.html", web.Page{
		Title: "A receipt", Lead: "Your browser checks it by itself. It does not ask the shop whether it is true.",
		Crumbs: []web.Crumb{{Label: "Receipts", Href: "/privacy/receipts"}, {Label: s.Title, Href: "/privacy/receipts?kind=" + url.QueryEscape(kind)}, {Label: "A receipt"}},
		Notice: &web.AccessNotice{Purpose: ownData}, Scripts: []string{CheckScript}, Styles: []string{CheckStyle},
		Body: receiptBody{Check: check, Sealed: err == nil, Record: record(o), File: kind + "-" + key + ".receipt"},
	})
}

func record(o ledger.Opening) web.CodeBlock {
	var v any
	text := string(o.Record)
	if json.Unmarshal(o.Record, &v) == nil {
		if b, err := json.MarshalIndent(v, "", "  "); err == nil {
			text = string(b)
		}
	}
	return web.CodeBlock{Title: "The record, letter by letter", Lang: "JSON", Code: text}
}

func (p *portal) file(w http.ResponseWriter, r *http.Request) {
	o, _, err := p.opening(r)
	if err == nil {
		err = WriteReceipt(w, r, p.log, o, r.PathValue("kind")+"-"+r.PathValue("key"))
	}
	if err != nil {
		p.frame.Fail(w, r, err)
	}
}

// PortalCard leads to the receipts from the privacy centre's first page.
func PortalCard() func(ctx context.Context, who thimble.SubjectID) (web.Card, error) {
	return func(context.Context, thimble.SubjectID) (web.Card, error) {
		return web.Card{Icon: "seal", Title: "My receipts", Text: "Proof of your choices, of what was decided for you and of who looked. Check each one here, or with software of others.", Href: "/privacy/receipts"}, nil
	}
}
