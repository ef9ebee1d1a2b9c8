package canary

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"filippo.io/age"

	"thimble"
	"thimble/internal/app"
	"thimble/internal/backup"
	"thimble/internal/recommend/lists"
)

// The folders beside the data: what is kept apart, the root, the sets of backups from before
// and after the erasure, and what is put back of the older one.
const (
	apartFolder = "apart"
	rootFolder  = "root"
	olderSet    = "set-before"
	newerSet    = "set-after"
	backFolder  = "restored"
)

// Backups is what was found of backups.
type Backups struct {
	// Had counts the keyed hashes, and the strings, that the older backup has of the person, once
	// it is opened with all that opens it.
	Had         int
	Older       int64         // bytes of the set from before
	Newer       int64         // bytes of the set from after
	ErasedAgain int           // records of people; theirs, and what was linked to it
	Took        time.Duration // to put it back
	Findings    int           // of the audit of what was put back
	Compared    int           // rows of it that were held against the ledger
	Model       lists.Proof   // of what was put back

	Files int // that were read of it
	Bytes int64
}

func (b Backups) holds() bool {
	return b.Had > 0 && b.ErasedAgain > 0 && b.Findings == 0 && b.Model.Holds()
}

// A safe is who may open the sets.
type safe struct {
	identity *age.X25519Identity
	seen     string // file of the last checkpoint
}

// backUp makes the backup that has the person in it, and shows that it has: opened with the
// identity, the root and what is kept apart, their hashes are there. Without this the search in
// what is put back would prove nothing.
func (w *world) backUp(ctx context.Context, r *Result, hashes [][]byte) (*safe, error) {
	id, err := age.GenerateX25519Identity()
	if err != nil {
		return nil, err
	}
	by := &safe{identity: id}
	for _, name := range []string{"root.age", "root.identity"} {
		if err := copyFile(filepath.Join(w.dir, "data", "keys", name), filepath.Join(w.dir, rootFolder, name)); err != nil {
			return nil, err
		}
	}
	done, err := by.add(ctx, w, olderSet)
	if err != nil {
		return nil, err
	}
	r.Backups.Older = done.Wrote
	cfg, err := w.config("data", "files")
	if err != nil {
		return nil, err
	}
	ring, err := app.OpenRing(ctx, cfg, filepath.Join(w.dir, rootFolder), done.Manifest)
	if err != nil {
		return nil, err
	}
	set, err := backup.OpenSet(filepath.Join(w.dir, olderSet))
	if err != nil {
		return nil, err
	}
	s := newScanner(w.all, hashes)
	for _, o := range done.Manifest.Objects() {
		var plain bytes.Buffer
		if err := set.Open(o, []age.Identity{id}, ring[o.Name], &plain); err != nil {
			return nil, err
		}
		s.look(o.Name, plain.Bytes(), 0)
	}
	if r.Backups.Had = len(s.Hits); r.Backups.Had == 0 {
		return nil, fmt.Errorf("canary: the backup from before the erasure does not have the person: %w", thimble.ErrInvalid)
	}
	return by, nil
}

func (by *safe) add(ctx context.Context, w *world, set string) (app.BackedUp, error) {
	done, err := w.Backup(ctx, app.Backup{Set: filepath.Join(w.dir, set), To: []age.Recipient{by.identity.Recipient()}})
	by.seen = done.Seen
	return done, err
}

// after makes the backup from after the erasure.
func (by *safe) after(ctx context.Context, w *world, r *Result) error {
	done, err := by.add(ctx, w, newerSet)
	r.Backups.Newer = done.Wrote
	return err
}

// putBack puts the older backup back beside what has ended, and reads all of it: as it has risen, and
// after it was opened, audited and its model proved, as a drill does.
func (w *world) putBack(ctx context.Context, r *Result, hashes [][]byte, by *safe, o Options) error {
	cfg, err := w.config(filepath.Join(backFolder, "data"), filepath.Join(backFolder, "files"))
	if err != nil {
		return err
	}
	seen, err := os.ReadFile(by.seen)
	if err != nil {
		return fmt.Errorf("canary: %w: %w", err, thimble.ErrUnavailable)
	}
	back := filepath.Join(w.dir, backFolder)
	if err := os.MkdirAll(filepath.Join(back, "files"), 0o700); err != nil {
		return fmt.Errorf("canary: %w: %w", err, thimble.ErrUnavailable)
	}
	began := time.Now()
	done, err := app.PutBack(ctx, cfg, app.Restore{Set: filepath.Join(w.dir, olderSet), Identities: []age.Identity{by.identity}, Root: filepath.Join(w.dir, rootFolder), Seen: seen}, w.words)
	if err != nil {
		return err
	}
	b := &r.Backups
	b.Took, b.ErasedAgain, b.Findings = time.Since(began), done.Erased, len(done.Audit.Findings)
	o.Say("The backup from before had %d traces of the person. It was put back in %s, and %d records of people were erased again.", b.Had, b.Took.Round(time.Millisecond), b.ErasedAgain)
	if o.LeakBack != nil {
		if err := o.LeakBack(Leaking{Dir: back, Words: w.values()}); err != nil {
			return err
		}
	}
	s := newScanner(w.all, hashes)
	s.base, s.when = backFolder, "when it was put back"
	if err := s.folder(ctx, back); err != nil {
		return err
	}
	cfg.Apart = "" // of a drill nothing is kept apart: its ledger would be a second history
	if err := b.drill(ctx, w, cfg); err != nil {
		return err
	}
	s.when = "after the drill"
	s.Files, s.Bytes = 0, 0
	err = s.folder(ctx, back)
	b.Files, b.Bytes = s.Files, s.Bytes
	r.Hits = append(r.Hits, s.Hits...)
	return err
}

// drill opens what was put back, audits it, and has its model proved.
func (b *Backups) drill(ctx context.Context, w *world, cfg app.Config) (err error) {
	a, err := app.Open(ctx, cfg, w.words)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	if b.Model, err = a.Shop.Prove(ctx, nil, 2, 1); err != nil {
		return err
	}
	if err := a.Uses.Flush(ctx); err != nil {
		return err
	}
	audit, err := a.Audit(ctx)
	b.Findings, b.Compared = b.Findings+len(audit.Findings), audit.Compared
	return err
}

func copyFile(from, to string) error {
	content, err := os.ReadFile(from)
	if err == nil {
		err = os.MkdirAll(filepath.Dir(to), 0o700)
	}
	if err == nil {
		err = os.WriteFile(to, content, 0o600)
	}
	if err != nil {
		return fmt.Errorf("canary: %w: %w", err, thimble.ErrUnavailable)
	}
	return nil
}
