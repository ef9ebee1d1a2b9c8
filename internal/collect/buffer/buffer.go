package buffer

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"thimble"
	"thimble/internal/collect/frame"
)

// An Archive is the log of frames, where records are at home. Append is durable when
// it returns, knows what came before by its keys, and may be called by several
// processes at once.
type Archive interface {
	Append(ctx context.Context, records []frame.Record) (frame.Appended, error)
}

// A Buffer is one node's part in the cluster that takes records in.
type Buffer struct {
	cfg     Config
	archive Archive
	spool   *spool
	cluster *cluster

	calls   chan *call
	backlog atomic.Int64 // bytes of calls and groups that neither the cluster nor the archive has
	cursor  cursor
	counts  counters

	spoolFailed atomic.Bool

	ctx  context.Context // ends with Close
	stop context.CancelFunc
	work sync.WaitGroup
	once sync.Once
}

type counters struct {
	repeats, gaps, lost, unreadable, fromSpool, direct, archived, rewinds, refused atomic.Int64
	leading                                                                        atomic.Bool
}

// A call is the records of one Append, or a part of them.
type call struct {
	body []byte // a frame
	done chan error
}

const (
	maxBacklog = 64 << 20 // bytes that wait for an answer; whoever comes then is told to come back
	groupBytes = 1 << 20
	groupCalls = 64
	maxMessage = 8 << 20 // with its headers; NATS advises against more
)

// Open starts the node. It does not wait for the others: until two are there, records
// go to the archive itself. The error is of kind [thimble.ErrInvalid] when the
// configuration is wrong, and [thimble.ErrConflict] when the folder belongs to other
// members.
func Open(ctx context.Context, cfg Config, archive Archive) (*Buffer, error) {
	if err := cfg.Check(); err != nil {
		return nil, err
	}
	cfg = cfg.filled()
	if err := keepMembers(cfg); err != nil {
		return nil, err
	}
	s, err := openSpool(filepath.Join(cfg.Folder, "spool"), cfg.Node, cfg.Now, cfg.Log)
	if err != nil {
		return nil, fmt.Errorf("buffer: opening the spool: %w", err)
	}
	c, err := joinCluster(cfg)
	if err != nil {
		return nil, errors.Join(err, s.close())
	}
	b := &Buffer{cfg: cfg, archive: archive, spool: s, cluster: c, calls: make(chan *call, 1024)}
	b.cursor.init(s.entries)
	b.ctx, b.stop = context.WithCancel(context.WithoutCancel(ctx))
	if err := b.answerOthers(); err != nil {
		return nil, errors.Join(err, b.Close(ctx))
	}
	for _, run := range []func(context.Context){b.take, b.publish, b.detour, b.keepArchiving, b.reconcile, b.care} {
		b.work.Go(func() { run(b.ctx) })
	}
	return b, nil
}

