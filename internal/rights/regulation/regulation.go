package regulation

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"thimble"
	"thimble/internal/rights/cases"
	"thimble/internal/subject"
)

// TokenPrefix is the prefix of a regulation's id in text.
const TokenPrefix = "reg"

// Most is how many ids a regulation may have.
const Most = 5000

// A Verb says what is to be done, in the words of Segment's Public API.
type Verb string

// The verbs.
const (
	SuppressWithDelete         Verb = "SUPPRESS_WITH_DELETE"
	SuppressWithDeleteInternal Verb = "SUPPRESS_WITH_DELETE_INTERNAL"
	DeleteOnly                 Verb = "DELETE_ONLY"
	DeleteInternal             Verb = "DELETE_INTERNAL"
	SuppressOnly               Verb = "SUPPRESS_ONLY"
	Unsuppress                 Verb = "UNSUPPRESS"
)

// Verbs are all verbs.
func Verbs() []Verb {
	return []Verb{SuppressWithDelete, SuppressWithDeleteInternal, DeleteOnly, DeleteInternal, SuppressOnly, Unsuppress}
}

// ParseVerb reads a verb, in small letters too and in the older spelling with AND. The
// error is of kind ErrInvalid.
func ParseVerb(text string) (Verb, error) {
	v := Verb(strings.ReplaceAll(strings.ToUpper(strings.TrimSpace(text)), "_AND_", "_WITH_"))
	if !slices.Contains(Verbs(), v) {
		return "", fmt.Errorf("regulation: regulationType: one of the verbs listed was expected: %w", thimble.ErrInvalid)
	}
	return v, nil
}

// Kind is what a verb asks for, for each id. Suppressed is kept and not used (GDPR Art.
// 18): nothing is shown, learned or handed over.
func (v Verb) Kind() cases.Kind {
	switch v {
	case SuppressOnly:
		return cases.Restrict
	case Unsuppress:
		return cases.Lift
	}
	return cases.Erase
}

// Suppresses reports whether an id that leads to nobody is kept out of later imports.
func (v Verb) Suppresses() bool { return v == SuppressWithDelete || v == SuppressWithDeleteInternal }

// types are the kinds of ids: Segment's own, and further ones by which people are known
// here.
var types = map[string]subject.Kind{"USER_ID": subject.Account, "ANONYMOUS_ID": subject.Device, "EMAIL": subject.Email, "PHONE": subject.Phone}

// ParseIDs reads the ids of a regulation. The error is of kind ErrInvalid and names no id.
func ParseIDs(kind string, values []string) ([]subject.Identifier, error) {
	k, ok := types[strings.ToUpper(kind)]
	if !ok {
		return nil, fmt.Errorf("regulation: subjectType: USER_ID, ANONYMOUS_ID, EMAIL or PHONE was expected: %w", thimble.ErrInvalid)
	}
	if len(values) == 0 || len(values) > Most {
		return nil, fmt.Errorf("regulation: subjectIds: 1 to %d were expected: %w", Most, thimble.ErrInvalid)
	}
	var all []subject.Identifier
	seen := map[string]bool{}
	for i, v := range values {
		id, err := subject.NewIdentifier(k, v)
		if err != nil {
			return nil, fmt.Errorf("regulation: subjectIds: number %d: %w", i+1, err)
		}
		if text := id.Value.Reveal(); !seen[text] { // to take each once
			seen[text] = true
			all = append(all, id)
		}
	}
	return all, nil
}

// A Regulation is a verb with what became of its ids.
type Regulation struct {
	ID        thimble.ID
	Verb      Verb
	Type      string // of the ids
	Key       string // the name of the API key that it came with
	At        time.Time
	Unknown   int // ids that led to nobody
	Untouched int // ids of people for whom the verb is not done, such as a limit of their own
	Cases     []Of
}

// Of is a case of a regulation.
type Of struct {
	ID     thimble.ID
	State  cases.State
	Closed time.Time
}

// A Status is the state of a regulation in Segment's words.
type Status string

// The statuses.
const (
	Initialized    Status = "INITIALIZED"
	Running        Status = "RUNNING"
	Finished       Status = "FINISHED"
	Failed         Status = "FAILED"
	PartialSuccess Status = "PARTIAL_SUCCESS"
	NotSupported   Status = "NOT_SUPPORTED"
	Invalid        Status = "INVALID"
)

// Statuses are all statuses.
func Statuses() []Status {
	return []Status{Failed, Finished, Initialized, Invalid, NotSupported, PartialSuccess, Running}
}

// Status says where a regulation is. Of an id that leads to nobody nothing is to be done;
// a case that ended because its person was erased is done where that was asked for.
func (r Regulation) Status() Status {
	done, open, begun := r.Unknown, 0, false
	for _, c := range r.Cases {
		switch {
		case c.State == cases.Fulfilled, c.State == cases.Lapsed && r.Verb.Kind() == cases.Erase:
			done++
		case !c.State.Final():
			open++
			begun = begun || c.State != cases.Received
		}
	}
	switch all := r.Unknown + r.Untouched + len(r.Cases); {
	case open > 0 && !begun && done == r.Unknown:
		return Initialized
	case open > 0:
		return Running
	case done == all:
		return Finished
	case r.Untouched == all:
		return NotSupported
	case done == 0:
		return Failed
	}
	return PartialSuccess
}

// Finished is when the last of it was closed; zero while something is open.
func (r Regulation) Finished() time.Time {
	last := r.At
	for _, c := range r.Cases {
		if !c.State.Final() {
			return time.Time{}
		}
		if c.Closed.After(last) {
			last = c.Closed
		}
	}
	return last
}
