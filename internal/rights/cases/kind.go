package cases

import (
	"fmt"
	"slices"

	"thimble"
	"thimble/internal/consent/signal"
)

// A Kind is what is asked for, by its word in the packs.
type Kind string

// The kinds.
const (
	Access     Kind = "access"
	Categories Kind = "access_categories"
	Port       Kind = "portability"
	Recipients Kind = "recipients_named"
	Erase      Kind = "erase"
	Rectify    Kind = "rectify"
	Rescore    Kind = "correct_and_rescore"
	Restrict   Kind = "restrict"
	Lift       Kind = "lift"
	Object     Kind = "object"
	Marketing  Kind = "object_marketing"
	Withdraw   Kind = "withdraw_consent"
	Sale       Kind = "opt_out_sale"
	ShareAds   Kind = "opt_out_share_ads"
	Profiling  Kind = "opt_out_profiling"
	Sensitive  Kind = "limit_sensitive"
	Review     Kind = "human_review"
	Explain    Kind = "explain_decision"
	Complain   Kind = "complain"
)

// A Verb is what has to be done before a case is fulfilled.
type Verb string

// The verbs.
const (
	// Collected is an archive that the person opened.
	Collected Verb = "collect"
	// Executed are requests of the rights desk, which are opened with the step that
	// accepts the case.
	Executed Verb = "execute"
	// Reviewed is an answered review of a decision about the person.
	Reviewed Verb = "review"
	// Explained is a decision about the person, whose page explains it.
	Explained Verb = "explain"
	// Answered is what a person of the shop did, in their own words.
	Answered Verb = "answer"
)

// A Nature is what a kind is like.
type Nature struct {
	Kind  Kind
	Words string // what it is, for everybody
	Law   string // the article of the GDPR, or where there is none the law that knows it
	Verb  Verb
	// Open needs no proof of who asks: the law grants it to whoever says so, or asks for
	// no more than a reasonable belief.
	Open bool
	// Atonce can be done by the person alone, and is.
	AtOnce bool
	// Cools waits after an e-mail address was added.
	Cools bool
	// Absolute has no ground to refuse but that somebody else asked.
	Absolute bool
	// Next are the rights whose clock counts when no law has one for this.
	Next []Kind
}

// Natures are all kinds, in the order in which pages list them.
func Natures() []Nature { return slices.Clone(natures) }

var natures = []Nature{
	{Kind: Access, Words: "Everything that is held", Law: "GDPR Art. 15", Verb: Collected, AtOnce: true, Cools: true},
	{Kind: Categories, Words: "Which kinds of data are held", Law: "GDPR Art. 15(1)(b)", Verb: Collected, AtOnce: true, Cools: true, Next: []Kind{Access}},
	{Kind: Port, Words: "A copy to take elsewhere", Law: "GDPR Art. 20", Verb: Collected, AtOnce: true, Cools: true, Next: []Kind{Access}},
	{Kind: Recipients, Words: "Who got data, by name", Law: "GDPR Art. 15(1)(c)", Verb: Collected, AtOnce: true, Cools: true, Next: []Kind{Access}},
	{Kind: Erase, Words: "To be forgotten", Law: "GDPR Art. 17", Verb: Executed, Cools: true},
	{Kind: Rectify, Words: "A correction", Law: "GDPR Art. 16", Verb: Answered},
	{Kind: Rescore, Words: "A correction, and decisions made anew", Law: "Minn. Stat. 325M.14(1)(g)", Verb: Answered, Next: []Kind{Rectify}},
	{Kind: Restrict, Words: "That data is kept and not used", Law: "GDPR Art. 18", Verb: Executed, AtOnce: true},
	{Kind: Lift, Words: "That data may be used again", Law: "GDPR Art. 18(3)", Verb: Executed, AtOnce: true, Next: []Kind{Restrict}},
	{Kind: Object, Words: "An objection to a use", Law: "GDPR Art. 21(1)", Verb: Executed, AtOnce: true},
	{Kind: Marketing, Words: "No advertising", Law: "GDPR Art. 21(2)-(3)", Verb: Executed, Open: true, AtOnce: true, Absolute: true, Next: []Kind{Object}},
	{Kind: Withdraw, Words: "A consent taken back", Law: "GDPR Art. 7(3)", Verb: Executed, Open: true, AtOnce: true, Absolute: true},
	{Kind: Sale, Words: "No sale and no sharing", Law: "Cal. Civ. Code 1798.120", Verb: Executed, Open: true, AtOnce: true, Absolute: true, Next: []Kind{Object}},
	{Kind: ShareAds, Words: "No advertising by what is known of me", Law: "Cal. Civ. Code 1798.120", Verb: Executed, Open: true, AtOnce: true, Absolute: true, Next: []Kind{Sale, Object}},
	{Kind: Profiling, Words: "No lists and no profiles made from what I do", Law: "Va. Code 59.1-577(A)(5)", Verb: Executed, Open: true, AtOnce: true, Absolute: true, Next: []Kind{Object}},
	{Kind: Sensitive, Words: "Sensitive data only for what I asked for", Law: "Cal. Civ. Code 1798.121", Verb: Executed, Open: true, AtOnce: true, Absolute: true, Next: []Kind{Object}},
	{Kind: Review, Words: "A person who looks at a decision", Law: "GDPR Art. 22(3)", Verb: Reviewed},
	{Kind: Explain, Words: "Why something was decided", Law: "GDPR Art. 15(1)(h)", Verb: Explained, Next: []Kind{Access}},
	{Kind: Complain, Words: "A complaint", Law: "GDPR Art. 12(3)", Verb: Answered},
}

