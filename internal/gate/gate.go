package gate

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"time"

	"thimble"
	"thimble/internal/consent"
	"thimble/internal/policy"
	"thimble/internal/subject"
)

// Subjects knows who exists, who is one person, and their epochs.
type Subjects interface {
	// Person returns all subjects of the person a subject is of, or an error of kind
	// ErrNotFound for one that is unknown or erased.
	Person(ctx context.Context, s thimble.SubjectID) (subject.Person, error)
}

// Consents knows what people permit.
type Consents interface {
	Standing(ctx context.Context, s thimble.SubjectID, p thimble.Purpose) (consent.Standing, error)
	Permitting(ctx context.Context, p thimble.Purpose, at time.Time, after thimble.SubjectID, limit int) ([]thimble.SubjectID, error)
}

// An Opener opens sealed cells.
type Opener interface {
	Open(ctx context.Context, c thimble.Cell, sealed []byte) ([]byte, error)
}

// A UseLog records uses. Record returns when the use is durable; Count may take a
// second.
type UseLog interface {
	Record(ctx context.Context, r Request, v Verdict) (UseID thimble.ID, err error)
	Count(r Request)
	Silent(ctx context.Context) bool
}

// A Gate judges requests and gives grants.
type Gate struct {
	subjects Subjects
	consents Consents
	vault    Opener
	uses     UseLog
	pack     *policy.Pack
	moves    *Moves
	now      func() time.Time
}

// New returns a gate. It learns from moves whose epoch has moved in this process.
// A nil clock means time.Now.
func New(s Subjects, c Consents, v Opener, u UseLog, p *policy.Pack, m *Moves, now func() time.Time) *Gate {
	if now == nil {
		now = time.Now
	}
	return &Gate{subjects: s, consents: c, vault: v, uses: u, pack: p, moves: m, now: now}
}

// Decide answers a request and records nothing. No data can be opened with it.
func (g *Gate) Decide(ctx context.Context, r Request) (Verdict, error) {
	v, _, err := g.decide(ctx, r)
	return v, err
}

// decide answers a request, and says who the person is.
func (g *Gate) decide(ctx context.Context, r Request) (Verdict, subject.Person, error) {
	f := Facts{Known: true, Silent: g.uses.Silent(ctx)}
	// The epochs are read before the consent: if the consent moves in between, the
	// grant is born dead, which is the safe way to be wrong.
	p, err := g.subjects.Person(ctx, r.Subject)
	if errors.Is(err, thimble.ErrNotFound) {
		f.Known, p, err = false, subject.Person{}, nil
	}
	if err == nil {
		f.Epoch, f.Restricted, f.Members = p.Epoch(), p.Restricted, p.IDs()
		f.Standing, err = consent.OfPerson(ctx, p, r.Purpose, g.consents.Standing)
	}
	if err != nil {
		return Verdict{}, p, fmt.Errorf("gate: judging: %w", err)
	}
	return Judge(r, g.pack, f, g.now()), p, nil
}

// Open answers a request with a grant, or with a *Denial. The use is recorded
// before anything can be opened.
func (g *Gate) Open(ctx context.Context, r Request) (*Grant, error) {
	born := g.moves.now() // before the judgement: what moves during it kills the grant
	v, p, err := g.decide(ctx, r)
	if err != nil {
		return nil, err
	}
	if !v.Allowed {
		return nil, &Denial{Verdict: v}
	}
	r.Subject = p.ID()
	grant := &Grant{gate: g, request: r, person: p, verdict: v, born: born}
	// Each subject's part is written down as its own, so that whoever turns out to be
	// another person knows of the looks at them.
	for _, m := range slices.Backward(p.Members) {
		r.Subject = m.ID
		if r.Actor.Kind != Staff {
			g.uses.Count(r)
			continue
		}
		// The leaf is durable before any data is seen: an access that nobody can
		// prove must be impossible, not unlikely.
		if grant.use, err = g.uses.Record(ctx, r, v); err != nil {
			return nil, fmt.Errorf("gate: recording the use: %w", errors.Join(err, thimble.ErrDenied))
		}
	}
	return grant, nil
}

// page is how many people a scan asks for at a time.
const page = 500

// Scan yields a grant for each person who permits a purpose that needs consent,
// in order of their canonical subjects' ids. People who change their mind during the
// scan are left out, or their grant dies.
func (g *Gate) Scan(ctx context.Context, a Actor, p thimble.Purpose, categories ...thimble.Category) iter.Seq2[*Grant, error] {
	return func(yield func(*Grant, error) bool) {
		var after thimble.SubjectID
		for {
			people, err := g.consents.Permitting(ctx, p, g.now(), after, page)
			if err != nil {
				yield(nil, fmt.Errorf("gate: scanning for %s: %w", p, err))
				return
			}
			for _, s := range people {
				// A person permits what their canonical subject permits, or less: the
				// others need not be asked, and each person comes once.
				who, err := g.subjects.Person(ctx, s)
				if errors.Is(err, thimble.ErrNotFound) || err == nil && who.ID() != s {
					continue
				}
				if err != nil {
					yield(nil, fmt.Errorf("gate: scanning for %s: %w", p, err))
					return
				}
				grant, err := g.Open(ctx, Request{Actor: a, Subject: s, Purpose: p, Categories: categories})
				if errors.Is(err, thimble.ErrDenied) && !errors.Is(err, thimble.ErrUnavailable) {
					continue
				}
				if !yield(grant, err) || err != nil {
					return
				}
			}
			if len(people) < page {
				return
			}
			after = people[len(people)-1]
		}
	}
}

// Collect answers whether data of the categories may be written for a purpose of
// the contract, before anybody's consent is asked: the verdict at the door.
func (g *Gate) Collect(ctx context.Context, p thimble.Purpose, categories ...thimble.Category) error {
	v := Judge(Request{Actor: Actor{Kind: Machine, Name: "collect"}, Purpose: p, Categories: categories}, g.pack,
		Facts{Known: true, Silent: g.uses.Silent(ctx)}, g.now())
	if !v.Allowed {
		return &Denial{Verdict: v}
	}
	return nil
}

// A Grant opens one person's cells for one purpose. It implements thimble.Grant.
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

// Open implements thimble.Grant.
func (g *Grant) Open(ctx context.Context, c thimble.Cell, sealed []byte) ([]byte, error) {
	if !slices.ContainsFunc(g.person.Members, func(m subject.Member) bool { return m.ID == c.Owner }) {
		return nil, fmt.Errorf("gate: the cell is another person's: %w", thimble.ErrDenied)
	}
	if !slices.ContainsFunc(g.request.Categories, c.Category.Within) {
		return nil, fmt.Errorf("gate: %s was not asked for: %w", c.Category, thimble.ErrDenied)
	}
	for _, m := range g.person.Members {
		if g.gate.moves.since(m.ID, g.born) {
			return nil, errMoved
		}
	}
	return g.gate.vault.Open(ctx, c, sealed)
}

var errMoved = fmt.Errorf("gate: the person's choices have changed: %w", thimble.ErrDenied)

// Live returns nil while the grant holds, also against what another process
// changed. A sink asks before output leaves the process; a withdrawal in the
// meantime makes it an error of kind ErrDenied.
func (g *Grant) Live(ctx context.Context) error {
	now, err := g.gate.subjects.Person(ctx, g.request.Subject)
	if err != nil {
		return fmt.Errorf("gate: asking for the epoch: %w", errors.Join(err, thimble.ErrDenied))
	}
	if !now.Same(g.person) {
		return errMoved
	}
	return nil
}
