package gate

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"thimble"
)

// A Cohort is the people that something is made from, such as a model, with the
// moment at which each of them permitted it.
type Cohort struct {
	gate    *Gate
	request Request // of each of them, without the subject
	members map[thimble.SubjectID]uint64
	// of is whose a subject is that is not the canonical one of its person.
	of map[thimble.SubjectID]thimble.SubjectID
}

// Cohort returns an empty cohort of people who are used for a purpose.
func (g *Gate) Cohort(a Actor, p thimble.Purpose, categories ...thimble.Category) *Cohort {
	return &Cohort{gate: g, request: Request{Actor: a, Purpose: p, Categories: categories}, members: map[thimble.SubjectID]uint64{}, of: map[thimble.SubjectID]thimble.SubjectID{}}
}

// Add takes in who a grant is for.
func (c *Cohort) Add(g *Grant) {
	if g.gate != c.gate || g.request.Purpose != c.request.Purpose {
		return
	}
	for _, m := range g.person.Members {
		c.members[m.ID] = g.born
		if m.ID != g.Subject() {
			c.of[m.ID] = g.Subject()
		}
	}
}

// Drop leaves out the person who was added under a subject.
func (c *Cohort) Drop(who thimble.SubjectID) {
	delete(c.members, who)
	for m, of := range c.of {
		if of == who {
			delete(c.members, m)
			delete(c.of, m)
		}
	}
}

// Len returns how many people there are.
func (c *Cohort) Len() int { return len(c.members) - len(c.of) }

// Publish runs f, which has what was made from the cohort leave, when everybody
// still permits it. Who does not any more is given to without first, which takes
// them out of what was made; then it is asked again. While f runs, a change of
// anybody's choices in the cohort is not answered, and after [Grace] f's context
// is cancelled. The error is of kind thimble.ErrConflict when people keep leaving.
func (c *Cohort) Publish(ctx context.Context, without func(context.Context, []thimble.SubjectID) error, f func(context.Context) error) error {
	for round := range rounds {
		gone, cut, err := c.publish(ctx, f)
		if cut && ctx.Err() == nil {
			wait(ctx, time.Millisecond<<round*5) // for who moved while it was leaving to be in force, or the node to have its lease again
			continue
		}
		if err != nil || len(gone) == 0 {
			return err
		}
		if err := without(ctx, gone); err != nil {
			return err
		}
		maps.DeleteFunc(c.members, func(who thimble.SubjectID, _ uint64) bool { return slices.Contains(gone, c.person(who)) })
		maps.DeleteFunc(c.of, func(_, who thimble.SubjectID) bool { return slices.Contains(gone, who) })
	}
	return fmt.Errorf("gate: people kept leaving while something was made from them: %w", thimble.ErrConflict)
}

func wait(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// rounds bounds how often a publication is tried.
const rounds = 8

// publish runs f, or returns who has left. It reports whether it was told to stop and
// failed.
func (c *Cohort) publish(ctx context.Context, f func(context.Context) error) (gone []thimble.SubjectID, cut bool, err error) {
	m := c.gate.moves
	ctx, abort := context.WithCancel(ctx)
	defer abort()
	// Marked before anybody is asked: who moves later waits for the end of this.
	defer m.together(abort, func(who thimble.SubjectID) bool {
		_, in := c.members[who]
		return in
	})()
	if gone, err = c.left(ctx); err != nil || len(gone) > 0 {
		return gone, err != nil && ctx.Err() != nil, err // told to stop while it asked
	}
	m.pause("publish")
	if m.lease != nil && !m.lease.Live(c.gate.now()) {
		return nil, true, errMoved
	}
	if err = f(ctx); err != nil && ctx.Err() != nil {
		return nil, true, errors.Join(err, errMoved)
	}
	return nil, false, err
}

// person returns the subject under which somebody was added.
func (c *Cohort) person(who thimble.SubjectID) thimble.SubjectID {
	if of, ok := c.of[who]; ok {
		return of
	}
	return who
}

// left returns the members who do not permit it any more. It marks the others as
// of now. The map is not changed in size: whoever moves looks into it meanwhile.
func (c *Cohort) left(ctx context.Context) (gone []thimble.SubjectID, err error) {
	m := c.gate.moves
	if err := m.ready(ctx, c.gate.now()); err != nil {
		return nil, err
	}
	moved := map[thimble.SubjectID]bool{}
	for who, born := range c.members {
		if m.since(who, born) {
			moved[c.person(who)] = true
		}
	}
	for who := range moved {
		r := c.request
		r.Subject = who
		v, err := c.gate.Decide(ctx, r)
		if err != nil {
			return nil, err
		}
		if !v.Allowed {
			gone = append(gone, who)
		}
	}
	return gone, nil
}
