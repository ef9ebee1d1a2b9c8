package ledgerweb

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"thimble"
	"thimble/internal/ledger"
	"thimble/internal/ledger/ledgerdb"
	"thimble/internal/web"
)

//go:embed pages/console_*.html
var consoleFiles embed.FS

// ConsoleLog is the log as staff see it; *ledgerdb.Log is one.
type ConsoleLog interface {
	VerifierKey() string
	Checkpoint(ctx context.Context) (ledger.Checkpoint, error)
	Page(ctx context.Context, before int64, limit int) ([]ledgerdb.LeafRow, error)
	Consistency(ctx context.Context, old, new int64) (tlog.TreeProof, error)
	Tile(ctx context.Context, t tlog.Tile) ([]byte, error)
	Lag(ctx context.Context) (time.Duration, error)
	Silent(ctx context.Context) bool
	Published(ctx context.Context) (ledger.Checkpoint, error)
	Witnesses(ctx context.Context) ([]ledgerdb.WitnessStatus, error)
	LastAudit(ctx context.Context) (ledgerdb.Audit, error)
	Intents(ctx context.Context, limit int) ([]ledger.Intent, error)
	EndedEpochs(ctx context.Context) ([]ledgerdb.EndedEpoch, error)
	Proof(ctx context.Context, index int64) (*ledger.Receipt, error)
}

const (
	consolePath = "/console/ledger"
	consoleRows = 50
)

type console struct {
	pages *web.Pages
	log   ConsoleLog
}

// Console is the ledger's part of the staff console.
func Console(kit *web.Kit, log ConsoleLog) (web.Section, error) {
	pages, err := kit.Pages(consoleFiles, "pages/console_*.html")
	if err != nil {
		return web.Section{}, err
	}
	c := &console{pages: pages, log: log}
	return web.Section{
		Nav: []web.NavItem{{Label: "Ledger", Href: consolePath, Icon: "seal", Group: "Proof"}},
		Mount: func(mux web.Routes, f *web.Frame) {
			mux.HandleFunc("GET "+consolePath, func(w http.ResponseWriter, r *http.Request) { c.show(w, r, f) })
			mux.HandleFunc("GET "+consolePath+"/proof/{entry}", func(w http.ResponseWriter, r *http.Request) { c.proof(w, r, f) })
		},
	}, nil
}

// ConsoleTiles shows size and lag on the overview.
func ConsoleTiles(log ConsoleLog) func(context.Context) ([]web.Stat, error) {
	return func(ctx context.Context) ([]web.Stat, error) {
		head, err := log.Checkpoint(ctx)
		if errors.Is(err, thimble.ErrUnavailable) {
			err = nil
		}
		if err != nil {
			return nil, err
		}
		return []web.Stat{{Label: "Ledger entries", Value: head.Size, Note: consoleLag(ctx, log), Href: consolePath}}, nil
	}
}

func consoleLag(ctx context.Context, log ConsoleLog) string {
	lag, err := log.Lag(ctx)
	switch {
	case err != nil || log.Silent(ctx):
		return "silent: the gate says no"
	case lag == 0:
		return "nothing waits to be signed"
	}
	return "the oldest waits for " + web.Text(lag.Round(time.Second))
}

type consoleBody struct {
	Silent  *web.Callout
	Waiting *web.Callout
	Stats   []web.Stat
	Grows   *web.Callout
	Alarm   *web.Callout
	Leaves  web.Table
	Watched *web.Table
	Facts   []web.KeyValue
	Signed  web.CodeBlock
	Health  health
}

func (c *console) show(w http.ResponseWriter, r *http.Request, f *web.Frame) {
	page := web.Page{Title: "Ledger", Lead: "A Merkle log of what was done: consents, reads, decisions, erasures, releases. It holds no person; a leaf is a salted hash.",
		Actions: []web.Action{{Label: "Check a receipt", Href: Prefix + "/verify.html", Icon: "seal"}}}
	body := consoleBody{}
	if c.log.Silent(r.Context()) {
		body.Silent = &web.Callout{Tone: web.Bad, Title: "The ledger is silent", Text: "A leaf waits for more than a minute, or the last write failed. Until it answers, the gate refuses every use. Look at the disk and at the log of the server."}
	}
	head, err := c.log.Checkpoint(r.Context())
	switch {
	case errors.Is(err, thimble.ErrUnavailable):
		body.Waiting = &web.Callout{Tone: web.Info, Title: "Nothing is signed yet", Text: "The first checkpoint comes about a second after the start. Load the page again."}
		err = nil
	case err == nil:
		body, err = c.body(r, head, body)
	}
	if err != nil {
		f.Fail(w, r, err)
		return
	}
	page.Body, page.APICall = body, "GET /v1/ledger/checkpoint"
	f.Render(w, r, http.StatusOK, c.pages, "console_ledger.html", page)
}

