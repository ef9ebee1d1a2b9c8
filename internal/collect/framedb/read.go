package framedb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"thimble"
	"thimble/internal/collect/frame"
	"thimble/internal/sqldb"
)

// maxRead is after how many bytes After returns what it has.
const maxRead = 16 << 20

const (
	sizes  = `select seq, length(bytes) from log_frames where seq > $1 order by seq limit $2`
	frames = `select seq, received_at, bytes from log_frames where seq > $1 and seq <= $2 order by seq`
	one    = `select seq, received_at, bytes from log_frames where seq = $1`
	behind = `select received_at, substr(bytes, 1, 16) from log_frames where seq > $1 order by seq limit $2`
)

// Follow is After for who follows the log as it grows, whatever snapshot ctx has: the newest
// frames are at hand, and decoded once for all who follow. Nothing in them is to be changed.
// What another process has left out of one of them by Rewrite may be there for a while.
func (s *Store) Follow(ctx context.Context, seq int64, limit int) (all []frame.Frame, err error) {
	for _, r := range s.tail.after(seq, limit) {
		f, err := r.decode()
		if err != nil || f.Seq != r.seq {
			break // the database says more about it
		}
		all = append(all, f)
	}
	if len(all) > 0 {
		return all, nil
	}
	if none, err := s.none(ctx, seq); none || err != nil {
		return nil, wrap("reading frames", err)
	}
	return s.After(ctx, seq, limit)
}

// none reports whether no frame follows one, which is what most who follow hear.
func (s *Store) none(ctx context.Context, seq int64) (bool, error) {
	none := true
	err := s.db.Ask(ctx, func(sqldb.Row) error { none = false; return nil }, `select 1 from log_frames where seq > $1 limit 1`, seq)
	return none, err
}

// After returns the frames that follow one, in order: limit at most, fewer when they are
// large, and at least one when there is any. The sealed parts are the caller's. One that
// cannot be read is marked as such, has no records, and is noted ([Store.Unreadable]).
func (s *Store) After(ctx context.Context, seq int64, limit int) (all []frame.Frame, err error) {
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		all = nil
		until, err := reach(ctx, tx, seq, limit)
		if err != nil || until == seq {
			return err
		}
		rows, err := tx.Query(ctx, frames, seq, until)
		if err != nil {
			return err
		}
		all, err = s.scan(rows)
		return err
	})
	if err == nil {
		err = s.note(ctx)
	}
	return all, wrap("reading frames", err)
}

// reach returns the last frame that is read at once.
func reach(ctx context.Context, tx *sqldb.Tx, seq int64, limit int) (until int64, err error) {
	rows, err := tx.Query(ctx, sizes, seq, limit)
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	until = seq
	for size := 0; rows.Next(); {
		var next int64
		var n int
		if err := rows.Scan(&next, &n); err != nil {
			return 0, err
		}
		if size += n; size > maxRead && until > seq {
			break
		}
		until = next
	}
	return until, rows.Err()
}

// At returns frames by their numbers, in the order asked for. One that does not exist is
// an error of kind thimble.ErrNotFound; one that cannot be read is as with After.
func (s *Store) At(ctx context.Context, seqs ...int64) ([]frame.Frame, error) {
	all := make([]frame.Frame, 0, len(seqs))
	for _, seq := range seqs {
		before := len(all)
		err := s.db.Ask(ctx, func(row sqldb.Row) error { return s.frame(row, &all) }, one, seq)
		if err == nil && len(all) == before {
			err = fmt.Errorf("frame %d: %w", seq, thimble.ErrNotFound)
		}
		if err != nil {
			return nil, wrap("reading a frame", err)
		}
	}
	return all, wrap("reading a frame", s.note(ctx))
}

// Last returns the number of the newest frame; 0 if there is none.
func (s *Store) Last(ctx context.Context) (seq int64, err error) {
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		var elapsed int64
		if err := tx.QueryRow(ctx, newest).Scan(&seq, &elapsed); !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		seq = 0
		return nil
	})
	return seq, wrap("reading the newest number", err)
}

// A Behind is what lies behind a frame.
type Behind struct {
	Frames int64
	Events int64     // of many, about
	Since  time.Time // when the oldest came in; zero for none
}

// behindOf is of how many frames the events are counted.
const behindOf = 64

// Behind tells how much follows a frame, from the heads alone.
func (s *Store) Behind(ctx context.Context, seq int64) (b Behind, err error) {
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		var last, elapsed int64
		if err := tx.QueryRow(ctx, newest).Scan(&last, &elapsed); err != nil && !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		b = Behind{Frames: max(0, last-seq)}
		if b.Frames == 0 {
			return nil
		}
		return b.count(ctx, tx, seq)
	})
	return b, wrap("counting what follows a frame", err)
}

func (b *Behind) count(ctx context.Context, tx *sqldb.Tx, seq int64) error {
	rows, err := tx.Query(ctx, behind, seq, behindOf)
	if err != nil {
		return err
	}
	defer rows.Close()
	var n int64
	for ; rows.Next(); n++ {
		var received int64
		var head sql.RawBytes
		if err := rows.Scan(&received, &head); err != nil {
			return err
		}
		if n == 0 {
			b.Since = time.UnixMicro(received).UTC()
		}
		b.Events += int64(frame.RecordsOf(head))
	}
	if n > 0 {
		b.Events = b.Events * b.Frames / n
	}
	return rows.Err()
}

// scan reads frames and closes the rows.
func (s *Store) scan(rows *sql.Rows) (all []frame.Frame, err error) {
	defer rows.Close()
	for rows.Next() {
		if err := s.frame(rows, &all); err != nil {
			return nil, err
		}
	}
	return all, rows.Err()
}

func (s *Store) frame(row sqldb.Row, into *[]frame.Frame) error {
	var seq, received int64
	var b []byte // a copy, in which the parts will lie
	if err := row.Scan(&seq, &received, &b); err != nil {
		return err
	}
	*into = append(*into, s.decode(seq, received, b))
	return nil
}

// broken is the error of a frame that is not what was written. It has no kind: whoever
// asked did nothing wrong, and it does not pass.
func broken(seq int64, err error) error {
	if err == nil {
		return fmt.Errorf("frame %d holds another", seq)
	}
	return fmt.Errorf("frame %d cannot be read: %v", seq, err) //nolint:errorlint // it loses its kind
}
