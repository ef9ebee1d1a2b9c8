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
)

// Decide answers a request and records nothing. No data can be opened with it.
func (g *Gate) Decide(ctx context.Context, r Request) (Verdict, error) {
	var v Verdict
	_, err := g.decide(ctx, &r, &v)
	return v, err
}

// decide fills in the verdict, and returns the moment of before the judgement:
// what moves during it kills the grant.
func (g *Gate) decide(ctx context.Context, r *Request, v *Verdict) (born uint64, err error) {
	now := g.now()
	if silent := g.uses.Silent(ctx); silent || g.moves.ready(ctx, now) != nil {
		*v = Judge(*r, g.pack, Facts{Silent: silent, Lapsed: !silent}, now)
		return 0, nil
	}
	born = g.moves.now()
	if st, ok := g.moves.lookup(r.Subject); ok && g.compiled(r, &st, now, v) {
		return born, nil
	}
	*v, err = g.afresh(ctx, *r, born, now)
	return born, err
}

// compiled judges by a person's state and the compiled law, as [Judge] does by
// facts and the law. It reports whether it can.
func (g *Gate) compiled(r *Request, st *state, now time.Time, v *Verdict) bool {
	if !st.holds(now.UnixMicro()) {
		return false
	}
	c := g.tables.at(st.law).find(r.Purpose, r.Categories)
	v.Mode, v.Basis, v.Pack, v.Cite = c.Mode, c.Basis, c.Pack, c.Cite
	v.Epoch, v.Until = st.epoch, instant(st.until)
	stranger := g.known.unknown(r.Scope)
	switch {
	case len(r.Categories) == 0:
		v.Why = whyNothing
	case r.Actor.Kind == "":
		v.Why = whyNoActor
	case r.Actor.Kind == Customer && r.Actor.Self != r.Subject:
		v.Why = whyOther
	case stranger != "":
		v.Why = whyStranger(stranger)
	case c.Mode == policy.Prohibited:
		v.Why = c.prohibited
	case c.Mode <= policy.Notice:
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
		if v.Consent.State.Permits() && c.Mode <= policy.OptIn {
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
func (g *Gate) afresh(ctx context.Context, r Request, born uint64, now time.Time) (Verdict, error) {
	stranger := g.known.unknown(r.Scope)
	if stranger == "" {
		g.asks.number(ask{r.Purpose, r.Scope}) // so that the state made now has the answer
	}
	p, err := g.read(ctx, r.Subject, now)
	if err != nil {
		return Verdict{}, fmt.Errorf("gate: judging: %w", err)
	}
	if p.known {
		g.moves.pause("keep")
		g.moves.keep(r.Subject, g.compile(&p, now), born)
	}
	f := Facts{Known: p.known, Epoch: p.epoch, Standing: stand(p.on(r.Purpose), r.Scope, now), Stranger: stranger, Until: p.until}
	return Judge(r, p.law, f, now), nil
}

// A person is what the stores say of somebody, for verdicts.
type person struct {
	known bool
	epoch int64
	said  []Said
	law   Law
	until time.Time
}

// on returns what was said about a purpose.
func (p *person) on(purpose thimble.Purpose) (said []Said) {
	for _, s := range p.said {
		if s.Purpose == purpose {
			said = append(said, s)
		}
	}
	return said
}

// read asks the stores. The epoch is read before all else: if something moves in
// between, the grant is born dead, which is the safe way to be wrong.
func (g *Gate) read(ctx context.Context, who thimble.SubjectID, now time.Time) (p person, err error) {
	p.law = g.pack
	p.epoch, err = g.subjects.Epoch(ctx, who)
	if errors.Is(err, thimble.ErrNotFound) {
		return p, nil
	}
	if err != nil {
		return p, err
	}
	p.known = true
	standings, err := g.consents.Standings(ctx, who)
	if err != nil {
		return p, err
	}
	for _, s := range standings {
		p.said = append(p.said, Said{Standing: s})
	}
	var ends time.Time
	p.law, ends, err = g.laws.Of(ctx, who, now)
	p.until = earlier(steady(p.said, now), ends)
	return p, err
}

// compile makes a person's state: the answer to each ask that has a number.
func (g *Gate) compile(p *person, now time.Time) state {
	st := state{epoch: p.epoch, until: micros(p.until), law: g.tables.number(p.law), flags: isKnown}
	all := g.asks.list.Load().all
	st.asks = uint8(len(all))
	for n, a := range all {
		st.setAnswer(uint8(n), codeOf(stand(p.on(a.purpose), a.scope, now).Now(now)))
	}
	return st
}

// Consent returns the choice behind a verdict on a request: which event, when, and
// until when. A verdict itself carries the purpose and the state only.
func (g *Gate) Consent(ctx context.Context, r Request) (consent.Standing, error) {
	now := g.now()
	p, err := g.read(ctx, r.Subject, now)
	if err != nil {
		return consent.Standing{}, fmt.Errorf("gate: looking for the choice: %w", err)
	}
	return stand(p.on(r.Purpose), r.Scope, now), nil
}

// tables are the compiled laws, by number. Laws that combine others are made anew
// for each person; their reference tells them apart.
type tables struct {
	mu  sync.Mutex
	all atomic.Pointer[[]*table]
}

func (t *tables) at(n uint16) *table { return (*t.all.Load())[n] }

func (t *tables) number(l Law) uint16 {
	ref := l.Ref()
	same := func(other *table) bool { return other.law.Ref() == ref }
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
