package suspectdb

import (
	"context"
	"fmt"
	"iter"
	"time"

	"thimble"
	"thimble/internal/sqldb"
)

// HolderName implements thimble.Holder.
func (s *Store) HolderName() string { return "suspect" }

// Places implements thimble.Holder.
func (s *Store) Places() []thimble.Place {
	return []thimble.Place{{Kind: thimble.TablePlace, Name: "recommend_suspects"}}
}

// Export implements thimble.Holder: that somebody is suspected or left out of learning,
// since when and why.
func (s *Store) Export(ctx context.Context, who thimble.SubjectID) iter.Seq2[thimble.Datum, error] {
	return func(yield func(thimble.Datum, error) bool) {
		var all []thimble.Datum
		err := s.db.Read(ctx, func(tx *sqldb.Tx) error {
			all = nil
			rows, err := tx.Query(ctx, `select f.state, f.why, f.found_at, coalesce(f.decided_at, 0) from recommend_suspects s
				join recommend_findings f on f.id = s.finding_id where s.subject_id = $1 order by f.found_at, f.id`, who)
			if err != nil {
				return err
			}
			defer rows.Close()
			for rows.Next() {
				var state State
				var why string
				var at, decided int64
				if err := rows.Scan(&state, &why, &at, &decided); err != nil {
					return err
				}
				all = append(all, s.datum(state, why, at, decided))
			}
			return rows.Err()
		})
		if err != nil {
			yield(thimble.Datum{}, fmt.Errorf("suspect: exporting a person: %w", err))
			return
		}
		for _, d := range all {
			if !yield(d, nil) {
				return
			}
		}
	}
}

func (s *Store) datum(state State, why string, at, decided int64) thimble.Datum {
	value := map[string]any{"left_out_of_learning": state == Quarantined, "why": why}
	if decided > 0 {
		value["since"] = time.UnixMicro(decided).UTC()
	}
	return thimble.Datum{Holder: s.HolderName(), Category: thimble.PurchaseHistory, Name: "suspicion", Value: value, At: time.UnixMicro(at).UTC()}
}

// Erase implements thimble.Holder. The list's revision stays: who is erased was not
// learned from before either.
func (s *Store) Erase(ctx context.Context, who thimble.SubjectID) (thimble.Erasure, error) {
	var n int64
	err := s.db.Write(ctx, func(tx *sqldb.Tx) (err error) {
		n, err = tx.Exec(ctx, `delete from recommend_suspects where subject_id = $1`, who)
		return err
	})
	if err != nil {
		return thimble.Erasure{}, fmt.Errorf("suspect: erasing a person: %w", err)
	}
	return thimble.Erasure{Erased: int(n)}, nil
}

// Expire implements thimble.Holder. Who is left out stays so until somebody decides, or
// until they are erased.
func (s *Store) Expire(context.Context, thimble.Category, time.Time) (thimble.Erasure, error) {
	return thimble.Erasure{}, nil
}
