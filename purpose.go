package thimble

import "strings"

// A Purpose says what data is used for, by its fideslang data-use key
// (ethyca/fideslang, CC BY 4.0), such as "personalize.content.profiled".
type Purpose string

// The purposes Thimble asks for.
const (
	// EssentialService covers what a contract needs: orders, delivery, returns.
	EssentialService Purpose = "essential.service"
	// LegalObligation covers what a law tells the shop to keep or to show.
	LegalObligation Purpose = "essential.legal_obligation"
	// SupportOperations covers helping a customer who asked for help.
	SupportOperations Purpose = "essential.service.operations.support"
	// PersonalizeContent covers lists and pages made from a person's own history.
	PersonalizeContent Purpose = "personalize.content.profiled"
	// TrainAISystem covers learning models that also serve other people.
	TrainAISystem Purpose = "train_ai_system"
	// SensitiveBeyond covers every use of sensitive data that the person did not ask for
	// (Cal. Civ. Code 1798.121). A no to it closes what their law calls sensitive to all
	// purposes but those that the law lists; a yes opens nothing.
	SensitiveBeyond Purpose = "sensitive.beyond_request"
)

// Within reports whether p is q or a part of it: "essential.service.security" is
// within "essential.service".
func (p Purpose) Within(q Purpose) bool { return within(string(p), string(q)) }

// A Category says what kind of data a field holds, by its fideslang
// data-category key or a "thimble." extension of it.
type Category string

// The categories of what is stored so far.
const (
	Pseudonym          Category = "user.unique_id.pseudonymous"
	AccountIdentifier  Category = "user.account.username"
	PurchaseHistory    Category = "user.behavior.purchase_history"
	Country            Category = "user.contact.address.country"
	PrivacyPreferences Category = "user.privacy_preferences"
	// Decisions made about a person by a machine, with their reasons.
	AutomatedDecision Category = "thimble.automated_decision"
	// Reads of a person's data: who, when, what for.
	AccessRecord Category = "thimble.access_record"
	// Sessions and one-time links.
	Credentials Category = "user.authorization.credentials"
)

// Within reports whether c is d or a part of it.
func (c Category) Within(d Category) bool { return within(string(c), string(d)) }

func within(part, whole string) bool {
	return part == whole || strings.HasPrefix(part, whole) && strings.HasPrefix(part[len(whole):], ".")
}
