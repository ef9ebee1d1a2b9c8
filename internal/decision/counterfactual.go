package decision

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"thimble"
)

// Bounds within which the solver is exact and quick.
const (
	maxOptions = 32
	maxForcing = 6
)

// A Counterfactual is what would have had to be different for another outcome (CJEU
// C-203/22): the smallest number of changes that the person can make. None says why
// there is nothing to change.
type Counterfactual struct {
	Goal    string         `json:"goal"` // the outcome; [Leads] for a list
	Changes []Change       `json:"changes"`
	Leads   thimble.ItemID `json:"leads,omitempty"` // which item would stand first
	None    string         `json:"none,omitempty"`
}

// Leads is the goal of a list: that another product stands first.
const Leads = "another first"

// A Change is one thing that would be different. For a list it is a purchase that is
// left out, and has no Text.
type Change struct {
	Key    thimble.ItemID `json:"key"`
	Text   string         `json:"text,omitempty"`
	Value  int64          `json:"value,omitempty"`
	Weight int64          `json:"weight,omitempty"`
}

// Reasons for which there is no counterfactual.
const (
	Best        = "the outcome is already the best there is"
	Unreachable = "nothing that the person can change leads to another outcome"
	Alone       = "no other product was near enough"
)

// protected are data that nobody is told to change, whatever the record says they
// could: who somebody is, and what the law protects (GDPR Art. 9, 21 CFREU).
var protected = []thimble.Category{
	"user.demographic", "user.health_and_medical", "user.biometric", "user.authorization.biometric", "user.name",
	"user.government_id", "user.sensor", "user.childrens", "user.criminal_history", "user.location",
}

// Actionable reports whether a person can be told to change a feature.
func (f Feature) Actionable() bool {
	return len(f.Options) > 0 && !slices.ContainsFunc(protected, func(c thimble.Category) bool { return f.Category.Within(c) })
}

// WithCounterfactual returns the record with its counterfactual: for bands the
// smallest number of changes to reach the next better outcome, for a list the
// smallest number of purchases without which another product would lead.
func (r Record) WithCounterfactual() Record {
	var c Counterfactual
	switch {
	case len(r.Results) == 0:
		return r
	case len(r.Bands) > 0:
		c = r.raise()
	default:
		c = r.unseat()
	}
	r.Counter = &c
	return r
}

// raise solves for the first result's next better band.
func (r Record) raise() Counterfactual {
	res := r.Results[0]
	at := r.place(res.Outcome)
	if at == len(r.Bands)-1 {
		return Counterfactual{Goal: res.Outcome, None: Best}
	}
	s := newSolver(r, at+1)
	c := Counterfactual{Goal: r.Bands[at+1].Outcome}
	if c.Changes = s.solve(); c.Changes == nil {
		c.None = Unreachable
	}
	return c
}

// A solver looks for the fewest changes that reach a band. Features on which rails
// force outcomes are few, and all of their combinations are tried. The others only
// add to the score, each by itself, so that taking the largest gains first needs
// the fewest of them.
type solver struct {
	r      Record
	values map[thimble.ItemID]Feature
	need   int64 // the score to reach
	goal   int   // the band
	free   []gains
	forced []gains
	summed []thimble.ItemID
	best   []Change
	least  int // changes of best; one more than possible before there is any
}

// gains are what changing one feature adds to the score, the largest first.
type gains struct {
	of  Feature
	all []gain
}

type gain struct {
	Option
	adds int64
}

func newSolver(r Record, goal int) *solver {
	s := &solver{r: r, values: map[thimble.ItemID]Feature{}, goal: goal, need: r.above(goal), least: len(r.Features) + 1}
	s.need -= r.Results[0].Score
	for _, t := range r.Results[0].Terms {
		s.summed = append(s.summed, t.Because)
	}
	for _, f := range r.Features {
		s.values[f.Key] = f
		g := s.gains(f)
		switch {
		case !f.Actionable():
		case slices.ContainsFunc(r.Rails, func(rail Rail) bool { return rail.Does == Forces && rail.On == string(f.Key) }):
			g.all = s.distinct(f, g.all)
			s.forced = append(s.forced, g)
		case g.all[0].adds > 0:
			s.free = append(s.free, g)
		}
	}
	slices.SortStableFunc(s.free, func(a, b gains) int { return cmp.Compare(b.all[0].adds, a.all[0].adds) })
	return s
}

