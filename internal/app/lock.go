package app

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"thimble"
	"thimble/internal/backup"
)

// LockName is the file by which the data folder is locked.
const LockName = "lock"

// Lock takes the data folder for one serving process. The lock ends with the
// process, however it ends.
func Lock(cfg Config) (unlock func(), err error) {
	folder, err := cfg.folder()
	if err != nil {
		return nil, err
	}
	if backup.Interrupted(cfg.Data) {
		return nil, fmt.Errorf("a restore into %s is under way or was cut short; give the same command again, or remove what it has left beside the folder: %w", folder, thimble.ErrConflict)
	}
	f, err := os.OpenFile(filepath.Join(folder, LockName), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("data folder %s cannot be written: %w", folder, thimble.ErrInvalid)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = f.Close() // the lock is another's
		return nil, fmt.Errorf("another Thimble serves from the data folder %s: %w", folder, thimble.ErrConflict)
	}
	return func() { _ = f.Close() }, nil
}
