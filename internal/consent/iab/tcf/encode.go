package tcf

import (
	"strings"
	"time"

	"thimble/internal/consent/iab"
)

// Encode writes the string. The error is of kind thimble.ErrInvalid for what a TC
// string has no room for.
func (s *String) Encode() (string, error) {
	var w iab.Writer
	w.Uint("version", Version, 6)
	s.Head.write(&w)
	w.Bool(s.ServiceSpecific)
	w.Bool(s.NonStandard)
	writeBits(&w, "special feature opt-ins", uint64(s.SpecialFeatures), SpecialFeatures)
	writeBits(&w, "purpose consents", uint64(s.Consents), Purposes)
	writeBits(&w, "purpose legitimate interests", uint64(s.Interests), Purposes)
	w.Bool(s.PurposeOne)
	w.Letters("publisher country", s.Country)
	w.Set("vendor consents", s.VendorConsents, iab.Fixed)
	w.Set("vendor legitimate interests", s.VendorInterests, iab.Fixed)
	writeRestrictions(&w, s.Restrictions, func(v []iab.Range) { w.Ranges("publisher restrictions", v, iab.Fixed) })
	core, err := w.String(iab.Whole)
	if err != nil {
		return "", err
	}
	segments := []string{core}
	for _, segment := range s.segments() {
		text, err := segment.String(iab.Whole)
		if err != nil {
			return "", err
		}
		segments = append(segments, text)
	}
	out := strings.Join(segments, ".")
	if len(out) > iab.MaxLength {
		return "", iab.Invalid("tc string", "at most %d characters can be written", iab.MaxLength)
	}
	return out, nil
}

func (s *String) segments() (all []*iab.Writer) {
	add := func(kind uint64, write func(*iab.Writer)) {
		w := &iab.Writer{}
		w.Uint("segment", kind, segmentBits)
		write(w)
		all = append(all, w)
	}
	if s.HasDisclosed {
		add(disclosedSegment, func(w *iab.Writer) { w.Set("disclosed vendors", s.Disclosed, iab.Fixed) })
	}
	if s.HasAllowed {
		add(allowedSegment, func(w *iab.Writer) { w.Set("allowed vendors", s.Allowed, iab.Fixed) })
	}
	if s.Publisher != nil {
		add(publisherSegment, s.Publisher.write)
	}
	return all
}

func (p *Publisher) write(w *iab.Writer) {
	writeBits(w, "publisher consents", uint64(p.Consents), Purposes)
	writeBits(w, "publisher legitimate interests", uint64(p.Interests), Purposes)
	w.Uint("number of custom purposes", uint64(p.Custom), 6)
	writeBits(w, "custom consents", p.CustomConsents, p.Custom)
	writeBits(w, "custom legitimate interests", p.CustomInterests, p.Custom)
}

func (h Head) write(w *iab.Writer) {
	for field, t := range map[string]time.Time{"created": h.Created, "last updated": h.Updated} {
		if t.UnixMilli()%decisecond != 0 || t.UnixMilli() < 0 {
			w.Fail(field, "a time after 1970 in whole tenths of a second was expected")
			return
		}
	}
	w.Uint("created", uint64(h.Created.UnixMilli()/decisecond), 36)
	w.Uint("last updated", uint64(h.Updated.UnixMilli()/decisecond), 36)
	w.Uint("cmp id", uint64(h.CMP), 12)
	w.Uint("cmp version", uint64(h.CMPVersion), 12)
	w.Uint("consent screen", uint64(h.Screen), 6)
	w.Letters("consent language", h.Language)
	w.Uint("vendor list version", uint64(h.VendorList), 12)
	w.Uint("policy version", uint64(h.Policy), 6)
}

// writeBits writes n bits, number 1 first.
func writeBits(w *iab.Writer, field string, v uint64, n int) {
	if v>>n != 0 {
		w.Fail(field, "numbers from 1 to %d were expected", n)
		return
	}
	for i := range n {
		w.Bool(v>>i&1 == 1)
	}
}

func writeRestrictions(w *iab.Writer, all []Restriction, vendors func([]iab.Range)) {
	w.Uint("publisher restrictions", uint64(len(all)), 12)
	for i, r := range all {
		for _, other := range all[:i] {
			if other.Purpose == r.Purpose && other.Type == r.Type {
				w.Fail("publisher restrictions", "a purpose has the same type twice")
			}
		}
		if r.Purpose < 1 || r.Purpose > Purposes || r.Type < 0 || r.Type > maxRestriction {
			w.Fail("publisher restrictions", "a purpose from 1 to %d and a type from 0 to %d were expected", Purposes, maxRestriction)
			return
		}
		w.Uint("publisher restrictions", uint64(r.Purpose), 6)
		w.Uint("publisher restrictions", uint64(r.Type), 2)
		vendors(r.Vendors)
	}
}
