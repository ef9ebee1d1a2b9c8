package gate

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"thimble"
	"thimble/internal/consent"
	"thimble/internal/policy"
	"thimble/internal/subject"
)

// Decide answers a request and records nothing. No data can be opened with it.
func (g *Gate) Decide(ctx context.Context, r Request) (Verdict, error) {
	var v Verdict
	_, _, err := g.decide(ctx, &r, &v)
	g.ofStaff(ctx, &r, &v)
	return v, err
}

// decide fills in the verdict. It returns the moment of before the judgement: what
// moves during it kills the grant. It returns who the person is, without members
// when a compiled state answered: such a person has one subject.
func (g *Gate) decide(ctx context.Context, r *Request, v *Verdict) (born uint64, who subject.Person, err error) {
	now := g.now()
	if silent := g.uses.Silent(ctx); silent || g.moves.ready(ctx, now) != nil {
		*v = Judge(*r, g.pack, Facts{Silent: silent, Lapsed: !silent}, now)
		return 0, who, nil
	}
	born = g.moves.now()
	if st, ok := g.moves.lookup(r.Subject); ok && g.compiled(r, &st, now, v) {
		return born, who, nil
	}
	*v, who, err = g.afresh(ctx, *r, born, now)
	return born, who, err
}

// compiled judges by a person's state and the compiled law, as [Judge] does by
// facts and the law. It reports whether it can.
func (g *Gate) compiled(r *Request, st *state, now time.Time, v *Verdict) bool {
	if !st.holds(now.UnixMicro()) {
		return false
	}
	c := g.tables.at(st.law).find(r.Purpose, r.Categories)
	v.Mode, v.Basis, v.Pack, v.Cite = c.Mode, c.Basis, c.Pack, c.Cite
	v.Epoch, v.Until, v.Policy = st.epoch, instant(st.until), c.policy
	stranger := g.known.unknown(r.Scope)
	switch {
	case len(r.Categories) == 0:
		v.Why = whyNothing
	case r.Actor.Kind == "":
		v.Why = whyNoActor
	case r.Actor.Kind == Customer && r.Actor.Self != r.Subject:
		v.Why = whyOther
	case st.flags&isRestricted != 0 && r.Purpose != thimble.LegalObligation:
		v.Why = whyRestricted
	case stranger != "":
		v.Why = whyStranger(stranger)
	case c.Mode == policy.Prohibited:
		v.Why = c.prohibited
	case c.Mode == policy.Allow:
		v.Allowed, v.Why = true, c.needed
	default:
		n, ok := g.number(c, r)
		if !ok || n >= st.asks {
			*v = Verdict{}
			return false
		}
		code := st.answer(n)
		v.Consent.Purpose, v.Consent.State = r.Purpose, answerOf(code)
		v.Why = c.answers[code]
		switch {
		case c.Mode == policy.Notice && !refuses(v.Consent.State):
			v.Allowed, v.Why = true, c.needed
		case v.Consent.State.Permits() && c.Mode <= policy.OptIn:
			v.Allowed, v.Why = true, c.permits
		}
	}
	return true
}

// number returns the number of what a request asks. Requests without a scope find
// it in the cell.
func (g *Gate) number(c *cell, r *Request) (uint8, bool) {
	plain := r.Scope == Scope{}
	if plain {
		if n := c.ask.Load(); n > 0 {
			return uint8(n - 1), true
		}
	}
	n, ok := g.asks.number(ask{r.Purpose, r.Scope})
	if plain && ok {
		c.ask.Store(int32(n) + 1)
	}
	return n, ok
}

// afresh judges by what the stores say, and compiles it for the next time.
func (g *Gate) afresh(ctx context.Context, r Request, born uint64, now time.Time) (Verdict, subject.Person, error) {
	stranger := g.known.unknown(r.Scope)
	if stranger == "" {
		g.asks.number(ask{r.Purpose, r.Scope}) // so that the state made now has the answer
	}
	d, err := g.read(ctx, r.Subject, now)
	if err != nil {
		return Verdict{}, d.person, fmt.Errorf("gate: judging: %w", err)
	}
	// Who has several subjects is asked about each time: the state of one of them
	// would not hear of the others' moves.
	if len(d.person.Members) == 1 {
		g.moves.pause("keep")
		g.moves.keep(r.Subject, g.compile(&d, now), born)
	}
	f := Facts{
		Known: len(d.person.Members) > 0, Epoch: d.person.Epoch(), Members: d.person.IDs(), Restricted: d.person.Restricted,
		Standing: d.answer(ask{r.Purpose, r.Scope}, now), Stranger: stranger, Until: d.until,
	}
	return Judge(r, d.law, f, now), d.person, nil
}

