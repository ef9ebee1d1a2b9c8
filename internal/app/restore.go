package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"filippo.io/age"

	"thimble"
	"thimble/internal/backup"
	"thimble/internal/backup/backupdb"
	"thimble/internal/ledger/ledgerdb"
	"thimble/internal/sqldb"
	"thimble/internal/vault"
)

// Restore says what is to be put back. The configuration says where, and what was kept apart.
type Restore struct {
	Set        string // the folder
	Identities []age.Identity
	Root       string    // folder of root.age, and of root.identity when there is no passphrase
	Seen       []byte    // the last checkpoint of the ledger that a witness or an auditor saw
	At         time.Time // zero: the newest backup
}

// Restored says what is back.
type Restored struct {
	Core       time.Time // core is as of then
	Log        time.Time // the log is as of then
	Frames     int64     // of the log
	Tombstones int64     // that were applied
	Erased     int       // who was in the backup, was erased since, and is erased again
	Epoch      int64     // of the ledger
	Key        string    // its verifier key
	Audit      ledgerdb.Audit
	Steps      []Step // in their order
}

// A Step is a part of a restore, and how long it took.
type Step struct {
	Name  string
	Took  time.Duration
	Bytes int64 // that were put back, 0 for a step that puts nothing back
}

// A stopwatch times steps, each from the end of the one before.
type stopwatch struct {
	last  time.Time
	steps []Step
}

func (w *stopwatch) step(name string, bytes int64) {
	now := time.Now()
	w.steps = append(w.steps, Step{Name: name, Took: now.Sub(w.last), Bytes: bytes})
	w.last = now
}

// PutBack puts an installation back from a set into an empty data folder. It serves nobody,
// and the folder is not there, before every tombstone was applied, the ledger has a new
// epoch, and the audit was made. What is kept apart is read and not changed.
func PutBack(ctx context.Context, cfg Config, r Restore, log *slog.Logger) (done Restored, err error) {
	watch := &stopwatch{last: time.Now()}
	kept, err := readApart(cfg, r.Seen)
	if err != nil {
		return done, err
	}
	set, err := backup.OpenSet(r.Set)
	if err != nil {
		return done, err
	}
	all, err := set.Manifests(kept.Keys...)
	if err != nil {
		return done, err
	}
	choice, err := backup.Choose(all, r.At)
	if err != nil {
		return done, err
	}
	if err := mayPutBack(ctx, cfg, choice); err != nil {
		return done, err
	}
	stage, err := backup.NewStage(cfg.Data)
	if err != nil {
		return done, err
	}
	defer func() { err = errors.Join(err, stage.Close()) }()
	watch.step("manifests and tombstones", 0)
	u := &unpacking{cfg: cfg, r: r, set: set, kept: kept, stage: stage, watch: watch}
	if err := u.run(ctx, choice); err != nil {
		return done, err
	}
	cfg.Data = stage.Dir
	if done, err = rise(ctx, cfg, kept, r.Seen, log, watch); err != nil {
		return done, err
	}
	done.Core, done.Log, done.Frames = choice.Core.Core.Taken, choice.Rest.Log.Taken, u.frames
	if !choice.Before.IsZero() {
		done.Log = choice.Before
	}
	err = stage.Done()
	watch.step("made durable", 0)
	done.Steps = watch.steps
	return done, err
}

// RiseInPlace does the same with databases that were put back by other means.
func RiseInPlace(ctx context.Context, cfg Config, seen []byte, log *slog.Logger) (done Restored, err error) {
	kept, err := readApart(cfg, seen)
	if err != nil {
		return done, err
	}
	unlock, err := Lock(cfg)
	if err != nil {
		return done, err
	}
	defer unlock()
	watch := &stopwatch{last: time.Now()}
	done, err = rise(ctx, cfg, kept, seen, log, watch)
	done.Steps = watch.steps
	return done, err
}