// above is the least score that the rails leave in the band or better. Rails that
// bound are one clamp together, so that it is where the band begins, or everywhere, or
// nowhere.
func (r Record) above(band int) int64 {
	at := r.Bands[band].At
	switch {
	case band == 0 || r.settle(-4*exact, nil) >= at:
		return -4 * exact
	case r.settle(4*exact, nil) < at:
		return 1<<62 + 1<<54 // more than all gains together
	}
	return at
}

// distinct keeps, of the options for which the same rails fire, the one that adds most.
func (s *solver) distinct(f Feature, all []gain) []gain {
	seen := map[string]bool{}
	return slices.DeleteFunc(all, func(g gain) bool {
		fires := ""
		for _, rail := range s.r.Rails {
			if rail.Does == Forces && rail.On == string(f.Key) {
				fires += map[bool]string{true: "1", false: "0"}[rail.fires(g.Value)]
			}
		}
		known := seen[fires]
		seen[fires] = true
		return known
	})
}

// gains are what a feature's options add; nothing when it is not in the sum.
func (s *solver) gains(f Feature) gains {
	g := gains{of: f}
	now, _ := scaled(f.Weight, f.Value, s.r.Scale.Value)
	for _, o := range f.Options {
		then, _ := scaled(o.Weight, o.Value, s.r.Scale.Value)
		if !slices.Contains(s.summed, f.Key) {
			now, then = 0, 0
		}
		g.all = append(g.all, gain{o, then - now})
	}
	slices.SortStableFunc(g.all, func(a, b gain) int { return cmp.Compare(b.adds, a.adds) })
	return g
}

// solve returns the changes, nil when there are none.
func (s *solver) solve() []Change {
	s.try(0, nil, 0)
	return s.best
}

// try decides about the forced features one after the other.
func (s *solver) try(at int, changes []Change, added int64) {
	if len(changes) >= s.least {
		return
	}
	if at == len(s.forced) {
		s.finish(changes, added)
		return
	}
	s.try(at+1, changes, added)
	f := s.forced[at].of
	for _, g := range s.forced[at].all {
		changed := f
		changed.Value, changed.Weight = g.Value, g.Weight
		s.values[f.Key] = changed
		s.try(at+1, append(slices.Clone(changes), s.change(f, g)), added+g.adds)
		s.values[f.Key] = f
	}
}

func (s *solver) change(f Feature, g gain) Change {
	return Change{Key: f.Key, Text: g.Text, Value: g.Value, Weight: g.Weight}
}

// finish completes the changes of forced features with as few others as possible.
func (s *solver) finish(changes []Change, added int64) {
	if forced := s.r.forced(s.values, nil); forced != "" {
		if s.reaches(forced) {
			s.keep(changes)
		}
		return
	}
	gap := s.need - added
	n := 0
	for sum := int64(0); sum < gap; n++ {
		if n == len(s.free) {
			return
		}
		sum += s.free[n].all[0].adds
	}
	if len(changes)+n < s.least {
		s.keep(append(slices.Clone(changes), s.smallest(s.free[:n], gap)...))
	}
}

// reaches reports whether a forced outcome is the goal or better.
func (s *solver) reaches(outcome string) bool {
	return s.r.place(outcome) >= s.goal
}

func (s *solver) keep(changes []Change) {
	if len(changes) < s.least {
		s.best, s.least = changes, len(changes)
		if s.best == nil {
			s.best = []Change{}
		}
	}
}

