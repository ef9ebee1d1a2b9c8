package certificate

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode"

	"thimble"
)

// Kind is the first thing that a certificate says.
const Kind = "thimble/deletion-certificate@v1"

// A Statement is what a certificate says. The order of the fields is that of the file.
type Statement struct {
	Certificate string `json:"certificate"` // [Kind]
	Request     string `json:"request"`
	// Issue counts the certificates of one erasure. A later one replaces those before: it
	// says what recipients have confirmed since.
	Issue  int64     `json:"issue"`
	Asked  time.Time `json:"asked"`
	Done   time.Time `json:"done"`
	Issued time.Time `json:"issued"`
	// Report is the hash of the leaf with which the erasure was closed.
	Report string `json:"report_leaf_sha256"`
	// Resumed says that the erasure was interrupted: what was destroyed before that is
	// not in the counts.
	Resumed    bool        `json:"resumed"`
	Holders    []Holder    `json:"holders"`
	Keys       Keys        `json:"keys"`
	Models     []Model     `json:"models"`
	Recipients []Recipient `json:"recipients"`
	Kept       []Kept      `json:"kept"`
	Backups    Backups     `json:"backups"`
	// Beyond is what the certificate does not cover, in sentences.
	Beyond []string `json:"not_covered"`
}

// A Holder is one part of the program that keeps data about people, and how much of it
// was destroyed.
type Holder struct {
	Holder string `json:"holder"`
	Erased int64  `json:"erased"`
}

// Keys are those of the person.
type Keys struct {
	// Hashes commit to the destroyed keys: one of the person, and one of each account
	// that was joined with theirs.
	Hashes []string `json:"sha256"`
	// Scanned says that the files were read afterwards, and no key was found.
	Scanned bool `json:"files_scanned"`
}

// A Model is one that learns from people: the weights of every version that was kept.
type Model struct {
	Model  string    `json:"model"`
	Before []Version `json:"before"`
	After  []Version `json:"after"`
}

// A Version is one that is kept: what serves, what is in shadow, what can be gone back to.
type Version struct {
	Version int64  `json:"version"`
	Stage   string `json:"stage"`
	Weights string `json:"weights_sha256"`
}

// A Recipient is somebody outside who may have had data of the person, or a system that the
// shop has stated to hold some, and was told to erase it.
type Recipient struct {
	Name   string    `json:"name"`
	Notice string    `json:"notice"` // the message's id
	State  string    `json:"state"`  // one of the words below
	At     time.Time `json:"at"`     // since when, as far as the notice has come
	Why    string    `json:"why,omitempty"`
	// Proof is by what its answer was shown to be its own.
	Proof string `json:"proof,omitempty"`
}

// Where a notice stands.
const (
	Told         = "told" // it is on its way
	Delivered    = "delivered"
	Acknowledged = "acknowledged"
	Overdue      = "overdue" // delivered, and not confirmed in time
	Unreachable  = "unreachable"
	// Of a system outside that the shop has stated to hold data about people:
	Promised   = "promised" // it said that it will do it, and not yet that it has
	Erased     = "done"     // it said that it has
	Refused    = "refused"
	DoneByHand = "done_by_hand" // somebody of the staff did it there, and says so
)

// Settled reports whether nothing is expected to follow.
func (r Recipient) Settled() bool {
	return r.State == Acknowledged || r.State == Erased || r.State == DoneByHand
}

// Kept is what a law tells the shop to keep, record by record.
type Kept struct {
	Holder string `json:"holder"`
	What   string `json:"what"`
	Count  int64  `json:"count"`
	Law    string `json:"law"`
}

// Backups says until when a backup of before can still be opened.
type Backups struct {
	UnreadableAfter time.Time `json:"unreadable_after"`
	Why             string    `json:"why"`
}

// Bytes returns the one form of a statement, to which the log commits.
func (s Statement) Bytes() ([]byte, error) { return canonical(s.filled(), false) }

// filled has empty lists for missing ones, so that each field is there.
func (s Statement) filled() Statement {
	s.Holders, s.Models, s.Recipients, s.Kept, s.Beyond = full(s.Holders), full(s.Models), full(s.Recipients), full(s.Kept), full(s.Beyond)
	s.Keys.Hashes = full(s.Keys.Hashes)
	s.Models = append([]Model{}, s.Models...)
	for i, m := range s.Models {
		s.Models[i].Before, s.Models[i].After = full(m.Before), full(m.After)
	}
	return s
}

func full[T any](all []T) []T {
	if all == nil {
		return []T{}
	}
	return all
}

// canonical is JSON as a browser's JSON.stringify writes it too: nothing escaped that
// need not be.
func canonical(v any, indented bool) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if indented {
		e.SetIndent("", "  ")
	}
	if err := e.Encode(v); err != nil {
		return nil, fmt.Errorf("certificate: writing: %w", err)
	}
	if indented {
		return b.Bytes(), nil
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// Plain makes one line of a name, without the characters that two programs write in
// different ways.
func Plain(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == '\u2028' || r == '\u2029' || r == unicode.ReplacementChar {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, " "))
}

// Check reports what a statement says that no erasure is: a field that is missing, or
// one that contradicts another. The error names the field.
func (s Statement) Check() error {
	for _, rule := range []struct {
		ok  bool
		say string
	}{
		{s.Certificate == Kind, "certificate: " + Kind + " was expected"},
		{s.Request != "" && s.Issue >= 1, "request, issue: an erasure and a number from 1 were expected"},
		{!s.Asked.IsZero() && !s.Done.Before(s.Asked) && !s.Issued.Before(s.Done), "asked, done, issued: they were expected in this order"},
		{hash(s.Report), "report_leaf_sha256: 64 hexadecimal digits were expected"},
		{len(s.Holders) > 0, "holders: at least one was expected"},
		{len(s.Keys.Hashes) > 0 && all(s.Keys.Hashes, hash), "keys: the hash of a destroyed key was expected"},
		{all(s.Holders, func(h Holder) bool { return h.Holder != "" && h.Erased >= 0 }), "holders: each has a name and a count"},
		{all(s.Models, Model.sound), "models: each has a name, and versions with the hashes of their weights"},
		{all(s.Recipients, Recipient.sound), "recipients: each has a name, a notice and a state"},
		{all(s.Kept, func(k Kept) bool { return k.What != "" && k.Count > 0 && k.Law != "" }), "kept: each has a count and a law"},
		{s.Backups.UnreadableAfter.After(s.Done), "backups: a day after the erasure was expected"},
		{len(s.Beyond) > 0, "not_covered: a certificate says what it does not cover"},
	} {
		if !rule.ok {
			return fmt.Errorf("%s: %w", rule.say, thimble.ErrInvalid)
		}
	}
	return nil
}

func (m Model) sound() bool {
	ok := func(v Version) bool { return v.Version > 0 && v.Stage != "" && hash(v.Weights) }
	return m.Model != "" && all(m.Before, ok) && all(m.After, ok)
}

func (r Recipient) sound() bool {
	switch r.State {
	case Told, Delivered, Acknowledged, Overdue, Unreachable, Promised, Erased, Refused, DoneByHand:
		return r.Name != "" && r.Notice != ""
	}
	return false
}

func all[T any](list []T, ok func(T) bool) bool {
	for _, v := range list {
		if !ok(v) {
			return false
		}
	}
	return true
}

// hash reports whether a text is a SHA-256 in lower-case hexadecimal digits.
func hash(text string) bool {
	return len(text) == 64 && strings.Trim(text, "0123456789abcdef") == ""
}
