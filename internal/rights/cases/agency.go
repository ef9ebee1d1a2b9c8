package cases

// An Agency is who asks in somebody's place, by a request that a registered agent signed.
// Nothing of it is about the person.
type Agency struct {
	Agent     string    `json:"agent,omitempty"`      // its id in the registry
	AgentName string    `json:"agent_name,omitempty"` // as it was registered then
	Stated    []Stated  `json:"stated,omitempty"`     // what it says
	Authority Authority `json:"authority,omitempty"`  // how its permission was shown
}

// Stated is something that an agent says of the person. It is the agent's word.
type Stated string

// What an agent may say.
const (
	EmailVerified   Stated = "email_verified"
	PhoneVerified   Stated = "phone_number_verified"
	AddressVerified Stated = "address_verified"
	Attorney        Stated = "power_of_attorney" // there is a signed one; staff can look at which
)

// Words says what an agent said.
func (s Stated) Words() string {
	switch s {
	case EmailVerified:
		return "it has verified the e-mail address"
	case PhoneVerified:
		return "it has verified the phone number"
	case AddressVerified:
		return "it has verified the address"
	case Attorney:
		return "it has a power of attorney"
	}
	return string(s)
}

// An Authority is how it was shown that an agent may ask.
type Authority string

// The authorities.
const (
	// Signed is the word of a registered agent, which answers for having the permission of
	// whom it asks for. It is enough for what needs no proof of who asks, and for nothing
	// else: 11 CCR 7026(j), 7063(a).
	Signed Authority = "signed_statement"
	// Confirmed is the person's own word, signed in: 11 CCR 7063(a)(2).
	Confirmed Authority = "confirmed_by_the_person"
	// Seen is what staff looked at, such as a power of attorney: 11 CCR 7063(b).
	Seen Authority = "seen_by_staff"
)

// Words says how permission was shown.
func (a Authority) Words() string {
	switch a {
	case Signed:
		return "by its signed word"
	case Confirmed:
		return "the person confirmed it, signed in"
	case Seen:
		return "staff looked at it"
	}
	return string(a)
}

// InPlace reports whether somebody asks in the person's place, and has to show that they
// may.
func (v Via) InPlace() bool { return v == Agent || v == Registered }

// permitsAgent is permits of a permission.
func (c Case) permitsAgent(e Event) error {
	ok := c.Via.InPlace() && !c.Authorised
	switch e.Authority {
	case "", Seen:
		ok = ok && e.Said
	case Signed:
		ok = ok && c.Via == Registered && c.Agent != "" && c.Kind.nature().Open
	case Confirmed:
		ok = ok && c.Proof == Session && e.By == ThePerson
	default:
		ok = false
	}
	if !ok {
		return invalid("permission: what was shown was expected, once, of who asks for somebody else")
	}
	return nil
}
