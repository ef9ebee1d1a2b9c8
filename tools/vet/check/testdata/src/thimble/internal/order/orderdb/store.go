// Package orderdb owns its table: nothing here is a finding but what is marked.
package orderdb

import (
	"context"
	"iter"

	"thimble"
	"thimble/internal/gate"
	"thimble/internal/order"
)

type DB interface {
	Query(ctx context.Context, q string, args ...any) error
}

type Store struct{ db DB }

type opener interface {
	Open(ctx context.Context, c thimble.Cell, sealed []byte) ([]byte, error)
}

// look-alike: the owner reads its own sealed column, and returns it sealed.
func (s *Store) Of(ctx context.Context, who thimble.SubjectID) ([]order.Sealed, error) {
	return nil, s.db.Query(ctx, `select id, body from order_orders where subject_id = $1`, who)
}

// look-alike: opened for a grant.
func (s *Store) Opened(ctx context.Context, g thimble.Grant) ([]order.Order, error) { return nil, nil }

// look-alike: opened for a request.
func (s *Store) For(ctx context.Context, r gate.Request) (order.Order, error) {
	return order.Order{}, nil
}

// look-alike: a holder's export is the person's own right.
func (s *Store) Export(ctx context.Context, who thimble.SubjectID) iter.Seq2[thimble.Datum, error] {
	return nil
}

// look-alike: not exported.
func (s *Store) one(ctx context.Context) (order.Order, error) { return order.Order{}, nil }

func (s *Store) Get(ctx context.Context, id thimble.ID) (order.Order, error) { // want "Store.Get returns an opened order.Order and is told no purpose"
	return order.Order{}, nil
}

func (s *Store) All(ctx context.Context) iter.Seq2[*order.Order, error] { // want "Store.All returns an opened order.Order"
	return nil
}

func Index(ctx context.Context) (map[thimble.ID][]order.Order, error) { // want "Index returns an opened order.Order"
	return nil, nil
}

type Page struct {
	Orders []order.Order
	Next   string
}

func (s *Store) Page(ctx context.Context, after string) (Page, error) { // want "Store.Page returns an opened order.Order"
	return Page{}, nil
}

func (s *Store) Exported(ctx context.Context, who thimble.SubjectID) ([]thimble.Datum, error) { // want "Store.Exported returns a thimble.Datum"
	return nil, nil
}

func (s *Store) Who(ctx context.Context, id thimble.ID) (thimble.Personal[string], error) { // want "Store.Who returns a thimble.Personal"
	return thimble.Personal[string]{}, nil
}

func (s *Store) Stream(ctx context.Context) (<-chan order.Order, error) { // want "Store.Stream returns an opened order.Order"
	return nil, nil
}
