package framedb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"thimble"
	"thimble/internal/collect/frame"
	"thimble/internal/sqldb"
)

// A committer is what the one goroutine that commits has for itself.
type committer struct {
	seq     int64         // the newest frame whose keys are in seen
	elapsed int64         // of that frame
	at      time.Duration // when that was known, by since
	carry   *batch        // what did not fit in the last group

	group []*batch
	frame frame.Frame
	bytes []byte
	keys  map[frame.Key]struct{} // of the group
}

// run commits what waits, all of it at once, and then what came meanwhile.
func (s *Store) run(ctx context.Context) {
	defer close(s.stopped)
	s.committer.keys = map[frame.Key]struct{}{}
	for s.next() {
		s.commit(ctx, s.committer.group)
		clear(s.committer.group) // do not keep alive what was answered
	}
}

// next takes a group from the queue, and waits for its first batch. It returns false
// when the store is being closed.
func (s *Store) next() bool {
	c := &s.committer
	c.group = c.group[:0]
	size := 0
	take := func(b *batch) bool {
		if len(c.group) > 0 && size+b.size > maxBytes {
			c.carry = b
			return false
		}
		if b.state.CompareAndSwap(waiting, taken) {
			c.group, size = append(c.group, b), size+b.size
		}
		return len(c.group) < maxBatches
	}
	if b := c.carry; b != nil {
		c.carry = nil
		take(b)
	}
	for {
		if len(c.group) == 0 {
			select {
			case b := <-s.queue:
				take(b)
				continue
			case <-s.closing:
				return false
			}
		}
		select {
		case b := <-s.queue:
			if take(b) {
				continue
			}
		default:
		}
		return true
	}
}

// commit makes a group durable and tells all who wait for it.
func (s *Store) commit(ctx context.Context, group []*batch) {
	f := &s.committer.frame
	err := s.db.WriteInTurn(ctx, turn, func(tx *sqldb.Tx) error {
		return s.append(ctx, tx, group, f)
	})
	if err != nil {
		if !errors.Is(err, thimble.ErrUnavailable) { // that others were quicker passes too
			err = fmt.Errorf("%w (%w)", err, thimble.ErrUnavailable)
		}
		err = wrap("committing", err)
		s.log.WarnContext(ctx, "events not taken", slog.Int("batches", len(group)), slog.String("cause", err.Error()))
		s.failed.Store(&err)
	} else {
		s.failed.Store(nil)
		s.remember(f)
	}
	for _, b := range group {
		if b.err = err; err != nil {
			b.result = frame.Appended{}
		} else if b.result.Kept > 0 {
			b.result.Seq = f.Seq
		}
		close(b.done)
	}
	clear(f.Records) // the parts are the caller's again
	if cap(s.committer.bytes) > 2*maxBytes {
		s.committer.bytes = nil
	}
}

// remember takes the keys of a frame that is durable for known, has it at hand for who
// follows, and tells of it.
func (s *Store) remember(f *frame.Frame) {
	if len(f.Records) == 0 {
		return
	}
	for i := range f.Records {
		s.seen.add(f.Records[i].Repeat, s.committer.elapsed)
	}
	s.tail.add(f.Seq, s.committer.bytes)
	if told := s.told.Load(); told != nil {
		(*told)(f.Seq)
	}
}

// turn is the row that writers of several processes wait for.
const turn = `select one from log_head where one = 1 for update`

const (
	newest   = `select seq, elapsed from log_frames order by seq desc limit 1`
	addFrame = `insert into log_frames (seq, received_at, elapsed, bytes) values ($1, $2, $3, $4)`
	addOrder = `insert into log_orders (key, seq) values ($1, $2) on conflict do nothing`
)

// append decides what of a group is new and writes it as the next frame. It may run more
// than once.
func (s *Store) append(ctx context.Context, tx *sqldb.Tx, group []*batch, f *frame.Frame) error {
	c := &s.committer
	if err := s.catchUp(ctx, tx); err != nil {
		return err
	}
	at, elapsed := s.elapsed()
	if elapsed/hour != c.elapsed/hour {
		s.seen.pass(elapsed)
	}
	*f = frame.Frame{Seq: c.seq + 1, Received: s.now().UnixMicro(), Records: f.Records[:0]}
	clear(c.keys)
	for _, b := range group {
		b.result = frame.Appended{}
		for i := range b.records {
			known, err := s.known(ctx, tx, &b.records[i], f.Seq)
			if err != nil {
				return err
			}
			if known {
				b.result.Repeated++
				continue
			}
			b.result.Kept++
			f.Records = append(f.Records, b.records[i])
		}
	}
	if len(f.Records) == 0 {
		return nil
	}
	bytes, err := f.Append(c.bytes[:0])
	if err != nil {
		return err
	}
	c.bytes = bytes
	if _, err := tx.Exec(ctx, addFrame, f.Seq, f.Received, elapsed, bytes); err != nil {
		return err
	}
	seq := f.Seq
	tx.OnCommit(func() { c.seq, c.elapsed, c.at = seq, elapsed, at })
	return nil
}

// known reports whether a record's keys were kept before, or by an earlier record of the
// group, and takes them down.
func (s *Store) known(ctx context.Context, tx *sqldb.Tx, r *frame.Record, seq int64) (bool, error) {
	none := frame.Key{}
	if r.Repeat != none {
		if _, ok := s.committer.keys[r.Repeat]; ok || s.seen.has(r.Repeat) {
			return true, nil
		}
	}
	if r.Order != none {
		n, err := tx.Exec(ctx, addOrder, r.Order[:], seq)
		if err != nil || n == 0 {
			return n == 0, err
		}
	}
	if r.Repeat != none {
		s.committer.keys[r.Repeat] = struct{}{}
	}
	return false, nil
}

// elapsed is what the next frame's clock says: as much later than the newest frame as
// this process has lived since it learned of it. All clocks run as fast as time does
// and the latest leads, so that none of them runs ahead of time.
func (s *Store) elapsed() (at time.Duration, elapsed int64) {
	at = s.since()
	return at, s.committer.elapsed + max(0, at-s.committer.at).Microseconds()
}

// catchUp learns the keys of frames that others have committed, or that were committed in
// spite of an error.
func (s *Store) catchUp(ctx context.Context, tx *sqldb.Tx) error {
	c := &s.committer
	var seq, elapsed int64
	if err := tx.QueryRow(ctx, newest).Scan(&seq, &elapsed); err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	if seq == c.seq {
		return nil
	}
	return s.load(ctx, tx)
}
