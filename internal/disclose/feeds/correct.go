package feeds

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"slices"

	"thimble"
	"thimble/internal/disclose"
	"thimble/internal/disclose/disclosedb"
	"thimble/internal/order"
)

// Corrected is what a recipient of orders is told when one of them was corrected: the order
// as it is now, or its number when it is not the person's any more. It is nothing when the
// feed has not come to the order, so that a correction is not the first to send it. What a
// recipient was not sent of one order, because nothing might be used then, may go with its
// correction.
func (r Runner) Corrected(ctx context.Context, recipient thimble.ID, g thimble.Grant, who thimble.SubjectID, id thimble.ID, fields []disclose.Field) (made disclosedb.Amended, err error) {
	kept, number, err := r.Orders.Recorded(ctx, id)
	if errors.Is(err, thimble.ErrNotFound) {
		return made, nil
	}
	if err != nil {
		return made, err
	}
	sent, err := r.passed(ctx, recipient, kept)
	if err != nil || !sent {
		return made, err
	}
	if kept.Subject != who {
		if kept.Subject.IsZero() {
			made.Gone = []disclose.Row{{"order": disclose.Alias{Kind: "order", Value: number}}}
		}
		return made, nil
	}
	all := []order.Sealed{kept}
	if slices.ContainsFunc(fields, func(f disclose.Field) bool { return f.Name == "return" }) {
		beside, err := r.Orders.Beside(ctx)
		if err != nil && !errors.Is(err, thimble.ErrNotFound) {
			return made, err
		}
		if err == nil && beside.Subject == who {
			all = append(all, beside) // what was sent back of it, for who can tell it from the order
		}
	}
	for _, sealed := range all {
		o, err := order.Open(ctx, g, sealed)
		if err != nil {
			return made, err
		}
		row := orderRow(o)
		if sealed.ID != kept.ID { // which has the order's number, and is not the order
			row["order"] = disclose.Alias{Kind: "order", Value: sealed.ID.Token(order.TokenPrefix)}
		}
		made.Right = append(made.Right, row)
	}
	return made, nil
}

// passed reports whether the feed of a recipient has come to an order.
func (r Runner) passed(ctx context.Context, recipient thimble.ID, o order.Sealed) (bool, error) {
	a, err := r.Outbox.InForce(ctx, recipient)
	if err != nil || a == nil || o.PlacedAt.Before(a.Agreement.From) {
		return false, err
	}
	all, err := r.Outbox.Subscriptions(ctx)
	if err != nil {
		return false, err
	}
	for _, f := range all {
		if f.Recipient != recipient || f.Feed != disclose.OrderFeed {
			continue
		}
		batch, last, err := parsePosition(f.Position)
		return cmp.Or(cmp.Compare(o.Batch, batch), bytes.Compare(o.ID[:], last[:])) <= 0, err
	}
	return false, nil
}
