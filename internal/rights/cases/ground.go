package cases

import "slices"

// A Ground is why a request is refused.
type Ground string

// The grounds.
const (
	Unproved     Ground = "identity_not_shown"
	NoPermission Ground = "no_permission"
	Fraud        Ground = "fraud"
	Unfounded    Ground = "manifestly_unfounded"
	Excessive    Ground = "excessive"
	LegalDuty    Ground = "legal_duty"
	Claims       Ground = "legal_claims"
	OthersRights Ground = "rights_of_others"
	NotHeld      Ground = "not_held"
)

// A Reason is a ground with its words and its law.
type Reason struct {
	Ground     Ground
	Words, Law string
}

// Reasons are all grounds, in the order in which pages list them.
func Reasons() []Reason {
	return []Reason{
		{Unproved, "It was not shown who asks", "GDPR Art. 12(2), 12(6)"},
		{NoPermission, "Who asked showed no permission of the person", "Cal. Code Regs. 11, 7063"},
		{Fraud, "Somebody else asked in the person's name", "Cal. Code Regs. 11, 7026(e); GDPR Art. 12(6)"},
		{Unfounded, "It has no ground at all", "GDPR Art. 12(5)"},
		{Excessive, "It was asked again and again", "GDPR Art. 12(5)"},
		{LegalDuty, "A law tells the shop to keep it", "GDPR Art. 17(3)(b)"},
		{Claims, "It is needed in a dispute at law", "GDPR Art. 17(3)(e), 18(2), 21(1)"},
		{OthersRights, "It would show what is somebody else's", "GDPR Art. 15(4)"},
		{NotHeld, "Nothing of the kind is held", "GDPR Art. 12(3)"},
	}
}

// ReasonOf returns a ground with its words and its law.
func ReasonOf(g Ground) (Reason, bool) {
	for _, r := range Reasons() {
		if r.Ground == g {
			return r, true
		}
	}
	return Reason{}, false
}

// Grounds are those on which a case can be refused now.
func (c Case) Grounds() (all []Ground) {
	for _, r := range Reasons() {
		if c.refusable(r.Ground) == nil {
			all = append(all, r.Ground)
		}
	}
	return all
}

func (c Case) refusable(g Ground) error {
	if _, ok := ReasonOf(g); !ok {
		return invalid("ground: one of the grounds listed was expected")
	}
	asks := []Ground{Unproved, NoPermission, Fraud}
	switch {
	case g == Unproved && !c.NeedsProof():
		return invalid("ground: it was shown who asks, or need not be")
	case g == NoPermission && (!c.Via.InPlace() || c.Authorised):
		return invalid("ground: nobody asked for somebody else, or the permission was seen")
	case !slices.Contains(asks, g) && c.Kind.nature().Absolute:
		return invalid("ground: the law knows no ground to refuse this")
	case !slices.Contains(asks, g) && c.State == Awaiting:
		return invalid("ground: who asks comes first")
	}
	return nil
}
