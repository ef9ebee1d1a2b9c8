package iab_test

import (
	"math/rand/v2"
	"time"

	"thimble/internal/consent/iab"
	"thimble/internal/consent/iab/gpp"
	"thimble/internal/consent/iab/tcf"
)

// A maker draws consent strings.
type maker struct{ *rand.Rand }

func draws(seed uint64) maker { return maker{rand.New(rand.NewPCG(seed, 4))} }

func (m maker) yes() bool { return m.IntN(2) == 0 }

func (m maker) bits(n int) tcf.Bits { return tcf.Bits(m.Uint64N(1 << n)) }

func (m maker) letters() [2]byte { return [2]byte{'A' + byte(m.IntN(26)), 'A' + byte(m.IntN(26))} }

// set draws sets that are best written as ranges, and such as are best as a field.
func (m maker) set(top int) iab.Set {
	var ids []int
	switch m.IntN(4) {
	case 0: // empty
	case 1:
		for range 1 + m.IntN(5) {
			ids = append(ids, 1+m.IntN(top))
		}
	case 2:
		for id := 1; id <= 1+m.IntN(min(top, 900)); id++ {
			if m.IntN(3) > 0 {
				ids = append(ids, id)
			}
		}
	default:
		at := 1
		for range 1 + m.IntN(6) {
			at += m.IntN(top / 20)
			for n := m.IntN(top / 40); n >= 0 && at <= top; n-- {
				ids = append(ids, at)
				at++
			}
			at++
		}
	}
	var kept []int
	for _, id := range ids {
		if id <= top {
			kept = append(kept, id)
		}
	}
	s, err := iab.NewSet(kept...)
	if err != nil {
		panic(err)
	}
	return s
}

func (m maker) head() tcf.Head {
	at := time.UnixMilli(m.Int64N(1<<36) * 100).UTC()
	h := tcf.Head{Created: at, Updated: time.UnixMilli(m.Int64N(1<<36) * 100).UTC(), CMP: m.IntN(1 << 12), CMPVersion: m.IntN(1 << 12),
		Screen: m.IntN(1 << 6), Language: m.letters(), VendorList: m.IntN(1 << 12), Policy: m.IntN(1 << 6)}
	if m.IntN(3) > 0 {
		h.Policy = 2 + m.IntN(4)
	}
	return h
}

func (m maker) restrictions() (all []tcf.Restriction) {
	for _, purpose := range m.Perm(tcf.Purposes)[:m.IntN(4)] {
		if v := m.set(700).Ranges(); len(v) > 0 {
			all = append(all, tcf.Restriction{Purpose: purpose + 1, Type: m.IntN(3), Vendors: v})
		}
	}
	return all
}

func (m maker) publisher() *tcf.Publisher {
	if m.yes() {
		return nil
	}
	p := &tcf.Publisher{Consents: m.bits(24), Interests: m.bits(24), Custom: m.IntN(64)}
	p.CustomConsents, p.CustomInterests = m.Uint64()&(1<<p.Custom-1), m.Uint64()&(1<<p.Custom-1)
	return p
}

func (m maker) tc() *tcf.String {
	s := &tcf.String{Head: m.head(), ServiceSpecific: m.yes(), NonStandard: m.yes(), SpecialFeatures: m.bits(12),
		Consents: m.bits(24), Interests: m.bits(24), PurposeOne: m.yes(), Country: m.letters(),
		VendorConsents: m.set(2000), VendorInterests: m.set(2000), Restrictions: m.restrictions(), Publisher: m.publisher()}
	if s.HasDisclosed = m.yes(); s.HasDisclosed {
		s.Disclosed = m.set(2000)
	}
	if s.HasAllowed = m.yes(); s.HasAllowed {
		s.Allowed = m.set(2000)
	}
	return s
}

func (m maker) canada() *tcf.Canada {
	c := &tcf.Canada{Head: m.head(), NonStandard: m.yes(), SpecialFeatures: m.bits(12), Express: m.bits(24), Implied: m.bits(24),
		VendorExpress: m.set(2000), VendorImplied: m.set(2000), Restrictions: m.restrictions(), Publisher: m.publisher()}
	if c.HasDisclosed = m.yes(); c.HasDisclosed {
		c.Disclosed = m.set(2000)
	}
	return c
}

func (m maker) us(id int) *gpp.US {
	version := 1
	if id == 7 && m.yes() {
		version = 2
	}
	u, err := gpp.NewUS(id, version)
	if err != nil {
		panic(err)
	}
	for _, f := range u.Layout.Fields {
		for i := range u.Get(f.Name) {
			u.Get(f.Name)[i] = byte(m.IntN(3))
		}
		if f.Name == "MspaCoveredTransaction" { // the reference's setter takes no 0
			u.Get(f.Name)[0] = 1 + byte(m.IntN(2))
		}
	}
	if u.Layout.Sub == gpp.NoSub {
		return u
	}
	if u.HasSub = m.yes(); !u.HasSub {
		return u
	}
	u.GPC = u.Layout.Sub == gpp.GPC && m.yes()
	if u.Layout.Sub == gpp.Sensitive {
		for i := range u.Sensitive {
			u.Sensitive[i] = byte(m.IntN(3))
		}
	}
	return u
}

func (m maker) gpp() *gpp.String {
	s := &gpp.String{}
	for id := 1; id <= 27; id++ {
		if gpp.Name(id) == "" || id == 1 || id == 3 || id == 4 || m.IntN(5) > 0 {
			continue
		}
		one := gpp.Section{ID: id}
		switch id {
		case gpp.TCFEU:
			one.EU = m.tc()
		case gpp.TCFCA:
			one.Canada = m.canada()
		case gpp.USP:
			letters := "YN-"
			one.USP = &gpp.USPrivacy{Notice: letters[m.IntN(3)], OptOutSale: letters[m.IntN(3)], Covered: letters[m.IntN(3)]}
		default:
			one.US = m.us(id)
		}
		s.Sections = append(s.Sections, one)
	}
	return s
}

// field draws a set that is best written as a bit field.
func (m maker) field(top int) iab.Set {
	ids := []int{top}
	for id := 1; id < top; id++ {
		if m.IntN(3) > 0 {
			ids = append(ids, id)
		}
	}
	s, err := iab.NewSet(ids...)
	if err != nil {
		panic(err)
	}
	return s
}
