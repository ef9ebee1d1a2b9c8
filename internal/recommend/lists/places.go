package lists

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"sync/atomic"

	"thimble"
	"thimble/internal/catalog"
)

// A place has a list of its own when so many people bought there, and a product is in it
// when so many of them bought that.
const (
	leastPeople = 20
	leastBuyers = 5
)

// A sale is that somebody who permits learning bought a product somewhere, on a day.
type sale struct {
	place string // the country of the order
	item  thimble.ItemID
	day   int64
}

// sells notes in a set where somebody bought what they kept lately, in the place of what
// was noted before.
func (s *set) sells(who thimble.SubjectID, orders []recorded, kept []thimble.ItemID) {
	defer s.edits.Add(1)
	has := make(map[thimble.ItemID]bool, len(kept))
	for _, id := range kept {
		has[id] = true
	}
	sold := map[sale]bool{}
	for _, o := range orders {
		day := catalog.Day(o.PlacedAt)
		if o.Return || o.Country == "" || o.batch > s.through || day < s.since {
			continue
		}
		for _, l := range o.Lines {
			if has[l.Item] {
				sold[sale{o.Country, l.Item, day}] = true
			}
		}
	}
	if len(sold) == 0 {
		delete(s.sales, who)
		return
	}
	s.sales[who] = slices.Collect(maps.Keys(sold))
}

// A placing is what people buy in each place, as it stands in a set.
type placing struct {
	set   *set
	edits int64
	of    map[string][]placeRank
}

// A placeRank is how many people bought a product in a place.
type placeRank struct {
	item   thimble.ItemID
	people int64
}

// count makes a placing of the last days of sales. A place with fewer people than
// leastPeople is in none, and of the others no product that fewer than leastBuyers bought.
func (s *set) count() *placing {
	out := &placing{set: s, edits: s.edits.Load(), of: map[string][]placeRank{}}
	latest := int64(0)
	for _, all := range s.sales {
		for _, one := range all {
			latest = max(latest, one.day)
		}
	}
	people, buyers := map[string]int64{}, map[sale]int64{}
	for _, all := range s.sales {
		places, things := map[string]bool{}, map[sale]bool{}
		for _, one := range all {
			if one.day > latest-popularDays {
				places[one.place], things[sale{place: one.place, item: one.item}] = true, true
			}
		}
		for place := range places {
			people[place]++
		}
		for thing := range things {
			buyers[thing]++
		}
	}
	for thing, n := range buyers {
		if people[thing.place] >= leastPeople && n >= leastBuyers {
			out.of[thing.place] = append(out.of[thing.place], placeRank{thing.item, n})
		}
	}
	for _, all := range out.of {
		slices.SortFunc(all, func(a, b placeRank) int { return cmp.Or(cmp.Compare(b.people, a.people), cmp.Compare(a.item, b.item)) })
	}
	return out
}

// placings keeps the placing between requests.
type placings struct {
	counting sync.Mutex
	now      atomic.Pointer[placing]
}

// errUncounted is why nothing is known of places now.
var errUncounted = errors.New("recommend: what is bought where is not known now")

// place ranks what people buy in a place. It is known to the process that gathered what
// the model is made of, and to nobody while somebody is being taken out of that: whoever
// has left is in no count from the commit of that on.
func (s *Shop) place(ctx context.Context, country string) ([]placeRank, error) {
	_, waiting, err := s.Leaving.Waiting(ctx, 1)
	if err != nil {
		return nil, err
	}
	now, err := s.shows(ctx) // which takes up what another process made
	if err != nil {
		return nil, err
	}
	h := s.held.Load()
	if len(waiting) > 0 || now == nil || h == nil {
		return nil, errUncounted
	}
	c := &s.placings
	c.counting.Lock()
	defer c.counting.Unlock()
	if !h.mu.TryLock() {
		return nil, errUncounted
	}
	defer h.mu.Unlock()
	of := h.sets[now.version.Number]
	if of == nil {
		return nil, errUncounted
	}
	had := c.now.Load()
	if had == nil || had.set != of || had.edits != of.edits.Load() {
		had = of.count()
		c.now.Store(had)
	}
	return had.of[country], nil
}

// local adds what people buy in a country, and reports false when it has no list of its
// own.
func (s *Shop) local(ctx context.Context, h *shelf, p *pick, a Ask, keeps func(thimble.ItemID) bool) bool {
	ranked, err := s.place(ctx, a.Country)
	if err != nil && !errors.Is(err, errUncounted) {
		s.Log.WarnContext(ctx, "it is not known what is bought where", slog.String("cause", err.Error()))
	}
	for _, r := range ranked {
		if len(p.all) == surplus(a.N) {
			break
		}
		if !keeps(r.item) {
			p.add(h.candidate(r.item, r.people), Entry{Why: fmt.Sprintf("Bought by %d people there lately", r.people)})
		}
	}
	p.why = fmt.Sprintf("What most people there bought in the last %d days, of those who allow that lists are learned from their orders.", popularDays) + nobody
	return len(ranked) > 0
}

// notLocal is said before the list of all places.
var notLocal = fmt.Sprintf("This place has no list of its own: that takes %d people who bought there lately and allow it, and %d of them for each product. ", leastPeople, leastBuyers)
