package retentiondb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"iter"
	"time"

	"thimble"
	"thimble/internal/retention"
	"thimble/internal/sqldb"
)

var _ thimble.Holder = (*Store)(nil)

// HolderName implements thimble.Holder.
func (s *Store) HolderName() string { return "retention" }

// Places implements thimble.Holder.
func (s *Store) Places() []thimble.Place {
	return []thimble.Place{{Kind: thimble.TablePlace, Name: "retention_holds"}, {Kind: thimble.TablePlace, Name: "retention_stopped"}, {Kind: thimble.TablePlace, Name: "retention_warnings"}}
}

// told is a hold as its person reads it.
type told struct {
	What    []thimble.Category `json:"categories"`
	Law     string             `json:"law"`
	From    time.Time          `json:"from,omitzero"`
	Until   time.Time          `json:"until,omitzero"`
	Review  time.Time          `json:"looked_at_again,omitzero"`
	Purpose thimble.Purpose    `json:"purpose"` // the only one for which what is past its time is kept
}

// warned is a warning as its person reads it.
type warned struct {
	SeenOn time.Time              `json:"here_last"`
	Due    time.Time              `json:"forgotten_from"`
	State  retention.WarningState `json:"state"`
	Told   time.Time              `json:"told,omitzero"`
	Period string                 `json:"period"`
	Source string                 `json:"by"`
}

// Export implements thimble.Holder: the holds that keep something of the person, unless a
// law forbids to tell, that an erasure of theirs waits, and that they are to be forgotten for
// not having been there.
func (s *Store) Export(ctx context.Context, who thimble.SubjectID) iter.Seq2[thimble.Datum, error] {
	return func(yield func(thimble.Datum, error) bool) {
		all, err := s.export(ctx, who)
		if err != nil {
			yield(thimble.Datum{}, fmt.Errorf("retention: exporting a person: %w", err))
			return
		}
		for _, d := range all {
			if !yield(d, nil) {
				return
			}
		}
	}
}

func (s *Store) export(ctx context.Context, who thimble.SubjectID) (all []thimble.Datum, err error) {
	datum := func(name string, at time.Time, v any) thimble.Datum {
		return thimble.Datum{Holder: s.HolderName(), Category: thimble.PrivacyPreferences, Name: name, Value: v, At: at}
	}
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		all = nil
		found, err := holdsOn(ctx, tx, who)
		if err != nil {
			return err
		}
		for _, h := range found {
			all = append(all, datum("hold", h.Opened, told{h.Categories, h.Law, h.From, h.Until, h.Review, thimble.LegalObligation}))
		}
		at, err := sqldb.Column[int64](ctx, tx, `select at from retention_stopped where subject_id = $1`, who)
		for _, one := range at {
			all = append(all, datum("erasure_waits", instant(one), map[string]any{"for": "what is held to be released"}))
		}
		if err != nil {
			return err
		}
		w, err := scanWarning(tx.QueryRow(ctx, `select `+warningColumns+` from retention_warnings where subject_id = $1`, who))
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		all = append(all, datum("forgotten_for_staying_away", w.At, warned{w.SeenOn, w.Due, w.State, w.Told, w.Span, w.Source.Name + ": " + w.Source.Cite}))
		return err
	})
	return all, err
}

// holdsOn are the holds that stand and may be told of: of the person, and of everybody's
// those that keep a record of theirs.
func holdsOn(ctx context.Context, tx *sqldb.Tx, who thimble.SubjectID) (found []retention.Hold, err error) {
	standing, err := holds(ctx, tx, `state <> 'released' and secret = '' and (subject_id = $1 or personal = 0
		or exists (select 1 from subject_held l where l.hold_id = retention_holds.id and l.subject_id = $1)) order by opened_at, id`, who)
	if err != nil {
		return nil, err
	}
	for _, h := range standing {
		keeps := !h.Subject.IsZero()
		for _, a := range ages() {
			if keeps || a.What == "" || !h.Of(a.Category) {
				continue
			}
			until := int64(1) << 62
			if !h.Until.IsZero() {
				until = h.Until.UnixMicro()
			}
			var n int64
			if err := tx.QueryRow(ctx, `select count(*) from `+a.Table+` where `+a.Subject+` = $1 and `+a.At+` >= $2 and `+a.At+` < $3`, who, micros(h.From), until).Scan(&n); err != nil {
				return nil, err
			}
			keeps = n > 0
		}
		if keeps {
			found = append(found, h)
		}
	}
	return found, nil
}

// Erase implements thimble.Holder. As long as anything of the person is held, the hold and
// that the erasure waits stay; then neither leads to them.
func (s *Store) Erase(ctx context.Context, who thimble.SubjectID) (e thimble.Erasure, err error) {
	err = s.db.Write(ctx, func(tx *sqldb.Tx) error {
		e = thimble.Erasure{}
		kept, err := holding(ctx, tx, who)
		if err != nil || len(kept) > 0 {
			return err
		}
		standing, err := holds(ctx, tx, `subject_id = $1 and state <> 'released'`, who)
		if err != nil {
			return err
		}
		for _, h := range standing {
			if err := s.release(ctx, tx, h, "hold ended", "", "it kept nothing of who was erased"); err != nil {
				return err
			}
		}
		for _, statement := range []string{`update retention_holds set subject_id = null where subject_id = $1`, `delete from retention_stopped where subject_id = $1`, `delete from retention_warnings where subject_id = $1`} {
			n, err := tx.Exec(ctx, statement, who)
			if err != nil {
				return err
			}
			e.Erased += int(n)
		}
		return nil
	})
	if err != nil {
		err = fmt.Errorf("retention: erasing a person: %w", err)
	}
	return e, err
}

// Expire implements thimble.Holder. A hold lasts until it is released.
func (s *Store) Expire(context.Context, thimble.Category, time.Time) (thimble.Erasure, error) {
	return thimble.Erasure{}, nil
}

// Restrict implements thimble.Holder. It has nothing to do: a hold is for a law.
func (s *Store) Restrict(context.Context, thimble.SubjectID, bool) error { return nil }

// Object implements thimble.Holder. It has nothing to do: a law says so.
func (s *Store) Object(context.Context, thimble.SubjectID, thimble.Purpose) error { return nil }

// Merge implements thimble.Holder: a hold on one of two who are one person keeps what is of
// either.
func (s *Store) Merge(ctx context.Context, _ thimble.Merge) error { return s.spread(ctx) }

// Unmerge implements thimble.Holder: it keeps again what is of whom it was opened for.
func (s *Store) Unmerge(ctx context.Context, _ thimble.Merge) error { return s.spread(ctx) }

func (s *Store) spread(ctx context.Context) error {
	err := s.db.Write(ctx, func(tx *sqldb.Tx) error {
		standing, err := holds(ctx, tx, `personal = 1 and subject_id is not null and state <> 'released'`)
		if err != nil {
			return err
		}
		for _, h := range standing {
			p, err := s.people.PersonTx(ctx, tx, h.Subject)
			if errors.Is(err, thimble.ErrNotFound) {
				continue
			}
			if err == nil {
				err = s.people.HoldTx(ctx, tx, h.ID, lines(h, p.IDs())...)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("retention: holds of people who are one, or two again: %w", err)
	}
	return nil
}
