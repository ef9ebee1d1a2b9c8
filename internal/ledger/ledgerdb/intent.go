package ledgerdb

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"thimble"
	"thimble/internal/ledger"
	"thimble/internal/sqldb"
)

// Intend announces an act in the caller's transaction, which may hold the core change
// that the act follows from. Once that has committed, and not before, call
// [Log.Perform]: until then this process counts the act as under way, and
// [Log.Recover] leaves it alone. An act that is never performed is finished by the
// next start.
func (l *Log) Intend(ctx context.Context, tx *sqldb.Tx, a ledger.Act) (ledger.Intent, error) {
	if err := a.Check(); err != nil {
		return ledger.Intent{}, err
	}
	id, err := thimble.NewID(nil)
	if err != nil {
		return ledger.Intent{}, err
	}
	i := ledger.Intent{ID: id, Act: a, At: l.cfg.Now().UTC().Truncate(time.Microsecond)}
	e, err := i.Announcement()
	if err != nil {
		return i, err
	}
	if i.Opening, err = l.Queue(ctx, tx, e); err != nil {
		return i, err
	}
	kept, err := i.Opening.MarshalBinary() // about nobody: nothing to seal
	if err != nil {
		return i, err
	}
	_, err = tx.Exec(ctx, `insert into ledger_intents (id, kind, payload, opened_at, opening, done_at, outcome, completion)
		values ($1, $2, $3, $4, $5, 0, '', $6)`, i.ID, i.Kind, string(i.Payload), i.At.UnixMicro(), kept, []byte{})
	if err == nil {
		tx.OnCommit(func() { l.takeAct(i.ID) })
	}
	return i, wrap("announcing an act", err)
}

// Complete closes an act in the caller's transaction, which may hold the core change
// that follows from it. One that is closed already stays as it was closed. The error
// is of kind ErrNotFound for an act that was never announced.
func (l *Log) Complete(ctx context.Context, tx *sqldb.Tx, i ledger.Intent, outcome json.RawMessage) error {
	if err := ledger.CheckOutcome(outcome); err != nil {
		return err
	}
	var done int64
	err := tx.QueryRow(ctx, `select done_at from ledger_intents where id = $1`, i.ID).Scan(&done)
	if errors.Is(err, sql.ErrNoRows) {
		err = fmt.Errorf("act %s: %w", i.ID.Token(ledger.IntentPrefix), thimble.ErrNotFound)
	}
	if err != nil || done != 0 {
		return wrap("closing an act", err)
	}
	i.Done, i.Outcome = l.cfg.Now().UTC().Truncate(time.Microsecond), outcome
	e, err := i.Closing()
	if err != nil {
		return err
	}
	opening, err := l.Queue(ctx, tx, e)
	if err != nil {
		return err
	}
	kept, err := opening.MarshalBinary() // as above
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `update ledger_intents set done_at = $1, outcome = $2, completion = $3 where id = $4`,
		i.Done.UnixMicro(), string(outcome), kept, i.ID)
	if err == nil {
		tx.OnCommit(func() { l.leaveAct(i.ID) })
	}
	return wrap("closing an act", err)
}

// Perform does an act whose announcement has committed, and closes it. After an error
// the act stays open, and Recover finishes it.
func (l *Log) Perform(ctx context.Context, i ledger.Intent, do ledger.Performer) error {
	l.takeAct(i.ID)
	defer l.leaveAct(i.ID)
	outcome, err := do(ctx, i)
	if err == nil {
		err = l.db.Write(ctx, func(tx *sqldb.Tx) error { return l.Complete(ctx, tx, i, outcome) })
	}
	if err != nil {
		return fmt.Errorf("ledgerdb: act %s (%s) is left open: %w", i.ID.Token(ledger.IntentPrefix), i.Kind, err)
	}
	return nil
}

