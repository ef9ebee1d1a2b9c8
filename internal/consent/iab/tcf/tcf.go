package tcf

import (
	"strings"
	"time"

	"thimble/internal/consent/iab"
)

// Version is the one version of TC strings that is read. Version 1 ended in 2020.
const Version = 2

// How many purposes and special features a string has room for.
const (
	Purposes        = 24
	SpecialFeatures = 12
)

// Bits are the purposes or features 1 to 24, bit 0 being the first.
type Bits uint32

// Has reports whether the number, from 1 on, is set.
func (b Bits) Has(n int) bool { return n >= 1 && n <= 32 && b>>(n-1)&1 == 1 }

// Numbers returns the numbers that are set.
func (b Bits) Numbers() []int {
	all := []int{}
	for n := 1; n <= 32; n++ {
		if b.Has(n) {
			all = append(all, n)
		}
	}
	return all
}

// NewBits returns the set of some numbers.
func NewBits(numbers ...int) (b Bits) {
	for _, n := range numbers {
		b |= 1 << (n - 1)
	}
	return b
}

// A Head is what the core of both kinds of string begins with.
type Head struct {
	Created, Updated time.Time
	CMP, CMPVersion  int // who made the string: an id of the IAB's list, 0 for none
	Screen           int
	Language         [2]byte // ISO 639-1, upper case: in which the choice was shown
	VendorList       int     // version
	Policy           int     // version
}

// A Restriction says under what basis some vendors may pursue a purpose at this publisher.
type Restriction struct {
	Purpose int
	Type    int // 0 not allowed, 1 needs consent, 2 needs legitimate interest
	Vendors []iab.Range
}

// A Publisher holds what the publisher itself may do (the PublisherTC segment).
type Publisher struct {
	Consents, Interests             Bits
	Custom                          int // how many purposes of its own it has
	CustomConsents, CustomInterests uint64
}

// A String is a TC string of version 2.
type String struct {
	Head
	ServiceSpecific bool
	NonStandard     bool // texts or stacks
	SpecialFeatures Bits
	Consents        Bits
	Interests       Bits // legitimate interests that were shown and not objected to
	PurposeOne      bool // purpose 1 was not asked for at all
	Country         [2]byte
	VendorConsents  iab.Set
	VendorInterests iab.Set
	Restrictions    []Restriction

	// Disclosed are the vendors that were shown. TCF 2.3 makes the segment mandatory.
	Disclosed    iab.Set
	HasDisclosed bool
	// Allowed are the vendors that the publisher lets use out-of-band consent (TCF 2.0).
	Allowed    iab.Set
	HasAllowed bool
	Publisher  *Publisher
}

// The types of segments after the core.
const (
	disclosedSegment = 1
	allowedSegment   = 2
	publisherSegment = 3
	segmentBits      = 3
)

// parts is what a string of dot-separated segments is read into, the core first.
type parts interface {
	core(r *iab.Reader) error
	segment(r *iab.Reader) error
}

func decode(what, s string, into parts) error {
	if len(s) > iab.MaxLength {
		return iab.Invalid(what, "at most %d characters were expected", iab.MaxLength)
	}
	core, rest, more := strings.Cut(s, ".")
	var r iab.Reader
	if err := r.Open("core", core); err != nil {
		return err
	}
	if err := into.core(&r); err != nil {
		return err
	}
	for more {
		var segment string
		segment, rest, more = strings.Cut(rest, ".")
		if err := r.Open("segment", segment); err != nil {
			return err
		}
		if err := into.segment(&r); err != nil {
			return err
		}
	}
	return nil
}

// Decode reads a TC string.
func Decode(s string) (*String, error) {
	out := &String{}
	if err := decode("tc string", s, out); err != nil {
		return nil, err
	}
	return out, nil
}