// NatureOf returns what a kind is like. The error for no kind is of kind ErrInvalid.
func NatureOf(k Kind) (Nature, error) {
	for _, n := range natures {
		if n.Kind == k {
			return n, nil
		}
	}
	return Nature{}, fmt.Errorf("cases: what is asked for: one of the kinds listed was expected: %w", thimble.ErrInvalid)
}

// nature is NatureOf of a kind that is known.
func (k Kind) nature() Nature {
	n, _ := NatureOf(k)
	return n
}

// Words says what a kind is.
func (k Kind) Words() string {
	if w := k.nature().Words; w != "" {
		return w
	}
	return string(k)
}

// Communications covers letters and mail that advertise.
const Communications thimble.Purpose = "marketing.communications"

// ends are the purposes that a kind objects to by itself.
var ends = map[Kind][]thimble.Purpose{
	Marketing: {signal.Advertising, Communications},
	Sale:      {signal.Sharing},
	ShareAds:  signal.OptedOut(),
	Profiling: {thimble.PersonalizeContent, signal.AdProfiles},
	Sensitive: {thimble.SensitiveBeyond},
}

// Ends returns the purposes against which a case is: those of its kind, or the one that
// the person named. The error is of kind ErrInvalid when one is needed and missing, or
// named and not taken.
func (k Kind) Ends(named thimble.Purpose) ([]thimble.Purpose, error) {
	needs := k == Object || k == Withdraw
	switch {
	case needs && !signal.Ends(named):
		return nil, fmt.Errorf("cases: purpose: one that rests on no contract and no law was expected: %w", thimble.ErrInvalid)
	case needs:
		return []thimble.Purpose{named}, nil
	case named != "":
		return nil, fmt.Errorf("cases: purpose: none was expected for %s: %w", k, thimble.ErrInvalid)
	}
	return slices.Clone(ends[k]), nil
}

// A Via is how a request came.
type Via string

// The ways.
const (
	Centre   Via = "centre"   // the person, in the privacy centre
	Guardian Via = "guardian" // who answers for them, in the privacy centre
	System   Via = "system"   // a system of the shop, by the API
	// Controller is somebody the shop works for (GDPR Art. 28), who has looked at who asks.
	Controller Via = "controller"
	Agent      Via = "agent" // somebody the person gave permission to
	// Registered is an agent that the shop has in its registry, by a signed request.
	Registered Via = "registered_agent"
	// Chain is another firm, which passes on what the person asked it (IAB Data Deletion
	// Request Framework).
	Chain Via = "chain"
	Mail  Via = "mail" // a letter or mail, entered by staff
	Phone Via = "phone"
	Store Via = "store"
)

// Vias are all ways.
func Vias() []Via {
	return []Via{Centre, Guardian, System, Controller, Agent, Registered, Chain, Mail, Phone, Store}
}

// Unseen reports whether who passes a request on is not told if anybody is known: nothing
// is looked up about who it is for when it comes in.
func (v Via) Unseen() bool { return v == System || v == Controller || v == Registered || v == Chain }

// Entered are the ways that staff enter.
func Entered() []Via { return []Via{Mail, Phone, Store, Agent} }

// Words says how a request came.
func (v Via) Words() string {
	switch v {
	case Centre:
		return "the privacy centre"
	case Guardian:
		return "a guardian"
	case System:
		return "a system of the shop"
	case Agent:
		return "somebody with the person's permission"
	case Registered:
		return "an agent that the shop knows, by a signed request"
	case Chain:
		return "another firm, by a signed chain"
	case Controller:
		return "a controller that the shop works for"
	case Mail:
		return "mail"
	}
	return string(v)
}

// A Proof is how somebody showed that they are who they say. Each uses what is held
// already; there is none by a document.
type Proof string

// The proofs.
const (
	// Session is being signed in, by a code sent to an address that is held.
	Session Proof = "session"
	// Compared are answers that staff compared with what is held, such as an order's number.
	Compared Proof = "facts"
	// Relation is a guardian's, which was proved when it was made.
	Relation Proof = "relation"
	// Vouched is the word of a controller that the shop works for, or of the shop's own
	// backend with a key to everything: it has looked at who asks.
	Vouched Proof = "vouched"
)

// Proofs are all proofs.
func Proofs() []Proof { return []Proof{Session, Compared, Relation, Vouched} }
