package thimble

import (
	"crypto/rand"
	"database/sql/driver"
	"encoding/base32"
	"fmt"
	"io"
	"strings"
)

// A SubjectID names a person without saying who: 128 random bits. It is never
// derived from an identifier and never given twice. The zero value is nobody.
type SubjectID [16]byte

// Alphabet of the tokens: Crockford's base 32 in lower case, without i, l, o, u.
var tokens = base32.NewEncoding("0123456789abcdefghjkmnpqrstvwxyz").WithPadding(base32.NoPadding)

const subjectPrefix = "sub_"

// NewSubjectID draws an id from r, or from crypto/rand when r is nil.
func NewSubjectID(r io.Reader) (SubjectID, error) {
	id, err := newToken(r)
	return SubjectID(id), err
}

// String returns the token form, such as "sub_3f0…": a pseudonym, safe for URLs
// of signed-in people, not for logs of other systems.
func (s SubjectID) String() string { return subjectPrefix + tokens.EncodeToString(s[:]) }

// IsZero reports whether s names nobody.
func (s SubjectID) IsZero() bool { return s == SubjectID{} }

// MarshalText implements encoding.TextMarshaler.
func (s SubjectID) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (s *SubjectID) UnmarshalText(text []byte) error {
	id, err := ParseSubjectID(string(text))
	if err != nil {
		return err
	}
	*s = id
	return nil
}

// Value implements driver.Valuer: 16 bytes, or NULL for nobody.
func (s SubjectID) Value() (driver.Value, error) {
	if s.IsZero() {
		return nil, nil
	}
	return s[:], nil
}

// Scan implements sql.Scanner: 16 bytes, or NULL for nobody.
func (s *SubjectID) Scan(v any) error {
	id, err := scanToken(v)
	*s = SubjectID(id)
	return err
}

// ParseSubjectID reads the token form. The error is of kind ErrInvalid and does
// not repeat the input.
func ParseSubjectID(text string) (SubjectID, error) {
	id, err := parseToken(subjectPrefix, text)
	return SubjectID(id), err
}

// An ID names anything else that is kept: an order, a decision, an import. Its
// prefix in text says which.
type ID [16]byte

// NewID draws an id from r, or from crypto/rand when r is nil.
func NewID(r io.Reader) (ID, error) {
	id, err := newToken(r)
	return ID(id), err
}

// Token returns the text form with a prefix such as "dec".
func (id ID) Token(prefix string) string { return prefix + "_" + tokens.EncodeToString(id[:]) }

// ParseID reads the text form with the given prefix.
func ParseID(prefix, text string) (ID, error) {
	id, err := parseToken(prefix+"_", text)
	return ID(id), err
}

// IsZero reports whether id names nothing.
func (id ID) IsZero() bool { return id == ID{} }

// Value implements driver.Valuer.
func (id ID) Value() (driver.Value, error) {
	if id.IsZero() {
		return nil, nil
	}
	return id[:], nil
}

// Scan implements sql.Scanner.
func (id *ID) Scan(v any) error {
	t, err := scanToken(v)
	*id = ID(t)
	return err
}

func newToken(r io.Reader) (t [16]byte, err error) {
	if r == nil {
		r = rand.Reader
	}
	if _, err := io.ReadFull(r, t[:]); err != nil {
		return t, fmt.Errorf("thimble: drawing an id: %w", err)
	}
	return t, nil
}

func parseToken(prefix, text string) (t [16]byte, err error) {
	rest, ok := strings.CutPrefix(text, prefix)
	if !ok || len(rest) != tokens.EncodedLen(len(t)) {
		return t, fmt.Errorf("thimble: a token of the form %s… was expected: %w", prefix, ErrInvalid)
	}
	b, err := tokens.DecodeString(rest)
	// The last character carries two bits only; any other spelling is refused,
	// so that one id has one text.
	if err != nil || tokens.EncodeToString(b) != rest {
		return t, fmt.Errorf("thimble: token %s… is misspelt: %w", prefix, ErrInvalid)
	}
	return [16]byte(b), nil
}

func scanToken(v any) (t [16]byte, err error) {
	switch b := v.(type) {
	case nil:
		return t, nil
	case []byte:
		if len(b) == len(t) {
			return [16]byte(b), nil
		}
	}
	return t, fmt.Errorf("thimble: a stored id of 16 bytes was expected: %w", ErrInvalid)
}
