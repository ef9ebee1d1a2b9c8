package policy

import (
	"cmp"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"thimble/internal/policy/calendar"
)

// An Origin says where a value of a composed law comes from.
type Origin struct {
	Pack    string        `json:"pack"` // its Ref
	Source  string        `json:"source"`
	URL     string        `json:"url,omitempty"`
	Cite    string        `json:"cite"`
	Checked calendar.Date `json:"checked,omitzero"`
	Verify  bool          `json:"verify,omitempty"`
	Note    string        `json:"note,omitempty"`
}

// An Atom is the smallest value that laws are joined from.
type Atom struct {
	Dim    string `json:"-"` // purpose, sensitive, right, deadline …
	Key    string `json:"-"`
	Text   string `json:"value"`
	Origin `json:"origin"`

	dim  int           // the place of Dim in dims
	rank int64         // higher is stricter
	span calendar.Span // of dimensions in time
	less bool          // a shorter span is stricter
	how  string        // how the span is counted

	extend Extension // of a deadline
	stops  []string  // for what its clock may stand still
}

// dims lists the dimensions in the order in which they are shown.
var dims = strings.Fields("purpose sensitive minor signal right deadline free absolute tells breach retention keep notice disclosure bound record")

// order sorts atoms by dimension and key, and there from strict to loose. It
// stops at the first difference: composing a law is mostly this.
func (a *Atom) order(b *Atom) int {
	if a.dim != b.dim {
		return a.dim - b.dim
	}
	if c := strings.Compare(a.Key, b.Key); c != 0 {
		return c
	}
	if a.rank != b.rank {
		return cmp.Compare(b.rank, a.rank)
	}
	if c := a.span.Compare(b.span); c != 0 { // 15bd and 21d usually last the same
		if a.less {
			return c
		}
		return -c
	}
	return cmp.Or(strings.Compare(a.Pack, b.Pack), strings.Compare(a.Text, b.Text), strings.Compare(a.Cite, b.Cite))
}

// origin returns where a value of p comes from.
func (p *Pack) origin(s *Source) Origin {
	o := Origin{Pack: p.Ref(), Cite: s.Cite, Checked: s.Checked, Verify: s.Verify, Note: s.Note}
	for i, d := range p.Sources {
		if i == 0 || d.ID == s.Of {
			o.Source, o.URL = d.Title, d.URL
		}
	}
	return o
}

// atoms returns all values of p but the purposes, in order. A purpose is no atom:
// what a law asks of it depends on the rules for what it is a part of.
func (p *Pack) atoms() []Atom {
	var all []Atom
	how := p.counting()
	for _, l := range p.lists() {
		for i := range l.len {
			v := l.at(i)
			o := p.origin(v.src())
			for _, a := range p.split(v, how) {
				a.Origin, a.dim = o, slices.Index(dims, a.Dim)
				all = append(all, a)
			}
		}
	}
	slices.SortFunc(all, func(a, b Atom) int { return a.order(&b) })
	return all
}

func (p *Pack) split(v value, how string) []Atom {
	one := func(dim, key, text string, rank int64) []Atom {
		return []Atom{{Dim: dim, Key: key, Text: text, rank: rank}}
	}
	switch v := v.(type) {
	case *Sensitive:
		return one("sensitive", v.key(), v.Mode.String(), int64(v.Mode))
	case *Right:
		return p.splitRight(v, how)
	case *Stop:
		return nil // each clock of the pack says so itself
	case *Minor:
		all := one("minor", v.key(), "below "+strconv.Itoa(v.Under), int64(v.Under))
		if v.UnknownCounts {
			all = append(all, one("minor", v.key()+"/unknown", "an unknown age counts as below", 0)...)
		}
		return all
	case *Signal:
		var all []Atom
		for _, use := range v.Objects {
			all = append(all, one("signal", v.Signal+"/"+string(use), "objects", 0)...)
		}
		if v.Display {
			all = append(all, one("signal", v.Signal+"/display", "show that it was honoured", 0)...)
		}
		return all
	case *Breach:
		a := timed("breach", v.Tell, v.Within, how, true, strings.TrimSpace(v.From+" "+v.When))
		return []Atom{a.clocked(Extension{}, p.StopClock)}
	case *Ceiling:
		return []Atom{timed("retention", v.key(), v.Max, "", true, "")}
	case *Keep:
		return []Atom{timed("keep", v.key(), v.Min, string(v.Category), false, "")}
	case *Notify:
		all := one("notice", v.Notice+"@"+v.At, "given", 0)
		for _, must := range v.Must {
			all = append(all, one("notice", v.Notice+"@"+v.At+"/"+must, "says so", 0)...)
		}
		return all
	case *Disclosure:
		return one("disclosure", v.Disclose+"@"+v.At, cmp.Or(v.Text, "shown"), 0)
	case *Bound:
		return []Atom{timed("bound", v.key(), v.AtLeast, "", false, "")}
	case *Record:
		return one("record", v.key(), "kept", 0)
	}
	return nil
}

