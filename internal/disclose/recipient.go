package disclose

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"thimble"
)

// The prefixes of ids in text.
const (
	RecipientPrefix  = "rcp"
	AgreementPrefix  = "agr"
	DisclosurePrefix = "dsc"
	MessagePrefix    = "msg"
)

// ThirdParty is asked of people beside the purpose when data is sold or shared.
const ThirdParty thimble.Purpose = "third_party_sharing"

// A Kind is what a recipient is in the words of the law.
type Kind string

// The kinds.
const (
	Processor  Kind = "processor"  // works for the shop (GDPR Art. 28)
	Controller Kind = "controller" // decides for itself
	Joint      Kind = "joint"      // decides together with the shop (GDPR Art. 26)
	Public     Kind = "public"     // a public body
)

// Kinds are all kinds, in the order of forms.
var Kinds = []Kind{Processor, Controller, Joint, Public}

// A Transport is how messages get to a recipient.
type Transport string

// The transports.
const (
	Webhook Transport = "webhook" // signed HTTP posts
	Folder  Transport = "folder"  // files in the drop folder
	Mail    Transport = "mail"    // letters to customers, by the shop's mail server
)

// A Status is where a recipient stands.
type Status string

// The statuses.
const (
	Active    Status = "active"
	Suspended Status = "suspended" // by staff; messages wait
	Withdrew  Status = "withdrew"  // said that it wants nothing more (HTTP 410); messages wait
)

// A Recipient is who may get data. Its webhook secret is kept apart, sealed.
type Recipient struct {
	ID        thimble.ID
	Name      string // as people read it
	Kind      Kind
	Contact   string   // a mailbox or page of the firm
	Countries []string // where it works on the data, ISO 3166-1 alpha-2
	Transport Transport
	Endpoint  string // URL of the webhook; "" for others
	// SealTo is the public key that messages are sealed to, as its holder gave it; ""
	// for none.
	SealTo string
	Status Status
	Why    string // of the status, when it is not active
	// Generation counts the sets of pseudonyms: those of another have nothing in
	// common with those of this.
	Generation int64
	CreatedAt  time.Time
	ChangedAt  time.Time
}

var country = regexp.MustCompile(`^[A-Z]{2}$`)

// Check reports the first rule that a recipient breaks. Addresses and keys are checked
// by who uses them.
func (r Recipient) Check() error {
	switch {
	case !plain(r.Name, 2, 80):
		return invalid("name", "2 to 80 characters without control characters")
	case !slices.Contains(Kinds, r.Kind):
		return invalid("kind", "processor, controller, joint or public")
	case !plain(r.Contact, 3, 200):
		return invalid("contact", "3 to 200 characters: how the firm is reached about privacy")
	case len(r.Countries) == 0 || !all(r.Countries, country.MatchString):
		return invalid("countries", "one or more codes of two capital letters, such as DE")
	case r.Transport != Webhook && r.Transport != Folder && r.Transport != Mail:
		return invalid("transport", "webhook or folder")
	case (r.Endpoint != "") != (r.Transport == Webhook):
		return invalid("endpoint", "the https address of a webhook, and empty otherwise")
	}
	return nil
}

func plain(s string, least, most int) bool {
	n := utf8.RuneCountInString(s)
	return utf8.ValidString(s) && strings.TrimSpace(s) == s && n >= least && n <= most && strings.IndexFunc(s, unicode.IsControl) < 0
}

func all[T any](of []T, is func(T) bool) bool {
	return !slices.ContainsFunc(of, func(v T) bool { return !is(v) })
}

// A FieldError names the field of a form that breaks a rule.
type FieldError struct{ Field, Rule string }

// Error implements error.
func (e *FieldError) Error() string {
	return fmt.Sprintf("disclose: %s: %s was expected", e.Field, e.Rule)
}

// Is makes it an error of kind thimble.ErrInvalid.
func (e *FieldError) Is(target error) bool { return target == thimble.ErrInvalid }

func invalid(field, rule string) error { return &FieldError{field, rule} }
