package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"thimble/internal/app/canary"
)

// proveErasure plants a made-up person in a fresh installation, has them forgotten, and
// looks for them in every byte that was written.
func proveErasure(ctx context.Context, c *call) (err error) {
	dir := c.settings["data"]
	if dir == "" {
		if dir, err = os.MkdirTemp("", "thimble-canary-"); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	} else if err := empty(dir); err != nil {
		return err
	}
	r, err := canary.Prove(ctx, dir, canary.Options{Say: func(format string, args ...any) { fmt.Fprintf(c.out, format+"\n", args...) }})
	if err != nil {
		return err
	}
	if c.settings["data"] != "" {
		if err := os.WriteFile(filepath.Join(dir, "certificate.json"), r.Text, 0o600); err != nil {
			return err
		}
		fmt.Fprintf(c.out, "The installation and its certificate.json stay in %s; the key of its log is %s\n", dir, r.Key)
	}
	return c.provedErasure(r)
}

// empty refuses a folder that has something in it: a person is planted in a fresh
// installation only, and nobody else's is touched.
func empty(dir string) error {
	all, err := os.ReadDir(dir)
	if errors.Is(err, os.ErrNotExist) {
		return os.MkdirAll(dir, 0o700)
	}
	if err != nil {
		return invalid("--data: the folder cannot be read")
	}
	if len(all) > 0 {
		return invalid("--data: an empty folder was expected; a fresh installation is made in it")
	}
	return nil
}

func (c *call) provedErasure(r canary.Result) error {
	destroyed := int64(0)
	for _, h := range r.Statement.Holders {
		destroyed += h.Erased
	}
	fmt.Fprintf(c.out, "%d holders destroyed %d entries; the certificate says so, and what it does not cover.\n", len(r.Statement.Holders), destroyed)
	fmt.Fprintf(c.out, "Read twice, while it ran and when it had ended: %d files with %d bytes, %d gzip or zlib streams in them.\n", r.Files, r.Bytes, r.Packs)
	fmt.Fprintf(c.out, "Looked for: %d strings and %d keyed hashes, in %d forms: as they are, base64, hex, UTF-16, percent signs, SHA-256.\n", r.Planted, r.Hashes, r.Needles)
	b := r.Backups
	fmt.Fprintf(c.out, "Backups: the sets have %d and %d bytes, in which nothing may lie open. Put back of the older one: %d files with %d bytes.\n", b.Older, b.Newer, b.Files, b.Bytes)
	fmt.Fprintf(c.out, "Its audit compared %d rows and found %d faults; its model, trained again without %d others one by one: %s.\n", b.Compared, b.Findings, len(b.Model.Cases), map[bool]string{true: "the same", false: "NOT THE SAME"}[b.Model.Holds()])
	for _, line := range r.Kinds() {
		fmt.Fprintf(c.out, "FOUND: %s\n", line)
	}
	fmt.Fprintf(c.out, "Hits: %d. Erased in %s.\n", len(r.Hits), r.Took.Round(time.Millisecond))
	if !r.Holds() {
		return errors.New("it does not hold: something of the person is left, or what was put back does not pass its proofs")
	}
	fmt.Fprintln(c.out, "It holds: nothing of the person is left in any byte that was written.")
	return nil
}
