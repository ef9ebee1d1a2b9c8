package trialdb

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"time"

	"thimble"
	"thimble/internal/consent"
	"thimble/internal/recommend/trial"
	"thimble/internal/sqldb"
)

var _ thimble.Holder = (*Store)(nil)

// HolderName implements thimble.Holder.
func (s *Store) HolderName() string { return "trial" }

// Places implements thimble.Holder.
func (s *Store) Places() []thimble.Place {
	return []thimble.Place{{Kind: thimble.TablePlace, Name: "recommend_trial_people"}, {Kind: thimble.TablePlace, Name: "recommend_trial_marks"}}
}

// Exported is a person's part in an experiment, as they read it.
type Exported struct {
	Experiment string `json:"experiment"`
	Group      string `json:"group"`
	Lists      int64  `json:"lists_shown"`
	Clicked    int64  `json:"clicked"`
	Added      int64  `json:"added_to_the_basket"`
	Orders     int64  `json:"orders,omitempty"`
	Spent      int64  `json:"spent_minor,omitempty"` // at most the cap
	Currency   string `json:"currency,omitempty"`
}

// Export implements thimble.Holder.
func (s *Store) Export(ctx context.Context, who thimble.SubjectID) iter.Seq2[thimble.Datum, error] {
	return func(yield func(thimble.Datum, error) bool) {
		all, err := s.export(ctx, who)
		for _, d := range all {
			if !yield(d, nil) {
				return
			}
		}
		if err != nil {
			yield(thimble.Datum{}, fmt.Errorf("trial: exporting a person: %w", err))
		}
	}
}

func (s *Store) export(ctx context.Context, who thimble.SubjectID) (all []thimble.Datum, err error) {
	err = s.DB.Read(ctx, func(tx *sqldb.Tx) error {
		all = nil
		rows, err := tx.Query(ctx, `select t.design, p.variant, p.at, p.shown, p.clicked, p.added, p.orders, p.revenue from recommend_trial_people p join recommend_trials t on t.id = p.trial_id
			where p.subject_id = $1 order by p.at, p.trial_id`, who)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var text string
			var d trial.Design
			var variant int
			var at int64
			var e Exported
			if err := rows.Scan(&text, &variant, &at, &e.Lists, &e.Clicked, &e.Added, &e.Orders, &e.Spent); err != nil {
				return err
			}
			if err := json.Unmarshal([]byte(text), &d); err != nil {
				return err
			}
			e.Experiment, e.Group, e.Currency = d.Name, d.Variants[variant].Words(), d.Currency
			all = append(all, thimble.Datum{Holder: s.HolderName(), Category: trial.Behaviour, Name: "experiment with lists", Value: e, At: time.UnixMicro(at).UTC()})
		}
		return rows.Err()
	})
	return all, err
}

// stale has what was counted with somebody in it counted again, in the caller's
// transaction. Until then nothing is shown.
func (s *Store) stale(ctx context.Context, tx *sqldb.Tx, who ...thimble.SubjectID) error {
	any := false
	for _, one := range who {
		n, err := tx.Exec(ctx, `update recommend_trials set changes = changes + 1, counted = '', counted_at = 0 where id in (select trial_id from recommend_trial_people where subject_id = $1)`, one)
		if err != nil {
			return err
		}
		any = any || n > 0
	}
	if !any {
		return nil
	}
	return s.Ask(ctx, tx)
}

// forget takes somebody out, in the caller's transaction.
func (s *Store) forget(ctx context.Context, tx *sqldb.Tx, who thimble.SubjectID) (n int64, err error) {
	if err := s.stale(ctx, tx, who); err != nil {
		return 0, err
	}
	for _, table := range []string{"recommend_trial_people", "recommend_trial_marks"} {
		gone, err := tx.Exec(ctx, `delete from `+table+` where subject_id = $1`, who)
		if err != nil {
			return 0, err
		}
		n += gone
	}
	return n, nil
}

