package arrange

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"thimble"
	"thimble/internal/catalog"
	"thimble/internal/decision"
)

// An Entry is one place of a list. Score is the candidate's, Moved what boosts added to
// it or took from it.
type Entry struct {
	Candidate
	Moved    int64
	Boosts   []decision.Boosted // the part of Moved that each boost has
	Because  []string           // the words of the boosts and floors that brought it here
	Campaign string             // its name: the place is held by it, and not won by the score
	position int                // of a campaign
}

// A Result is a list and what the rules did to make it.
type Result struct {
	Entries []Entry
	// Left is how many candidates each rule kept out.
	Left map[string]int
	// Empty is why there is nothing to show, in one sentence; "" when there is.
	Empty string
}

// Fired are the rules that did something, in the order of their names.
func (r Result) Fired() []string { return slices.Sorted(maps.Keys(r.Left)) }

// Arrange makes the list.
func (r Rules) Arrange(candidates []Candidate, q Request) Result {
	out := Result{Left: map[string]int{}}
	earlier := 0
	for rule, n := range q.Left {
		out.Left[rule] = n
		earlier += n
	}
	in := make([]Entry, 0, len(candidates))
	bound := r.Boosting()
	for _, c := range candidates {
		if rule := r.Keeps(c, q); rule != "" {
			out.Left[rule]++
			continue
		}
		in = append(in, r.boosted(bound, c, q.Now))
	}
	slices.SortFunc(in, ahead)
	held := r.held(in, q)
	in = variants(in, held, out.Left)
	for _, c := range held {
		in = slices.DeleteFunc(in, func(e Entry) bool { return e.Product.ID == c.Product.ID })
	}
	free := max(q.K-len(held), 0)
	chosen, rest := r.diverse(in, free, out.Left)
	chosen = r.lift(chosen, rest, q.Now, out.Left)
	slices.SortFunc(chosen, ahead)
	out.Entries = place(chosen, held, out.Left)
	if len(out.Entries) == 0 {
		out.Empty = empty(earlier+len(candidates), out.Left)
	}
	return out
}

// ahead is the order of a list.
func ahead(a, b Entry) int {
	return cmp.Or(cmp.Compare(b.Score+b.Moved, a.Score+a.Moved), cmp.Compare(a.Product.ID, b.Product.ID))
}

// boosted moves a score within the bound.
func (r Rules) boosted(bound *decision.Boosting, c Candidate, now time.Time) Entry {
	e := Entry{Candidate: c}
	var names []string
	for i, b := range r.Boosts {
		if b.matches(c.Product, now) {
			names = append(names, bound.Boosts[i].Name)
			e.Because = append(e.Because, b.Words)
		}
	}
	e.Boosts, _ = bound.Of(c.Score, names...)
	for _, b := range e.Boosts {
		e.Moved += b.Share
	}
	return e
}

// Boosting are the boosts and their bound as a record of a decision has them; nil for
// none.
func (r Rules) Boosting() *decision.Boosting {
	if len(r.Boosts) == 0 {
		return nil
	}
	all := &decision.Boosting{Most: int64(r.MaxBoost)}
	for i, b := range r.Boosts {
		all.Boosts = append(all.Boosts, decision.Boost{Name: fmt.Sprint("boost-", i+1), Words: b.Words, Percent: int64(b.Percent)})
	}
	return all
}

func (b Boost) matches(p *catalog.Product, now time.Time) bool {
	return (b.Brand == "" || strings.EqualFold(b.Brand, p.Brand)) && (b.Category == "" || strings.EqualFold(b.Category, p.Category)) && (b.NewDays == 0 || fresh(p, b.NewDays, now))
}

// fresh reports whether a product was first seen within days. Of what is not known it
// is not.
func fresh(p *catalog.Product, days int, now time.Time) bool {
	return !p.Since.IsZero() && now.Sub(p.Since) < time.Duration(days)*24*time.Hour
}

// held are the campaigns' entries that passed the filters, by position.
func (r Rules) held(in []Entry, q Request) []Entry {
	var all []Entry
	for _, c := range r.Campaigns {
		if !c.runs(q) {
			continue
		}
		k := slices.IndexFunc(in, func(e Entry) bool { return e.Product.ID == c.Item })
		if k < 0 || slices.ContainsFunc(all, func(e Entry) bool { return e.Product.ID == c.Item || e.position == c.Position }) {
			continue
		}
		all = append(all, Entry{Candidate: in[k].Candidate, Campaign: c.Name, position: c.Position})
	}
	slices.SortFunc(all, func(a, b Entry) int { return cmp.Compare(a.position, b.position) })
	return all
}

// runs reports whether a campaign holds a place in a list.
func (c Campaign) runs(q Request) bool {
	return (c.Placement == "" || c.Placement == q.Placement) && !q.Now.Before(c.From) && (c.Until.IsZero() || q.Now.Before(c.Until)) && c.Position <= q.K
}

