package vault_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"thimble"
	"thimble/internal/sqldb"
	"thimble/internal/sqldb/sqldbtest"
	"thimble/internal/vault"
	"thimble/internal/vault/vaulttest"
)

var ctx = context.Background()

func newID(tb testing.TB) thimble.SubjectID {
	tb.Helper()
	id, err := thimble.NewSubjectID(nil)
	if err != nil {
		tb.Fatal(err)
	}
	return id
}

func mailCell(owner thimble.SubjectID) thimble.Cell {
	return thimble.Cell{Owner: owner, Table: "t", Column: "mail", Row: []byte{1}, Category: thimble.AccountIdentifier}
}

func mustSeal(tb testing.TB, v *vault.Vault, c thimble.Cell, plain string) []byte {
	tb.Helper()
	sealed, err := v.Seal(ctx, c, []byte(plain))
	if err != nil {
		tb.Fatal(err)
	}
	return sealed
}

func wantKind(tb testing.TB, doing string, err, kind error) {
	tb.Helper()
	if !errors.Is(err, kind) {
		tb.Errorf("%s: %v, want kind %q", doing, err, kind)
	}
}

func wantOpens(tb testing.TB, v *vault.Vault, c thimble.Cell, sealed []byte, want string) {
	tb.Helper()
	got, err := v.Open(ctx, c, sealed)
	if err != nil || string(got) != want {
		tb.Errorf("opening: %q, %v, want %q", got, err, want)
	}
}

func TestASealedValueOpensInItsOwnCellOnly(t *testing.T) {
	sqldbtest.Each(t, sqldb.Keys, func(t *testing.T, db *sqldb.DB) {
		v := vaulttest.New(t, db)
		ada, bob := vaulttest.Owner(t, v), vaulttest.Owner(t, v)
		june := time.Date(2026, 6, 3, 0, 0, 0, 0, time.UTC)
		own := thimble.Cell{Owner: ada, Table: "t", Column: "c", Row: []byte("row"), Category: "user.contact", Class: "orders", At: june}
		sealed := mustSeal(t, v, own, "ada@example.org")
		if bytes.Contains(sealed, []byte("example")) {
			t.Error("the sealed value shows the plain one")
		}
		wantOpens(t, v, own, sealed, "ada@example.org")

		for name, change := range map[string]func(*thimble.Cell){
			"another owner":                func(c *thimble.Cell) { c.Owner = bob },
			"the installation":             func(c *thimble.Cell) { c.Owner = thimble.SubjectID{} },
			"another table":                func(c *thimble.Cell) { c.Table = "tc"; c.Column = "" },
			"another column":               func(c *thimble.Cell) { c.Column = "d" },
			"a letter moved between parts": func(c *thimble.Cell) { c.Column = "cr"; c.Row = []byte("ow") },
			"another row":                  func(c *thimble.Cell) { c.Row = []byte("row2") },
			"another category":             func(c *thimble.Cell) { c.Category = "user" },
			"another class":                func(c *thimble.Cell) { c.Class = "chats" },
			"the base class":               func(c *thimble.Cell) { c.Class = "" },
			"another month":                func(c *thimble.Cell) { c.At = june.AddDate(0, 1, 0) },
			"no month":                     func(c *thimble.Cell) { c.At = time.Time{} },
		} {
			other := own
			change(&other)
			if name != "another table" { // that one lacks a column, which is invalid
				mustSeal(t, v, other, "so that its key is there")
			}
			if got, err := v.Open(ctx, other, sealed); err == nil || got != nil {
				t.Errorf("%s: opened", name)
			} else if name != "another table" {
				wantKind(t, name, err, thimble.ErrDenied)
			}
		}
	})
}

func TestSealMakesNoBaseKey(t *testing.T) {
	v := vaulttest.SQLite(t)
	stranger := newID(t)

	_, err := v.Seal(ctx, mailCell(stranger), []byte("x"))
	wantKind(t, "sealing for an owner without a key", err, thimble.ErrNotFound)
	c := mailCell(stranger)
	c.Class = "orders"
	_, err = v.Seal(ctx, c, []byte("x"))
	wantKind(t, "sealing in a class for an owner without a key", err, thimble.ErrNotFound)
	wantKind(t, "ensuring nobody", v.Ensure(ctx, thimble.SubjectID{}), thimble.ErrInvalid)
	_, err = v.Seal(ctx, thimble.Cell{Owner: stranger}, nil)
	wantKind(t, "sealing for no cell", err, thimble.ErrInvalid)
}

func TestTheInstallationSealsItsOwnCells(t *testing.T) {
	v := vaulttest.SQLite(t)
	c := thimble.Cell{Table: "mail_servers", Column: "password", Row: []byte("main")}
	sealed := mustSeal(t, v, c, "hunter2")
	wantOpens(t, v, c, sealed, "hunter2")
	c.Row = []byte("other")
	_, err := v.Open(ctx, c, sealed)
	wantKind(t, "opening in another row", err, thimble.ErrDenied)
}

func TestAVaultBeforeInitAnswersNo(t *testing.T) {
	db := sqldbtest.SQLite(t, sqldb.Keys)
	v := vault.New(vaultStore(db), vaulttest.Root(t), vault.Config{})
	_, err := v.Seal(ctx, thimble.Cell{Table: "t", Column: "c"}, nil)
	wantKind(t, "sealing", err, thimble.ErrUnavailable)
	wantKind(t, "ensuring", v.Ensure(ctx, newID(t)), thimble.ErrUnavailable)
}

// rounds returns n, or what THIMBLE_SOAK says: 1 stands for a million.
func rounds(n int) int {
	if s := os.Getenv("THIMBLE_SOAK"); s != "" {
		if m, err := strconv.Atoi(s); err == nil && m > 1 {
			return m
		}
		return 1_000_000
	}
	return n
}

// Errors are logged: none names the owner, the row or what was to be sealed.
func TestNoErrorNamesThePersonOrTheValue(t *testing.T) {
	sqldbtest.Each(t, sqldb.Keys, func(t *testing.T, db *sqldb.DB) {
		v := vaulttest.New(t, db)
		ada, bob := newID(t), newID(t)
		if err := v.Ensure(ctx, ada); err != nil {
			t.Fatal(err)
		}
		sealed := mustSeal(t, v, mailCell(ada), "planted value")
		var errs []error
		add := func(_ any, err error) { errs = append(errs, err) }
		add(v.Seal(ctx, mailCell(bob), []byte("planted value")))
		unnamed := mailCell(ada)
		unnamed.Table = ""
		add(v.Seal(ctx, unnamed, []byte("planted value")))
		cell := mailCell(ada)
		cell.Row = []byte("planted row")
		seals, err := v.Prepare(ctx, cell.Class, cell.At, ada)
		if err != nil {
			t.Fatal(err)
		}
		add(seals.Append(nil, 1, &cell, []byte("planted value")))
		add(v.Prepare(ctx, "events", cell.At, bob))
		add(v.Open(ctx, mailCell(bob), sealed))
		other := mailCell(ada)
		other.Row = []byte("planted row")
		add(v.Open(ctx, other, sealed))
		add(v.Open(ctx, mailCell(ada), sealed[:3]))
		gone, cancel := context.WithCancel(ctx)
		cancel()
		add(v.Shred(gone, ada))
		for i, err := range errs {
			if err == nil {
				t.Errorf("%d: no error", i)
				continue
			}
			for _, planted := range []string{ada.String(), bob.String(), "planted"} {
				if strings.Contains(err.Error(), planted) {
					t.Errorf("%d: %q tells %q", i, err, planted)
				}
			}
		}
	})
}
