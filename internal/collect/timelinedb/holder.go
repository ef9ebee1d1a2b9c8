package timelinedb

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"time"

	"thimble"
	"thimble/internal/collect/timeline"
	"thimble/internal/gate"
	"thimble/internal/sqldb"
)

var _ thimble.Holder = (*Store)(nil)

// HolderName implements [thimble.Holder].
func (s *Store) HolderName() string { return "collect" }

// Places implements [thimble.Holder].
func (s *Store) Places() []thimble.Place {
	return []thimble.Place{
		{Kind: thimble.TablePlace, Name: "log_frames"}, {Kind: thimble.TablePlace, Name: "collect_postings"}, {Kind: thimble.TablePlace, Name: "collect_months"},
		{Kind: thimble.MemoryPlace, Name: "timelinedb.uses.held"}, {Kind: thimble.MemoryPlace, Name: "timelinedb.Store.changed"},
	}
}

// Exported is an event as its person reads it.
type Exported struct {
	What     string    `json:"what"`            // in words
	About    string    `json:"about,omitempty"` // what was searched, touched or ordered
	Event    string    `json:"event"`           // the plan's name, or the call's
	Received time.Time `json:"received"`
	// Details are everything that is kept of it, by the shop's names.
	Details map[string]any `json:"details,omitempty"`
}

// ExportedInteraction is what somebody did with a product.
type ExportedInteraction struct {
	Item   thimble.ItemID `json:"item"`
	Did    string         `json:"did"`
	Times  int64          `json:"times"`
	Latest time.Time      `json:"latest"`
}

// Export implements [thimble.Holder]: the newest event first, then what is made of them. The
// gate is asked, as for the person's own look, for the categories that are there; of
// somebody who is gone nothing opens.
func (s *Store) Export(ctx context.Context, who thimble.SubjectID) iter.Seq2[thimble.Datum, error] {
	return func(yield func(thimble.Datum, error) bool) {
		if err := s.export(ctx, who, yield); err != nil {
			yield(thimble.Datum{}, fmt.Errorf("timeline: exporting events of a person: %w", err))
		}
	}
}

func (s *Store) export(ctx context.Context, who thimble.SubjectID, yield func(thimble.Datum, error) bool) error {
	rows, _, err := s.rows(ctx, []thimble.SubjectID{who})
	if err != nil {
		return err
	}
	g, categories, err := s.own(ctx, who, rows)
	if err != nil || g == nil {
		return err
	}
	on := true
	err = s.each(ctx, []thimble.SubjectID{who}, timeline.Place{}, func(f *found) (bool, error) {
		d, ok, err := s.datum(ctx, g, categories, f)
		if err == nil && ok {
			on = yield(d, nil)
		}
		return on, err
	})
	if err != nil || !on {
		return err
	}
	return s.exportMonths(ctx, g, rows, yield)
}

// own returns a grant for all that is kept of somebody, nil when nothing is or they are gone.
func (s *Store) own(ctx context.Context, who thimble.SubjectID, rows []row) (*gate.Grant, []thimble.Category, error) {
	seen := map[thimble.Category]bool{}
	for _, r := range rows {
		seen[r.category] = true
	}
	err := s.each(ctx, []thimble.SubjectID{who}, timeline.Place{}, func(f *found) (bool, error) {
		if f.record == nil {
			seen[browsing] = true // of what cannot be read that much is told
			return true, nil
		}
		for _, p := range f.record.Parts {
			seen[p.Category] = true
		}
		return true, nil
	})
	if err != nil || len(seen) == 0 {
		return nil, nil, err
	}
	categories := slices.Sorted(maps.Keys(seen))
	g, err := s.Gate.Open(ctx, gate.Request{Actor: gate.Actor{Kind: gate.Customer, Self: who}, Subject: who, Purpose: thimble.LegalObligation, Categories: categories})
	if err != nil && refused(err) {
		return nil, nil, nil
	}
	return g, categories, err
}

// datum opens all of an event. It reports false when nothing of it opens any more.
func (s *Store) datum(ctx context.Context, g *gate.Grant, categories []thimble.Category, f *found) (d thimble.Datum, ok bool, err error) {
	if f.record == nil {
		value := Exported{What: "Something that cannot be read at the moment: its place in the log is damaged", Received: f.received}
		return thimble.Datum{Holder: s.HolderName(), Category: browsing, Name: "event", Value: value, At: f.received}, true, nil
	}
	e, err := openEvent(ctx, g, categories, f)
	if err != nil || !e.Has() {
		return d, false, err
	}
	w := e.What()
	value := Exported{What: w.Words(), About: w.About(func(thimble.ItemID) string { return "" }), Event: w.Label(), Received: e.Received}
	// Parts that contradict each other cost the details of this event, and no other.
	if value.Details, err = e.Details(); err != nil && !errors.Is(err, thimble.ErrInvalid) {
		return d, false, err
	}
	return thimble.Datum{Holder: s.HolderName(), Category: e.Own(), Name: "event", Value: value, At: e.When(&w)}, true, nil
}