// Erase implements thimble.Holder.
func (s *Store) Erase(ctx context.Context, who thimble.SubjectID) (thimble.Erasure, error) {
	var n int64
	err := s.DB.Write(ctx, func(tx *sqldb.Tx) (err error) {
		n, err = s.forget(ctx, tx, who)
		return err
	})
	if err != nil {
		return thimble.Erasure{}, fmt.Errorf("trial: erasing a person: %w", err)
	}
	return thimble.Erasure{Erased: int(n)}, nil
}

// Expire implements thimble.Holder: who saw their first list before is in no result any
// more that is counted from then on.
func (s *Store) Expire(ctx context.Context, c thimble.Category, before time.Time) (thimble.Erasure, error) {
	if !trial.Behaviour.Within(c) {
		return thimble.Erasure{}, nil
	}
	all := 0
	for {
		var people []thimble.SubjectID
		var n int64
		err := s.DB.Write(ctx, func(tx *sqldb.Tx) (err error) {
			if people, err = aged(ctx, tx, before); err != nil {
				return err
			}
			if err := s.stale(ctx, tx, people...); err != nil {
				return err
			}
			n = 0
			for _, who := range people {
				for _, table := range []string{"recommend_trial_people", "recommend_trial_marks"} {
					gone, err := tx.Exec(ctx, `delete from `+table+` where subject_id = $1 and at < $2`, who, before.UnixMicro())
					if err != nil {
						return err
					}
					n += gone
				}
			}
			return nil
		})
		if err != nil {
			return thimble.Erasure{Erased: all}, fmt.Errorf("trial: expiring: %w", err)
		}
		if all += int(n); len(people) == 0 {
			return thimble.Erasure{Erased: all}, nil
		}
	}
}

func aged(ctx context.Context, tx *sqldb.Tx, before time.Time) ([]thimble.SubjectID, error) {
	return sqldb.Column[thimble.SubjectID](ctx, tx, `select subject_id from recommend_trial_people where at < $1 union select subject_id from recommend_trial_marks where at < $1 order by 1 limit 500`, before.UnixMicro())
}

// Restrict implements thimble.Holder: the gate refuses, so that whoever counts leaves them
// out. What was counted with them is counted again.
func (s *Store) Restrict(ctx context.Context, who thimble.SubjectID, _ bool) error {
	return s.DB.Write(ctx, func(tx *sqldb.Tx) error { return s.stale(ctx, tx, who) })
}

// Object implements thimble.Holder: who objects to being counted, or to lists, is out.
func (s *Store) Object(ctx context.Context, who thimble.SubjectID, p thimble.Purpose) error {
	if !concerns(p) {
		return nil
	}
	_, err := s.Erase(ctx, who)
	return err
}

// concerns reports whether somebody is in an experiment under a purpose.
func concerns(p thimble.Purpose) bool {
	return trial.Analytics.Within(p) || p.Within(trial.Analytics) || thimble.PersonalizeContent.Within(p)
}

// Changed takes people out who no longer permit what experiments rest on, in the
// transaction in which they say so.
func (s *Store) Changed(ctx context.Context, tx *sqldb.Tx, events []consent.Event) error {
	for _, e := range events {
		if e.State.Permits() || e.Scope != (consent.Scope{}) || !concerns(e.Purpose) {
			continue
		}
		if _, err := s.forget(ctx, tx, e.Subject); err != nil {
			return fmt.Errorf("trial: taking a person out: %w", err)
		}
	}
	return nil
}

// Merge implements thimble.Holder: rows stay each one's own, and the earlier of them counts
// for the person from the next count on.
func (s *Store) Merge(ctx context.Context, m thimble.Merge) error { return s.regrouped(ctx, m) }

// Unmerge implements thimble.Holder.
func (s *Store) Unmerge(ctx context.Context, m thimble.Merge) error { return s.regrouped(ctx, m) }

func (s *Store) regrouped(ctx context.Context, m thimble.Merge) error {
	return s.DB.Write(ctx, func(tx *sqldb.Tx) error { return s.stale(ctx, tx, m.Survivor, m.Absorbed) })
}
