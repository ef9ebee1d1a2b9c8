package plan

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"thimble"
	"thimble/internal/pii"
)

// A Proposal says what an unknown property may be. It holds nothing of the value.
type Proposal struct {
	Category   thimble.Category `json:"category"` // "" if nothing tells
	Transform  Transform        `json:"transform"`
	Confidence float64          `json:"confidence"` // 0 to 1
	Why        string           `json:"why"`
}

// words of names, each with what a property of that name mostly is. The first that
// matches counts, so the more telling ones come first.
var nameWords = []struct {
	words    string // each must be in the name
	category thimble.Category
	tf       Transform
}{
	{"card number", "user.financial.credit_card", Drop}, {"cvv", "user.financial.credit_card", Drop}, {"cvc", "user.financial.credit_card", Drop},
	{"iban", "user.financial.bank_account", Drop}, {"ssn", "user.government_id.national_identification_number", Drop},
	{"passport", "user.government_id.passport_number", Drop}, {"tax id", "user.government_id.national_identification_number", Drop},
	{"password", "user.authorization.password", Drop}, {"token", "user.authorization.credentials", Drop}, {"secret", "user.authorization.credentials", Drop},
	{"email", "user.contact.email", Identifier}, {"mail", "user.contact.email", Identifier}, {"phone", "user.contact.phone_number", Identifier},
	{"mobile", "user.contact.phone_number", Identifier}, {"recipient", "thimble.gift_recipient", Drop}, {"gift message", "thimble.gift_recipient", Drop},
	{"birthday", "user.demographic.date_of_birth", AgeBand}, {"birth", "user.demographic.date_of_birth", AgeBand}, {"dob", "user.demographic.date_of_birth", AgeBand},
	{"age", "user.demographic.age_range", AgeBand}, {"gender", "user.demographic.gender", Keep}, {"sex", "user.demographic.gender", Keep},
	{"religion", "user.demographic.religious_belief", Drop}, {"pregnant", "user.health_and_medical", Drop}, {"health", "user.health_and_medical", Drop},
	{"ip", "user.device.ip_address", Country}, {"user agent", "user.device", Drop}, {"device id", "user.device.device_id", Drop}, {"cookie", "user.device.cookie_id", Drop},
	{"street", "user.contact.address.street", Drop}, {"address", "user.contact.address", Drop}, {"zip", "user.contact.address.postal_code", Drop},
	{"postal", "user.contact.address.postal_code", Drop}, {"city", "user.contact.address.city", Drop}, {"country", "user.contact.address.country", Keep},
	{"latitude", "user.location.precise", Drop}, {"longitude", "user.location.precise", Drop}, {"lat", "user.location.precise", Drop}, {"lng", "user.location.precise", Drop},
	{"first name", "user.name.first", Drop}, {"last name", "user.name.last", Drop}, {"surname", "user.name.last", Drop}, {"full name", "user.name", Drop},
	{"customer name", "user.name", Drop}, {"chest", "thimble.body_measurements", Keep}, {"waist", "thimble.body_measurements", Keep},
	{"height", "thimble.body_measurements", Keep}, {"weight", "thimble.body_measurements", Keep}, {"inseam", "thimble.body_measurements", Keep},
	{"size", "thimble.size", Keep}, {"fit", "thimble.fit_feedback", Keep}, {"loyalty", "thimble.loyalty", Keep}, {"points", "thimble.loyalty", Keep},
	{"return reason", "thimble.returns_behaviour", Scan}, {"colour", "thimble.style_preference", Keep}, {"color", "thimble.style_preference", Keep},
	{"style", "thimble.style_preference", Keep}, {"query", "user.behavior.search_history", Scan}, {"search", "user.behavior.search_history", Scan},
	{"comment", "user.content", Scan}, {"message", "user.content", Scan}, {"review", "user.content.public", Scan}, {"note", "user.content", Scan},
	{"order", "user.behavior.purchase_history", Keep}, {"price", "user.behavior.purchase_history", Keep}, {"discount", "user.behavior.purchase_history", Keep},
	{"product", "user.behavior.browsing_history", Keep}, {"category", "user.behavior.browsing_history", Keep}, {"sku", "user.behavior.browsing_history", Keep},
	{"brand", "user.behavior.browsing_history", Keep}, {"page", "user.behavior.browsing_history", Keep}, {"url", "user.behavior.browsing_history", Address},
}

