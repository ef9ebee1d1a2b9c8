package framedb

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"

	"thimble"
	"thimble/internal/collect/frame"
	"thimble/internal/sqldb"
)

const (
	whole       = `select bytes, elapsed, (select max(elapsed) from log_frames) from log_frames where seq = $1`
	rewritten   = `update log_frames set bytes = $2 where seq = $1`
	forgetOrder = `delete from log_orders where key = $1`
)

// Rewrite writes a frame again without the records that keep refuses: in their places
// are empty ones, so that all others stay where they are. keep may also take parts
// from a record that it keeps, and change nothing else; it is called once for each record,
// in order, and again when the transaction met another. With a record go its order key,
// and its repeat key when that is no longer needed; one that is is kept.
//
// It returns how many records became empty by this call. When there is no error, what was
// left out is nowhere in the files of SQLite, also if an earlier call was interrupted;
// in PostgreSQL it is as dead as any row of before, until vacuum has been there. That
// readers hold the write-ahead log is an error of kind thimble.ErrUnavailable.
func (s *Store) Rewrite(ctx context.Context, seq int64, keep func(i int, r *frame.Record) bool) (removed int, err error) {
	changed := false
	err = s.db.WriteInTurn(ctx, turn, func(tx *sqldb.Tx) (err error) {
		removed, changed, err = rewrite(ctx, tx, seq, keep)
		if changed {
			s.dirty.Store(true)
		}
		return err
	})
	s.tail.forget() // also of what another process left out
	if err != nil {
		return 0, wrap("writing a frame again", err)
	}
	return removed, s.Truncate(ctx)
}

func rewrite(ctx context.Context, tx *sqldb.Tx, seq int64, keep func(i int, r *frame.Record) bool) (removed int, changed bool, err error) {
	var before []byte
	var elapsed, newest int64
	switch err := tx.QueryRow(ctx, whole, seq).Scan(&before, &elapsed, &newest); {
	case errors.Is(err, sql.ErrNoRows):
		return 0, false, fmt.Errorf("frame %d: %w", seq, thimble.ErrNotFound)
	case err != nil:
		return 0, false, err
	}
	f, err := frame.Decode(before)
	if err != nil || f.Seq != seq {
		return 0, false, broken(seq, err)
	}
	needed := newest-elapsed <= window.Microseconds()
	for i := range f.Records {
		r := &f.Records[i]
		if keep(i, r) {
			continue
		}
		if r.Order != (frame.Key{}) {
			if _, err := tx.Exec(ctx, forgetOrder, r.Order[:]); err != nil {
				return 0, false, err
			}
		}
		empty := frame.Record{Repeat: r.Repeat}
		if !r.ID.IsZero() || len(r.Counts) > 0 {
			removed++
		}
		if !needed {
			empty.Repeat = frame.Key{}
		}
		*r = empty
	}
	after, err := f.Append(nil)
	if err != nil {
		return 0, false, err
	}
	if bytes.Equal(before, after) {
		return 0, false, nil
	}
	_, err = tx.Exec(ctx, rewritten, seq, after)
	return removed, true, err
}

// Truncate takes out of the write-ahead log what Rewrite replaced, if there is something.
func (s *Store) Truncate(ctx context.Context) error {
	if !s.dirty.Swap(false) {
		return nil
	}
	if err := s.db.Truncate(ctx); err != nil {
		s.dirty.Store(true)
		return wrap("emptying the log", err)
	}
	return nil
}

// Scrub empties the write-ahead log and looks for bytes, such as the beginnings of sealed
// parts that were left out, in all files of the log. It returns how many of them are
// there still. PostgreSQL's files are not ours to read: there scanned is false.
func (s *Store) Scrub(ctx context.Context, needles [][]byte) (found int, scanned bool, err error) {
	found, scanned, err = s.db.Search(ctx, needles)
	return found, scanned, wrap("scanning the files", err)
}
