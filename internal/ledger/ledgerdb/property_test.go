package ledgerdb_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/tlog"
	"pgregory.net/rapid"

	"thimble/internal/ledger"
	"thimble/internal/ledger/ledgerdb"
	"thimble/internal/sqldb"
	"thimble/internal/sqldb/sqldbtest"
)

// unguard takes the triggers away that keep mistakes from the log, as someone
// with the database's password can.
func unguard(tb testing.TB, db *sqldb.DB) {
	tb.Helper()
	drops := []string{
		`drop trigger ledger_leaves_update`, `drop trigger ledger_leaves_delete`,
		`drop trigger ledger_hashes_update`, `drop trigger ledger_hashes_delete`,
	}
	if db.Engine() == sqldb.PostgreSQL {
		drops = []string{`drop trigger ledger_leaves_keep on ledger_leaves`, `drop trigger ledger_hashes_keep on ledger_hashes`}
	}
	alter(tb, db, drops...)
}

func alter(tb testing.TB, db *sqldb.DB, statements ...string) {
	tb.Helper()
	err := db.Write(context.Background(), func(tx *sqldb.Tx) error {
		for _, s := range statements {
			if _, err := tx.Exec(context.Background(), s); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		tb.Fatal(err)
	}
}

// empty makes the log new again; the guards are gone.
func empty(tb testing.TB, db *sqldb.DB) {
	alter(tb, db, `delete from ledger_queue`, `delete from ledger_leaves`, `delete from ledger_hashes`,
		`update ledger_state set size = 0, note = ''`, `update ledger_lease set holder = '', lease_until = 0`)
}

// world is the log and what a test knows of it.
type world struct {
	t        testing.TB
	db       *sqldb.DB
	clock    *clock
	log      *ledgerdb.Log
	n        int
	kept     []ledger.Opening
	lost     []ledger.Opening
	heads    []ledger.Checkpoint
	receipts [][]byte
}

func (w *world) restart() {
	w.clock.pass(time.Minute) // the lease of the process that died runs out
	w.log = ledgerdb.New(w.db, signer(w.t), ledgerdb.Config{Now: w.clock.now, Batch: 7})
}

func (w *world) queue(t *rapid.T) {
	entries := make([]ledger.Entry, rapid.IntRange(1, 9).Draw(t, "leaves"))
	for i := range entries {
		w.n++
		entries[i] = entry(w.n)
	}
	rollBack := errors.New("roll back")
	keep := rapid.Bool().Draw(t, "commit")
	var got []ledger.Opening
	err := w.db.Write(context.Background(), func(tx *sqldb.Tx) (err error) {
		if got, err = w.log.QueueMany(context.Background(), tx, entries); err == nil && !keep {
			err = rollBack
		}
		return err
	})
	switch {
	case keep && err == nil:
		w.kept = append(w.kept, got...)
	case !keep && errors.Is(err, rollBack):
		w.lost = append(w.lost, got...)
	default:
		t.Fatal(err)
	}
}

func (w *world) integrate(t *rapid.T) {
	if _, err := w.log.Integrate(context.Background()); err != nil {
		t.Fatal(err)
	}
	head, err := w.log.Checkpoint(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	w.heads = append(w.heads, head)
}

func (w *world) receipt(t *rapid.T) {
	if len(w.kept) == 0 {
		return
	}
	r, err := w.log.Receipt(context.Background(), rapid.SampledFrom(w.kept).Draw(t, "opening"))
	if err != nil {
		return // not integrated yet
	}
	text, err := r.MarshalText()
	if err != nil {
		t.Fatal(err)
	}
	w.receipts = append(w.receipts, text)
}

// settle integrates the rest and holds the log against what is known.
func (w *world) settle(t *rapid.T) {
	for n := 1; n > 0; {
		var err error
		if n, err = w.log.Integrate(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	w.integrate(t)
	last := w.heads[len(w.heads)-1]
	if last.Size != int64(len(w.kept)) {
		t.Fatalf("the log has %d leaves, %d were committed", last.Size, len(w.kept))
	}
	if err := w.log.Check(context.Background()); err != nil {
		t.Fatal(err)
	}
	page, err := w.log.Page(context.Background(), -1, len(w.kept)+1)
	if err != nil {
		t.Fatal(err)
	}
	slices.Reverse(page)
	for i, o := range w.kept { // one writer: the order is that of the commits
		if page[i].Hash != o.Hash() {
			t.Fatalf("leaf %d is another one", i)
		}
		w.provable(t, i, o)
	}
	for _, o := range w.lost {
		if slices.ContainsFunc(page, func(r ledgerdb.LeafRow) bool { return r.Hash == o.Hash() }) {
			t.Fatal("a leaf that was rolled back is in the log")
		}
	}
	for _, text := range w.receipts {
		if _, err := ledger.Verify(text, w.log.VerifierKey()); err != nil {
			t.Fatalf("an old receipt is void: %v", err)
		}
	}
	w.consistent(t)
}

// provable checks a leaf against each checkpoint that covers it.
func (w *world) provable(t *rapid.T, i int, o ledger.Opening) {
	for _, head := range w.heads {
		if head.Size <= int64(i) {
			continue
		}
		proof, err := tlog.ProveRecord(head.Size, int64(i), w.hashes())
		if err != nil {
			t.Fatal(err)
		}
		if err := tlog.CheckRecord(proof, head.Size, head.Root, int64(i), o.Hash()); err != nil {
			t.Fatalf("leaf %d in the tree of %d: %v", i, head.Size, err)
		}
	}
}

func (w *world) consistent(t *rapid.T) {
	for i, old := range w.heads {
		for _, head := range w.heads[i:] {
			proof, err := w.log.Consistency(context.Background(), old.Size, head.Size)
			if err != nil {
				t.Fatal(err)
			}
			if old.Size == 0 {
				continue
			}
			if err := tlog.CheckTree(proof, head.Size, head.Root, old.Size, old.Root); err != nil {
				t.Fatalf("%d to %d: %v", old.Size, head.Size, err)
			}
		}
	}
}

// hashes computes stored hashes from the leaves, so that the proofs owe nothing to
// what the database holds.
func (w *world) hashes() tlog.HashReader {
	return tlog.HashReaderFunc(func(at []int64) (hashes []tlog.Hash, err error) {
		for _, idx := range at {
			level, n := tlog.SplitStoredHashIndex(idx)
			tree, err := ledger.NewTree(0, nil)
			if err != nil {
				return nil, err
			}
			for _, o := range w.kept[n<<level : (n+1)<<level] {
				tree.Append(nil, o.Hash())
			}
			hashes = append(hashes, tree.Head().Hash)
		}
		return hashes, nil
	})
}

// Whatever the order of commits, roll-backs, integrations and crashes: exactly
// the committed leaves are in the log, each provable in each later checkpoint,
// and every checkpoint extends those before it.
func TestLogHoldsExactlyWhatWasCommitted(t *testing.T) {
	sqldbtest.Each(t, sqldb.Core, func(t *testing.T, db *sqldb.DB) {
		unguard(t, db)
		rapid.Check(t, func(rt *rapid.T) {
			empty(t, db)
			w := &world{t: t, db: db, clock: newClock()}
			w.restart()
			w.integrate(rt)
			for range rapid.IntRange(1, 12).Draw(rt, "steps") {
				switch rapid.SampledFrom([]string{"queue", "queue", "integrate", "receipt", "restart"}).Draw(rt, "step") {
				case "queue":
					w.queue(rt)
				case "integrate":
					w.integrate(rt)
				case "receipt":
					w.receipt(rt)
				case "restart":
					w.restart()
				}
			}
			w.settle(rt)
		})
	})
}
