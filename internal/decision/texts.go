package decision

import (
	"fmt"
	"strings"

	"thimble"
)

// ListTexts are the texts of a list of things chosen from what a person has bought.
// Things says what is listed: "products".
func ListTexts(things string) Texts { return listTexts(things) }

// ScoreTexts are the texts of a score that falls into a band. Thing says what is
// decided, in the person's words: "how soon we answer you".
func ScoreTexts(thing string) Texts { return scoreTexts(thing) }

func listTexts(things string) Texts {
	if things == "" {
		things = "things"
	}
	return Texts{
		Customer: func(r Record, w Words) string { return customerList(r, w, things) },
		Agent:    agent,
		Auditor:  auditor,
	}
}

func scoreTexts(thing string) Texts {
	if thing == "" {
		thing = "this"
	}
	return Texts{
		Customer: func(r Record, w Words) string { return customerScore(r, w, thing) },
		Agent:    agent,
		Auditor:  auditor,
	}
}

// The text for the person has at most eighty words, in short sentences. Shares are
// rounded: exact ones would tell how to play the model, and say nothing more.
const (
	nameWords    = 4 // of a product's name
	namedChanges = 2
)

func customerList(r Record, w Words, things string) string {
	var s sentences
	if len(r.Results) == 0 {
		s.add("We found nothing to show you.")
		return s.text()
	}
	first := r.Results[0]
	if won := r.ranked(); len(won) > 0 {
		first = won[0]
	}
	if len(r.Results) == 1 {
		s.add("A program chose this for you.")
		s.add("It is %s.", short(w.Item(first.Item)))
	} else {
		s.add("A program chose these %d %s for you.", len(r.Results), things)
		s.add("The first is %s.", short(w.Item(first.Item)))
		if r.Results[0].Held != "" {
			s.drop()
			s.add("An ad stands first, then %s.", short(w.Item(first.Item)))
		}
	}
	if top, part := largest(first); part != "" {
		s.add("%s of its points come from one thing you bought: %s.", capital(part), short(w.Item(top)))
	}
	if c := r.Counter; c != nil && len(c.Changes) == 1 {
		s.add("Without that, %s would be first.", short(w.Item(c.Leads)))
		if c.Changes[0].Key != topOf(first) {
			s.drop()
			s.add("Without %s, %s would be first.", short(w.Item(c.Changes[0].Key)), short(w.Item(c.Leads)))
		}
	}
	if len(first.Boosts) > 0 {
		s.add("The shop moved it by a rule of its own.")
	}
	s.add("We used no more about you.")
	s.add("You can stop this at any time.")
	s.add("Is it wrong? Ask us, and a person will look.")
	return s.text()
}

func customerScore(r Record, w Words, thing string) string {
	var s sentences
	s.add("A program decided %s.", thing)
	if len(r.Results) == 0 {
		return s.text()
	}
	for _, rail := range r.Rails {
		if rail.Fired && rail.Does == Forces {
			s.add("One rule decided it alone: %s.", shorter(rail.Words, 10))
			break
		}
	}
	if b := r.bandOf(r.Results[0].Outcome); b != nil {
		s.add("It came to this: %s.", shorter(b.Words, 8))
	}
	if top, part := largest(r.Results[0]); part != "" {
		s.add("What counted most was %s.", shorter(r.nameOf(top, w), 6))
	}
	s.change(r)
	s.add("Is it wrong? Ask us, and a person will look.")
	return s.text()
}

// change says what would have led elsewhere.
func (s *sentences) change(r Record) {
	c := r.Counter
	switch {
	case c == nil:
	case c.None == Best:
		s.add("It could not be better.")
	case c.None != "":
		s.add("There is nothing you could change.")
	default:
		var all []string
		for _, change := range c.Changes[:min(namedChanges, len(c.Changes))] {
			all = append(all, shorter(r.nameOf(change.Key, Words{}.plain()), 4)+" at "+shorter(change.Text, 3))
		}
		more := ""
		if n := len(c.Changes) - namedChanges; n > 0 {
			more = fmt.Sprintf(", and %d more", n)
		}
		s.add("This would have led to a better end: %s%s.", strings.Join(all, " and "), more)
	}
}

// bandOf is the band of an outcome; nil for none.
func (r Record) bandOf(outcome string) *Band {
	if i := r.place(outcome); i >= 0 {
		return &r.Bands[i]
	}
	return nil
}

// nameOf is what a term is because of, in words: a feature's, or an item's name.
func (r Record) nameOf(key thimble.ItemID, w Words) string {
	for _, f := range r.Features {
		if f.Key == key {
			return f.Words
		}
	}
	return w.Item(key)
}

func topOf(res Result) thimble.ItemID {
	top, _ := largest(res)
	return top
}

// largest is the term that counted most, and how much of what speaks for the result
// it is, in words.
func largest(res Result) (key thimble.ItemID, part string) {
	var top, all int64
	for _, t := range res.Terms {
		all += abs(t.Share)
		if abs(t.Share) > abs(top) {
			key, top = t.Because, t.Share
		}
	}
	if all == 0 {
		return "", ""
	}
	return key, roughly(float64(abs(top)) / float64(all))
}

// roughly rounds a share to words.
func roughly(part float64) string {
	switch {
	case part >= 0.95:
		return "all"
	case part >= 0.6:
		return "most"
	case part >= 0.4:
		return "about half"
	case part >= 0.2:
		return "about a third"
	default:
		return "a small part"
	}
}

// A sentences gathers a text.
type sentences struct{ all []string }

func (s *sentences) add(format string, args ...any) {
	s.all = append(s.all, fmt.Sprintf(format, args...))
}
func (s *sentences) drop()        { s.all = s.all[:len(s.all)-1] }
func (s *sentences) text() string { return strings.Join(s.all, " ") }

func short(name string) string { return "“" + shorter(name, nameWords) + "”" }

// shorter cuts a name after some words; what ends a sentence is no part of a name.
func shorter(name string, words int) string {
	all := strings.Fields(strings.NewReplacer(".", "", "!", "", "?", "", "“", "", "”", "").Replace(name))
	if len(all) > words {
		return strings.Join(all[:words], " ") + " …"
	}
	return strings.Join(all, " ")
}

func capital(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}
