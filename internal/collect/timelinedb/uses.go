package timelinedb

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"thimble"
	"thimble/internal/collect/frame"
	"thimble/internal/gate"
)

// uses are the grants of today that a listener has: one use is written down for each
// person, when the grant is given, and the grant is judged again for each batch.
type uses struct {
	store      *Store
	purpose    thimble.Purpose
	categories []thimble.Category
	actor      string

	mu   sync.Mutex
	day  int64
	held map[thimble.SubjectID]*gate.Grant
}

func (s *Store) use(name string, p thimble.Purpose, categories ...thimble.Category) *uses {
	return &uses{store: s, purpose: p, categories: categories, actor: "collect." + name, held: map[thimble.SubjectID]*gate.Grant{}}
}

// mostHeld bounds how many people's grants are held. Past it all are dropped: the next
// use of each is written down again.
const mostHeld = 100_000

// of returns a grant of now for somebody, or nil if the gate says no.
func (u *uses) of(ctx context.Context, who thimble.SubjectID) (*gate.Grant, error) {
	day := u.store.Now().Unix() / (24 * 60 * 60)
	u.mu.Lock()
	if day != u.day || len(u.held) >= mostHeld {
		u.day = day
		clear(u.held)
	}
	g := u.held[who]
	u.mu.Unlock()
	var err error
	if g != nil {
		g, err = g.Renew(ctx)
	} else {
		g, err = u.store.Gate.Open(ctx, gate.Request{
			Actor: gate.Actor{Kind: gate.Machine, Name: u.actor}, Subject: who, Purpose: u.purpose, Categories: u.categories,
		})
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if err != nil {
		delete(u.held, who)
		if refused(err) {
			return nil, nil
		}
		return nil, fmt.Errorf("timeline: asking for %s: %w", u.purpose, err)
	}
	u.held[who] = g
	return g, nil
}

// refused reports whether an error is an answer: no, and not "later".
func refused(err error) bool {
	return errors.Is(err, thimble.ErrDenied) && !errors.Is(err, thimble.ErrUnavailable)
}

// has reports whether the listener reads a category.
func (u *uses) has(c thimble.Category) bool { return slices.ContainsFunc(u.categories, c.Within) }

// forget drops what is held of somebody.
func (u *uses) forget(who thimble.SubjectID) {
	u.mu.Lock()
	defer u.mu.Unlock()
	delete(u.held, who)
}

// holds reports whether a grant still holds, as far as this process knows.
func holds(ctx context.Context, g *gate.Grant) bool {
	return g.Output(ctx, func(context.Context) error { return nil }) == nil
}

// open opens a part. It returns nil for one that does not open any more: its key has
// expired, or the person has changed their mind since the grant was given.
func open(ctx context.Context, g thimble.Grant, r *frame.Record, p *frame.Part) ([]byte, error) {
	plain, err := g.Open(ctx, frame.PartCell(r, p.Category), p.Sealed)
	if err != nil && refused(err) {
		return nil, nil
	}
	return plain, err
}
