package orderdb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"thimble"
	"thimble/internal/order"
	"thimble/internal/sqldb"
)

// Keys seals orders and indexes their numbers: the vault does.
type Keys interface {
	thimble.Sealer
	// Index returns 16 bytes that only this installation can compute.
	Index(ctx context.Context, kind, value string) ([]byte, error)
}

// A Store keeps orders.
type Store struct {
	thimble.Static

	db     *sqldb.DB
	keys   Keys
	opener order.Opener
	epochs Epochs
}

// New returns the store on the core set. The opener opens a person's orders for
// that person's own export.
func New(db *sqldb.DB, keys Keys, opener order.Opener) *Store {
	return &Store{db: db, keys: keys, opener: opener}
}

// indexKind is the kind of the blind index of order numbers.
const indexKind = "order"

// The SQLite driver walks over all parameters for each: many small statements are
// faster than a few large ones.
const (
	rowsAtOnce    = 10 // of 7 columns each
	numbersAtOnce = 100
)

func placeholders(first, n int) string {
	var b strings.Builder
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteByte('$')
		b.WriteString(strconv.Itoa(first + i))
	}
	return b.String()
}

// Known reports for each number whether an order has it.
func (s *Store) Known(ctx context.Context, numbers []string) ([]bool, error) {
	known := make([]bool, len(numbers))
	indexes := make([][]byte, len(numbers))
	at := make(map[string][]int, len(numbers))
	for i, number := range numbers {
		index, err := s.keys.Index(ctx, indexKind, number)
		if err != nil {
			return nil, fmt.Errorf("order: indexing a number: %w", err)
		}
		indexes[i] = index
		at[string(index)] = append(at[string(index)], i)
	}
	err := s.db.Read(ctx, func(tx *sqldb.Tx) error {
		for chunk := range slices.Chunk(indexes, numbersAtOnce) {
			err := tx.Each(ctx, func(rows sqldb.Row) error {
				var index []byte
				err := rows.Scan(&index)
				for _, i := range at[string(index)] {
					known[i] = true
				}
				return err
			}, `select number_index from order_orders where number_index in (`+placeholders(1, len(chunk))+`)`, anys(chunk)...)
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("order: looking up %d numbers: %w", len(numbers), err)
	}
	return known, nil
}

func anys[T any](all []T) []any {
	args := make([]any, len(all))
	for i, v := range all {
		args[i] = v
	}
	return args
}

// A Draft is an order sealed and ready to be added.
type Draft struct {
	sealed order.Sealed
	index  []byte
}

// Sealed returns the order as it will lie in the database.
func (d Draft) Sealed() order.Sealed { return d.sealed }

// Draft seals orders, each under its owner's key, which must be there.
func (s *Store) Draft(ctx context.Context, orders []order.Order) ([]Draft, error) {
	drafts := make([]Draft, len(orders))
	for i, o := range orders {
		if o.ID.IsZero() {
			return nil, fmt.Errorf("order: drafting: an id must be given: %w", thimble.ErrInvalid)
		}
		body, err := order.Encode(o)
		if err != nil {
			return nil, err
		}
		d := Draft{sealed: order.Sealed{ID: o.ID, Subject: o.Subject, PlacedAt: o.PlacedAt, Direction: o.Direction()}}
		if d.sealed.Body, err = s.keys.Seal(ctx, d.sealed.Cell(), body); err != nil {
			return nil, fmt.Errorf("order: sealing %s: %w", o.ID.Token("ord"), err)
		}
		if d.index, err = s.keys.Index(ctx, indexKind, o.Number); err != nil {
			return nil, fmt.Errorf("order: indexing %s: %w", o.ID.Token("ord"), err)
		}
		drafts[i] = d
	}
	return drafts, nil
}

const columns = 7

// Add writes drafts. The error is of kind ErrConflict when an order with such a
// number is there already; the transaction cannot go on then.
func (s *Store) Add(ctx context.Context, tx *sqldb.Tx, drafts []Draft) error {
	if len(drafts) == 0 {
		return nil
	}
	// The row of the counter is locked until the transaction ends: batches commit in the
	// order of their numbers, and who has read up to one has missed none before it.
	var batch int64
	err := tx.QueryRow(ctx, `insert into order_batches (id, last) values (1, 1) on conflict (id) do update set last = order_batches.last + 1 returning last`).Scan(&batch)
	if err != nil {
		return fmt.Errorf("order: numbering a batch: %w", err)
	}
	for chunk := range slices.Chunk(drafts, rowsAtOnce) {
		query := strings.Builder{}
		query.WriteString(`insert into order_orders (id, subject_id, number_index, placed_at, direction, batch, body) values `)
		args := make([]any, 0, columns*len(chunk))
		for i, d := range chunk {
			if i > 0 {
				query.WriteByte(',')
			}
			query.WriteString("(" + placeholders(columns*i+1, columns) + ")")
			args = append(args, d.sealed.ID, d.sealed.Subject, d.index, d.sealed.PlacedAt.UnixMicro(), int64(d.sealed.Direction), batch, d.sealed.Body)
		}
		if _, err := tx.Exec(ctx, query.String(), args...); err != nil {
			return fmt.Errorf("order: adding %d orders: %w", len(drafts), err)
		}
	}
	return nil
}

// LastBatch returns the number of the last batch of orders that was added; 0 for none.
func (s *Store) LastBatch(ctx context.Context) (last int64, err error) {
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		return tx.QueryRow(ctx, `select coalesce(max(last), 0) from order_batches`).Scan(&last)
	})
	if err != nil {
		return 0, fmt.Errorf("order: reading the last batch: %w", err)
	}
	return last, nil
}

