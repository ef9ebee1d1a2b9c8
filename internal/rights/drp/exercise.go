package drp

import (
	"crypto/ed25519"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"thimble"
	"thimble/internal/rights/cases"
)

// An Action is a right that is exercised (section 3.01).
type Action string

// The actions.
const (
	OptOut     Action = "sale:opt-out"
	OptIn      Action = "sale:opt-in"
	Deletion   Action = "deletion"
	Access     Action = "access"
	Categories Action = "access:categories"
	Specific   Action = "access:specific"
)

// kinds are what actions ask for here. A yes to a sale is not among them: a person gives
// it themselves, to the notice that they see (GDPR Art. 7; 11 CCR 7028).
var kinds = map[Action]cases.Kind{OptOut: cases.Sale, Deletion: cases.Erase, Access: cases.Access, Categories: cases.Categories, Specific: cases.Access}

// Supported are the actions that are taken, as the entry of a business in a service
// directory lists them (section 3.05.2).
func Supported() []Action { return []Action{OptOut, Deletion, Access, Categories, Specific} }

// Kind returns what an action asks for; false for one that is not taken.
func (a Action) Kind() (cases.Kind, bool) {
	k, ok := kinds[a]
	return k, ok
}

// Why a request is not taken, beside the rules of its envelope. Their texts are told.
const (
	NoAction Refusal = "Unsupported rights actions submitted."
	NoRegime Refusal = "regime: ccpa, or none, was expected"
	NoMember Refusal = "a member has another form than section 2.01 and 3.04 say"
)

// MaxText bounds a text of a request, in bytes.
const MaxText = 500

// An Exercise is a request (section 2.01).
type Exercise struct {
	Envelope
	Digest    [32]byte                 // of the message
	Reference thimble.Personal[string] // agent-request-id
	Action    Action
	Callback  string // status_callback
	// Of the person, by schema.org/Person, what finds them here. The rest is not read.
	Email, Phone thimble.Personal[string]
	Stated       []cases.Stated
	Attorney     thimble.Personal[string] // power_of_attorney: which
}

type exercise struct {
	envelope
	Reference       string         `json:"agent-request-id"`
	Exercise        jsontext.Value `json:"exercise"`
	Regime          string         `json:"regime"`
	Callback        string         `json:"status_callback"`
	Email           string         `json:"email"`
	EmailVerified   jsontext.Value `json:"email_verified"`
	Phone           string         `json:"phone_number"`
	PhoneVerified   jsontext.Value `json:"phone_number_verified"`
	AddressVerified jsontext.Value `json:"address_verified"`
	Attorney        string         `json:"power_of_attorney"`
}

// ParseExercise reads a request. The error is a Refusal; what is wrong with who sends it,
// and when, is for [Envelope.Check] to say, and comes first.
func ParseExercise(document []byte) (e Exercise, err error) {
	var in exercise
	if json.Unmarshal(document, &in) != nil {
		return e, NotRead
	}
	if e.Envelope, err = in.read(); err != nil {
		return e, err
	}
	e.Reference, e.Email, e.Phone, e.Attorney = thimble.Hide(in.Reference), thimble.Hide(in.Email), thimble.Hide(in.Phone), thimble.Hide(in.Attorney)
	e.Callback = in.Callback
	for _, said := range []struct {
		what  cases.Stated
		value jsontext.Value
		text  string
	}{{cases.EmailVerified, in.EmailVerified, in.Email}, {cases.PhoneVerified, in.PhoneVerified, in.Phone}, {cases.AddressVerified, in.AddressVerified, "-"}} {
		if truth(said.value) && said.text != "" {
			e.Stated = append(e.Stated, said.what)
		}
	}
	if in.Attorney != "" {
		e.Stated = append(e.Stated, cases.Attorney)
	}
	e.Action = action(in.Exercise)
	return e, in.wrong(e)
}

// wrong is the first rule that a request breaks beside those of its envelope.
func (in exercise) wrong(e Exercise) error {
	for _, text := range []string{in.Reference, in.Email, in.Phone, in.Attorney, in.Callback} {
		if len(text) > MaxText || strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f }) {
			return NoMember
		}
	}
	if in.Regime != "" && !strings.EqualFold(in.Regime, "ccpa") {
		return NoRegime
	}
	if !slices.Contains(Supported(), e.Action) {
		return NoAction
	}
	return nil
}

// truth reads a claim that something was verified. Some agents write it as a text.
func truth(v jsontext.Value) bool { return string(v) == "true" || string(v) == `"true"` }

// action reads what is exercised: a word, or a list of one as in versions before 0.6; with
// an underscore as section 3.01 has it.
func action(v jsontext.Value) Action {
	var word string
	if json.Unmarshal(v, &word) != nil {
		var words []string
		if json.Unmarshal(v, &words) != nil || len(words) != 1 {
			return ""
		}
		word = words[0]
	}
	return Action(strings.ReplaceAll(word, "opt_", "opt-"))
}

// ParseReason reads a signed message that takes a request back (section 2.04), which says
// nothing but why. What it says is not kept. The members of an envelope are checked if
// they are there.
func ParseReason(document []byte) (Envelope, bool, error) {
	var in struct {
		Reason string `json:"reason"`
		envelope
	}
	if json.Unmarshal(document, &in) != nil {
		return Envelope{}, false, NotRead
	}
	if in.envelope == (envelope{}) {
		return Envelope{}, false, nil
	}
	e, err := in.read()
	return e, true, err
}

// Take reads a request as it came: it is checked in the order of section 3.07, and then
// for what it asks. The error is a [Refusal].
func Take(message []byte, key ed25519.PublicKey, agent, business string, now time.Time) (Exercise, error) {
	m, err := Open(message, key)
	if err != nil {
		return Exercise{}, err
	}
	e, wrong := ParseExercise(m.Document)
	e.Digest = m.Digest
	if wrong == NotRead {
		return Exercise{}, wrong
	}
	if err := e.Check(agent, business, now); err != nil {
		return Exercise{}, err
	}
	return e, wrong
}
