package vault_test

import (
	"errors"
	"testing"
	"time"

	"thimble"
	"thimble/internal/sqldb"
	"thimble/internal/sqldb/sqldbtest"
	"thimble/internal/vault"
	"thimble/internal/vault/vaultdb"
	"thimble/internal/vault/vaulttest"
)

func TestPrepareMakesTheKeysOfManyAndSealingAppends(t *testing.T) {
	sqldbtest.Each(t, sqldb.Keys, func(t *testing.T, db *sqldb.DB) {
		v := vaulttest.New(t, db)
		at := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
		owners := []thimble.SubjectID{newID(t), newID(t), newID(t)}
		if err := v.Ensure(ctx, owners...); err != nil {
			t.Fatal(err)
		}
		var seals thimble.Seals
		for range 2 {
			var err error
			if seals, err = v.Prepare(ctx, "events", at, owners...); err != nil {
				t.Fatal(err)
			}
		}
		sealed := []byte("before")
		for n, o := range owners {
			cell := thimble.Cell{Owner: o, Table: "t", Column: "c", Row: []byte{1}, Category: thimble.PurchaseHistory, Class: "events", At: at}
			start := len(sealed)
			var err error
			if sealed, err = seals.Append(sealed, n, &cell, []byte("linen")); err != nil {
				t.Fatal(err)
			}
			wantOpens(t, v, cell, sealed[start:], "linen")
		}
		if string(sealed[:6]) != "before" {
			t.Errorf("what was there became %q", sealed[:6])
		}

		cell := thimble.Cell{Owner: owners[1], Table: "t", Column: "c", Row: []byte{1}, Category: thimble.PurchaseHistory, Class: "events", At: at}
		for what, err := range map[string]error{
			"another's":     second(seals.Append(nil, 0, &cell, nil)),
			"nobody's":      second(seals.Append(nil, 3, &cell, nil)),
			"another month": second(seals.Append(nil, 1, with(cell, func(c *thimble.Cell) { c.At = at.AddDate(0, 1, 0) }), nil)),
			"another class": second(seals.Append(nil, 1, with(cell, func(c *thimble.Cell) { c.Class = "talks" }), nil)),
		} {
			wantKind(t, "sealing a cell that is "+what, err, thimble.ErrInvalid)
		}

		stranger := newID(t)
		wantKind(t, "preparing for somebody without a key", second(v.Prepare(ctx, "events", at, owners[0], stranger)), thimble.ErrNotFound)
		if _, err := v.Shred(ctx, owners[1]); err != nil {
			t.Fatal(err)
		}
		// What is sealed with a key that was shredded meanwhile, nobody can open.
		dead, err := seals.Append(nil, 1, &cell, []byte("linen"))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := v.Open(ctx, cell, dead); err == nil {
			t.Error("what was sealed for somebody who was shredded opens")
		}
		seals, err = v.Prepare(ctx, "events", at, owners...)
		if !errors.Is(err, thimble.ErrNotFound) && !errors.Is(err, thimble.ErrDenied) {
			t.Errorf("preparing for somebody who was shredded: %v", err)
		}
		if got, err := seals.Append(sealed, 1, &cell, []byte("linen")); !errors.Is(err, thimble.ErrNotFound) || len(got) != len(sealed) {
			t.Errorf("sealing for somebody who was shredded: %v, %d bytes more", err, len(got)-len(sealed))
		}
		if _, err := seals.Append(nil, 2, with(cell, func(c *thimble.Cell) { c.Owner = owners[2] }), nil); err != nil {
			t.Errorf("sealing for another beside them: %v", err)
		}
	})
}

func with(c thimble.Cell, change func(*thimble.Cell)) *thimble.Cell {
	change(&c)
	return &c
}

func second[A any](_ A, err error) error { return err }

func TestTheKeysOfManyAreTheOnesOfEach(t *testing.T) {
	sqldbtest.Each(t, sqldb.Keys, func(t *testing.T, db *sqldb.DB) {
		at := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
		owners := make([]thimble.SubjectID, 230) // more than one statement asks for
		for i := range owners {
			owners[i] = newID(t)
		}
		root := vaulttest.Root(t)
		restarted := func() *vault.Vault { return vaulttest.Open(t, vaultdb.New(db), root, vault.Config{}) }
		v := restarted()
		if err := v.Ensure(ctx, owners...); err != nil {
			t.Fatal(err)
		}
		cell := func(i int) thimble.Cell {
			return thimble.Cell{Owner: owners[i], Table: "t", Column: "c", Row: []byte{1}, Category: thimble.PurchaseHistory, Class: "events", At: at}
		}
		sealed := make([][]byte, len(owners))
		for i := range owners {
			if i%3 == 0 { // the others' are made by Prepare
				var err error
				if sealed[i], err = v.Seal(ctx, cell(i), []byte("linen")); err != nil {
					t.Fatal(err)
				}
			}
		}
		v = restarted() // which has no key at hand
		seals, err := v.Prepare(ctx, "events", at, owners...)
		if err != nil {
			t.Fatal(err)
		}
		for i := range owners {
			c := cell(i)
			now, err := seals.Append(nil, i, &c, []byte("wool"))
			if err != nil {
				t.Fatal(err)
			}
			if i%50 == 0 {
				wantOpens(t, restarted(), c, now, "wool")
			}
			wantOpens(t, v, c, now, "wool")
			if sealed[i] != nil {
				wantOpens(t, v, c, sealed[i], "linen")
			}
		}
	})
}
