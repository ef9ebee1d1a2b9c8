package subject_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"thimble"
	"thimble/internal/subject"
)

func TestSpellingsOfOneIdentifierBecomeOne(t *testing.T) {
	for _, c := range []struct {
		name string
		kind subject.Kind
		in   string
		want string
	}{
		{"case of an e-mail", subject.Email, " Ada@Example.ORG ", "ada@example.org"},
		{"final dot of a domain", subject.Email, "ada@example.org.", "ada@example.org"},
		{"dots and tags stay", subject.Email, "a.d.a+x@example.org", "a.d.a+x@example.org"},
		{"composed letters", subject.Email, "zoe\u0308@example.org", "zo\u00eb@example.org"},
		{"blanks of a phone number", subject.Phone, "+44 (20) 7946-0018", "+442079460018"},
		{"international prefix", subject.Phone, "0044 20 7946 0018", "+442079460018"},
		{"account keeps its case", subject.Account, " AB-12 ", "AB-12"},
		{"device", subject.Device, "d3f", "d3f"},
	} {
		got, err := subject.NewIdentifier(c.kind, c.in)
		if err != nil || got.Value.Reveal() != c.want {
			t.Errorf("%s: got %q, %v, want %q", c.name, got.Value.Reveal(), err, c.want)
		}
	}
}

func TestARefusedIdentifierIsNotRepeated(t *testing.T) {
	for _, c := range []struct {
		name string
		kind subject.Kind
		in   string
	}{
		{"empty", subject.Account, "  "},
		{"no at", subject.Email, "secret.example.org"},
		{"two ats", subject.Email, "secret@x@example.org"},
		{"no name", subject.Email, "@secret.org"},
		{"no dot", subject.Email, "secret@localhost"},
		{"blank inside", subject.Email, "sec ret@example.org"},
		{"too long", subject.Email, strings.Repeat("secret", 50) + "@example.org"},
		{"no country", subject.Phone, "02079460018"},
		{"letters", subject.Phone, "+44secret"},
		{"too short", subject.Phone, "+44 20"},
		{"zero country", subject.Phone, "+0442079460018"},
		{"plus inside", subject.Phone, "44+2079460018"},
		{"control character", subject.Account, "sec\x00ret"},
		{"invisible character", subject.Account, "sec\u200bret"},
		{"broken UTF-8", subject.Account, "secret\xff"},
		{"unknown kind, which may be a value", subject.Kind("secret@example.org"), "x"},
	} {
		_, err := subject.NewIdentifier(c.kind, c.in)
		if !errors.Is(err, thimble.ErrInvalid) {
			t.Errorf("%s: %v, want invalid", c.name, err)
		} else if strings.Contains(err.Error(), "secret") || strings.Contains(err.Error(), "7946") {
			t.Errorf("%s: the error repeats the value: %v", c.name, err)
		}
	}
}

func TestWhatProgramsWriteForNothingIsNobody(t *testing.T) {
	for _, in := range []string{
		"null", "NULL", "Undefined", "unknown", "n/a", "N/A", "-1", "0", "000000", "00000000-0000-0000-0000-000000000000", "test", " None ",
		"-", "--", "???", "[object Object]", "{}", "anonymous", "NaN", "#N/A",
	} {
		for _, kind := range []subject.Kind{subject.Account, subject.Device} {
			_, err := subject.NewIdentifier(kind, in)
			if !errors.Is(err, thimble.ErrInvalid) || !strings.Contains(err.Error(), "was expected") {
				t.Errorf("%s %q: %v, want a refusal that names the rule", kind, in, err)
			} else if v := strings.TrimSpace(in); len(v) > 4 && v != "unknown" && v != "NULL" && strings.Contains(err.Error(), v) {
				t.Errorf("%q is repeated: %v", in, err)
			}
		}
	}
	if _, err := subject.NewIdentifier(subject.Email, "undefined@example.org"); err == nil {
		t.Error("an address of nobody is taken")
	}
	for _, ok := range []string{"A-0", "10", "test-1", "Nullmann", "0x1"} {
		if _, err := subject.NewIdentifier(subject.Account, ok); err != nil {
			t.Errorf("%q: %v", ok, err)
		}
	}
	if _, err := subject.NewIdentifier(subject.Email, "test@example.org"); err != nil {
		t.Error(err)
	}
}

func FuzzNormalize(f *testing.F) {
	for _, kind := range subject.Kinds() {
		f.Add(string(kind), "Ada@Example.org")
		f.Add(string(kind), "+44 20 7946 0018")
		f.Add(string(kind), "e\u0301\u00df\u0130")
	}
	f.Fuzz(func(t *testing.T, kind, value string) {
		once, err := subject.NewIdentifier(subject.Kind(kind), value)
		if err != nil {
			return
		}
		twice, err := subject.Normalize(once)
		if err != nil || twice.Value.Reveal() != once.Value.Reveal() {
			t.Errorf("%q becomes %q and then %q, %v: not one spelling", value, once.Value.Reveal(), twice.Value.Reveal(), err)
		}
	})
}

func TestResidenceNeedsARealCountryAndEvidence(t *testing.T) {
	now := time.Now()
	for _, c := range []struct {
		name string
		in   subject.Residence
		ok   bool
	}{
		{"France by an order", subject.Residence{Country: "FR", Evidence: "order", At: now}, true},
		{"unknown, declared so", subject.Residence{Evidence: "declared", At: now}, true},
		{"lower case", subject.Residence{Country: "fr", Evidence: "order"}, false},
		{"no country of ISO 3166-1", subject.Residence{Country: "UK", Evidence: "order"}, false},
		{"across two codes", subject.Residence{Country: "D ", Evidence: "order"}, false},
		{"no evidence", subject.Residence{Country: "FR"}, false},
	} {
		if err := c.in.Validate(); (err == nil) != c.ok || err != nil && !errors.Is(err, thimble.ErrInvalid) {
			t.Errorf("%s: %v, want ok = %t", c.name, err, c.ok)
		}
	}
	n := 0
	for a := 'A'; a <= 'Z'; a++ {
		for b := 'A'; b <= 'Z'; b++ {
			if subject.IsCountry(string([]rune{a, b})) {
				n++
			}
		}
	}
	if n != 249 {
		t.Errorf("%d countries, want the 249 of ISO 3166-1", n)
	}
}
