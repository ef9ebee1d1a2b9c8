package vault

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"thimble"
)

// epochFolder keeps one file for each epoch, named after its number.
type epochFolder struct{ dir string }

// NewEpochFolder keeps wrapped epoch keys as files in a folder, which is made with
// mode 0700 when missing. It belongs beside the root and in no backup: what is
// destroyed here must be gone. It serves one machine; several share the database's.
func NewEpochFolder(dir string) (Epochs, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("vault: folder of epoch keys: %w", err)
	}
	if err := syncDir(filepath.Dir(dir)); err != nil {
		return nil, fmt.Errorf("vault: folder of epoch keys: %w", err)
	}
	return epochFolder{dir}, nil
}

const epochSuffix = ".epoch"

func (f epochFolder) path(number int64) string {
	return filepath.Join(f.dir, strconv.FormatInt(number, 10)+epochSuffix)
}

func (f epochFolder) Epochs(context.Context) ([]Epoch, error) {
	files, err := os.ReadDir(f.dir)
	if err != nil {
		return nil, fmt.Errorf("vault: reading epoch keys: %w", err)
	}
	var all []Epoch
	for _, file := range files {
		name, ok := strings.CutSuffix(file.Name(), epochSuffix)
		if !ok {
			continue
		}
		text, err := os.ReadFile(filepath.Join(f.dir, file.Name()))
		if errors.Is(err, fs.ErrNotExist) {
			continue // destroyed meanwhile
		}
		if err != nil {
			return nil, fmt.Errorf("vault: reading an epoch key: %w", err)
		}
		var e Epoch
		if err := json.Unmarshal(text, &e); err != nil || strconv.FormatInt(e.Number, 10) != name {
			return nil, fmt.Errorf("vault: the file of epoch %s is damaged: %w", name, thimble.ErrDenied)
		}
		all = append(all, e)
	}
	slices.SortFunc(all, func(a, b Epoch) int { return cmp.Compare(a.Number, b.Number) })
	return all, nil
}

func (f epochFolder) PutEpoch(_ context.Context, e Epoch) error {
	text, err := json.Marshal(e)
	if err != nil {
		return err
	}
	if err := createFile(f.path(e.Number), text); err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("vault: keeping epoch %d: %w", e.Number, err)
	}
	return nil
}

func (f epochFolder) ReplaceEpoch(_ context.Context, e Epoch) error {
	text, err := json.Marshal(e)
	if err != nil {
		return err
	}
	old, err := os.OpenFile(f.path(e.Number), os.O_WRONLY, 0)
	if err != nil {
		return fmt.Errorf("vault: replacing epoch %d: %w", e.Number, err)
	}
	defer old.Close()
	if err := replaceFile(f.path(e.Number), text); err != nil {
		return fmt.Errorf("vault: replacing epoch %d: %w", e.Number, err)
	}
	// Only now: a power cut before would have lost both.
	return zero(old)
}

func (f epochFolder) DestroyEpochs(ctx context.Context, below int64) error {
	all, err := f.Epochs(ctx)
	if err != nil {
		return err
	}
	for _, e := range all {
		if e.Number >= below {
			break
		}
		err := overwrite(f.path(e.Number))
		if err == nil {
			err = os.Remove(f.path(e.Number))
		}
		if err != nil {
			return fmt.Errorf("vault: destroying epoch %d: %w", e.Number, err)
		}
	}
	if err := f.destroyHalves(below); err != nil {
		return fmt.Errorf("vault: destroying what a crash left of an epoch: %w", err)
	}
	return syncDir(f.dir)
}

// destroyHalves takes care of files that a crash left before they got their name: one
// may hold a whole epoch. What is not whole may be under way in another process.
func (f epochFolder) destroyHalves(below int64) error {
	halves, err := filepath.Glob(filepath.Join(f.dir, tempPrefix+"*"))
	if err != nil {
		return err
	}
	for _, half := range halves {
		text, err := os.ReadFile(half)
		if errors.Is(err, fs.ErrNotExist) {
			continue // it has its name now
		}
		if err != nil {
			return err
		}
		var e Epoch
		if err := json.Unmarshal(text, &e); err != nil || e.Number >= below {
			continue
		}
		if err := errors.Join(overwrite(half), os.Remove(half)); err != nil {
			return err
		}
	}
	return nil
}

// overwrite puts zeros over a file's bytes. A disk that moves blocks may keep the
// old ones; they are useless without the root.
func overwrite(path string) error {
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	return errors.Join(zero(f), f.Close())
}

func zero(f *os.File) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if _, err := f.Write(make([]byte, info.Size())); err != nil {
		return err
	}
	return f.Sync()
}
