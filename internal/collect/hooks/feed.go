package hooks

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"regexp"
	"strings"

	"thimble"
)

// A System is a shop system that sends.
type System string

// The systems.
const (
	Shopify     System = "shopify"
	WooCommerce System = "woocommerce"
)

// A Feed is one shop that sends to us.
type Feed struct {
	System System
	Name   string // in the address: /hooks/shopify/NAME
	secret []byte
}

// String is the feed as configured, without its secret.
func (f Feed) String() string { return string(f.System) + "/" + f.Name }

// Format keeps the secret out of whatever prints a feed.
func (f Feed) Format(s fmt.State, _ rune) { _, _ = s.Write([]byte(f.String())) }

var nameForm = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,62}$`)

// minSecret keeps out what can be guessed.
const minSecret = 16

// Parse reads feeds as they are configured: "shopify/main=SECRET", with blanks between.
// Its errors say which one is wrong and repeat no secret.
func Parse(text string) ([]Feed, error) {
	var all []Feed
	seen := map[string]bool{}
	for i, word := range strings.Fields(text) {
		id, secret, ok := strings.Cut(word, "=")
		system, name, slash := strings.Cut(id, "/")
		f := Feed{System(system), name, []byte(secret)}
		switch {
		case !ok || !slash:
			return nil, wrong(i, "SYSTEM/NAME=SECRET was expected, such as shopify/main=…")
		case f.System != Shopify && f.System != WooCommerce:
			return nil, wrong(i, "shopify or woocommerce was expected before the slash")
		case !nameForm.MatchString(name):
			return nil, wrong(i, "a name of small letters, digits and hyphens was expected after the slash")
		case len(secret) < minSecret:
			return nil, wrong(i, fmt.Sprintf("a secret of at least %d bytes was expected", minSecret))
		case seen[id]:
			return nil, wrong(i, "the feed is there twice")
		}
		seen[id] = true
		all = append(all, f)
	}
	return all, nil
}

func wrong(i int, rule string) error {
	return fmt.Errorf("hooks: feed %d: %s: %w", i+1, rule, thimble.ErrInvalid)
}

// SignatureHeader is the header in which a system signs.
func (f Feed) SignatureHeader() string {
	if f.System == Shopify {
		return "X-Shopify-Hmac-Sha256"
	}
	return "X-WC-Webhook-Signature"
}

// TopicHeader is the header in which a system says what has happened.
func (f Feed) TopicHeader() string {
	if f.System == Shopify {
		return "X-Shopify-Topic"
	}
	return "X-WC-Webhook-Topic"
}

// Sign is what the system writes into the header.
func (f Feed) Sign(body []byte) string {
	h := hmac.New(sha256.New, f.secret)
	h.Write(body)
	return base64.StdEncoding.EncodeToString(h.Sum(nil))
}

// Verify returns an error of kind thimble.ErrDenied unless the body is signed by the
// feed's secret.
func (f Feed) Verify(body []byte, signature string) error {
	given, err := base64.StdEncoding.DecodeString(signature)
	h := hmac.New(sha256.New, f.secret)
	h.Write(body)
	if err != nil || len(f.secret) < minSecret || !hmac.Equal(given, h.Sum(nil)) {
		return fmt.Errorf("hooks: %s: the body is not signed with the feed's secret: %w", f, thimble.ErrDenied)
	}
	return nil
}
