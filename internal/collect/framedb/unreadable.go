package framedb

import (
	"context"
	"log/slog"
	"slices"
	"sync"

	"thimble/internal/collect/frame"
	"thimble/internal/sqldb"
)

// A frame whose bytes are damaged is noted in log_unreadable, and read as one without
// records: what follows it is not to wait for it.
const (
	addUnreadable  = `insert into log_unreadable (seq, found_at) values ($1, $2) on conflict (seq) do nothing`
	allUnreadable  = `select seq from log_unreadable order by seq`
	dropUnreadable = `delete from log_unreadable where seq = $1`
)

// damage is what this process knows of frames that cannot be read.
type damage struct {
	mu    sync.Mutex
	known map[int64]bool // by number; true once it is noted in the log
}

func (d *damage) found(seq int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.known == nil {
		d.known = map[int64]bool{}
	}
	d.known[seq] = d.known[seq] // what is noted stays so
}

// open returns what is not noted yet.
func (d *damage) open() (seqs []int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for seq, noted := range d.known {
		if !noted {
			seqs = append(seqs, seq)
		}
	}
	slices.Sort(seqs)
	return seqs
}

func (d *damage) noted(seqs []int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, seq := range seqs {
		d.known[seq] = true
	}
}

func (d *damage) forget(seqs []int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, seq := range seqs {
		delete(d.known, seq)
	}
}

// decode reads a frame. One that cannot be read is known from then on, and has no records.
func (s *Store) decode(seq, received int64, b []byte) frame.Frame {
	f, err := frame.Decode(b)
	if err != nil || f.Seq != seq {
		s.damage.found(seq)
		return frame.Frame{Seq: seq, Received: received, Unreadable: true}
	}
	return f
}

// note writes down which frames were found that cannot be read. Nobody is told of what
// follows them before that is durable.
func (s *Store) note(ctx context.Context) error {
	seqs := s.damage.open()
	if len(seqs) == 0 {
		return nil
	}
	err := s.db.Write(ctx, func(tx *sqldb.Tx) error {
		for _, seq := range seqs {
			if _, err := tx.Exec(ctx, addUnreadable, seq, s.now().UnixMicro()); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return wrap("noting a frame that cannot be read", err)
	}
	s.damage.noted(seqs)
	for _, seq := range seqs {
		s.log.ErrorContext(ctx, "a frame of the log cannot be read; what follows goes on without it", slog.Int64("frame", seq))
	}
	return nil
}

// Unreadable returns the numbers of the frames of which nothing can be read, in order.
func (s *Store) Unreadable(ctx context.Context) (seqs []int64, err error) {
	err = s.db.Read(ctx, func(tx *sqldb.Tx) (err error) {
		seqs, err = sqldb.Column[int64](ctx, tx, allUnreadable)
		return err
	})
	return seqs, wrap("reading which frames cannot be read", err)
}

// Mended says that frames can be read again, and that whoever went on without them has
// been told.
func (s *Store) Mended(ctx context.Context, seqs ...int64) error {
	err := s.db.Write(ctx, func(tx *sqldb.Tx) error {
		for _, seq := range seqs {
			if _, err := tx.Exec(ctx, dropUnreadable, seq); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return wrap("noting that frames can be read again", err)
	}
	s.damage.forget(seqs)
	return nil
}
