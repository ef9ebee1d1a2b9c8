package apikey

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"thimble"
)

// TokenPrefix is the prefix of a key's id in text. The id is no secret.
const TokenPrefix = "key"

// A Scope is what a key may do.
type Scope string

// The scopes. Admin includes the others; Collect and Read do not include each other.
const (
	Collect Scope = "collect" // write: events, choices
	Read    Scope = "read"    // ask: lists, decisions, choices
	Admin   Scope = "admin"
)

// Scopes returns all scopes, in the order in which they are stored and shown.
func Scopes() []Scope { return []Scope{Collect, Read, Admin} }

// Known reports whether there is such a scope.
func (s Scope) Known() bool { return slices.Contains(Scopes(), s) }

// A Key is what is known of a key without its text.
type Key struct {
	ID      thimble.ID
	Name    string // of the shop's system that uses it
	Scopes  []Scope
	Hint    string // the last four characters of the text
	Created time.Time
	Used    time.Time // zero: never; at most once a minute
	Revoked time.Time // zero: not
}

// Allows reports whether the key may do what needs the scope.
func (k Key) Allows(s Scope) bool {
	return s.Known() && k.Revoked.IsZero() && (slices.Contains(k.Scopes, s) || slices.Contains(k.Scopes, Admin))
}

// What [New] refuses, each of kind thimble.ErrInvalid.
var (
	ErrName   = fmt.Errorf("apikey: a name of 1 to 80 visible characters was expected (%w)", thimble.ErrInvalid)
	ErrScopes = fmt.Errorf("apikey: at least one of collect, read, admin was expected (%w)", thimble.ErrInvalid)
)

// ErrTaken says that another key, in force or revoked, has the name.
var ErrTaken = fmt.Errorf("apikey: another key has this name (%w)", thimble.ErrConflict)

// What a check refuses, each of kind thimble.ErrDenied.
var (
	// ErrMisspelt says that no key has this text: its checksum is wrong.
	ErrMisspelt = fmt.Errorf("apikey: the key is misspelt (%w)", thimble.ErrDenied)
	// ErrUnknown says that the key was revoked or never was: the two are told alike.
	ErrUnknown = fmt.Errorf("apikey: there is no such key (%w)", thimble.ErrDenied)
	// ErrScope says that the key is in force and lacks the scope.
	ErrScope = fmt.Errorf("apikey: the key lacks the scope (%w)", thimble.ErrDenied)
)

const maxName = 80

// New drafts a key: it checks name and scopes and puts them in order. The error
// is ErrName, ErrScopes or both.
func New(name string, scopes []Scope, at time.Time) (Key, error) {
	k := Key{Name: strings.TrimSpace(name), Created: at}
	var err error
	if n := utf8.RuneCountInString(k.Name); n < 1 || n > maxName || !utf8.ValidString(k.Name) || strings.ContainsFunc(k.Name, unprintable) {
		err = ErrName
	}
	for _, s := range Scopes() {
		if slices.Contains(scopes, s) {
			k.Scopes = append(k.Scopes, s)
		}
	}
	if len(k.Scopes) == 0 || slices.ContainsFunc(scopes, func(s Scope) bool { return !s.Known() }) {
		err = errors.Join(err, ErrScopes)
	}
	return k, err
}

func unprintable(r rune) bool { return !unicode.IsPrint(r) }

type contextKey struct{}

// With returns a context that says which key the request came with.
func With(ctx context.Context, k Key) context.Context {
	return context.WithValue(ctx, contextKey{}, k)
}

// From returns the key the request came with; the zero Key when it came without.
func From(ctx context.Context) Key {
	k, _ := ctx.Value(contextKey{}).(Key)
	return k
}