// Holding are the campaigns that hold a place in a list, of those whose product may be in
// it: one for each place and each product.
func (r Rules) Holding(q Request, may func(thimble.ItemID) bool) (all []Campaign) {
	for _, c := range r.Campaigns {
		if c.runs(q) && may(c.Item) && !slices.ContainsFunc(all, func(o Campaign) bool { return o.Item == c.Item || o.Position == c.Position }) {
			all = append(all, c)
		}
	}
	return all
}

// Running are the products of the campaigns that hold a place in a list: whoever ranks
// gives them as candidates, whatever their score.
func (r Rules) Running(q Request) (all []thimble.ItemID) {
	for _, c := range r.Campaigns {
		if c.runs(q) {
			all = append(all, c.Item)
		}
	}
	return all
}

// variants keeps the best of each group; a campaign's product stands for its group.
func variants(in, held []Entry, left map[string]int) []Entry {
	met := map[string]bool{}
	for _, e := range held {
		if e.Product.Group != "" {
			met[e.Product.Group] = true
		}
	}
	return slices.DeleteFunc(in, func(e Entry) bool {
		g := e.Product.Group
		if g == "" {
			return false
		}
		for _, h := range held {
			if h.Product.ID == e.Product.ID {
				return false
			}
		}
		again := met[g]
		if met[g] = true; again {
			left[Variant]++
		}
		return again
	})
}

// diverse takes the best k within the bounds. Where they leave less than k, the best of
// what they kept out fills the list. It needs what it was given no more.
func (r Rules) diverse(in []Entry, k int, left map[string]int) (chosen, rest []Entry) {
	units := int64(k+listUnit-1) / listUnit
	chosen, rest = make([]Entry, 0, min(k, len(in))), in[:0] // behind what is read
	brands, kinds := map[string]int64{}, map[string]int64{}
	for _, e := range in {
		brand, kind := strings.ToLower(e.Product.Brand), strings.ToLower(e.Product.Category)
		over := r.Diversity.Brand > 0 && brand != "" && brands[brand] >= int64(r.Diversity.Brand)*units ||
			r.Diversity.Category > 0 && kind != "" && kinds[kind] >= int64(r.Diversity.Category)*units
		if len(chosen) >= k || over {
			rest = append(rest, e)
			continue
		}
		brands[brand]++
		kinds[kind]++
		chosen = append(chosen, e)
	}
	fill := min(k-len(chosen), len(rest))
	chosen = append(chosen, rest[:fill]...)
	rest = rest[fill:]
	if last := len(chosen) - 1; last >= 0 {
		worst := slices.MaxFunc(chosen, ahead)
		for _, e := range rest {
			if ahead(e, worst) < 0 {
				left[Various]++
			}
		}
	}
	return chosen, rest
}

// lift brings the best candidates of a floor in, in the place of the last entries that
// no floor needs.
func (r Rules) lift(chosen, rest []Entry, now time.Time, left map[string]int) []Entry {
	kept := make([]bool, len(chosen))
	for _, f := range r.Floors {
		need := f.AtLeast * ((len(chosen) + listUnit - 1) / listUnit)
		for i, e := range chosen {
			if f.matches(e.Product, now) && !kept[i] && need > 0 {
				kept[i] = true
				need--
			}
		}
		for i := 0; i < len(rest) && need > 0; i++ {
			if !f.matches(rest[i].Product, now) {
				continue
			}
			last := -1
			for j := range chosen {
				if !kept[j] && (last < 0 || ahead(chosen[j], chosen[last]) > 0) {
					last = j
				}
			}
			if last < 0 {
				return chosen
			}
			e := rest[i]
			e.Because = append(slices.Clone(e.Because), f.Words)
			chosen[last], rest[i] = e, chosen[last]
			kept[last] = true
			left[Lifted]++
			need--
		}
	}
	return chosen
}

func (f Floor) matches(p *catalog.Product, now time.Time) bool {
	if f.NewDays > 0 {
		return fresh(p, f.NewDays, now)
	}
	return p.Brand != "" && slices.ContainsFunc(f.Brands, func(b string) bool { return strings.EqualFold(b, p.Brand) })
}

// place puts the campaigns on their places.
func place(chosen, held []Entry, left map[string]int) []Entry {
	out := chosen
	for _, e := range held {
		out = slices.Insert(out, min(e.position-1, len(out)), e)
		left[Held]++
	}
	return out
}

// empty says why nothing is left.
func empty(candidates int, left map[string]int) string {
	if candidates == 0 {
		return "There is nothing that could be shown here."
	}
	rules := slices.SortedFunc(maps.Keys(left), func(a, b string) int { return cmp.Or(cmp.Compare(left[b], left[a]), cmp.Compare(a, b)) })
	var parts []string
	for _, rule := range rules {
		parts = append(parts, fmt.Sprintf("%s (%d)", Words(rule), left[rule]))
	}
	if len(parts) == 0 {
		return "The list was asked to be empty."
	}
	return "Nothing is left of " + fmt.Sprint(candidates) + ": " + strings.Join(parts, "; ") + "."
}
