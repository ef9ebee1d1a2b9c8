package backup

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"thimble"
)

// stageSuffix ends the name of the folder, beside the data folder, in which an installation is
// put back.
const stageSuffix = ".restoring"

// A Stage is a folder in which an installation is put back. It becomes the data folder when all is
// done, and not before: a restore that was cut short leaves no data folder.
type Stage struct {
	Dir string // in which to put it

	data   string
	unlock func()
}

// NewStage begins. The data folder must not be there, or be empty but for a lock. What a restore
// that was cut short has left is removed.
func NewStage(data string) (*Stage, error) {
	data = filepath.Clean(data)
	entries, err := os.ReadDir(data)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, keeping(err)
	}
	if slices.ContainsFunc(entries, func(e os.DirEntry) bool { return e.Name() != lockName }) {
		return nil, fmt.Errorf("backup: %s holds something already; put an installation back into a folder that is empty or not there: %w", data, thimble.ErrConflict)
	}
	if err := os.MkdirAll(filepath.Dir(data), 0o700); err != nil {
		return nil, keeping(err)
	}
	s := &Stage{Dir: data + stageSuffix, data: data}
	if s.unlock, err = lockFile(s.Dir+".lock", false); err != nil {
		return nil, fmt.Errorf("backup: putting back into %s: %w", data, err)
	}
	if err = os.RemoveAll(s.Dir); err == nil {
		err = os.Mkdir(s.Dir, 0o700)
	}
	if err != nil {
		s.unlock()
		return nil, keeping(err)
	}
	return s, nil
}

// Create makes a file for content, and the folder that it is in.
func (s *Stage) Create(name ...string) (*os.File, error) {
	path := filepath.Join(append([]string{s.Dir}, name...)...)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, keeping(err)
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	return f, keeping(err)
}

// Done makes the folder the data folder, durably.
func (s *Stage) Done() error {
	err := filepath.WalkDir(s.Dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return syncDir(path) // a file or a folder
	})
	if err == nil {
		err = os.RemoveAll(filepath.Join(s.data, lockName))
	}
	if err == nil {
		err = os.Rename(s.Dir, s.data) // over an empty folder, and over no other
	}
	if err == nil {
		err = syncDir(filepath.Dir(s.data))
	}
	return keeping(err)
}

// Close removes what is not done.
func (s *Stage) Close() error {
	err := os.RemoveAll(s.Dir)
	if err == nil {
		err = os.Remove(s.Dir + ".lock")
	}
	s.unlock()
	return err
}

// Interrupted reports whether a restore into the data folder was cut short and not made anew.
func Interrupted(data string) bool {
	_, err := os.Stat(filepath.Clean(data) + stageSuffix)
	return err == nil
}
