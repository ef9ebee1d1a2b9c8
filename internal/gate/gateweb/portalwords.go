package gateweb

import (
	"slices"
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
	case p.Within("third_party_sharing"):
		return "giving your data to others"
	case p.Within("marketing.communications"):
		return "letters that advertise"
	case p.Within("marketing"):
		return "ads"
	case p.Within("analytics"):
		return "counting how the shop is used"
	case p.Within("functional"):
		return "what makes the pages work"
	case p.Within("personalize"):
		return "pages made for you"
	case p.Within(thimble.SensitiveBeyond):
		return "more than you asked for, of what your law guards most"
	case p.Within("essential"):
		return "what the shop cannot do without"
	}
	return string(p)
}

// categoryWords are kinds of data, each with all below it; the first that fits counts.
var categoryWords = []struct {
	category thimble.Category
	says     string
}{
	{thimble.PurchaseHistory, "what you bought"}, {thimble.PrivacyPreferences, "your choices"}, {thimble.AutomatedDecision, "what programs decided for you"},
	{thimble.AccessRecord, "who looked at your data"}, {thimble.AccountIdentifier, "your account number"}, {thimble.Country, "the country you live in"},
	{thimble.Credentials, "your sign-ins"}, {"user.contact.email", "your e-mail address"}, {thimble.Pseudonym, "the random number that stands for you"},
	{"user.behavior.browsing_history", "what you looked at"}, {"user.behavior.search_history", "what you searched"}, {"thimble.returns_behaviour", "what you sent back"},
	{"thimble.size", "your size"}, {"thimble.fit_feedback", "how clothes fit you"}, {"thimble.style_preference", "your style"}, {"thimble.body_measurements", "your measurements"},
	{"user.content", "what you wrote"}, {"user.device", "your device"}, {"user.demographic.language", "your language"}, {"user.demographic.age_range", "your age band"},
	{"user.demographic.gender", "your gender"}, {"user.contact.phone_number", "your telephone number"}, {"user.contact.address.state", "the region you live in"},
	{"user.account", "your account"},
}

// CategoryWords says a kind of data so that anybody understands it.
func CategoryWords(c thimble.Category) string {
	for _, w := range categoryWords {
		if c.Within(w.category) {
			return w.says
		}
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
	var words []string
	for _, c := range categories {
		if w := CategoryWords(thimble.Category(c)); !slices.Contains(words, w) {
			words = append(words, w)
		}
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
