package disclosedb

import (
	"context"
	"fmt"
	"time"

	"thimble"
	"thimble/internal/disclose"
	"thimble/internal/sqldb"
)

// A Subscription is a feed that a recipient gets, and how far it has got.
type Subscription struct {
	Recipient thimble.ID
	Feed      string
	Position  string // of the source; "" before the first run
	RanAt     time.Time
}

// Subscribe gives a recipient a feed from now on.
func (s *Store) Subscribe(ctx context.Context, recipient thimble.ID, feed, staff string) error {
	if !has(disclose.Feeds, feed) {
		return &disclose.FieldError{Field: "feed", Rule: "orders or catalogue"}
	}
	return s.change(ctx, recipient, Act{Recipient: recipient, Act: "feed of " + feed + " begun", Staff: staff}, func(tx *sqldb.Tx, _ disclose.Recipient, _ time.Time) error {
		n, err := tx.Exec(ctx, `insert into disclose_feeds (recipient_id, feed, position, ran_at) values ($1, $2, '', 0) on conflict (recipient_id, feed) do nothing`, recipient, feed)
		if err == nil && n == 0 {
			err = fmt.Errorf("disclose: the recipient has the feed already: %w", thimble.ErrConflict)
		}
		return err
	})
}

// Unsubscribe ends a feed. Begun again, it begins from the start.
func (s *Store) Unsubscribe(ctx context.Context, recipient thimble.ID, feed, staff string) error {
	return s.change(ctx, recipient, Act{Recipient: recipient, Act: "feed of " + feed + " ended", Staff: staff}, func(tx *sqldb.Tx, _ disclose.Recipient, _ time.Time) error {
		n, err := tx.Exec(ctx, `delete from disclose_feeds where recipient_id = $1 and feed = $2`, recipient, feed)
		if err == nil && n == 0 {
			err = fmt.Errorf("disclose: the recipient has no such feed: %w", thimble.ErrNotFound)
		}
		return err
	})
}

func has[T comparable](list []T, want T) bool {
	for _, v := range list {
		if v == want {
			return true
		}
	}
	return false
}

// Subscriptions returns all feeds.
func (s *Store) Subscriptions(ctx context.Context) (all []Subscription, err error) {
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		all = nil
		rows, err := tx.Query(ctx, `select recipient_id, feed, position, ran_at from disclose_feeds order by recipient_id, feed`)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var f Subscription
			var at int64
			if err := rows.Scan(&f.Recipient, &f.Feed, &f.Position, &at); err != nil {
				return err
			}
			f.RanAt = instant(at)
			all = append(all, f)
		}
		return rows.Err()
	})
	if err != nil {
		return nil, fmt.Errorf("disclose: reading feeds: %w", err)
	}
	return all, nil
}

// Advance moves a feed from one position to the next, in the transaction that queues
// what lies between ([Disclosure.Also]). Of two runs that read the same, one fails with
// ErrConflict and queues nothing.
func (s *Store) Advance(ctx context.Context, tx *sqldb.Tx, f Subscription, to string) error {
	n, err := tx.Exec(ctx, `update disclose_feeds set position = $4, ran_at = $5 where recipient_id = $1 and feed = $2 and position = $3`, f.Recipient, f.Feed, f.Position, to, s.now().UnixMicro())
	if err == nil && n == 0 {
		err = fmt.Errorf("disclose: another run of the feed was quicker: %w", thimble.ErrConflict)
	}
	return err
}

// InForce returns the agreement in force with a recipient, nil for none.
func (s *Store) InForce(ctx context.Context, recipient thimble.ID) (a *disclose.Signed, err error) {
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error { a, err = inForce(ctx, tx, recipient); return err })
	return a, err
}
