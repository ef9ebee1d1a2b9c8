package policydb

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"thimble/internal/ledger"
	"thimble/internal/policy"
	"thimble/internal/sqldb"
)

// change is the record of a change of the law: what its leaf commits to.
type change struct {
	Law     string    `json:"law"`   // what applies, as a mark
	Packs   string    `json:"packs"` // the mark of all packs
	Before  string    `json:"before,omitempty"`
	Day     string    `json:"day"`
	Waiting int       `json:"waiting"` // changes that loosen and wait
	At      time.Time `json:"at"`
}

func recordOf(l layer, before *layer) ([]byte, error) {
	c := change{Law: hex.EncodeToString(l.marks.Applied[:]), Packs: hex.EncodeToString(l.marks.Packs[:]), Day: l.day, Waiting: l.waiting, At: time.UnixMicro(l.at).UTC()}
	if before != nil {
		c.Before = hex.EncodeToString(before.marks.Applied[:])
	}
	return json.Marshal(c)
}

// Advance holds the law of today against the newest that was recorded. A change is
// recorded with a leaf, and whoever asked is told. When nothing waits, what applied
// before is let go.
func (s *Store) Advance(ctx context.Context) (changed bool, err error) {
	s.advancing.Lock()
	defer s.advancing.Unlock()
	err = s.db.Write(ctx, func(tx *sqldb.Tx) error {
		changed, err = s.advance(ctx, tx)
		return err
	})
	if err != nil {
		return false, fmt.Errorf("policy: recording the law that applies: %w", err)
	}
	return changed, s.stand(ctx)
}

func (s *Store) advance(ctx context.Context, tx *sqldb.Tx) (bool, error) {
	st, err := s.standing(ctx, tx)
	if err != nil {
		return false, err
	}
	regime, at, day := s.tried(st), s.now().UnixMicro(), s.Today()
	marks, err := regime.Marks(day)
	if err != nil {
		return false, err
	}
	pending, err := regime.Pending(day)
	if err != nil {
		return false, err
	}
	last, found, err := newest(ctx, tx)
	if err != nil {
		return false, err
	}
	if found && last.marks == marks && (last.waiting == 0) == (len(pending) == 0) {
		return false, nil
	}
	kept := s.regime.Library().Kept()
	if err := keepPacks(ctx, tx, kept, at); err != nil {
		return false, err
	}
	next := layer{seq: last.seq + 1, day: day.String(), marks: marks, standing: true, waiting: len(pending), at: at}
	next.packs.Adopted = s.regime.Library().Adopted()
	for _, k := range kept {
		next.packs.Packs = append(next.packs.Packs, hex.EncodeToString(k.Hash[:]))
	}
	var before *layer
	if found {
		before = &last
		// While something waits, a layer is laid over the others for new packs or a new
		// day; an acceptance alone needs none.
		next.standing = len(pending) == 0 || last.marks.Packs != marks.Packs || last.marks.Law != marks.Law
	}
	if len(pending) == 0 {
		if _, err := tx.Exec(ctx, `update policy_layers set standing = 0 where standing = 1`); err != nil {
			return false, err
		}
	}
	if err := s.recordLayer(ctx, tx, next, before); err != nil {
		return false, err
	}
	if !found || last.marks.Applied != marks.Applied {
		for _, f := range s.changed {
			f(tx)
		}
	}
	return true, nil
}

func (s *Store) recordLayer(ctx context.Context, tx *sqldb.Tx, l layer, before *layer) error {
	record, err := recordOf(l, before)
	if err != nil {
		return err
	}
	o, err := s.queue(ctx, tx, l.at, l.marks.Applied, record)
	if err != nil {
		return err
	}
	l.opening = o
	return insertLayer(ctx, tx, l)
}

// queue queues a leaf of the installation, and returns what opens it: it is about
// nobody, so there is nothing to seal.
func (s *Store) queue(ctx context.Context, tx *sqldb.Tx, at int64, law [32]byte, record []byte) ([]byte, error) {
	o, err := s.ledger.Queue(ctx, tx, ledger.Entry{Class: ledger.System, At: time.UnixMicro(at), Policy: [8]byte(law[:8]), Record: record})
	if err != nil {
		return nil, err
	}
	return o.MarshalBinary()
}

// A Moment is one recorded change of the law.
type Moment struct {
	At      time.Time
	Day     string
	Marks   policy.Marks
	Waiting int
	Opening ledger.Opening
}

// History returns the newest recorded changes of the law.
func (s *Store) History(ctx context.Context, limit int) (all []Moment, err error) {
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		all = nil
		rows, err := tx.Query(ctx, `select `+layerColumns+` from policy_layers order by seq desc limit $1`, limit)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			l, err := scanLayer(rows.Scan)
			if err != nil {
				return err
			}
			m := Moment{At: time.UnixMicro(l.at).UTC(), Day: l.day, Marks: l.marks, Waiting: l.waiting}
			if err := m.Opening.UnmarshalBinary(l.opening); err != nil {
				return err
			}
			all = append(all, m)
		}
		return rows.Err()
	})
	return all, err
}
