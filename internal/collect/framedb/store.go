package framedb

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"thimble"
	"thimble/internal/collect/frame"
	"thimble/internal/sqldb"
)

// Bounds of what one commit takes.
const (
	maxBatches = 32
	maxBytes   = 4 << 20
)

// MaxBatch is how many bytes the records of one call may take.
const MaxBatch = 64 << 20

// Config has working zero values.
type Config struct {
	Now func() time.Time // the wall; nil means time.Now
	// Since is how long the process has lived, by a clock that nobody sets; nil means
	// the monotonic one.
	Since func() time.Duration
	Log   *slog.Logger // nil means silence
}

// A Store is the log of frames.
type Store struct {
	db    *sqldb.DB
	now   func() time.Time
	since func() time.Duration
	log   *slog.Logger

	queue   chan *batch
	closing chan struct{}
	closed  sync.Once
	stopped chan struct{}

	seen   *seen
	damage damage
	tail   tail
	failed atomic.Pointer[error] // of the last commit; nil while all is well
	dirty  atomic.Bool           // what was left out by Rewrite may be in the write-ahead log
	told   atomic.Pointer[func(seq int64)]

	committer committer
}

// Open reads which keys were kept lately, and starts the goroutine that commits. Close
// waits for it.
func Open(ctx context.Context, db *sqldb.DB, cfg Config) (*Store, error) {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Since == nil {
		began := time.Now()
		cfg.Since = func() time.Duration { return time.Since(began) }
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	s := &Store{
		db: db, now: cfg.Now, since: cfg.Since, log: cfg.Log,
		queue: make(chan *batch, maxBatches), closing: make(chan struct{}), stopped: make(chan struct{}),
		seen: newSeen(),
	}
	if err := db.Read(ctx, func(tx *sqldb.Tx) error { return s.load(ctx, tx) }); err != nil {
		return nil, wrap("reading which keys are known", err)
	}
	if err := s.note(ctx); err != nil { // whoever reads them notes them before they are passed
		cfg.Log.WarnContext(ctx, "frames that cannot be read are not noted yet", slog.String("cause", err.Error()))
	}
	s.dirty.Store(true) // of a process before
	go s.run(context.WithoutCancel(ctx))
	return s, nil
}

// Close lets what is being committed end, and stops. Whoever waits or calls later gets an
// error of kind thimble.ErrUnavailable. The database stays open.
func (s *Store) Close() error {
	s.closed.Do(func() { close(s.closing) })
	<-s.stopped
	return nil
}

// A batch is what one call of Append brings.
type batch struct {
	records []frame.Record
	size    int
	state   atomic.Int32
	done    chan struct{}
	result  frame.Appended
	err     error
}

// The states of a batch: whoever waits may leave until the committer has taken it.
const (
	waiting = iota
	taken
	left
)

// Append makes records durable and returns when they are. Records whose keys were kept
// before are left out and counted. The error is of kind thimble.ErrInvalid when a
// record breaks a rule, of kind thimble.ErrUnavailable when the call may succeed later;
// then the caller sends the same records again: should they have become durable in
// spite of the error, they are repeats. Appended.Seq is 0 when nothing was kept.
func (s *Store) Append(ctx context.Context, records []frame.Record) (frame.Appended, error) {
	b := &batch{records: records, done: make(chan struct{})}
	for i := range records {
		if err := records[i].Check(); err != nil {
			return frame.Appended{}, fmt.Errorf("framedb: record %d: %w", i, err)
		}
		b.size += records[i].Size()
	}
	if b.size > MaxBatch || len(records) > frame.MaxRecords {
		return frame.Appended{}, fmt.Errorf("framedb: a call has at most %d bytes and %d records: %w", MaxBatch, frame.MaxRecords, thimble.ErrInvalid)
	}
	if len(records) == 0 {
		return frame.Appended{}, ctx.Err()
	}
	select {
	case <-s.closing: // a queue that has room would be chosen as well
		return frame.Appended{}, errClosed
	default:
	}
	select {
	case s.queue <- b:
	case <-ctx.Done():
		return frame.Appended{}, fmt.Errorf("framedb: waiting to append: %w", ctx.Err())
	case <-s.closing:
		return frame.Appended{}, errClosed
	}
	return b.wait(ctx, s.stopped)
}

var errClosed = fmt.Errorf("framedb: the log is closed: %w", thimble.ErrUnavailable)

// wait returns what became of the batch. Once it was taken its records are being read,
// so that the caller is not let go before that has ended.
func (b *batch) wait(ctx context.Context, stopped <-chan struct{}) (frame.Appended, error) {
	var err error
	select {
	case <-b.done:
		return b.result, b.err
	case <-ctx.Done():
		err = fmt.Errorf("framedb: waiting to append: %w", ctx.Err())
	case <-stopped:
		err = errClosed
	}
	if b.state.CompareAndSwap(waiting, left) {
		return frame.Appended{}, err
	}
	<-b.done
	return b.result, b.err
}

// OnCommit has f called with the number of each frame that this process has made
// durable, before Append returns. It does not block.
func (s *Store) OnCommit(f func(seq int64)) { s.told.Store(&f) }

// Seen reports whether a key was kept in the last 24 hours, as far as this process
// knows: what another one appends it hears of with its own next commit. Append decides.
func (s *Store) Seen(k frame.Key) bool { return s.seen.has(k) }

// Keys returns how many repeat keys are in memory.
func (s *Store) Keys() int { return s.seen.size() }

func wrap(doing string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("framedb: %s: %w", doing, err)
}
