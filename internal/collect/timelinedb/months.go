package timelinedb

import (
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"

	"thimble"
	"thimble/internal/collect/frame"
	"thimble/internal/collect/timeline"
	"thimble/internal/gate"
	"thimble/internal/sqldb"
)

// monthCell returns the cell of a part of a month's row. It is sealed with that month's key
// of the events, and goes when that expires.
func monthCell(who thimble.SubjectID, c thimble.Category, month int64, column string) thimble.Cell {
	return thimble.Cell{
		Owner: who, Table: "collect_months", Column: column, Row: binary.BigEndian.AppendUint64(nil, uint64(month)),
		Category: c, Class: frame.Class, At: timeline.MonthTime(month),
	}
}

// sealPart seals what is put behind the others in a column: its length, then the bytes. It
// returns nil when the person's key is gone.
func (s *Store) sealPart(ctx context.Context, plain []byte, c thimble.Cell) ([]byte, error) {
	sealed, err := s.Keys.Seal(ctx, c, plain)
	if errors.Is(err, thimble.ErrNotFound) || err != nil && refused(err) {
		return nil, nil // they were erased, or the month has expired
	}
	if err != nil {
		return nil, fmt.Errorf("timeline: sealing %s: %w", c.Column, err)
	}
	return append(binary.AppendUvarint(make([]byte, 0, len(sealed)+3), uint64(len(sealed))), sealed...), nil
}

var errParts = fmt.Errorf("timeline: a column that holds no sealed parts: %w", thimble.ErrInvalid)

// openParts opens what a column holds, part by part.
func openParts(ctx context.Context, g thimble.Grant, c thimble.Cell, column []byte, f func(plain []byte) error) error {
	for len(column) > 0 {
		size, n := binary.Uvarint(column)
		if n <= 0 || size > uint64(len(column)-n) {
			return errParts
		}
		plain, err := g.Open(ctx, c, column[n:n+int(size)])
		if err != nil {
			return err
		}
		if err := f(plain); err != nil {
			return err
		}
		column = column[n+int(size):]
	}
	return nil
}

// openInteractions opens and adds up a column of interactions.
func openInteractions(ctx context.Context, g thimble.Grant, c thimble.Cell, column []byte) (sum timeline.Interactions, err error) {
	err = openParts(ctx, g, c, column, func(plain []byte) error {
		some, err := timeline.DecodeInteractions(plain)
		sum = sum.Join(some)
		return err
	})
	return sum.Bounded(), err
}

func openProfile(ctx context.Context, g thimble.Grant, c thimble.Cell, column []byte) (sum timeline.Profile, err error) {
	err = openParts(ctx, g, c, column, func(plain []byte) error {
		some, err := timeline.DecodeProfile(plain)
		sum = sum.Join(some)
		return err
	})
	return sum, err
}

// A writer has the statements of one transaction.
type writer struct {
	store             *Store
	tx                *sqldb.Tx
	post, month, sale *sql.Stmt
}

// joined is SQL that puts new bytes behind those of a column. SQLite joins blobs to a text
// of the same bytes.
func joined(e sqldb.Engine, table, column string) string {
	text := table + "." + column + " || excluded." + column
	if e == sqldb.SQLite {
		return "cast(" + text + " as blob)"
	}
	return text
}

func newWriter(ctx context.Context, s *Store, tx *sqldb.Tx) (w *writer, err error) {
	w = &writer{store: s, tx: tx}
	e := tx.Engine()
	if w.post, err = tx.Prepare(ctx, `insert into collect_postings (subject_id, block, body) values ($1, $2, $3)
		on conflict (subject_id, block) do update set body = `+joined(e, "collect_postings", "body")); err != nil {
		return nil, err
	}
	w.month, err = tx.Prepare(ctx, `insert into collect_months (subject_id, category, month, part, interactions, profile) values ($1, $2, $3, 1, $4, $5)
		on conflict (subject_id, category, month, part) do update set interactions = `+joined(e, "collect_months", "interactions")+`, profile = `+joined(e, "collect_months", "profile"))
	if err == nil {
		w.sale, err = tx.Prepare(ctx, `insert into collect_demand (day, event, item, n) values ($1, $2, $3, $4)
			on conflict (day, event, item) do update set n = collect_demand.n + excluded.n`)
	}
	if err != nil {
		w.close()
	}
	return w, err
}

