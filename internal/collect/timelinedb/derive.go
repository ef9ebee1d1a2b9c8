package timelinedb

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"thimble"
	"thimble/internal/collect/timeline"
	"thimble/internal/sqldb"
)

// Derive builds somebody's months again, by what the gate says now: what is no longer
// permitted is gone, and what is permitted again comes back from the events that are kept.
func (s *Store) Derive(ctx context.Context, who thimble.SubjectID) error {
	return s.derive(ctx, who, "", false)
}

// derive leaves out what is made for a purpose, whatever the gate says of it. What is
// restricted is kept as it is until it is not (GDPR Art. 18(2)), unless the person objects.
// With lift, what is there stays as it is when it says all there is to say.
func (s *Store) derive(ctx context.Context, who thimble.SubjectID, without thimble.Purpose, lift bool) error {
	for _, u := range s.uses() {
		u.forget(who)
	}
	// What a batch that is under way adds of somebody new, it looks at again itself.
	if built, err := s.built(ctx, who); err != nil || !built {
		return err
	}
	p, err := s.People.Person(ctx, who)
	if err != nil && !errors.Is(err, thimble.ErrNotFound) {
		return fmt.Errorf("timeline: building the months of a person: %w", err)
	}
	if p.Restricted && without == "" {
		return nil
	}
	err = s.View.Write(ctx, func(tx *sqldb.Tx) error {
		// The cursor's row is locked: no batch is written between what is read and what is
		// written. What comes behind the cursor the next batch adds.
		if _, err := tx.Exec(ctx, `update collect_cursors set seq = seq where name = $1`, s.view.name); err != nil {
			return err
		}
		places, err := postings(ctx, tx, who, timeline.Place{})
		if err != nil {
			return err
		}
		b := s.newBatch()
		for use, u := range s.uses() {
			b.of(who).asked[use] = without != "" && (u.purpose.Within(without) || without.Within(u.purpose)) // and not granted
		}
		if err := s.foldPlaces(ctx, b, who, places); err != nil {
			return err
		}
		if lift {
			if whole, err := s.whole(ctx, tx, who, b.of(who)); err != nil || whole {
				return err
			}
		}
		if _, err := tx.Exec(ctx, `delete from collect_months where subject_id = $1`, who[:]); err != nil {
			return err
		}
		if err := b.seal(ctx); err != nil {
			return err
		}
		w, err := newWriter(ctx, s, tx)
		if err != nil {
			return err
		}
		defer w.close()
		return w.months(ctx, who, b.of(who))
	})
	if err != nil {
		return fmt.Errorf("timeline: building the months of a person: %w", err)
	}
	return nil
}

// whole reports whether somebody's rows say what their events come to.
func (s *Store) whole(ctx context.Context, tx *sqldb.Tx, who thimble.SubjectID, p *person) (bool, error) {
	rows, err := rowsOf(ctx, tx, who)
	if err != nil || len(rows) != len(p.months) {
		return false, err
	}
	for _, r := range rows {
		m := p.month(r.category, r.month)
		any := s.anyGrant(p, r.category)
		if any == nil || len(p.months) != len(rows) || (len(r.interactions) == 0) != (len(m.interactions) == 0) {
			return false, nil
		}
		profile, err := openProfile(ctx, any, monthCell(who, r.category, r.month, "profile"), r.profile)
		var touched timeline.Interactions
		if err == nil && len(r.interactions) > 0 {
			touched, err = openInteractions(ctx, p.grants[0], monthCell(who, r.category, r.month, "interactions"), r.interactions)
		}
		if err != nil {
			if refused(err) {
				return false, nil
			}
			return false, err
		}
		was, err := profile.Encode()
		if err != nil {
			return false, err
		}
		is, err := m.profile.Encode()
		if err != nil || !bytes.Equal(was, is) || !bytes.Equal(touched.Encode(), m.interactions.Bounded().Encode()) {
			return false, err
		}
	}
	return true, nil
}

// built reports whether there is something of a person in the view.
func (s *Store) built(ctx context.Context, who thimble.SubjectID) (any bool, err error) {
	err = s.View.Ask(ctx, func(sqldb.Row) error { any = true; return nil },
		`select 1 from collect_postings where subject_id = $1 union all select 1 from collect_months where subject_id = $1 limit 1`, who[:])
	if err != nil {
		return false, fmt.Errorf("timeline: looking for the months of a person: %w", err)
	}
	return any, nil
}

func (s *Store) foldPlaces(ctx context.Context, b *batch, who thimble.SubjectID, places []timeline.Place) error {
	return s.records(ctx, places, func(e *found) error {
		if e.record == nil || e.record.Subject != who {
			return nil
		}
		return b.fold(ctx, b.of(who), e.record, nil)
	})
}

// Changed says that somebody has changed what they permit: their months are built again
// soon. It does not block. What a crash lets go of, the next [Store.Compact] finds.
func (s *Store) Changed(who thimble.SubjectID) {
	s.mu.Lock()
	s.changed[who] = struct{}{}
	s.mu.Unlock()
	select {
	case s.stirred <- struct{}{}:
	default:
	}
}

func (s *Store) rebuildChanged(ctx context.Context) {
	for {
		again := time.Minute // what failed is tried again
		if err := s.deriveChanged(ctx); err != nil && ctx.Err() == nil {
			s.Logger.ErrorContext(ctx, "what was made of events is not built again yet", slog.String("cause", err.Error()))
			again = tick
		}
		select {
		case <-ctx.Done():
			return
		case <-s.stirred:
		case <-time.After(again):
		}
	}
}

// deriveChanged builds the months again of whoever has changed what they permit.
func (s *Store) deriveChanged(ctx context.Context) error {
	for {
		who, ok := s.nextChanged()
		if !ok {
			return nil
		}
		if err := s.Derive(ctx, who); err != nil {
			s.Changed(who)
			return err
		}
	}
}

func (s *Store) nextChanged() (thimble.SubjectID, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for who := range s.changed {
		delete(s.changed, who)
		return who, true
	}
	return thimble.SubjectID{}, false
}
