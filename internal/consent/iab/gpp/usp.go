package gpp

import "thimble/internal/consent/iab"

// A USPrivacy is the US Privacy string, such as 1YNN (IAB, CCPA framework; it ended
// in 2024 and is still sent). Each letter is Y, N, or - for does not apply.
type USPrivacy struct {
	Notice     byte // was a notice and a way to opt out given?
	OptOutSale byte
	Covered    byte // by the Limited Service Provider Agreement
}

const uspVersion = '1'

// DecodeUSP reads a US Privacy string. Lower case is read as upper case, as the
// specification asks.
func DecodeUSP(s string) (USPrivacy, error) {
	if len(s) != 4 {
		return USPrivacy{}, iab.Invalid("us privacy string", "four characters were expected, such as 1YNN")
	}
	if s[0] != uspVersion {
		return USPrivacy{}, iab.Invalid("us privacy version", "version 1 was expected")
	}
	u := USPrivacy{upper(s[1]), upper(s[2]), upper(s[3])}
	return u, u.check()
}

func (u USPrivacy) check() error {
	for _, c := range []byte{u.Notice, u.OptOutSale, u.Covered} {
		if c != 'Y' && c != 'N' && c != '-' {
			return iab.Invalid("us privacy string", "Y, N or - was expected after the version")
		}
	}
	return nil
}

func upper(c byte) byte {
	if c >= 'a' && c <= 'z' {
		return c - 'a' + 'A'
	}
	return c
}

// Encode writes the string.
func (u USPrivacy) Encode() (string, error) {
	if err := u.check(); err != nil {
		return "", err
	}
	return string([]byte{uspVersion, u.Notice, u.OptOutSale, u.Covered}), nil
}
