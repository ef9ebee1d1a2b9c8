package ledgerdb

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"thimble"
	"thimble/internal/ledger"
	"thimble/internal/sqldb"
)

// Epoch returns the number of the log's current epoch, 1 until one was opened. The
// log's name depends on it: see [ledger.EpochOrigin].
func Epoch(ctx context.Context, db *sqldb.DB) (int64, error) {
	var n int64
	err := db.Read(ctx, func(tx *sqldb.Tx) error {
		return tx.QueryRow(ctx, `select epoch from ledger_state where id = 1`).Scan(&n)
	})
	return n, wrap("reading the epoch", err)
}

// An epochRecord is the record of an epoch's first leaf: what the log before it was
// when it was last seen from outside, and what was left of it.
type epochRecord struct {
	Kind      string    `json:"kind"`
	Epoch     int64     `json:"epoch"`
	Origin    string    `json:"origin"`
	Before    string    `json:"before"` // verifier key of the log before
	Witnessed *headSeen `json:"witnessed"`
	Stored    *headSeen `json:"stored"`
}

type headSeen struct {
	Size int64  `json:"size"`
	Root string `json:"root"`
	Note string `json:"note"`
}

func seenHead(c ledger.Checkpoint) *headSeen {
	if len(c.Note) == 0 {
		return nil
	}
	return &headSeen{Size: c.Size, Root: c.Root.String(), Note: string(c.Note)}
}

// OpenEpoch ends the log and begins the next one, after the database was put back
// from a backup: to continue the old log would sign a second history of it. The
// new log has the name [ledger.EpochOrigin] of a later number, which next must bear; its first leaf
// commits to witnessed, the last checkpoint that anybody saw of the old log (from
// a witness, an auditor or a receipt; nil when nobody did), and to what is stored. What is queued
// goes into the new log. Receipts of the old one stay valid under its key; for leaves that are still
// stored they are made as before.
//
// A backup may be older than an epoch that was opened after it. That epoch is passed over: its number
// was used, so that next has one beyond it, and witnessed may be signed by its key, which is
// among the others.
//
// Call it while nobody sequences: the error is ErrNotHolder otherwise. It returns the
// opening of the first leaf, which is about nobody. Then make the Log anew.
func OpenEpoch(ctx context.Context, db *sqldb.DB, old VerifierKeyed, next Signer, witnessed []byte, cfg Config, others ...string) (ledger.Opening, error) {
	var seen ledger.Checkpoint
	if len(witnessed) > 0 {
		var err error
		if seen, err = ledger.OpenCheckpoint(witnessed, append([]string{old.VerifierKey()}, others...)...); err != nil {
			return ledger.Opening{}, wrap("opening an epoch", err)
		}
	}
	before, after := New(db, oldSigner{old, next}, cfg), New(db, next, cfg)
	var first ledger.Opening
	err := db.Write(ctx, func(tx *sqldb.Tx) error {
		if _, err := before.hold(ctx, tx); err != nil {
			return err
		}
		head, err := before.head(ctx, tx)
		if err != nil {
			return err
		}
		number, err := ledger.EpochNumber(next.Name())
		if passed := number - head.epoch - 1; err != nil || passed < 0 || passed > int64(len(others)) {
			return fmt.Errorf("the new log's name must end in /%d, or beyond epochs whose keys are given: %w", head.epoch+1, thimble.ErrInvalid)
		}
		if first, err = after.firstLeaf(head, number, before.VerifierKey(), seen); err != nil {
			return err
		}
		return after.begin(ctx, tx, head, number, before.VerifierKey(), first)
	})
	return first, wrap("opening an epoch", err)
}

// Free ends the lease of whoever sequenced in a database that was put back from a backup:
// they hold another. Nobody sequences in this one yet.
func Free(ctx context.Context, db *sqldb.DB) error {
	return wrap("ending a lease", db.Write(ctx, func(tx *sqldb.Tx) error {
		_, err := tx.Exec(ctx, `update ledger_lease set lease_until = 0 where id = 1`)
		return err
	}))
}

// VerifierKeyed is a log that is known by its key: *ledger.Signer, or a [VKey].
type VerifierKeyed interface{ VerifierKey() string }

// A VKey is a verifier key as text.
type VKey string

// VerifierKey implements VerifierKeyed.
func (k VKey) VerifierKey() string { return string(k) }

// oldSigner verifies as the old log and signs nothing: OpenEpoch never signs with it.
type oldSigner struct {
	VerifierKeyed
	Signer
}

func (o oldSigner) VerifierKey() string { return o.VerifierKeyed.VerifierKey() }

func (l *Log) firstLeaf(head state, number int64, vkey string, seen ledger.Checkpoint) (ledger.Opening, error) {
	record, err := json.Marshal(epochRecord{
		Kind: "ledger.epoch", Epoch: number, Origin: l.Origin(), Before: vkey,
		Witnessed: seenHead(seen), Stored: seenHead(head.Checkpoint),
	})
	if err != nil {
		return ledger.Opening{}, err
	}
	openings, err := l.commit([]ledger.Entry{{Class: ledger.System, Record: record}})
	if err != nil {
		return ledger.Opening{}, err
	}
	return openings[0], nil
}

