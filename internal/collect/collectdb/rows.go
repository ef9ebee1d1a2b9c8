package collectdb

import (
	"context"
	"errors"
	"fmt"
	"maps"

	"thimble"
	"thimble/internal/catalog"
	"thimble/internal/collect"
	"thimble/internal/sqldb"
)

// An outcome is what becomes of a batch.
type outcome struct {
	add     collect.Counts
	rejects []collect.Reject // rows that were read and cannot be taken
}

func (o *outcome) reject(line int64, why collect.Reason) {
	o.rejects = append(o.rejects, collect.Reject{Line: line, Reason: why})
	o.add.Rejected++
	o.add.Reasons[why]++
}

// A writer writes what was prepared. It may be called again when its transaction is.
type writer func(ctx context.Context, tx *sqldb.Tx, o *outcome) error

// prepare looks people up, makes keys and seals, outside of the transaction.
func (r *run) prepare(ctx context.Context, b collect.Batch) (writer, error) {
	switch r.kind {
	case collect.Customers:
		return r.customers(ctx, b.People)
	case collect.Products:
		return r.goods(b.Goods), nil
	case collect.Stock:
		return r.levels(b.Levels), nil
	case collect.Reviews:
		return r.reviews(ctx, b.Reviews)
	case collect.Consents:
		return r.choices(ctx, b.Choices)
	}
	return nil, fmt.Errorf("collect: no rows of kind %s: %w", r.kind, thimble.ErrInvalid)
}

// saveRows writes a batch of rows that are one thing each.
func (r *run) saveRows(ctx context.Context, b collect.Batch) error {
	write, err := r.prepare(ctx, b)
	if err == nil {
		err = r.db.Write(ctx, func(tx *sqldb.Tx) error {
			at, err := r.due(ctx, tx, b)
			if err != nil {
				return err
			}
			o := &outcome{add: rejected(b)}
			o.add.Reasons = maps.Clone(o.add.Reasons)
			if err := write(ctx, tx, o); err != nil {
				return err
			}
			if err := r.reject(ctx, tx, at, merged(b.Rejects, o.rejects)); err != nil {
				return err
			}
			return r.advance(ctx, tx, at, b, o.add)
		})
	}
	// A person who was erased while we looked is not there when we look again.
	if errors.Is(err, thimble.ErrNotFound) {
		err = fmt.Errorf("%w (%w)", err, thimble.ErrConflict)
	}
	if err != nil {
		return fmt.Errorf("collect: writing lines %d to %d: %w", b.From+1, b.To, err)
	}
	return nil
}

// merged puts two lists of rejected rows into the order of their lines, each line once.
func merged(a, b []collect.Reject) []collect.Reject {
	all := make([]collect.Reject, 0, len(a)+len(b))
	for len(a) > 0 || len(b) > 0 {
		from := &a
		if len(a) == 0 || len(b) > 0 && b[0].Line < a[0].Line {
			from = &b
		}
		if one := (*from)[0]; len(all) == 0 || all[len(all)-1].Line != one.Line {
			all = append(all, one)
		}
		*from = (*from)[1:]
	}
	return all
}

func (r *run) goods(goods []collect.Good) writer {
	now := r.now().UTC()
	products := make([]catalog.Product, len(goods))
	for i, g := range goods {
		if products[i] = g.Product; g.Product.UpdatedAt.IsZero() {
			products[i].UpdatedAt = now
		}
	}
	return func(ctx context.Context, tx *sqldb.Tx, o *outcome) error {
		o.add.Written = int64(len(products))
		return r.parts.Catalogue.Upsert(ctx, tx, products)
	}
}

func (r *run) levels(levels []collect.Level) writer {
	now := r.now().UTC()
	stock := make([]catalog.Stock, len(levels))
	for i, l := range levels {
		if stock[i] = l.Stock; l.Stock.At.IsZero() {
			stock[i].At = now
		}
	}
	return func(ctx context.Context, tx *sqldb.Tx, o *outcome) error {
		o.add.Written = int64(len(stock))
		return r.parts.Catalogue.SetStock(ctx, tx, stock)
	}
}
