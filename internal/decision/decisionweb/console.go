package decisionweb

import (
	"context"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"

	"thimble"
	"thimble/internal/catalog"
	"thimble/internal/decision"
	"thimble/internal/decision/decisiondb"
	"thimble/internal/ledger"
	"thimble/internal/ledger/ledgerweb"
	"thimble/internal/subject/subjectweb"
	"thimble/internal/web"
)

//go:embed pages/console_*.html
var consoleFiles embed.FS

// ConsoleDecisions are kept sealed: decisiondb does.
type ConsoleDecisions interface {
	Get(ctx context.Context, id thimble.ID) (decisiondb.Sealed, error)
	Of(ctx context.Context, subject thimble.SubjectID, limit int) ([]decisiondb.Sealed, error)
	Recent(ctx context.Context, limit int) ([]decisiondb.Sealed, error)
	Count(ctx context.Context) (int64, error)
}

// ConsoleNames knows the items' names: catalogdb does.
type ConsoleNames interface {
	Get(ctx context.Context, ids ...thimble.ItemID) (map[thimble.ItemID]catalog.Product, error)
}

const (
	consolePath  = "/console/decisions"
	consoleShown = 200
)

// ConsoleConfig is what the pages are made of.
type ConsoleConfig struct {
	Decisions ConsoleDecisions
	Reader    subjectweb.Reader
	Receipts  ledgerweb.ReceiptLog
	Names     ConsoleNames
	Types     *decision.Types
}

type console struct {
	ConsoleConfig
	pages *web.Pages
}

// Console is the decisions' part of the staff console.
func Console(kit *web.Kit, cfg ConsoleConfig) (web.Section, error) {
	pages, err := kit.Pages(consoleFiles, "pages/console_*.html")
	if err != nil {
		return web.Section{}, err
	}
	c := &console{ConsoleConfig: cfg, pages: pages}
	return web.Section{
		Nav: []web.NavItem{{Label: "Decisions", Href: consolePath, Icon: "scale", Group: "Customers"}},
		Mount: func(mux web.Routes, f *web.Frame) {
			mux.HandleFunc("GET "+consolePath, func(w http.ResponseWriter, r *http.Request) { c.list(w, r, f) })
			mux.HandleFunc("GET "+consolePath+"/{decision}", func(w http.ResponseWriter, r *http.Request) { c.show(w, r, f) })
		},
	}, nil
}

// ConsoleTiles counts the decisions for the overview.
func ConsoleTiles(decisions ConsoleDecisions) func(context.Context) ([]web.Stat, error) {
	return func(ctx context.Context) ([]web.Stat, error) {
		n, err := decisions.Count(ctx)
		return []web.Stat{{Label: "Decisions", Value: n, Note: "each with its terms and its receipt", Href: consolePath}}, err
	}
}

type consoleListBody struct{ Table web.Table }

func (c *console) list(w http.ResponseWriter, r *http.Request, f *web.Frame) {
	all, err := c.Decisions.Recent(r.Context(), consoleShown)
	if err != nil {
		f.Fail(w, r, err)
		return
	}
	t := web.Table{
		ID: "decisions", Caption: "Newest decisions", Note: fmt.Sprintf("The newest %d at most. Opening one is recorded, and the customer sees it.", consoleShown), URL: r.URL,
		Columns: consoleColumns(true),
		Empty: &web.Empty{Icon: "scale", Title: "Nothing was decided about anybody",
			Text: "When a customer who permits personal lists opens the shop, the list is a decision and appears here with its reasons."},
	}
	for _, d := range all {
		t.Rows = append(t.Rows, consoleRow(d, true))
	}
	f.Render(w, r, http.StatusOK, c.pages, "console_decisions.html", web.Page{
		Title: "Decisions", Lead: "What a model decided about somebody, with the integers that made each score.", Body: consoleListBody{t},
	})
}

func consoleColumns(withCustomer bool) []web.Column {
	columns := []web.Column{{Label: "Decision", Kind: web.TokenColumn}, {Label: "Capability"}, {Label: "When"}, {Label: "Model", Kind: web.TokenColumn, Secondary: true}}
	if withCustomer {
		columns = append(columns, web.Column{Label: "Customer", Kind: web.TokenColumn})
	}
	return append(columns, web.Column{Label: "Open", Kind: web.ActionColumn, HideHead: true})
}

func consoleRow(d decisiondb.Sealed, withCustomer bool) web.Row {
	id := d.ID.Token(decision.TokenPrefix)
	cells := web.Cells(web.Token(id), d.Capability, d.At, web.Token(hex.EncodeToString(d.Model)))
	if withCustomer {
		cells = append(cells, web.Cell{Value: web.Token(d.Subject.String())})
	}
	return web.Row{Cells: append(cells, web.Cell{Value: web.Action{Label: "Open", Href: consolePath + "/" + id, About: "decision " + web.ShortToken(id)}})}
}

