package vault_test

import (
	"testing"
	"time"

	"thimble"
	"thimble/internal/sqldb"
	"thimble/internal/sqldb/sqldbtest"
	"thimble/internal/vault"
	"thimble/internal/vault/vaultdb"
	"thimble/internal/vault/vaulttest"
)

func month(m time.Month) time.Time { return time.Date(2026, m, 15, 0, 0, 0, 0, time.UTC) }

func TestAnExpiredMonthOpensForNobody(t *testing.T) {
	sqldbtest.Installations(t, func(t *testing.T, open sqldbtest.Opener) {
		db, root := open(sqldb.Keys), vaulttest.Root(t)
		v := vaulttest.Open(t, vaultdb.New(db), root, vault.Config{})
		other := vaulttest.Open(t, vaultdb.New(open(sqldb.Keys)), root, vault.Config{Pulse: time.Nanosecond})
		ada, late := vaulttest.Owner(t, v), vaulttest.Owner(t, v)
		cell := func(class string, at time.Time) thimble.Cell {
			c := mailCell(ada)
			c.Class, c.At = class, at
			return c
		}
		sealed := map[time.Month][]byte{}
		for m := time.January; m <= time.June; m++ {
			sealed[m] = mustSeal(t, v, cell("orders", month(m)), m.String())
			wantOpens(t, other, cell("orders", month(m)), sealed[m], m.String())
		}
		undated, chat := mustSeal(t, v, cell("orders", time.Time{}), "undated"), mustSeal(t, v, cell("chats", month(1)), "chat")
		before, err := vaultdb.New(db).Keys(ctx, ada, "orders", true)
		if err != nil {
			t.Fatal(err)
		}

		n, err := v.ExpireBefore(ctx, "orders", month(time.April))

		if err != nil || n != 1 {
			t.Errorf("ExpireBefore = %d, %v, want 1 chain", n, err)
		}
		for name, v := range map[string]*vault.Vault{"here": v, "another process": other, "after a restart": vaulttest.Open(t, vaultdb.New(db), root, vault.Config{})} {
			for m := time.January; m <= time.June; m++ {
				if m >= time.April {
					wantOpens(t, v, cell("orders", month(m)), sealed[m], m.String())
					continue
				}
				_, err := v.Open(ctx, cell("orders", month(m)), sealed[m])
				wantKind(t, name+", "+m.String(), err, thimble.ErrDenied)
				_, err = v.Seal(ctx, cell("orders", month(m)), nil)
				wantKind(t, name+", sealing in "+m.String(), err, thimble.ErrDenied)
			}
			wantOpens(t, v, cell("orders", time.Time{}), undated, "undated")
			wantOpens(t, v, cell("chats", month(1)), chat, "chat")
		}
		if left, _, err := vaultdb.New(db).Scrub(ctx, [][]byte{before[0].Wrapped}); err != nil || left != 0 {
			t.Errorf("the old link is still in the files: %d, %v", left, err)
		}
		// Whoever comes later has no key for an expired month either.
		c := cell("orders", month(time.March))
		c.Owner = late
		_, err = v.Seal(ctx, c, nil)
		wantKind(t, "a later person in an expired month", err, thimble.ErrDenied)
		if n, err := v.ExpireBefore(ctx, "orders", month(time.February)); err != nil || n != 0 {
			t.Errorf("expiring less = %d, %v, want nothing", n, err)
		}
		_, err = v.ExpireBefore(ctx, "", month(time.April))
		wantKind(t, "expiring the base class", err, thimble.ErrInvalid)
	})
}

func TestAnInterruptedExpiryIsFinishedByTheNext(t *testing.T) {
	met := 0
	interruptions(t, func(t *testing.T, store *faulty, during func(func())) {
		root := vaulttest.Root(t)
		v := vaulttest.Open(t, store, root, vault.Config{})
		c := mailCell(vaulttest.Owner(t, v))
		c.Class, c.At = "orders", month(time.June)
		june := mustSeal(t, v, c, "june")
		march := c
		march.At = month(time.March)
		old := mustSeal(t, v, march, "march")
		during(func() {
			if _, err := v.ExpireBefore(ctx, "orders", month(time.May)); err != nil {
				met++
			}
		})
		wantOpens(t, v, c, june, "june")
		if _, err := v.ExpireBefore(ctx, "orders", month(time.May)); err != nil {
			t.Error(err)
		}
		for _, v := range []*vault.Vault{v, vaulttest.Open(t, store, root, vault.Config{})} {
			_, err := v.Open(ctx, march, old)
			wantKind(t, "an expired month", err, thimble.ErrDenied)
			wantOpens(t, v, c, june, "june")
		}
	})
	if met < 3 {
		t.Errorf("only %d interruptions met an expiry", met)
	}
}

func TestValuesOlderThanTheFirstMonthExpireWithIt(t *testing.T) {
	v := vaulttest.SQLite(t)
	c := mailCell(vaulttest.Owner(t, v))
	c.Class, c.At = "orders", time.Date(1987, 5, 1, 0, 0, 0, 0, time.UTC)
	sealed := mustSeal(t, v, c, "a long time ago")
	wantOpens(t, v, c, sealed, "a long time ago")
	c.At = time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)
	_, err := v.Seal(ctx, c, nil)
	wantKind(t, "a date far ahead", err, thimble.ErrInvalid)
}

func TestKeysOfAClassAreMadeInOneBatch(t *testing.T) {
	v := vaulttest.SQLite(t)
	ada, bob := vaulttest.Owner(t, v), vaulttest.Owner(t, v)
	if err := v.EnsureClass(ctx, "orders", month(1), ada, bob); err != nil {
		t.Fatal(err)
	}
	for _, o := range []thimble.SubjectID{ada, bob} {
		c := mailCell(o)
		c.Class, c.At = "orders", month(2)
		wantOpens(t, v, c, mustSeal(t, v, c, "x"), "x")
	}
	wantKind(t, "a class for strangers", v.EnsureClass(ctx, "orders", month(1), ada, newID(t)), thimble.ErrNotFound)
}
