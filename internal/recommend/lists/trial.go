package lists

import (
	"context"
	"fmt"
	"math/rand/v2"

	"thimble"
	"thimble/internal/decision"
	"thimble/internal/gate"
	"thimble/internal/recommend/arrange"
	"thimble/internal/recommend/trial"
	"thimble/internal/registry"
)

// Experiments say which list somebody sees who is in one, and count what is shown;
// *trialdb.Store does. Who is not counted has the zero seat.
type Experiments interface {
	// Seated is where somebody sits, or would. It seats and counts nobody. Of several
	// subjects of one person, the canonical one comes first.
	Seated(ctx context.Context, members []thimble.SubjectID, placement string) trial.Seat
	Assign(ctx context.Context, who thimble.SubjectID, placement string) trial.Seat
	Shown(ctx context.Context, seat trial.Seat, version int64)
}

// seat is where somebody sits who is about to see a personal list.
func (s *Shop) seat(ctx context.Context, g *gate.Grant, placement string) trial.Seat {
	if s.Experiments == nil {
		return trial.Seat{}
	}
	return s.Experiments.Assign(ctx, g.Subject(), placement)
}

// tell counts a list that is about to be shown.
func (s *Shop) tell(ctx context.Context, seat trial.Seat, l List) {
	if s.Experiments != nil && seat.Counts {
		s.Experiments.Shown(ctx, seat, l.Model)
	}
}

// choose ranks and records a list for somebody who has a history, as their seat has it.
func (s *Shop) choose(ctx context.Context, g *gate.Grant, now *shown, p past, a Ask) (List, error) {
	seat := s.seat(ctx, g, a.Placement)
	if seat.Serve == trial.Popular {
		return s.holdout(ctx, g, seat, a)
	}
	now = s.serves(ctx, seat, now)
	all, v, why, err := s.best(ctx, now, p, a, seat)
	if err != nil {
		return List{}, err
	}
	if why != "" {
		return s.impersonal(ctx, g, a, why)
	}
	var drawn *decision.Propensity
	all, drawn = draw(seat, all, a.N)
	list, err := s.decide(ctx, g, now.version, p, v, all, a, drawn)
	if err == nil {
		s.tell(ctx, seat, list)
	}
	return list, err
}

// best is what the rules leave of what a model says, or why nothing of it is somebody's
// own.
func (s *Shop) best(ctx context.Context, now *shown, p past, a Ask, seat trial.Seat) (all []placed, v *sieve, why string, err error) {
	if v, err = s.sieve(ctx, p, a, seat); err != nil {
		return nil, nil, "", err
	}
	n := v.asked.K
	if v.rules.Choosing() {
		n = surplus(n)
	}
	all, more, err := s.arranged(ctx, now, p, v, n)
	if more && err == nil && n < surplus(v.asked.K) { // variants of what stands above left places free
		v.asked.Left = map[string]int{}
		all, _, err = s.arranged(ctx, now, p, v, surplus(v.asked.K))
	}
	if err != nil {
		return nil, nil, "", fmt.Errorf("recommend: ranking: %w", err)
	}
	switch {
	case len(all) > 0:
	case len(now.stale) > 0:
		why = forgetting
	case !p.said.Empty():
		why = nothingLeft
	case v.asked.Filter != arrange.Filter{}:
		why = "Not personal, because nothing that goes with what you bought or looked at is what was asked for."
	case len(v.asked.Left) > 0:
		why = "Not personal, because of what goes with what you bought or looked at the shop has nothing to show now."
	default:
		why = "Not personal, because nothing goes with what you bought or looked at yet."
	}
	return all, v, why, nil
}

// arranged is the list out of the n best candidates. More reports that it has free places, and
// that there may be more candidates.
func (s *Shop) arranged(ctx context.Context, now *shown, p past, v *sieve, n int) (all []placed, more bool, err error) {
	picked, err := s.pick(ctx, now, p, v, n)
	if err == nil {
		all, err = v.arrange(now, p, picked)
	}
	return all, len(all) < v.asked.K && len(picked.Entries) >= n, err
}

const heldOut = "Not personal, because you are in the group to which we compare: you allow that lists are compared, and can end it among your choices."

// holdout is the popular list for somebody to whom personal ones are compared.
func (s *Shop) holdout(ctx context.Context, g *gate.Grant, seat trial.Seat, a Ask) (List, error) {
	list, err := s.impersonal(ctx, g, a, heldOut)
	if err == nil {
		s.tell(ctx, seat, list)
	}
	return list, err
}

// serves is the version that a seat sees. The challenger is asked for each time, so that
// one that was made anew without somebody is never served from memory. When there is none,
// it is refused, or somebody is about to be taken out, the champion serves.
func (s *Shop) serves(ctx context.Context, seat trial.Seat, champion *shown) *shown {
	if seat.Serve != trial.Challenger || len(champion.stale) > 0 {
		return champion
	}
	kept, err := s.Models.Kept(ctx, ModelName)
	if err != nil {
		return champion
	}
	for _, v := range kept {
		if v.Stage != registry.Challenger {
			continue
		}
		if c := s.challenger.Load(); c != nil && c.version.Number == v.Number && c.version.Hash == v.Hash {
			return &shown{serving: c}
		}
		m, err := s.opened(ctx, v)
		if err != nil {
			break
		}
		c := &serving{model: m, version: v}
		s.challenger.Store(c)
		return &shown{serving: c}
	}
	s.challenger.Store(nil)
	return champion
}

// candidates is how many entries a list of n is ranked to, so that its last one can be
// drawn.
func candidates(seat trial.Seat, n int) int {
	if seat.Explore == nil {
		return n
	}
	return n + int(seat.Explore.Among) - 1
}

// draw has lots decide about the last entry of a list, and returns how likely it was. The
// scores stay in order, since all that is drawn from stands below the rest.
func draw[E any](seat trial.Seat, ranked []E, n int) ([]E, *decision.Propensity) {
	if seat.Explore == nil || len(ranked) < n {
		return ranked, nil
	}
	p := seat.Explore.Pick(len(ranked)-n+1, rand.Int64N)
	ranked[n-1] = ranked[n-1+p.Candidate]
	return ranked[:n], &decision.Propensity{Parts: p.Parts, Of: p.Of}
}
