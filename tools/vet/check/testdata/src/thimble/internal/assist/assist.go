// Package assist reads the tables of others.
package assist

import (
	"context"
	"fmt"

	"thimble"
	"thimble/internal/order"
	"thimble/internal/subject"
)

type DB interface {
	Query(ctx context.Context, q string, args ...any) error
}

const orders = "order_orders"

func Reads(ctx context.Context, db DB, table string, who thimble.SubjectID) {
	db.Query(ctx, `select body from order_orders where subject_id = $1`, who)               // want "SQL names the sealed column order_orders.body"
	db.Query(ctx, `SELECT o.* FROM order_orders o WHERE o.subject_id = $1`, who)            // want "SQL names the sealed column order_orders.body"
	db.Query(ctx, "select body from "+orders+" where subject_id = $1", who)                 // want "SQL names the sealed column order_orders.body"
	db.Query(ctx, "select body from "+table+" where id = $1", who)                          // want "SQL names the column body of a table that is only known"
	db.Query(ctx, fmt.Sprintf("select residence from %s where id = $1", table), who)        // want "SQL names the column residence of a table that is only known"
	db.Query(ctx, `update subject_subjects set residence = $1 where id = $2`, nil, who)     // want "SQL names the sealed column subject_subjects.residence"
	db.Query(ctx, `delete from gate_uses where subject_id = $1 returning opening`, who)     // want "SQL names the sealed column gate_uses.opening"
	db.Query(ctx, `select c.seq from consent_state c join consent_events e on e.body = $1`) // want "SQL names the sealed column consent_events.body"
	db.Query(ctx, fmt.Sprintf("select %s from order_orders", table))                        // want "SQL names the sealed column order_orders.body"
	db.Query(ctx, "select id, "+table+" from decision_decisions")                           // want "SQL names the sealed column decision_decisions.body"

	// look-alikes: a column in the clear, another table's body, and words.
	db.Query(ctx, `select count(*) from order_orders where placed_at > $1`, 0)
	db.Query(ctx, `select body from consent_notices where hash = $1`, nil)
	fmt.Sprint("the body of order_orders is sealed, and nobody reads it")
}

func Carries(ctx context.Context, g thimble.Grant, o order.Sealed, i subject.SealedIdentifier, out chan<- []byte) ([]byte, error) {
	out <- o.Body      // want "sealed bytes of order.Sealed go elsewhere"
	copied := i.Sealed // want "sealed bytes of subject.SealedIdentifier go elsewhere"
	_ = copied
	if len(i.Sealed) == 0 { // look-alike: a length
		return nil, nil
	}
	return g.Open(ctx, i.Cell, i.Sealed) // look-alike: into a grant
}
