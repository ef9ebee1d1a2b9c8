package app

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"thimble"
	"thimble/internal/backup"
	"thimble/internal/ledger/ledgerdb"
	"thimble/internal/sqldb"
)

// BlocksName is the folder of the hashes of core's blocks as they are in the last backup, for each
// set.
const BlocksName = "backup"

// mostChanges is how many changes may lie on a whole copy of core.
const mostChanges = 200

func (c *copier) core(ctx context.Context) (err error) {
	c.m.Core.Taken, err = c.database(ctx, c.app.Core, func(ctx context.Context, db *sqldb.DB) error {
		epoch, err := ledgerdb.Epoch(ctx, db)
		if err != nil {
			return err
		}
		signer, err := c.app.logSigner(ctx, epoch)
		if err != nil {
			return err
		}
		l := ledgerdb.New(db, signer, ledgerdb.Config{Log: c.app.Log})
		head, err := l.Checkpoint(ctx)
		c.m.Checkpoint = string(head.Note)
		if errors.Is(err, thimble.ErrUnavailable) {
			return nil // of an empty log there is none
		}
		return err
	}, c.sealCore)
	return err
}

// sealCore adds what changed in core since the backup before, or core whole: on another day, for
// another set, and when the changes together would be more than half of it.
func (c *copier) sealCore(f *os.File) error {
	next, err := backup.BlocksOf(f)
	if err != nil {
		return err
	}
	c.blocks = &next
	c.m.Core.Plain, c.m.Core.Bytes = next.Plain, next.Bytes
	if before, ok := c.before(); ok {
		parts := c.w.Last().Core.Parts
		changed := before.Changed(next)
		sum := changed
		for _, o := range parts[1:] {
			sum += o.Bytes
		}
		if before.Plain == next.Plain {
			c.m.Core.Parts = parts
			return nil
		}
		if sum <= parts[0].Bytes/2 && len(parts) <= mostChanges {
			return c.addCore(parts, changed, func(w io.Writer) error { return before.WriteChanges(w, f, next) })
		}
	}
	return c.addCore(nil, next.Bytes, func(w io.Writer) error {
		_, err := f.Seek(0, io.SeekStart)
		if err == nil {
			_, err = io.Copy(w, f)
		}
		return err
	})
}

func (c *copier) addCore(upon []backup.Object, size int64, write func(io.Writer) error) error {
	o, err := c.w.Add(write)
	c.m.Core.Parts = append(upon[:len(upon):len(upon)], o)
	c.done.Core = size
	return err
}

// before returns the blocks of core in the backup before, when it can be built upon.
func (c *copier) before() (backup.Blocks, bool) {
	last := c.w.Last()
	if last == nil || !c.sameDay || c.ask.Whole {
		return backup.Blocks{}, false
	}
	for _, o := range last.Core.Parts {
		if again, ok := c.w.Again(o.Plain, o.Bytes); !ok || again != o {
			return backup.Blocks{}, false
		}
	}
	b, ok := backup.Remembered(c.blocksPath(), c.w.Hash())
	return b, ok && b.Plain == last.Core.Plain
}

// remember keeps the hashes of core's blocks for the next backup. One that only named core again
// has the same.
func (c *copier) remember() error {
	if c.blocks == nil {
		return nil
	}
	return c.blocks.Remember(c.blocksPath(), c.w.Hash())
}

// blocksPath is where the blocks of the set are kept: one file for each.
func (c *copier) blocksPath() string {
	set, err := filepath.Abs(c.ask.Set)
	if err != nil {
		set = c.ask.Set
	}
	sum := sha256.Sum256([]byte(set))
	return filepath.Join(c.app.Config.Data, BlocksName, fmt.Sprintf("%x.blocks", sum[:8]))
}