func (w *writer) close() {
	for _, s := range []*sql.Stmt{w.post, w.month, w.sale} {
		if s != nil {
			_ = s.Close() // it goes with its transaction
		}
	}
}

// foldEvery is how many parts a column has on average when they are put together. Whether it
// is done is drawn: to ask how many there are costs as much as to write one.
const foldEvery = 32

func (w *writer) months(ctx context.Context, who thimble.SubjectID, p *person) error {
	for i := range p.months {
		m := &p.months[i]
		if m.sealedInteractions == nil && m.sealedProfile == nil {
			continue
		}
		if _, err := w.month.ExecContext(ctx, who[:], string(m.category), m.number, nonNil(m.sealedInteractions), nonNil(m.sealedProfile)); err != nil {
			return fmt.Errorf("writing a month: %w", err)
		}
		if rand.IntN(foldEvery) == 0 {
			if err := w.fold(ctx, who, p, m.category, m.number); err != nil {
				return err
			}
		}
	}
	return nil
}

func nonNil(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}

// single reports whether a column holds one part at most.
func single(column []byte) bool {
	size, n := binary.Uvarint(column)
	return len(column) == 0 || n > 0 && size == uint64(len(column)-n)
}

// fold puts what was added to a month together with the rest, by the grants under which
// something was added to it just now: one part of each column is left. What they do not open
// stays as it is.
func (w *writer) fold(ctx context.Context, who thimble.SubjectID, p *person, c thimble.Category, number int64) error {
	r, err := w.row(ctx, who, c, number)
	if err != nil {
		return err
	}
	interactions, profile := r.interactions, r.profile
	one := []month{{category: c, number: number}}
	m := &one[0]
	any := w.store.anyGrant(p, c)
	if any == nil || single(interactions) && single(profile) {
		return nil
	}
	if m.profile, err = openProfile(ctx, any, monthCell(who, c, number, "profile"), profile); err == nil && len(interactions) > 0 && p.grants[0] != nil {
		m.interactions, err = openInteractions(ctx, p.grants[0], monthCell(who, c, number, "interactions"), interactions)
	}
	if err != nil {
		if refused(err) {
			return nil // they have changed their mind just now; what follows is looked at when this is written
		}
		return fmt.Errorf("timeline: putting a month of a person together: %w", err)
	}
	if err := w.store.sealMonths(ctx, who, one); err != nil {
		return err
	}
	if len(m.interactions) == 0 {
		m.sealedInteractions = interactions
	}
	_, err = w.tx.Exec(ctx, `insert into collect_months (subject_id, category, month, part, interactions, profile) values ($1, $2, $3, 0, $4, $5)
		on conflict (subject_id, category, month, part) do update set interactions = excluded.interactions, profile = excluded.profile`,
		who[:], string(c), number, nonNil(m.sealedInteractions), nonNil(m.sealedProfile))
	if err == nil {
		_, err = w.tx.Exec(ctx, `delete from collect_months where subject_id = $1 and category = $2 and month = $3 and part = 1`, who[:], string(c), number)
	}
	return err
}

// row returns a month as it is in the transaction.
func (w *writer) row(ctx context.Context, who thimble.SubjectID, c thimble.Category, number int64) (row, error) {
	found, err := w.tx.Query(ctx, monthsOf+` and category = $2 and month = $3 order by part`, who[:], string(c), number)
	if err != nil {
		return row{}, err
	}
	all, err := scanRows(found, who)
	if err != nil || len(all) == 0 {
		return row{}, err
	}
	return all[0], nil
}

// anyGrant returns one of the batch's grants for a person that opens a category, nil for
// none.
func (s *Store) anyGrant(p *person, c thimble.Category) *gate.Grant {
	for use, u := range s.uses() {
		if p.grants[use] != nil && u.has(c) {
			return p.grants[use]
		}
	}
	return nil
}

// demand adds the tally, in one order.
func (w *writer) demand(ctx context.Context, tally timeline.Tally) error {
	for _, d := range tally.Sorted() {
		if _, err := w.sale.ExecContext(ctx, d.Day, d.Event, d.Item, d.N); err != nil {
			return fmt.Errorf("counting demand: %w", err)
		}
	}
	return nil
}
