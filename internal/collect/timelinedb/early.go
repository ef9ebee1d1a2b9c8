package timelinedb

import (
	"context"
	"fmt"
	"slices"
	"time"

	"thimble"
	"thimble/internal/collect/timeline"
	"thimble/internal/gate"
	"thimble/internal/sqldb"
)

// What takes back an order whole and is here before the order waits for it: so long, and
// in so many frames. Only where it lies in the log is written down; who it is about and what
// it says stay there, and go with the person.
const (
	earlyFor  = 30 * 24 * time.Hour
	earlyMost = 1000
)

// An early is an event that takes back an order which is not there yet.
type early struct {
	grant *gate.Grant
	who   thimble.SubjectID
	what  timeline.What
	seq   int64
}

// again looks once more at what came before its order: of this batch, and, of people with an
// order in this batch, of those before.
func (b *selling) again(ctx context.Context) error {
	if len(b.bought) == 0 {
		return nil
	}
	fresh := b.early
	b.early = nil
	if err := b.waited(ctx); err != nil {
		return err
	}
	b.early = nil // they wait already
	for i := range fresh {
		e := &fresh[i]
		if err := b.sale(ctx, e.grant, e.who, &e.what, e.seq); err != nil {
			return err
		}
	}
	return nil
}

// waited looks at the frames that wait. What is an order already is known by its number,
// and not taken down twice.
func (b *selling) waited(ctx context.Context) error {
	seqs, err := b.store.waiting(ctx)
	if err != nil {
		return err
	}
	for chunk := range slices.Chunk(seqs, framesAtOnce) {
		frames, err := b.store.Log.At(ctx, chunk...)
		if err != nil {
			return fmt.Errorf("timeline: reading what came before its order: %w", err)
		}
		for i := range frames {
			for k := range frames[i].Records {
				r := &frames[i].Records[k]
				if !b.bought[r.Subject] {
					continue
				}
				if err := b.record(ctx, frames[i].Seq, k, r); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func (s *Store) waiting(ctx context.Context) (seqs []int64, err error) {
	err = s.Core.Read(ctx, func(tx *sqldb.Tx) (err error) {
		seqs, err = sqldb.Column[int64](ctx, tx, `select seq from collect_early where since >= $1 order by seq`, s.Now().Add(-earlyFor).UnixMicro())
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("timeline: looking for what came before its order: %w", err)
	}
	return seqs, nil
}

// wait writes down where that lies which came before its order, and forgets what has waited
// long enough, and the oldest of too many.
func (b *selling) wait(ctx context.Context, tx *sqldb.Tx) error {
	now := b.store.Now()
	for i := range b.early {
		if _, err := tx.Exec(ctx, `insert into collect_early (seq, since) values ($1, $2) on conflict (seq) do nothing`, b.early[i].seq, now.UnixMicro()); err != nil {
			return err
		}
	}
	if len(b.early) == 0 {
		return nil
	}
	_, err := tx.Exec(ctx, `delete from collect_early where since < $1 or seq not in (select seq from collect_early order by seq desc limit $2)`,
		now.Add(-earlyFor).UnixMicro(), earlyMost)
	return err
}
