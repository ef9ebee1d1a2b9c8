package policy

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"thimble"
	"thimble/internal/policy/calendar"
)

// An Example is a case that a pack brings along, with its answer: what a purpose
// needs, when an answer is due, or what a minor needs.
type Example struct {
	Name string        `json:"name" yaml:"name"`
	On   calendar.Date `json:"day,omitzero" yaml:"day,omitempty"` // the pack's own day; its first when left out

	Use        thimble.Purpose    `json:"use,omitempty" yaml:"use,omitempty"`
	Categories []thimble.Category `json:"categories,omitempty" yaml:"categories,omitempty"`
	Mode       *Mode              `json:"mode,omitempty" yaml:"mode,omitempty"`

	Clock    string        `json:"clock,omitempty" yaml:"clock,omitempty"` // "access", "breach/authority"
	Received string        `json:"received,omitempty" yaml:"received,omitempty"`
	Told     string        `json:"told,omitempty" yaml:"told,omitempty"` // when an extension was told
	Stops    []ExampleStop `json:"stops,omitempty" yaml:"stops,omitempty"`
	LastDay  calendar.Date `json:"last_day,omitzero" yaml:"last_day,omitempty"`
	By       string        `json:"by,omitempty" yaml:"by,omitempty"` // of a period of hours
	Topic    string        `json:"topic,omitempty" yaml:"topic,omitempty"`
	Age      int           `json:"age,omitempty" yaml:"age,omitempty"` // -1 is unknown
	Needs    *Need         `json:"needs,omitempty" yaml:"needs,omitempty"`
	Has      []string      `json:"has,omitempty" yaml:"has,omitempty"` // values that are there: "disclosure/price_algorithm@price"
	HasNot   []string      `json:"has_not,omitempty" yaml:"has_not,omitempty"`
}

// An ExampleStop is a standstill of an example.
type ExampleStop struct {
	Reason string `json:"reason" yaml:"reason"`
	From   string `json:"from" yaml:"from"`
	Until  string `json:"until" yaml:"until"`
}

// ParseInstant reads an instant. One without its offset from UTC is refused: it
// is a different instant in every zone.
func ParseInstant(s string) (time.Time, error) {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return time.Time{}, fmt.Errorf("%q is no instant; write date, time and offset, such as 2026-11-21T10:00:00+01:00: %w", s, thimble.ErrInvalid)
	}
	return t, nil
}

func (e Example) check() error {
	if e.Name == "" {
		return fmt.Errorf("name is needed")
	}
	asks := 0
	for _, asked := range []bool{e.Use != "" && e.Mode != nil, e.Clock != "" && e.Received != "" && (e.By != "" || !e.LastDay.IsZero()), e.Topic != "" && e.Needs != nil, len(e.Has)+len(e.HasNot) > 0} {
		if asked {
			asks++
		}
	}
	if asks != 1 {
		return fmt.Errorf("one question is needed: use and mode; clock, received and last_day or by; topic, age and needs; or has")
	}
	if e.Clock == "" {
		return nil
	}
	_, _, _, err := e.times()
	return err
}

func (e Example) times() (received, by time.Time, h History, err error) {
	read := func(s string) (t time.Time) {
		if s != "" && err == nil {
			t, err = ParseInstant(s)
		}
		return t
	}
	received, by = read(e.Received), read(e.By)
	h.Told = read(e.Told)
	for _, s := range e.Stops {
		h.Stops = append(h.Stops, Standstill{Reason: s.Reason, From: read(s.From), Until: read(s.Until)})
	}
	return received, by, h, err
}

// Test runs the examples of a whole pack on itself alone. It returns how many
// there are, and what those that fail say.
func (p *Pack) Test() (ran int, failed []string) {
	for _, e := range p.Examples {
		on := e.On
		if on.IsZero() {
			on = p.Effective.From
		}
		if why := e.run(LawOf(on, p)); why != "" {
			failed = append(failed, fmt.Sprintf("%s: %s", e.Name, why))
		}
	}
	return len(p.Examples), failed
}

func (e Example) run(l *Law) string {
	switch {
	case e.Mode != nil:
		f := Finding{Mode: Allow, Cite: "no rule"}
		for _, p := range l.parts { // the pack alone, general or not
			if g, speaks := p.find(e.Use, e.Categories); speaks {
				f = g
			}
		}
		if f.Mode != *e.Mode {
			return fmt.Sprintf("%s is %s (%s), want %s", e.Use, f.Mode, f.Cite, *e.Mode)
		}
	case e.Needs != nil:
		if need, o := l.NeedOf(e.Topic, e.Age); need != *e.Needs {
			return fmt.Sprintf("%s at %d needs %s (%s), want %s", e.Topic, e.Age, need, o.Cite, *e.Needs)
		}
	case e.Clock != "":
		return e.runClock(l)
	default:
		return e.runHas(l)
	}
	return ""
}

func (e Example) runClock(l *Law) string {
	received, by, h, err := e.times()
	if err != nil {
		return err.Error()
	}
	due, err := l.Due(e.Clock, received, h)
	switch {
	case err != nil:
		return err.Error()
	case !by.IsZero() && !due[0].By.Equal(by):
		return fmt.Sprintf("due by %s, want %s", due[0].By.Format(time.RFC3339), e.By)
	case !e.LastDay.IsZero() && due[0].LastDay != e.LastDay:
		return fmt.Sprintf("the last day is %s, want %s; %s", due[0].LastDay, e.LastDay, strings.Join(due[0].Void, "; "))
	}
	return ""
}

func (e Example) runHas(l *Law) string {
	var names []string
	for _, v := range l.Values() {
		names = append(names, v.Dim+"/"+v.Key)
	}
	for _, want := range e.Has {
		if !slices.Contains(names, want) {
			return want + " is missing"
		}
	}
	for _, no := range e.HasNot {
		if slices.Contains(names, no) {
			return no + " is there"
		}
	}
	return ""
}
