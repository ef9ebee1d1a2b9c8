package backupdb

import (
	"bufio"
	"cmp"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"slices"
	"time"

	"thimble/internal/sqldb"
)

// partFrames is how many frames a part has at most.
const partFrames = 256

// A Part is a run of frames.
type Part struct {
	First, Last int64
	Month       string // in which they came in
	// Write writes it; it may be called again while the parts are being read.
	Write func(io.Writer) error
}

const (
	times     = `select seq, received_at from log_frames where seq > $1 order by seq limit $2`
	orders    = `select seq, key from log_orders`
	unread    = `select seq, found_at from log_unreadable order by seq`
	partMagic = "thimble log 1\n"
)

// Rows of a part, each after its letter.
const (
	frameRow      = 'f'
	orderRow      = 'o'
	unreadableRow = 'u'
	endRow        = 'e'
)

// Parts hands the whole log to f, part by part, as of one instant.
func Parts(ctx context.Context, log *sqldb.DB, f func(Part) error) error {
	err := log.Snapshot(ctx, func(ctx context.Context) error {
		r := &reader{ctx: ctx, db: log}
		if err := r.beside(); err != nil {
			return err
		}
		return r.parts(f)
	})
	if err != nil {
		return fmt.Errorf("backupdb: reading the log: %w", err)
	}
	return nil
}

type reader struct {
	ctx context.Context
	db  *sqldb.DB
	// What lies beside the frames, in the order of their numbers.
	orders     []order
	unreadable []unreadable
}

type order struct {
	seq int64
	key []byte
}

type unreadable struct{ seq, found int64 }

func (r *reader) beside() error {
	err := r.each(orders, func(scan func(...any) error) error {
		var o order
		err := scan(&o.seq, &o.key)
		r.orders = append(r.orders, o)
		return err
	})
	slices.SortFunc(r.orders, func(a, b order) int {
		return cmp.Or(cmp.Compare(a.seq, b.seq), slices.Compare(a.key, b.key))
	})
	if err != nil {
		return err
	}
	return r.each(unread, func(scan func(...any) error) error {
		var u unreadable
		err := scan(&u.seq, &u.found)
		r.unreadable = append(r.unreadable, u)
		return err
	})
}

func (r *reader) each(query string, f func(scan func(...any) error) error, args ...any) error {
	return r.db.Read(r.ctx, func(tx *sqldb.Tx) error {
		rows, err := tx.Query(r.ctx, query, args...)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			if err := f(rows.Scan); err != nil {
				return err
			}
		}
		return rows.Err()
	})
}

// parts cuts the log: a part ends at a multiple of partFrames, and with its month.
func (r *reader) parts(f func(Part) error) error {
	for at := int64(0); ; {
		var run []Part
		until := (at/partFrames + 1) * partFrames
		err := r.each(times, func(scan func(...any) error) error {
			var seq, received int64
			if err := scan(&seq, &received); err != nil {
				return err
			}
			if seq != at+1 {
				return fmt.Errorf("frame %d is missing", at+1)
			}
			at = seq
			month := time.UnixMicro(received).UTC().Format("2006-01")
			if n := len(run); n > 0 && run[n-1].Month == month {
				run[n-1].Last = seq
				return nil
			}
			run = append(run, Part{First: seq, Last: seq, Month: month})
			return nil
		}, at, until-at)
		if err != nil || len(run) == 0 {
			return err
		}
		for _, p := range run {
			p.Write = func(w io.Writer) error { return r.write(p, w) }
			if err := f(p); err != nil {
				return err
			}
		}
	}
}

func (r *reader) write(p Part, to io.Writer) error {
	w := bufio.NewWriterSize(to, 1<<16)
	put := func(kind byte, numbers ...int64) {
		b := []byte{kind}
		for _, n := range numbers {
			b = binary.BigEndian.AppendUint64(b, uint64(n))
		}
		w.Write(b) //nolint:errcheck // Flush says so
	}
	w.WriteString(partMagic) //nolint:errcheck // as above
	err := r.each(`select seq, received_at, elapsed, bytes from log_frames where seq >= $1 and seq <= $2 order by seq`, func(scan func(...any) error) error {
		var seq, received, elapsed int64
		var body []byte
		if err := scan(&seq, &received, &elapsed, &body); err != nil {
			return err
		}
		put(frameRow, seq, received, elapsed, int64(len(body)))
		_, err := w.Write(body)
		return err
	}, p.First, p.Last)
	if err != nil {
		return err
	}
	for _, o := range within(r.orders, p, func(o order) int64 { return o.seq }) {
		put(orderRow, o.seq, int64(len(o.key)))
		w.Write(o.key) //nolint:errcheck // as above
	}
	for _, u := range within(r.unreadable, p, func(u unreadable) int64 { return u.seq }) {
		put(unreadableRow, u.seq, u.found)
	}
	put(endRow, p.First, p.Last)
	return w.Flush()
}

// within returns those whose frame is in the part; all are in the order of frames.
func within[T any](all []T, p Part, seq func(T) int64) []T {
	at := func(n int64) int {
		i, _ := slices.BinarySearchFunc(all, n, func(t T, n int64) int { return cmp.Compare(seq(t), n) })
		return i
	}
	return all[at(p.First):at(p.Last+1)]
}
