package gate

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"thimble"
	"thimble/internal/consent"
	"thimble/internal/datamap"
	"thimble/internal/policy"
	"thimble/internal/subject"
)

// A DoorUse is a category of data and what it is for. One purpose that is permitted is
// enough to keep it.
type DoorUse struct {
	Category thimble.Category
	Purposes []thimble.Purpose
}

// MaxPairs is how many pairs of a use and a purpose a door has at most.
const MaxPairs = 256

// Pairs is a set of a door's pairs of a use and a purpose: one bit each.
type Pairs [MaxPairs / 64]uint64

func (p *Pairs) add(n int)     { p[n/64] |= 1 << (n % 64) }
func (p Pairs) has(n int) bool { return p[n/64]>>(n%64)&1 == 1 }

// Without returns the pairs that are not among others.
func (p Pairs) Without(others Pairs) Pairs {
	for i := range p {
		p[i] &^= others[i]
	}
	return p
}

// And returns the pairs that are among others too.
func (p Pairs) And(others Pairs) Pairs {
	for i := range p {
		p[i] &= others[i]
	}
	return p
}

// Or returns the pairs of both.
func (p Pairs) Or(others Pairs) Pairs {
	for i := range p {
		p[i] |= others[i]
	}
	return p
}

func (p Pairs) meets(others *Pairs) bool {
	return p[0]&others[0]|p[1]&others[1]|p[2]&others[2]|p[3]&others[3] != 0
}

// A Door says, of many uses at once, which are permitted before anything is written
// about somebody: the verdict of [Judge] for a machine, for each category and purpose.
// What it knows of a person dies as a compiled state does: with the epoch of any of
// their subjects, with everybody's, and at the end of a yes or of a law.
type Door struct {
	gate     *Gate
	uses     int
	pairs    []pair
	purposes []thimble.Purpose
	of       []Pairs // of each use
	shards   [shards]doorShard
	limit    int // of what one shard holds
	reading  chan struct{}
}

type pair struct {
	use      int
	purpose  int
	category []thimble.Category
}

type doorShard struct {
	mu   sync.RWMutex
	held map[thimble.SubjectID]Permission
}

// A Permission is what somebody permits, as long as it holds.
type Permission struct {
	Pairs Pairs
	// Known says that there is such a person, and that they were not erased; Restricted
	// that they had the use of their data restricted.
	Known, Restricted bool
	born              uint64
	until             int64            // UTC microseconds; 0: it does not end by itself
	epoch             int64            // of the subject, as it was judged
	others            []subject.Member // of the same person
}

// Of reports whether the permission was judged of just this person: of the same
// subjects at the same epochs, whichever process moved them since.
func (p *Permission) Of(who subject.Person) bool {
	if !p.Known || len(who.Members) != 1+len(p.others) {
		return false
	}
	own := 0
	for _, m := range who.Members {
		if !slices.ContainsFunc(p.others, func(o subject.Member) bool { return o.ID == m.ID && o.Epoch == m.Epoch }) {
			own++
			if m.Epoch != p.epoch {
				return false
			}
		}
	}
	return own == 1
}

// doorStates bounds how many permissions a door holds.
const doorStates = 1 << 20

// How many people a door reads at once from the stores, which others read too, and how
// long one of them may take. Bodies of strangers come as fast as anybody likes.
const (
	readAtOnce = 16
	readWithin = 10 * time.Second
)

// Door returns a door for at most 64 uses. Data of a category that is not kept at all
// is never permitted. The error is of kind thimble.ErrInvalid when there are more pairs
// than [MaxPairs].
func (g *Gate) Door(uses ...DoorUse) (*Door, error) {
	d := &Door{gate: g, uses: len(uses), of: make([]Pairs, len(uses)), limit: doorStates / shards, reading: make(chan struct{}, readAtOnce)}
	for i := range d.shards {
		d.shards[i].held = map[thimble.SubjectID]Permission{}
	}
	for i, u := range uses {
		refused := datamap.Refuse(u.Category) != nil
		for _, p := range u.Purposes {
			if len(d.pairs) == MaxPairs || i >= 64 {
				return nil, fmt.Errorf("gate: door: at most 64 uses and %d pairs of a use and a purpose were expected: %w", MaxPairs, thimble.ErrInvalid)
			}
			n := slices.Index(d.purposes, p)
			if n < 0 {
				n, d.purposes = len(d.purposes), append(d.purposes, p)
			}
			if !refused {
				d.of[i].add(len(d.pairs))
			}
			d.pairs = append(d.pairs, pair{i, n, []thimble.Category{u.Category}})
		}
	}
	return d, nil
}

// Ready returns nil while anything may be written at all. Its error is of kinds
// thimble.ErrDenied and thimble.ErrUnavailable: while the ledger cannot record, or
// this process has lost touch with the others, nothing is known of anybody.
func (d *Door) Ready(ctx context.Context) error {
	if d.gate.uses.Silent(ctx) {
		return fmt.Errorf("gate: %s: %w", whySilent, errForNow)
	}
	return d.gate.moves.ready(ctx, d.gate.now())
}

// Moment returns the present, for [Door.Moved].
func (d *Door) Moment() uint64 { return d.gate.moves.now() }