func readApart(cfg Config, seen []byte) (kept backup.Kept, err error) {
	if cfg.Apart == "" {
		return kept, fmt.Errorf("the setting `apart` is needed: the folder of tombstones and keys of days. Without it, nobody can tell who of a backup was erased since, and nothing is put back: %w", thimble.ErrInvalid)
	}
	if len(seen) == 0 {
		return kept, fmt.Errorf("--seen is needed: the last checkpoint of the ledger that a witness or an auditor saw, or the file %s of the lost folder; by it a copy of the tombstones that is too old is told: %w", SeenName, thimble.ErrInvalid)
	}
	if kept, err = backup.ReadApart(cfg.Apart); err != nil {
		return kept, err
	}
	_, err = kept.Reaches(seen)
	return kept, err
}

// unpacking writes what a set holds.
type unpacking struct {
	cfg    Config
	r      Restore
	set    *backup.Set
	kept   backup.Kept
	stage  *backup.Stage
	frames int64
	watch  *stopwatch
}

func (u *unpacking) run(ctx context.Context, c backup.Choice) error {
	root, err := openRoot(u.cfg, u.r.Root)
	if err != nil {
		return err
	}
	rings := map[*backup.Manifest]backup.Keyring{}
	for _, m := range []*backup.Manifest{c.Core, c.Rest} {
		if m.Installation != u.kept.Installation {
			return fmt.Errorf("backup %d: %w", m.Number, backup.ErrForeign)
		}
		if err := u.kept.Knows(m.Tombstones); err != nil {
			return err
		}
		if rings[m], err = openRing(ctx, root, u.kept, m); err != nil {
			return err
		}
	}
	if err := u.core(c.Core.Core, rings[c.Core]); err != nil {
		return err
	}
	if err := u.load(ctx, sqldb.Core, "core.db"); err != nil {
		return err
	}
	u.watch.step("core", c.Core.Core.Bytes)
	if err := u.file(c.Rest.Keys.Object, rings[c.Rest], "keys", "keys.db"); err != nil {
		return err
	}
	if err := u.load(ctx, sqldb.Keys, "keys", "keys.db"); err != nil {
		return err
	}
	u.watch.step("keys", c.Rest.Keys.Bytes)
	var models, frames int64
	for _, m := range c.Core.Models {
		if err := u.file(m.Object, rings[c.Core], "models", m.Plain); err != nil {
			return err
		}
		models += m.Bytes
	}
	u.watch.step("models", models)
	if err := u.log(ctx, c, rings[c.Rest]); err != nil {
		return err
	}
	for _, p := range c.Rest.Log.Parts {
		frames += p.Bytes
	}
	u.watch.step("log", frames)
	return u.keyFolder(ctx)
}

// OpenRing opens the keys of a backup's objects, without an installation: with the root in a
// folder, and what was kept apart.
func OpenRing(ctx context.Context, cfg Config, folder string, m *backup.Manifest) (backup.Keyring, error) {
	root, err := openRoot(cfg, folder)
	if err != nil {
		return nil, err
	}
	kept, err := backup.ReadApart(cfg.Apart)
	if err != nil {
		return nil, err
	}
	return openRing(ctx, root, kept, m)
}

func openRing(ctx context.Context, root vault.Root, kept backup.Kept, m *backup.Manifest) (backup.Keyring, error) {
	return m.OpenKeyring(func(what string, p vault.Perishable) ([]byte, error) {
		return vault.OpenPerishable(ctx, root, kept.Epochs, what, p)
	})
}

// openRoot opens the root key in a folder. It makes none where there is none.
func openRoot(cfg Config, folder string) (vault.Root, error) {
	for _, name := range rootFiles(cfg) {
		if _, err := os.Stat(filepath.Join(folder, name)); err != nil {
			return nil, fmt.Errorf("--root: there is no %s in %q; the files of the root are kept by the operator and are in no backup: %w", name, folder, thimble.ErrInvalid)
		}
	}
	lock := vault.IdentityFile(filepath.Join(folder, "root.identity"))
	if cfg.RootPassphrase != "" {
		lock = vault.Passphrase(cfg.RootPassphrase)
	}
	return vault.NewFileRoot(filepath.Join(folder, "root.age"), lock)
}

