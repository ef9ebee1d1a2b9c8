package gateweb

import (
	"strings"

	"thimble"
)

// PurposeWords says a purpose so that anybody understands it.
func PurposeWords(p thimble.Purpose) string {
	switch {
	case p.Within(thimble.SupportOperations):
		return "helping you when you asked for help"
	case p.Within(thimble.EssentialService):
		return "your orders and their delivery"
	case p.Within(thimble.LegalObligation):
		return "what the law tells the shop to do"
	case p.Within(thimble.PersonalizeContent):
		return "lists made for you"
	case p.Within(thimble.TrainAISystem):
		return "learning for everyone"
	}
	return string(p)
}

// CategoryWords says a kind of data so that anybody understands it.
func CategoryWords(c thimble.Category) string {
	switch {
	case c.Within(thimble.PurchaseHistory):
		return "what you bought"
	case c.Within(thimble.PrivacyPreferences):
		return "your choices"
	case c.Within(thimble.AutomatedDecision):
		return "what programs decided for you"
	case c.Within(thimble.AccessRecord):
		return "who looked at your data"
	case c.Within(thimble.AccountIdentifier):
		return "your account number"
	case c.Within(thimble.Country):
		return "the country you live in"
	case c.Within(thimble.Credentials):
		return "your sign-ins"
	case c.Within("user.contact.email"):
		return "your e-mail address"
	case c.Within(thimble.Pseudonym):
		return "the random number that stands for you"
	}
	return string(c)
}

// BasisWords says a legal basis so that anybody understands it.
func BasisWords(basis string) string {
	switch basis {
	case "consent":
		return "You allowed it"
	case "contract":
		return "Your orders need it"
	case "legal_obligation":
		return "The law demands it"
	}
	return basis
}

func categoryList(categories []string) string {
	words := make([]string, len(categories))
	for i, c := range categories {
		words[i] = CategoryWords(thimble.Category(c))
	}
	return strings.Join(words, ", ")
}

func actorWords(name string) string {
	switch name {
	case "recommend":
		return "The list maker"
	case "storefront":
		return "The shop’s pages"
	}
	return name
}
