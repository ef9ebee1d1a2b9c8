package signal

import (
	"strconv"
	"strings"
	"time"

	"thimble"
	"thimble/internal/consent/iab/gpp"
	"thimble/internal/consent/iab/tcf"
)

// A need says which TCF purposes must all be allowed for one of ours. TCF Policies,
// Appendix A, names the purposes.
type need struct {
	purpose thimble.Purpose
	of      []int
	cite    string
}

var needs = []need{
	{Storage, []int{1}, "TCF Policies, App. A, Purpose 1"},
	{Advertising, []int{2, 3, 4, 7}, "TCF Policies, App. A, Purposes 2, 3, 4, 7"},
	{thimble.PersonalizeContent, []int{5, 6}, "TCF Policies, App. A, Purposes 5, 6"},
	{Analytics, []int{8, 9, 10}, "TCF Policies, App. A, Purposes 8, 9, 10"},
	{thimble.TrainAISystem, []int{10}, "TCF Policies, App. A, Purpose 10"},
	{LimitedContent, []int{11}, "TCF Policies, App. A, Purpose 11"},
}

// The versions of the TCF's policies that are understood: 2.0 to 2.3.
const (
	firstPolicy = 2
	lastPolicy  = 5
)

// lives is how long a TC string counts (TCF Policies, Appendix B: the choice is asked
// for anew at least every 13 months).
const lives = 13 * 31 * 24 * time.Hour

// mandatory is since when a string needs the segment of disclosed vendors (TCF 2.3).
var mandatory = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)

// fresh is what to do about most strings that do not count.
const fresh = "have the consent platform ask again and send the new string"

// TCF reads a TC string. What counts is consent: a legitimate interest that was not
// objected to is none. Where the publisher has a segment of its own, both must allow.
func TCF(text string, o Options) Reading {
	s, err := tcf.Decode(text)
	if err != nil {
		return unreadable(FromTCF, err)
	}
	return europe(FromTCF, s, o)
}

func europe(from Source, s *tcf.String, o Options) Reading {
	if r := check(&s.Head, o); r != nil {
		return Reading{Source: from, Refused: r}
	}
	if !s.HasDisclosed && !s.Updated.Before(mandatory) {
		return refused(from, "the disclosed vendors are missing, which TCF 2.3 needs in strings made since 1 March 2026", "move the consent platform to TCF 2.3")
	}
	consents := s.Consents
	if s.PurposeOne {
		consents &^= tcf.NewBits(1) // it was not asked for
	}
	if s.Publisher != nil {
		consents &= s.Publisher.Consents
	}
	return Reading{Source: from, Lines: lines(consents)}
}

// canada takes express and implied consents alike: both are consent under PIPEDA.
func canada(c *tcf.Canada, o Options) Reading {
	if r := check(&c.Head, o); r != nil {
		return Reading{Source: FromGPP, Refused: r}
	}
	consents := c.Express | c.Implied
	if c.Publisher != nil {
		consents &= c.Publisher.Consents | c.Publisher.Interests
	}
	return Reading{Source: FromGPP, Lines: lines(consents)}
}

func lines(consents tcf.Bits) (all []Line) {
	for _, n := range needs {
		l := Line{Purpose: n.purpose, Allows: true, Cite: n.cite}
		for _, number := range n.of {
			l.Allows = l.Allows && consents.Has(number)
		}
		all = append(all, l)
	}
	return all
}

