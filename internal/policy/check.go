package policy

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"thimble"
	"thimble/internal/policy/calendar"
)

// A fault is what is wrong with a pack, and where.
type fault struct {
	path []any
	err  error
}

func at(path ...any) func(format string, args ...any) *fault {
	return func(format string, args ...any) *fault { return &fault{path, fmt.Errorf(format, args...)} }
}

var (
	idForm      = regexp.MustCompile(`^[a-z][a-z0-9]*(\.[a-z0-9]+)*$`)
	versionForm = regexp.MustCompile(`^\d{1,6}(\.\d{1,6}){0,3}$`)
	placeForm   = regexp.MustCompile(`^[A-Z]{2}(-[A-Z0-9]{1,3})?$`)
	keyForm     = regexp.MustCompile(`^[a-z][a-z0-9_]*(\.[a-z0-9_]+)*$`)
	starForm    = regexp.MustCompile(`^(\*|[a-z][a-z0-9_]*(\.[a-z0-9_]+)*)$`)
)

func (p *Pack) check() *fault {
	for _, f := range []*fault{p.checkHead(), p.checkStatus(), p.checkApplies(), p.checkCalendar(), p.checkValues()} {
		if f != nil {
			return f
		}
	}
	for i, e := range p.Examples {
		if err := e.check(); err != nil {
			return at("examples", i)("examples[%d]: %w", i, err)
		}
	}
	return nil
}

func (p *Pack) checkHead() *fault {
	switch {
	case p.Format != format:
		return at("pack")("the format is %q, this version reads %q", p.Format, format)
	case !idForm.MatchString(p.ID):
		return at("id")("id is needed, such as eu.gdpr")
	case !versionForm.MatchString(p.Version):
		return at("version")("version is needed, such as 2026.11.0")
	case strings.TrimSpace(p.Title) == "":
		return at("title")("title is needed")
	case !slices.Contains(kinds, p.Kind):
		return at("kind")("kind %q is none of %v", p.Kind, kinds)
	case p.Extends != "" && p.Amends != "":
		return at("amends")("a pack extends or amends another, not both")
	case p.Checked.IsZero():
		return at("checked")("checked is needed: the day the values were last compared with their source")
	case (p.Reviewer.Name == "") != p.Reviewer.On.IsZero():
		return at("reviewer")("a reviewer has a name and a date")
	case len(p.Without) > 0 && p.Extends == "":
		return at("without")("without drops what a pack extends; this one extends nothing")
	case len(p.Sources) == 0:
		return at("sources")("sources is needed: what the values cite")
	}
	seen := map[string]bool{}
	for i, d := range p.Sources {
		if d.ID == "" || d.Title == "" || seen[d.ID] {
			return at("sources", i)("sources[%d]: an id of its own and a title are needed", i)
		}
		if d.URL != "" && !strings.HasPrefix(d.URL, "https://") {
			return at("sources", i, "url")("sources[%d]: a url begins with https://", i)
		}
		seen[d.ID] = true
	}
	return nil
}

func (p *Pack) checkStatus() *fault {
	switch {
	case p.Effective.From.IsZero() && p.Status != Proposed:
		return at("effective")("effective.from is needed")
	case p.Effective.Cite == "":
		return at("effective")("effective.cite is needed: what says when the law starts")
	case !p.Effective.To.IsZero() && p.Effective.To.Before(p.Effective.From):
		return at("effective", "to")("effective.to is before effective.from")
	case p.Status == InForce && p.Checked.Before(p.Effective.From):
		return at("status")("status is in_force, but on the day it was checked, %s, the law had not started", p.Checked)
	case p.Status == Future && !p.Checked.Before(p.Effective.From):
		return at("status")("status is future, but on the day it was checked, %s, the law had started", p.Checked)
	case p.Status != InForce && p.Status != Future && p.Status != Proposed:
		return at("status")("status is one of in_force, future, proposed")
	}
	return nil
}

func (p *Pack) checkApplies() *fault {
	a := p.Applies
	if p.Amends != "" && (a.Everyone || a.Unknown || len(a.Residence)+len(a.Establishment)+len(a.Thresholds) > 0) {
		return at("applies")("an amendment applies where the amended law does; leave applies out")
	}
	for name, places := range map[string][]string{"residence": a.Residence, "establishment": a.Establishment} {
		for i, place := range places {
			if !placeForm.MatchString(place) {
				return at("applies", name, i)("%q is not a place; write an ISO 3166 code, such as DE or US-CA", place)
			}
			if slices.Contains(places[:i], place) {
				return at("applies", name, i)("%s is there twice", place)
			}
		}
	}
	for i, t := range a.Thresholds {
		if t.Fact == "" || t.AtLeast < 1 || t.Cite == "" || t.Unknown != "" && t.Unknown != "out" {
			return at("applies", "thresholds", i)("thresholds[%d]: fact, at_least (1 or more) and cite are needed; unknown is \"out\" or left out", i)
		}
	}
	return nil
}

