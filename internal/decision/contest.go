package decision

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"thimble"
	"thimble/internal/policy"
)

// ContestPrefix is the prefix of a contest's id in text, StepPrefix that of a step's.
const (
	ContestPrefix = "con"
	StepPrefix    = "cst"
)

// A State says how far a review is.
type State string

// The states.
const (
	Open     State = "open"
	Claimed  State = "claimed"
	Answered State = "answered"
)

// Upheld is the outcome of a review that found the decision right. The others are the
// standings [Overturned] and [Superseded].
const Upheld Standing = "upheld"

// Reasons are why a decision can be contested, with their words.
var Reasons = []struct{ Key, Words string }{
	{"wrong data", "What you used about me is wrong"},
	{"not me", "It was not me who did that"},
	{"unfair", "It is unfair to me"},
	{"other", "Something else"},
}

// MaxText bounds what a person, and who answers them, may write, in characters.
const MaxText = 2000

// A Contest is a person's wish that a human looks at a decision (GDPR Art. 22(3)).
type Contest struct {
	ID       thimble.ID
	Decision thimble.ID
	Subject  thimble.SubjectID
	Appeal   bool // the second review, by somebody else
	OpenedAt time.Time
	DueAt    time.Time // the first instant that is too late
	Rule     string    // which law sets the date
	State    State
	Outcome  Standing // empty before the answer
	Reviewer string   // of the staff
}

// A Step is one thing that happened in a review. Its record is a leaf's.
type Step struct {
	V        int       `json:"v"`
	Contest  string    `json:"contest"`
	Decision string    `json:"decision"`
	Kind     string    `json:"kind"` // one of the kinds below
	At       time.Time `json:"at"`
	By       string    `json:"by"` // "the person", or the name of staff
	Appeal   bool      `json:"appeal,omitempty"`
	Reason   string    `json:"reason,omitempty"` // why it is contested
	Outcome  Standing  `json:"outcome,omitempty"`
	Text     string    `json:"text,omitempty"` // in the writer's own words
	Due      time.Time `json:"due,omitzero"`
	Rule     string    `json:"rule,omitempty"`
}

// The kinds of steps.
const (
	StepContested = "contested"
	StepClaimed   = "claimed"
	StepReleased  = "released"
	StepAnswered  = "answered"
)

// ThePerson is who contests.
const ThePerson = "the person"

// Marshal returns the canonical form, to which the ledger's leaf commits.
func (s Step) Marshal() ([]byte, error) {
	b, err := json.Marshal(s)
	if err != nil {
		return nil, fmt.Errorf("decision: writing a step: %w", err)
	}
	return b, nil
}

// UnmarshalStep reads the canonical form.
func UnmarshalStep(b []byte) (s Step, err error) {
	if err = json.Unmarshal(b, &s); err != nil {
		return s, fmt.Errorf("decision: reading a step: %w: %w", err, thimble.ErrInvalid)
	}
	return s, nil
}

// CheckWish refuses a contest with a reason that there is not, or a text that is too long.
func CheckWish(reason, text string) error {
	if !slices.ContainsFunc(Reasons, func(r struct{ Key, Words string }) bool { return r.Key == reason }) {
		return invalid("reason: one of those listed was expected")
	}
	return checkText("text", text, false)
}

func checkText(field, text string, needed bool) error {
	switch {
	case !utf8.ValidString(text) || strings.ContainsRune(text, 0):
		return invalid("%s: text was expected", field)
	case utf8.RuneCountInString(text) > MaxText:
		return invalid("%s: at most %d characters were expected", field, MaxText)
	case needed && strings.TrimSpace(text) == "":
		return invalid("%s: an answer without a reason is none", field)
	}
	return nil
}

// MayReview reports why somebody may not review a contest: it is answered, another has
// it, they set off the decision, or they answered the first review of it.
func (c Contest) MayReview(who string, r Record, first *Contest) error {
	switch {
	case who == "":
		return fmt.Errorf("decision: reviewing: a name is needed: %w", thimble.ErrDenied)
	case c.State == Answered:
		return fmt.Errorf("decision: the review is answered: %w", thimble.ErrConflict)
	case c.State == Claimed && c.Reviewer != who:
		return fmt.Errorf("decision: a colleague has this review: %w", thimble.ErrConflict)
	case r.Human != nil && r.Human.By == who:
		return fmt.Errorf("decision: who had a part in a decision does not review it: %w", thimble.ErrDenied)
	case c.Appeal && first != nil && first.Reviewer == who:
		return fmt.Errorf("decision: a second review is by somebody else: %w", thimble.ErrDenied)
	}
	return nil
}

// CheckAnswer refuses an answer without an outcome or reasons.
func (c Contest) CheckAnswer(who string, outcome Standing, text string) error {
	if c.State != Claimed || c.Reviewer != who {
		return fmt.Errorf("decision: take the review before you answer it: %w", thimble.ErrConflict)
	}
	if outcome != Upheld && outcome != Overturned && outcome != Superseded {
		return invalid("outcome: upheld, overturned or superseded was expected")
	}
	return checkText("text", text, true)
}

// Standing is what an outcome makes of the decision.
func (c Contest) Standing(outcome Standing) Standing {
	if outcome == Upheld {
		return Stands
	}
	return outcome
}

// Due returns when a review is to be answered, and which law says so. A law that sets no
// date for it is not a law without one: then the strict baseline's counts, and the rule
// says that.
func Due(law, baseline *policy.Law, appeal bool, at time.Time) (time.Time, string, error) {
	keys := []string{HumanReview}
	if appeal {
		keys = []string{HumanReview + "/appeal", HumanReview}
	}
	for i, l := range []*policy.Law{law, baseline} {
		for _, key := range keys {
			due, err := l.Due(key, at, policy.History{})
			if errors.Is(err, thimble.ErrNotFound) {
				continue
			}
			if err != nil {
				return time.Time{}, "", err
			}
			o := due[0].Clock.Origin
			rule := fmt.Sprintf("%s, %s: %s", o.Pack, o.Cite, due[0].Clock.Within)
			if i > 0 {
				rule += " (the strict baseline: " + law.Ref() + " sets no date)"
			}
			return due[0].By, rule, nil
		}
	}
	return time.Time{}, "", fmt.Errorf("decision: no law sets a date for a review: %w", thimble.ErrUnavailable)
}
