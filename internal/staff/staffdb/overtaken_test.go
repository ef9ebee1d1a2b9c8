package staffdb_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"thimble"
	"thimble/internal/ledger"
	"thimble/internal/ledger/ledgerdb"
	"thimble/internal/staff"
	"thimble/internal/staff/staffdb"
	"thimble/internal/vault/vaulttest"
)

// A hook does something while a sign-in opens the second factor: between the look at the
// password and the code that is used up.
type hook struct {
	staffdb.Vault
	during func()
}

func (h *hook) Open(ctx context.Context, c thimble.Cell, sealed []byte) ([]byte, error) {
	if f := h.during; f != nil {
		h.during = nil
		f()
	}
	return h.Vault.Open(ctx, c, sealed)
}

// hooked puts a store with a hook in the place of the office's.
func (o *office) hooked(cost staff.Cost, v staffdb.Vault) *hook {
	o.Helper()
	signer, err := ledger.NewSigner("thimble.local/log/staff", make([]byte, 32))
	o.must(err)
	h := &hook{Vault: v}
	o.store, err = staffdb.New(o.db, ledgerdb.New(o.db, signer, ledgerdb.Config{Now: o.now}), h, o.sessions, staffdb.Config{Cost: cost, Now: o.now})
	o.must(err)
	return h
}

var cheap = staff.Cost{MemoryKiB: 64, Passes: 1, Lanes: 1}

func TestASignInThatIsOvertakenByAChangeIsRefused(t *testing.T) {
	each(t, func(o *office) {
		h := o.hooked(cheap, vaulttest.SQLite(o.T))
		codes := o.employs("mara", staff.Support)
		ctx := o.Context()
		lock := func() { o.must(o.store.Lock(ctx, "mara", true, "ivo", "lost laptop")) }

		h.during = lock
		o.denied("a recovery code, locked meanwhile", o.signIn("mara", password, codes[0].Reveal()))
		o.must(o.store.Lock(ctx, "mara", false, "ivo", "found"))
		h.during = lock
		o.denied("a code of the app, locked meanwhile", o.signIn("mara", password, o.code()))
		o.must(o.store.Lock(ctx, "mara", false, "ivo", "found"))

		h.during = func() { o.must(o.store.NewPassword(ctx, "mara", thimble.Hide("ein anderer Fingerhut"))) }
		o.denied("the old password, replaced meanwhile", o.signIn("mara", password, o.code()))
		o.must(o.signIn("mara", "ein anderer Fingerhut", o.code()))
		o.pass(time.Minute)

		// A hash that is made anew brings no old password back.
		h = o.hooked(staff.Cost{MemoryKiB: 128, Passes: 1, Lanes: 1}, h.Vault)
		h.during = func() { o.must(o.store.NewPassword(ctx, "mara", thimble.Hide(password))) }
		o.denied("the hash of another cost", o.signIn("mara", "ein anderer Fingerhut", o.code()))
		o.must(o.signIn("mara", password, o.code()))
	})
}

func TestALockIsLiftedByNothingElse(t *testing.T) {
	each(t, func(o *office) {
		o.employs("mara", staff.Support)
		o.must(o.store.Lock(o.Context(), "mara", true, "ivo", "lost laptop"))
		if err := o.store.Reset(o.Context(), "mara", "ivo", "lost password"); !errors.Is(err, thimble.ErrConflict) {
			o.Errorf("taking the password of a locked account: %v, want a conflict", err)
		}
		a, err := o.store.Account(o.Context(), "mara")
		o.must(err)
		if a.Status != staff.Locked {
			o.Errorf("the account is %s, want that it is locked", a.Status)
		}
	})
}

func TestAnAccountWithoutAPasswordGetsNoNewOne(t *testing.T) {
	each(t, func(o *office) {
		_, err := o.store.Add(o.Context(), "mara", []staff.Role{staff.Support}, staff.CommandLine)
		o.must(err)
		if err := o.store.NewPassword(o.Context(), "mara", thimble.Hide(password)); !errors.Is(err, thimble.ErrConflict) {
			o.Errorf("%v, want a conflict", err)
		}
		a, err := o.store.Account(o.Context(), "mara")
		o.must(err)
		if all, err := o.store.Changes(o.Context(), a.ID, 10); err != nil || len(all) != 1 {
			o.Errorf("%d changes are kept (%v), want that it was added alone", len(all), err)
		}
	})
}

// PostgreSQL keeps no text with a zero byte, or that is not UTF-8.
func TestANameThatNobodyCanHaveIsANameThatNobodyHas(t *testing.T) {
	each(t, func(o *office) {
		o.employs("mara", staff.Support)
		for _, name := range []string{"mara\x00", "mara\xff", ""} {
			o.denied("such a name", o.signIn(name, password, o.code()))
			if known, err := o.store.KnowsBrowser(o.Context(), name, "token"); err != nil || known {
				o.Errorf("%q is known there: %t, %v", name, known, err)
			}
		}
	})
}
