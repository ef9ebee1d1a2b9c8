package vault_test

import (
	"context"
	"fmt"
	"io"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"thimble"
	"thimble/internal/sqldb"
	"thimble/internal/sqldb/sqldbtest"
	"thimble/internal/vault"
	"thimble/internal/vault/vaultdb"
	"thimble/internal/vault/vaulttest"
)

// moody is a root that answers with an error when it has one.
type moody struct {
	vault.Root
	err   atomic.Pointer[error]
	asked atomic.Int64
}

func (m *moody) Unwrap(ctx context.Context, wrapped, aad []byte) ([]byte, error) {
	m.asked.Add(1)
	if err := m.err.Load(); err != nil {
		return nil, *err
	}
	return m.Root.Unwrap(ctx, wrapped, aad)
}

func (m *moody) fail(err error) { m.err.Store(&err) }

func TestAnOutageOfTheRootLeavesReadsWorking(t *testing.T) {
	clock := newClock()
	root := &moody{Root: vaulttest.Root(t)}
	store := vaultdb.New(sqldbtest.SQLite(t, sqldb.Keys))
	cfg := vault.Config{Now: clock.Now, CacheSize: 2}
	v := vaulttest.Open(t, store, root, cfg)
	p := newPeople(t, v, 5)

	root.fail(fmt.Errorf("the network is down: %w", thimble.ErrUnavailable))
	for range 60 { // an hour: longer than every cache, and ten minutes are promised
		clock.Advance(time.Minute)
		p.wantOpen(t, v)
	}
	if n := root.asked.Load(); n > 400 {
		t.Errorf("the root was asked %d times in an outage of an hour", n)
	}
	vaulttest.Owner(t, v) // new people too: today's epoch key is in memory
	err := vault.New(store, root, cfg).Init(ctx)
	wantKind(t, "starting in the outage", err, thimble.ErrUnavailable)

	clock.Advance(time.Hour)
	_, err = v.Open(ctx, mailCell(p.owners[0]), p.sealed[0])
	wantKind(t, "an outage that does not end", err, thimble.ErrUnavailable)
	root.err.Store(nil)
	p.wantOpen(t, v)
}

func TestARootThatRefusesIsObeyed(t *testing.T) {
	clock := newClock()
	root := &moody{Root: vaulttest.Root(t)}
	v := vaulttest.Open(t, vaultdb.New(sqldbtest.SQLite(t, sqldb.Keys)), root, vault.Config{Now: clock.Now})
	p := newPeople(t, v, 1)
	root.fail(fmt.Errorf("the key is disabled: %w", thimble.ErrDenied))
	clock.Advance(16 * time.Minute)
	_, err := v.Open(ctx, mailCell(p.owners[0]), p.sealed[0])
	wantKind(t, "a disabled root", err, thimble.ErrDenied)
}

func TestTheRootIsChangedWhileServing(t *testing.T) {
	sqldbtest.Each(t, sqldb.Keys, func(t *testing.T, db *sqldb.DB) {
		former, next := vaulttest.Root(t), vaulttest.Root(t)
		clock := newClock()
		cfg := vault.Config{Now: clock.Now}
		v := vaulttest.Open(t, vaultdb.New(db), former, cfg)
		p := newPeople(t, v, 3)
		clock.AdvanceDays(1)
		mustRotate(t, v)

		both := vaulttest.Open(t, vaultdb.New(db), vault.Succeed(next, former), cfg)
		if n, err := both.RewrapEpochs(ctx); err != nil || n != 2 {
			t.Errorf("RewrapEpochs = %d, %v, want 2", n, err)
		}
		p.wantOpen(t, both)

		p.wantOpen(t, vaulttest.Open(t, vaultdb.New(db), next, cfg))
		err := vault.New(vaultdb.New(db), former, cfg).Init(ctx)
		wantKind(t, "the former root", err, thimble.ErrDenied)
	})
}

func TestAClockThatLeapsDestroysNothingAtOnce(t *testing.T) {
	clock := newClock()
	store := vaultdb.New(sqldbtest.SQLite(t, sqldb.Keys))
	v := vaulttest.Open(t, store, vaulttest.Root(t), vault.Config{Now: clock.Now, EpochDays: 30})
	p := newPeople(t, v, 3)
	clock.AdvanceDays(1)
	mustRotate(t, v)
	count := func() int {
		t.Helper()
		epochs, err := store.Epochs(ctx)
		if err != nil {
			t.Fatal(err)
		}
		return len(epochs)
	}
	clock.AdvanceDays(10_000)
	if r := mustRotate(t, v); !r.Postponed || r.Destroyed != 0 || count() != 3 {
		t.Errorf("after a leap = %+v, %d epochs, want destruction to be postponed", r, count())
	}
	for range 5 {
		clock.Advance(10 * time.Minute) // the next hours of that day change nothing
		if r := mustRotate(t, v); !r.Postponed || r.Destroyed != 0 || count() != 3 {
			t.Errorf("later on the day of the leap = %+v, %d epochs, want destruction to be postponed still", r, count())
		}
	}
	clock.AdvanceDays(-10_000) // somebody set it right
	if r := mustRotate(t, v); r.Destroyed != 0 || count() != 4 {
		t.Errorf("after the correction = %+v, %d epochs", r, count())
	}
	p.wantOpen(t, v)
	for range 31 {
		clock.AdvanceDays(1)
		mustRotate(t, v)
	}
	if got := count(); got != 30 {
		t.Errorf("%d epochs live, want 30: the one from the future is gone too", got)
	}
	p.wantOpen(t, v)
}

