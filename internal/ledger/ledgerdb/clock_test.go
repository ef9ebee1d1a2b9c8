package ledgerdb_test

import (
	"errors"
	"testing"
	"time"

	"thimble/internal/ledger/ledgerdb"
	"thimble/internal/sqldb"
	"thimble/internal/sqldb/sqldbtest"
)

func TestClockThatIsSetBackLeavesTheLogASequencer(t *testing.T) {
	for name, jump := range map[string]time.Duration{"a day": 24 * time.Hour, "past 2038": 12 * 365 * 24 * time.Hour} {
		t.Run(name, func(t *testing.T) {
			sqldbtest.Installations(t, func(t *testing.T, open sqldbtest.Opener) {
				c := newClock()
				db := open(sqldb.Core)
				c.pass(jump)
				died := ledgerdb.New(db, signer(t), ledgerdb.Config{Now: c.now})
				queue(t, db, died, 0, 2)
				integrate(t, died)
				c.pass(-jump) // it died with its lease, and the clock was set right

				next := ledgerdb.New(open(sqldb.Core), signer(t), ledgerdb.Config{Now: c.now})
				queue(t, db, next, 2, 1)
				for range 3 {
					if _, err := next.Integrate(t.Context()); !errors.Is(err, ledgerdb.ErrNotHolder) {
						t.Fatalf("before a lease has passed: got %v, want ErrNotHolder", err)
					}
					c.pass(time.Second)
				}
				if n, err := next.Integrate(t.Context()); n != 1 || err != nil {
					t.Fatalf("after a lease moved %d leaves, %v; want 1", n, err)
				}
				queue(t, db, next, 3, 1)
				if _, err := died.Integrate(t.Context()); !errors.Is(err, ledgerdb.ErrNotHolder) {
					t.Errorf("the one thought dead: got %v, want ErrNotHolder", err)
				}
				if err := next.Check(t.Context()); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

func TestHolderWhoseClockRunsAheadKeepsTheLeaseItRenews(t *testing.T) {
	sqldbtest.Installations(t, func(t *testing.T, open sqldbtest.Opener) {
		c := newClock()
		db := open(sqldb.Core)
		ahead := ledgerdb.New(db, signer(t), ledgerdb.Config{Now: func() time.Time { return c.now().Add(24 * time.Hour) }})
		other := ledgerdb.New(open(sqldb.Core), signer(t), ledgerdb.Config{Now: c.now})
		for i := range 8 {
			queue(t, db, ahead, i, 1)
			integrate(t, ahead)
			if _, err := other.Integrate(t.Context()); !errors.Is(err, ledgerdb.ErrNotHolder) {
				t.Fatalf("second %d: got %v, want ErrNotHolder", i, err)
			}
			c.pass(time.Second)
		}
	})
}
