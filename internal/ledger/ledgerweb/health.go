package ledgerweb

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"thimble"
	"thimble/internal/ledger"
	"thimble/internal/ledger/ledgerdb"
	"thimble/internal/web"
)

// shownActs bounds the list of acts.
const shownActs = 20

// lateAfter is how old an audit may be before the page says so.
const lateAfter = 2 * 24 * time.Hour

// health is what the page says of the log beside its leaves.
type health struct {
	Audit    *web.Callout
	Findings *web.Table
	Acts     *web.Table
	Epochs   *web.Table
}

func (c *console) health(ctx context.Context) (h health, err error) {
	last, err := c.log.LastAudit(ctx)
	switch {
	case errors.Is(err, thimble.ErrNotFound):
		h.Audit = &web.Callout{Tone: web.Info, Title: "No audit yet", Text: "Once a day each row is held against its leaf. The command thimble verify log, given the data folder, does it now."}
	case err != nil:
		return h, err
	default:
		h.Audit, h.Findings = auditCallout(last, time.Now()), findingTable(last.Findings)
	}
	acts, err := c.log.Intents(ctx, shownActs)
	if err != nil {
		return h, err
	}
	h.Acts = actTable(acts)
	ended, err := c.log.EndedEpochs(ctx)
	h.Epochs = epochTable(ended)
	return h, err
}

func auditCallout(a ledgerdb.Audit, now time.Time) *web.Callout {
	compared := fmt.Sprintf("%s and %s were compared on %s.", web.Plural(int(a.Size), "entry", "entries"), web.Plural(a.Compared, "row", "rows"), a.At.Format("2 Jan 2006, 15:04 UTC"))
	switch {
	case len(a.Findings) > 0:
		return &web.Callout{Tone: web.Bad, Title: "The last audit found what does not fit", Text: compared + " Keep the database as it is, find out who changed it, and compare with a backup."}
	case now.Sub(a.At) > lateAfter:
		return &web.Callout{Tone: web.Warn, Title: "The last audit is old", Text: compared + " It should run each day: look at the jobs."}
	}
	return &web.Callout{Tone: web.Good, Title: "The last audit found nothing", Text: compared}
}

func findingTable(found []ledger.Finding) *web.Table {
	if len(found) == 0 {
		return nil
	}
	t := &web.Table{ID: "findings", Caption: "Findings", Columns: []web.Column{{Label: "Where"}, {Label: "Rule that is broken"}, {Label: "Rows", Kind: web.NumberColumn}}}
	for _, f := range found {
		t.Rows = append(t.Rows, web.Row{Tone: web.Bad, Cells: web.Cells(f.Table, f.Rule, f.Rows)})
	}
	return t
}

// actTable lists what was done outside of the database; an open act is half done.
func actTable(acts []ledger.Intent) *web.Table {
	t := &web.Table{ID: "acts", Caption: "Acts on keys and files", Note: "Each is announced by a leaf before and closed by a leaf after. The server finishes an open one within a minute, or when it starts.",
		Columns: []web.Column{{Label: "Act"}, {Label: "State"}, {Label: "Announced"}, {Label: "Closed", Secondary: true}},
		Empty:   &web.Empty{Icon: "key", Title: "No act yet", Text: "Models that are kept or destroyed, rotations and destroyed keys appear here."}}
	for _, i := range acts {
		row := web.Row{Cells: []web.Cell{{Value: i.Kind, Sub: i.ID.Token(ledger.IntentPrefix)}, {Value: web.Badge{Text: "closed", Tone: web.Good}}, {Value: i.At}, {Value: i.Done}}}
		if i.Done.IsZero() {
			row.Tone = web.Warn
			row.Cells[1].Value, row.Cells[3].Value = web.Badge{Text: "open", Tone: web.Warn}, "not yet"
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

// epochTable lists the logs before this one; nil when it is the first.
func epochTable(ended []ledgerdb.EndedEpoch) *web.Table {
	if len(ended) == 0 {
		return nil
	}
	t := &web.Table{ID: "epochs", Caption: "Ended epochs", Note: "The log before a database was put back. Receipts of an epoch stay valid under its key.",
		Columns: []web.Column{{Label: "Epoch", Kind: web.NumberColumn}, {Label: "Entries", Kind: web.NumberColumn}, {Label: "Ended"}, {Label: "Verifier key", Kind: web.TokenColumn}}}
	for _, e := range ended {
		t.Rows = append(t.Rows, web.Row{Cells: web.Cells(e.Number, e.Size, e.Ended, web.Token(e.VerifierKey))})
	}
	return t
}

// proof sends the proof that an entry is in the log, without what it says.
func (c *console) proof(w http.ResponseWriter, r *http.Request, f *web.Frame) {
	n, err := strconv.ParseInt(r.PathValue("entry"), 10, 64)
	if err != nil {
		f.Fail(w, r, fmt.Errorf("ledger: the number of an entry was expected: %w", thimble.ErrNotFound))
		return
	}
	receipt, err := c.log.Proof(r.Context(), n)
	if err != nil {
		f.Fail(w, r, err)
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Content-Disposition", fmt.Sprintf("attachment; filename=%q", fmt.Sprintf("entry-%d.tlog-proof", n)))
	send(w, "text/plain; charset=utf-8", receipt.Bare())
}
