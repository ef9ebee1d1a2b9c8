package ledgerdb

import (
	"context"
	"errors"
	"fmt"
	"time"

	"thimble"
	"thimble/internal/ledger"
	"thimble/internal/sqldb"
)

// A Witness cosigns checkpoints; *witness.Client is one.
type Witness interface {
	Name() string // for people
	Key() ledger.CosignerKey
	// Add returns signature lines, or the error that the package ledger has for a
	// witness's answer. Any other error means that there was no answer.
	Add(ctx context.Context, req ledger.AddCheckpoint) (lines []byte, err error)
}

// A WitnessState says how a witness stood when it was asked last.
type WitnessState string

// The states of a witness.
const (
	Unasked  WitnessState = "unasked"
	Cosigned WitnessState = "cosigned"
	Absent   WitnessState = "absent"   // it does not answer, or not sensibly
	Stranger WitnessState = "stranger" // it does not know the log or its key
	Refused  WitnessState = "refused"  // it says that the log shows two histories
)

// A WitnessStatus is one line of the console's list of witnesses.
type WitnessStatus struct {
	Name  string
	Key   ledger.CosignerKey
	State WitnessState
	Cause string    // in words, when it did not cosign
	Size  int64     // of the last checkpoint it cosigned
	Asked time.Time // zero when it never was
	Since time.Time // when it began to stand so
	// ClockOff is its clock less ours, when it cosigned last.
	ClockOff time.Duration
}

// Witnesses says how the configured witnesses stand, in their order.
func (l *Log) Witnesses(ctx context.Context) ([]WitnessStatus, error) {
	all := make([]WitnessStatus, len(l.cfg.Witnesses))
	for i, w := range l.cfg.Witnesses {
		all[i] = WitnessStatus{Name: w.Name(), Key: w.Key(), State: Unasked}
	}
	err := l.db.Read(ctx, func(tx *sqldb.Tx) error {
		kept, err := readStatus(ctx, tx)
		for i := range all {
			if s, ok := kept[all[i].Key.String()]; ok {
				s.Name, s.Key = all[i].Name, all[i].Key
				all[i] = s
			}
		}
		return err
	})
	return all, wrap("listing witnesses", err)
}

func readStatus(ctx context.Context, tx *sqldb.Tx) (map[string]WitnessStatus, error) {
	found, err := tx.Query(ctx, `select vkey, state, cause, size, asked_at, changed_at, clock_off from ledger_witnesses`)
	if err != nil {
		return nil, err
	}
	defer found.Close()
	kept := map[string]WitnessStatus{}
	for found.Next() {
		var vkey string
		var s WitnessStatus
		var asked, since, off int64
		if err := found.Scan(&vkey, &s.State, &s.Cause, &s.Size, &asked, &since, &off); err != nil {
			return nil, err
		}
		s.ClockOff = time.Duration(off) * time.Microsecond
		s.Asked, s.Since = time.UnixMicro(asked).UTC(), time.UnixMicro(since).UTC()
		kept[vkey] = s
	}
	return kept, found.Err()
}

func keepStatus(ctx context.Context, tx *sqldb.Tx, s WitnessStatus) error {
	_, err := tx.Exec(ctx, `insert into ledger_witnesses (vkey, state, cause, size, asked_at, changed_at, clock_off)
		values ($1, $2, $3, $4, $5, $6, $7) on conflict (vkey) do update
		set state = excluded.state, cause = excluded.cause, size = excluded.size, asked_at = excluded.asked_at, changed_at = excluded.changed_at, clock_off = excluded.clock_off`,
		s.Key.String(), string(s.State), s.Cause, s.Size, s.Asked.UnixMicro(), s.Since.UnixMicro(), s.ClockOff.Microseconds())
	return err
}

// Published returns the newest checkpoint that reached the quorum, with its
// cosignatures; without a policy, and before the first quorum, the newest signed one.
func (l *Log) Published(ctx context.Context) (ledger.Checkpoint, error) {
	var head ledger.Checkpoint
	err := l.db.Read(ctx, func(tx *sqldb.Tx) error {
		newest, err := l.signedHead(ctx, tx)
		if err != nil {
			return err
		}
		if head, err = l.cosigned(ctx, tx); errors.Is(err, thimble.ErrUnavailable) {
			head, err = newest.Checkpoint, nil
		}
		return err
	})
	return head, wrap("reading the published checkpoint", err)
}

// cosigned reads the newest checkpoint that reached the quorum of today's policy. The
// error is of kind ErrUnavailable when there is none.
func (l *Log) cosigned(ctx context.Context, tx *sqldb.Tx) (ledger.Checkpoint, error) {
	none := fmt.Errorf("no checkpoint has reached the quorum yet: %w", thimble.ErrUnavailable)
	if l.cfg.Policy == nil {
		return ledger.Checkpoint{}, none
	}
	var signed string
	if err := tx.QueryRow(ctx, `select note from ledger_cosigned where id = 1`).Scan(&signed); err != nil {
		return ledger.Checkpoint{}, err
	}
	if signed == "" {
		return ledger.Checkpoint{}, none
	}
	l.mu.Lock()
	head := l.quorum
	l.mu.Unlock()
	if string(head.Note) == signed {
		return head, nil
	}
	head, err := ledger.OpenCheckpoint([]byte(signed), l.VerifierKey())
	if err != nil {
		return ledger.Checkpoint{}, fmt.Errorf("%w: %w", ErrAltered, err)
	}
	by, err := ledger.Cosignatures(head, head.Note, l.cfg.Policy.Keys()...)
	if err != nil {
		return ledger.Checkpoint{}, fmt.Errorf("%w: %w", ErrAltered, err)
	}
	if len(by) == 0 || !l.cfg.Policy.Met(by) {
		return ledger.Checkpoint{}, none // the policy has changed
	}
	head = head.WithCosignatures(by) // none of a witness that nobody trusts any more
	l.mu.Lock()
	if string(head.Note) == signed {
		l.quorum = head
	}
	l.mu.Unlock()
	return head, nil
}
