package wire_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"thimble"
	"thimble/internal/disclose/wire"
	"thimble/internal/powercuttest"
)

const (
	cutSeed   = 7
	cutFolder = "THIMBLE_TEST_POWERCUT"
)

// whole is the body of a message: its id, as often as the id itself says.
func whole(id string) string {
	n := 1
	for _, c := range []byte(id) {
		n = (31*n + int(c)) % 9001
	}
	return strings.Repeat(id, n)
}

// TestDropUnderATrace is the program of the next test: it drops files and prints the
// names of those that were delivered.
func TestDropUnderATrace(t *testing.T) {
	dir := os.Getenv(cutFolder)
	if dir == "" {
		t.Skip("run by the next test only")
	}
	random := rand.New(rand.NewPCG(cutSeed, 1))
	s, f := must(wire.New(newMeter(), wire.Config{})), must(wire.OpenFolder(dir))
	recipients := []thimble.ID{newID(t), newID(t), newID(t)}
	for range 20 {
		m := message(t, "")
		m.Body = thimble.Hide([]byte(whole(m.ID.Token("msg"))))
		r := recipients[random.IntN(len(recipients))]
		for range 1 + random.IntN(2) { // some are tried again, as when the outcome was lost
			if out := s.Drop(t.Context(), f, r, m); out.State != wire.Delivered {
				t.Fatalf("%+v", out)
			}
		}
		fmt.Println("delivered " + r.Token("rcp") + "/" + m.Disclosure.Token("dsc") + "." + m.ID.Token("msg") + ".json")
	}
}

// Wherever the power fails, what was delivered is there, and what is there is whole.
func TestAPowerCutLosesNoDeliveredFileAndShowsNoHalfOne(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "drop")
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv(cutFolder, folder)
	ops := powercuttest.Run(t, folder, must(os.Executable()), "-test.run=^TestDropUnderATrace$")
	n := times(60, 3000)
	for _, model := range []powercuttest.Model{powercuttest.Journal, powercuttest.Folders} {
		tally := powercuttest.Tally{Model: model}
		tally.Explore(t, ops, cutSeed, n, halves)
		if tally.Said < n {
			t.Errorf("%s: hardly a file was delivered before the cuts", &tally)
		}
		t.Logf("seed %d; %s", cutSeed, &tally)
	}
	// The judge can fail: let the program forget its syncs.
	forgotten := powercuttest.Tally{Model: powercuttest.Folders, Quiet: true}
	forgotten.Explore(t, slices.DeleteFunc(slices.Clone(ops), func(o powercuttest.Op) bool { return o.Kind == powercuttest.Sync }), cutSeed, 20, halves)
	if forgotten.Bad == 0 {
		t.Error("images without syncs pass: the test proves nothing")
	}
}

func halves(tb testing.TB, folder string, image powercuttest.Image) (wrong []string, gap bool) {
	for _, said := range image.Said {
		if name, ok := strings.CutPrefix(strings.TrimSpace(said), "delivered "); ok {
			if _, err := os.Stat(filepath.Join(folder, name)); err != nil {
				wrong = append(wrong, "a delivered file is gone")
			}
		}
	}
	for _, name := range must(filepath.Glob(filepath.Join(folder, "*/dsc_*"))) {
		_, id, _ := strings.Cut(filepath.Base(name), ".")
		if got := must(os.ReadFile(name)); string(got) != whole(strings.TrimSuffix(id, ".json")) {
			wrong = append(wrong, fmt.Sprintf("a file of %d bytes is not whole", len(got)))
		}
	}
	return wrong, false
}
