package gate

import (
	"context"
	"errors"
	"slices"
	"sync"

	"thimble"
)

// A Sink is where output leaves the process, such as the answer to one request. It
// collects the grants that are given on the way, so that the answer can be held
// back when one of them has died.
type Sink struct {
	mu     sync.Mutex
	grants []*Grant
}

type sinkKey struct{}

// WithSink returns a context whose grants are collected.
func WithSink(ctx context.Context) (context.Context, *Sink) {
	s := &Sink{}
	return context.WithValue(ctx, sinkKey{}, s), s
}

func sinkFrom(ctx context.Context) *Sink {
	s, _ := ctx.Value(sinkKey{}).(*Sink)
	return s
}

// add collects a grant. Of two for the same the older stays: it dies first.
func (s *Sink) add(g *Grant) {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !slices.ContainsFunc(s.grants, g.same) {
		s.grants = append(s.grants, g)
	}
}

// same reports whether two grants are for the same request.
func (g *Grant) same(h *Grant) bool {
	return g.request.Subject == h.request.Subject && g.request.Purpose == h.request.Purpose && g.request.Scope == h.request.Scope &&
		g.request.Actor == h.request.Actor && slices.Equal(g.request.Categories, h.request.Categories)
}

// Drop says that nothing of what the grant opened is in the output after all.
func (g *Grant) Drop(ctx context.Context) {
	s := sinkFrom(ctx)
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.grants = slices.DeleteFunc(s.grants, g.same)
}

// Any reports whether a grant was collected.
func (s *Sink) Any() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.grants) > 0
}

// Output runs f, which lets the output leave, while all collected grants hold. A
// grant that died since is asked for again: what the person permits at the moment
// of output counts. The error is of kind thimble.ErrDenied when they do not.
func (s *Sink) Output(ctx context.Context, f func(context.Context) error) error {
	s.mu.Lock()
	grants := slices.Clone(s.grants)
	s.mu.Unlock()
	began := false
	for range tries {
		err := outputs(ctx, grants, func(ctx context.Context) error { began = true; return f(ctx) })
		if err == nil || began || !errors.Is(err, thimble.ErrDenied) {
			return err
		}
		for i, g := range grants {
			if g.Holds(ctx) == nil {
				continue
			}
			if grants[i], err = g.Renew(ctx); err != nil {
				return err
			}
		}
	}
	return errMoved
}

// tries bounds how often output is tried while a person keeps choosing.
const tries = 3
