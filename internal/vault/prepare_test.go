package vault_test

import (
	"errors"
	"testing"
	"time"

	"thimble"
	"thimble/internal/sqldb"
	"thimble/internal/sqldb/sqldbtest"
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
		for range 2 {
			if err := v.Prepare(ctx, "events", at, owners...); err != nil {
				t.Fatal(err)
			}
		}
		sealed := []byte("before")
		for _, o := range owners {
			cell := thimble.Cell{Owner: o, Table: "t", Column: "c", Row: []byte{1}, Category: thimble.PurchaseHistory, Class: "events", At: at}
			start := len(sealed)
			var err error
			if sealed, err = v.AppendSeal(ctx, sealed, &cell, []byte("linen")); err != nil {
				t.Fatal(err)
			}
			wantOpens(t, v, cell, sealed[start:], "linen")
		}
		if string(sealed[:6]) != "before" {
			t.Errorf("what was there became %q", sealed[:6])
		}

		stranger := newID(t)
		wantKind(t, "preparing for somebody without a key", v.Prepare(ctx, "events", at, owners[0], stranger), thimble.ErrNotFound)
		if _, err := v.Shred(ctx, owners[1]); err != nil {
			t.Fatal(err)
		}
		if err := v.Prepare(ctx, "events", at, owners...); !errors.Is(err, thimble.ErrNotFound) && !errors.Is(err, thimble.ErrDenied) {
			t.Errorf("preparing for somebody who was shredded: %v", err)
		}
		cell := thimble.Cell{Owner: owners[1], Table: "t", Column: "c", Row: []byte{1}, Category: thimble.PurchaseHistory, Class: "events", At: at}
		if got, err := v.AppendSeal(ctx, sealed, &cell, []byte("linen")); err == nil || len(got) != len(sealed) {
			t.Errorf("sealing for somebody who was shredded: %v, %d bytes more", err, len(got)-len(sealed))
		}
	})
}
