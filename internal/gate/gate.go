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
	"thimble/internal/datamap"
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
	// Standings returns where a person stands on all that they said something about.
	Standings(ctx context.Context, s thimble.SubjectID, about ...thimble.Purpose) ([]consent.Standing, error)
	Permitting(ctx context.Context, p thimble.Purpose, at time.Time, after thimble.SubjectID, limit int) ([]thimble.SubjectID, error)
}

// Laws chooses the law that applies to a person.
type Laws interface {
	// Of returns the law, and when the choice ends by itself: a law's midnight, a
	// birthday. The zero time never comes.
	Of(ctx context.Context, p subject.Person, at time.Time) (Law, time.Time, error)
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
	pack     Law
	laws     Laws
	staff    StaffRules
	moves    *Moves
	now      func() time.Time
	known    *known
	asks     *asks
	tables   tables
}

// New returns a gate under one law. It learns from moves whose epoch has moved in
// this process. A nil clock means time.Now.
func New(s Subjects, c Consents, v Opener, u UseLog, p Law, m *Moves, now func() time.Time) *Gate {
	if now == nil {
		now = time.Now
	}
	return &Gate{subjects: s, consents: c, vault: v, uses: u, pack: p, laws: oneLaw{p}, moves: m, now: now, known: newKnown(Known{}), asks: newAsks()}
}

// oneLaw is the same law for everybody.
type oneLaw struct{ law Law }

// Of implements Laws.
func (o oneLaw) Of(context.Context, subject.Person, time.Time) (Law, time.Time, error) {
	return o.law, time.Time{}, nil
}

// Under has the law chosen for each person. It is called while the gate is wired,
// before the first request.
func (g *Gate) Under(l Laws) { g.laws = l }

// Knows names the recipients, brands, channels and features that requests may
// name. It is called while the gate is wired.
func (g *Gate) Knows(k Known) { g.known = newKnown(k) }

// Open answers a request with a grant, or with a *Denial. The use is recorded
// before anything can be opened.
func (g *Gate) Open(ctx context.Context, r Request) (*Grant, error) {
	grant := &Grant{gate: g, request: r}
	if err := g.judged(ctx, grant); err != nil {
		return nil, err
	}
	// Each subject's part is written down as its own, so that whoever turns out to be
	// another person knows of the looks at them.
	for _, m := range slices.Backward(grant.person.Members) {
		r.Subject = m.ID
		if r.Actor.Kind != Staff {
			g.uses.Count(r)
			continue
		}
		// The leaf is durable before any data is seen: an access that nobody can
		// prove must be impossible, not unlikely.
		var err error
		if grant.use, err = g.uses.Record(ctx, r, grant.verdict); err != nil {
			return nil, fmt.Errorf("gate: recording the use: %w", errors.Join(err, thimble.ErrDenied))
		}
	}
	sinkFrom(ctx).add(grant)
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
				canonical, err := g.canonical(ctx, s)
				if err == nil && !canonical {
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

// canonical reports whether somebody is to be met by a scan under this subject.
// Whoever has a compiled state has one subject only.
func (g *Gate) canonical(ctx context.Context, s thimble.SubjectID) (bool, error) {
	if _, single := g.moves.lookup(s); single {
		return true, nil
	}
	who, err := g.subjects.Person(ctx, s)
	if errors.Is(err, thimble.ErrNotFound) {
		return false, nil
	}
	return who.ID() == s, err
}

// Collect answers whether data of the categories may be written for a purpose of
// the contract, before anybody's consent is asked: the verdict at the door. What is
// kept of nobody, such as the number of a card, is refused whatever the purpose.
func (g *Gate) Collect(ctx context.Context, p thimble.Purpose, categories ...thimble.Category) error {
	for _, c := range categories {
		if err := datamap.Refuse(c); err != nil {
			return fmt.Errorf("gate: at the door: %w", err)
		}
	}
	v := Judge(Request{Actor: Actor{Kind: Machine, Name: "collect"}, Purpose: p, Categories: categories}, g.pack,
		Facts{Known: true, Silent: g.uses.Silent(ctx)}, g.now())
	if !v.Allowed {
		return &Denial{Verdict: v}
	}
	return nil
}
