package timelinedb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"thimble"
	"thimble/internal/collect/frame"
	"thimble/internal/collect/timeline"
	"thimble/internal/sqldb"
)

// postings returns the places of somebody's records that came in before a place, the newest
// first; all of them before the zero place.
func postings(ctx context.Context, tx *sqldb.Tx, who thimble.SubjectID, before timeline.Place) (places []timeline.Place, err error) {
	from := int64(1) << 50
	if !before.IsZero() {
		from = timeline.Block(before.Seq)
	}
	rows, err := tx.Query(ctx, `select block, body from collect_postings where subject_id = $1 and block <= $2 order by block desc`, who[:], from)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var in []timeline.Place
	for rows.Next() {
		var block int64
		var body sql.RawBytes
		if err := rows.Scan(&block, &body); err != nil {
			return nil, err
		}
		if in, err = timeline.Postings(in[:0], block, body); err != nil {
			return nil, fmt.Errorf("timeline: postings of a person: %w", err)
		}
		for _, p := range slices.Backward(in) {
			if before.IsZero() || p.Before(before) {
				places = append(places, p)
			}
		}
	}
	return places, rows.Err()
}

// indexed returns the places of some subjects' records, the newest first, and up to which
// frame they are all there.
func (s *Store) indexed(ctx context.Context, members []thimble.SubjectID, before timeline.Place) (places []timeline.Place, upTo int64, err error) {
	err = s.View.Read(ctx, func(tx *sqldb.Tx) error {
		if upTo, err = s.view.position(ctx, tx); err != nil {
			return err
		}
		places = nil
		for _, m := range members {
			some, err := postings(ctx, tx, m, before)
			if err != nil {
				return err
			}
			places = append(places, some...)
		}
		return nil
	})
	if len(members) > 1 {
		slices.SortFunc(places, func(a, b timeline.Place) int {
			if a.Before(b) {
				return 1
			}
			return -1
		})
	}
	return places, upTo, err
}

// found is a record at its place. It has none where the frame cannot be read.
type found struct {
	place    timeline.Place
	record   *frame.Record
	received time.Time // of a frame that cannot be read
}

// framesAtOnce bounds how many frames are in memory for a read.
const framesAtOnce = 64

// records calls f with the records at places, in their order, which runs up or down.
func (s *Store) records(ctx context.Context, places []timeline.Place, f func(*found) error) error {
	for len(places) > 0 {
		var seqs []int64
		n := 0
		for ; n < len(places); n++ {
			if k := len(seqs); k > 0 && seqs[k-1] == places[n].Seq {
				continue
			}
			if len(seqs) == framesAtOnce {
				break
			}
			seqs = append(seqs, places[n].Seq)
		}
		frames, err := s.Log.At(ctx, seqs...)
		if err != nil {
			return fmt.Errorf("timeline: reading frames: %w", err)
		}
		at := 0
		for _, p := range places[:n] {
			for at < len(frames) && frames[at].Seq != p.Seq {
				at++
			}
			if at < len(frames) && frames[at].Unreadable {
				if err := f(&found{place: p, received: time.UnixMicro(frames[at].Received).UTC()}); err != nil {
					return err
				}
				continue
			}
			if at == len(frames) || p.Index >= len(frames[at].Records) {
				return fmt.Errorf("timeline: the index names a record of frame %d that is not there: %w", p.Seq, thimble.ErrConflict)
			}
			if err := f(&found{place: p, record: &frames[at].Records[p.Index]}); err != nil {
				return err
			}
		}
		places = places[n:]
	}
	return nil
}

// Of returns a person's events, the newest first by when they came in: those before a place,
// all with the zero place, at most limit; 0 means all. It opens the parts of the categories,
// which the grant must be for; an event of which nothing opens is left out. The place that
// is returned is where the next page goes on, zero when there is nothing more.
func (s *Store) Of(ctx context.Context, g thimble.Grant, categories []thimble.Category, before timeline.Place, limit int) ([]timeline.Event, timeline.Place, error) {
	var all []timeline.Event
	var next timeline.Place
	err := s.each(ctx, g.Members(), before, func(f *found) (bool, error) {
		if limit > 0 && len(all) == limit {
			return false, nil
		}
		next = f.place
		if f.record == nil {
			return true, nil
		}
		e, err := openEvent(ctx, g, categories, f)
		if err == nil && e.Has() {
			all = append(all, e)
		}
		return true, err
	})
	if err != nil {
		return nil, timeline.Place{}, fmt.Errorf("timeline: reading events of a person: %w", err)
	}
	if limit <= 0 || len(all) < limit {
		next = timeline.Place{}
	}
	return all, next, nil
}

