package trial

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"thimble"
)

// What a variant serves.
const (
	Champion   Serve = "champion"   // the version that serves everybody
	Challenger Serve = "challenger" // the registry's challenger; the champion when there is none
	Popular    Serve = "popular"    // the list that is the same for everybody: a holdout
)

// A Serve is where a variant's list comes from.
type Serve string

// A Measure is what is compared between groups.
type Measure string

// The measures. Of revenue, orders and buyers the person's orders count that were placed in
// their days; of clicks and adds what the shop reported of lists.
const (
	Revenue Measure = "revenue" // minor units for each person, what came back taken off
	Buyers  Measure = "buyers"  // the share of people who bought anything
	Orders  Measure = "orders"  // for each person
	Clicks  Measure = "clicks"  // for each list that was shown
	Adds    Measure = "adds"    // to the basket, for each list that was shown
)

// Measures returns all measures.
func Measures() []Measure { return []Measure{Revenue, Buyers, Orders, Clicks, Adds} }

// Ratio reports whether the measure is a ratio of two sums of each person.
func (m Measure) Ratio() bool { return m == Clicks || m == Adds }

// Words says what the measure is.
func (m Measure) Words() string {
	return map[Measure]string{
		Revenue: "revenue per person", Buyers: "share of people who bought", Orders: "orders per person",
		Clicks: "clicks per list shown", Adds: "added to the basket per list shown",
	}[m]
}

// A Variant is one of the ways that are compared.
type Variant struct {
	Name    string       `json:"name"`
	Serve   Serve        `json:"serve"`
	Share   int          `json:"share"` // of 10,000 people
	Explore *Exploration `json:"explore,omitempty"`
}

// An Exploration draws lots for the last entry of a list: with a chance of PerMille in a
// thousand it is one of the next Among candidates, each as likely as the others.
type Exploration struct {
	PerMille int64 `json:"per_mille"`
	Among    int64 `json:"among"`
}

// A Design is an experiment as it is fixed before the start.
type Design struct {
	Name       string    `json:"name"`
	Placements []string  `json:"placements"`
	Variants   []Variant `json:"variants"` // the others are compared with the first
	Primary    Measure   `json:"primary"`
	Guards     []Measure `json:"guards,omitempty"`    // that must not get worse
	Window     int       `json:"window_days"`         // how long a person is looked at, from their first list
	MinDays    int       `json:"min_days"`            // nothing is concluded before
	MaxDays    int       `json:"max_days"`            // it ends by itself
	MinPeople  int64     `json:"min_people"`          // in each group, whose days are over
	CapMinor   int64     `json:"cap_minor,omitempty"` // the most that one person's revenue counts
	Currency   string    `json:"currency,omitempty"`  // of it; orders in another count as nothing
}

// Bounds of a design.
const (
	whole        = 10_000 // shares are of so many
	MaxHoldout   = 1_000  // of 10,000: the most that may be kept from personal lists
	maxVariants  = 4
	maxPlaces    = 8
	maxName      = 80 // bytes
	maxWindow    = 28
	maxDays      = 180
	leastPeople  = 100
	mostExplored = 100 // of a thousand
	mostAmong    = 50
)

var (
	placement = regexp.MustCompile(`^[a-z][a-z0-9-]{0,31}$`)
	currency  = regexp.MustCompile(`^[A-Z]{3}$`)
)

// Check refuses a design that could not say anything, or would say more than it may. The
// error is of kind ErrInvalid and begins with the field.
func (d Design) Check() error {
	for _, one := range []func() error{d.checkNames, d.checkVariants, d.checkMeasures, d.checkSpans} {
		if err := one(); err != nil {
			return err
		}
	}
	return nil
}

// A Fault is what is wrong with one field of a design.
type Fault struct{ Field, Rule string }

func (f *Fault) Error() string { return "trial: " + f.Field + ": " + f.Rule }

// Is makes a fault one of kind ErrInvalid.
func (f *Fault) Is(target error) bool { return target == thimble.ErrInvalid }

func wrong(field, format string, args ...any) error {
	return &Fault{Field: field, Rule: fmt.Sprintf(format, args...)}
}