const selectSealed = `select id, placed_at, direction, batch, body from order_orders `

// scanSealed reads rows of selectSealed, which are all of one subject.
func scanSealed(into *[]order.Sealed, of thimble.SubjectID) func(sqldb.Row) error {
	return func(rows sqldb.Row) error {
		o := order.Sealed{Subject: of}
		var at int64
		err := rows.Scan(&o.ID, &at, &o.Direction, &o.Batch, &o.Body)
		o.PlacedAt = time.UnixMicro(at).UTC()
		*into = append(*into, o)
		return err
	}
}

// Of returns the subject's orders, the newest first; limit 0 means all. Guests'
// orders belong to nobody and are not returned.
func (s *Store) Of(ctx context.Context, subject thimble.SubjectID, limit int) ([]order.Sealed, error) {
	if limit <= 0 {
		limit = 1 << 31
	}
	var found []order.Sealed
	err := s.db.Ask(ctx, scanSealed(&found, subject), selectSealed+`where subject_id = $1 order by placed_at desc, id desc limit $2`, subject, limit)
	if err != nil {
		return nil, fmt.Errorf("order: reading orders of a person: %w", err)
	}
	return found, nil
}

// Count returns how many orders there are, returns among them.
func (s *Store) Count(ctx context.Context) (int64, error) {
	t, err := s.Totals(ctx)
	return t.Orders, err
}

// Totals counts without opening anything.
type Totals struct {
	Orders   int64 // returns among them
	Guests   int64 // of the orders
	Subjects int64 // with an order
	First    time.Time
	Last     time.Time
}

// Totals returns the counts of all orders.
func (s *Store) Totals(ctx context.Context) (t Totals, err error) {
	var first, last sql.Null[int64]
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		return tx.QueryRow(ctx, `select count(*), count(*) - count(subject_id), count(distinct subject_id), min(placed_at), max(placed_at)
			from order_orders`).Scan(&t.Orders, &t.Guests, &t.Subjects, &first, &last)
	})
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return Totals{}, fmt.Errorf("order: counting: %w", err)
	}
	if first.Valid {
		t.First, t.Last = time.UnixMicro(first.V).UTC(), time.UnixMicro(last.V).UTC()
	}
	return t, nil
}
