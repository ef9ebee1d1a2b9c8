package backup_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"thimble/internal/backup"
)

// chains returns how many random files are changed and put together again.
func chains() int {
	if os.Getenv("THIMBLE_SOAK") != "" {
		return 1000
	}
	return 60
}

// Whatever is done to a file, the whole copy and the changes since make each of its states again,
// byte for byte.
func TestEachStateOfAFileIsMadeAgainFromItsChanges(t *testing.T) {
	const seed = 20261130
	for n := range chains() {
		r := rand.New(rand.NewPCG(seed, uint64(n)))
		content := noise(r, r.IntN(9*backup.BlockSize))
		states, before := [][]byte{content}, blocks(t, content)
		var changes [][]byte
		for range 1 + r.IntN(8) {
			content = edited(r, content)
			next := blocks(t, content)
			var out bytes.Buffer
			if err := before.WriteChanges(&out, bytes.NewReader(content), next); err != nil {
				t.Fatal(err)
			}
			if most := before.Changed(next) + 16*(before.Changed(next)/backup.BlockSize+2) + 64; int64(out.Len()) > most {
				t.Errorf("chain %d of seed %d: %d bytes were written for %d that changed", n, seed, out.Len(), before.Changed(next))
			}
			states, changes, before = append(states, content), append(changes, out.Bytes()), next
		}
		path := filepath.Join(t.TempDir(), "file")
		if err := os.WriteFile(path, states[0], 0o600); err != nil {
			t.Fatal(err)
		}
		for i, c := range changes {
			if err := apply(path, c); err != nil {
				t.Fatalf("chain %d of seed %d: %v", n, seed, err)
			}
			if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, states[i+1]) {
				t.Fatalf("chain %d of seed %d: state %d is another one (%v)", n, seed, i+1, err)
			}
		}
	}
}

func noise(r *rand.Rand, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

// edited grows, shrinks, or overwrites somewhere.
func edited(r *rand.Rand, content []byte) []byte {
	next := bytes.Clone(content)
	switch r.IntN(4) {
	case 0:
		return append(next, noise(r, 1+r.IntN(3*backup.BlockSize))...)
	case 1:
		return next[:r.IntN(len(next)+1)]
	case 2:
		return next // nothing happened
	}
	if len(next) > 0 {
		at := r.IntN(len(next))
		copy(next[at:], noise(r, 1+r.IntN(backup.BlockSize)))
	}
	return next
}

func blocks(t *testing.T, content []byte) backup.Blocks {
	t.Helper()
	b, err := backup.BlocksOf(bytes.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func apply(path string, changes []byte) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	return errors.Join(backup.Apply(f, bytes.NewReader(changes)), f.Close())
}

func TestChangesThatAreNotWholeAreRefused(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 3))
	old := noise(r, 3*backup.BlockSize)
	next := append(bytes.Clone(old[:backup.BlockSize]), noise(r, 3000)...)
	var out bytes.Buffer
	if err := blocks(t, old).WriteChanges(&out, bytes.NewReader(next), blocks(t, next)); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "file")
	for n := range out.Len() {
		if err := os.WriteFile(path, old, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := apply(path, out.Bytes()[:n]); !errors.Is(err, backup.ErrDamaged) {
			t.Fatalf("the first %d of %d bytes: %v, want a refusal", n, out.Len(), err)
		}
	}
	if err := apply(path, append(bytes.Clone(out.Bytes()), 0)); !errors.Is(err, backup.ErrDamaged) {
		t.Errorf("with a byte more: %v, want a refusal", err)
	}
}

// Hashes that belong to another backup, or that were damaged, count for nothing.
func TestBlocksAreRememberedForOneBackupAlone(t *testing.T) {
	content := noise(rand.New(rand.NewPCG(3, 4)), 2*backup.BlockSize+5)
	b, path := blocks(t, content), filepath.Join(t.TempDir(), "folder", "core.blocks")
	if err := b.Remember(path, "aa11"); err != nil {
		t.Fatal(err)
	}
	if got, ok := backup.Remembered(path, "aa11"); !ok || got.Changed(b) != 0 || b.Changed(got) != 0 || got.Plain != b.Plain || got.Bytes != b.Bytes {
		t.Errorf("remembered: %+v, %v", got, ok)
	}
	if _, ok := backup.Remembered(path, "bb22"); ok {
		t.Error("they count for another manifest")
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for i := range whole {
		changed := bytes.Clone(whole)
		changed[i] ^= 1
		for what, content := range map[string][]byte{fmt.Sprintf("byte %d changed", i): changed, fmt.Sprintf("%d bytes", i): whole[:i]} {
			if err := os.WriteFile(path, content, 0o600); err != nil {
				t.Fatal(err)
			}
			if _, ok := backup.Remembered(path, "aa11"); ok {
				t.Errorf("%s: it counts", what)
			}
		}
	}
	if _, ok := backup.Remembered(filepath.Join(t.TempDir(), "nothing"), "aa11"); ok {
		t.Error("a file that is not there counts")
	}
}
