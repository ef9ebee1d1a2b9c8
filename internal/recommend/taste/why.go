package taste

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Did is what a person did with a past item.
type Did string

// What a person can have done. Nothing is said of what is not known.
const (
	Bought Did = "bought"
	Bagged Did = "bagged"
	Wished Did = "wished"
	Looked Did = "looked"
)

// A Reason is the share that one past item has in a score, as words need it.
type Reason struct {
	Name     string // the item's, as a reader knows it
	Did      Did    // "" counts as bought
	Share    int64
	Unwanted bool // the person wants less of it
}

// said are how many reasons a sentence names.
const said = 3

// Because says why something is in a list, in one sentence without a full stop: up to
// three things that speak for it, the largest first, how many more there are, and what
// speaks against it most. It is empty when nothing speaks for it.
func Because(all []Reason) string {
	all = slices.Clone(all)
	slices.SortStableFunc(all, func(a, b Reason) int { return cmp.Compare(abs(b.Share), abs(a.Share)) })
	var good, bad []Reason
	for _, r := range all {
		switch {
		case r.Share > 0:
			good = append(good, r)
		case r.Share < 0:
			bad = append(bad, r)
		}
	}
	if len(good) == 0 {
		return ""
	}
	text := "Because you " + deeds(good[:min(said, len(good))])
	if n := len(good) - said; n > 0 {
		text += fmt.Sprintf(", and %d more", n)
	}
	if len(bad) > 0 {
		text += ", although " + against(bad[0])
	}
	if n := len(bad) - 1; n > 0 {
		text += fmt.Sprintf(", and %d more against it", n)
	}
	return text
}

func against(r Reason) string {
	if r.Unwanted {
		return "you want less like " + r.Name
	}
	return "that you " + r.Did.verb() + " " + r.Name + " speaks against it"
}

// deeds names what was done with what: "bought A and B and looked at C".
func deeds(all []Reason) string {
	var order []string
	names := map[string][]string{}
	for _, r := range all {
		verb := r.Did.verb()
		if names[verb] == nil {
			order = append(order, verb)
		}
		names[verb] = append(names[verb], r.Name)
	}
	parts := make([]string, len(order))
	for i, verb := range order {
		parts[i] = verb + " " + joined(names[verb])
	}
	return joined(parts)
}

// Words say what was done, after "you".
func (d Did) Words() string { return d.verb() }

func (d Did) verb() string {
	switch d {
	case Bagged:
		return "put into your bag"
	case Wished:
		return "wished for"
	case Looked:
		return "looked at"
	}
	return "bought"
}

// joined lists words: "A", "A and B", "A, B and C".
func joined(all []string) string {
	last := len(all) - 1
	if last < 1 {
		return strings.Join(all, "")
	}
	return strings.Join(all[:last], ", ") + " and " + all[last]
}

func abs(n int64) int64 { return max(n, -n) }
