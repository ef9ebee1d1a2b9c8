package policy

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"thimble"
	"thimble/internal/policy/calendar"
)

// A Clock is one law's time for one thing to be done: an answer, its receipt, an
// appeal, a breach told.
type Clock struct {
	Key    string // "access", "access/acknowledge", "access/appeal", "breach/authority"
	Within calendar.Span
	Extend Extension
	Stops  []string // the reasons for which it may stand still
	Origin Origin

	calendar *calendar.Calendar
}

// A History is what has happened to a request since it came.
type History struct {
	Told  time.Time // when the person was told of an extension; zero when not
	Stops []Standstill
}

// A Standstill is a time in which the shop waits for the person. Until is zero
// while it does.
type Standstill struct {
	Reason      string
	From, Until time.Time
}

// A Due is when one clock runs out.
type Due struct {
	Clock    Clock
	LastDay  calendar.Date // zero for hours
	By       time.Time     // the first instant that is too late
	Extended bool
	Paused   bool     // it stands still now; By is when it would run out if it went on at once
	Void     []string // what the shop did that this law does not count, and why
}

// Clocks returns the clocks of the law for a key, and whether one of the packs
// asks for it without undue delay.
func (l *Law) Clocks(key string) (all []Clock, promptly bool) {
	for _, p := range l.parts {
		for i := range p.pack.Rights {
			r := &p.pack.Rights[i]
			o := p.pack.origin(&r.Source)
			switch key {
			case r.Right:
				all = append(all, p.clock(key, r.Respond, r.Extend, o))
			case r.Right + "/acknowledge":
				all = append(all, p.clock(key, r.Acknowledge, Extension{}, o))
			case r.Right + "/appeal":
				all = append(all, p.clock(key, r.Appeal, Extension{}, o))
			}
		}
		for i := range p.pack.Breach {
			if b := &p.pack.Breach[i]; key == "breach/"+b.Tell {
				all = append(all, p.clock(key, b.Within, Extension{}, p.pack.origin(&b.Source)))
			}
		}
	}
	all = slices.DeleteFunc(all, func(c Clock) bool {
		promptly = promptly || c.Within.Unit == calendar.Prompt
		return c.Within.IsZero() || c.Within.Unit == calendar.Prompt
	})
	return all, promptly
}

func (p *portion) clock(key string, within calendar.Span, e Extension, o Origin) Clock {
	c := Clock{Key: key, Within: within, Extend: e, Origin: o, calendar: p.pack.compute}
	for _, s := range p.pack.StopClock {
		c.Stops = append(c.Stops, s.Reason)
	}
	return c
}

// Due returns when the clocks for a key run out, the earliest first. Each law
// counts by its own calendar. A law that knows no extension, or was not told of it
// in time, keeps its date, so an extension helps only when every law allows it.
// No clock at all is an error of kind thimble.ErrNotFound.
func (l *Law) Due(key string, received time.Time, h History) ([]Due, error) {
	clocks, promptly := l.Clocks(key)
	if len(clocks) == 0 {
		why := "no law of " + l.ref + " sets a date for " + key
		if promptly {
			why = key + " is due without undue delay, with no date"
		}
		return nil, fmt.Errorf("policy: %s: %w", why, thimble.ErrNotFound)
	}
	var all []Due
	for _, c := range clocks {
		d, err := c.Due(received, h)
		if err != nil {
			return nil, err
		}
		all = append(all, d)
	}
	slices.SortStableFunc(all, func(a, b Due) int {
		return cmp.Or(a.By.Compare(b.By), cmp.Compare(a.Clock.Origin.Pack, b.Clock.Origin.Pack))
	})
	return all, nil
}

// Due returns when the clock runs out.
func (c Clock) Due(received time.Time, h History) (Due, error) {
	if c.calendar == nil {
		return Due{}, fmt.Errorf("policy: %s: pack %s builds on another, and counts time only within a library: %w", c.Key, c.Origin.Pack, thimble.ErrInvalid)
	}
	d := Due{Clock: c}
	pauses := c.pauses(h.Stops, &d)
	end, err := c.calendar.Due(received, c.Within, pauses...)
	if err != nil {
		return Due{}, fmt.Errorf("policy: %s by %s: %w", c.Key, c.Origin.Pack, err)
	}
	if !h.Told.IsZero() {
		if end, err = c.extend(received, h.Told, end, pauses, &d); err != nil {
			return Due{}, fmt.Errorf("policy: extending %s by %s: %w", c.Key, c.Origin.Pack, err)
		}
	}
	d.LastDay, d.By = end.LastDay, end.By
	return d, nil
}

// pauses returns the standstills that the law counts: for a reason it names, the
// first of each reason. Asking the same again does not stop the clock again.
func (c Clock) pauses(stops []Standstill, d *Due) (all []calendar.Pause) {
	stops = slices.Clone(stops)
	slices.SortStableFunc(stops, func(a, b Standstill) int { return a.From.Compare(b.From) })
	used := map[string]bool{}
	for _, s := range stops {
		switch {
		case !slices.Contains(c.Stops, s.Reason):
			d.Void = append(d.Void, fmt.Sprintf("%s does not let the clock stand still for %s", c.Origin.Pack, s.Reason))
		case used[s.Reason]:
			d.Void = append(d.Void, fmt.Sprintf("the clock has stood still for %s already", s.Reason))
		case s.Until.IsZero():
			d.Paused = true
		default:
			all = append(all, calendar.Pause{From: s.From, Until: s.Until})
		}
		used[s.Reason] = true
	}
	return all
}

// extend lengthens the period when the law allows it and the person was told in
// time. A late notice is void: the date stands.
func (c Clock) extend(received, told time.Time, end calendar.Deadline, pauses []calendar.Pause, d *Due) (calendar.Deadline, error) {
	if c.Extend.By.IsZero() {
		d.Void = append(d.Void, c.Origin.Pack+" knows no extension")
		return end, nil
	}
	latest := end
	if !c.Extend.Notice.IsZero() {
		var err error
		if latest, err = c.calendar.Due(received, c.Extend.Notice); err != nil {
			return end, err
		}
	}
	if !told.Before(latest.By) {
		d.Void = append(d.Void, fmt.Sprintf("the person was told of the extension after %s: it is void", latest.LastDay))
		return end, nil
	}
	d.Extended = true
	return c.calendar.Extended(received, c.Within, c.Extend.By, pauses...)
}
