package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"filippo.io/age"

	"thimble"
	"thimble/internal/backup"
	"thimble/internal/backup/backupdb"
	"thimble/internal/ledger/ledgerdb"
	"thimble/internal/sqldb"
	"thimble/internal/vault"
)

// CopiesName is the folder in which copies of databases are made, for the moment that it takes to
// seal them into a set.
const CopiesName = "copies"

// Backup says what is to be backed up.
type Backup struct {
	Set string // the folder
	To  []age.Recipient
	// LogOnly names core and models as they are in the backup before, and adds what is new in
	// the log, and the keys. The first backup of a day has all the same.
	LogOnly bool
	Whole   bool // copies core whole, and not what changed in it
	// Keep removes backups of days that are older, although they could still be opened; 0
	// removes those alone that cannot.
	Keep time.Duration
}

// BackedUp says what a backup did.
type BackedUp struct {
	Manifest *backup.Manifest
	Wrote    int64  // bytes
	Parts    int    // of the log, that were not in the set
	Core     int64  // bytes of core that were sealed: all of it, or what changed
	Pruned   int    // objects that nobody opens any more
	Seen     string // file of the checkpoint that the ledger had by then
}

// Backup adds a backup of this installation to a set, while it serves or not.
func (a *App) Backup(ctx context.Context, b Backup) (done BackedUp, err error) {
	if err := a.mayBackup(); err != nil {
		return done, err
	}
	if err := a.KeepApart(ctx); err != nil {
		return done, err
	}
	kept, err := backup.ReadApart(a.Config.Apart)
	if err != nil {
		return done, err
	}
	living, err := a.Vault.Epochs(ctx)
	if err != nil {
		return done, err
	}
	w, err := backup.Begin(ctx, b.Set, b.To, a.Vault, kept.Keys...)
	if err != nil {
		return done, err
	}
	defer w.Close()
	c := &copier{app: a, w: w, m: &backup.Manifest{Program: Version}, done: &done, ask: b}
	if last := w.Last(); last != nil && len(living) > 0 {
		c.sameDay = last.Keyring.Epoch == living[len(living)-1].Number
	}
	if err := c.run(ctx); err != nil {
		return done, err
	}
	done.Manifest, done.Wrote, done.Seen = c.m, w.Wrote, w.Seen(c.m.Number)
	if living, err = a.Vault.Epochs(ctx); err != nil {
		return done, err
	}
	if b.Keep > 0 {
		living = keptDays(living, c.now().Add(-b.Keep))
	}
	alive := numbers(living)
	done.Pruned, err = w.Prune(func(epoch int64) bool { return slices.Contains(alive, epoch) }, kept.Keys...)
	return done, err
}

// keptDays are the days of which backups stay: those that end after an instant, and the
// newest.
func keptDays(living []vault.EpochStatus, oldest time.Time) []vault.EpochStatus {
	last := len(living) - 1
	return slices.DeleteFunc(slices.Clone(living), func(e vault.EpochStatus) bool {
		return e.Number != living[last].Number && !e.Made.AddDate(0, 0, 1).After(oldest)
	})
}

// mayBackup refuses what could not be put back.
func (a *App) mayBackup() error {
	if a.Config.Apart == "" {
		return fmt.Errorf("the setting `apart` is needed: a folder on another disk, for the tombstones of erased people and the keys of days; without them no backup can be put back: %w", thimble.ErrInvalid)
	}
	return nil
}

// A copier makes one backup. The order is that of who depends on whom: core says how far others
// were in the log, so that the log is copied after it; what is in the log is sealed by keys,
// which are copied last. Tombstones are kept apart after that, and are no fewer.
type copier struct {
	app  *App
	w    *backup.Writer
	m    *backup.Manifest
	done *BackedUp
	ask  Backup
	// sameDay is whether the key of the day is that of the backup before. What that has of core
	// is not named again under another.
	sameDay bool
	blocks  *backup.Blocks // of core, when it was copied
}

func (c *copier) run(ctx context.Context) (err error) {
	if err := c.sweep(); err != nil {
		return err
	}
	logOnly := c.ask.LogOnly && (c.sameDay || c.w.Last() == nil)
	if logOnly {
		err = c.again(ctx)
	} else if err = c.core(ctx); err == nil {
		err = c.models(ctx)
	}
	if err == nil {
		err = c.log(ctx)
	}
	if err == nil {
		err = c.keys(ctx)
	}
	if err != nil {
		return err
	}
	if logOnly && !c.m.Covers(c.w.Last()) {
		return fmt.Errorf("the indexes by which people are found were given new keys since the last whole backup; make one without --log: %w", thimble.ErrConflict)
	}
	st, signer, err := c.app.statement(ctx)
	if err == nil {
		err = c.app.KeepApart(ctx) // which reaches the checkpoint of the statement, and further
	}
	if err == nil {
		c.m.Tombstones, err = c.app.tombstones(ctx)
	}
	if err == nil {
		err = c.app.KeepApart(ctx) // and has those
	}
	if err != nil {
		return err
	}
	c.m.Installation, c.m.Epoch, c.m.Key = st.Installation, st.Epoch, signer.VerifierKey()
	if err := c.w.Finish(ctx, c.m, c.app.Vault, signer, st.Checkpoint); err != nil {
		return err
	}
	return c.remember()
}

