package witness

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"thimble"
	"thimble/internal/ledger"
)

// A folder keeps the witness's key in the file key, and for each log the last
// cosigned checkpoint in <hex of the origin's SHA-256>.note.
type folder struct {
	path string
	lock *os.File
}

const seedSize = 32

func openFolder(path string) (*folder, error) {
	if err := os.MkdirAll(path, 0o700); err != nil {
		return nil, fmt.Errorf("%w (%w)", err, thimble.ErrInvalid)
	}
	lock, err := os.OpenFile(filepath.Join(path, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("%w (%w)", err, thimble.ErrInvalid)
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return nil, errors.Join(fmt.Errorf("another witness works in %s: %w", path, thimble.ErrConflict), lock.Close())
	}
	return &folder{path: path, lock: lock}, nil
}

func (f *folder) close() error { return f.lock.Close() }

// seed returns the key's seed, and draws it on first use. In a folder with checkpoints
// a key was lost, and a new one would hide it.
func (f *folder) seed(random io.Reader) ([]byte, error) {
	path := filepath.Join(f.path, "key")
	seed, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		if notes, err := filepath.Glob(filepath.Join(f.path, "*.note")); err != nil || len(notes) > 0 {
			return nil, fmt.Errorf("the key is gone and checkpoints are there; begin in a new folder: %w", thimble.ErrDenied)
		}
		seed = make([]byte, seedSize)
		if _, err := io.ReadFull(random, seed); err != nil {
			return nil, err
		}
		err = f.write("key", seed)
	}
	if err == nil && len(seed) != seedSize {
		err = fmt.Errorf("the key has %d bytes, %d were expected: %w", len(seed), seedSize, thimble.ErrDenied)
	}
	return seed, err
}

func noteName(origin string) string {
	sum := sha256.Sum256([]byte(origin))
	return hex.EncodeToString(sum[:]) + ".note"
}

// head reads the last checkpoint cosigned for a log; the tree of no leaves when
// there is none.
func (f *folder) head(origin string, key ledger.CosignerKey) (ledger.Checkpoint, error) {
	note, err := os.ReadFile(filepath.Join(f.path, noteName(origin)))
	if errors.Is(err, fs.ErrNotExist) {
		return ledger.Checkpoint{Origin: origin}, nil
	}
	if err != nil {
		return ledger.Checkpoint{}, err
	}
	// Read as what it could be cosigned for again: the form is the same.
	_, head, err := ledger.ParseAddCheckpoint(append([]byte("old 0\n\n"), note...))
	if err != nil || head.Origin != origin {
		return ledger.Checkpoint{}, altered(origin)
	}
	_, lines, _ := bytes.Cut(note, []byte("\n\n"))
	if sigs, err := ledger.Cosignatures(head, lines, key); err != nil || len(sigs) != 1 {
		return ledger.Checkpoint{}, altered(origin)
	}
	return head, nil
}

func altered(origin string) error {
	return fmt.Errorf("the checkpoint kept for %s is not one that this witness cosigned: %w", origin, thimble.ErrDenied)
}

// keep stores a checkpoint. When it returns nil, a power cut does not undo it.
func (f *folder) keep(head ledger.Checkpoint) error { return f.write(noteName(head.Origin), head.Note) }

// write replaces a file: the new one is whole and synced before it takes the name, and
// the name is synced before write returns.
func (f *folder) write(name string, data []byte) error {
	path := filepath.Join(f.path, name)
	file, err := os.OpenFile(path+".new", os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(data)
	if err == nil {
		err = file.Sync()
	}
	if err := errors.Join(err, file.Close()); err != nil {
		return err
	}
	if err := os.Rename(path+".new", path); err != nil {
		return err
	}
	dir, err := os.Open(f.path)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