// Append returns when the records are durable: in the stream, on a quorum of the
// nodes, and in this node's spool, or in the archive. Which of them came before is
// decided at archiving: Kept counts what was taken, Seq and Repeated are 0. An error
// is of kind [thimble.ErrUnavailable] when neither is to be had; the records may then
// be archived all the same, and the same call, made again, does not double them.
func (b *Buffer) Append(ctx context.Context, records []frame.Record) (frame.Appended, error) {
	parts, err := split(records, b.cfg.Now())
	if err != nil {
		return frame.Appended{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, b.cfg.Wait)
	defer cancel()
	for _, c := range parts {
		if err := b.enqueue(ctx, c); err != nil {
			return frame.Appended{}, err
		}
	}
	for _, c := range parts {
		select {
		case err := <-c.done:
			if err != nil {
				return frame.Appended{}, err
			}
		case <-ctx.Done():
			return frame.Appended{}, fmt.Errorf("buffer: no answer of the cluster or the archive: %w: %w", context.Cause(ctx), thimble.ErrUnavailable)
		}
	}
	return frame.Appended{Kept: len(records)}, nil
}

func (b *Buffer) enqueue(ctx context.Context, c *call) error {
	if b.ctx.Err() != nil {
		return fmt.Errorf("buffer: closed: %w", thimble.ErrUnavailable)
	}
	if b.backlog.Load() > maxBacklog {
		return fmt.Errorf("buffer: too much waits for the cluster: %w", thimble.ErrUnavailable)
	}
	select {
	case b.calls <- c:
		b.backlog.Add(int64(len(c.body)))
		return nil
	case <-ctx.Done():
		return fmt.Errorf("buffer: %w: %w", context.Cause(ctx), thimble.ErrUnavailable)
	}
}

// take joins what waits into groups, and makes each durable in the spool. One after
// the other: while a group is on its way, the next fills.
func (b *Buffer) take(ctx context.Context) {
	for {
		select {
		case c := <-b.calls:
			b.commit(b.gather(c))
		case <-ctx.Done():
			b.refuse()
			return
		}
	}
}

// gather takes what is there, and waits for nothing.
func (b *Buffer) gather(c *call) []*call {
	group, size := []*call{c}, len(c.body)
	for size < groupBytes && len(group) < groupCalls {
		select {
		case c := <-b.calls:
			group, size = append(group, c), size+len(c.body)
		default:
			return group
		}
	}
	return group
}

func (b *Buffer) commit(group []*call) {
	size := 0
	for _, c := range group {
		size += len(c.body)
	}
	body := make([]byte, 0, size)
	for _, c := range group {
		body = append(body, c.body...)
	}
	e, err := b.spool.add(body, group)
	if err != nil {
		b.counts.refused.Add(1)
		b.saySpool(err)
		err = fmt.Errorf("buffer: the spool: %w: %w", err, thimble.ErrUnavailable)
		b.backlog.Add(-int64(size))
		answer(group, err)
		return
	}
	b.saySpool(nil)
	b.cursor.push(e)
}

// saySpool logs that the spool cannot be written, and that it can again, once each.
func (b *Buffer) saySpool(err error) {
	switch failed := b.spoolFailed.Swap(err != nil); {
	case err != nil && !failed:
		b.cfg.Log.Warn("the spool cannot be written, and nothing is taken", slog.String("cause", err.Error()))
	case err == nil && failed:
		b.cfg.Log.Info("the spool can be written again")
	}
}

func answer(group []*call, err error) {
	for _, c := range group {
		c.done <- err
	}
}

// refuse answers what waits when nothing is taken any more.
func (b *Buffer) refuse() {
	for {
		select {
		case c := <-b.calls:
			b.backlog.Add(-int64(len(c.body)))
			answer([]*call{c}, fmt.Errorf("buffer: closed: %w", thimble.ErrUnavailable))
		default:
			return
		}
	}
}

// settle answers those who wait for a group, once.
func (b *Buffer) settle(e *entry) {
	calls := b.cursor.settle(e)
	for _, c := range calls {
		b.backlog.Add(-int64(len(c.body)))
	}
	answer(calls, nil)
}

// Close takes nothing more, and ends the node. What was taken stays in stream and
// spool, and goes on with the next start.
func (b *Buffer) Close(context.Context) (err error) {
	b.once.Do(func() {
		b.stop()
		b.work.Wait()
		b.refuse()
		b.cursor.abandon(fmt.Errorf("buffer: closed: %w", thimble.ErrUnavailable))
		err = errors.Join(b.cluster.close(), b.spool.close())
	})
	return err
}

// State is what can be seen of a node.
type State struct {
	Leading    bool          // it archives
	Spooled    int           // groups of this node that are not archived
	Bytes      int64         // their bytes
	Lag        time.Duration // age of the oldest
	Stuck      time.Duration // for how long the cluster has not taken the group that is next
	Archived   int64         // records that this process has archived
	Repeats    int64         // groups that came twice, and were left out
	Gaps       int64         // groups that the stream had lost
	FromSpool  int64         // groups that were had from a spool instead
	Lost       int64         // groups that no node that answers has
	Unreadable int64         // groups whose checksum failed, here or in the stream
	Direct     int64         // groups that went to the archive without the cluster
	Refused    int64         // groups that the spool's disk did not take
}

// State returns what is there now.
func (b *Buffer) State() State {
	s := State{
		Leading: b.counts.leading.Load(), Archived: b.counts.archived.Load(), Repeats: b.counts.repeats.Load(), Gaps: b.counts.gaps.Load(),
		FromSpool: b.counts.fromSpool.Load(), Lost: b.counts.lost.Load(), Unreadable: b.counts.unreadable.Load(), Direct: b.counts.direct.Load(), Refused: b.counts.refused.Load(),
		Stuck: b.cursor.stuck(b.cfg.Now()),
	}
	s.Spooled, s.Bytes, s.Lag = b.spool.size()
	return s
}

// Takes says why this node takes no events, or nil. That they are not archived yet is none.
func (b *Buffer) Takes() error {
	if b.spoolFailed.Load() {
		return fmt.Errorf("buffer: the disk of this node takes nothing: %w", thimble.ErrUnavailable)
	}
	if stuck := b.cursor.stuck(b.cfg.Now()); stuck > 2*b.cfg.Patience {
		return fmt.Errorf("buffer: the cluster has taken nothing for %v: %w", stuck.Round(time.Second), thimble.ErrUnavailable)
	}
	return nil
}

// Healthy says what is wrong, or nil.
func (b *Buffer) Healthy(context.Context) error {
	if err := b.Takes(); err != nil {
		return err
	}
	s := b.State()
	switch {
	case s.Lag > time.Minute:
		return fmt.Errorf("buffer: nothing was archived for %v: %w", s.Lag.Round(time.Second), thimble.ErrUnavailable)
	case s.Lost > 0:
		return fmt.Errorf("buffer: %d groups are in no stream and no spool that answers: %w", s.Lost, thimble.ErrUnavailable)
	}
	return nil
}
