package framedb_test

import (
	"sync"
	"time"

	"thimble/internal/collect/framedb"
)

// A clock is the time of a test: what has really passed, and what the wall says of it.
type clock struct {
	mu      sync.Mutex
	real    time.Duration // since the test began
	began   time.Duration // the process
	askance time.Duration // how wrong the wall is
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.real += d
}

func (c *clock) restart() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.began = c.real
}

func (c *clock) jump(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.askance += d
}

func (c *clock) config() framedb.Config {
	began := c.began
	return framedb.Config{
		Now: func() time.Time {
			c.mu.Lock()
			defer c.mu.Unlock()
			return time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC).Add(c.real + c.askance)
		},
		Since: func() time.Duration {
			c.mu.Lock()
			defer c.mu.Unlock()
			return c.real - began
		},
	}
}
