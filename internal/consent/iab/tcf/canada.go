package tcf

import (
	"strings"

	"thimble/internal/consent/iab"
)

// CanadaVersion is the one version of Canadian strings.
const CanadaVersion = 1

// A Canada is a TCF Canada string. Canadian law knows express and implied consent
// (PIPEDA Sch. 1, 4.3.6).
type Canada struct {
	Head
	NonStandard     bool
	SpecialFeatures Bits
	Express         Bits
	Implied         Bits
	VendorExpress   iab.Set
	VendorImplied   iab.Set
	Restrictions    []Restriction
	Disclosed       iab.Set
	HasDisclosed    bool
	Publisher       *Publisher // Consents are express, Interests are implied consents
}

// DecodeCanada reads a TCF Canada string.
func DecodeCanada(s string) (*Canada, error) {
	out := &Canada{}
	if err := decode("tcf canada string", s, out); err != nil {
		return nil, err
	}
	return out, nil
}

func (c *Canada) core(r *iab.Reader) error {
	if v := r.Uint("version", 6); r.Err() == nil && v != CanadaVersion {
		return iab.Invalid("version", "version %d was expected; newer strings need a newer Thimble", CanadaVersion)
	}
	c.Head.read(r)
	c.NonStandard = r.Bool("use non-standard stacks")
	c.SpecialFeatures = readBits(r, "special feature consents", SpecialFeatures)
	c.Express = readBits(r, "express consents", Purposes)
	c.Implied = readBits(r, "implied consents", Purposes)
	c.VendorExpress = r.Set("vendor express consents", iab.Fibonacci)
	c.VendorImplied = r.Set("vendor implied consents", iab.Fibonacci)
	c.Restrictions = restrictions(r, iab.Fibonacci)
	return r.End("core")
}

func (c *Canada) segment(r *iab.Reader) error {
	again := false
	switch r.Uint("segment", segmentBits) {
	case disclosedSegment:
		again, c.HasDisclosed = c.HasDisclosed, true
		c.Disclosed = r.Set("disclosed vendors", iab.Fibonacci)
	case publisherSegment:
		again = c.Publisher != nil
		c.Publisher = readPublisher(r)
	default:
		r.Fail("segment", "disclosed vendors (1) or publisher purposes (3) was expected")
	}
	if again {
		r.Fail("segment", "the same segment comes twice")
	}
	return r.End("segment")
}

// Encode writes the string.
func (c *Canada) Encode() (string, error) {
	var w iab.Writer
	w.Uint("version", CanadaVersion, 6)
	c.Head.write(&w)
	w.Bool(c.NonStandard)
	writeBits(&w, "special feature consents", uint64(c.SpecialFeatures), SpecialFeatures)
	writeBits(&w, "express consents", uint64(c.Express), Purposes)
	writeBits(&w, "implied consents", uint64(c.Implied), Purposes)
	w.Set("vendor express consents", c.VendorExpress, iab.Fibonacci)
	w.Set("vendor implied consents", c.VendorImplied, iab.Fibonacci)
	writeRestrictions(&w, c.Restrictions, func(v []iab.Range) { writeVendors(&w, v) })
	core, err := w.String(iab.Compact)
	if err != nil {
		return "", err
	}
	segments := []string{core}
	if c.Publisher != nil {
		var p iab.Writer
		p.Uint("segment", publisherSegment, segmentBits)
		c.Publisher.write(&p)
		if segments, err = appendTo(segments, &p); err != nil {
			return "", err
		}
	}
	if c.HasDisclosed {
		var d iab.Writer
		d.Uint("segment", disclosedSegment, segmentBits)
		d.Set("disclosed vendors", c.Disclosed, iab.Fibonacci)
		if segments, err = appendTo(segments, &d); err != nil {
			return "", err
		}
	}
	return strings.Join(segments, "."), nil
}

func appendTo(segments []string, w *iab.Writer) ([]string, error) {
	text, err := w.String(iab.Compact)
	return append(segments, text), err
}

// writeVendors writes the vendors of a restriction as an optimized range.
func writeVendors(w *iab.Writer, all []iab.Range) {
	var ids []int
	for _, r := range all {
		for id := r.First; id <= min(r.Last, iab.MaxID+1); id++ {
			ids = append(ids, id)
		}
	}
	s, err := iab.NewSet(ids...)
	if err != nil {
		w.Fail("publisher restrictions", "vendors from 1 to %d were expected", iab.MaxID)
		return
	}
	w.Set("publisher restrictions", s, iab.Fibonacci)
}
