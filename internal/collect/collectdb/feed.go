package collectdb

import (
	"context"
	"crypto/sha256"
	"fmt"

	"thimble"
	"thimble/internal/collect"
	"thimble/internal/sqldb"
)

// Feed implements [collect.Store].
func (s *Store) Feed(ctx context.Context, kind collect.Kind, feed string) (collect.Run, error) {
	source := sha256.Sum256([]byte("thimble feed\n" + string(kind) + "\n" + feed))
	r, err := s.Begin(ctx, kind, feed, source[:])
	if err != nil {
		return nil, err
	}
	one := r.(*run) // as Begin makes it
	one.feed = true
	err = s.db.Write(ctx, func(tx *sqldb.Tx) error {
		_, err := tx.Exec(ctx, `update collect_imports set feed = $2 where id = $1 and feed = ''`, one.id, feed)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("collect: opening a feed: %w", err)
	}
	return one, nil
}

// What became of a delivery.
const (
	Taken   = "taken"   // its rows are in
	Erased  = "erased"  // a request to forget somebody is open, or done
	Nobody  = "nobody"  // a request about nobody who is known
	Waits   = "waits"   // somebody of the staff has to act
	Done    = "done"    // they have
	Ignored = "ignored" // of a topic that is not collected
)

// A Delivery is one body of a feed.
type Delivery struct {
	Feed, Topic, Became string
	Digest              []byte // keyed hash of feed and body
	At                  int64  // UTC microseconds
}

// DigestOf is by what a delivery is known again: the installation's own hash of all of it.
func (s *Store) DigestOf(ctx context.Context, feed string, body []byte) ([]byte, error) {
	sum := sha256.Sum256(body)
	digest, err := s.parts.Keys.Index(ctx, "delivery", feed+"\x00"+string(sum[:]))
	if err != nil {
		return nil, fmt.Errorf("collect: naming a delivery: %w", err)
	}
	return digest, nil
}

// Delivered reports whether a delivery was taken before.
func (s *Store) Delivered(ctx context.Context, digest []byte) (was bool, err error) {
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		var n int
		err := tx.QueryRow(ctx, `select count(*) from collect_deliveries where digest = $1`, digest).Scan(&n)
		was = n > 0
		return err
	})
	if err != nil {
		return false, fmt.Errorf("collect: looking for a delivery: %w", err)
	}
	return was, nil
}

// Deliver notes a delivery, together with what follows from it, which says what became of
// it. It reports false, and does nothing, when the delivery is there already.
func (s *Store) Deliver(ctx context.Context, d Delivery, follows func(context.Context, *sqldb.Tx) (became string, err error)) (fresh bool, err error) {
	err = s.db.Write(ctx, func(tx *sqldb.Tx) error {
		n, err := tx.Exec(ctx, `insert into collect_deliveries (digest, feed, topic, at, became) values ($1, $2, $3, $4, $5) on conflict (digest) do nothing`,
			d.Digest, d.Feed, d.Topic, s.now().UnixMicro(), d.Became)
		fresh = n > 0
		if err != nil || !fresh || follows == nil {
			return err
		}
		became, err := follows(ctx, tx)
		if err == nil && became != d.Became {
			_, err = tx.Exec(ctx, `update collect_deliveries set became = $2 where digest = $1`, d.Digest, became)
		}
		return err
	})
	if err != nil {
		return false, fmt.Errorf("collect: noting a delivery of %s: %w", d.Feed, err)
	}
	return fresh, nil
}

// Waiting lists the deliveries for which somebody has to act, the oldest first.
func (s *Store) Waiting(ctx context.Context) (all []Delivery, err error) {
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		all = nil
		rows, err := tx.Query(ctx, `select digest, feed, topic, at, became from collect_deliveries where became = $1 order by at, digest limit 200`, Waits)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var d Delivery
			if err := rows.Scan(&d.Digest, &d.Feed, &d.Topic, &d.At, &d.Became); err != nil {
				return err
			}
			all = append(all, d)
		}
		return rows.Err()
	})
	if err != nil {
		return nil, fmt.Errorf("collect: listing what waits: %w", err)
	}
	return all, nil
}

// Settle notes that somebody has acted on a delivery. The error is of kind ErrNotFound when
// none waits.
func (s *Store) Settle(ctx context.Context, digest []byte) error {
	err := s.db.Write(ctx, func(tx *sqldb.Tx) error {
		n, err := tx.Exec(ctx, `update collect_deliveries set became = $2 where digest = $1 and became = $3`, digest, Done, Waits)
		if err == nil && n == 0 {
			err = thimble.ErrNotFound
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("collect: settling a delivery: %w", err)
	}
	return nil
}