func (s *String) core(r *iab.Reader) error {
	if v := r.Uint("version", 6); r.Err() == nil && v != Version {
		return iab.Invalid("version", "version %d was expected; newer strings need a newer Thimble", Version)
	}
	s.Head.read(r)
	s.ServiceSpecific = r.Bool("is service specific")
	s.NonStandard = r.Bool("use non-standard texts")
	s.SpecialFeatures = readBits(r, "special feature opt-ins", SpecialFeatures)
	s.Consents = readBits(r, "purpose consents", Purposes)
	s.Interests = readBits(r, "purpose legitimate interests", Purposes)
	s.PurposeOne = r.Bool("purpose one treatment")
	s.Country = r.Letters("publisher country")
	s.VendorConsents = r.Set("vendor consents", iab.Fixed)
	s.VendorInterests = r.Set("vendor legitimate interests", iab.Fixed)
	s.Restrictions = restrictions(r, iab.Fixed)
	return r.End("core")
}

func (h *Head) read(r *iab.Reader) {
	h.Created, h.Updated = moment(r, "created"), moment(r, "last updated")
	h.CMP, h.CMPVersion = int(r.Uint("cmp id", 12)), int(r.Uint("cmp version", 12))
	h.Screen = int(r.Uint("consent screen", 6))
	h.Language = r.Letters("consent language")
	h.VendorList = int(r.Uint("vendor list version", 12))
	h.Policy = int(r.Uint("policy version", 6))
}

// decisecond is the unit of times in a string.
const decisecond = 100

func moment(r *iab.Reader, field string) time.Time {
	return time.UnixMilli(int64(r.Uint(field, 36)) * decisecond).UTC()
}

// readBits reads n bits, the first of which is number 1.
func readBits(r *iab.Reader, field string, n int) Bits {
	return Bits(mirror(r.Uint(field, n), n))
}

// mirror reverses the order of n bits.
func mirror(v uint64, n int) (out uint64) {
	for range n {
		out = out<<1 | v&1
		v >>= 1
	}
	return out
}

// maxRestriction is the last type that has a meaning.
const maxRestriction = 2

func restrictions(r *iab.Reader, c iab.Coding) []Restriction {
	var all []Restriction
	for range r.Uint("publisher restrictions", 12) {
		one := Restriction{Purpose: int(r.Uint("publisher restrictions", 6)), Type: int(r.Uint("publisher restrictions", 2))}
		if c == iab.Fixed {
			one.Vendors = r.Ranges("publisher restrictions")
		} else {
			one.Vendors = r.Set("publisher restrictions", c).Ranges()
		}
		switch {
		case r.Err() != nil:
			return nil
		case one.Purpose < 1 || one.Purpose > Purposes:
			r.Fail("publisher restrictions", "a purpose from 1 to %d was expected", Purposes)
		case one.Type > maxRestriction:
			r.Fail("publisher restrictions", "a type from 0 to %d was expected", maxRestriction)
		}
		for _, other := range all {
			if other.Purpose == one.Purpose && other.Type == one.Type {
				r.Fail("publisher restrictions", "a purpose has the same type twice")
			}
		}
		if r.Err() != nil {
			return nil
		}
		all = append(all, one)
	}
	return all
}

func (s *String) segment(r *iab.Reader) error {
	again := false
	switch kind := r.Uint("segment", segmentBits); kind {
	case disclosedSegment:
		again, s.HasDisclosed = s.HasDisclosed, true
		s.Disclosed = r.Set("disclosed vendors", iab.Fixed)
	case allowedSegment:
		again, s.HasAllowed = s.HasAllowed, true
		s.Allowed = r.Set("allowed vendors", iab.Fixed)
	case publisherSegment:
		again = s.Publisher != nil
		s.Publisher = readPublisher(r)
	default:
		r.Fail("segment", "disclosed vendors (1), allowed vendors (2) or publisher TC (3) was expected")
	}
	if again {
		r.Fail("segment", "the same segment comes twice")
	}
	return r.End("segment")
}

func readPublisher(r *iab.Reader) *Publisher {
	p := &Publisher{Consents: readBits(r, "publisher consents", Purposes), Interests: readBits(r, "publisher legitimate interests", Purposes)}
	p.Custom = int(r.Uint("number of custom purposes", 6))
	p.CustomConsents = long(r, "custom consents", p.Custom)
	p.CustomInterests = long(r, "custom legitimate interests", p.Custom)
	return p
}

// long reads up to 63 bits in two parts, since 57 can be had at once.
func long(r *iab.Reader, field string, n int) uint64 {
	low := min(n, 32)
	v := mirror(r.Uint(field, low), low)
	return v | mirror(r.Uint(field, n-low), n-low)<<low
}
