package consent

import (
	"fmt"
	"regexp"
	"strings"
	"time"

	"thimble"
)

// A Scope says how far a choice reaches, or what a use is for. The zero scope is
// everything: every brand, channel, feature and signal.
type Scope struct {
	Brand   string `json:"brand,omitempty"`
	Channel string `json:"channel,omitempty"` // such as web, email, store
	Feature string `json:"feature,omitempty"` // such as recommendations
	Signal  string `json:"signal,omitempty"`  // what of the person is used, such as returns
}

var scopeWord = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,31}$`)

// Check refuses a scope whose words are none. The error is of kind
// thimble.ErrInvalid and names the field.
func (s Scope) Check() error {
	for i, word := range s.words() {
		if word != "" && !scopeWord.MatchString(word) {
			return fmt.Errorf("consent: scope.%s: up to 32 of a-z, 0-9, - and _ were expected: %w", scopeFields[i], thimble.ErrInvalid)
		}
	}
	return nil
}

var scopeFields = [...]string{"brand", "channel", "feature", "signal"}

func (s Scope) words() [4]string { return [4]string{s.Brand, s.Channel, s.Feature, s.Signal} }

// String returns the form in which a scope is a key: "brand=b1;signal=returns",
// and "" for everything.
func (s Scope) String() string {
	var parts []string
	for i, word := range s.words() {
		if word != "" {
			parts = append(parts, scopeFields[i]+"="+word)
		}
	}
	return strings.Join(parts, ";")
}

// ParseScope reads what String wrote.
func ParseScope(text string) (Scope, error) {
	var s Scope
	if text == "" {
		return s, nil
	}
	into := map[string]*string{"brand": &s.Brand, "channel": &s.Channel, "feature": &s.Feature, "signal": &s.Signal}
	for part := range strings.SplitSeq(text, ";") {
		field, word, _ := strings.Cut(part, "=")
		if into[field] == nil {
			return Scope{}, fmt.Errorf("consent: scope: brand, channel, feature or signal were expected: %w", thimble.ErrInvalid)
		}
		*into[field] = word
	}
	if s.String() != text {
		return Scope{}, fmt.Errorf("consent: scope: each part once, in order, was expected: %w", thimble.ErrInvalid)
	}
	return s, s.Check()
}

// Covers reports whether all that t names lies within s.
func (s Scope) Covers(t Scope) bool {
	own, other := s.words(), t.words()
	for i := range own {
		if own[i] != "" && own[i] != other[i] {
			return false
		}
	}
	return true
}

// touches reports whether a no of scope s concerns a use of scope q. A use that
// does not say for which brand or through which channel may be for any, so that
// the no counts; a use of an unnamed feature or signal uses none.
func (s Scope) touches(q Scope) bool {
	either := func(a, b string) bool { return a == "" || b == "" || a == b }
	within := func(a, b string) bool { return a == "" || a == b }
	return either(s.Brand, q.Brand) && either(s.Channel, q.Channel) && within(s.Feature, q.Feature) && within(s.Signal, q.Signal)
}

// Decide returns which of a person's standings on one purpose answers a use of
// scope q at an instant; the zero Standing when the person has said nothing that
// reaches it. There is at most one standing per scope: the latest.
//
// A no that concerns the use answers it, unless a later yes of narrower scope
// takes the use out of it. A yes answers a use that it covers, unless a later no
// of the same or a wider scope took it back. So a choice for everything is
// narrowed by a no to one brand, channel, feature or signal and stays narrowed
// when the yes to everything is renewed; and a no to everything ends each yes.
func Decide(standings []Standing, q Scope, at time.Time) Standing {
	var no, yes, silent Standing
	for _, s := range standings {
		switch state := s.Now(at); {
		case state.Refuses() && s.Scope.touches(q) && !takenOut(standings, s, q, at):
			no = later(no, s)
		case state.Permits() && s.Scope.Covers(q) && !takenBack(standings, s, at):
			yes = later(yes, s)
		case !state.Permits() && !state.Refuses() && s.Scope.Covers(q):
			silent = later(silent, s)
		}
	}
	switch {
	case no.State != "":
		return no
	case yes.State != "":
		return yes
	}
	return silent
}

func later(a, b Standing) Standing {
	if a.State == "" || b.Seq > a.Seq {
		return b
	}
	return a
}

// takenOut reports whether a later, narrower yes takes the use out of the no.
func takenOut(all []Standing, no Standing, q Scope, at time.Time) bool {
	for _, y := range all {
		if y.Now(at).Permits() && y.Seq > no.Seq && y.Scope != no.Scope &&
			no.Scope.Covers(y.Scope) && y.Scope.Covers(q) && !takenBack(all, y, at) {
			return true
		}
	}
	return false
}

// takenBack reports whether a later no of the same or a wider scope ended the yes.
func takenBack(all []Standing, yes Standing, at time.Time) bool {
	for _, n := range all {
		if n.Now(at).Refuses() && n.Seq > yes.Seq && n.Scope.Covers(yes.Scope) {
			return true
		}
	}
	return false
}
