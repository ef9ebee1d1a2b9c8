package lists

import (
	"context"
	"slices"
	"strings"
	"time"

	"thimble"
	"thimble/internal/decision"
	"thimble/internal/recommend"
	"thimble/internal/recommend/arrange"
	"thimble/internal/recommend/taste"
	"thimble/internal/recommend/trial"
)

// A sieve has the shop's rules, and what was asked for, act on a personal list as on every
// other: what is no longer sold or out of stock, what is for grown-ups, what the person
// bought something like so lately that the shop shows no more of it, and what was not
// asked for stays out; boosts move scores within their bound; diversity, floors and
// campaigns choose.
type sieve struct {
	shelf *shelf
	rules arrange.Rules
	asked arrange.Request
	fired []string // the rules that did something
	said  bool     // something was left out because of what the person said
}

func (s *Shop) sieve(ctx context.Context, p past, a Ask, seat trial.Seat) (*sieve, error) {
	h, err := s.goods(ctx)
	if err != nil {
		return nil, err
	}
	rules, err := s.rules(ctx)
	if err != nil {
		return nil, err
	}
	v := &sieve{shelf: h, rules: rules, asked: a.request(s)}
	v.asked.K, v.asked.From = candidates(seat, a.N), map[string]time.Time{}
	for _, had := range p.history {
		category := strings.ToLower(h.category(had.Item))
		if p.bought[had.Item] && had.At.After(v.asked.From[category]) {
			v.asked.From[category] = had.At
		}
	}
	if seat.Explore != nil {
		v.rules.Campaigns = nil // lots decide about a place, and no campaign does
	}
	return v, nil
}

// keepsOut reports whether a product stays out, and remembers by which rule.
func (v *sieve) keepsOut(id thimble.ItemID) bool {
	rule := arrange.Withdrawn // unless the shelf has it
	if v.shelf.has(id) {
		rule = v.rules.Keeps(v.shelf.candidate(id, 0), v.asked)
	}
	if rule != "" {
		v.asked.Left[rule]++
	}
	return rule != ""
}

// A placed is one entry of a personal list as the rules place it. Where a campaign holds
// the place it has no score and no terms.
type placed struct {
	taste.Entry
	moved    int64
	boosts   []decision.Boosted
	because  []string
	campaign string
}

// arrange makes the list out of what goes best with what the person had. It is empty when
// nothing of that is left, whatever campaigns there are: what the model says of what stays
// is compared with the model once more.
func (v *sieve) arrange(now *shown, p past, picked taste.Picked) ([]placed, error) {
	v.said = picked.Left
	if len(picked.Entries) == 0 {
		v.fired = arrange.Result{Left: v.asked.Left}.Fired()
		return nil, nil
	}
	ranked := make(map[thimble.ItemID]int, len(picked.Entries))
	all := make([]arrange.Candidate, 0, len(picked.Entries))
	for i, e := range picked.Entries {
		ranked[e.Item] = i
		all = append(all, v.shelf.candidate(e.Item, e.Score))
	}
	rules := v.rules
	rules.Campaigns = rules.Holding(v.asked, func(id thimble.ItemID) bool {
		_, there := ranked[id]
		return (there || v.shelf.has(id) && !p.bought[id] && !v.keepsOut(id)) && v.welcome(now, p, id)
	})
	for _, c := range rules.Campaigns {
		if _, there := ranked[c.Item]; !there {
			all = append(all, v.shelf.candidate(c.Item, 0))
		}
	}
	result := rules.Arrange(all, v.asked)
	v.fired = result.Fired()
	out := make([]placed, 0, len(result.Entries))
	won := make([]recommend.Ranked, 0, len(result.Entries))
	for _, e := range result.Entries {
		one := placed{moved: e.Moved, boosts: e.Boosts, because: e.Because, campaign: e.Campaign}
		if one.Item = e.Product.ID; e.Campaign == "" {
			one.Entry = picked.Entries[ranked[e.Product.ID]]
			won = append(won, one.alone())
		}
		out = append(out, one)
	}
	if len(won) == 0 {
		return nil, nil
	}
	return out, recommend.Replay(now.model, likes(p.said, p.history), won)
}

// alone is what the model says of an entry, without what the person wants less of.
func (e placed) alone() recommend.Ranked {
	r := e.Ranked
	for _, t := range e.Against {
		r.Score -= t.Share
	}
	return r
}

// welcome reports whether a campaign may show a product to a person: not when they want
// less of it or of its category, want it forgotten or never used, or when it is like what
// they want less of.
func (v *sieve) welcome(now *shown, p past, id thimble.ItemID) bool {
	category := v.shelf.category(id)
	if _, less := p.said.Holds(taste.Choice{Kind: taste.Less, Category: category}); less || now.stale[id] || p.said.Hides(id, category) {
		return false
	}
	return !slices.ContainsFunc(p.said.Unwanted(), func(u thimble.ItemID) bool {
		return recommend.Explain(now.model, []thimble.Interaction{{Item: u}}, id).Score > 0
	})
}

// rails are the rules that did something, as a record has them.
func (v *sieve) rails() (all []decision.Rail) {
	for _, rule := range v.fired {
		all = append(all, decision.Rail{Name: rule, Words: arrange.Words(rule), On: decision.OnList, Op: decision.Among, Does: decision.Chooses, Fired: true})
	}
	return all
}

// boosting are the boosts that moved something, as a record has them.
func (v *sieve) boosting(all []placed) *decision.Boosting {
	b := v.rules.Boosting()
	if b == nil {
		return nil
	}
	b.Boosts = slices.DeleteFunc(b.Boosts, func(one decision.Boost) bool {
		return !slices.ContainsFunc(all, func(e placed) bool {
			return slices.ContainsFunc(e.boosts, func(m decision.Boosted) bool { return m.Boost == one.Name })
		})
	})
	if len(b.Boosts) == 0 {
		return nil
	}
	return b
}

// tell puts into a list what the rules did to it.
func (v *sieve) tell(l *List, all []placed) {
	l.Rules = v.rules.Version()
	for _, rule := range v.fired {
		l.Applied = append(l.Applied, arrange.Words(rule))
	}
	for i := range l.Entries {
		l.Entries[i].Because = all[i].because
	}
}
