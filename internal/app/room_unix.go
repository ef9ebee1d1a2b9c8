//go:build unix

package app

import (
	"fmt"
	"syscall"
)

// freeBytes is how much a process may still write to the disk of a folder.
func freeBytes(folder string) (int64, error) {
	var s syscall.Statfs_t
	if err := syscall.Statfs(folder, &s); err != nil {
		return 0, fmt.Errorf("app: asking for the room on the disk: %w", err)
	}
	return int64(min(s.Bavail, 1<<62/uint64(s.Bsize))) * int64(s.Bsize), nil //nolint:gosec,unconvert // types differ between systems
}
