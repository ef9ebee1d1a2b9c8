package collect

import (
	"encoding/hex"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"thimble"
	"thimble/internal/collect/table"
	"thimble/internal/consent"
	"thimble/internal/subject"
)

// A Choice is what somebody chose elsewhere, with the proof of it.
type Choice struct {
	Line    int64
	IDs     []subject.Identifier
	Purpose thimble.Purpose
	State   consent.State // Given, Refused or Withdrawn
	At      time.Time     // when, by a clock that is not ours
	Proof   consent.Proof
}

// answers are words for choices, folded.
var answers = map[string]consent.State{
	"given": consent.Given, "yes": consent.Given, "true": consent.Given, "1": consent.Given, "subscribed": consent.Given, "optin": consent.Given, "optedin": consent.Given,
	"ja": consent.Given, "oui": consent.Given, "si": consent.Given, "granted": consent.Given, "accepted": consent.Given, "erteilt": consent.Given,
	"refused": consent.Refused, "no": consent.Refused, "false": consent.Refused, "0": consent.Refused, "nein": consent.Refused, "non": consent.Refused, "nee": consent.Refused,
	"denied": consent.Refused, "rejected": consent.Refused, "abgelehnt": consent.Refused, "notsubscribed": consent.Refused,
	"withdrawn": consent.Withdrawn, "unsubscribed": consent.Withdrawn, "optout": consent.Withdrawn, "optedout": consent.Withdrawn, "revoked": consent.Withdrawn, "widerrufen": consent.Withdrawn,
}

// choice reads a row.
func (m *meaning) choice(line int64, v values) (Choice, Reason) {
	c := Choice{Line: line}
	for _, k := range []subject.Kind{subject.Account, subject.Email, subject.Phone} {
		text := m.get(v, string(k))
		if k == subject.Account {
			text = m.theirs(whole(text))
		}
		if id, err := subject.NewIdentifier(k, text); text != "" && err == nil {
			c.IDs = append(c.IDs, id)
		}
	}
	if len(c.IDs) == 0 {
		return c, NoIdentifier
	}
	var ok bool
	if c.Purpose, ok = purpose(m.get(v, "purpose")); !ok {
		return c, BadPurpose
	}
	if c.State, ok = answers[table.Fold(m.get(v, "choice"))]; !ok {
		return c, BadChoice
	}
	at, ok := m.time(m.get(v, "at"))
	if !ok || at.After(m.now.Add(5*time.Minute)) {
		return c, BadDate
	}
	c.At = at
	c.Proof = consent.Proof{Where: m.get(v, "where"), Version: m.get(v, "text_version"), Evidence: strings.ToLower(m.get(v, "evidence"))}
	if c.State != consent.Given { // a no counts, whatever is wrong with what comes with it
		c.legible()
	}
	return c, c.proven()
}

// purpose reads a purpose by its key or by its words.
func purpose(s string) (thimble.Purpose, bool) {
	for _, a := range consent.Asked {
		if s == string(a.Purpose) || table.Fold(s) == table.Fold(a.Title) {
			return a.Purpose, true
		}
	}
	return "", false
}

// legible drops what is broken of the proof.
func (c *Choice) legible() {
	if raw, err := hex.DecodeString(c.Proof.Evidence); err != nil || len(raw) != 32 {
		c.Proof.Evidence = ""
	}
	for _, s := range []*string{&c.Proof.Where, &c.Proof.Version} {
		if unprintable(*s) {
			*s = ""
		}
	}
}

func unprintable(s string) bool {
	return utf8.RuneCountInString(s) > 100 || strings.ContainsFunc(s, unicode.IsControl)
}

// proven reports which rule the proof breaks. A no needs none; what there is of it is
// kept all the same.
func (c Choice) proven() Reason {
	p := c.Proof
	if raw, err := hex.DecodeString(p.Evidence); p.Evidence != "" && (err != nil || len(raw) != 32) {
		return BadEvidence
	}
	for _, s := range []string{p.Where, p.Version} {
		if unprintable(s) {
			return BadEvidence
		}
	}
	if c.State == consent.Given && (p.Where == "" || p.Version == "" || p.Evidence == "") {
		return NoProof
	}
	return ""
}