const (
	endEpoch = `insert into ledger_epochs (epoch, vkey, leaf_base, hash_base, size, note, cosigned, opening, ended_at)
		select epoch, $1, leaf_base, hash_base, s.size, s.note, c.note, $2, $3
		from ledger_state s join ledger_cosigned c on s.id = c.id where s.id = 1`
	beginEpoch = `update ledger_state set epoch = $1, leaf_base = $2, hash_base = $3, size = 1, note = $4 where id = 1 and epoch = $5`
)

// begin writes the new epoch's rows: its first leaf at once, so that nothing that is
// queued can come before it.
func (l *Log) begin(ctx context.Context, tx *sqldb.Tx, old state, number int64, vkey string, first ledger.Opening) error {
	opening, err := first.MarshalBinary()
	if err != nil {
		return err
	}
	if n, err := tx.Exec(ctx, endEpoch, vkey, opening, l.cfg.Now().UnixMicro()); err != nil || n != 1 {
		return errors.Join(err, changed(n, 1))
	}
	leaves, hashes := old.leaves+old.Size, old.hashes+tlog.StoredHashCount(old.Size)
	if _, err := tx.Exec(ctx, `insert into ledger_leaves (idx, leaf) values ($1, $2)`, leaves, first.Leaf); err != nil {
		return err
	}
	tree := &ledger.Tree{}
	if err := keepHashes(ctx, tx, hashes, tree.Append(nil, first.Hash())); err != nil {
		return err
	}
	head, err := ledger.SignCheckpoint(l.signer, tree.Head())
	if err != nil {
		return err
	}
	if n, err := tx.Exec(ctx, beginEpoch, number, leaves, hashes, string(head.Note), old.epoch); err != nil || n != 1 {
		return errors.Join(err, changed(n, 1))
	}
	if _, err := tx.Exec(ctx, `update ledger_cosigned set size = 0, note = '' where id = 1`); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, `delete from ledger_witnesses`); err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `update ledger_lease set lease_until = 0 where id = 1`)
	return err
}

// An EndedEpoch is a log that was ended, and what began the next one.
type EndedEpoch struct {
	Number      int64
	VerifierKey string
	Size        int64
	Ended       time.Time
	Next        ledger.Opening // of the next epoch's first leaf
}

// EndedEpochs lists the epochs before the current one, the oldest first.
func (l *Log) EndedEpochs(ctx context.Context) (all []EndedEpoch, err error) {
	err = l.db.Read(ctx, func(tx *sqldb.Tx) error {
		all = nil
		found, err := tx.Query(ctx, `select epoch, vkey, size, opening, ended_at from ledger_epochs order by epoch`)
		if err != nil {
			return err
		}
		defer found.Close()
		for found.Next() {
			var e EndedEpoch
			var opening []byte
			var at int64
			if err := found.Scan(&e.Number, &e.VerifierKey, &e.Size, &opening, &at); err != nil {
				return err
			}
			if err := e.Next.UnmarshalBinary(opening); err != nil {
				return err
			}
			e.Ended = time.UnixMicro(at).UTC()
			all = append(all, e)
		}
		return found.Err()
	})
	return all, wrap("listing epochs", err)
}

const readEnded = `select epoch, vkey, leaf_base, hash_base, note, cosigned from ledger_epochs`

func (l *Log) ended(ctx context.Context, tx *sqldb.Tx) (all []state, err error) {
	found, err := tx.Query(ctx, readEnded+` order by epoch`)
	if err != nil {
		return nil, err
	}
	defer found.Close()
	for found.Next() {
		s, _, err := scanEnded(found.Scan)
		if err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	return all, found.Err()
}

// scanEnded reads an epoch that has ended: its last head, and the last that
// reached the quorum, or the same.
func scanEnded(scan func(...any) error) (last, cosigned state, err error) {
	var vkey, note, witnessed string
	if err := scan(&last.epoch, &vkey, &last.leaves, &last.hashes, &note, &witnessed); err != nil {
		return last, cosigned, err
	}
	if note == "" {
		return last, last, nil
	}
	if last.Checkpoint, err = ledger.OpenCheckpoint([]byte(note), vkey); err != nil {
		return last, cosigned, fmt.Errorf("%w: epoch %d: %w", ErrAltered, last.epoch, err)
	}
	cosigned = last
	if witnessed != "" {
		if cosigned.Checkpoint, err = ledger.OpenCheckpoint([]byte(witnessed), vkey); err != nil {
			return last, cosigned, fmt.Errorf("%w: epoch %d: %w", ErrAltered, last.epoch, err)
		}
	}
	return last, cosigned, nil
}

// covering returns the head in which the leaf of a row is to be proven.
func (l *Log) covering(ctx context.Context, tx *sqldb.Tx, row int64) (state, error) {
	head, err := l.signedHead(ctx, tx)
	if err != nil {
		return state{}, err
	}
	cosigned := head
	if row >= head.leaves {
		cosigned.Checkpoint, err = l.cosigned(ctx, tx)
		if errors.Is(err, thimble.ErrUnavailable) {
			return head, nil
		}
	} else {
		head, cosigned, err = scanEnded(tx.QueryRow(ctx, readEnded+` where leaf_base <= $1 order by epoch desc limit 1`, row).Scan)
		if errors.Is(err, sql.ErrNoRows) {
			err = fmt.Errorf("%w: leaf %d is in no epoch", ErrAltered, row)
		}
	}
	if err != nil {
		return state{}, err
	}
	if row < cosigned.leaves+cosigned.Size {
		return cosigned, nil
	}
	return head, nil
}
