package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"

	"thimble"
	"thimble/internal/backup"
	"thimble/internal/job"
	"thimble/internal/ledger/ledgerdb"
	"thimble/internal/sqldb"
	"thimble/internal/subject/subjectdb"
	"thimble/internal/vault"
)

// rise makes databases that were put back into an installation that may serve: it takes over
// the tombstones and ends the log, and then, opened anew, erases again whoever has a
// tombstone. What is kept apart is not touched: the next start brings it in step.
func rise(ctx context.Context, cfg Config, kept backup.Kept, seen []byte, log *slog.Logger, watch *stopwatch) (done Restored, err error) {
	cfg.Apart = ""
	a, err := Open(ctx, cfg, log)
	if err != nil {
		return done, err
	}
	err = a.takeOver(ctx, kept)
	if err == nil {
		done.Epoch, err = a.nextEpoch(ctx, kept, seen)
	}
	if err = errors.Join(err, a.Close()); err != nil {
		return done, err
	}
	watch.step("tombstones taken over, new epoch", 0)
	if a, err = Open(ctx, cfg, log); err != nil {
		return done, err
	}
	done.Key, done.Tombstones = a.Ledger.VerifierKey(), int64(len(kept.Stones))
	if done.Erased, err = a.eraseAgain(ctx, kept.Stones); err == nil {
		watch.step("erased again", 0)
		done.Audit, err = a.Audit(ctx)
		watch.step("audit", 0)
	}
	if err == nil {
		err = ledgerdb.Free(ctx, a.Core) // whoever starts next sequences at once
	}
	return done, errors.Join(err, a.Close())
}

// takeOver holds what is here against what was kept apart, and has the tombstones of it.
func (a *App) takeOver(ctx context.Context, kept backup.Kept) error {
	id, err := a.Vault.Installation(ctx)
	if err != nil {
		return err
	}
	if err := kept.Of(id); err != nil {
		return err
	}
	known, err := a.allTombstones(ctx)
	if err != nil {
		return err
	}
	if err := backup.Extends(kept.Stones, known); err != nil {
		return err
	}
	if err := a.holdsKeys(ctx, kept); err != nil {
		return err
	}
	committed, err := a.committed(ctx)
	if err != nil {
		return err
	}
	if err := kept.Knows(committed...); err != nil {
		return err
	}
	marks := make([]subjectdb.Suppression, len(kept.Listed))
	for i, s := range kept.Listed {
		marks[i] = subjectdb.Suppression{Mark: s.Mark, Gen: s.Gen}
	}
	if err := a.Subjects.TakeOver(ctx, marks); err != nil {
		return err
	}
	return a.Vault.TakeOver(ctx, kept.Stones)
}

// holdsKeys checks that the keys of the log that were kept apart are those that this vault
// makes, so that a statement by another key counts for nothing.
func (a *App) holdsKeys(ctx context.Context, kept backup.Kept) error {
	own, err := a.logKeys(ctx)
	if err != nil {
		return err
	}
	for _, key := range own {
		if !kept.SignedBy(key) {
			return fmt.Errorf("the statement of what was kept apart does not know the key of this ledger: %w", backup.ErrForeign)
		}
	}
	return nil
}

// committed are the heads of the list of tombstones that the ledger's leaves commit to.
func (a *App) committed(ctx context.Context) (heads []backup.Head, err error) {
	all, err := a.Ledger.Intents(ctx, 1<<30)
	for _, i := range all {
		var out shredded
		if i.Kind != shredKeys || i.Done.IsZero() {
			continue
		}
		if err := json.Unmarshal(i.Outcome, &out); err == nil && out.Tombstones != nil {
			heads = append(heads, *out.Tombstones)
		}
	}
	return heads, err
}

// nextEpoch ends the log. What anybody may have seen of it is the newest of what is given and
// what was kept apart; epochs that were opened after the backup are passed over.
func (a *App) nextEpoch(ctx context.Context, kept backup.Kept, seen []byte) (int64, error) {
	if err := ledgerdb.Free(ctx, a.Core); err != nil {
		return 0, err
	}
	before, err := ledgerdb.Epoch(ctx, a.Core)
	if err != nil {
		return 0, err
	}
	number := max(before, kept.Epoch) + 1
	next, err := a.logSigner(ctx, number)
	if err != nil {
		return 0, err
	}
	newest, err := kept.Newest(seen)
	if err != nil {
		return 0, err
	}
	if _, err := ledgerdb.OpenEpoch(ctx, a.Core, a.Ledger, next, newest.Note, ledgerdb.Config{Log: a.Log}, kept.Keys...); err != nil {
		return 0, err
	}
	a.Ledger = ledgerdb.New(a.Core, next, ledgerdb.Config{Log: a.Log})
	return number, errors.Join(ledgerdb.Free(ctx, a.Core), a.Remember(ctx))
}

// eraseAgain recovers, and erases whoever is here and has a tombstone. Then nobody of them
// is, and they have no key.
func (a *App) eraseAgain(ctx context.Context, stones []vault.Tombstone) (erased int, err error) {
	if err := a.Recover(ctx); err != nil {
		return 0, err
	}
	if err := a.Timeline.SearchAgain(ctx); err != nil {
		return 0, err
	}
	risen, err := a.risen(ctx, stones)
	if err != nil {
		return 0, err
	}
	for _, who := range risen {
		_, err := a.Desk.EraseAgain(ctx, who)
		if errors.Is(err, thimble.ErrNotFound) {
			continue // an open erasure of somebody else took them along
		}
		if err != nil {
			return erased, err
		}
		erased++
	}
	if _, err := a.Vault.Bury(ctx, stones); err != nil {
		return erased, err
	}
	if risen, err = a.risen(ctx, stones); err != nil || len(risen) > 0 {
		return erased, errors.Join(err, fmt.Errorf("%d people who were erased are here still: %w", len(risen), thimble.ErrDenied))
	}
	err = a.Core.Write(ctx, func(tx *sqldb.Tx) error {
		return a.Jobs.Add(ctx, tx, job.Job{Kind: CompactJob, Dedupe: CompactJob})
	})
	if err == nil {
		_, err = a.Ledger.Integrate(ctx)
	}
	if err == nil {
		err = a.extends(ctx, stones)
	}
	return erased, errors.Join(err, a.Remember(ctx))
}

// extends checks that the list here begins with the one that was kept apart. An erasure that was
// open in the backup, and is finished now, may have added to it.
func (a *App) extends(ctx context.Context, stones []vault.Tombstone) error {
	all, err := a.allTombstones(ctx)
	if err == nil {
		err = backup.Extends(all, stones)
	}
	return err
}

func (a *App) allTombstones(ctx context.Context) (all []vault.Tombstone, err error) {
	for {
		page, err := a.Vault.Tombstones(ctx, int64(len(all)), 1000)
		if err != nil || len(page) == 0 {
			return all, err
		}
		all = append(all, page...)
	}
}

// risen are the people who are here and have a tombstone.
func (a *App) risen(ctx context.Context, stones []vault.Tombstone) (all []thimble.SubjectID, err error) {
	const atOnce = 1000
	for after := (thimble.SubjectID{}); ; {
		page, err := a.Subjects.Active(ctx, after, atOnce)
		if err != nil || len(page) == 0 {
			return all, err
		}
		dead, err := a.Vault.Buried(ctx, stones, page)
		if err != nil {
			return nil, err
		}
		all, after = append(all, dead...), page[len(page)-1]
	}
}
