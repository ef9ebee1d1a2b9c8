package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// smallDisk tells the test that it has mounts of its own.
const smallDisk = "THIMBLE_SMALL_DISK"

// withMounts runs the test again in a process with mounts of its own, which end with it; for
// whoever is not root, as root of a user namespace of its own.
func withMounts(t *testing.T) {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe, "-test.run", "^"+t.Name()+"$", "-test.v", "-test.timeout", "170m")
	cmd.Env = append(os.Environ(), smallDisk+"=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS}
	if os.Getuid() != 0 {
		id := func(of int) []syscall.SysProcIDMap { return []syscall.SysProcIDMap{{HostID: of, Size: 1}} }
		cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS, UidMappings: id(os.Getuid()), GidMappings: id(os.Getgid())}
	}
	out, err := cmd.CombinedOutput()
	switch _, ended := errors.AsType[*exec.ExitError](err); {
	case err != nil && !ended:
		t.Skipf("no process may have mounts of its own here: %v", err)
	case strings.Contains(string(out), "--- SKIP"):
		t.Skipf("%s", out)
	case err != nil:
		t.Fatalf("%v\n%s", err, out)
	}
	t.Logf("%s", out)
}

// A disk is a filesystem in memory that is filled by a file.
type disk struct{ dir string }

func newDisk(t *testing.T, size int) disk {
	t.Helper()
	d := disk{t.TempDir()}
	if err := syscall.Mount("none", d.dir, "tmpfs", 0, fmt.Sprint("size=", size)); err != nil {
		t.Skipf("no small disk can be mounted here: %v", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(d.dir, syscall.MNT_DETACH) }) // it ends with the process anyway
	return d
}

// scarce is what most acts have enough with.
const scarce = 12 << 20

func (d disk) ballast() string { return filepath.Join(d.dir, "ballast") }

// fill leaves so many bytes on the disk, or fewer.
func (d disk) fill(leave int64) error {
	f, err := os.OpenFile(d.ballast(), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	defer f.Close() //nolint:errcheck // what is in it does not matter
	size, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	for {
		var s syscall.Statfs_t
		if err := syscall.Statfs(d.dir, &s); err != nil {
			return err
		}
		more := int64(s.Bavail)*int64(s.Bsize) - leave
		if more <= 0 {
			return nil
		}
		// Whoever writes meanwhile may have taken the last of it.
		if err := syscall.Fallocate(int(f.Fd()), 0, size, more); err != nil && !errors.Is(err, syscall.ENOSPC) {
			return err
		} else if err == nil {
			size += more
		}
	}
}

func (d disk) empty() error { return os.Remove(d.ballast()) }