// each calls f with the records of some subjects, the newest first, until it says enough:
// first those of frames that are not indexed yet, then those that the index names.
func (s *Store) each(ctx context.Context, members []thimble.SubjectID, before timeline.Place, f func(*found) (bool, error)) error {
	places, upTo, err := s.indexed(ctx, members, before)
	if err != nil {
		return err
	}
	enough, err := s.tail(ctx, members, upTo, before, f)
	if err != nil || enough {
		return err
	}
	err = s.records(ctx, places, func(at *found) error {
		if at.record != nil && !slices.Contains(members, at.record.Subject) {
			return nil // it was compacted
		}
		more, err := f(at)
		if err == nil && !more {
			err = errEnough
		}
		return err
	})
	if errors.Is(err, errEnough) {
		return nil
	}
	return err
}

var errEnough = errors.New("timeline: enough")

// mostBehind bounds how many records a read goes through that are not indexed yet.
const mostBehind = 50_000

// tail calls f with the records that are not indexed yet, the newest first. When they are
// too many to be gone through for one person, that is an error of kind ErrUnavailable: an
// answer without them would be false.
func (s *Store) tail(ctx context.Context, members []thimble.SubjectID, indexed int64, before timeline.Place, f func(*found) (bool, error)) (enough bool, err error) {
	var held []found
	for at, passed := indexed, 0; ; {
		frames, err := s.Log.After(ctx, at, readAhead)
		if err != nil {
			return false, fmt.Errorf("reading what is not indexed yet: %w", err)
		}
		if len(frames) == 0 {
			break
		}
		for i := range frames {
			at = frames[i].Seq
			if passed += len(frames[i].Records); passed > s.MostBehind {
				return false, fmt.Errorf("timeline: the index is more than %d events behind the log; it catches up: %w", s.MostBehind, thimble.ErrUnavailable)
			}
			for k := range frames[i].Records {
				p := timeline.Place{Seq: at, Index: k}
				if r := &frames[i].Records[k]; slices.Contains(members, r.Subject) && (before.IsZero() || p.Before(before)) {
					held = append(held, found{place: p, record: r})
				}
			}
		}
	}
	for i := range slices.Backward(held) {
		more, err := f(&held[i])
		if err != nil || !more {
			return true, err
		}
	}
	return false, nil
}

// openEvent opens what a grant opens of a record.
func openEvent(ctx context.Context, g thimble.Grant, categories []thimble.Category, f *found) (timeline.Event, error) {
	e := timeline.NewEvent(f.place.Seq, f.place.Index, f.record)
	for i := range f.record.Parts {
		p := &f.record.Parts[i]
		if !slices.ContainsFunc(categories, p.Category.Within) {
			continue
		}
		plain, err := g.Open(ctx, frame.PartCell(f.record, p.Category), p.Sealed)
		if err != nil && refused(err) && alive(ctx, g) {
			e.Absent = append(e.Absent, p.Category) // its key has expired
			continue
		}
		if err != nil {
			return e, err
		}
		e.Opened(p.Category, plain)
	}
	return e, nil
}

// alive reports whether a grant still holds, so that it was the key that was missing.
func alive(ctx context.Context, g thimble.Grant) bool {
	live, ok := g.(interface{ Live(context.Context) error })
	return !ok || live.Live(ctx) == nil
}

// ProfileCategories are those that a profile is made of.
func ProfileCategories() []thimble.Category {
	return []thimble.Category{browsing, searching, thimble.PurchaseHistory, returning, thimble.Country, language}
}

// A row of months, as it lies there.
type row struct {
	who                   thimble.SubjectID
	category              thimble.Category
	month                 int64
	interactions, profile []byte
}

// rows returns somebody's months, and up to which frame they are built.
func (s *Store) rows(ctx context.Context, members []thimble.SubjectID) (all []row, built int64, err error) {
	if len(members) == 1 { // as nearly everybody is: one statement is a snapshot
		err = s.View.Ask(ctx, func(found sqldb.Row) error {
			var category sql.NullString
			var month sql.NullInt64
			r := row{who: members[0]}
			if err := found.Scan(&built, &category, &month, &r.interactions, &r.profile); err != nil || !category.Valid {
				return err
			}
			r.category, r.month = thimble.Category(category.String), month.Int64
			all = add(all, r)
			return nil
		}, `select coalesce(c.seq, 0), m.category, m.month, m.interactions, m.profile from (select 1 as one) as o
			left join `+s.view.table+` c on c.name = $1 left join collect_months m on m.subject_id = $2 order by m.category, m.month, m.part`, s.view.name, members[0][:])
		return all, built, err
	}
	err = s.View.Read(ctx, func(tx *sqldb.Tx) error {
		all = nil
		if built, err = s.view.position(ctx, tx); err != nil {
			return err
		}
		for _, m := range members {
			found, err := rowsOf(ctx, tx, m)
			if err != nil {
				return err
			}
			all = append(all, found...)
		}
		return nil
	})
	return all, built, err
}

