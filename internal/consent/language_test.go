package consent

import (
	"slices"
	"strings"
	"testing"
)

// A choice is free only if it was understood (GDPR Art. 4(11), 7(2)): every language asks
// the same, and leaves nothing unsaid.
func TestEveryLanguageAsksTheSameAndLeavesNothingUnsaid(t *testing.T) {
	want, err := Current().Matrix.Digest()
	if err != nil {
		t.Fatal(err)
	}
	hashes := map[[32]byte]string{}
	for _, lang := range Langs() {
		n, asks, words, ok := In(lang)
		if !ok || n.Lang != lang {
			t.Fatalf("%s: there is no notice", lang)
		}
		if got, err := n.Matrix.Digest(); err != nil || got != want {
			t.Errorf("%s: a yes covers something else: %v", lang, err)
		}
		if other := hashes[n.Hash()]; other != "" {
			t.Errorf("%s and %s are one text", lang, other)
		}
		hashes[n.Hash()] = lang
		said := []string{words.Title, words.Lead, words.Refuse, words.Choose, words.Allow, words.Later, words.Save, words.Settings, words.Yes, words.No, words.With, words.Without, words.More, words.Stored, words.Receipt, words.Close}
		for i, a := range asks {
			said = append(said, a.Title, a.What, a.With, a.Without)
			for j, p := range a.Parts {
				said = append(said, p.Title, p.With, p.Without)
				if p.Scope != Asked[i].Parts[j].Scope {
					t.Errorf("%s: part %d of %s is of another scope", lang, j, a.Purpose)
				}
				if lang != "en" && p.With == Asked[i].Parts[j].With {
					t.Errorf("%s: %q is English", lang, p.With)
				}
			}
			if a.Purpose != Asked[i].Purpose || len(a.Parts) != len(Asked[i].Parts) || lang != "en" && a.What == Asked[i].What {
				t.Errorf("%s: ask %d is not that of %s", lang, i, Asked[i].Purpose)
			}
			for _, text := range []string{a.Title, a.What, a.With, a.Without, words.Stored} {
				if !strings.Contains(n.Text, text) {
					t.Errorf("%s: the text that is kept as proof lacks %q", lang, text)
				}
			}
		}
		if slices.Contains(said, "") {
			t.Errorf("%s: something is not said: %q", lang, said)
		}
	}
}

// Whoever changes the English text changes its version, and finds here what lags behind.
func TestEveryLanguageSaysTheNewestText(t *testing.T) {
	for _, l := range languages {
		if l.of != version {
			t.Errorf("%s says version %s of the text, and the newest is %s", l.lang, l.of, version)
		}
	}
}

func TestALanguageIsFoundByItsFirstPart(t *testing.T) {
	for tag, want := range map[string]string{"de": "de", "de-AT": "de", "FR_ca": "fr", "en-GB": "en"} {
		if n, _, _, ok := In(tag); !ok || n.Lang != want {
			t.Errorf("%s: %q, %v, want %q", tag, n.Lang, ok, want)
		}
	}
	for _, tag := range []string{"", "ja", "german", "-de"} {
		if _, _, _, ok := In(tag); ok {
			t.Errorf("%q is a language", tag)
		}
	}
}