func TestADamagedStoredKeyIsDeniedAndStopsNobodyElse(t *testing.T) {
	sqldbtest.Each(t, sqldb.Keys, func(t *testing.T, db *sqldb.DB) {
		clock := newClock()
		root := vaulttest.Root(t)
		cfg := vault.Config{Now: clock.Now, EpochDays: 1}
		v := vaulttest.Open(t, vaultdb.New(db), root, cfg)
		p := newPeople(t, v, 3)
		for _, column := range []string{"wrapped", "commitment"} {
			for bit := range 16 {
				p.swapKeys(t, db, column, bit)
				fresh := vaulttest.Open(t, vaultdb.New(db), root, cfg)
				_, err := fresh.Open(ctx, mailCell(p.owners[0]), p.sealed[0])
				wantKind(t, fmt.Sprintf("bit %d of %s", bit, column), err, thimble.ErrDenied)
				p.swapKeys(t, db, column, bit)
			}
		}
		p.wantOpen(t, vaulttest.Open(t, vaultdb.New(db), root, cfg))

		p.swapKeys(t, db, "wrapped", 3)
		clock.AdvanceDays(1)
		r, err := v.Rotate(ctx)
		wantKind(t, "rotating over a damaged key", err, thimble.ErrDenied)
		if r.Rewrapped != 3 || r.Destroyed != 0 {
			t.Errorf("rotation = %+v, want the other keys re-wrapped and no epoch destroyed", r)
		}
	})
}

// swapKeys flips a bit of the first person's stored key.
func (p people) swapKeys(t *testing.T, db *sqldb.DB, column string, bit int) {
	t.Helper()
	err := db.Write(ctx, func(tx *sqldb.Tx) error {
		var b []byte
		if err := tx.QueryRow(ctx, `select `+column+` from vault_keys where owner = $1`, p.owners[0][:]).Scan(&b); err != nil {
			return err
		}
		b[bit] ^= 1 << (bit % 8)
		_, err := tx.Exec(ctx, `update vault_keys set `+column+` = $1 where owner = $2`, b, p.owners[0][:])
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestAStoredKeyGivenToAnotherPersonOpensNothing(t *testing.T) {
	sqldbtest.Each(t, sqldb.Keys, func(t *testing.T, db *sqldb.DB) {
		root := vaulttest.Root(t)
		v := vaulttest.Open(t, vaultdb.New(db), root, vault.Config{})
		p := newPeople(t, v, 2)
		// An operator copies one person's row over another's.
		err := db.Write(ctx, func(tx *sqldb.Tx) error {
			_, err := tx.Exec(ctx, `update vault_keys set
				wrapped = (select wrapped from vault_keys where owner = $1),
				commitment = (select commitment from vault_keys where owner = $1) where owner = $2`, p.owners[0][:], p.owners[1][:])
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		fresh := vaulttest.Open(t, vaultdb.New(db), root, vault.Config{})
		_, err = fresh.Open(ctx, mailCell(p.owners[1]), p.sealed[0])
		wantKind(t, "opening with another's key", err, thimble.ErrDenied)
		_, err = fresh.Seal(ctx, mailCell(p.owners[1]), nil)
		wantKind(t, "sealing with another's key", err, thimble.ErrDenied)
	})
}

func TestASecretIsMadeOnceAndSealed(t *testing.T) {
	sqldbtest.Installations(t, func(t *testing.T, open sqldbtest.Opener) {
		root := vaulttest.Root(t)
		v := vaulttest.Open(t, vaultdb.New(open(sqldb.Keys)), root, vault.Config{})
		other := vaulttest.Open(t, vaultdb.New(open(sqldb.Keys)), root, vault.Config{})
		seed, err := v.Secret(ctx, "ledger-signing-seed", 32)
		if err != nil || len(seed) != 32 {
			t.Fatal(seed, err)
		}
		again, err := other.Secret(ctx, "ledger-signing-seed", 32)
		if err != nil || string(again) != string(seed) {
			t.Errorf("another process got another secret: %v", err)
		}
		if different, err := v.Secret(ctx, "else", 32); err != nil || string(different) == string(seed) {
			t.Errorf("another name gave the same secret: %v", err)
		}
		_, err = v.Secret(ctx, "ledger-signing-seed", 64)
		wantKind(t, "another length", err, thimble.ErrConflict)
		_, err = v.Secret(ctx, "", 32)
		wantKind(t, "no name", err, thimble.ErrInvalid)
		for _, kind := range []string{"email", "phone"} {
			a, errA := v.Index(ctx, kind, "x")
			b, errB := other.Index(ctx, kind, "x")
			if errA != nil || errB != nil || len(a) != vault.IndexLen || string(a) != string(b) {
				t.Errorf("index of kind %s: %x, %x, %v, %v", kind, a, b, errA, errB)
			}
		}
		a, _ := v.Index(ctx, "email", "x")
		b, _ := v.Index(ctx, "phone", "x")
		if string(a) == string(b) {
			t.Error("two kinds share an index")
		}
	})
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	in, err := os.Open(from)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	out, err := os.Create(to)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(out, in); err != nil {
		t.Fatal(err)
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
}