func rowsOf(ctx context.Context, tx *sqldb.Tx, who thimble.SubjectID) (all []row, err error) {
	found, err := tx.Query(ctx, monthsOf+` order by category, month, part`, who[:])
	if err != nil {
		return nil, err
	}
	return scanRows(found, who)
}

const monthsOf = `select category, month, interactions, profile from collect_months where subject_id = $1`

// scanRows reads and closes rows, in the order of months and parts. The parts of a month become
// one: they lie one behind the other in any case.
func scanRows(found *sql.Rows, who thimble.SubjectID) (all []row, err error) {
	defer found.Close()
	for found.Next() {
		r := row{who: who}
		if err := found.Scan(&r.category, &r.month, &r.interactions, &r.profile); err != nil {
			return nil, err
		}
		all = add(all, r)
	}
	return all, found.Err()
}

func add(all []row, r row) []row {
	if n := len(all); n > 0 && all[n-1].category == r.category && all[n-1].month == r.month {
		all[n-1].interactions = append(all[n-1].interactions, r.interactions...)
		all[n-1].profile = append(all[n-1].profile, r.profile...)
		return all
	}
	return append(all, r)
}

// Interactions returns what a person touched, as far as the grant's categories reach: what
// is built, and what is not yet, unless very much waits; then its newest are missing for a
// moment.
func (s *Store) Interactions(ctx context.Context, g thimble.Grant) (sum timeline.Interactions, err error) {
	months, err := s.months(ctx, g, func(r *row, m *month) (err error) {
		m.interactions, err = openInteractions(ctx, g, monthCell(r.who, r.category, r.month, "interactions"), r.interactions)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("timeline: reading interactions of a person: %w", err)
	}
	for i := range months {
		sum = sum.Join(months[i].interactions.Bounded())
	}
	return sum, nil
}

// Profile returns when a person was here and what for, for a grant of [ProfileCategories]. It
// reaches as far as Interactions.
func (s *Store) Profile(ctx context.Context, g thimble.Grant) (sum timeline.Profile, err error) {
	months, err := s.months(ctx, g, func(r *row, m *month) (err error) {
		m.profile, err = openProfile(ctx, g, monthCell(r.who, r.category, r.month, "profile"), r.profile)
		return err
	})
	if err != nil {
		return sum, fmt.Errorf("timeline: reading the profile of a person: %w", err)
	}
	for i := range months {
		sum = sum.Join(months[i].profile)
	}
	return sum, nil
}

// months returns a person's months as they will be when everything is built in. What a grant
// does not open of them is left out.
func (s *Store) months(ctx context.Context, g thimble.Grant, open func(*row, *month) error) ([]month, error) {
	rows, built, err := s.rows(ctx, g.Members())
	if err != nil {
		return nil, err
	}
	fresh, err := s.unbuilt(ctx, g, built)
	if err != nil {
		return nil, err
	}
	var all []month
	for i := range rows {
		r, m := &rows[i], month{category: rows[i].category, number: rows[i].month}
		err := open(r, &m)
		if err != nil && refused(err) && alive(ctx, g) {
			continue // its key has expired, or the grant is for less
		}
		if err != nil {
			return nil, err
		}
		if f := fresh[r.who].take(r.category, r.month); f != nil {
			m.interactions, m.profile = m.interactions.Join(f.interactions), m.profile.Join(f.profile)
		}
		all = append(all, m)
	}
	for _, p := range fresh {
		all = append(all, p.months...)
	}
	return all, nil
}

// take returns what a batch adds to a category and month, which the batch has no more.
func (p *person) take(c thimble.Category, number int64) *month {
	if p == nil {
		return nil
	}
	i := slices.IndexFunc(p.months, func(m month) bool { return m.category == c && m.number == number })
	if i < 0 {
		return nil
	}
	m := p.months[i]
	p.months = slices.Delete(p.months, i, i+1)
	return &m
}

// Demand returns how often things happened to products from a day on and before another,
// in days since 1970.
func (s *Store) Demand(ctx context.Context, from, before int32) (all []timeline.Demand, err error) {
	err = s.View.Read(ctx, func(tx *sqldb.Tx) error {
		all = nil
		rows, err := tx.Query(ctx, `select day, event, item, n from collect_demand where day >= $1 and day < $2 order by day, event, item`, from, before)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var d timeline.Demand
			if err := rows.Scan(&d.Day, &d.Event, &d.Item, &d.N); err != nil {
				return err
			}
			all = append(all, d)
		}
		return rows.Err()
	})
	if err != nil {
		return nil, fmt.Errorf("timeline: reading demand: %w", err)
	}
	return all, nil
}