// Act is Intend and Perform, for an act that follows from no core change.
func (l *Log) Act(ctx context.Context, a ledger.Act, do ledger.Performer) error {
	var i ledger.Intent
	err := l.db.Write(ctx, func(tx *sqldb.Tx) (err error) {
		i, err = l.Intend(ctx, tx, a)
		return err
	})
	if err != nil {
		return err
	}
	return l.Perform(ctx, i, do)
}

// Recover finishes every open act that is not under way in this process, the oldest
// first, and returns how many. It runs before anything is served, and now and then
// while serving. The error of an act that nobody performs is of kind ErrUnavailable:
// the program that began it knows how.
func (l *Log) Recover(ctx context.Context, performers map[string]ledger.Performer) (done int, failed error) {
	open, err := l.OpenIntents(ctx)
	if err != nil {
		return 0, err
	}
	for _, i := range open {
		if l.actUnderWay(i.ID) {
			continue
		}
		do, ok := performers[i.Kind]
		if !ok {
			err = fmt.Errorf("ledgerdb: nobody here finishes acts of kind %q, such as %s; use the version that began it: %w",
				i.Kind, i.ID.Token(ledger.IntentPrefix), thimble.ErrUnavailable)
		} else {
			err = l.Perform(ctx, i, do)
		}
		if err != nil {
			failed = errors.Join(failed, err)
			continue
		}
		done++
	}
	return done, failed
}

// OpenIntents lists the acts that were announced and not closed, the oldest first.
func (l *Log) OpenIntents(ctx context.Context) ([]ledger.Intent, error) {
	return l.intents(ctx, `where done_at = 0 order by opened_at, id`)
}

// Intents lists the newest acts, open ones among them.
func (l *Log) Intents(ctx context.Context, limit int) ([]ledger.Intent, error) {
	return l.intents(ctx, `order by opened_at desc, id limit $1`, limit)
}

// HalfDone returns an error of kind ErrUnavailable while an act is open that this
// process is not about to close: then nothing is to be served.
func (l *Log) HalfDone(ctx context.Context) error {
	open, err := l.OpenIntents(ctx)
	for _, i := range open {
		if !l.actUnderWay(i.ID) {
			return fmt.Errorf("ledgerdb: act %s (%s) is half done; finish it before anything is served: %w",
				i.ID.Token(ledger.IntentPrefix), i.Kind, thimble.ErrUnavailable)
		}
	}
	return err
}

func (l *Log) intents(ctx context.Context, where string, args ...any) (all []ledger.Intent, err error) {
	err = l.db.Read(ctx, func(tx *sqldb.Tx) error {
		all = nil
		found, err := tx.Query(ctx, `select id, kind, payload, opened_at, opening, done_at, outcome, completion from ledger_intents `+where, args...)
		if err != nil {
			return err
		}
		defer found.Close()
		for found.Next() {
			i, err := scanIntent(found)
			if err != nil {
				return err
			}
			all = append(all, i)
		}
		return found.Err()
	})
	return all, wrap("listing acts", err)
}

func scanIntent(found *sql.Rows) (i ledger.Intent, err error) {
	var payload, outcome string
	var at, done int64
	var opening, completion []byte
	if err := found.Scan(&i.ID, &i.Kind, &payload, &at, &opening, &done, &outcome, &completion); err != nil {
		return i, err
	}
	i.At, i.Payload = time.UnixMicro(at).UTC(), json.RawMessage(payload)
	if err := i.Opening.UnmarshalBinary(opening); err != nil {
		return i, err
	}
	leaf, err := ledger.ParseLeaf(i.Opening.Leaf)
	if err != nil {
		return i, err
	}
	i.Class = leaf.Class
	if done == 0 {
		return i, nil
	}
	i.Done, i.Outcome = time.UnixMicro(done).UTC(), json.RawMessage(outcome)
	return i, i.Completion.UnmarshalBinary(completion)
}

func (l *Log) takeAct(id thimble.ID) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.acts[id] = true
}

func (l *Log) leaveAct(id thimble.ID) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.acts, id)
}

func (l *Log) actUnderWay(id thimble.ID) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.acts[id]
}
