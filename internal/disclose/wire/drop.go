package wire

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"thimble"
)

// A Folder is where files for recipients are dropped, each recipient's in a folder
// of its own. Nothing is ever written outside it.
type Folder struct {
	root *os.Root
	// create makes a new file; tests put a full disk there.
	create func(dir *os.Root, name string) (file, error)
}

type file interface {
	Write(p []byte) (int, error)
	Sync() error
	Close() error
}

const (
	partPrefix = ".part-" // of a file that is being written; listings do not show it
	partAge    = time.Hour
	chunk      = 64 << 10 // bytes of one write
)

// OpenFolder opens an existing folder by its absolute path, and takes away what a try
// that was killed an hour ago or earlier left half-written.
func OpenFolder(name string) (*Folder, error) {
	info, err := os.Lstat(name)
	if err != nil || !filepath.IsAbs(name) || !info.IsDir() {
		return nil, fmt.Errorf("wire: folder: the absolute path of an existing folder, and no link, was expected: %w", thimble.ErrInvalid)
	}
	root, err := os.OpenRoot(name)
	if err != nil {
		return nil, fmt.Errorf("wire: opening the folder: %w", err)
	}
	f := &Folder{root: root, create: createFile}
	return f, f.sweep(time.Now())
}

// Close frees the folder.
func (f *Folder) Close() error { return f.root.Close() }

func createFile(dir *os.Root, name string) (file, error) {
	return dir.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
}

func (f *Folder) sweep(now time.Time) error {
	found, err := fs.Glob(f.root.FS(), "*/"+partPrefix+"*")
	for _, name := range found {
		info, statErr := f.root.Lstat(name)
		if statErr != nil || now.Sub(info.ModTime()) < partAge {
			continue
		}
		err = errors.Join(err, f.root.Remove(name))
	}
	if err != nil {
		return fmt.Errorf("wire: sweeping the folder: %w", err)
	}
	return nil
}

// Drop writes a message as rcp_…/dsc_….msg_….json, or another ending by its type. The
// same message again replaces the file with itself.
func (s *Sender) Drop(ctx context.Context, f *Folder, recipient thimble.ID, m Message) Outcome {
	kind, _, ok := mediaType(m.Type)
	if !ok || m.ID.IsZero() || recipient.IsZero() {
		return permanent(MessageInvalid)
	}
	// The transport is where data leaves: the gate has judged it, and the meter asks for the leaf.
	body := m.Body.Reveal()
	if len(body) > MaxBody {
		return permanent(MessageTooLarge)
	}
	if begin(ctx, s.meter, m.Disclosure) != nil {
		return retry(NotRecorded)
	}
	name := m.Disclosure.Token(disclosurePrefix) + "." + m.ID.Token(messagePrefix) + ending(kind)
	err := f.put(ctx, recipient.Token(recipientPrefix), name, body, func(n int) { s.meter.Sent(m.Disclosure, n) })
	return dropped(ctx, err)
}

func ending(kind string) string {
	switch {
	case kind == "application/jsonl" || kind == "application/x-ndjson":
		return ".jsonl"
	case isJSON(kind):
		return ".json"
	case kind == "text/csv":
		return ".csv"
	}
	return ".bin"
}

var errNotOurs = errors.New("wire: something else stands in the place of the folder or file")

func dropped(ctx context.Context, err error) Outcome {
	switch {
	case err == nil:
		return Outcome{State: Delivered}
	case errors.Is(err, errNotOurs):
		return permanent(FolderForbidden)
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT), errors.Is(err, syscall.EFBIG):
		return retry(DiskFull)
	case ctx.Err() != nil:
		return retry(Stopped)
	}
	return retry(DiskFailing)
}

// put writes a file beside its place, syncs it, and moves it there: who looks sees all of
// it or nothing, whenever the power fails.
func (f *Folder) put(ctx context.Context, folder, name string, body []byte, sent func(int)) (err error) {
	dir, err := f.enter(folder)
	if err != nil {
		return err
	}
	defer dir.Close()
	if info, err := dir.Lstat(name); err == nil && !info.Mode().IsRegular() {
		return errNotOurs
	}
	part := partPrefix + strings.ToLower(rand.Text())
	out, err := f.create(dir, part)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = dir.Remove(part)
		}
	}()
	if err := errors.Join(write(ctx, out, body, sent), out.Close()); err != nil {
		return err
	}
	if err := dir.Rename(part, name); err != nil {
		return err
	}
	return syncDir(dir)
}

// write writes and syncs in chunks, so that the meter hears of each, and a shutdown is
// heard between two.
func write(ctx context.Context, out file, body []byte, sent func(int)) error {
	for len(body) > 0 {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		n, err := out.Write(body[:min(len(body), chunk)])
		if n > 0 {
			sent(n)
		}
		if err != nil {
			return err
		}
		body = body[n:]
	}
	return out.Sync()
}

// enter opens a recipient's folder and makes it when there is none. A link in its place
// is refused, also one that stays inside.
func (f *Folder) enter(folder string) (*os.Root, error) {
	err := f.root.Mkdir(folder, 0o700)
	if err == nil {
		err = syncDir(f.root)
	} else if errors.Is(err, fs.ErrExist) {
		err = nil
	}
	if err != nil {
		return nil, err
	}
	info, err := f.root.Lstat(folder)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return nil, errNotOurs
	}
	dir, err := f.root.OpenRoot(folder)
	if err != nil {
		return nil, err
	}
	// What was opened is what was looked at, even if somebody put a link there in between.
	opened, err := dir.Stat(".")
	if err == nil && !os.SameFile(info, opened) {
		err = errNotOurs
	}
	if err != nil {
		return nil, errors.Join(err, dir.Close())
	}
	return dir, nil
}

func syncDir(dir *os.Root) error {
	d, err := dir.Open(".")
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