const consolePanelShown = 20

// CustomerPanel lists a customer's newest decisions.
func CustomerPanel(decisions ConsoleDecisions) subjectweb.Panel {
	return subjectweb.Panel{
		Categories: []thimble.Category{thimble.AutomatedDecision},
		Show: func(ctx context.Context, r subjectweb.Reading) (subjectweb.Part, error) {
			part := subjectweb.Part{ID: "decided", Title: "Decisions", Empty: &web.Empty{Icon: "scale", Title: "No decisions", Text: "No model has decided anything about this customer."}}
			all, err := decisions.Of(ctx, r.Grant.Subject(), consolePanelShown)
			if err != nil || len(all) == 0 {
				return part, err
			}
			t := web.Table{ID: "decision-log", Caption: "Decisions about this customer", HideCaption: true, Columns: consoleColumns(false)}
			for _, d := range all {
				t.Rows = append(t.Rows, consoleRow(d, false))
			}
			part.Tables = []web.Table{t}
			return part, nil
		},
	}
}

type consoleBody struct {
	Texts   []textView
	Denied  *web.Callout
	Sum     *web.Callout
	Facts   []web.KeyValue
	Inputs  web.Table
	Results []consoleResult
	Receipt web.CodeBlock
	Pending *web.Callout
}

// A consoleResult is one result with its terms.
type consoleResult struct {
	Summary string
	Open    bool
	Table   web.Table
}

func (c *console) show(w http.ResponseWriter, r *http.Request, f *web.Frame) {
	id, err := thimble.ParseID(decision.TokenPrefix, r.PathValue("decision"))
	if err != nil {
		f.Fail(w, r, fmt.Errorf("decisionweb: the address names no decision: %w", thimble.ErrNotFound))
		return
	}
	sealed, err := c.Decisions.Get(r.Context(), id)
	if err != nil {
		f.Fail(w, r, err)
		return
	}
	reading, err := c.Reader.Read(r.Context(), web.VisitorFrom(r.Context()).Staff, sealed.Subject, thimble.SupportOperations, thimble.AutomatedDecision)
	if err != nil {
		f.Fail(w, r, err)
		return
	}
	short := web.ShortToken(id.Token(decision.TokenPrefix))
	page := web.Page{Title: "Decision " + short, Crumbs: []web.Crumb{{Label: "Decisions", Href: consolePath}, {Label: short}}}
	if reading.Grant == nil {
		page.Body = consoleBody{Denied: &web.Callout{Tone: web.Bad, Title: "The gate said no", Text: "Nothing was opened, because " + reading.Why + ".",
			Action: &web.Action{Label: "Back to the decisions", Href: consolePath}}}
		f.Render(w, r, http.StatusForbidden, c.pages, "console_decision.html", page)
		return
	}
	if page.Body, err = c.body(r.Context(), reading.Grant, sealed); err != nil {
		f.Fail(w, r, err)
		return
	}
	page.Notice, page.APICall = subjectweb.Notice(reading), "GET /v1/decisions/"+id.Token(decision.TokenPrefix)
	page.Lead = "The customer sees this read in their privacy centre, with your name and the purpose."
	f.Render(w, r, http.StatusOK, c.pages, "console_decision.html", page)
}

func (c *console) body(ctx context.Context, g thimble.Grant, sealed decisiondb.Sealed) (consoleBody, error) {
	record, opening, err := decisiondb.Open(ctx, g, sealed)
	if err != nil {
		return consoleBody{}, err
	}
	names, err := c.Names.Get(ctx, consoleItems(record)...)
	if err != nil {
		return consoleBody{}, err
	}
	body := consoleBody{Sum: consoleSum(record), Facts: consoleFacts(sealed, record), Inputs: consoleInputs(record), Results: consoleResults(record, names)}
	if body.Texts, err = texts(c.Types, record, staffWords(names)); err != nil {
		return body, err
	}
	receipt, err := c.Receipts.Receipt(ctx, opening)
	if errors.Is(err, thimble.ErrUnavailable) {
		body.Pending = &web.Callout{Tone: web.Info, Title: "The receipt is being signed", Text: "The ledger signs about once a second. Load the page again."}
		return body, nil
	}
	if err != nil {
		return body, err
	}
	body.Receipt, err = consoleReceipt(receipt)
	return body, err
}

func consoleReceipt(receipt *ledger.Receipt) (web.CodeBlock, error) {
	text, err := receipt.MarshalText()
	return web.CodeBlock{ID: "receipt", Title: fmt.Sprintf("Ledger entry %s", web.Text(receipt.Index)), Code: string(text)}, err
}