func (p *Pack) splitRight(r *Right, how string) []Atom {
	all := []Atom{{Dim: "right", Key: r.Right, Text: "granted"}}
	for _, d := range []struct {
		key    string
		span   calendar.Span
		extend Extension
	}{{r.Right, r.Respond, r.Extend}, {r.Right + "/acknowledge", r.Acknowledge, Extension{}}, {r.Right + "/appeal", r.Appeal, Extension{}}} {
		if !d.span.IsZero() {
			all = append(all, timed("deadline", d.key, d.span, how, true, "").clocked(d.extend, p.StopClock))
		}
	}
	switch {
	case r.FreePerYear < 0:
		all = append(all, Atom{Dim: "free", Key: r.Right, Text: "always", rank: 1000})
	case r.FreePerYear > 0:
		all = append(all, Atom{Dim: "free", Key: r.Right, Text: fmt.Sprintf("%d a year", r.FreePerYear), rank: int64(r.FreePerYear)})
	}
	if r.Absolute {
		all = append(all, Atom{Dim: "absolute", Key: r.Right, Text: "no ground to refuse"})
	}
	if r.Tells != "" {
		all = append(all, Atom{Dim: "tells", Key: r.Right + "/" + r.Tells, Text: "told"})
	}
	return all
}

// timed makes an atom of a period. A law that says "without undue delay" names
// no date, so it stands beside those that do.
func timed(dim, key string, s calendar.Span, how string, shorter bool, more string) Atom {
	a := Atom{Dim: dim, Key: key, Text: strings.TrimSpace(s.String() + " " + more), span: s, less: shorter, how: how, rank: s.Usual()}
	if s.Unit == calendar.Prompt {
		a.Key, a.how = a.Key+"/promptly", ""
	}
	if shorter {
		a.rank = -a.rank
	}
	return a
}

// clocked adds to a period how it may be lengthened. Both are the clock's own: a
// law that knows neither keeps its date whatever another allows.
func (a Atom) clocked(e Extension, stops []Stop) Atom {
	if a.span.Unit == calendar.Prompt {
		return a
	}
	a.extend = e
	if !e.By.IsZero() {
		a.Text += ", extendable by " + e.By.String()
		if !e.Notice.IsZero() {
			a.Text += " told within " + e.Notice.String()
		}
	}
	for _, s := range stops {
		a.stops = append(a.stops, s.Reason)
	}
	if len(stops) > 0 {
		slices.Sort(a.stops)
		a.Text += ", may stand still once for " + strings.Join(a.stops, ", ")
	}
	return a
}

// counting names how the pack counts, so that two periods can be compared: rule,
// zone, and whatever days are free.
func (p *Pack) counting() string {
	free, _ := json.Marshal([]any{p.Calendar.Weekend, p.Calendar.Holidays}) // marshals always: names and numbers
	sum := sha256.Sum256(free)
	return fmt.Sprintf("%s %s %x", p.Calendar.Rule, p.Calendar.Zone, sum[:4])
}

// covers reports whether a is at least as strict as b whatever the day. When the
// dates they give cannot be compared, it is not.
func (a *Atom) covers(b *Atom) bool {
	if a.span.Unit == "" || b.span.Unit == "" {
		return a.Text == b.Text || a.rank > b.rank
	}
	if !a.extend.within(b.extend) || slices.ContainsFunc(a.stops, func(s string) bool { return !slices.Contains(b.stops, s) }) {
		return false
	}
	if a.how == b.how && a.span.Unit == b.span.Unit {
		switch {
		case a.span.N != b.span.N:
			return a.less == (a.span.N < b.span.N)
		case a.less && a.rank == b.rank && (a.extend != b.extend || len(a.stops) != len(b.stops)):
			return true // shown with other words, and stricter
		}
		return a.Text == b.Text
	}
	aLeast, aMost := a.span.Bounds()
	bLeast, bMost := b.span.Bounds()
	const moved = 7 * 24 // hours by which two rules may end the same period differently
	if a.less {
		return aMost+moved <= bLeast
	}
	return aLeast >= bMost+moved
}

// within reports whether an extension never lengthens more than another does.
func (e Extension) within(f Extension) bool {
	if e.By.IsZero() || e == f {
		return true
	}
	sooner := e.Notice == f.Notice || e.Notice.Unit == f.Notice.Unit && e.Notice.N <= f.Notice.N
	return e.By.Unit == f.By.Unit && e.By.N <= f.By.N && sooner
}
