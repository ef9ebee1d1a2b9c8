package lists

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"thimble"
	"thimble/internal/gate"
	"thimble/internal/recommend/trial"
)

// A reader reads a person's data and knows why it may. *gate.Grant is one.
type reader interface {
	thimble.Grant
	Verdict() gate.Verdict
	Live(ctx context.Context) error
}

// A Glimpse is the list that somebody would be shown now, for the staff to see.
type Glimpse struct {
	List
	// Lots says that the last place is drawn by lots each time it is shown; here stands
	// what stands there most often.
	Lots bool
}

// A glance is a grant of staff that opens no more than the person permits for their lists.
type glance struct {
	thimble.Grant
	permitted map[thimble.Category]gate.Verdict
	verdict   gate.Verdict // on their list, and not on the look at it
}

func (g glance) Verdict() gate.Verdict { return g.verdict }

// Live implements reader.
func (g glance) Live(ctx context.Context) error {
	if l, ok := g.Grant.(interface{ Live(context.Context) error }); ok {
		return l.Live(ctx)
	}
	return nil
}

// Open implements thimble.Grant.
func (g glance) Open(ctx context.Context, c thimble.Cell, sealed []byte) ([]byte, error) {
	for permitted := range g.permitted {
		if c.Category.Within(permitted) {
			return g.Grant.Open(ctx, c, sealed)
		}
	}
	return nil, fmt.Errorf("recommend: lists are not made from %s of this person: %w", c.Category, thimble.ErrDenied)
}

// looks is who asks what a person permits of their lists, when somebody looks at one.
var looks = gate.Actor{Kind: gate.Machine, Name: "recommend"}

// MadeFrom returns the categories from which lists are made for a person now, which is
// nothing for who gets the popular one. Whoever wants a glimpse needs a grant for them.
func (s *Shop) MadeFrom(ctx context.Context, who thimble.SubjectID) ([]thimble.Category, error) {
	permitted, _, err := s.permitted(ctx, who)
	return slices.Sorted(maps.Keys(permitted)), err
}

// permitted returns the verdict on each category that a person permits for their lists, and
// that on the first of all.
func (s *Shop) permitted(ctx context.Context, who thimble.SubjectID) (map[thimble.Category]gate.Verdict, gate.Verdict, error) {
	all, first := map[thimble.Category]gate.Verdict{}, gate.Verdict{}
	for i, c := range histories() {
		r := personal(looks, who)
		r.Categories = []thimble.Category{c}
		v, err := s.Gate.Decide(ctx, r)
		if err != nil {
			return nil, first, fmt.Errorf("recommend: asking what a list is made from: %w", err)
		}
		if v.Allowed {
			all[c] = v
		}
		if i == 0 {
			first = v
		}
	}
	return all, first, nil
}

// Glimpse returns the list of n items that a person would be shown now at a placement, with
// a grant of staff for at least what [Shop.MadeFrom] names. It is made as theirs is, and
// is not shown to them: no decision is recorded, nobody is seated in an experiment, and
// nothing is counted as shown. What it reads beyond the grant is asked of the gate and
// opened by nobody. The error is of kind ErrConflict when their choices changed meanwhile.
func (s *Shop) Glimpse(ctx context.Context, g thimble.Grant, opened []thimble.Category, placement string, n int) (Glimpse, error) {
	who := g.Subject()
	permitted, first, err := s.permitted(ctx, who)
	if err != nil {
		return Glimpse{}, err
	}
	for c := range permitted {
		if !slices.ContainsFunc(opened, c.Within) {
			return Glimpse{}, errOtherwise
		}
	}
	if len(permitted) == 0 {
		list, err := s.denied(ctx, personal(looks, who), &first, Ask{Placement: placement, N: n})
		return Glimpse{List: list}, err
	}
	v := first
	if !v.Allowed {
		v = permitted[Browsing]
	}
	out, err := s.glimpse(ctx, glance{g, permitted, v}, Ask{Placement: placement, N: n})
	if err != nil {
		return Glimpse{}, err
	}
	again, _, err := s.permitted(ctx, who)
	if err == nil && !sameKeys(again, permitted) {
		err = errOtherwise
	}
	return out, err
}

var errOtherwise = fmt.Errorf("recommend: the person's choices have just changed: %w", thimble.ErrConflict)

func sameKeys[K comparable, V any](a, b map[K]V) bool {
	return len(a) == len(b) && !slices.ContainsFunc(slices.Collect(maps.Keys(a)), func(k K) bool { _, ok := b[k]; return !ok })
}

func (s *Shop) glimpse(ctx context.Context, g glance, a Ask) (out Glimpse, err error) {
	returns, err := s.returns(ctx, personal(looks, g.Subject()))
	if err != nil {
		return out, err
	}
	past, err := s.history(ctx, g, g.permitted, returns)
	if err != nil {
		return out, fmt.Errorf("recommend: reading a history: %w", err)
	}
	now, why, err := s.ready(ctx, g, past)
	if err != nil {
		return out, err
	}
	seat := trial.Seat{}
	if s.Experiments != nil && why == "" {
		seat = s.Experiments.Seated(ctx, g.Members(), a.Placement)
	}
	if seat.Serve == trial.Popular {
		why = heldOut
	}
	if why != "" {
		out.List, err = s.impersonal(ctx, g, a, why)
		return out, err
	}
	now = s.serves(ctx, seat, now)
	all, v, why, err := s.best(ctx, now, past, a, seat)
	if err != nil {
		return out, err
	}
	if why != "" {
		out.List, err = s.impersonal(ctx, g, a, why)
		return out, err
	}
	lots := seat.Explore != nil && len(all) >= a.N
	all = all[:min(len(all), a.N)]
	r := s.record(g, now.version, past, v, all, a.Placement)
	if err := r.Check(); err != nil { // as whoever keeps it would
		return out, err
	}
	out.List, err = s.told(ctx, r, past, v, all)
	verdict := g.Verdict()
	out.Verdict, out.Lots = &verdict, lots
	return out, err
}
