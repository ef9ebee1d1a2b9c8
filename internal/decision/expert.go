package decision

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

// agent is the text for the staff who talk to the person: what to say, with shares to the
// next five per cent.
func agent(r Record, w Words) string {
	var s sentences
	s.add("%s decided on %s.", capital(r.Capability), r.At.UTC().Format("2 January 2006 at 15:04 UTC"))
	if r.About != nil {
		s.add("It is about the %s %s.", r.About.Kind, r.About.ID)
	}
	for i, res := range r.Results[:min(3, len(r.Results))] {
		name := w.Item(res.Item)
		if b := r.bandOf(res.Outcome); b != nil {
			name = strings.TrimSpace(name + " " + b.Words)
		}
		s.add("%d. %s, because of %s.", i+1, name, r.reasons(res, w))
		if res.Held != "" {
			s.drop()
			s.add("%d. %s, on a place that is held: %s.", i+1, name, res.Held)
		}
		for _, b := range res.Boosts {
			s.add("Moved by the shop, by %+d points: %s.", b.Share, r.WordsOf(b.Boost))
		}
	}
	if n := len(r.Results) - 3; n > 0 {
		s.add("%d more follow.", n)
	}
	for _, rail := range r.Rails {
		if rail.Fired {
			s.add("Rule: %s.", rail.Words)
		}
	}
	for _, g := range r.Guards {
		s.add("Rule: %s.", g)
	}
	s.counter(r, w)
	s.add("Used: %s.", strings.Join(used(r, w), "; "))
	s.add("Part of a person before it took effect: %s.", r.human())
	s.add("The person may have it reviewed; you find that under Reviews.")
	return s.text()
}

// reasons are the three largest terms of a result.
func (r Record) reasons(res Result, w Words) string {
	terms := slices.Clone(res.Terms)
	slices.SortStableFunc(terms, func(a, b Term) int { return sign(abs(b.Share) - abs(a.Share)) })
	var all int64
	for _, t := range terms {
		all += abs(t.Share)
	}
	if all == 0 {
		return "nothing that was counted"
	}
	var parts []string
	for _, t := range terms[:min(3, len(terms))] {
		percent := 5 * int64(float64(abs(t.Share))/float64(all)*20+0.5)
		against := ""
		if t.Share < 0 {
			against = " against"
		}
		parts = append(parts, fmt.Sprintf("%s (about %d %%%s)", r.nameOf(t.Because, w), percent, against))
	}
	return strings.Join(parts, ", ")
}

func (s *sentences) counter(r Record, w Words) {
	c := r.Counter
	switch {
	case c == nil:
		return
	case c.None != "":
		s.add("Another outcome: %s.", c.None)
		return
	}
	var all []string
	for _, change := range c.Changes {
		all = append(all, strings.TrimSpace(r.nameOf(change.Key, w)+" "+change.Text))
	}
	if c.Goal == Leads {
		s.add("Without %s, %s would be first.", strings.Join(all, " and "), w.Item(c.Leads))
		return
	}
	s.add("With %s it would have been %s.", strings.Join(all, " and "), c.Goal)
}

func used(r Record, w Words) (all []string) {
	for _, in := range r.Inputs {
		why := w.Basis(in.Basis)
		if in.Consent != "" {
			why += ", choice " + in.Consent
		}
		all = append(all, fmt.Sprintf("%s (%d) for %s, %s, %s", w.Category(in.Category), in.Count, w.Purpose(in.Purpose), why, in.Cite))
	}
	return all
}

func (r Record) human() string {
	if r.Human == nil {
		return NoHuman
	}
	return strings.TrimSpace(r.Human.Part + " " + r.Human.Role)
}

// auditor is the whole record, one fact a line, with what comes out when it is done
// again.
func auditor(r Record, w Words) string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("decision of %s at %q, form %d, %s", r.Capability, r.Placement, r.V, r.At.UTC().Format(time.RFC3339Nano))
	if r.About != nil {
		line("about: %s %s", r.About.Kind, r.About.ID)
	}
	line("model: %s version %d, sha256 %s", r.Model.Name, r.Model.Version, r.Model.SHA256)
	line("packs: %s", strings.Join(r.Packs, ", "))
	for _, u := range used(r, w) {
		line("input: %s", u)
	}
	if r.V == Form2 {
		line("scale: %s link, 1 is %d points; share = weight × value ÷ %d; table of %d rows %s", r.Scale.Link, r.Scale.Unit, r.Scale.Value, len(r.Scale.Table), r.Scale.Shows)
	}
	for _, f := range r.Features {
		line("feature %s: value %d, weight %d, %s, from %s, %d options", f.Key, f.Value, f.Weight, f.Category, f.Source, len(f.Options))
	}
	for i, rail := range r.Rails {
		line("rail %d %s: %s %s %d, %s %s, fired %v", i+1, rail.Name, rail.On, rail.Op, rail.Limit, rail.Does, rail.Outcome, rail.Fired)
	}
	if r.Boosting != nil {
		line("boosts: together at most %d percent", r.Boosting.Most)
		for _, one := range r.Boosting.Boosts {
			line("boost %s: %+d percent, %s", one.Name, one.Percent, one.Words)
		}
	}
	for _, band := range r.Bands {
		line("band %s from %d", band.Outcome, band.At)
	}
	for i, res := range r.Results {
		line("result %d %s: score %d, base %d, moved %d, outcome %q", i+1, res.Item, res.Score, res.Base, res.Moved, res.Outcome)
		for _, t := range res.Terms {
			line("  %+d  %s = %d × %d", t.Share, t.Because, t.Weight, t.Value)
		}
		for _, one := range res.Boosts {
			line("  %+d  %s", one.Share, one.Boost)
		}
		if res.Held != "" {
			line("  held: %s", res.Held)
		}
	}
	if c, err := json.Marshal(r.Counter); err == nil && r.Counter != nil {
		line("counterfactual: %s", c)
	}
	if p := r.Propensity; p != nil {
		line("propensity: %d of %d", p.Parts, p.Of)
	}
	line("human part: %s", r.human())
	line("replayed from itself: %s", replayed(r))
	return b.String()
}

func replayed(r Record) string {
	if err := r.Check(); err != nil {
		return "DIFFERS: " + err.Error()
	}
	return "equal"
}
