package gatedb_test

import (
	"context"
	"testing"

	"thimble"
	"thimble/internal/gate"
	"thimble/internal/gate/gatedb"
	"thimble/internal/holdertest"
	"thimble/internal/sqldb"
)

func open(k *holdertest.Kernel) *gatedb.Log {
	return gatedb.New(k.Core, k.Ledger, k.Vault, gatedb.Config{Now: k.Now, Alive: func(ctx context.Context, tx *sqldb.Tx, s thimble.SubjectID) error {
		_, err := k.Subjects.Alive(ctx, tx, s)
		return err
	}})
}

// looked has the log record a staff read, or count a machine's.
func looked(tb testing.TB, l *gatedb.Log, who thimble.SubjectID, kind gate.Kind) {
	tb.Helper()
	r := gate.Request{Actor: gate.Actor{Kind: kind, Name: "mara"}, Subject: who, Purpose: thimble.SupportOperations, Categories: []thimble.Category{thimble.PurchaseHistory, thimble.Country}}
	if kind == gate.Machine {
		l.Count(r)
		return
	}
	if _, err := l.Record(tb.Context(), r, gate.Verdict{}); err != nil {
		tb.Fatal(err)
	}
}

func TestTheLogKeepsTheContractOfHolders(t *testing.T) {
	holdertest.Each(t, func(t *testing.T, k *holdertest.Kernel) {
		l := open(k)
		holdertest.Run(t, holdertest.Fixture{
			Holder: l, Core: k.Core, Tick: k.Tick, Person: k.Person,
			Keep: func(tb testing.TB, who thimble.SubjectID) []string {
				looked(tb, l, who, gate.Staff)
				looked(tb, l, who, gate.Machine)
				if err := l.Flush(context.Background()); err != nil {
					tb.Fatal(err)
				}
				return []string{"staff mara", "machine mara", string(thimble.SupportOperations), string(thimble.Country)}
			},
			Terms:    map[thimble.Category]holdertest.Term{thimble.AccessRecord: holdertest.Expires},
			WhileOne: func(tb testing.TB, who thimble.SubjectID) { looked(tb, l, who, gate.Staff) }, Trace: holdertest.Both,
		})
	})
}
