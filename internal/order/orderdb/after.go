package orderdb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"thimble"
	"thimble/internal/order"
	"thimble/internal/sqldb"
)

// After returns orders of people in the order in which they were recorded: those behind
// a batch and an id of it that were placed since an instant, at most limit. None that is
// recorded later is missed by who goes on behind the last one. Guests' orders are left out.
func (s *Store) After(ctx context.Context, batch int64, id thimble.ID, placed time.Time, limit int) (found []order.Sealed, err error) {
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		found = nil
		return tx.Each(ctx, func(rows sqldb.Row) error {
			var o order.Sealed
			var at int64
			err := rows.Scan(&o.ID, &o.Subject, &at, &o.Direction, &o.Batch, &o.Body)
			o.PlacedAt = time.UnixMicro(at).UTC()
			found = append(found, o)
			return err
		}, `select id, subject_id, placed_at, direction, batch, body from order_orders
			where subject_id is not null and (batch, id) > ($1, $2) and placed_at >= $3 order by batch, id limit $4`, batch, id[:], placed.UnixMicro(), limit)
	})
	if err != nil {
		return nil, fmt.Errorf("order: reading what was recorded: %w", err)
	}
	return found, nil
}

// Recorded returns an order, whoever's it is, and the number of one that is nobody's: who was
// told of it under that number is told that it is not theirs.
func (s *Store) Recorded(ctx context.Context, id thimble.ID) (o order.Sealed, number string, err error) {
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		var at int64
		err := tx.QueryRow(ctx, `select id, subject_id, placed_at, direction, batch, body from order_orders where id = $1`, id).Scan(&o.ID, &o.Subject, &at, &o.Direction, &o.Batch, &o.Body)
		o.PlacedAt = time.UnixMicro(at).UTC()
		return err
	})
	if errors.Is(err, sql.ErrNoRows) {
		err = thimble.ErrNotFound
	}
	if err == nil && o.Subject.IsZero() {
		var whole order.Order
		whole, err = order.Unseal(ctx, s.opener, o)
		number = whole.Number
	}
	if err != nil {
		return o, "", fmt.Errorf("order: reading %s: %w", id.Token(order.TokenPrefix), err)
	}
	return o, number, nil
}
