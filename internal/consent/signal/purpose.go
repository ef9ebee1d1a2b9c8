package signal

import (
	"regexp"

	"thimble"
)

// The purposes that signals speak of, beside those people are asked for. They are
// fideslang data uses (ethyca/fideslang, CC BY 4.0).
const (
	// Sharing covers selling and sharing data with others.
	Sharing thimble.Purpose = "third_party_sharing"
	// Advertising covers advertising of any kind.
	Advertising thimble.Purpose = "marketing.advertising"
	// OthersAds covers advertising for and by others, across sites and apps.
	OthersAds thimble.Purpose = "marketing.advertising.third_party"
	// TargetedAds covers the shop's own advertising by what is known of a person.
	TargetedAds thimble.Purpose = "marketing.advertising.first_party.targeted"
	// AdProfiles covers profiles made for advertising.
	AdProfiles thimble.Purpose = "marketing.advertising.profiling"
	// Analytics covers measuring the use of a site or app.
	Analytics thimble.Purpose = "analytics"
	// Storage covers storing on a device, and reading it, beyond what is necessary.
	Storage thimble.Purpose = "functional.storage"
	// Functions covers conveniences such as a remembered language.
	Functions thimble.Purpose = "functional.service"
	// LimitedContent covers choosing content by little data, without a profile.
	LimitedContent thimble.Purpose = "personalize.content.limited"
)

// exempt are the purposes that rest on no consent, so that no signal ends them.
var exempt = []thimble.Purpose{thimble.EssentialService, thimble.LegalObligation, "third_party_sharing.legal_obligation"}

func restsOnConsent(p thimble.Purpose) bool {
	for _, e := range exempt {
		if p.Within(e) {
			return false
		}
	}
	return true
}

// key is how a purpose is written.
var key = regexp.MustCompile(`^[a-z][a-z_]*(\.[a-z][a-z_]*){0,7}$`)

// Ends reports whether somebody can object to a purpose: it is a purpose, and rests
// neither on a contract nor on a law.
func Ends(p thimble.Purpose) bool {
	return len(p) <= 100 && key.MatchString(string(p)) && restsOnConsent(p)
}

// concerns reports whether a line about one purpose bears on another: on its parts,
// and on a whole it is a part of, since a yes to the whole would be one to the part.
func concerns(line, p thimble.Purpose) bool {
	return restsOnConsent(p) && (p.Within(line) || line.Within(p))
}

// optedOut are the purposes that an opt-out of sale, sharing or targeted
// advertising ends.
var optedOut = []thimble.Purpose{Sharing, OthersAds, TargetedAds, AdProfiles}

// OptedOut returns the purposes that Global Privacy Control and the opt-outs of the
// US end: sale and sharing, and advertising by profile. First-party use is not among
// them (GPC, W3C, "Legal effects": the signal does not limit first-party use).
func OptedOut() []thimble.Purpose { return append([]thimble.Purpose(nil), optedOut...) }

// Title names a purpose in plain words, "" for one that no signal speaks of.
func Title(p thimble.Purpose) string {
	return map[thimble.Purpose]string{
		Sharing: "Selling or sharing your data", Advertising: "Advertising", OthersAds: "Advertising by others across sites",
		TargetedAds: "Advertising chosen by what we know of you", AdProfiles: "Profiles for advertising", Analytics: "Measuring how the site is used",
		Storage: "Storing on your device", Functions: "Conveniences", LimitedContent: "Content chosen by little data",
	}[p]
}
