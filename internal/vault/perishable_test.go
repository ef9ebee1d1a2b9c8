package vault_test

import (
	"bytes"
	"errors"
	"testing"

	"thimble"
	"thimble/internal/sqldb"
	"thimble/internal/sqldb/sqldbtest"
	"thimble/internal/vault"
	"thimble/internal/vault/vaultdb"
	"thimble/internal/vault/vaulttest"
)

func TestAPerishableOpensUntilItsEpochIsDestroyed(t *testing.T) {
	sqldbtest.Each(t, sqldb.Keys, func(t *testing.T, db *sqldb.DB) {
		clock, root, store := newClock(), vaulttest.Root(t), vaultdb.New(db)
		v := vaulttest.Open(t, store, root, vault.Config{Now: clock.Now, EpochDays: 7})
		want := []byte("the keys of a backup")
		p, err := v.SealPerishable(ctx, "backup 1", want)
		if err != nil {
			t.Fatal(err)
		}
		for day := range 9 {
			got, err := v.OpenPerishable(ctx, "backup 1", p)
			without, withoutErr := vault.OpenPerishable(ctx, root, store, "backup 1", p)
			if alive := day < 7; alive != (err == nil) || alive != (withoutErr == nil) || alive != bytes.Equal(got, want) || alive != bytes.Equal(without, want) {
				t.Errorf("on day %d: %q, %v; without a vault %q, %v", day, got, err, without, withoutErr)
			}
			if err != nil && !errors.Is(err, thimble.ErrDenied) {
				t.Errorf("on day %d: %v, want kind denied", day, err)
			}
			clock.AdvanceDays(1)
			mustRotate(t, v)
		}
	})
}

func TestAPerishableOpensForWhatItWasSealedAndNothingElse(t *testing.T) {
	store, root := vaultdb.New(sqldbtest.SQLite(t, sqldb.Keys)), vaulttest.Root(t)
	v := vaulttest.Open(t, store, root, vault.Config{})
	p, err := v.SealPerishable(ctx, "backup 1", []byte("the keys"))
	if err != nil {
		t.Fatal(err)
	}
	wrong := func(name, what string, p vault.Perishable) {
		if got, err := v.OpenPerishable(ctx, what, p); !errors.Is(err, thimble.ErrDenied) || got != nil {
			t.Errorf("%s: %q, %v, want a refusal", name, got, err)
		}
	}
	wrong("for another backup", "backup 2", p)
	for i := range p.Sealed {
		changed := p
		changed.Sealed = bytes.Clone(p.Sealed)
		changed.Sealed[i] ^= 1 << (i % 8)
		wrong("a bit changed", "backup 1", changed)
	}
	changed := p
	changed.Installation = bytes.Repeat([]byte{1}, 16)
	wrong("another installation", "backup 1", changed)
	changed = p
	changed.Epoch++
	wrong("another epoch", "backup 1", changed)
}
