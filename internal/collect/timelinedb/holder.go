package timelinedb

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"slices"
	"time"

	"thimble"
	"thimble/internal/collect/frame"
	"thimble/internal/collect/timeline"
	"thimble/internal/sqldb"
)

var _ thimble.Holder = (*Store)(nil)

// HolderName implements [thimble.Holder].
func (s *Store) HolderName() string { return "collect" }

// Places implements [thimble.Holder].
func (s *Store) Places() []thimble.Place {
	return []thimble.Place{
		{Kind: thimble.TablePlace, Name: "log_frames"}, {Kind: thimble.TablePlace, Name: "collect_postings"}, {Kind: thimble.TablePlace, Name: "collect_months"},
		{Kind: thimble.MemoryPlace, Name: "timelinedb.uses.held"},
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

// Export implements [thimble.Holder]: the newest event first, then what is made of them.
func (s *Store) Export(ctx context.Context, who thimble.SubjectID) iter.Seq2[thimble.Datum, error] {
	return func(yield func(thimble.Datum, error) bool) {
		err := s.each(ctx, []thimble.SubjectID{who}, timeline.Place{}, func(f *found) (bool, error) {
			d, ok, err := s.datum(ctx, f)
			if err != nil || !ok {
				return err == nil, err
			}
			return yield(d, nil), nil
		})
		if err == nil {
			err = s.exportMonths(ctx, who, yield)
		}
		if err != nil {
			yield(thimble.Datum{}, fmt.Errorf("timeline: exporting events of %s: %w", who, err))
		}
	}
}

// datum opens all of an event. It reports false when nothing of it opens any more.
func (s *Store) datum(ctx context.Context, f *found) (d thimble.Datum, ok bool, err error) {
	e := timeline.NewEvent(f.place.Seq, f.place.Index, f.record)
	var parts [][]byte
	for i := range f.record.Parts {
		p := &f.record.Parts[i]
		plain, err := s.Opener.Open(ctx, frame.PartCell(f.record, p.Category), p.Sealed)
		if err != nil && refused(err) {
			continue // its key is gone
		}
		if err != nil {
			return d, false, err
		}
		e.Opened(p.Category, plain)
		parts = append(parts, plain)
	}
	if !e.Has() {
		return d, false, nil
	}
	w := e.What()
	value := Exported{What: w.Words(), About: w.About(func(thimble.ItemID) string { return "" }), Event: w.Label(), Received: e.Received}
	whole, err := frame.Merge(parts...)
	if err == nil {
		err = json.Unmarshal(whole, &value.Details)
	}
	if err != nil {
		return d, false, fmt.Errorf("an event that cannot be read: %w", err)
	}
	for _, known := range []string{"plan", "type", "event", "time"} {
		delete(value.Details, known)
	}
	return thimble.Datum{Holder: s.HolderName(), Category: e.Own(), Name: "event", Value: value, At: e.When(&w)}, true, nil
}

func (s *Store) exportMonths(ctx context.Context, who thimble.SubjectID, yield func(thimble.Datum, error) bool) error {
	rows, err := s.rows(ctx, []thimble.SubjectID{who})
	if err != nil {
		return err
	}
	for _, r := range rows {
		data, err := s.monthData(ctx, r)
		if err != nil && !refused(err) {
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
func (s *Store) monthData(ctx context.Context, r row) (data []thimble.Datum, err error) {
	d := thimble.Datum{Holder: s.HolderName(), Category: r.category}
	if len(r.profile) > 0 {
		p, err := openProfile(ctx, s.Opener, monthCell(r.who, r.category, r.month, "profile"), r.profile)
		if err != nil {
			return nil, err
		}
		d.Name, d.Value, d.At = "when you were here, and what for", p, p.Last
		data = append(data, d)
	}
	if len(r.interactions) > 0 {
		all, err := openInteractions(ctx, s.Opener, monthCell(r.who, r.category, r.month, "interactions"), r.interactions)
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
	places, _, err := s.indexed(ctx, []thimble.SubjectID{who}, timeline.Place{})
	if err != nil {
		return 0, fmt.Errorf("timeline: looking for events of %s: %w", who, err)
	}
	// What is to be compacted is noted first: deleting the postings loses where it is.
	if err := s.note(ctx, places); err != nil {
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
		return 0, fmt.Errorf("timeline: deleting what was built of %s: %w", who, err)
	}
	return len(places) + int(months), nil
}

// everyUse are all under which grants are held.
func (s *Store) everyUse() []*uses {
	all := s.uses()
	return append(append(slices.Clone(all[:]), s.service), s.listeners...)
}

// Restrict implements [thimble.Holder]: the gate refuses. What came in meanwhile is built in
// when it permits again.
func (s *Store) Restrict(ctx context.Context, who thimble.SubjectID, on bool) error {
	if on {
		return nil
	}
	rows, err := s.rows(ctx, []thimble.SubjectID{who})
	if err != nil || len(rows) > 0 {
		return err
	}
	return s.Derive(ctx, who)
}

// Object implements [thimble.Holder]: what was made for the purpose is deleted, and made again
// for the purposes that are left.
func (s *Store) Object(ctx context.Context, who thimble.SubjectID, p thimble.Purpose) error {
	if !slices.ContainsFunc(s.everyUse(), func(u *uses) bool { return u.purpose.Within(p) || p.Within(u.purpose) }) {
		return nil
	}
	return s.derive(ctx, who, p)
}

// Merge implements [thimble.Holder]: whoever reads of a person reads of all members.
func (s *Store) Merge(context.Context, thimble.Merge) error { return nil }

// Unmerge implements [thimble.Holder]: nothing was made of both.
func (s *Store) Unmerge(context.Context, thimble.Merge) error { return nil }
