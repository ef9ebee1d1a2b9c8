package collectdb

import (
	"context"
	"errors"
	"fmt"

	"thimble"
	"thimble/internal/collect"
	"thimble/internal/order"
	"thimble/internal/sqldb"
)

// Sell writes orders that came in one by one, as a sale's event says them: those whose
// number no order has, with their products and demand. What also writes is in the same
// transaction, even when no order is. Owners are subjects that are there already; the error
// is of kind ErrConflict when one was erased meanwhile, or when a number was taken.
func (s *Store) Sell(ctx context.Context, sales []collect.Sale, also func(context.Context, *sqldb.Tx) error) (kept int, err error) {
	fresh, err := s.unknown(ctx, sales)
	if err != nil {
		return 0, err
	}
	orders := make([]order.Order, len(fresh))
	owners := map[thimble.SubjectID]struct{}{}
	for i := range fresh {
		if fresh[i].Order.ID, err = thimble.NewID(s.rand); err != nil {
			return 0, err
		}
		orders[i] = fresh[i].Order
		owners[orders[i].Subject] = struct{}{}
	}
	drafts, err := s.parts.Orders.Draft(ctx, orders)
	if errors.Is(err, thimble.ErrNotFound) {
		err = fmt.Errorf("%w (%w)", err, thimble.ErrConflict) // the owner's key is gone
	}
	if err != nil {
		return 0, fmt.Errorf("collect: drafting %d orders: %w", len(orders), err)
	}
	err = s.db.Write(ctx, func(tx *sqldb.Tx) error {
		if err := s.touch(ctx, tx, owners); err != nil {
			return err
		}
		if err := s.parts.Orders.Add(ctx, tx, drafts); err != nil {
			return err
		}
		if err := s.parts.Catalogue.Upsert(ctx, tx, collect.Sold(fresh)); err != nil {
			return err
		}
		if err := s.parts.Catalogue.AddDemand(ctx, tx, collect.Demand(fresh)); err != nil {
			return err
		}
		return also(ctx, tx)
	})
	if err != nil {
		return 0, fmt.Errorf("collect: writing %d orders: %w", len(orders), err)
	}
	return len(orders), nil
}

// touch moves the owners' epochs: somebody who was erased must not get orders again.
func (s *Store) touch(ctx context.Context, tx *sqldb.Tx, owners map[thimble.SubjectID]struct{}) error {
	all := func(yield func(thimble.SubjectID) bool) {
		for who := range owners {
			if !who.IsZero() && !yield(who) {
				return
			}
		}
	}
	for _, who := range sorted(all) {
		if _, err := s.parts.People.Touch(ctx, tx, who); err != nil {
			if errors.Is(err, thimble.ErrNotFound) {
				err = fmt.Errorf("%w (%w)", err, thimble.ErrConflict)
			}
			return err
		}
	}
	return nil
}

// unknown returns the sales whose number no order has, the first of each.
func (s *Store) unknown(ctx context.Context, sales []collect.Sale) ([]collect.Sale, error) {
	numbers := make([]string, len(sales))
	for i := range sales {
		numbers[i] = sales[i].Order.Number
	}
	known, err := s.parts.Orders.Known(ctx, numbers)
	if err != nil {
		return nil, err
	}
	seen := map[string]bool{}
	var fresh []collect.Sale
	for i := range sales {
		if !known[i] && !seen[numbers[i]] {
			seen[numbers[i]] = true
			fresh = append(fresh, sales[i])
		}
	}
	return fresh, nil
}
