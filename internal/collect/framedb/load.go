package framedb

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"thimble/internal/collect/frame"
	"thimble/internal/sqldb"
)

// window is for how long a repeat is known at least.
const window = 24 * time.Hour

// headBytes is how much of a frame is read first: the heads of most fit in it.
const headBytes = 16 << 10

const (
	heads = `select seq, elapsed, substr(bytes, 1, $2) from log_frames
		where seq <= $1 and seq > $3 order by seq desc limit 64`
	headOf = `select substr(bytes, 1, $2) from log_frames where seq = $1`
)

// load reads the keys of frames that are not known yet, from the newest back to the last
// known one, or as far as the window goes. If frames are gone that were known, as after a
// restore, it begins anew.
func (s *Store) load(ctx context.Context, tx *sqldb.Tx) error {
	c := &s.committer
	var last, elapsed int64
	if err := tx.QueryRow(ctx, newest).Scan(&last, &elapsed); err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	known := c.seq
	if last < known {
		s.log.WarnContext(ctx, "the log of events has lost frames")
		s.seen.forget()
		s.tail.forget()
		known = 0
	}
	at := s.since()
	s.seen.pass(elapsed)
	for seq, more := last, true; seq > known && more; {
		var err error
		if seq, more, err = s.loadBack(ctx, tx, seq, known, elapsed-window.Microseconds()); err != nil {
			return err
		}
	}
	c.seq, c.elapsed, c.at = last, elapsed, at
	return nil
}

// loadBack reads a few frames from seq backwards and returns where to go on.
func (s *Store) loadBack(ctx context.Context, tx *sqldb.Tx, seq, known, oldest int64) (next int64, more bool, err error) {
	rows, err := tx.Query(ctx, heads, seq, headBytes, known)
	if err != nil {
		return 0, false, err
	}
	defer rows.Close()
	var long []int64
	ages := map[int64]int64{}
	next = seq
	for rows.Next() {
		var elapsed int64
		var b sql.RawBytes
		if err := rows.Scan(&next, &elapsed, &b); err != nil {
			return 0, false, err
		}
		if elapsed < oldest {
			return 0, false, s.loadLong(ctx, tx, long, ages)
		}
		more = true
		if n := frame.HeadLen(b); n > len(b) {
			long, ages[next] = append(long, next), elapsed
			continue
		}
		s.loadHead(next, elapsed, b)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return 0, false, err
	}
	return next - 1, more, s.loadLong(ctx, tx, long, ages)
}

// loadLong reads heads that are longer than most.
func (s *Store) loadLong(ctx context.Context, tx *sqldb.Tx, seqs []int64, ages map[int64]int64) error {
	for _, seq := range seqs {
		var b []byte
		if err := tx.QueryRow(ctx, headOf, seq, headBytes).Scan(&b); err != nil {
			return err
		}
		if err := tx.QueryRow(ctx, headOf, seq, frame.HeadLen(b)).Scan(&b); err != nil {
			return err
		}
		s.loadHead(seq, ages[seq], b)
	}
	return nil
}

// loadHead takes the keys of a head for known. Of one that cannot be read they are not: its
// events are lost until it is mended, and whoever sends them again has them kept.
func (s *Store) loadHead(seq, elapsed int64, b []byte) {
	h, err := frame.DecodeHead(b)
	if err != nil || h.Seq != seq {
		s.damage.found(seq)
		return
	}
	h.Keys(func(k frame.Key) { s.seen.add(k, elapsed) })
}