// smallest takes from each of the chosen features no more than is needed.
func (s *solver) smallest(chosen []gains, gap int64) (all []Change) {
	spare := -gap
	for _, g := range chosen {
		spare += g.all[0].adds
	}
	for _, g := range chosen {
		take := g.all[0]
		for _, other := range g.all[1:] {
			if g.all[0].adds-other.adds <= spare && other.adds > 0 {
				take = other
			}
		}
		spare -= g.all[0].adds - take.adds
		all = append(all, s.change(g.of, take))
	}
	return all
}

// unseat finds the fewest purchases without which another of the shown products
// would stand first. For each rival the difference to it is a sum, one number for each
// purchase; taking the largest first needs the fewest.
func (r Record) unseat() Counterfactual {
	c := Counterfactual{Goal: Leads, None: Alone}
	ranked := r.ranked()
	if len(ranked) == 0 {
		return c
	}
	first, most := shares(ranked[0]), r.percent(ranked[0])
	for _, rival := range ranked[1:] {
		its, percent := shares(rival), r.percent(rival)
		lead := make(map[thimble.ItemID]int64, len(first)) // hundredfold
		for item, share := range first {
			lead[item] = share * (100 + most)
		}
		for item, share := range its {
			lead[item] -= share * (100 + percent)
		}
		items := slices.SortedFunc(maps.Keys(lead), func(a, b thimble.ItemID) int {
			return cmp.Or(cmp.Compare(lead[b], lead[a]), strings.Compare(string(a), string(b)))
		})
		var changes []Change
		a, b := ranked[0].Score, rival.Score
		passes := func() bool { return b+part(b, percent) > a+part(a, most) }
		for _, item := range items {
			if lead[item] <= 0 || passes() {
				break
			}
			a, b = a-first[item], b-its[item]
			changes = append(changes, Change{Key: item})
		}
		if len(changes) > 0 && passes() && (c.None != "" || len(changes) < len(c.Changes)) {
			c.Changes, c.Leads, c.None = changes, rival.Item, ""
		}
	}
	return c
}

func shares(res Result) map[thimble.ItemID]int64 {
	all := make(map[thimble.ItemID]int64, len(res.Terms))
	for _, t := range res.Terms {
		all[t.Because] += t.Share
	}
	return all
}

// checkCounter proves that the counterfactual holds: with its changes the goal comes
// out.
func (r Record) checkCounter() error {
	c := r.Counter
	if c == nil || c.None != "" {
		return nil
	}
	if len(r.Results) == 0 || len(c.Changes) == 0 {
		return invalid("counterfactual: there is nothing to change")
	}
	if len(r.Bands) == 0 {
		return r.checkUnseats(*c)
	}
	values := map[thimble.ItemID]Feature{}
	for _, f := range r.Features {
		values[f.Key] = f
	}
	for i, change := range c.Changes {
		f := values[change.Key]
		if !f.Actionable() || !slices.Contains(f.Options, Option{change.Text, change.Value, change.Weight}) {
			return invalid("counterfactual.changes[%d]: that is nothing the person could change", i)
		}
		f.Value, f.Weight = change.Value, change.Weight
		values[change.Key] = f
	}
	score := r.Results[0].Base
	for _, t := range r.Results[0].Terms {
		share, _ := scaled(values[t.Because].Weight, values[t.Because].Value, r.Scale.Value)
		score += share
	}
	outcome := r.outcome(r.settle(score, nil), r.forced(values, nil))
	if r.place(c.Goal) < 0 || r.place(outcome) < r.place(c.Goal) {
		return invalid("counterfactual: its changes do not lead to %q", c.Goal)
	}
	return nil
}

func (r Record) checkUnseats(c Counterfactual) error {
	without := map[thimble.ItemID]bool{}
	for _, change := range c.Changes {
		without[change.Key] = true
	}
	ranked := r.ranked()
	for i, res := range ranked {
		if i > 0 && res.Item == c.Leads && r.counts(res, without) > r.counts(ranked[0], without) {
			return nil
		}
	}
	return invalid("counterfactual: without these purchases the first product still leads")
}
