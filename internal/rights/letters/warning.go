package letters

import (
	"strings"
	"time"

	"thimble"
)

// A Warning is what the letter says to who is to be forgotten for not having been there
// (DPDP Rules 2025, rule 8(2)).
type Warning struct {
	Shop    string // who answers for the data, by name
	Contact string // how to reach them; empty for not said
	Centre  string // the address of the privacy centre
	SeenOn  time.Time
	Due     time.Time
	Period  string // in words, such as "3 years"
	Rule    string // the law's article, or the shop's own reason
}

// Write writes the letter. It names a day and a rule, and nothing of what is held.
func (w Warning) Write() Text {
	var b strings.Builder
	line := func(s ...string) { b.WriteString(strings.Join(s, "") + "\n") }
	for _, p := range []string{
		"Hello,",
		"You were last here on " + day(w.SeenOn) + ". We delete the data of people who stay away for " + w.Period + ". The rule for this: " + w.Rule + ".",
		"On " + day(w.Due) + " we will delete what we have about you. There is no way back after that.",
		"Do you want us to keep it? Then sign in before that day, buy something, or write to us: " + w.Centre,
		"Do you want it to be deleted? Then you need not do anything.",
	} {
		line(p)
		line()
	}
	line(w.Shop)
	if w.Contact != "" {
		line("Reach us: ", w.Contact)
	}
	line()
	line("No link in this letter signs anybody in. We will never ask you for a password or a copy of your papers.")
	return Text{Subject: "We will soon delete your data", Body: thimble.Hide(b.String())}
}
