package lists

import (
	"context"
	"strings"
	"time"

	"thimble"
	"thimble/internal/decision"
	"thimble/internal/recommend/arrange"
)

// A sieve keeps out of a personal list what the shop's rules keep out of every list:
// what is no longer sold or out of stock, what is for grown-ups, and what the person
// bought something like so lately that the shop shows no more of it.
type sieve struct {
	shelf *shelf
	rules arrange.Rules
	asked arrange.Request
}

func (s *Shop) sieve(ctx context.Context, p past, placement string) (*sieve, error) {
	h, err := s.goods(ctx)
	if err != nil {
		return nil, err
	}
	rules, err := s.rules(ctx)
	if err != nil {
		return nil, err
	}
	v := &sieve{h, rules, arrange.Request{Now: s.Now(), Placement: placement, From: map[string]time.Time{}, Left: map[string]int{}}}
	for _, had := range p.history {
		category := strings.ToLower(h.products[had.Item].Category)
		if p.bought[had.Item] && had.At.After(v.asked.From[category]) {
			v.asked.From[category] = had.At
		}
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

// fired are the rules that kept something out.
func (v *sieve) fired() []string { return arrange.Result{Left: v.asked.Left}.Fired() }

// rails are those rules as a record has them.
func (v *sieve) rails() (all []decision.Rail) {
	for _, rule := range v.fired() {
		all = append(all, decision.Rail{Name: rule, Words: arrange.Words(rule), On: decision.OnItems, Op: decision.Apart, Does: decision.Removes, Fired: true})
	}
	return all
}

// tell puts into a list what the rules did to it.
func (v *sieve) tell(l *List) {
	l.Rules = v.rules.Version()
	for _, rule := range v.fired() {
		l.Applied = append(l.Applied, arrange.Words(rule))
	}
}
