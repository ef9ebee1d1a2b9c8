package ledgerdb_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"golang.org/x/mod/sumdb/tlog"

	"thimble/internal/ledger"
	"thimble/internal/ledger/ledgerdb"
	"thimble/internal/sqldb"
	"thimble/internal/sqldb/sqldbtest"
)

// fetch shows the log to an auditor as ledgerweb does.
func fetch(l *ledgerdb.Log) ledger.Fetch {
	return func(ctx context.Context, path string) ([]byte, error) {
		if path == "checkpoint" {
			head, err := l.Checkpoint(ctx)
			return head.Note, err
		}
		t, err := ledger.ParseTilePath(path)
		if err != nil {
			return nil, err
		}
		if t.L != ledger.EntriesLevel {
			return l.Tile(ctx, t)
		}
		leaves, err := l.Leaves(ctx, t)
		return ledger.Bundle(leaves), err
	}
}

const (
	park      = `update ledger_leaves set idx = -1 where idx = %d`
	fetchHash = `update ledger_hashes set hash = (select hash from ledger_hashes where idx = %d) where idx = %d`
)

func swap(i, j int) []string {
	return []string{fmt.Sprintf(park, i), fmt.Sprintf(`update ledger_leaves set idx = %d where idx = %d`, i, j),
		fmt.Sprintf(`update ledger_leaves set idx = %d where idx = -1`, j)}
}

// An attack alters tables; each flag says who notices: the auditor, its whole
// audit, Check, the sequencer.
type attack struct {
	do                    []string
	audit, all, self, run bool
}

// attacks are what an operator with the database, but without the log's key, may
// try on a log of 300 leaves whose first 200 an auditor has seen.
func attacks() map[string]attack {
	interior := tlog.StoredHashIndex(3, 5)
	edge := tlog.StoredHashIndex(8, 0)
	return map[string]attack{
		"edit a leaf that was seen":   {do: []string{`update ledger_leaves set leaf = (select leaf from ledger_queue where id = -1) where idx = 100`}, all: true, self: true},
		"edit a new leaf":             {do: []string{`update ledger_leaves set leaf = (select leaf from ledger_queue where id = -1) where idx = 250`}, audit: true, all: true, self: true},
		"delete a leaf":               {do: []string{`delete from ledger_leaves where idx = 250`}, audit: true, all: true, self: true},
		"delete the last leaf":        {do: []string{`delete from ledger_leaves where idx = 299`}, audit: true, all: true, self: true},
		"swap two leaves":             {do: swap(210, 220), audit: true, all: true, self: true},
		"add a leaf":                  {do: []string{`insert into ledger_leaves select 300, leaf from ledger_queue where id = -1`}, self: true},
		"edit a hash inside":          {do: []string{fmt.Sprintf(fetchHash, 0, interior)}, self: true},
		"edit a hash at the edge":     {do: []string{fmt.Sprintf(fetchHash, 0, edge)}, self: true, run: true},
		"delete a hash":               {do: []string{fmt.Sprintf(`delete from ledger_hashes where idx = %d`, edge)}, self: true, run: true},
		"shrink the size":             {do: []string{`update ledger_state set size = 299`}, audit: true, all: true, self: true, run: true},
		"put the old checkpoint back": {do: []string{`update ledger_state set size = 100, note = (select holder from ledger_lease)`}, audit: true, all: true, self: true, run: true},
		"sign with another key":       {do: []string{`update ledger_state set note = replace(note, 'shop.example', 'shop.exampel')`}, audit: true, all: true, self: true, run: true},
		"truncate the log": {do: []string{`update ledger_state set size = 100, note = (select holder from ledger_lease)`,
			`delete from ledger_leaves where idx >= 100`, fmt.Sprintf(`delete from ledger_hashes where idx >= %d`, tlog.StoredHashCount(100))}, audit: true, all: true, run: true},
	}
}

