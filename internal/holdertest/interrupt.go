package holdertest

import (
	"context"
	"os"
	"sync"
)

// A dying context ends when it is asked for the n-th time whether it has. A database
// asks it before, within and after each statement.
type dying struct {
	context.Context
	mu   sync.Mutex
	left int
	done chan struct{}
	dead bool
}

func dyingAt(n int) *dying {
	return &dying{Context: context.Background(), left: n, done: make(chan struct{})}
}

func (d *dying) ask() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.left--; d.left < 0 && !d.dead {
		d.dead = true
		close(d.done)
	}
}

// Done implements context.Context.
func (d *dying) Done() <-chan struct{} {
	d.ask()
	return d.done
}

// Err implements context.Context.
func (d *dying) Err() error {
	d.ask()
	if d.over() {
		return context.Canceled
	}
	return nil
}

func (d *dying) over() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.dead
}

// everywhere calls try with contexts that die later and later, until one outlives
// the call. Under THIMBLE_SOAK each question is tried; else the steps grow.
func everywhere(try func(ctx context.Context) (through bool)) (tries int) {
	soak := os.Getenv("THIMBLE_SOAK") != ""
	for n := 0; ; n++ {
		ctx := dyingAt(n)
		tries++
		if try(ctx) && !ctx.over() {
			return tries
		}
		if !soak {
			n += n / 3
		}
	}
}
