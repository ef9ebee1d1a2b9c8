package apikey

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"fmt"
	"io"
	"strings"
)

const (
	textPrefix  = "tk_"
	secretSize  = 32
	checkedSize = secretSize + 4
	hintSize    = 4
)

// The alphabet is Crockford's base 32 in lower case, as in all tokens of Thimble:
// without i, l, o, u, so that a key can be read out.
var letters = base32.NewEncoding("0123456789abcdefghjkmnpqrstvwxyz").WithPadding(base32.NoPadding)

// NewText draws the text of a key from r, or from crypto/rand when r is nil.
func NewText(r io.Reader) (string, error) {
	if r == nil {
		r = rand.Reader
	}
	secret := make([]byte, secretSize, checkedSize)
	if _, err := io.ReadFull(r, secret); err != nil {
		return "", fmt.Errorf("apikey: drawing a key: %w", err)
	}
	return textPrefix + letters.EncodeToString(append(secret, checksum(secret)...)), nil
}

// Hash returns what is stored of a key's text. The error is ErrMisspelt, and is
// found without asking the database.
func Hash(text string) ([]byte, error) {
	rest, ok := strings.CutPrefix(text, textPrefix)
	if !ok || len(rest) != letters.EncodedLen(checkedSize) {
		return nil, ErrMisspelt
	}
	b, err := letters.DecodeString(rest)
	// Spare bits in the last letter give a key several spellings; one is right.
	if err != nil || letters.EncodeToString(b) != rest || !bytes.Equal(checksum(b[:secretSize]), b[secretSize:]) {
		return nil, ErrMisspelt
	}
	h := sha256.Sum256([]byte(text))
	return h[:], nil
}

// Hint returns the end of the text, by which people tell keys apart.
func Hint(text string) string { return text[max(0, len(text)-hintSize):] }

// checksum guards against typing errors, not against people: who knows the secret
// can compute it.
func checksum(secret []byte) []byte {
	h := sha256.Sum256(append([]byte("thimble/apikey/v1\x00"), secret...))
	return h[:checkedSize-secretSize]
}
