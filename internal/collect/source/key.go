package source

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"fmt"
	"io"
	"strings"

	"thimble"
	"thimble/internal/collect/intake"
)

// The prefixes of keys, so that a search for secrets in files tells them apart.
const (
	SecretPrefix = "wks_"
	PublicPrefix = "wkp_"
)

const (
	secretSize  = 20
	checkedSize = secretSize + 5 // 40 letters without spare bits
	hintSize    = 4
)

// ErrMisspelt says that no key has this text. It is of kind thimble.ErrDenied.
var ErrMisspelt = fmt.Errorf("source: the write key is misspelt (%w)", thimble.ErrDenied)

// The alphabet is that of all tokens of Thimble. It needs no escapes in an address.
var letters = base32.NewEncoding("0123456789abcdefghjkmnpqrstvwxyz").WithPadding(base32.NoPadding)

// A Hash is the SHA-256 of a key's text.
type Hash [sha256.Size]byte

// Public reports whether the keys of a kind of source lie where everybody reads them.
func Public(k intake.Kind) bool { return k != intake.Server }

// NewKey draws a key for a source of the kind from r, or from crypto/rand when r is nil.
func NewKey(r io.Reader, k intake.Kind) (string, error) {
	if r == nil {
		r = rand.Reader
	}
	secret := make([]byte, secretSize, checkedSize)
	if _, err := io.ReadFull(r, secret); err != nil {
		return "", fmt.Errorf("source: drawing a write key: %w", err)
	}
	prefix := SecretPrefix
	if Public(k) {
		prefix = PublicPrefix
	}
	return prefix + letters.EncodeToString(append(secret, checksum(secret)...)), nil
}

// KeySize is the length of every key.
const KeySize = len(SecretPrefix) + checkedSize*8/5

// HashOf returns what is looked up for a key. The error is ErrMisspelt, and is found
// without asking anybody.
func HashOf(text string) (Hash, error) {
	if len(text) != KeySize || !strings.HasPrefix(text, SecretPrefix) && !strings.HasPrefix(text, PublicPrefix) {
		return Hash{}, ErrMisspelt
	}
	var b [checkedSize]byte
	n, err := letters.Decode(b[:], []byte(text[len(SecretPrefix):]))
	if err != nil || n != checkedSize || !bytes.Equal(checksum(b[:secretSize]), b[secretSize:]) {
		return Hash{}, ErrMisspelt
	}
	return sha256.Sum256([]byte(text)), nil
}

// Hint returns the end of a key, by which people tell keys apart.
func Hint(text string) string { return text[max(0, len(text)-hintSize):] }

// checksum guards against typing errors, not against people.
func checksum(secret []byte) []byte {
	h := sha256.Sum256(append([]byte("thimble/source/v1\x00"), secret...))
	return h[:checkedSize-secretSize]
}
