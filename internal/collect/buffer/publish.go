package buffer

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// A cursor is what of the spool the cluster does not have yet, in order.
type cursor struct {
	mu    sync.Mutex
	queue []*entry  // the first one is next
	since time.Time // when the first one's turn came
	more  chan struct{}
	wait  bool // what was published before is still to be taken out
}

func (c *cursor) init(left []*entry) {
	c.more = make(chan struct{}, 1)
	c.queue, c.wait = append(c.queue, left...), len(left) > 0
	c.since = time.Now()
}

func (c *cursor) push(e *entry) {
	c.mu.Lock()
	if len(c.queue) == 0 {
		c.since = e.taken
	}
	c.queue = append(c.queue, e)
	c.mu.Unlock()
	wake(c.more)
}

func wake(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// first waits for the entry whose turn it is, and says how often it was lost; nil when
// ctx ends.
func (c *cursor) first(ctx context.Context) (*entry, int) {
	for {
		c.mu.Lock()
		if len(c.queue) > 0 && !c.wait {
			e, attempt := c.queue[0], c.queue[0].attempt
			c.mu.Unlock()
			return e, attempt
		}
		c.mu.Unlock()
		select {
		case <-c.more:
		case <-ctx.Done():
			return nil, 0
		}
	}
}

func (c *cursor) empty() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.queue) == 0
}

// open lets what is left be published.
func (c *cursor) open() {
	c.mu.Lock()
	c.wait = false
	c.mu.Unlock()
	wake(c.more)
}

// skip takes out what the stream has: all up to its newest message of this node, which
// is one of the entries, or from before all of them.
func (c *cursor) skip(last message) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, e := range c.queue {
		if e.run == last.run && e.seq == last.seq {
			for _, e := range c.queue[:i+1] {
				e.acked = true
			}
			c.queue = c.queue[i+1:]
			return
		}
	}
}

// took takes the first entry out. It may be gone: the cursor was set back.
func (c *cursor) took(e *entry, acked bool, now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e.acked, e.published = e.acked || acked, now
	if len(c.queue) > 0 && c.queue[0] == e {
		c.queue = c.queue[1:]
		c.since = now
	}
}

// rewind sets the cursor back to those of the entries that were acknowledged before an
// instant: these first, then what is next. It returns them.
func (c *cursor) rewind(all []*entry, before time.Time) (lost []*entry) {
	c.mu.Lock()
	defer c.mu.Unlock()
	in := map[*entry]bool{}
	for _, e := range c.queue {
		in[e] = true
	}
	for _, e := range all {
		if e.acked && !in[e] && e.published.Before(before) {
			e.attempt, e.acked = e.attempt+1, false
			lost = append(lost, e)
		}
	}
	c.queue = append(slices.Clone(lost), c.queue...)
	wake(c.more)
	return lost
}

// drop takes entries out that need not be published.
func (c *cursor) drop(f func(*entry) bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.queue = slices.DeleteFunc(c.queue, f)
}

// settle hands out who waits for an entry, and lets go of its body.
func (c *cursor) settle(e *entry) []*call {
	c.mu.Lock()
	defer c.mu.Unlock()
	calls := e.calls
	e.calls = nil
	return calls
}

// unsettled returns the first entry that somebody waits for, and whose turn should
// have been over by then.
func (c *cursor) unsettled(before time.Time) *entry {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.queue) == 0 || c.since.After(before) {
		return nil
	}
	for _, e := range c.queue {
		if len(e.calls) > 0 {
			return e
		}
	}
	return nil
}

func (c *cursor) abandon(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, e := range c.queue {
		answer(e.calls, err)
		e.calls = nil
	}
}

func (c *cursor) stuck(now time.Time) time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.queue) == 0 {
		return 0
	}
	return now.Sub(c.since)
}

// ackWait is how long one try may take: longer than a slow disk, shorter than an
// election.
const ackWait = 2 * time.Second

// publish brings groups into the stream, one at a time: the next one's turn comes when
// the cluster has acknowledged the one before, so that the order of a node is its order
// in the stream whatever fails between them.
func (b *Buffer) publish(ctx context.Context) {
	pause := 10 * time.Millisecond
	for {
		e, attempt := b.cursor.first(ctx)
		if e == nil {
			return
		}
		err := b.publishOne(ctx, e, attempt)
		if err == nil {
			pause = 10 * time.Millisecond
			continue
		}
		b.cfg.Log.Debug("the cluster did not take a group", slog.String("cause", err.Error()))
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return
		}
		pause = min(2*pause, 250*time.Millisecond)
	}
}

func (b *Buffer) publishOne(ctx context.Context, e *entry, attempt int) error {
	m, err := b.spool.message(e)
	if err != nil {
		// Nobody waits for it: what somebody waits for is in memory. The archiver finds
		// the hole, and names it.
		b.counts.unreadable.Add(1)
		b.cfg.Log.Error("a group in the spool cannot be read", slog.String("cause", err.Error()))
		b.cursor.took(e, false, b.cfg.Now())
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, ackWait)
	defer cancel()
	ack, err := b.cluster.js.PublishMsg(ctx, m.wire(attempt), jetstream.WithRetryAttempts(0))
	if err != nil {
		return fmt.Errorf("buffer: publishing: %w", err)
	}
	if ack.Stream != streamName {
		return fmt.Errorf("buffer: another stream answered: %w", errors.ErrUnsupported)
	}
	b.cursor.took(e, true, b.cfg.Now())
	b.settle(e)
	b.spool.unload(e)
	b.cluster.tell()
	return nil
}

// detour brings groups to the archive itself when the cluster has not taken any for
// some time: an election takes longer than whoever sends wants to wait. The
// stream then gets an empty message of that number in its place.
func (b *Buffer) detour(ctx context.Context) {
	for {
		wait := b.cfg.Patience / 4
		if e := b.cursor.unsettled(b.cfg.Now().Add(-b.cfg.Patience)); e != nil && b.archiveOne(ctx, e) == nil {
			wait = 0
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return
		}
	}
}

func (b *Buffer) archiveOne(ctx context.Context, e *entry) error {
	m, err := b.spool.message(e)
	if err != nil {
		return err
	}
	records, err := decodeRecords(m.body)
	if err != nil {
		return err
	}
	if _, err := b.archive.Append(ctx, records); err != nil {
		b.cfg.Log.Warn("neither the cluster nor the archive takes a group", slog.String("cause", err.Error()))
		return err
	}
	b.counts.direct.Add(1)
	b.spool.direct(e)
	b.settle(e)
	return nil
}