func TestTamperingWithTheTablesIsDetected(t *testing.T) {
	sqldbtest.Each(t, sqldb.Core, func(t *testing.T, db *sqldb.DB) {
		unguard(t, db)
		for name, attack := range attacks() {
			t.Run(name, func(t *testing.T) {
				empty(t, db)
				l := ledgerdb.New(db, signer(t), ledgerdb.Config{})
				auditor, err := ledger.NewAuditor(nil, l.VerifierKey())
				if err != nil {
					t.Fatal(err)
				}
				queue(t, db, l, 0, 100)
				integrate(t, l)
				old, err := l.Checkpoint(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				queue(t, db, l, 100, 100)
				integrate(t, l)
				if err := auditor.Audit(t.Context(), fetch(l)); err != nil {
					t.Fatal(err)
				}
				queue(t, db, l, 200, 100)
				integrate(t, l)
				queue(t, db, l, 300, 1)
				spare(t, db, old)

				alter(t, db, attack.do...)

				alter(t, db, `update ledger_queue set id = 1`, `update ledger_lease set holder = '', lease_until = 0`)
				noticed(t, "Check", attack.self, l.Check(t.Context()))
				noticed(t, "Audit", attack.audit, auditor.Audit(t.Context(), fetch(l)))
				noticed(t, "AuditAll", attack.all, auditor.AuditAll(t.Context(), fetch(l)))
				_, err = l.Integrate(t.Context())
				if attack.run && !errors.Is(err, ledgerdb.ErrAltered) {
					t.Errorf("the sequencer went on: %v", err)
				}
				if attack.run && !l.Silent(t.Context()) {
					t.Error("the log is not silent")
				}
			})
		}
	})
}

// spare lays out what the attacks need: a leaf at id -1 of the queue, and the
// checkpoint of 100 leaves in the lease row.
func spare(t *testing.T, db *sqldb.DB, old ledger.Checkpoint) {
	t.Helper()
	update := `update ledger_queue set id = -1`
	if db.Engine() == sqldb.PostgreSQL {
		alter(t, db, `alter table ledger_queue alter column id set generated by default`)
	}
	alter(t, db, update)
	err := db.Write(t.Context(), func(tx *sqldb.Tx) error {
		_, err := tx.Exec(t.Context(), `update ledger_lease set holder = $1`, string(old.Note))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func noticed(t *testing.T, who string, want bool, err error) {
	t.Helper()
	if (err != nil) != want {
		t.Errorf("%s: got %v, want noticed = %t", who, err, want)
	}
}

// An operator with the key rewrites history and signs it: the log is whole in
// itself, and only those who remember a checkpoint know.
func TestRewrittenHistoryIsEvidence(t *testing.T) {
	sqldbtest.Each(t, sqldb.Core, func(t *testing.T, db *sqldb.DB) {
		unguard(t, db)
		l := ledgerdb.New(db, signer(t), ledgerdb.Config{})
		auditor, err := ledger.NewAuditor(nil, l.VerifierKey())
		if err != nil {
			t.Fatal(err)
		}
		queue(t, db, l, 0, 300)
		integrate(t, l)
		if err := auditor.Audit(t.Context(), fetch(l)); err != nil {
			t.Fatal(err)
		}

		empty(t, db)
		again := ledgerdb.New(db, signer(t), ledgerdb.Config{})
		queue(t, db, again, 0, 400) // the same records under other salts
		integrate(t, again)

		if err := again.Check(t.Context()); err != nil {
			t.Error(err)
		}
		err = auditor.Audit(t.Context(), fetch(again))
		if evidence, ok := errors.AsType[*ledger.Evidence](err); !ok || !errors.Is(evidence, ledger.ErrForked) {
			t.Errorf("got %v, want evidence of a fork", err)
		}
		// The process that made the first history does not extend the second.
		queue(t, db, l, 400, 1)
		alter(t, db, `update ledger_lease set lease_until = 0`)
		if _, err := l.Integrate(t.Context()); err != nil && !errors.Is(err, ledgerdb.ErrAltered) {
			t.Error(err)
		}
	})
}
