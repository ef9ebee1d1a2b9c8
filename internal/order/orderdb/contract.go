package orderdb

import (
	"context"
	"fmt"
	"time"

	"thimble"
)

// Expire implements [thimble.Holder]: it deletes the orders of before, guests' too.
func (s *Store) Expire(ctx context.Context, c thimble.Category, before time.Time) (thimble.Erasure, error) {
	if !thimble.PurchaseHistory.Within(c) {
		return thimble.Erasure{}, nil
	}
	n, err := s.db.Drain(ctx, `delete from order_orders where id in (
		select id from order_orders where placed_at < $1 limit 1000)`, before.UnixMicro())
	if err != nil {
		err = fmt.Errorf("order: expiring orders: %w", err)
	}
	return thimble.Erasure{Erased: n}, err
}
