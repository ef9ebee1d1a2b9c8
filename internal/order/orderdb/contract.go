package orderdb

import (
	"context"
	"fmt"
	"time"

	"thimble"
	"thimble/internal/sqldb"
	"thimble/internal/subject/subjectdb"
)

// records are what a hold keeps of orders.
var records = subjectdb.Records{What: "orders", Table: "order_orders", Category: thimble.PurchaseHistory, Subject: "order_orders.subject_id", At: "order_orders.placed_at"}

// Expire implements [thimble.Holder]: it deletes the orders of before, guests' too.
func (s *Store) Expire(ctx context.Context, c thimble.Category, before time.Time) (thimble.Erasure, error) {
	if !thimble.PurchaseHistory.Within(c) {
		return thimble.Erasure{}, nil
	}
	n, err := s.db.Drain(ctx, `delete from order_orders where id in (
		select id from order_orders where placed_at < $1 and `+records.Free()+` limit 1000)`, before.UnixMicro())
	e := thimble.Erasure{Erased: n}
	if err == nil {
		err = s.db.Read(ctx, func(tx *sqldb.Tx) (err error) {
			e.Kept, err = records.Kept(ctx, tx, `order_orders.placed_at < $1`, before.UnixMicro())
			return err
		})
	}
	if err != nil {
		err = fmt.Errorf("order: expiring orders: %w", err)
	}
	return e, err
}
