package collect

import (
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"thimble"
	"thimble/internal/subject"
)

// A Customer is a person as a source has them.
type Customer struct {
	Line int64
	// IDs are what names them, the most telling first: account, e-mail, phone; but for
	// those that the door denies.
	IDs []subject.Identifier
	// All has those that the door denies too: who was forgotten under one of them stays
	// forgotten.
	All     []subject.Identifier
	Name    thimble.Personal[string] // "" where it is not known
	Region  thimble.Personal[string] // state or province
	Country string
	Age     subject.AgeState // "" where it is not known; no date of birth is kept
	Dropped int64            // values that are not kept
}

// grownUp is when people are grown up everywhere we know of: in doubt later.
const grownUp = 21

// customer reads a row.
func (m *meaning) customer(line int64, v values) (Customer, Reason) {
	c := Customer{Line: line}
	number, ok := account(m.get(v, "account"))
	if !ok {
		return c, BadCustomer
	}
	if number != "" {
		c.IDs = append(c.IDs, subject.Identifier{Kind: subject.Account, Value: thimble.Hide(m.theirs(number))})
	}
	for _, k := range []subject.Kind{subject.Email, subject.Phone} {
		text := m.get(v, string(k))
		if text == "" {
			continue
		}
		id, err := subject.NewIdentifier(k, text)
		if err != nil {
			// A phone number without its country is somebody else's elsewhere.
			c.Dropped++
			continue
		}
		c.IDs = append(c.IDs, id)
	}
	if len(c.IDs) == 0 {
		return c, NoIdentifier
	}
	name := m.get(v, "name")
	if name == "" {
		name = strings.TrimSpace(m.get(v, "first_name") + " " + m.get(v, "last_name"))
	}
	c.Name, ok = label(name)
	c.Dropped += one(!ok)
	c.Region, ok = label(m.get(v, "region"))
	c.Dropped += one(!ok)
	c.Country, _ = m.country(m.get(v, "country"))
	c.Age = m.age(m.get(v, "birthday"))
	return c, ""
}

func one(yes bool) int64 {
	if yes {
		return 1
	}
	return 0
}

// label reads a name or a region: at most 200 characters on one line. Anything else is
// dropped, which costs nothing else of the row.
func label(s string) (thimble.Personal[string], bool) {
	s = strings.Join(strings.Fields(s), " ")
	if utf8.RuneCountInString(s) > 200 || strings.ContainsFunc(s, unicode.IsControl) {
		return thimble.Hide(""), false
	}
	return thimble.Hide(s), true
}

// age makes of a date of birth whether somebody is grown up, and forgets the date. A
// majority differs (18, in some places 19 or 21): who is between is of unknown age, and
// unknown is not adult.
func (m *meaning) age(s string) subject.AgeState {
	born, ok := m.layout.Parse(s, time.UTC)
	if s == "" || !ok || born.After(m.now) {
		return ""
	}
	switch {
	case !born.AddDate(grownUp, 0, 0).After(m.now):
		return subject.AgeAdult
	case born.AddDate(18, 0, 0).After(m.now):
		return subject.AgeMinor
	}
	return ""
}
