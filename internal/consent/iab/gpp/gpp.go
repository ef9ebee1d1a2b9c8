package gpp

import (
	"strings"

	"thimble/internal/consent/iab"
	"thimble/internal/consent/iab/tcf"
)

// The header: a type that is no version of anything else, then its own version.
const (
	headerType    = 3
	headerVersion = 1
)

// maxSection is the largest id that the header may name.
const maxSection = 1 << 8

const (
	maxValues     = 40
	sensitiveSize = 8
)

// A String is a GPP string.
type String struct{ Sections []Section }

// A Section is one section: of Europe, of Canada, the US Privacy string, or one of
// the US table.
type Section struct {
	ID     int
	EU     *tcf.String
	Canada *tcf.Canada
	USP    *USPrivacy
	US     *US
}

// Known reports whether the version of the section is one that is understood.
func (s *Section) Known() bool { return s.US == nil || s.US.Known() }

// A US is a section of the US table.
type US struct {
	Layout  *Layout
	Version int
	values  [maxValues]byte
	// HasSub says that the sub-section is there.
	HasSub    bool
	GPC       bool
	Sensitive [sensitiveSize]byte
}

// Known reports whether the version has a layout of its own.
func (u *US) Known() bool { return u.Version == u.Layout.Version }

// Get returns the values of a field of the core, nil for a field the section has not.
func (u *US) Get(name string) []byte {
	at := 0
	for _, f := range u.Layout.Fields {
		if f.Name == name {
			return u.values[at : at+f.N : at+f.N]
		}
		at += f.N
	}
	return nil
}

// NewUS returns an empty section of a version. The error is of kind
// thimble.ErrInvalid for one that the table does not know.
func NewUS(id, version int) (*US, error) {
	if id < first || id > last {
		return nil, iab.Invalid("section id", "%d is no section of the US", id)
	}
	l, known := layoutOf(id, version)
	if !known {
		return nil, iab.Invalid("version", "%s has no version %d", l.Name, version)
	}
	return &US{Layout: l, Version: version}, nil
}

// Decode reads a GPP string.
func Decode(s string) (*String, error) {
	if len(s) > iab.MaxLength {
		return nil, iab.Invalid("gpp string", "at most %d characters were expected", iab.MaxLength)
	}
	head, rest, more := strings.Cut(s, "~")
	ids, err := header(head)
	if err != nil {
		return nil, err
	}
	out := &String{Sections: make([]Section, 0, ids.Len())}
	for id := range ids.All() {
		if !more {
			return nil, iab.Invalid("header", "it names more sections than there are")
		}
		var text string
		text, rest, more = strings.Cut(rest, "~")
		one, err := section(id, text)
		if err != nil {
			return nil, err
		}
		out.Sections = append(out.Sections, one)
	}
	if more {
		return nil, iab.Invalid("header", "there are more sections than it names")
	}
	return out, nil
}

func header(s string) (iab.Set, error) {
	var r iab.Reader
	if err := r.Open("header", s); err != nil {
		return nil, err
	}
	if kind := r.Uint("header type", 6); r.Err() == nil && kind != headerType {
		return nil, iab.Invalid("header type", "type %d was expected: a GPP string begins with D", headerType)
	}
	if v := r.Uint("header version", 6); r.Err() == nil && v != headerVersion {
		return nil, iab.Invalid("header version", "version %d was expected; newer strings need a newer Thimble", headerVersion)
	}
	ids := r.IDs("section ids", maxSection)
	return ids, r.End("header")
}

func section(id int, text string) (s Section, err error) {
	s.ID = id
	switch {
	case id == TCFEU:
		s.EU, err = tcf.Decode(text)
	case id == TCFCA:
		s.Canada, err = tcf.DecodeCanada(text)
	case id == USP:
		var u USPrivacy
		u, err = DecodeUSP(text)
		s.USP = &u
	case id >= first && id <= last:
		s.US, err = decodeUS(id, text)
	case Name(id) != "":
		err = iab.Invalid("section id", "%d (%s) is no section of consent", id, Name(id))
	default:
		err = iab.Invalid("section id", "%d is not in the registry; newer strings need a newer Thimble", id)
	}
	return s, err
}

func decodeUS(id int, text string) (*US, error) {
	core, sub, more := strings.Cut(text, ".")
	var r iab.Reader
	err := r.Open("section", core)
	if err != nil {
		return nil, err
	}
	u := &US{Version: int(r.Uint("version", 6))}
	u.Layout, _ = layoutOf(id, u.Version)
	at := 0
	for i := range u.Layout.Fields {
		f := &u.Layout.Fields[i]
		read(&r, f.Name, u.values[at:at+f.N])
		at += f.N
	}
	// Behind the fields of an unknown version may stand some that we do not know.
	if err = r.Err(); err == nil && u.Known() {
		err = r.End("section")
	}
	if err != nil || !more {
		return u, err
	}
	return u, u.sub(sub)
}

// maxValue is the last value with a meaning.
const maxValue = 2

// read reads values of two bits, all at once.
func read(r *iab.Reader, field string, to []byte) {
	for len(to) > 0 {
		n := min(len(to), 28)
		v := r.Uint(field, 2*n)
		// Both bits of a value set: 3.
		if v&(v>>1)&0x55555555555555 != 0 {
			r.Fail(field, "a value from 0 to %d was expected", maxValue)
		}
		for i := n - 1; i >= 0; i-- {
			to[i] = byte(v & 3)
			v >>= 2
		}
		to = to[n:]
	}
}

// gpcType is the type of the sub-section that holds the signal.
const gpcType = 1

func (u *US) sub(text string) error {
	if u.Layout.Sub == NoSub {
		return iab.Invalid("sub-section", "%s has none", u.Layout.Name)
	}
	var r iab.Reader
	if err := r.Open("sub-section", text); err != nil {
		return err
	}
	u.HasSub = true
	if u.Layout.Sub == Sensitive {
		read(&r, SensitiveData, u.Sensitive[:])
		return r.End("sub-section")
	}
	if kind := r.Uint("sub-section type", 2); r.Err() == nil && kind != gpcType {
		return iab.Invalid("sub-section type", "type %d, Global Privacy Control, was expected", gpcType)
	}
	u.GPC = r.Bool("gpc")
	return r.End("sub-section")
}
