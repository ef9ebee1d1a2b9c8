package policy

import (
	"bytes"
	"errors"
	"io/fs"
	"testing"

	"go.yaml.in/yaml/v4"

	"thimble"
)

// FuzzParse holds of any text: it is refused as invalid, or it is a pack whose
// canonical form is canonical, is a pack again, and has the same hash.
func FuzzParse(f *testing.F) {
	names, err := fs.Glob(packs, "packs/*.yaml")
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range names {
		text, err := packs.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	for _, text := range []string{head, "", "- 1", "a: &a [*a]", "pack: {<<: *x}", "\xff", head + "---\n", "a: !!binary aGk="} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		p, err := Parse(text)
		if err != nil {
			if !errors.Is(err, thimble.ErrInvalid) {
				t.Fatalf("of the wrong kind: %v", err)
			}
			return
		}
		canonical, err := p.Canonical()
		if err != nil {
			t.Fatal(err)
		}
		// Canonical JSON is YAML, but for what a pack must not leave empty.
		var again Pack
		if err := yaml.Unmarshal(canonical, &again); err != nil {
			t.Fatalf("the canonical form cannot be read: %v", err)
		}
		if second, err := again.Canonical(); err != nil || !bytes.Equal(canonical, second) {
			t.Fatalf("canonical form\n%s\nreads as\n%s", canonical, second)
		}
		p.Find("personalize.content.profiled", "user.biometric")
		p.Test()
	})
}
