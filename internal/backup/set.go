package backup

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"filippo.io/age"
	"golang.org/x/mod/sumdb/note"

	"thimble"
	"thimble/internal/vault"
)

const (
	objectsName    = "objects"
	manifestSuffix = ".manifest"
	seenSuffix     = ".checkpoint"
)

// A Set is a folder of backups.
type Set struct{ dir string }

// OpenSet opens a set to read it.
func OpenSet(dir string) (*Set, error) {
	if info, err := os.Stat(filepath.Join(dir, objectsName)); err != nil || !info.IsDir() {
		return nil, fmt.Errorf("backup: %s is no set of backups: %w", dir, thimble.ErrInvalid)
	}
	return &Set{dir: dir}, nil
}

// A Writer adds one backup to a set. It is used by one goroutine.
type Writer struct {
	*Set
	To []age.Recipient

	unlock func()
	last   *Manifest         // the newest, nil for none
	hash   string            // of its file
	ring   Keyring           // of the objects that can be named again, and of those that were written
	known  map[string]Object // by what is sealed in them
	Wrote  int64             // bytes of new objects
}

// Begin takes a set to add to it, and makes the folder when there is none. Manifests must be
// signed by one of the keys: those of another installation are refused. What a backup that was cut
// short has left half-written is removed.
func Begin(ctx context.Context, dir string, to []age.Recipient, by Sealer, keys ...string) (*Writer, error) {
	s := &Set{dir: dir}
	if err := os.MkdirAll(s.path(objectsName), 0o700); err != nil {
		return nil, keeping(err)
	}
	unlock, err := lockFile(s.path(lockName), false)
	if err != nil {
		return nil, fmt.Errorf("backup: taking the set %s: %w", dir, err)
	}
	w := &Writer{Set: s, To: to, unlock: unlock, ring: Keyring{}, known: map[string]Object{}}
	if err := w.begin(ctx, by, keys); err != nil {
		unlock()
		return nil, err
	}
	return w, nil
}

func (w *Writer) begin(ctx context.Context, by Sealer, keys []string) error {
	for _, pattern := range []string{w.path("*" + partSuffix), w.path(objectsName, "*"+partSuffix)} {
		halves, err := filepath.Glob(pattern)
		for _, half := range halves {
			err = errors.Join(err, os.Remove(half))
		}
		if err != nil {
			return keeping(err)
		}
	}
	all, err := w.Manifests(keys...)
	if err != nil || len(all) == 0 {
		return err
	}
	w.last = all[len(all)-1]
	file, err := os.ReadFile(w.manifest(w.last.Number))
	if err != nil {
		return keeping(err)
	}
	sum := sha256.Sum256(file)
	w.hash = hex.EncodeToString(sum[:])
	ring, err := w.last.OpenKeyring(func(what string, p vault.Perishable) ([]byte, error) { return by.OpenPerishable(ctx, what, p) })
	if errors.Is(err, thimble.ErrDenied) {
		return nil // nobody opens it: everything is written anew
	}
	if err != nil {
		return err
	}
	for _, o := range w.last.Objects() {
		if info, err := os.Stat(w.object(o.Name)); err == nil && info.Size() == o.Size {
			w.known[o.Plain] = o
		}
	}
	maps.Copy(w.ring, ring)
	return nil
}

// Last is the newest manifest of the set, nil when there is none.
func (w *Writer) Last() *Manifest { return w.last }

// Hash is that of the newest manifest's file, "" when there is none.
func (w *Writer) Hash() string { return w.hash }

// Again names an object with the same content that is there already.
func (w *Writer) Again(plain string, size int64) (Object, bool) {
	o, ok := w.known[plain]
	return o, ok && o.Bytes == size
}

// Add seals what write writes as a new object.
func (w *Writer) Add(write func(io.Writer) error) (Object, error) {
	o, key, err := w.put(w.To, write)
	if err != nil {
		return o, err
	}
	w.ring[o.Name], w.known[o.Plain] = key, o
	w.Wrote += o.Size
	return o, nil
}