func (d Design) checkNames() error {
	if strings.TrimSpace(d.Name) == "" || len(d.Name) > maxName || !utf8.ValidString(d.Name) {
		return wrong("name", "1 to %d bytes of text were expected", maxName)
	}
	if len(d.Placements) == 0 || len(d.Placements) > maxPlaces {
		return wrong("placements", "1 to %d were expected", maxPlaces)
	}
	for i, p := range d.Placements {
		if !placement.MatchString(p) || slices.Contains(d.Placements[:i], p) {
			return wrong("placements", "each is a lower-case word such as home-page, named once")
		}
	}
	return nil
}

func (d Design) checkVariants() error {
	if len(d.Variants) < 2 || len(d.Variants) > maxVariants {
		return wrong("variants", "2 to %d were expected", maxVariants)
	}
	sum := 0
	for i, v := range d.Variants {
		switch {
		case strings.TrimSpace(v.Name) == "" || len(v.Name) > maxName || slices.ContainsFunc(d.Variants[:i], func(o Variant) bool { return o.Name == v.Name }):
			return wrong("variants", "each has a name of its own")
		case v.Serve != Champion && v.Serve != Challenger && v.Serve != Popular:
			return wrong("variants", "%q serves neither champion, challenger nor popular", v.Name)
		case slices.ContainsFunc(d.Variants[:i], v.same):
			return wrong("variants", "%q is the same as another", v.Name)
		case v.Share < 1:
			return wrong("shares", "each is at least 0.01 %%")
		case v.Serve == Popular && v.Share > MaxHoldout:
			return wrong("shares", "the popular list is for at most %d %% of people: more would take from them what they asked for", MaxHoldout/100)
		}
		if err := v.Explore.check(v.Serve); err != nil {
			return err
		}
		sum += v.Share
	}
	if sum > whole {
		return wrong("shares", "together they are more than everybody")
	}
	return nil
}

func (v Variant) same(o Variant) bool {
	return v.Serve == o.Serve && (v.Explore == nil) == (o.Explore == nil) && (v.Explore == nil || *v.Explore == *o.Explore)
}

func (e *Exploration) check(s Serve) error {
	switch {
	case e == nil:
		return nil
	case s == Popular:
		return wrong("explore", "the popular list draws no lots")
	case e.PerMille < 1 || e.PerMille > mostExplored:
		return wrong("explore", "between 1 and %d in a thousand were expected", mostExplored)
	case e.Among < 2 || e.Among > mostAmong:
		return wrong("explore", "among 2 to %d candidates was expected", mostAmong)
	}
	return nil
}

func (d Design) checkMeasures() error {
	all := append([]Measure{d.Primary}, d.Guards...)
	for i, m := range all {
		if !slices.Contains(Measures(), m) || slices.Contains(all[:i], m) {
			return wrong("measures", "each is one of %v, named once", Measures())
		}
	}
	if slices.Contains(all, Revenue) && d.CapMinor < 1 {
		return wrong("cap", "with revenue the most that one person counts is needed, in minor units")
	}
	if slices.Contains(all, Revenue) && !currency.MatchString(d.Currency) {
		return wrong("currency", "with revenue a code of three capital letters is needed")
	}
	if d.CapMinor < 0 || d.CapMinor > 1_000_000_000 {
		return wrong("cap", "between 1 and 1,000,000,000 minor units was expected")
	}
	return nil
}

func (d Design) checkSpans() error {
	switch {
	case d.Window < 1 || d.Window > maxWindow:
		return wrong("window", "1 to %d days were expected", maxWindow)
	case d.MaxDays <= d.Window || d.MaxDays > maxDays:
		return wrong("max_days", "more than a person's %d days and at most %d were expected", d.Window, maxDays)
	case d.MinDays < d.Window || d.MinDays > d.MaxDays:
		return wrong("min_days", "at least a person's days, and at most the longest duration")
	case d.MinPeople < leastPeople:
		return wrong("min_people", "at least %d in each group were expected", leastPeople)
	}
	return nil
}

// Holdout reports whether somebody is kept from personal lists.
func (d Design) Holdout() bool {
	return slices.ContainsFunc(d.Variants, func(v Variant) bool { return v.Serve == Popular })
}

// Measured are the primary measure and the guards.
func (d Design) Measured() []Measure { return append([]Measure{d.Primary}, d.Guards...) }

// DaysOf is how long a person is looked at.
func (d Design) DaysOf() time.Duration { return time.Duration(d.Window) * 24 * time.Hour }
