package thimble

import (
	"bytes"
	"encoding/gob"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestPersonalValueCannotBePrinted(t *testing.T) {
	const secret = "ada@example.org"
	p := Hide(secret)
	type row struct {
		Mail   Personal[string]
		Ref    *Personal[string]
		hidden Personal[string] // fmt may not call methods here: it must find nothing to print
	}
	in := row{Mail: p, Ref: &p, hidden: p}
	shown := map[string]string{}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t", "%T%v", "%08.3f", "%p"} {
		shown["fmt "+verb] = fmt.Sprintf(verb, p)
		shown["fmt in struct "+verb] = fmt.Sprintf(verb, in)
		shown["fmt in slice "+verb] = fmt.Sprintf(verb, []Personal[string]{p})
	}
	b, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	shown["json"] = string(b)
	for name, h := range map[string]func(*bytes.Buffer) slog.Handler{
		"slog text": func(w *bytes.Buffer) slog.Handler { return slog.NewTextHandler(w, nil) },
		"slog json": func(w *bytes.Buffer) slog.Handler { return slog.NewJSONHandler(w, nil) },
	} {
		var w bytes.Buffer
		slog.New(h(&w)).Info("m", slog.Any("p", p), slog.Any("row", in), slog.Any("ref", &p))
		shown[name] = w.String()
	}
	shown["error"] = fmt.Errorf("opening %v: %w", p, ErrDenied).Error()
	for how, text := range shown {
		if strings.Contains(text, "ada") || strings.Contains(text, fmt.Sprintf("%x", secret)) {
			t.Errorf("%s shows the value: %s", how, text)
		}
	}
	if err := gob.NewEncoder(&bytes.Buffer{}).Encode(p); !errors.Is(err, ErrDenied) {
		t.Errorf("gob: got %v, want a denial", err)
	}
	if p.Reveal() != secret {
		t.Error("Reveal lost the value")
	}
	if got := (Personal[int]{}).Reveal(); got != 0 {
		t.Errorf("zero Personal reveals %d, want 0", got)
	}
}

func TestTokensHaveOneSpelling(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		id := SubjectID(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "id"))
		got, err := ParseSubjectID(id.String())
		if err != nil || got != id {
			t.Fatalf("ParseSubjectID(%s) = %s, %v", id, got, err)
		}
		text := []byte(id.String())
		i := rapid.IntRange(0, len(text)-1).Draw(t, "at")
		text[i] = rapid.Byte().Draw(t, "byte")
		if got, err := ParseSubjectID(string(text)); err == nil && got.String() != string(text) {
			t.Fatalf("%q parses as %s: two spellings of one id", text, got)
		}
	})
}

func TestPartsOfPurposesAndCategories(t *testing.T) {
	for _, c := range []struct {
		part, whole string
		want        bool
	}{
		{"user.contact.email", "user.contact", true},
		{"user.contact", "user.contact", true},
		{"user.contactless", "user.contact", false},
		{"user", "user.contact", false},
	} {
		if got := Category(c.part).Within(Category(c.whole)); got != c.want {
			t.Errorf("Category(%q).Within(%q) = %t, want %t", c.part, c.whole, got, c.want)
		}
		if got := Purpose(c.part).Within(Purpose(c.whole)); got != c.want {
			t.Errorf("Purpose(%q).Within(%q) = %t, want %t", c.part, c.whole, got, c.want)
		}
	}
}
