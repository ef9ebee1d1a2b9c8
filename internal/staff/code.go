package staff

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base32"
	"fmt"
	"io"
	"net/url"
	"strings"
	"time"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/totp"

	"thimble"
)

// The second factor is a time-based one-time password (RFC 6238) as every app has it:
// SHA-1, six digits, thirty seconds.
const (
	codePeriod  = 30 // seconds
	codeWindow  = 1  // steps to either side: the clocks of telephones
	secretBytes = 20 // RFC 4226, 4: 160 bits
)

var secretText = base32.StdEncoding.WithPadding(base32.NoPadding)

// NewSecret draws the secret that an app makes codes of.
func NewSecret(r io.Reader) (thimble.Personal[string], error) {
	if r == nil {
		r = rand.Reader
	}
	b := make([]byte, secretBytes)
	if _, err := io.ReadFull(r, b); err != nil {
		return thimble.Personal[string]{}, fmt.Errorf("staff: drawing a secret: %w", err)
	}
	return thimble.Hide(secretText.EncodeToString(b)), nil
}

// CheckSecret says what is wrong with a secret that came back from a form.
func CheckSecret(secret thimble.Personal[string]) error {
	// Revealed to see that it is one.
	b, err := secretText.DecodeString(secret.Reveal())
	if err != nil || len(b) != secretBytes {
		return fmt.Errorf("staff: secret: %d bytes in base 32 were expected: %w", secretBytes, thimble.ErrInvalid)
	}
	return nil
}

// SecretURI returns the address by which an app takes a secret over, of the form that
// all of them read: otpauth://totp/…
func SecretURI(issuer, account string, secret thimble.Personal[string]) string {
	// Revealed to be shown to its owner, once.
	q := url.Values{"secret": {secret.Reveal()}, "issuer": {issuer}}
	return "otpauth://totp/" + url.PathEscape(issuer+":"+account) + "?" + q.Encode()
}

// CodeStep returns the step of time that a code is of, within a step of now, and whether
// it is of any. Whoever takes a code in remembers its step and takes none of that step or
// before again (RFC 6238, 5.2): a code that was read over a shoulder is worth nothing.
// All steps are compared, whichever is right.
func CodeStep(secret thimble.Personal[string], code string, now time.Time) (step int64, right bool) {
	code = strings.Map(func(r rune) rune {
		if r == ' ' || r == '-' {
			return -1
		}
		return r
	}, code)
	current := now.Unix() / codePeriod
	for s := current - codeWindow; s <= current+codeWindow; s++ {
		// Revealed to make the code that is expected.
		want, err := totp.GenerateCodeCustom(secret.Reveal(), time.Unix(s*codePeriod, 0), totp.ValidateOpts{Period: codePeriod, Digits: otp.DigitsSix, Algorithm: otp.AlgorithmSHA1})
		if err == nil && subtle.ConstantTimeCompare([]byte(want), []byte(code)) == 1 {
			step, right = s, true
		}
	}
	return step, right
}

// Recovery codes stand in for a lost second factor, each once.
const (
	RecoveryCodes  = 10
	recoveryLength = 12 // characters of base 32: 60 bits
)

var recoveryText = base32.NewEncoding("0123456789abcdefghjkmnpqrstvwxyz").WithPadding(base32.NoPadding)

// NewRecoveryCodes draws a set of codes such as "k7pw-03fx-9qtz".
func NewRecoveryCodes(r io.Reader) ([]thimble.Personal[string], error) {
	if r == nil {
		r = rand.Reader
	}
	codes := make([]thimble.Personal[string], RecoveryCodes)
	for i := range codes {
		b := make([]byte, 8)
		if _, err := io.ReadFull(r, b); err != nil {
			return nil, fmt.Errorf("staff: drawing recovery codes: %w", err)
		}
		t := recoveryText.EncodeToString(b)[:recoveryLength]
		codes[i] = thimble.Hide(t[:4] + "-" + t[4:8] + "-" + t[8:])
	}
	return codes, nil
}

// RecoveryHash returns what is kept of a recovery code of an account. Sixty random bits
// need no slow hash.
func RecoveryHash(account thimble.ID, code string) []byte {
	h := sha256.New()
	h.Write([]byte("staff recovery code 1\x00"))
	h.Write(account[:])
	h.Write([]byte(strings.Map(func(r rune) rune {
		switch r {
		case ' ', '-':
			return -1
		case 'o':
			return '0'
		case 'i', 'l':
			return '1'
		}
		return r
	}, strings.ToLower(code))))
	return h.Sum(nil)
}