// again names what the backup before has.
func (c *copier) again(ctx context.Context) error {
	last := c.w.Last()
	if last == nil {
		return fmt.Errorf("--log adds to a whole backup, and the set has none: %w", thimble.ErrInvalid)
	}
	epoch, err := ledgerdb.Epoch(ctx, c.app.Core)
	if err != nil {
		return err
	}
	if last.Epoch != epoch {
		return fmt.Errorf("--log adds to a whole backup, and that before is from before this installation was put back; make one without --log: %w", thimble.ErrConflict)
	}
	for _, o := range last.Objects() {
		if _, ok := c.w.Again(o.Plain, o.Bytes); !ok {
			return fmt.Errorf("--log adds to a whole backup, and that before opens to nobody any more or lacks an object; make one without --log: %w", thimble.ErrConflict)
		}
	}
	c.m.Core, c.m.Models, c.m.Checkpoint = last.Core, last.Models, last.Checkpoint
	if b, ok := backup.Remembered(c.blocksPath(), c.w.Hash()); ok {
		c.blocks = &b // which are those of this one too
	}
	return nil
}

// sweep removes what a backup that was killed has left.
func (c *copier) sweep() error {
	folder, err := c.app.Config.folder(CopiesName)
	if err == nil {
		err = os.RemoveAll(folder)
	}
	if err == nil {
		_, err = c.app.Config.folder(CopiesName)
	}
	return err
}

func (c *copier) now() time.Time { return c.app.Config.clock()().UTC() }

// database has put seal a copy of a database as of one instant, after look has seen it.
func (c *copier) database(ctx context.Context, db *sqldb.DB, look func(context.Context, *sqldb.DB) error, put func(*os.File) error) (taken time.Time, err error) {
	path := filepath.Join(c.app.Config.Data, CopiesName, db.Set()+".db")
	defer func() { err = errors.Join(err, os.RemoveAll(filepath.Dir(path))) }()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return taken, fmt.Errorf("app: copying %s: %w: %w", db.Set(), err, thimble.ErrUnavailable)
	}
	taken = c.now()
	if db.Engine() == sqldb.PostgreSQL {
		return taken, c.rows(ctx, db, path, look, put)
	}
	if err := db.Copy(ctx, path); err != nil {
		return taken, err
	}
	copied, err := sqldb.Open(ctx, sqldb.Config{Set: db.Set(), Path: path, Log: c.app.Log})
	if err != nil {
		return taken, err
	}
	err = copied.QuickCheck(ctx)
	if err == nil {
		err = look(ctx, copied)
	}
	if err = errors.Join(err, copied.Close()); err != nil {
		return taken, err
	}
	f, err := os.Open(path)
	if err != nil {
		return taken, fmt.Errorf("app: copying %s: %w: %w", db.Set(), err, thimble.ErrUnavailable)
	}
	defer f.Close()
	return taken, put(f)
}

// models has the files that are kept now; one that is destroyed meanwhile is in no backup.
func (c *copier) models(ctx context.Context) error {
	all, err := c.app.Files.List()
	if err != nil {
		return err
	}
	for _, h := range all {
		content, err := c.app.Files.Get(ctx, h)
		if errors.Is(err, thimble.ErrNotFound) || errors.Is(err, thimble.ErrDenied) {
			continue // destroyed, or being overwritten for it
		}
		if err != nil {
			return err
		}
		o, ok := c.w.Again(h.String(), int64(len(content)))
		if !ok {
			if o, err = c.w.Add(func(w io.Writer) error { _, err := w.Write(content); return err }); err != nil {
				return err
			}
		}
		c.m.Models = append(c.m.Models, backup.Copy{Object: o, Taken: c.now()})
	}
	return nil
}

func (c *copier) log(ctx context.Context) error {
	c.m.Log.Taken = c.now()
	return backupdb.Parts(ctx, c.app.Events, func(p backupdb.Part) error {
		plain, size, err := backup.Digest(p.Write)
		if err != nil {
			return err
		}
		o, ok := c.w.Again(plain, size)
		if !ok {
			if o, err = c.w.Add(p.Write); err != nil {
				return err
			}
			c.done.Parts++
		}
		c.m.Log.Last = p.Last
		c.m.Log.Parts = append(c.m.Log.Parts, backup.LogPart{Object: o, Month: p.Month, First: p.First, Last: p.Last})
		return nil
	})
}

func (c *copier) keys(ctx context.Context) (err error) {
	c.m.Keys.Taken, err = c.database(ctx, c.app.Keys, func(ctx context.Context, db *sqldb.DB) error {
		c.m.Indexes, err = backupdb.Indexes(ctx, db)
		return err
	}, func(f *os.File) error {
		c.m.Keys.Object, err = c.w.Add(func(w io.Writer) error { _, err := io.Copy(w, f); return err })
		return err
	})
	return err
}