func (s *Store) exportMonths(ctx context.Context, g *gate.Grant, rows []row, yield func(thimble.Datum, error) bool) error {
	for _, r := range rows {
		data, err := s.monthData(ctx, g, r)
		if err != nil && !(refused(err) && alive(ctx, g)) { // a month's key may have expired
			return err
		}
		for _, d := range data {
			if !yield(d, nil) {
				return nil
			}
		}
	}
	return nil
}

// monthData opens what is made of a month's events.
func (s *Store) monthData(ctx context.Context, g *gate.Grant, r row) (data []thimble.Datum, err error) {
	d := thimble.Datum{Holder: s.HolderName(), Category: r.category}
	if len(r.profile) > 0 {
		p, err := openProfile(ctx, g, monthCell(r.who, r.category, r.month, "profile"), r.profile)
		if err != nil {
			return nil, err
		}
		d.Name, d.Value, d.At = "when you were here, and what for", p, p.Last
		data = append(data, d)
	}
	if len(r.interactions) > 0 {
		all, err := openInteractions(ctx, g, monthCell(r.who, r.category, r.month, "interactions"), r.interactions)
		if err != nil {
			return nil, err
		}
		touched := make([]ExportedInteraction, len(all))
		for i, one := range all {
			touched[i] = ExportedInteraction{Item: one.Item, Did: one.Kind.String(), Times: one.N, Latest: one.Last}
			if one.Last.After(d.At) {
				d.At = one.Last
			}
		}
		d.Name, d.Value = "what you did with products", touched
		data = append(data, d)
	}
	return data, nil
}

// Erase implements [thimble.Holder]. The rows are deleted; the frames that hold the person's
// records, which open nowhere once the keys are shredded, are noted for [Store.Compact].
func (s *Store) Erase(ctx context.Context, who thimble.SubjectID) (thimble.Erasure, error) {
	n, err := s.erase(ctx, who)
	return thimble.Erasure{Erased: n}, err
}

// forgetAt does what an erasure does for somebody who was gone already.
func (s *Store) forgetAt(ctx context.Context, who thimble.SubjectID) error {
	_, err := s.erase(ctx, who)
	return err
}

func (s *Store) erase(ctx context.Context, who thimble.SubjectID) (erased int, err error) {
	if who.IsZero() {
		return 0, nil
	}
	for _, u := range s.everyUse() {
		u.forget(who)
	}
	s.mu.Lock()
	delete(s.changed, who)
	s.mu.Unlock()
	places, upTo, err := s.indexed(ctx, []thimble.SubjectID{who}, timeline.Place{})
	if err != nil {
		return 0, fmt.Errorf("timeline: looking for events of a person: %w", err)
	}
	// What is to be compacted is noted first: deleting the postings loses where it is.
	if err := s.note(ctx, places); err != nil {
		return 0, err
	}
	// Where they are is deleted after they were taken out: who takes the erasure up asks again.
	if err := s.takeOut(ctx, who, places, upTo); err != nil {
		return 0, err
	}
	var months int64
	err = s.View.Write(ctx, func(tx *sqldb.Tx) (err error) {
		if _, err = tx.Exec(ctx, `delete from collect_postings where subject_id = $1`, who[:]); err == nil {
			months, err = tx.Exec(ctx, `delete from collect_months where subject_id = $1`, who[:])
		}
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("timeline: deleting what was built of a person: %w", err)
	}
	return len(places) + int(months), nil
}

// everyUse are all under which grants are held.
func (s *Store) everyUse() []*uses {
	all := s.uses()
	return append(append(slices.Clone(all[:]), s.service), s.listeners...)
}

// Restrict implements [thimble.Holder]: the gate refuses. What came in meanwhile is built in
// when it permits again, and the orders among it are taken down.
func (s *Store) Restrict(ctx context.Context, who thimble.SubjectID, on bool) error {
	if on {
		return nil
	}
	if err := s.derive(ctx, who, "", true); err != nil {
		return err
	}
	return s.sellOf(ctx, who)
}

// Object implements [thimble.Holder]: what was made for the purpose is deleted, and made again
// for the purposes that are left.
func (s *Store) Object(ctx context.Context, who thimble.SubjectID, p thimble.Purpose) error {
	if !slices.ContainsFunc(s.everyUse(), func(u *uses) bool { return u.purpose.Within(p) || p.Within(u.purpose) }) {
		return nil
	}
	return s.derive(ctx, who, p, false)
}

// Merge implements [thimble.Holder]: whoever reads of a person reads of all members.
func (s *Store) Merge(context.Context, thimble.Merge) error { return nil }

// Unmerge implements [thimble.Holder]: nothing was made of both.
func (s *Store) Unmerge(context.Context, thimble.Merge) error { return nil }
