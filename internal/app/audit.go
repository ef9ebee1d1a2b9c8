package app

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"time"

	"thimble"
	"thimble/internal/job"
	"thimble/internal/ledger"
	"thimble/internal/ledger/ledgerdb"
	"thimble/internal/sqldb"
)

// AuditJob is the kind of the job that holds the database against its ledger.
const AuditJob = "ledger.audit"

// auditEvery is how old the last audit may be before the next is queued.
const auditEvery = 24 * time.Hour

// Audit holds this installation against its own ledger: the stored log against what was
// signed and seen, every row that has a leaf against it, the keys against the
// erasures, the clock against the witnesses'. It keeps what it found for the console.
// The error is of one that could not be made; findings are no error.
func (a *App) Audit(ctx context.Context) (ledgerdb.Audit, error) {
	done := ledgerdb.Audit{At: time.Now().UTC()}
	for _, part := range []func(context.Context, *ledgerdb.Audit) error{a.auditLog, a.auditRows, a.auditCorrections, a.auditKeys, a.auditClock} {
		if err := part(ctx, &done); err != nil {
			return done, fmt.Errorf("app: auditing: %w", err)
		}
	}
	done.Took = time.Since(done.At)
	for _, f := range done.Findings {
		a.Log.ErrorContext(ctx, "the audit found what does not fit", slog.String("table", f.Table), slog.String("rule", f.Rule), slog.Int("rows", f.Rows))
	}
	return done, a.Ledger.KeepAudit(ctx, done)
}

func (a *App) auditLog(ctx context.Context, done *ledgerdb.Audit) error {
	var err error
	if done.Size, err = a.Ledger.Size(ctx); err != nil {
		return err
	}
	seen, err := a.seen()
	if err != nil {
		return err
	}
	for _, err := range []error{a.Ledger.Check(ctx), a.Ledger.Sound(ctx, seen)} {
		switch {
		case errors.Is(err, ledgerdb.ErrAltered), errors.Is(err, ledger.ErrRolledBack), errors.Is(err, ledger.ErrForked):
			done.Findings = append(done.Findings, ledger.Finding{Table: "ledger_leaves", Rule: err.Error(), Rows: 1})
		case err != nil:
			return err
		}
	}
	return nil
}

func (a *App) auditRows(ctx context.Context, done *ledgerdb.Audit) error {
	claims := chain(a.Consent.Claims(ctx), a.Tastes.Claims(ctx), a.Decisions.Claims(ctx), a.Uses.Claims(ctx, a.Vault), a.Requests.Claims(ctx), a.Cases.Claims(ctx), a.Agents.Claims(ctx), a.Systems.Claims(ctx), a.Models.Claims(ctx), a.Device.Claims(ctx), a.Laws.Claims(ctx), a.Disclose.Claims(ctx), a.Staff.Claims(ctx), a.Sources.Claims(ctx), a.Plan.Claims(ctx), a.Trials.Claims(ctx), a.Tunings.Claims(ctx), a.Suspects.Claims(ctx), a.Retention.Claims(ctx), a.Ledger.Claims(ctx))
	gone := func(ctx context.Context, who thimble.SubjectID) (bool, error) {
		erased, err := a.Subjects.Erased(ctx, []thimble.SubjectID{who})
		return len(erased) > 0, err
	}
	// Rows of these stay when a person is erased, and so each leaf has its row.
	n, found, err := a.Ledger.Compare(ctx, claims, gone, ledger.Consent, ledger.Erasure, ledger.Request, ledger.Model, ledger.UseBatch, ledger.Key, ledger.System, ledger.Batch, ledger.Plan)
	done.Compared += n
	done.Findings = append(done.Findings, found...)
	return err
}

func chain(all ...iter.Seq2[ledger.Claim, error]) iter.Seq2[ledger.Claim, error] {
	return func(yield func(ledger.Claim, error) bool) {
		for _, one := range all {
			for c, err := range one {
				if !yield(c, err) {
					return
				}
			}
		}
	}
}

// ever is longer than any key has lived.
const ever = -time.Hour

// auditKeys holds the keys against the erasures: each erased person has a tombstone, and no
// key.
func (a *App) auditKeys(ctx context.Context, done *ledgerdb.Audit) error {
	stones := map[string]bool{}
	for after := int64(0); ; {
		page, err := a.Vault.Tombstones(ctx, after, 1000)
		if err != nil {
			return err
		}
		for _, s := range page {
			stones[hex.EncodeToString(s.KeyHash[:])] = true
			after = max(after, s.Seq)
		}
		if len(page) == 0 {
			break
		}
	}
	hashes, err := a.Requests.KeyHashes(ctx)
	if err != nil {
		return err
	}
	missing := slices.DeleteFunc(hashes, func(h string) bool { return stones[h] })
	if len(missing) > 0 {
		done.Findings = append(done.Findings, ledger.Finding{Table: "vault_tombstones", Rule: "an erased person has no tombstone: the keys were put back from a backup", Rows: len(missing)})
	}
	risen := 0
	_, err = a.Vault.Sweep(ctx, func(ctx context.Context, owners []thimble.SubjectID) ([]thimble.SubjectID, error) {
		erased, err := a.Subjects.Erased(ctx, owners)
		for _, who := range erased {
			open, openErr := a.erasureUnderWay(ctx, who)
			if err = errors.Join(err, openErr); !open {
				risen++
			}
		}
		return nil, err // it only looks
	}, ever)
	if risen > 0 {
		done.Findings = append(done.Findings, ledger.Finding{Table: "vault_keys", Rule: "an erased person has a key again", Rows: risen})
	}
	return err
}

