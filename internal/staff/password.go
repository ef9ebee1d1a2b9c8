package staff

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"

	"thimble"
)

// A Cost is what the hash of a password takes: memory in KiB, passes over it, lanes.
type Cost struct {
	MemoryKiB uint32
	Passes    uint32
	Lanes     uint8
}

// DefaultCost is the first recommendation of OWASP's Password Storage Cheat Sheet for
// argon2id: 19 MiB, two passes, one lane.
func DefaultCost() Cost { return Cost{MemoryKiB: 19 << 10, Passes: 2, Lanes: 1} }

const (
	saltBytes, hashBytes = 16, 32
	minPassword          = 12  // characters; NIST SP 800-63B-4 asks for 8 beside a second factor
	maxPassword          = 256 // bytes: what is hashed is bounded
)

// HashPassword returns the hash of a password as a PHC string (RFC 9106).
func HashPassword(password thimble.Personal[string], c Cost, r io.Reader) (string, error) {
	if r == nil {
		r = rand.Reader
	}
	salt := make([]byte, saltBytes)
	if _, err := io.ReadFull(r, salt); err != nil {
		return "", fmt.Errorf("staff: drawing a salt: %w", err)
	}
	// Revealed to be hashed, which is all that is ever done with a password.
	sum := argon2.IDKey([]byte(password.Reveal()), salt, c.Passes, c.MemoryKiB, c.Lanes, hashBytes)
	b64 := base64.RawStdEncoding.EncodeToString
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, c.MemoryKiB, c.Passes, c.Lanes, b64(salt), b64(sum)), nil
}

// VerifyPassword reports whether a password has this hash, and whether the hash should
// be made anew because it cost something else.
func VerifyPassword(phc string, password thimble.Personal[string], now Cost) (right, again bool) {
	var version int
	var c Cost
	parts := strings.Split(phc, "$")
	if len(parts) != 6 || parts[1] != "argon2id" {
		return false, false
	}
	if _, err := fmt.Sscanf(parts[2]+" "+parts[3], "v=%d m=%d,t=%d,p=%d", &version, &c.MemoryKiB, &c.Passes, &c.Lanes); err != nil || version != argon2.Version {
		return false, false
	}
	salt, err := base64.RawStdEncoding.DecodeString(parts[4])
	want, err2 := base64.RawStdEncoding.DecodeString(parts[5])
	// What is read from the database must not cost whatever it says.
	if err != nil || err2 != nil || len(want) != hashBytes || c.Passes == 0 || c.Passes > 16 || c.Lanes == 0 || c.MemoryKiB > 1<<20 {
		return false, false
	}
	if len(password.Reveal()) > maxPassword { // its length alone
		return false, false
	}
	// Revealed to be hashed.
	got := argon2.IDKey([]byte(password.Reveal()), salt, c.Passes, c.MemoryKiB, c.Lanes, hashBytes)
	return subtle.ConstantTimeCompare(got, want) == 1, c != now
}

// Dummy returns the hash of a password that nobody has: whoever names an account that
// does not exist has as much work done for them.
func Dummy(c Cost) (string, error) {
	return HashPassword(thimble.Hide(rand.Text()), c, nil)
}

// common are the roots of the passwords that people take when they are told to take a
// long one. Whoever guesses begins with them, dressed up with digits.
var common = []string{
	"password", "passwort", "motdepasse", "contrasena", "letmein", "welcome", "willkommen", "bienvenue", "iloveyou", "princess", "football", "baseball",
	"superman", "batman", "dragon", "monkey", "sunshine", "shadow", "master", "qwerty", "qwertyuiop", "qwertz", "azerty", "asdfghjkl", "zxcvbnm",
	"admin", "administrator", "root", "login", "secret", "geheim", "changeme", "default", "test", "testing", "guest", "summer", "sommer", "winter",
	"spring", "autumn", "january", "february", "monday", "friday", "company", "customer", "thimble", "console", "privacy", "internet", "computer",
	"hello", "hallo", "bonjour", "trustno", "whatever", "starwars", "pokemon", "michael", "jennifer", "jordan", "hunter", "ranger", "charlie",
	"abc", "abcdef", "abcdefghijkl", "abcdefghijklmnop", "correcthorsebatterystaple",
}

// CheckPassword says what is wrong with a new password, by an error of kind
// thimble.ErrInvalid that does not repeat it. No kinds of character are asked for: it is
// to be long, and not what everybody takes (NIST SP 800-63B-4, 3.1.1.2). Words are what it
// must not be made of, such as the account's name.
func CheckPassword(password thimble.Personal[string], words ...string) error {
	// Revealed to be looked at; the answer names a rule only.
	p := password.Reveal()
	rule := ""
	switch {
	case !utf8.ValidString(p) || strings.ContainsFunc(p, unicode.IsControl):
		rule = "text without control characters was expected"
	case utf8.RuneCountInString(p) < minPassword:
		rule = fmt.Sprintf("at least %d characters were expected; a sentence is easy to keep", minPassword)
	case len(p) > maxPassword:
		rule = fmt.Sprintf("at most %d bytes were expected", maxPassword)
	case distinct(p) < 5:
		rule = "more than four different characters were expected"
	case dressedUp(p, slices.Concat(words, common)):
		rule = "it is what everybody takes, or the name with something added; take something of your own"
	}
	if rule != "" {
		return fmt.Errorf("staff: password: %s: %w", rule, thimble.ErrInvalid)
	}
	return nil
}

var disguise = strings.NewReplacer("0", "o", "1", "l", "3", "e", "4", "a", "5", "s", "7", "t", "@", "a", "$", "s", "!", "i")

// dressedUp reports whether a password is one word, or a word repeated, in disguise: with
// digits and signs around and within it.
func dressedUp(p string, words []string) bool {
	lower := strings.ToLower(p)
	core := strings.TrimFunc(lower, func(r rune) bool { return !unicode.IsLetter(r) })
	slices.SortFunc(words, func(a, b string) int { return len(b) - len(a) }) // a word goes before its parts
	for _, reading := range []string{lower, disguise.Replace(core)} {
		letters := strings.Map(func(r rune) rune {
			if unicode.IsLetter(r) {
				return r
			}
			return -1
		}, reading)
		rest := letters
		for _, w := range words {
			if w = strings.ToLower(w); len(w) > 2 {
				rest = strings.ReplaceAll(rest, w, "")
			}
		}
		if len(rest) < len(letters) && len(rest) < 4 {
			return true
		}
	}
	digits := 0
	for _, r := range p {
		if unicode.IsDigit(r) {
			digits++
		}
	}
	return digits == len([]rune(p)) // a number: a date, a telephone
}