// A dossier is what the stores say of a person, for verdicts.
type dossier struct {
	person subject.Person       // without members: nobody
	said   [][]consent.Standing // by each member
	law    Law
	until  time.Time
}

// answer returns where the person stands, over all their subjects.
func (d *dossier) answer(a ask, now time.Time) consent.Standing {
	if len(d.said) == 0 {
		return consent.Standing{Purpose: a.purpose}
	}
	others := make([]consent.Joined, 0, len(d.said)-1)
	for i, said := range d.said[1:] {
		others = append(others, consent.Joined{Standing: stand(said, a, now), Since: d.person.Members[i+1].Joined})
	}
	return consent.Join(stand(d.said[0], a, now), others...)
}

// read asks the stores. The epochs are read before all else: if something moves in
// between, the grant is born dead, which is the safe way to be wrong.
func (g *Gate) read(ctx context.Context, who thimble.SubjectID, now time.Time) (d dossier, err error) {
	d.law = g.pack
	d.person, err = g.subjects.Person(ctx, who)
	if errors.Is(err, thimble.ErrNotFound) {
		d.person = subject.Person{}
		return d, nil
	}
	if err != nil {
		return d, err
	}
	var ends time.Time
	for _, m := range d.person.Members {
		standings, err := g.consents.Standings(ctx, m.ID)
		if err != nil {
			return d, err
		}
		d.said, ends = append(d.said, standings), earlier(ends, steady(standings, now))
	}
	law, until, err := g.laws.Of(ctx, d.person, now)
	d.law, d.until = law, earlier(ends, until)
	if err == nil && refuses(d.answer(ask{purpose: thimble.SensitiveBeyond}, now).Now(now)) {
		d.law = limited{law}
	}
	return d, err
}

// compile makes a person's state: the answer to each ask that has a number.
func (g *Gate) compile(d *dossier, now time.Time) state {
	st := state{epoch: d.person.Epoch(), until: micros(d.until), law: g.tables.number(d.law), flags: isKnown}
	if d.person.Restricted {
		st.flags |= isRestricted
	}
	all := g.asks.list.Load().all
	st.asks = uint8(len(all))
	for n, a := range all {
		st.setAnswer(uint8(n), codeOf(d.answer(a, now).Now(now)))
	}
	return st
}

// Consent returns the choice behind a verdict on a request: which event, when, and
// until when. A verdict itself carries the purpose and the state only.
func (g *Gate) Consent(ctx context.Context, r Request) (consent.Standing, error) {
	now := g.now()
	d, err := g.read(ctx, r.Subject, now)
	if err != nil {
		return consent.Standing{}, fmt.Errorf("gate: looking for the choice: %w", err)
	}
	return d.answer(ask{r.Purpose, r.Scope}, now), nil
}

// tables are the compiled laws, by number. There are as many as combinations of
// laws that apply to somebody, and changes of them.
type tables struct {
	mu  sync.Mutex
	all atomic.Pointer[[]*table]
}

func (t *tables) at(n uint16) *table { return (*t.all.Load())[n] }

func (t *tables) number(l Law) uint16 {
	ref, digest := l.Ref(), l.Digest()
	same := func(other *table) bool { return other.law.Digest() == digest && other.law.Ref() == ref }
	if all := t.all.Load(); all != nil {
		if n := slices.IndexFunc(*all, same); n >= 0 {
			return uint16(n)
		}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	var old []*table
	if all := t.all.Load(); all != nil {
		old = *all
	}
	if n := slices.IndexFunc(old, same); n >= 0 {
		return uint16(n)
	}
	all := append(slices.Clone(old), newTable(l))
	t.all.Store(&all)
	return uint16(len(old))
}