func (a *App) erasureUnderWay(ctx context.Context, who thimble.SubjectID) (bool, error) {
	open, err := a.Requests.Open(ctx)
	for _, r := range open {
		if r.Subject == who || slices.Contains(r.Others, who) {
			return true, nil
		}
	}
	return false, err
}

// clockMayDiffer is how far our clock may be from a witness's.
const clockMayDiffer = 5 * time.Minute

// auditClock holds what was recorded against the clock, and the clock against the
// witnesses'.
func (a *App) auditClock(ctx context.Context, done *ledgerdb.Audit) error {
	off, err := a.Ledger.ClockDiffers(ctx, clockMayDiffer)
	if off != "" {
		done.Findings = append(done.Findings, ledger.Finding{Table: "clock", Rule: off, Rows: 1})
	}
	return err
}

// SeenName is the file in the data folder that keeps the last checkpoint this
// installation has seen of its own log, outside of the databases.
const SeenName = "ledger.seen"

func (a *App) seen() ([]byte, error) {
	b, err := os.ReadFile(filepath.Join(a.Config.Data, SeenName))
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("app: %s cannot be read: %w", SeenName, thimble.ErrUnavailable)
	}
	return b, nil
}

// Remember keeps the newest checkpoint outside of the database. A log that a later start
// finds older than that was put back. What is kept apart reaches it, and is kept before.
func (a *App) Remember(ctx context.Context) error {
	head, err := a.Ledger.Checkpoint(ctx)
	if err != nil && !errors.Is(err, thimble.ErrUnavailable) {
		return err
	}
	apart := a.KeepApart(ctx)
	if err != nil { // of an empty log there is none
		return apart
	}
	if old, err := a.seen(); err == nil && string(old) == string(head.Note) {
		return apart
	}
	return errors.Join(apart, replaceFile(filepath.Join(a.Config.Data, SeenName), head.Note))
}

// replaceFile puts content in a file's place; a crash leaves the old one or the new.
func replaceFile(path string, content []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*.part")
	if err != nil {
		return fmt.Errorf("app: keeping %s: %w", filepath.Base(path), err)
	}
	defer os.Remove(f.Name()) //nolint:errcheck // after the rename there is nothing to remove
	_, err = f.Write(content)
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("app: keeping %s: %w: %w", filepath.Base(path), err, thimble.ErrUnavailable)
	}
	return nil
}

// checkLog refuses to serve from a log that is not the one that was signed and seen.
func (a *App) checkLog(ctx context.Context) error {
	seen, err := a.seen()
	if err == nil {
		err = a.Ledger.Sound(ctx, seen)
	}
	switch {
	case errors.Is(err, ledger.ErrRolledBack), errors.Is(err, ledger.ErrForked):
		return fmt.Errorf("the ledger is not what this installation has signed last; if its database was put back from a backup, run `thimble ledger epoch`, otherwise keep the database as it is and compare: %w", err)
	case errors.Is(err, ledgerdb.ErrAltered):
		return fmt.Errorf("the ledger was altered or its key was changed; keep the database as it is and compare with a backup: %w", err)
	}
	return err
}

// buryAgain destroys the keys of erased people that somebody put back, and tells the
// console.
func (a *App) buryAgain(ctx context.Context) error {
	var risen []thimble.SubjectID
	_, err := a.Vault.Sweep(ctx, func(ctx context.Context, owners []thimble.SubjectID) ([]thimble.SubjectID, error) {
		erased, err := a.Subjects.Erased(ctx, owners)
		risen = append(risen, erased...)
		return nil, err
	}, ever)
	if err != nil {
		return err
	}
	buried := 0
	for _, who := range risen {
		if open, err := a.erasureUnderWay(ctx, who); err != nil || open {
			if err != nil {
				return err
			}
			continue // the desk destroys them
		}
		if _, err := a.Vault.Shred(ctx, who); err != nil {
			return err
		}
		buried++
	}
	if buried == 0 {
		return nil
	}
	a.Log.ErrorContext(ctx, "erased people had keys again: the keys were put back; they are destroyed", slog.Int("people", buried))
	size, err := a.Ledger.Size(ctx)
	if err != nil {
		return err
	}
	return a.Ledger.KeepAudit(ctx, ledgerdb.Audit{At: time.Now().UTC(), Size: size, Findings: []ledger.Finding{
		{Table: "vault_keys", Rule: "the start found keys of erased people, put back from a backup, and destroyed them", Rows: buried}}})
}

// queueAudit queues an audit when the last one is a day old.
func (a *App) queueAudit(ctx context.Context) error {
	last, err := a.Ledger.LastAudit(ctx)
	if err != nil && !errors.Is(err, thimble.ErrNotFound) || err == nil && time.Since(last.At) < auditEvery {
		return err
	}
	return a.Core.Write(ctx, func(tx *sqldb.Tx) error { return a.Jobs.Add(ctx, tx, job.Job{Kind: AuditJob, Dedupe: AuditJob}) })
}

// audit does an audit as a job.
func (a *App) audit(ctx context.Context, _ job.Job) error {
	_, err := a.Audit(ctx)
	return err
}
