package lists

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"thimble"
	"thimble/internal/decision"
	"thimble/internal/gate"
	"thimble/internal/order"
	"thimble/internal/recommend/taste"
)

// Browsing is the category of what somebody looked at.
const Browsing thimble.Category = "user.behavior.browsing_history"

// histories are the categories that a list for somebody can be made from.
func histories() []thimble.Category {
	return []thimble.Category{thimble.PurchaseHistory, Browsing}
}

// A Deed is what somebody did with a product. A greater one says more, but for Returned,
// which takes back.
type Deed int

// The deeds.
const (
	Looked Deed = iota + 1
	PutInCart
	WishedFor
	Bought
	Returned
)

// A Touch is that somebody did something with a product, and when they did so last.
type Touch struct {
	Item thimble.ItemID
	Deed Deed
	Last time.Time
}

// A past is what a list for somebody is made from.
type past struct {
	// history has each item once: what was touched last comes last.
	history []thimble.Interaction
	// did is what speaks for an item of the history most: bought, then wished for, put in
	// the cart, looked at.
	did map[thimble.ItemID]Deed
	// bought is what they have: it is not recommended. What was only looked at may be.
	bought map[thimble.ItemID]bool
	// looked is what was looked at, put in the cart or wished for, bought or not.
	looked map[thimble.ItemID]bool
	inputs []decision.Input
	// said is what they say about their lists: what they want forgotten is in none of these.
	said taste.State
}

// open asks for a grant for those of the categories that a person permits, and returns
// the verdict on each of these. When none is, the error is the denial of the first.
func (s *Shop) open(ctx context.Context, r gate.Request, asked ...thimble.Category) (*gate.Grant, map[thimble.Category]gate.Verdict, error) {
	permitted, verdicts := []thimble.Category(nil), map[thimble.Category]gate.Verdict{}
	for _, c := range asked {
		r.Categories = []thimble.Category{c}
		v, err := s.Gate.Decide(ctx, r)
		if err != nil {
			return nil, nil, err
		}
		if v.Allowed {
			permitted, verdicts[c] = append(permitted, c), v
		}
	}
	if len(permitted) == 0 {
		permitted = asked[:1]
	}
	r.Categories = permitted
	grant, err := s.Gate.Open(ctx, r)
	return grant, verdicts, err
}

// history opens what a list may be made from: orders, and what was done with products,
// each as far as the verdicts reach. Without returns none is opened, and what came back
// counts as bought.
func (s *Shop) history(ctx context.Context, g reader, verdicts map[thimble.Category]gate.Verdict, returns bool) (past, error) {
	said, err := s.said(ctx, g)
	if err != nil {
		return past{}, err
	}
	var orders []order.Order
	if verdicts[thimble.PurchaseHistory].Allowed {
		all, err := s.orders(ctx, g, returns)
		if err == nil {
			all, err = s.unforgotten(ctx, said, all)
		}
		if err != nil {
			return past{}, err
		}
		orders = plain(all)
	}
	var touched []Touch
	if s.Events != nil {
		var err error
		touched, err = s.Events.Touched(ctx, g)
		if errors.Is(err, thimble.ErrUnavailable) && g.Live(ctx) == nil {
			touched, err = nil, nil // a list from orders is better than none while the index catches up
		}
		if err == nil {
			touched, err = s.untouched(ctx, said, touched)
		}
		if err != nil {
			return past{}, fmt.Errorf("recommend: reading what was done with products: %w", err)
		}
	}
	p := remembered(orders, touched, returns)
	p.said, p.inputs = said, p.inputsOf(thimble.PersonalizeContent, verdicts)
	if !said.Empty() && len(p.inputs) > 0 { // it goes in by the right by which the list is made
		in := p.inputs[0]
		in.Category, in.Count = thimble.PrivacyPreferences, len(said.Standing)
		p.inputs = append(p.inputs, in)
	}
	return p, nil
}

// remembered makes one history of orders and events. Of an item that is in an order, the
// orders say what was bought and came back; of others the events do. What came back is
// neither had nor liked, unless they touched it again since.
func remembered(orders []order.Order, touched []Touch, returns bool) past {
	kept := order.History(orders)
	n := len(kept) + len(touched)
	p := past{did: make(map[thimble.ItemID]Deed, n), bought: make(map[thimble.ItemID]bool, len(kept)), looked: map[thimble.ItemID]bool{}}
	for _, h := range kept {
		p.did[h.Item], p.bought[h.Item] = Bought, true
	}
	if len(touched) == 0 { // as with most people: what the orders say is the history, in its order
		for i := range kept {
			kept[i].Units = 0 // of events it is not known
		}
		p.history = kept[max(0, len(kept)-mostRemembered):]
		return p
	}
	at := make(map[thimble.ItemID]time.Time, n)
	for _, h := range kept {
		at[h.Item] = h.At
	}
	back := lastOrdered(orders) // of what is not kept: when it was last ordered or came back
	ordered := map[thimble.ItemID]bool{}
	for item := range back {
		ordered[item] = true
	}
	if returns {
		for _, t := range touched {
			if t.Deed == Returned && !p.bought[t.Item] && t.Last.After(back[t.Item]) {
				back[t.Item] = t.Last
			}
		}
	}
	for _, t := range touched {
		switch {
		case t.Deed == Returned, t.Item == "":
			continue
		case t.Deed == Bought && ordered[t.Item]:
			continue
		case !p.bought[t.Item] && !back[t.Item].IsZero() && !t.Last.After(back[t.Item]):
			continue
		}
		if t.Deed == Bought {
			p.bought[t.Item] = true
		} else {
			p.looked[t.Item] = true
		}
		p.did[t.Item] = max(p.did[t.Item], t.Deed)
		if t.Last.After(at[t.Item]) {
			at[t.Item] = t.Last
		}
	}
	for item, when := range at {
		p.history = append(p.history, thimble.Interaction{Item: item, At: when})
	}
	slices.SortFunc(p.history, func(a, b thimble.Interaction) int {
		return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Item, b.Item))
	})
	p.history = p.history[max(0, len(p.history)-mostRemembered):]
	return p
}

// mostRemembered bounds the history of one person: of a program that looks at everything,
// the newest counts. The recipe's cap is lower.
const mostRemembered = 2000

// lastOrdered is when each item was last ordered or came back.
func lastOrdered(orders []order.Order) map[thimble.ItemID]time.Time {
	last := map[thimble.ItemID]time.Time{}
	for _, o := range orders {
		for _, l := range o.Lines {
			if o.PlacedAt.After(last[l.Item]) {
				last[l.Item] = o.PlacedAt
			}
		}
	}
	return last
}

// inputsOf says of how many items each category spoke, and by which right it was used.
func (p *past) inputsOf(purpose thimble.Purpose, verdicts map[thimble.Category]gate.Verdict) []decision.Input {
	count := map[thimble.Category]int{}
	for _, h := range p.history {
		if p.bought[h.Item] {
			count[thimble.PurchaseHistory]++
		}
		if p.looked[h.Item] {
			count[Browsing]++
		}
	}
	var all []decision.Input
	for _, c := range histories() {
		v := verdicts[c]
		if !v.Allowed || count[c] == 0 {
			continue
		}
		in := decision.Input{Category: c, Purpose: purpose, Basis: v.Basis, Cite: v.Cite, Count: count[c]}
		if said := v.Consent; said.Seq > 0 {
			in.Consent = fmt.Sprintf("%s#%d", said.Purpose, said.Seq)
		}
		all = append(all, in)
	}
	return all
}
