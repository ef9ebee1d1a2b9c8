package arrange

import (
	"fmt"
	"strings"
	"time"
)

// A Touch is a rule of the shop that has to do with a product.
type Touch struct {
	Rule  string // such as [Held] or "boost"
	Words string // what it does, for whoever keeps the shop
	Now   bool   // it acts now, and not only at another time or for some readers
}

// About returns the rules that have to do with a product, in the order of the file, and
// first what keeps it out of every list now.
func (r Rules) About(c Candidate, now time.Time) (all []Touch) {
	p := c.Product
	if rule := r.Keeps(c, Request{Now: now, GrownUp: true}); rule != "" {
		all = append(all, Touch{rule, Words(rule), true})
	}
	if r.adult(p) {
		all = append(all, Touch{Adult, Words(Adult), true})
	}
	for _, w := range r.Windows {
		if strings.EqualFold(w.Category, p.Category) {
			all = append(all, Touch{Rule: InWindow, Words: fmt.Sprintf("left out for %d days for whoever bought from %s", w.Days, w.Category)})
		}
	}
	for _, b := range r.Boosts {
		if b.matches(p, now) {
			all = append(all, Touch{"boost", fmt.Sprintf("%s: its score moves by %+d %%, all boosts together by at most %d %%", b.Words, b.Percent, r.MaxBoost), true})
		}
	}
	if r.Diversity.Brand > 0 && p.Brand != "" {
		all = append(all, Touch{Rule: Various, Words: fmt.Sprintf("a list of ten has at most %d of the brand %s", r.Diversity.Brand, p.Brand), Now: true})
	}
	if r.Diversity.Category > 0 && p.Category != "" {
		all = append(all, Touch{Rule: Various, Words: fmt.Sprintf("a list of ten has at most %d of the category %s", r.Diversity.Category, p.Category), Now: true})
	}
	for _, f := range r.Floors {
		if f.matches(p, now) {
			all = append(all, Touch{Lifted, fmt.Sprintf("%s: a list of ten keeps %d places for such products", f.Words, f.AtLeast), true})
		}
	}
	for _, one := range r.Campaigns {
		if one.Item == p.ID {
			all = append(all, Touch{Held, one.words(), one.runs(Request{Now: now, Placement: one.Placement, K: one.Position})})
		}
	}
	return all
}

// words say where a campaign holds a place, and when.
func (c Campaign) words() string {
	text := fmt.Sprintf("%s: holds place %d", c.Name, c.Position)
	if c.Placement != "" {
		text += " at " + c.Placement
	}
	if !c.From.IsZero() {
		text += " from " + c.From.UTC().Format(time.DateOnly)
	}
	if !c.Until.IsZero() {
		text += " until " + c.Until.UTC().Format(time.DateOnly)
	}
	return text
}