// Moved reports whether anything about somebody, such as an identifier, may have
// changed since a moment.
func (d *Door) Moved(who thimble.SubjectID, since uint64) bool { return d.gate.moves.since(who, since) }

// Permits returns what somebody permits: for the zero subject, what may be kept of
// people of whom nothing is known. It looks into the stores only for who is not known
// yet, or has changed. It is to be asked between two answers of [Door.Ready]: the
// first before it, the second before anything is written.
func (d *Door) Permits(ctx context.Context, who thimble.SubjectID) (Permission, error) {
	s := d.shard(who)
	s.mu.RLock()
	p, ok := s.held[who]
	s.mu.RUnlock()
	if ok && d.Holds(who, &p) {
		return p, nil
	}
	return d.afresh(ctx, who)
}

// Holds reports whether a permission still holds.
func (d *Door) Holds(who thimble.SubjectID, p *Permission) bool {
	if p.until != 0 && d.gate.now().UnixMicro() >= p.until || d.gate.moves.since(who, p.born) {
		return false
	}
	for i := range p.others {
		if d.gate.moves.since(p.others[i].ID, p.born) {
			return false
		}
	}
	return true
}

func (d *Door) shard(who thimble.SubjectID) *doorShard {
	return &d.shards[shardOf(who)]
}

func (d *Door) afresh(ctx context.Context, who thimble.SubjectID) (p Permission, err error) {
	ctx, cancel := context.WithTimeout(ctx, readWithin)
	defer cancel()
	select {
	case d.reading <- struct{}{}:
		defer func() { <-d.reading }()
	case <-ctx.Done():
		return p, fmt.Errorf("gate: at the door: waiting to read: %w (%w)", ctx.Err(), thimble.ErrUnavailable)
	}
	now := d.gate.now()
	p.born = d.gate.moves.now() // what moves from here on ends the permission
	var about dossier
	if who.IsZero() {
		about.law, about.until, err = d.gate.laws.Of(ctx, about.person, now)
	} else if about, err = d.gate.read(ctx, who, now); err == nil && len(about.person.Members) == 0 {
		return p, nil
	}
	if err != nil {
		return p, fmt.Errorf("gate: at the door: %w", err)
	}
	p.Known, p.Restricted, p.until, p.Pairs = !who.IsZero(), about.person.Restricted, micros(about.until), d.judge(&about, now)
	for _, m := range about.person.Members {
		if m.ID == who {
			p.epoch = m.Epoch
		} else {
			p.others = append(p.others, m)
		}
	}
	d.gate.moves.pause("door keep")
	d.keep(who, p)
	return p, nil
}

func (d *Door) keep(who thimble.SubjectID, p Permission) {
	s := d.shard(who)
	s.mu.Lock()
	defer s.mu.Unlock()
	if old, ok := s.held[who]; ok {
		if old.born > p.born {
			return // of somebody who looked later
		}
	} else if len(s.held) >= d.limit {
		for other := range s.held {
			delete(s.held, other)
			break
		}
	}
	s.held[who] = p
}

// judge answers for all pairs as [Judge] does for one request.
func (d *Door) judge(about *dossier, now time.Time) (permitted Pairs) {
	g := d.gate
	law := g.tables.at(g.tables.number(about.law))
	said := make([]consent.State, len(d.purposes))
	for i, p := range d.purposes {
		said[i] = about.answer(ask{purpose: p}, now).Now(now)
	}
	for n, p := range d.pairs {
		purpose, state := d.purposes[p.purpose], said[p.purpose]
		restricted := about.person.Restricted && purpose != thimble.LegalObligation
		if !d.of[p.use].has(n) || restricted && !storedAllTheSame(purpose, p.category[0]) {
			continue
		}
		switch mode := law.find(purpose, p.category).Mode; {
		case restricted && mode != policy.Allow:
		case mode == policy.Prohibited:
		case mode == policy.Allow, mode == policy.Notice && !refuses(state), state.Permits() && mode <= policy.OptIn:
			permitted.add(n)
		}
	}
	return permitted
}

// storedAllTheSame reports whether something comes in while the use of somebody's data is
// restricted: what they order and send back, for the contract itself. It is stored and
// not used (GDPR Art. 18(2)), and there when the restriction ends.
func storedAllTheSame(p thimble.Purpose, c thimble.Category) bool {
	return p == thimble.EssentialService && (c.Within(thimble.PurchaseHistory) || c.Within("thimble.returns_behaviour"))
}

// Mask returns the uses that have a permitted pair, by their place.
func (d *Door) Mask(permitted Pairs) (mask uint64) {
	for i := range d.of {
		if permitted.meets(&d.of[i]) {
			mask |= 1 << i
		}
	}
	return mask
}

// For returns the pairs of the purposes for which f says yes: what a signal denies, say.
func (d *Door) For(f func(thimble.Purpose) bool) (pairs Pairs) {
	for i, p := range d.purposes {
		if !f(p) {
			continue
		}
		for n := range d.pairs {
			if d.pairs[n].purpose == i {
				pairs.add(n)
			}
		}
	}
	return pairs
}