func rootFiles(cfg Config) []string {
	if cfg.RootPassphrase != "" {
		return []string{"root.age"}
	}
	return []string{"root.age", "root.identity"}
}

func (u *unpacking) file(o backup.Object, ring backup.Keyring, name ...string) error {
	f, err := u.stage.Create(name...)
	if err != nil {
		return err
	}
	err = u.set.Open(o, u.r.Identities, ring[o.Name], f)
	return errors.Join(err, f.Sync(), f.Close())
}

// core puts core together: the whole copy, and what changed since.
func (u *unpacking) core(m backup.CoreCopy, ring backup.Keyring) (err error) {
	f, err := u.stage.Create("core.db")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Sync(), f.Close()) }()
	if err := u.set.Open(m.Parts[0], u.r.Identities, ring[m.Parts[0].Name], f); err != nil {
		return err
	}
	for _, o := range m.Parts[1:] {
		if err := u.scratch(o, ring[o.Name], func(changes *os.File) error { return backup.Apply(f, changes) }); err != nil {
			return fmt.Errorf("what changed in core: object %s: %w", o.Name, err)
		}
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return err
	}
	plain, size, err := backup.Digest(func(w io.Writer) error { _, err := io.Copy(w, f); return err })
	if err == nil && (plain != m.Plain || size != m.Bytes) {
		err = fmt.Errorf("core, put together from %d objects: %w", len(m.Parts), backup.ErrDamaged)
	}
	return err
}

// scratch opens an object into a file for a moment. It is checked to its last byte before
// anything of it counts.
func (u *unpacking) scratch(o backup.Object, key string, use func(*os.File) error) (err error) {
	f, err := u.stage.Create("part")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close(), os.Remove(f.Name())) }()
	if err := u.set.Open(o, u.r.Identities, key, f); err != nil {
		return err
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return err
	}
	return use(f)
}

// log puts the parts of the log together.
func (u *unpacking) log(ctx context.Context, c backup.Choice, ring backup.Keyring) (err error) {
	db, err := sqldb.Open(ctx, sqldb.Config{Set: sqldb.Log, Path: filepath.Join(u.stage.Dir, "log.db"), URL: u.cfg.DatabaseURL})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	keep := &backupdb.Keep{Least: c.Least}
	if !c.Before.IsZero() {
		keep.Before = c.Before.UnixMicro()
	}
	for _, p := range c.Rest.Log.Parts {
		err := u.scratch(p.Object, ring[p.Name], func(part *os.File) error {
			n, err := backupdb.Put(ctx, db, part, keep)
			u.frames += int64(n)
			return err
		})
		if err != nil {
			return fmt.Errorf("frames %d to %d: %w", p.First, p.Last, err)
		}
	}
	return nil
}

// keyFolder has the root's files and the keys of days, which come from elsewhere.
func (u *unpacking) keyFolder(ctx context.Context) error {
	for _, name := range rootFiles(u.cfg) {
		b, err := os.ReadFile(filepath.Join(u.r.Root, name))
		if err != nil {
			return fmt.Errorf("--root: %w: %w", cause(err), thimble.ErrInvalid)
		}
		f, err := u.stage.Create("keys", name)
		if err != nil {
			return err
		}
		_, err = f.Write(b)
		if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
			return err
		}
	}
	if u.cfg.urlOf(sqldb.Keys) != "" {
		return nil // they lie in the database
	}
	to, err := vault.NewEpochFolder(filepath.Join(u.stage.Dir, "keys", "epochs"))
	if err != nil {
		return err
	}
	all, err := u.kept.Epochs.Epochs(ctx)
	for _, e := range all {
		err = errors.Join(err, to.PutEpoch(ctx, e))
	}
	return err
}
