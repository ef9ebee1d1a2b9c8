package thimble

import "context"

// A Corrector is a holder that can put a wrong value right (GDPR Art. 16).
type Corrector interface {
	Holder
	// Remedy says how a datum that the holder exported can be put right; false when it
	// cannot, such as what the shop itself wrote down.
	Remedy(d Datum) (Remedy, bool)
	// Accepts returns nil for a correction that can be meant, and else an error of kind
	// ErrInvalid that says what was expected. It reads nothing.
	Accepts(c Correction) error
	// Correct puts the value right, and moves the person's epoch with it. The cause of the
	// context is the request for it: a second call for it changes nothing and succeeds. The error is of kind ErrConflict when the right value
	// cannot be taken, ErrNotFound when the person is gone.
	Correct(ctx context.Context, c Correction) (Corrected, error)
}

// A Remedy is what can be said about a value that is wrong.
type Remedy struct {
	Title   string // what the value is, for the person: "E-mail address"
	Was     string // the value, as the person reads it
	Choices []RemedyChoice
	Parts   []RemedyPart // what can be put right by itself, if the value has parts
	Items   []ItemID     // the products in it, which pages call by their names
}

// A RemedyPart is one part of a value, such as a line of an order. The remedy of the datum
// whose Ref is the part's is that of the part.
type RemedyPart struct {
	Ref   string // of the value, "/" and the part's
	Words string // for the person
	Item  ItemID // the product that the words name; "" for none
}

// A RemedyChoice is one thing that can be right instead.
type RemedyChoice struct {
	Key   string // for the program: "replace"
	Words string // for the person: "It is another one"
	Asks  string // the label of the value that is needed with it; "" for none
	Hint  string // how to write that value
	// AtOnce can be done by the person alone: being signed in shows enough, and nobody
	// else is concerned.
	AtOnce bool
}

// Choice returns a choice by its key.
func (r Remedy) Choice(key string) (RemedyChoice, bool) {
	for _, c := range r.Choices {
		if c.Key == key {
			return c, true
		}
	}
	return RemedyChoice{}, false
}

// A Correction says which value that is held about somebody is wrong, and what is right.
type Correction struct {
	Subject SubjectID
	Name    string           // of the datum, as it is exported
	Ref     string           // which of several, as its datum says
	Choice  string           // the key of a choice of its remedy
	Value   Personal[string] // what is right, if the choice asks for it
	Was     Personal[string] // the value as its remedy had it when it was said to be wrong
}

// A Corrected says what was put right.
type Corrected struct {
	Changed int    // values; 0 when it was right already
	Kept    []Kept // of the wrong value, where a law needs it
}
