// Package blob keeps content-addressed files: models, exports, anything too large
// for a row.
//
// It promises:
//
//   - the name of a file is the SHA-256 of its content, and a read checks it: a
//     changed file is refused, never served;
//   - a kept file survives a power cut: it is synced, renamed into place, and its
//     folder is synced, before Put returns;
//   - a file is never changed; keeping the same content twice keeps it once.
package blob

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"thimble"
)

// A Hash is the SHA-256 of a file's content, and its name.
type Hash [sha256.Size]byte

// String returns the hash in hexadecimal.
func (h Hash) String() string { return hex.EncodeToString(h[:]) }

// A Store is a folder of files.
type Store struct{ dir string }

// Open returns the store in a folder, which it makes if it is missing.
func Open(dir string) (*Store, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("blob: opening the store: %w", err)
	}
	// Or a power cut takes the folder with all its files.
	if err := syncFolder(filepath.Dir(dir)); err != nil {
		return nil, err
	}
	return &Store{dir: dir}, nil
}

// Sweep removes what a crash left half-written. No other process may be keeping a
// file meanwhile.
func (s *Store) Sweep() error {
	halves, err := filepath.Glob(filepath.Join(s.dir, "*.part"))
	if err != nil {
		return fmt.Errorf("blob: looking for halves: %w", err)
	}
	for _, half := range halves {
		if err := os.Remove(half); err != nil {
			return fmt.Errorf("blob: removing a half: %w", err)
		}
	}
	return nil
}

// Put keeps content and returns its hash.
func (s *Store) Put(_ context.Context, content []byte) (Hash, error) {
	h := Hash(sha256.Sum256(content))
	if old, err := os.ReadFile(s.path(h)); err == nil && bytes.Equal(old, content) {
		return h, nil
	}
	part, err := os.CreateTemp(s.dir, "*.part")
	if err != nil {
		return h, unavailable("keeping", h, err)
	}
	defer os.Remove(part.Name()) //nolint:errcheck // after the rename there is nothing to remove
	_, err = part.Write(content)
	err = errors.Join(err, part.Sync(), part.Close())
	if err != nil {
		return h, unavailable("keeping", h, err)
	}
	if err := os.Rename(part.Name(), s.path(h)); err != nil {
		return h, unavailable("keeping", h, err)
	}
	return h, s.sync()
}

// Get returns the content of a kept file. The error is of kind ErrNotFound when
// there is none, ErrDenied when its content is not what its name says.
func (s *Store) Get(_ context.Context, h Hash) ([]byte, error) {
	content, err := os.ReadFile(s.path(h))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("blob: reading %s: %w", h, thimble.ErrNotFound)
	}
	if err != nil {
		return nil, unavailable("reading", h, err)
	}
	if Hash(sha256.Sum256(content)) != h {
		return nil, fmt.Errorf("blob: reading %s: the content was changed: %w", h, thimble.ErrDenied)
	}
	return content, nil
}

// Delete overwrites and removes a file; deleting none succeeds.
func (s *Store) Delete(_ context.Context, h Hash) error {
	info, err := os.Stat(s.path(h))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		err = os.WriteFile(s.path(h), make([]byte, info.Size()), 0o600)
	}
	if err == nil {
		err = os.Remove(s.path(h))
	}
	if err != nil {
		return unavailable("deleting", h, err)
	}
	return s.sync()
}

// List returns the hashes of all kept files.
func (s *Store) List() ([]Hash, error) {
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		return nil, fmt.Errorf("blob: listing: %w: %w", err, thimble.ErrUnavailable)
	}
	var all []Hash
	for _, e := range entries {
		if b, err := hex.DecodeString(e.Name()); err == nil && len(b) == sha256.Size {
			all = append(all, Hash(b))
		}
	}
	return all, nil
}

func (s *Store) path(h Hash) string { return filepath.Join(s.dir, h.String()) }

func (s *Store) sync() error { return syncFolder(s.dir) }

func syncFolder(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("blob: syncing the folder: %w", err)
	}
	return errors.Join(d.Sync(), d.Close())
}

func unavailable(verb string, h Hash, err error) error {
	return fmt.Errorf("blob: %s %s: %w: %w", verb, h, err, thimble.ErrUnavailable)
}
