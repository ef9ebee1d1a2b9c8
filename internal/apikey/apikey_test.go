package apikey_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"thimble"
	"thimble/internal/apikey"
)

func TestATypingErrorIsFoundWithoutALookUp(t *testing.T) {
	text, err := apikey.NewText(nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := apikey.Hash(text); err != nil {
		t.Fatalf("the key itself: %v", err)
	}
	rapid.Check(t, func(t *rapid.T) {
		b := []byte(text)
		i := rapid.IntRange(0, len(b)-1).Draw(t, "place")
		b[i] = rapid.Byte().Filter(func(c byte) bool { return c != text[i] }).Draw(t, "letter")
		if _, err := apikey.Hash(string(b)); !errors.Is(err, apikey.ErrMisspelt) || !errors.Is(err, thimble.ErrDenied) {
			t.Fatalf("letter %d changed: got %v, want ErrMisspelt", i, err)
		}
	})
	for _, bad := range []string{"", "tk_", text[:len(text)-1], text + "0", strings.ToUpper(text), " " + text} {
		if _, err := apikey.Hash(bad); !errors.Is(err, apikey.ErrMisspelt) {
			t.Errorf("%d letters: got %v, want ErrMisspelt", len(bad), err)
		}
	}
}

func TestAScopeAllowsItselfAndAdminAllowsAll(t *testing.T) {
	for _, row := range []struct {
		name string
		has  apikey.Scope
		want []apikey.Scope
	}{
		{"collect", apikey.Collect, []apikey.Scope{apikey.Collect}},
		{"read", apikey.Read, []apikey.Scope{apikey.Read}},
		{"admin", apikey.Admin, apikey.Scopes()},
	} {
		t.Run(row.name, func(t *testing.T) {
			k := apikey.Key{Scopes: []apikey.Scope{row.has}}
			var got []apikey.Scope
			for _, s := range append(apikey.Scopes(), "", "everything") {
				if k.Allows(s) {
					got = append(got, s)
				}
			}
			if len(got) != len(row.want) || got[0] != row.want[0] {
				t.Errorf("got %v, want %v", got, row.want)
			}
			if k.Revoked = time.Now(); k.Allows(row.has) {
				t.Error("a revoked key allows")
			}
		})
	}
}

func TestNameAndScopesAreChecked(t *testing.T) {
	k, err := apikey.New("  storefront ", []apikey.Scope{apikey.Read, apikey.Collect, apikey.Read}, time.Time{})
	if err != nil || k.Name != "storefront" || len(k.Scopes) != 2 || k.Scopes[0] != apikey.Collect {
		t.Errorf("got %+v, %v", k, err)
	}
	_, err = apikey.New(" \t", []apikey.Scope{"everything"}, time.Time{})
	for _, want := range []error{apikey.ErrName, apikey.ErrScopes, thimble.ErrInvalid} {
		if !errors.Is(err, want) {
			t.Errorf("got %v, want %v in it", err, want)
		}
	}
	for _, name := range []string{"a\nb", strings.Repeat("x", 81), "\xff"} {
		if _, err := apikey.New(name, apikey.Scopes(), time.Time{}); !errors.Is(err, apikey.ErrName) {
			t.Errorf("%q: got %v, want ErrName", name, err)
		}
	}
}
