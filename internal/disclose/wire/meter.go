package wire

import (
	"context"
	"errors"
	"net"
	"sync"
	"sync/atomic"

	"thimble"
)

// A Meter stands before every way out. It is safe for concurrent use.
type Meter interface {
	// Begin is called before the first byte of a try. It returns nil only when the
	// disclosure has its leaf; otherwise nothing is written.
	Begin(ctx context.Context, disclosure thimble.ID) error
	// Sent is told of each write to a socket or a file after it happened: n bytes
	// went out, whatever became of the rest. It is not called any more once the try
	// has returned its outcome.
	Sent(disclosure thimble.ID, n int)
}

// errNotRecorded is why a write was refused. It wraps what the meter said.
var errNotRecorded = errors.New("wire: the disclosure is not recorded")

// metered is a connection that belongs to one disclosure.
type metered struct {
	net.Conn
	// ctx is that of the try, for the meter's look into its store: a write has none.
	ctx        context.Context
	meter      Meter
	disclosure thimble.ID

	mu    sync.Mutex // held while writing
	asked bool
	err   error // of Begin

	refused atomic.Bool // a write was
}

// Write asks the meter before the first byte, and tells it of each one.
func (c *metered) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.asked {
		c.asked, c.err = true, begin(c.ctx, c.meter, c.disclosure)
	}
	if c.err != nil {
		c.refused.Store(true)
		return 0, c.err
	}
	n, err := c.Conn.Write(p)
	if n > 0 {
		c.meter.Sent(c.disclosure, n)
	}
	return n, err
}

// Read says why there is no answer when nothing was asked: whoever waits for one may hear
// of it before whoever was refused to write.
func (c *metered) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if err != nil && c.refused.Load() {
		err = errNotRecorded
	}
	return n, err
}

// Close returns when the meter has heard of every byte. Others may still be writing: an
// answer can come before the request is through.
func (c *metered) Close() error {
	err := c.Conn.Close() // which ends a write that hangs
	c.mu.Lock()
	defer c.mu.Unlock()
	return err
}

func begin(ctx context.Context, meter Meter, disclosure thimble.ID) error {
	if disclosure.IsZero() {
		return errNotRecorded
	}
	if err := meter.Begin(ctx, disclosure); err != nil {
		return errors.Join(errNotRecorded, err)
	}
	return nil
}
