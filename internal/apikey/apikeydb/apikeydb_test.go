package apikeydb_test

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"thimble"
	"thimble/internal/apikey"
	"thimble/internal/apikey/apikeydb"
	"thimble/internal/sqldb"
	"thimble/internal/sqldb/sqldbtest"
)

func each(t *testing.T, f func(t *testing.T, s *apikeydb.Store, db *sqldb.DB, pass func(time.Duration))) {
	sqldbtest.Each(t, sqldb.Core, func(t *testing.T, db *sqldb.DB) {
		now := time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)
		f(t, apikeydb.New(db, func() time.Time { return now }), db, func(d time.Duration) { now = now.Add(d) })
	})
}

func created(t *testing.T, s *apikeydb.Store, name string, scopes ...apikey.Scope) (string, apikey.Key) {
	t.Helper()
	text, k, err := s.Create(t.Context(), name, scopes)
	if err != nil {
		t.Fatal(err)
	}
	return text, k
}

func TestAKeyOpensWhatItsScopesName(t *testing.T) {
	each(t, func(t *testing.T, s *apikeydb.Store, _ *sqldb.DB, _ func(time.Duration)) {
		text, k := created(t, s, "storefront", apikey.Read)
		got, err := s.Check(t.Context(), text, apikey.Read)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(k, got); diff != "" {
			t.Errorf("another key (-made +checked):\n%s", diff)
		}
		for _, scope := range []apikey.Scope{apikey.Collect, apikey.Admin, ""} {
			if _, err := s.Check(t.Context(), text, scope); !errors.Is(err, apikey.ErrScope) || !errors.Is(err, thimble.ErrDenied) {
				t.Errorf("scope %q: got %v, want ErrScope", scope, err)
			}
		}
	})
}

func TestUnknownAndRevokedKeysAreToldAlike(t *testing.T) {
	each(t, func(t *testing.T, s *apikeydb.Store, _ *sqldb.DB, _ func(time.Duration)) {
		text, k := created(t, s, "storefront", apikey.Admin)
		for range 2 { // revoking twice succeeds
			if err := s.Revoke(t.Context(), k.ID); err != nil {
				t.Fatal(err)
			}
		}
		never, err := apikey.NewText(nil)
		if err != nil {
			t.Fatal(err)
		}
		_, revoked := s.Check(t.Context(), text, apikey.Read)
		_, unknown := s.Check(t.Context(), never, apikey.Read)
		if revoked != apikey.ErrUnknown || unknown != apikey.ErrUnknown {
			t.Errorf("revoked: %v, unknown: %v, want both ErrUnknown", revoked, unknown)
		}
		if _, err := s.Check(t.Context(), text[:len(text)-1]+"!", apikey.Read); err != apikey.ErrMisspelt {
			t.Errorf("misspelt: got %v, want ErrMisspelt", err)
		}
		if err := s.Revoke(t.Context(), thimble.ID{9}); !errors.Is(err, thimble.ErrNotFound) {
			t.Errorf("revoking none: got %v, want ErrNotFound", err)
		}
		if _, err := s.Get(t.Context(), thimble.ID{9}); !errors.Is(err, thimble.ErrNotFound) {
			t.Errorf("getting none: got %v, want ErrNotFound", err)
		}
	})
}

func TestUseIsNotedOnceAMinute(t *testing.T) {
	each(t, func(t *testing.T, s *apikeydb.Store, _ *sqldb.DB, pass func(time.Duration)) {
		text, k := created(t, s, "storefront", apikey.Read)
		for _, step := range []struct{ pass, used time.Duration }{{0, 0}, {59 * time.Second, 0}, {time.Second, time.Minute}} {
			pass(step.pass)
			if _, err := s.Check(t.Context(), text, apikey.Read); err != nil {
				t.Fatal(err)
			}
			got, err := s.Get(t.Context(), k.ID)
			if err != nil || got.Used.Sub(k.Created) != step.used {
				t.Errorf("used %v after creation, %v, want %v", got.Used.Sub(k.Created), err, step.used)
			}
		}
	})
}

func TestANameIsGivenOnce(t *testing.T) {
	each(t, func(t *testing.T, s *apikeydb.Store, _ *sqldb.DB, pass func(time.Duration)) {
		_, first := created(t, s, "storefront", apikey.Read)
		if err := s.Revoke(t.Context(), first.ID); err != nil {
			t.Fatal(err)
		}
		if _, _, err := s.Create(t.Context(), " storefront", apikey.Scopes()); !errors.Is(err, apikey.ErrTaken) {
			t.Errorf("got %v, want ErrTaken", err)
		}
		pass(time.Second)
		created(t, s, "till", apikey.Collect)
		all, err := s.List(t.Context())
		if err != nil || len(all) != 2 || all[0].Name != "till" || all[1].Revoked.IsZero() {
			t.Errorf("List = %+v, %v", all, err)
		}
	})
}

func TestTheTextOfAKeyIsNotStored(t *testing.T) {
	each(t, func(t *testing.T, s *apikeydb.Store, db *sqldb.DB, _ func(time.Duration)) {
		text, k := created(t, s, "storefront", apikey.Read)
		var hash []byte
		var rest string
		err := db.Read(t.Context(), func(tx *sqldb.Tx) error {
			return tx.QueryRow(t.Context(), `select hash, hint || name || scopes from apikey_keys where id = $1`, k.ID).Scan(&hash, &rest)
		})
		if err != nil {
			t.Fatal(err)
		}
		if len(hash) != 32 || bytes.Contains(hash, []byte(text)) || len(rest) != len(text[len(text)-4:]+"storefront"+"read") {
			t.Errorf("the row holds more than a hash and a hint: %x %q", hash, rest)
		}
	})
}
