package gate

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"thimble"
	"thimble/internal/subject"
)

// A Grant opens one person's cells for one purpose. It implements thimble.Grant.
// Only the gate makes one that opens anything.
type Grant struct {
	gate    *Gate
	request Request
	person  subject.Person
	verdict Verdict
	use     thimble.ID
	born    uint64
}

// Subject returns whose cells the grant opens: the person's canonical subject.
func (g *Grant) Subject() thimble.SubjectID { return g.request.Subject }

// Members returns all subjects of the person, the canonical one first.
func (g *Grant) Members() []thimble.SubjectID { return g.person.IDs() }

// Purpose returns what they are opened for.
func (g *Grant) Purpose() thimble.Purpose { return g.request.Purpose }

// Verdict returns why.
func (g *Grant) Verdict() Verdict { return g.verdict }

// Use returns the id of the recorded use, zero for a counted one.
func (g *Grant) Use() thimble.ID { return g.use }

var (
	errMoved  = fmt.Errorf("gate: the person's choices have changed: %w", thimble.ErrDenied)
	errEnded  = fmt.Errorf("gate: the grant has ended by itself: %w", thimble.ErrDenied)
	errForged = fmt.Errorf("gate: the grant is not one of the gate: %w", thimble.ErrDenied)
)

// Holds returns nil while the grant holds, as far as this process knows. It asks
// no database but to get a lost lease back, which kills the grant.
func (g *Grant) Holds(ctx context.Context) error {
	if g.gate == nil {
		return errForged
	}
	now := g.gate.now()
	if until := g.verdict.Until; !until.IsZero() && !now.Before(until) {
		return errEnded
	}
	if err := g.gate.moves.ready(ctx, now); err != nil {
		return err
	}
	for _, m := range g.person.Members {
		if g.gate.moves.since(m.ID, g.born) {
			return errMoved
		}
	}
	return nil
}

// judged judges the grant's request, and makes it a grant or a *Denial.
func (g *Gate) judged(ctx context.Context, grant *Grant) (err error) {
	grant.born, grant.person, err = g.decide(ctx, &grant.request, &grant.verdict)
	if err != nil {
		return err
	}
	g.ofStaff(ctx, &grant.request, &grant.verdict)
	if !grant.verdict.Allowed {
		return &Denial{Verdict: grant.verdict}
	}
	if len(grant.person.Members) == 0 { // a compiled state: of somebody with one subject
		grant.person.Members = []subject.Member{{ID: grant.request.Subject, Epoch: grant.verdict.Epoch}}
	}
	grant.request.Subject = grant.person.ID()
	return nil
}

// Open implements thimble.Grant.
func (g *Grant) Open(ctx context.Context, c thimble.Cell, sealed []byte) ([]byte, error) {
	if !slices.ContainsFunc(g.person.Members, func(m subject.Member) bool { return m.ID == c.Owner }) {
		return nil, fmt.Errorf("gate: the cell is another person's: %w", thimble.ErrDenied)
	}
	if !slices.ContainsFunc(g.request.Categories, c.Category.Within) {
		return nil, fmt.Errorf("gate: %s was not asked for: %w", c.Category, thimble.ErrDenied)
	}
	if err := g.Holds(ctx); err != nil {
		return nil, err
	}
	return g.gate.vault.Open(ctx, c, sealed)
}

// Live returns nil while the grant holds, and asks the database for the epoch too.
// It is for who wants to know; output that leaves the process goes through
// [Grant.Output].
func (g *Grant) Live(ctx context.Context) error {
	if err := g.Holds(ctx); err != nil {
		return err
	}
	now, err := g.gate.subjects.Person(ctx, g.request.Subject)
	if err != nil {
		return fmt.Errorf("gate: asking for the epoch: %w", errors.Join(err, thimble.ErrDenied))
	}
	if !now.Same(g.person) {
		return errMoved
	}
	return nil
}

// Output runs f, which has something that the grant opened leave the process. A
// grant that no longer holds is an error of kind thimble.ErrDenied, and f is not
// run. While f runs, a change of the person's choices is not answered; if f takes
// longer than [Grace] then, its context is cancelled.
func (g *Grant) Output(ctx context.Context, f func(context.Context) error) error {
	return outputs(ctx, []*Grant{g}, f)
}

// outputs runs f while all the grants hold and are marked as in use.
func outputs(ctx context.Context, grants []*Grant, f func(context.Context) error) error {
	ctx, abort := context.WithCancel(ctx)
	defer abort()
	for _, g := range grants {
		leave, err := g.enter(ctx, abort)
		if err != nil {
			return err
		}
		defer leave()
	}
	err := f(ctx)
	if err != nil && ctx.Err() != nil {
		return errors.Join(err, errMoved)
	}
	return err
}

func (g *Grant) enter(ctx context.Context, abort context.CancelFunc) (leave func(), err error) {
	if err := g.Holds(ctx); err != nil {
		return nil, err
	}
	m := g.gate.moves
	m.pause("enter")
	type mark struct {
		who thimble.SubjectID
		o   *output
	}
	var marks []mark
	leave = func() {
		for _, k := range marks {
			m.leave(k.who, k.o)
		}
	}
	for _, member := range g.person.Members {
		o, ok := m.enter(member.ID, g.born, abort)
		if !ok {
			leave()
			return nil, errMoved
		}
		marks = append(marks, mark{member.ID, o})
	}
	// Once more, now that the output is marked: a lease that ended before the mark
	// was there could have let a change be answered.
	if m.lease != nil && !m.lease.Live(g.gate.now()) {
		leave()
		return nil, errMoved
	}
	return leave, nil
}

// Renew judges the grant's request again and returns a grant of now: for who kept
// one while the person chose. The use was recorded when the grant was given.
func (g *Grant) Renew(ctx context.Context) (*Grant, error) {
	if g.gate == nil {
		return nil, errForged
	}
	again := &Grant{gate: g.gate, request: g.request, use: g.use}
	if err := g.gate.judged(ctx, again); err != nil {
		return nil, err
	}
	return again, nil
}
