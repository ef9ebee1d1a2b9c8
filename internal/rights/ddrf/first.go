package ddrf

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
)

// The formats of identifiers that are written.
const (
	Raw    = "raw"
	SHA256 = "sha256" // of the value as it is, in small letters of hexadecimal
)

// Write returns an identifier in a form that a participant takes: under a hash where it
// takes one, which tells others less, and else as it is. It reports false for a kind that
// the participant does not take.
func (d Discovery) Write(kind, value string) (Identifier, bool) {
	sum := sha256.Sum256([]byte(value))
	for _, id := range []Identifier{{hex.EncodeToString(sum[:]), kind, SHA256}, {value, kind, Raw}} {
		if d.Takes(id) {
			return id, true
		}
	}
	return Identifier{}, false
}

// A Deletion is what a participant is asked to delete: one person, by one identifier or
// several.
type Deletion struct {
	ID          string // of the request here; each token's jti is made of it
	Identifiers []Identifier
	Asked       time.Time // when the person asked
	// Chain is the idJWT of the firm that the person asked first, when that was another;
	// "" when it was this one.
	Chain string
}

// renewed is how long a token is sent again as it is. It is younger than [MaxAge] then.
const renewed = 20 * time.Hour

// Requests makes the rqJWT of each identifier: a request is about one. Tried again within
// twenty hours they are the same, byte for byte, so that who has one takes it once. The
// idJWT of another firm stands in them as long as receivers take it, and one's own after
// that: the person has said here that it was them.
func (s *Signer) Requests(d Deletion, now time.Time) (all []string, err error) {
	part := max(now.Sub(d.Asked), 0) / renewed
	for i, id := range d.Identifiers {
		idJWT := d.Chain
		if !fresh(idJWT, now) {
			if idJWT, err = s.Identify(fmt.Sprintf("%s-%d", d.ID, i+1), id, d.Asked); err != nil {
				return nil, err
			}
		}
		rq, err := s.Request(fmt.Sprintf("%s-%d-%d", d.ID, i+1, part+1), idJWT, id, d.Asked.Add(part*renewed))
		if err != nil {
			return nil, err
		}
		all = append(all, rq)
	}
	return all, nil
}

// claims reads a token that was verified when it came.
func claims(token string) (c common, ok bool) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return c, false
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	return c, err == nil && json.Unmarshal(payload, &c) == nil
}

// fresh reports whether an idJWT is still taken.
func fresh(idJWT string, now time.Time) bool {
	c, ok := claims(idJWT)
	if !ok {
		return false
	}
	at, err := c.instant()
	return err == nil && now.Sub(at) < MaxIDAge
}

// Names returns by what an idJWT names somebody.
func Names(idJWT string) (Identifier, bool) {
	c, ok := claims(idJWT)
	if !ok {
		return Identifier{}, false
	}
	id, err := c.subject()
	return id, err == nil
}

// IDToken returns the idJWT in an rqJWT; "" for none.
func IDToken(rqJWT string) string {
	c, _ := claims(rqJWT)
	return c.IDToken
}

// Answered reads the acJWT out of an answer: the token alone, or in the member acJWT.
func Answered(body []byte) string {
	text := strings.TrimSpace(string(body))
	var in struct {
		Token string `json:"acJWT"`
	}
	if !strings.HasPrefix(text, "{") {
		return text
	}
	if json.Unmarshal([]byte(text), &in) != nil {
		return ""
	}
	return in.Token
}
