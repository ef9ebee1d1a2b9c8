package gpp

import (
	"strings"

	"thimble/internal/consent/iab"
)

// Encode writes the string. Sections must be in the order of their ids.
func (s *String) Encode() (string, error) {
	parts := []string{""}
	var ids []int
	for i := range s.Sections {
		one := &s.Sections[i]
		if len(ids) > 0 && one.ID <= ids[len(ids)-1] {
			return "", iab.Invalid("sections", "sections in the order of their ids, each once, were expected")
		}
		text, err := one.encode()
		if err != nil {
			return "", err
		}
		parts, ids = append(parts, text), append(ids, one.ID)
	}
	set, err := iab.NewSet(ids...)
	if err != nil {
		return "", err
	}
	var w iab.Writer
	w.Uint("header type", headerType, 6)
	w.Uint("header version", headerVersion, 6)
	w.Ranges("section ids", set.Ranges(), iab.Fibonacci)
	if parts[0], err = w.String(iab.Compact); err != nil {
		return "", err
	}
	out := strings.Join(parts, "~")
	if len(out) > iab.MaxLength {
		return "", iab.Invalid("gpp string", "at most %d characters can be written", iab.MaxLength)
	}
	return out, nil
}

func (s *Section) encode() (string, error) {
	switch {
	case s.ID == TCFEU && s.EU != nil:
		return s.EU.Encode()
	case s.ID == TCFCA && s.Canada != nil:
		return s.Canada.Encode()
	case s.ID == USP && s.USP != nil:
		return s.USP.Encode()
	case s.US != nil && s.US.Layout != nil && s.US.Layout.ID == s.ID:
		return s.US.encode()
	}
	return "", iab.Invalid("section", "the content of section %d is missing or of another section", s.ID)
}

func (u *US) encode() (string, error) {
	var w iab.Writer
	w.Uint("version", uint64(u.Version), 6)
	at := 0
	for _, f := range u.Layout.Fields {
		write(&w, f.Name, u.values[at:at+f.N])
		at += f.N
	}
	core, err := w.String(iab.Compact)
	if err != nil || !u.HasSub {
		return core, err
	}
	var sub iab.Writer
	switch u.Layout.Sub {
	case GPC:
		sub.Uint("sub-section type", gpcType, 2)
		sub.Bool(u.GPC)
	case Sensitive:
		write(&sub, SensitiveData, u.Sensitive[:])
	default:
		return "", iab.Invalid("sub-section", "%s has none", u.Layout.Name)
	}
	text, err := sub.String(iab.Compact)
	return core + "." + text, err
}

func write(w *iab.Writer, field string, values []byte) {
	for _, v := range values {
		if v > maxValue {
			w.Fail(field, "a value from 0 to %d was expected", maxValue)
			return
		}
		w.Uint(field, uint64(v), 2)
	}
}