func (p *Pack) checkCalendar() *fault {
	c, inherits := p.Calendar, p.Extends != "" || p.Amends != ""
	if c.Zone == "" && !inherits {
		return at("calendar", "zone")("calendar.zone is needed, such as Europe/Berlin: a date without a zone is no date")
	}
	if c.Zone != "" {
		if _, err := loadZone(c.Zone); err != nil {
			return at("calendar", "zone")("%w", err)
		}
	}
	if c.Rule == "" && !inherits || c.Rule != "" && !slices.Contains(calendar.Rules, c.Rule) {
		return at("calendar", "rule")("calendar.rule is one of %v", calendar.Rules)
	}
	if c.Cite == "" && (c.Rule != "" || len(c.Holidays) > 0) {
		return at("calendar", "cite")("calendar.cite is needed")
	}
	for i, h := range c.Holidays {
		if err := h.Check(); err != nil {
			return at("calendar", "holidays", i)("holidays[%d]: %w", i, err)
		}
	}
	if _, err := calendar.NewHolidays(nil, c.Weekend...); err != nil {
		return at("calendar", "weekend")("%w", err)
	}
	return nil
}

// checkValues holds every value against the rules that all share: a key, a
// citation, a source that exists, a period within the pack's, and no other value
// of the same key at the same time.
func (p *Pack) checkValues() *fault {
	for _, l := range p.lists() {
		for i := range l.len {
			v := l.at(i)
			s, bad := v.src(), at(l.name, i)
			switch {
			case v.key() == "" || strings.HasPrefix(v.key(), "/"):
				return bad("%s[%d]: what it is about is missing", l.name, i)
			case strings.TrimSpace(s.Cite) == "":
				return bad("%s[%d] (%s): cite is needed: the article or section that says so", l.name, i, v.key())
			case s.Of != "" && !slices.ContainsFunc(p.Sources, func(d Document) bool { return d.ID == s.Of }):
				return at(l.name, i, "source")("%s[%d] (%s): source %q is not among the sources", l.name, i, v.key(), s.Of)
			case !s.To.IsZero() && s.To.Before(s.From):
				return bad("%s[%d] (%s): to is before from", l.name, i, v.key())
			case s.From.Before(p.Effective.From) || !p.Effective.To.IsZero() && p.Effective.To.Before(s.From):
				return bad("%s[%d] (%s): from %s is outside the pack's own period", l.name, i, v.key(), s.From)
			}
			for j := range i {
				if w := l.at(j); w.key() == v.key() && w.src().overlaps(s.Period) {
					return bad("%s[%d]: %s has two rules at the same time; the other is %s[%d]", l.name, i, v.key(), l.name, j)
				}
			}
			if err := fit(v); err != nil {
				return bad("%s[%d] (%s): %w", l.name, i, v.key(), err)
			}
		}
	}
	return nil
}

// fit returns what is wrong with one value by itself.
func fit(v value) error {
	switch v := v.(type) {
	case *Rule:
		if !keyForm.MatchString(string(v.Use)) || v.Basis == "" {
			return fmt.Errorf("use (such as marketing.communications) and basis are needed")
		}
	case *Sensitive:
		if !keyForm.MatchString(string(v.Category)) {
			return fmt.Errorf("category is needed, such as user.biometric")
		}
		if slices.ContainsFunc(v.Despite, func(p thimble.Purpose) bool { return !keyForm.MatchString(string(p)) }) {
			return fmt.Errorf("despite has purposes, such as essential.service")
		}
	case *Right:
		return v.fit()
	case *Minor:
		if !slices.Contains(words.topics, v.Topic) || v.Under < 1 || v.Under > 30 || v.Needs == NoNeed {
			return fmt.Errorf("topic is one of %v, under is an age from 1 to 30, needs is needed", words.topics)
		}
	case *Signal:
		if len(v.Objects) == 0 {
			return fmt.Errorf("objects is needed: the purposes it objects to")
		}
	case *Breach:
		if !slices.Contains(words.tell, v.Tell) || v.Within.IsZero() {
			return fmt.Errorf("tell is one of %v, within is needed", words.tell)
		}
	case *Ceiling:
		if !starForm.MatchString(string(v.Category)) || v.Max.Unit == "" || v.Max.Unit == calendar.Prompt || !slices.Contains(words.after, v.After) {
			return fmt.Errorf("category (or \"*\"), max and after (one of %v) are needed", words.after)
		}
	case *Keep:
		if !starForm.MatchString(string(v.Category)) || v.Min.N < 1 {
			return fmt.Errorf("category (or \"*\") and min are needed")
		}
	case *Notify:
		if v.At == "" {
			return fmt.Errorf("at is needed: when it is given")
		}
	case *Disclosure:
		if v.At == "" {
			return fmt.Errorf("at is needed: where it is shown")
		}
	case *Bound:
		if v.AtLeast.N < 1 {
			return fmt.Errorf("at_least is needed")
		}
	}
	return nil
}

func (r *Right) fit() error {
	timed := !r.Respond.IsZero() && r.Respond.Unit != calendar.Prompt
	switch extended := !r.Extend.By.IsZero(); {
	case extended && !timed:
		return fmt.Errorf("extend lengthens respond, which is missing or has no number")
	case extended && (r.Extend.By.N < 1 || r.Extend.By.Unit == calendar.Prompt || r.Extend.Notice.Unit == calendar.Prompt):
		return fmt.Errorf("extend.by and extend.notice_within are periods with a number")
	case !extended && !r.Extend.Notice.IsZero():
		return fmt.Errorf("extend.notice_within needs extend.by")
	case r.FreePerYear < -1:
		return fmt.Errorf("free_per_year is -1 (always), or how often")
	}
	return nil
}