// Finish writes the manifest, with which the backup is there. Beside it lies the checkpoint that
// the ledger had by then: who has no newer one from anybody else gives it at a restore.
func (w *Writer) Finish(ctx context.Context, m *Manifest, by Sealer, s note.Signer, seen string) error {
	m.Version, m.Number, m.Before = version, 1, w.hash
	if w.last != nil {
		m.Number = w.last.Number + 1
	}
	file, err := m.seal(ctx, by, w.ring, s, w.last)
	if err != nil {
		return err
	}
	if err := replaceFile(w.Seen(m.Number), []byte(seen)); err != nil {
		return keeping(err)
	}
	if err := replaceFile(w.manifest(m.Number), file); err != nil {
		return keeping(err)
	}
	sum := sha256.Sum256(file)
	w.last, w.hash = m, hex.EncodeToString(sum[:])
	return nil
}

// Seen is the path of the checkpoint beside a manifest.
func (s *Set) Seen(number int64) string { return s.path(fmt.Sprintf("%08d%s", number, seenSuffix)) }

// Prune removes manifests that open to nobody any more, and objects that no manifest names.
// Alive reports whether the epoch key of a number lives. The newest manifest stays.
func (w *Writer) Prune(alive func(epoch int64) bool, keys ...string) (removed int, err error) {
	all, err := w.Manifests(keys...)
	if err != nil || len(all) == 0 {
		return 0, err
	}
	named := map[string]bool{}
	for i, m := range all {
		if i < len(all)-1 && !alive(m.Keyring.Epoch) {
			if err := errors.Join(os.Remove(w.manifest(m.Number)), os.RemoveAll(w.Seen(m.Number))); err != nil {
				return removed, keeping(err)
			}
			continue
		}
		for _, o := range m.Objects() {
			named[o.Name] = true
		}
	}
	if err := syncDir(w.dir); err != nil { // the manifests go before their objects
		return removed, keeping(err)
	}
	files, err := os.ReadDir(w.path(objectsName))
	if err != nil {
		return removed, keeping(err)
	}
	for _, f := range files {
		if named[f.Name()] {
			continue
		}
		if err := os.Remove(w.object(f.Name())); err != nil {
			return removed, keeping(err)
		}
		removed++
	}
	return removed, keeping(syncDir(w.path(objectsName)))
}

// Close lets the set go.
func (w *Writer) Close() { w.unlock() }

func (s *Set) manifest(number int64) string {
	return s.path(fmt.Sprintf("%08d%s", number, manifestSuffix))
}

// Manifests reads all manifests, the oldest first. Each must be signed by the key that it
// names, and, when keys are given, by one of those.
func (s *Set) Manifests(keys ...string) (all []*Manifest, err error) {
	names, err := filepath.Glob(s.path("*" + manifestSuffix))
	if err != nil {
		return nil, err
	}
	slices.Sort(names)
	for _, name := range names {
		m, err := s.manifestAt(name, keys)
		if err != nil {
			return nil, err
		}
		if m != nil {
			all = append(all, m)
		}
	}
	return all, nil
}

// Newest reads the newest manifest, as [Set.Manifests] does; nil when there is none.
func (s *Set) Newest(keys ...string) (*Manifest, error) {
	names, err := filepath.Glob(s.path("*" + manifestSuffix))
	if err != nil || len(names) == 0 {
		return nil, err
	}
	return s.manifestAt(slices.Max(names), keys)
}

// manifestAt reads one; nil when it was pruned meanwhile.
func (s *Set) manifestAt(name string, keys []string) (*Manifest, error) {
	file, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, keeping(err)
	}
	m := &Manifest{}
	err = read(manifestKind, file, m, func() []string {
		if len(keys) == 0 {
			return []string{m.Key}
		}
		return keys
	})
	if err == nil {
		err = m.check()
	}
	if err == nil && s.manifest(m.Number) != name {
		err = ErrDamaged
	}
	if err != nil {
		return nil, fmt.Errorf("backup: manifest %s: %w", strings.TrimSuffix(filepath.Base(name), manifestSuffix), err)
	}
	return m, nil
}

// Check reads every byte of the objects that a manifest names.
func (s *Set) Check(ctx context.Context, m *Manifest) (bytes int64, err error) {
	for _, o := range m.Objects() {
		if err := ctx.Err(); err != nil {
			return bytes, err
		}
		if err := s.whole(o); err != nil {
			return bytes, err
		}
		bytes += o.Size
	}
	return bytes, nil
}
