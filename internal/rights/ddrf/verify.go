package ddrf

import (
	"crypto"
	"errors"
	"slices"
	"time"

	"thimble"
)

const crypto256 = crypto.SHA256

// A Code is a result code of the framework.
type Code int

// The codes.
const (
	Successful       Code = 0 // receipt is acknowledged; nothing is said of what is done
	MalformedRequest Code = 1
	InvalidSignature Code = 2
	InvalidToken     Code = 3
	UnsupportedType  Code = 4
	IncorrectFormat  Code = 5
	InvalidTimestamp Code = 6
)

// A Refusal is why a request is not taken. Its text is told.
type Refusal struct {
	Code Code
	Text string
}

// Error implements error.
func (r Refusal) Error() string { return "ddrf: " + r.Text }

// Is makes it an error of kind ErrInvalid.
func (r Refusal) Is(target error) bool { return target == thimble.ErrInvalid || target == error(r) }

// The refusals.
var (
	Malformed = Refusal{MalformedRequest, "a required field is missing"}
	NotSigned = Refusal{InvalidSignature, "the issuer is not known here, or the signature is not its own"}
	NotAToken = Refusal{InvalidToken, "a compact JWT of at most 16 KiB was expected"}
	Reused    = Refusal{InvalidToken, "another request had this jti"}
	BadType   = Refusal{UnsupportedType, "the identifier type is not one of dsrdelete.json"}
	BadFormat = Refusal{IncorrectFormat, "the identifier is not in a format of dsrdelete.json"}
	BadTime   = Refusal{InvalidTimestamp, "iat lies in the future, too far back, or before that of the idJWT"}
)

// How old tokens may be: a request is passed on at once, and may be the last of a chain.
const (
	Skew     = 2 * time.Minute
	MaxAge   = 24 * time.Hour      // of an rqJWT
	MaxIDAge = 45 * 24 * time.Hour // of an idJWT
)

// A Chain is a request that was verified.
type Chain struct {
	First     string // the domain of the firm that the person asked
	FirstID   string // the jti of its idJWT
	Requester string // the domain of the firm that passed it on
	ID        string // the jti of its rqJWT
	Subject   Identifier
	Asked     time.Time // when the person asked, as the first firm says
}

// Verify verifies a request: the rqJWT with the keys of who passes it on, and the idJWT in
// it with those of the firm that the person asked. The error is a Refusal.
func (p Partners) Verify(rqJWT string, takes Discovery, now time.Time) (c Chain, err error) {
	if len(rqJWT) > MaxToken {
		return c, NotAToken
	}
	rq, err := p.open(rqJWT)
	if err != nil {
		return c, err
	}
	if !rq.version() || rq.ID == "" || rq.IDToken == "" || len(rq.ID) > 200 {
		return c, Malformed
	}
	id, err := p.open(rq.IDToken)
	if err != nil {
		return c, err
	}
	if !id.version() || id.ID == "" || len(id.ID) > 200 {
		return c, Malformed
	}
	c = Chain{First: id.Issuer, FirstID: id.ID, Requester: rq.Issuer, ID: rq.ID}
	at, err := rq.instant()
	if err == nil {
		c.Asked, err = id.instant()
	}
	if err != nil {
		return Chain{}, err
	}
	if at.After(now.Add(Skew)) || now.Sub(at) > MaxAge || c.Asked.After(at.Add(Skew)) || now.Sub(c.Asked) > MaxIDAge {
		return Chain{}, BadTime
	}
	// The one to act on is the requester's: it may be its own name for the first firm's.
	if _, err = id.subject(); err == nil {
		c.Subject, err = rq.subject()
	}
	if err != nil {
		return Chain{}, err
	}
	if !slices.ContainsFunc(takes.Identifiers, func(a Accepted) bool { return a.Type == c.Subject.Type }) {
		return Chain{}, BadType
	}
	if !takes.Takes(c.Subject) {
		return Chain{}, BadFormat
	}
	return c, nil
}

// A Receipt is an acknowledgement that was verified.
type Receipt struct {
	ID   string // its jti
	At   time.Time
	Code Code
}

// ErrUnacknowledged says that an answer acknowledges nothing.
var ErrUnacknowledged = errors.New("ddrf: the answer is no acknowledgement of what was sent by who was asked")

// Acknowledged verifies an acJWT: it is signed by the firm that was asked, and holds the
// request that was sent, byte for byte.
func Acknowledged(acJWT, domain string, by Discovery, sent string) (r Receipt, err error) {
	ac, err := Partners{domain: by}.open(acJWT)
	if err != nil {
		return r, errors.Join(ErrUnacknowledged, err)
	}
	at, err := ac.instant()
	if err != nil || ac.RQ != sent || ac.ID == "" || ac.Code == nil || !ac.version() {
		return r, errors.Join(ErrUnacknowledged, err)
	}
	return Receipt{ac.ID, at, Code(*ac.Code)}, nil
}
