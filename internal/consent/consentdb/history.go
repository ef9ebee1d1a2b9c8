package consentdb

import (
	"context"
	"fmt"
	"iter"
	"slices"

	"thimble"
	"thimble/internal/ledger"
	"thimble/internal/sqldb"
)

// History opens a person's events, oldest first, with what opens their leaves.
func (s *Store) History(ctx context.Context, g thimble.Grant) ([]Recorded, error) {
	var all []Recorded
	for _, who := range g.Members() {
		some, err := s.history(ctx, who, g)
		if err != nil {
			return nil, err
		}
		all = append(all, some...)
	}
	// The events of one subject are in their own order, which no clock changes.
	if len(g.Members()) > 1 {
		slices.SortStableFunc(all, func(a, b Recorded) int { return a.Event.At.Compare(b.Event.At) })
	}
	return all, nil
}

func (s *Store) history(ctx context.Context, who thimble.SubjectID, o ledger.Opener) ([]Recorded, error) {
	type row struct {
		seq  int64
		body []byte
	}
	var rows []row
	err := s.db.Read(ctx, func(tx *sqldb.Tx) error {
		rows = nil
		found, err := tx.Query(ctx, `select seq, body from consent_events where subject_id = $1 order by seq`, who)
		if err != nil {
			return err
		}
		defer found.Close()
		for found.Next() {
			var r row
			if err := found.Scan(&r.seq, &r.body); err != nil {
				return err
			}
			rows = append(rows, r)
		}
		return found.Err()
	})
	if err != nil {
		return nil, fmt.Errorf("consent: history of a person: %w", err)
	}
	all := make([]Recorded, 0, len(rows))
	for _, r := range rows {
		recorded, err := unseal(ctx, o, who, r.seq, r.body)
		if err != nil {
			return nil, err
		}
		all = append(all, recorded)
	}
	return all, nil
}

// HolderName implements thimble.Holder.
func (s *Store) HolderName() string { return "consent" }

// Places implements thimble.Holder.
func (s *Store) Places() []thimble.Place {
	return []thimble.Place{{Kind: "table", Name: "consent_events"}, {Kind: "table", Name: "consent_state"}, {Kind: "table", Name: "consent_replays"}}
}

// Export implements thimble.Holder: every choice ever made.
func (s *Store) Export(ctx context.Context, who thimble.SubjectID) iter.Seq2[thimble.Datum, error] {
	return func(yield func(thimble.Datum, error) bool) {
		all, err := s.history(ctx, who, s.vault)
		if err != nil {
			yield(thimble.Datum{}, err)
			return
		}
		for _, r := range all {
			d := thimble.Datum{Holder: s.HolderName(), Category: thimble.PrivacyPreferences, Name: "consent", Value: r.Event, At: r.Event.At}
			if !yield(d, nil) {
				return
			}
		}
	}
}

// Erase implements thimble.Holder. The current state is deleted; the events stay,
// and the destruction of the person's key makes them unreadable.
func (s *Store) Erase(ctx context.Context, who thimble.SubjectID) (thimble.Erasure, error) {
	var n int64
	err := s.db.Write(ctx, func(tx *sqldb.Tx) error {
		if _, err := tx.Exec(ctx, `delete from consent_replays where subject_id = $1`, who); err != nil {
			return err
		}
		var err error
		n, err = tx.Exec(ctx, `delete from consent_state where subject_id = $1`, who)
		return err
	})
	if err != nil {
		return thimble.Erasure{}, fmt.Errorf("consent: erasing a person: %w", err)
	}
	return thimble.Erasure{Erased: int(n)}, nil
}