func (c *console) body(r *http.Request, head ledger.Checkpoint, body consoleBody) (consoleBody, error) {
	body.Stats = []web.Stat{{Label: "Entries", Value: head.Size, Note: "in the signed tree"}, {Label: "Queue", Value: consoleQueue(r.Context(), c.log), Note: consoleLag(r.Context(), c.log)}}
	body.Facts = []web.KeyValue{{Key: "Root", Value: head.Root.String(), Copy: true}, {Key: "Origin", Value: head.Origin}, {Key: "Verifier key", Value: c.log.VerifierKey(), Copy: true, Sub: "give it to whoever checks receipts"}}
	published, err := c.log.Published(r.Context())
	if err != nil {
		return body, err
	}
	body.Signed = web.CodeBlock{ID: "checkpoint", Title: "Published checkpoint", Code: string(published.Note)}
	all, err := c.log.Witnesses(r.Context())
	if err != nil {
		return body, err
	}
	if len(all) > 0 {
		body.Stats = append(body.Stats, witnessStat(all, head.Size-published.Size))
	}
	body.Watched, body.Alarm = witnessTable(all), witnessAlarm(all)
	if body.Health, err = c.health(r.Context()); err != nil {
		return body, err
	}
	before, note := head.Size, ""
	if text := r.URL.Query().Get("before"); text != "" {
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil || n < 1 || n > head.Size {
			note = "That page does not exist; this is the newest one."
		} else {
			before = n
		}
	}
	leaves, err := c.log.Page(r.Context(), before, consoleRows)
	if err != nil {
		return body, err
	}
	body.Leaves = consoleLeaves(r, leaves, before, head.Size, note)
	if len(leaves) > 0 {
		body.Grows, err = c.grows(r.Context(), head, leaves[len(leaves)-1].Index)
	}
	return body, err
}

func consoleQueue(ctx context.Context, log ConsoleLog) web.Badge {
	lag, err := log.Lag(ctx)
	switch {
	case err != nil:
		return web.Badge{Text: "Unknown", Tone: web.Bad}
	case lag == 0:
		return web.Badge{Text: "Empty", Tone: web.Good}
	}
	return web.Badge{Text: "Waiting", Tone: web.Info}
}

func consoleLeaves(r *http.Request, leaves []ledgerdb.LeafRow, before, size int64, note string) web.Table {
	t := web.Table{ID: "leaves", Caption: "Leaves", URL: r.URL, Note: note,
		Columns: []web.Column{{Label: "Entry"}, {Label: "What"}, {Label: "Hour"}, {Label: "Leaf hash", Kind: web.TokenColumn}, {Label: "Proof", HideHead: true, Kind: web.ActionColumn}},
		Empty:   &web.Empty{Icon: "seal", Title: "Nothing happened yet", Text: "Consents, reads by staff, decisions and erasures appear here as hashes."}}
	for _, l := range leaves {
		t.Rows = append(t.Rows, web.Row{Cells: web.Cells(l.Index, web.Badge{Text: l.Class.String(), Tone: consoleTone(l.Class)}, l.Hour.Format("2 Jan 2006, 15:00 UTC"), web.Token(fmt.Sprintf("%x", l.Hash[:])),
			[]web.Action{{Label: "Proof", Href: fmt.Sprintf("%s/proof/%d", consolePath, l.Index), Icon: "download", Kind: "quiet", About: fmt.Sprintf("of entry %d", l.Index)}})})
	}
	t.Paging = &web.Paging{Total: int(size), PrevParam: "before", NextParam: "before"}
	if n := len(leaves); n > 0 && leaves[n-1].Index > 0 {
		t.Paging.Next = strconv.FormatInt(leaves[n-1].Index, 10)
	}
	if before < size {
		t.Paging.Prev = strconv.FormatInt(min(before+consoleRows, size), 10)
	}
	return t
}

func consoleTone(c ledger.Class) web.Tone {
	switch c {
	case ledger.Erasure, ledger.Request:
		return web.Warn
	case ledger.Access, ledger.Disclosure:
		return web.Info
	case ledger.Consent, ledger.Model:
		return web.Good
	}
	return web.Neutral
}

// grows proves, here and now, that the signed tree extends the tree as it was
// before this page of leaves: what is signed was never rewritten.
func (c *console) grows(ctx context.Context, head ledger.Checkpoint, old int64) (*web.Callout, error) {
	if old == 0 {
		return nil, nil
	}
	proof, err := c.log.Consistency(ctx, old, head.Size)
	if err != nil {
		return nil, err
	}
	root, err := tlog.TreeHash(old, tlog.TileHashReader(head.Tree(), consoleTiles{ctx, c.log}))
	if err == nil {
		err = tlog.CheckTree(proof, head.Size, head.Root, old, root)
	}
	if err != nil {
		return &web.Callout{Tone: web.Bad, Title: "The stored log is not the signed one", Text: "The tree does not extend its own past. Stop the server, keep the database as it is, and compare with a backup."}, nil
	}
	if old == head.Size {
		return &web.Callout{Tone: web.Good, Title: "It is as it was signed", Text: fmt.Sprintf("Just now the tree of %s was read again, and gives the signed root.", web.Plural(int(old), "entry", "entries"))}, nil
	}
	return &web.Callout{Tone: web.Good, Title: "It only grows", Text: fmt.Sprintf("Just now it was checked that the tree of %s extends the tree of %s, by a proof of %s.",
		web.Plural(int(head.Size), "entry", "entries"), web.Plural(int(old), "entry", "entries"), web.Plural(len(proof), "hash", "hashes"))}, nil
}

// consoleTiles reads tiles for tlog, which checks them against the signed root.
type consoleTiles struct {
	ctx context.Context
	log ConsoleLog
}

const consoleTileHeight = 8

func (consoleTiles) Height() int { return consoleTileHeight }

func (t consoleTiles) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	data := make([][]byte, len(tiles))
	for i, tile := range tiles {
		var err error
		if data[i], err = t.log.Tile(t.ctx, tile); err != nil {
			return nil, err
		}
	}
	return data, nil
}

func (consoleTiles) SaveTiles([]tlog.Tile, [][]byte) {}
