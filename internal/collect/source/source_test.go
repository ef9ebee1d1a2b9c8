package source_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"thimble"
	"thimble/internal/collect/intake"
	"thimble/internal/collect/source"
)

func TestAKeySaysWhetherItIsPublicAndATypingErrorIsTold(t *testing.T) {
	for kind, prefix := range map[intake.Kind]string{intake.Server: "wks_", intake.Browser: "wkp_", intake.App: "wkp_"} {
		key, err := source.NewKey(nil, kind)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(key, prefix) || len(key) != source.KeySize || source.Hint(key) != key[len(key)-4:] {
			t.Errorf("%s: got %d characters, prefix %s, want %d and %s", kind, len(key), key[:4], source.KeySize, prefix)
		}
		if _, err := source.HashOf(key); err != nil {
			t.Errorf("%s: %v", kind, err)
		}
		for i := range key {
			other := byte('7')
			if key[i] == other {
				other = '8'
			}
			if _, err := source.HashOf(key[:i] + string(other) + key[i+1:]); !errors.Is(err, source.ErrMisspelt) || !errors.Is(err, thimble.ErrDenied) {
				t.Errorf("%s: character %d changed: got %v, want ErrMisspelt", kind, i, err)
			}
		}
	}
}

func TestNoTwoKeysAreAlike(t *testing.T) {
	seen := map[source.Hash]bool{}
	for range 1000 {
		key, err := source.NewKey(nil, intake.Server)
		if err != nil {
			t.Fatal(err)
		}
		h, err := source.HashOf(key)
		if err != nil || seen[h] {
			t.Fatalf("seen before: %t, %v", seen[h], err)
		}
		seen[h] = true
	}
}

func FuzzHashOf(f *testing.F) {
	key, err := source.NewKey(strings.NewReader(strings.Repeat("x", 20)), intake.Server)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(key)
	f.Add("wks_")
	f.Add(strings.ToUpper(key))
	f.Fuzz(func(t *testing.T, text string) {
		_, err := source.HashOf(text)
		if err != nil && strings.Contains(err.Error(), text) && text != "" && len(text) > 8 {
			t.Errorf("the error repeats the key")
		}
		if err == nil && len(text) != source.KeySize {
			t.Errorf("a key of %d characters was taken", len(text))
		}
	})
}

func TestOriginsAreThoseThatBrowsersSend(t *testing.T) {
	got, err := source.Origins(intake.Browser, []string{" https://Shop.example:443/ ", "http://localhost:8080", "https://shop.example", "", "https://xn--bcher-kva.example:8443"})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"http://localhost:8080", "https://shop.example", "https://xn--bcher-kva.example:8443"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestWhatIsNoOriginIsRefusedByItsField(t *testing.T) {
	for _, bad := range []string{
		"shop.example", "https://", "http://shop.example", "https://shop.example/path", "https://shop.example?q", "https://shop.example#f", "ftp://shop.example",
		"https://*.example", "https://user@shop.example", "https://bücher.example", "null", "https://shop.example https://other.example", "*", "https://" + strings.Repeat("a", 300) + ".example",
	} {
		_, err := source.Origins(intake.Browser, []string{bad})
		if e, ok := errors.AsType[*source.FieldError](err); !ok || e.Field != "origins" || !errors.Is(err, thimble.ErrInvalid) {
			t.Errorf("%q: got %v, want an error of field origins", bad, err)
		}
	}
	if _, err := source.Origins(intake.Browser, nil); err == nil {
		t.Error("a browser's source without origins was taken")
	}
	if _, err := source.Origins(intake.Server, []string{"https://shop.example"}); err == nil {
		t.Error("a server's source with origins was taken")
	}
}

func TestADraftHasANameAndAKind(t *testing.T) {
	for name, want := range map[string]string{"": "name", "  ": "name", strings.Repeat("n", 81): "name", "a\x00b": "name", "a\nb": "name", "\xff": "name", "till": ""} {
		_, err := source.New(name, intake.Server, false, nil)
		e, _ := errors.AsType[*source.FieldError](err)
		if got := e != nil; got != (want != "") || got && e.Field != want {
			t.Errorf("%q: got %v, want field %q", name, err, want)
		}
	}
	if _, err := source.New("till", "fax", false, nil); err == nil {
		t.Error("a fax was taken")
	}
}

func TestTheNewestLiveKeyIsTheSources(t *testing.T) {
	now := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	s := source.Source{Keys: []source.Key{{Hint: "new", Ends: now}, {Hint: "old", Ends: now.Add(time.Second)}}}
	if k, ok := s.Live(now); !ok || k.Hint != "old" {
		t.Errorf("got %v, %t", k, ok)
	}
	if _, ok := s.Live(now.Add(time.Second)); ok {
		t.Error("a key opens at the moment it ends")
	}
	s.Ended = now
	if _, ok := s.Live(now); ok {
		t.Error("a source that has ended has a live key")
	}
}