// check says why a string does not count, nil if it does.
func check(h *tcf.Head, o Options) *Refusal {
	switch {
	case h.Created.After(o.Now.Add(skew)) || h.Updated.After(o.Now.Add(skew)):
		return &Refusal{"it was made in the future", "set the clock of whoever makes the strings"}
	case h.Updated.Before(h.Created):
		return &Refusal{"it was updated before it was made", fresh}
	case o.Now.Sub(h.Updated) > lives:
		return &Refusal{"it is older than 13 months", fresh}
	case h.Policy < firstPolicy || h.Policy > lastPolicy:
		return &Refusal{"its policy version is " + strconv.Itoa(h.Policy) + "; 2 to 5 are understood", "use a newer Thimble, or an older policy"}
	case h.CMP == 0:
		return &Refusal{"no consent platform stands behind it: its id is 0", "use a registered consent platform"}
	case h.VendorList == 0 || o.VendorList > 0 && h.VendorList > o.VendorList:
		return &Refusal{"its version of the vendor list is unknown", "fetch the newest vendor list"}
	}
	if len(o.Languages) == 0 {
		return nil
	}
	for _, l := range o.Languages {
		if strings.EqualFold(l, string(h.Language[:])) {
			return nil
		}
	}
	return &Refusal{"it was asked in a language that is not shown", "ask again in a language of the shop"}
}

// The fields of the US sections that say no, and what a no ends. 1 is the opt-out, or
// for consents its absence.
var usFields = []struct {
	field    string
	purposes []thimble.Purpose
}{
	{gpp.SaleOptOut, []thimble.Purpose{Sharing}},
	{gpp.SharingOptOut, []thimble.Purpose{Sharing, OthersAds}},
	{gpp.TargetedOptOut, []thimble.Purpose{OthersAds, TargetedAds, AdProfiles}},
	{gpp.KnownChild, []thimble.Purpose{Sharing, OthersAds, TargetedAds, AdProfiles}},
	// Uses beyond what was told when the data was collected.
	{gpp.PersonalData, []thimble.Purpose{Sharing, OthersAds, TargetedAds, AdProfiles, thimble.TrainAISystem}},
	{gpp.AdditionalData, []thimble.Purpose{Sharing, OthersAds, TargetedAds, AdProfiles, thimble.TrainAISystem}},
}

// GPP reads a GPP string: every section it has narrows.
func GPP(text string, o Options) Reading {
	s, err := gpp.Decode(text)
	if err != nil {
		return unreadable(FromGPP, err)
	}
	all := Reading{Source: FromGPP}
	for i := range s.Sections {
		one := section(&s.Sections[i], o)
		if one.Refused != nil {
			return one
		}
		all.Lines = append(all.Lines, one.Lines...)
	}
	return all
}

func section(s *gpp.Section, o Options) Reading {
	switch {
	case s.EU != nil:
		return europe(FromGPP, s.EU, o)
	case s.Canada != nil:
		return canada(s.Canada, o)
	case s.USP != nil:
		return usPrivacy(FromGPP, *s.USP)
	case !s.Known():
		return refused(FromGPP, "version "+strconv.Itoa(s.US.Version)+" of section "+s.US.Layout.Name+" is unknown", "use a newer Thimble, or an older version of the section")
	}
	return state(s.US)
}

func state(u *gpp.US) Reading {
	r := Reading{Source: FromGPP}
	for _, f := range usFields {
		for _, v := range u.Get(f.field) {
			if v != 1 {
				continue
			}
			for _, p := range f.purposes {
				r.Lines = append(r.Lines, Line{Purpose: p, Cite: "GPP, section " + u.Layout.Name + ", " + f.field})
			}
		}
	}
	if u.GPC {
		for _, p := range optedOut {
			r.Lines = append(r.Lines, Line{Purpose: p, Cite: "GPP, section " + u.Layout.Name + ", Gpc"})
		}
	}
	return r
}

// USP reads a US Privacy string.
func USP(text string) Reading {
	u, err := gpp.DecodeUSP(text)
	if err != nil {
		return unreadable(FromUSP, err)
	}
	return usPrivacy(FromUSP, u)
}

func usPrivacy(from Source, u gpp.USPrivacy) Reading {
	r := Reading{Source: from}
	if u.OptOutSale == 'Y' {
		for _, p := range optedOut {
			r.Lines = append(r.Lines, Line{Purpose: p, Cite: "US Privacy String 1.0, Opt-Out Sale"})
		}
	}
	return r
}