// Propose guesses from the name of a property and its value, as it stands in the
// message, what it is. What the value holds weighs more than what the property is
// called: an address under the name "ref" is an address.
func Propose(name, value []byte) Proposal {
	named := byName(name)
	held := byValue(value)
	switch {
	case held.Category == "":
		return named
	case named.Category == held.Category:
		named.Confidence, named.Why = 0.98, named.Why+", and "+held.Why
		return named
	}
	return held
}

func byName(name []byte) Proposal {
	words := " " + strings.Join(split(name), " ") + " "
	for _, n := range nameWords {
		if strings.Contains(words, " "+n.words+" ") {
			return Proposal{Category: n.category, Transform: n.tf, Confidence: 0.8, Why: `the name has the word "` + n.words + `"`}
		}
	}
	return Proposal{Transform: Drop, Why: "neither name nor value tells; somebody must say what it is"}
}

func byValue(value []byte) Proposal {
	if len(value) > 4096 {
		value = value[:4096] // enough to tell
	}
	spans := pii.Scan(string(value), nil)
	if len(spans) > 0 {
		first := spans[0]
		p := Proposal{Category: first.Kind.Category(), Transform: Drop, Confidence: 0.95, Why: "the value is one of kind " + first.Kind.String()}
		if whole := first.End - first.Start; whole < len(value)-2 {
			p.Transform, p.Confidence, p.Why = Scan, 0.9, "the value holds one of kind "+first.Kind.String()
		} else if first.Kind == pii.Email || first.Kind == pii.Phone {
			p.Transform = Identifier
		} else if first.Kind == pii.IP {
			p.Transform = Country
		}
		return p
	}
	if len(value) > 2 && value[0] == '"' && strings.Count(string(value), " ") >= 6 {
		return Proposal{Category: "user.content", Transform: Scan, Confidence: 0.6, Why: "the value is a text of several words"}
	}
	return Proposal{}
}

// split cuts a name into words in lower case: "shippingAddress_line1" is shipping,
// address, line1.
func split(name []byte) (words []string) {
	var word []rune
	flush := func() {
		if len(word) > 0 {
			words, word = append(words, string(word)), word[:0]
		}
	}
	lower := false
	for _, r := range string(name) {
		switch {
		case !unicode.IsLetter(r) && !unicode.IsDigit(r):
			flush()
		case unicode.IsUpper(r) && lower:
			flush()
			word = append(word, unicode.ToLower(r))
		default:
			word = append(word, unicode.ToLower(r))
		}
		lower = unicode.IsLower(r) || unicode.IsDigit(r)
	}
	flush()
	return words
}

// Withheld is shown in place of a name that may be a value itself.
const Withheld = "(a name that may say something about a person)"

// Rare is shown in place of a name that few have sent: how many words it has.
func Rare(name []byte) string {
	n := len(strings.Fields(string(name)))
	if n == 1 {
		return "(a name of one word that few have sent)"
	}
	return "(a name of " + strconv.Itoa(n) + " words that few have sent)"
}

// Concealed reports whether what is shown is not the name itself: [Withheld] or [Rare]. No
// name that is shown begins with a bracket.
func Concealed(shown string) bool { return strings.HasPrefix(shown, "(a name ") }

// Shown returns the name of an unknown property as it may be shown and kept: a name
// that is no word but a number, a token or an address is withheld, and so is one of
// several words: keys of properties are one, and "Anna Schmidt" is two.
func Shown(name []byte) string { return shown(name, 1) }

// ShownEvent is [Shown] for the name of an event that is not in the plan: such names are
// phrases, "Wishlist Product Added to Cart".
func ShownEvent(name []byte) string { return shown(name, 6) }

func shown(name []byte, words int) string {
	if !utf8.Valid(name) || !keyForm.Match(name) || len(pii.Scan(string(name), nil)) > 0 {
		return Withheld
	}
	digits := 0
	for _, c := range name {
		if c >= '0' && c <= '9' {
			digits++
		}
	}
	if digits > 3 || len(strings.Fields(string(name))) > words {
		return Withheld
	}
	return string(name)
}
