package session

import (
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"io"
	"strings"
	"time"
)

// What a code may cost whoever guesses. A code has 40 bits, and each may be tried five
// times: of a million guesses, over however many addresses, one is right with a
// chance of 10^6 / 2^40, less than one in a million. Asking for many codes buys no
// more, and an address is sent six an hour at most.
const (
	CodeLives    = 10 * time.Minute
	CodeTries    = 5
	CodesAnHour  = 6
	codeLength   = 8
	codeAlphabet = "0123456789abcdefghjkmnpqrstvwxyz" // Crockford's base 32
)

// NewCode draws a code such as "k7pw-03fx".
func NewCode(r io.Reader) (string, error) {
	if r == nil {
		r = rand.Reader
	}
	b := make([]byte, codeLength)
	if _, err := io.ReadFull(r, b); err != nil {
		return "", fmt.Errorf("session: drawing a code: %w", err)
	}
	for i := range b {
		b[i] = codeAlphabet[b[i]%byte(len(codeAlphabet))] // 256 is a multiple of 32: no bias
	}
	return string(b[:4]) + "-" + string(b[4:]), nil
}

// CodeHash returns what is stored of a code: a hash with the token of the browser that
// asked, which is stored nowhere. Whoever reads the database cannot try codes. What
// people take for another character is read as they mean it.
func CodeHash(browser, code string) []byte {
	h := sha256.New()
	h.Write(Hash(browser))
	h.Write([]byte("session code 1\x00" + normalCode(code)))
	return h.Sum(nil)
}

var likeness = strings.NewReplacer("o", "0", "i", "1", "l", "1", "u", "v", "-", "", " ", "", "\u00a0", "", "\u2011", "")

func normalCode(code string) string {
	if len(code) > 4*codeLength {
		return ""
	}
	return likeness.Replace(strings.ToLower(strings.TrimSpace(code)))
}
