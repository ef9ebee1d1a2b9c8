package blob

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"thimble"
)

func open(t *testing.T) (*Store, string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "blobs")
	s, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return s, dir
}

func TestKeptContentComesBack(t *testing.T) {
	s, _ := open(t)
	for _, content := range [][]byte{nil, []byte("a"), bytes.Repeat([]byte("model"), 1<<18)} {
		h, err := s.Put(t.Context(), content)
		if err != nil {
			t.Fatal(err)
		}
		again, err := s.Put(t.Context(), content)
		if err != nil || again != h {
			t.Errorf("keeping twice: %s, %v, want %s", again, err, h)
		}
		if got, err := s.Get(t.Context(), h); err != nil || !bytes.Equal(got, content) {
			t.Errorf("Get = %d bytes, %v, want %d", len(got), err, len(content))
		}
	}
	if all, err := s.List(); err != nil || len(all) != 3 {
		t.Errorf("List = %d, %v, want 3", len(all), err)
	}
}

func TestChangedFileIsRefused(t *testing.T) {
	s, dir := open(t)
	h, err := s.Put(t.Context(), []byte("weights"))
	if err != nil {
		t.Fatal(err)
	}
	for bit := range 8 * len("weights") {
		changed := []byte("weights")
		changed[bit/8] ^= 1 << (bit % 8)
		if err := os.WriteFile(filepath.Join(dir, h.String()), changed, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Get(t.Context(), h); !errors.Is(err, thimble.ErrDenied) {
			t.Fatalf("bit %d flipped: got %v, want a denial", bit, err)
		}
	}
	// Putting the true content again mends the file.
	if _, err := s.Put(t.Context(), []byte("weights")); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Get(t.Context(), h); err != nil {
		t.Error(err)
	}
}

func TestDeleteIsIdempotentAndLeavesNoBytes(t *testing.T) {
	s, dir := open(t)
	h, err := s.Put(t.Context(), []byte("person"))
	if err != nil {
		t.Fatal(err)
	}
	keep, err := os.Open(filepath.Join(dir, h.String()))
	if err != nil {
		t.Fatal(err)
	}
	defer keep.Close()
	for range 2 {
		if err := s.Delete(t.Context(), h); err != nil {
			t.Fatal(err)
		}
	}
	b := make([]byte, 6)
	if _, err := keep.ReadAt(b, 0); err != nil || string(b) == "person" {
		t.Errorf("the unlinked file still reads %q, %v", b, err)
	}
	if _, err := s.Get(t.Context(), h); !errors.Is(err, thimble.ErrNotFound) {
		t.Errorf("got %v, want not found", err)
	}
}

func TestHalfWrittenFileIsSwept(t *testing.T) {
	s, dir := open(t)
	half := filepath.Join(dir, "123.part")
	if err := os.WriteFile(half, []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := s.Sweep(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(half); !os.IsNotExist(err) {
		t.Error("the half is still there")
	}
}
