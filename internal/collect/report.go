package collect

import "thimble"

// Counts say what became of a source's rows and orders.
type Counts struct {
	Rows       int64 `json:"rows"`
	Orders     int64 `json:"orders"`     // written, returns among them
	Returns    int64 `json:"returns"`    // of the orders
	Guests     int64 `json:"guests"`     // of the orders: without a customer
	Known      int64 `json:"known"`      // not written: the number was there already
	Suppressed int64 `json:"suppressed"` // not written: of people who were forgotten
	Subjects   int64 `json:"subjects"`   // people met for the first time
	NoCountry  int64 `json:"no_country"` // orders without a country that has a code
	Rejected   int64 `json:"rejected"`   // rows
	More
	Reasons map[Reason]int64 `json:"reasons"` // of the rejected rows
}

// More is what kinds other than orders count.
type More struct {
	Written   int64 `json:"written"`   // rows that are in: customers, products, levels of stock, reviews, choices
	Joined    int64 `json:"joined"`    // identifiers that people who were there already have now
	Contested int64 `json:"contested"` // identifiers that stayed with whom they were, or were one too many
	Redacted  int64 `json:"redacted"`  // reviews in which something was put in brackets
	Nobody    int64 `json:"nobody"`    // reviews and refusals of nobody who is known
	Same      int64 `json:"same"`      // choices that changed nothing
	Dropped   int64 `json:"dropped"`   // values that no permitted purpose needs
}

// Add adds up.
func (m *More) Add(n More) {
	m.Written += n.Written
	m.Joined += n.Joined
	m.Contested += n.Contested
	m.Redacted += n.Redacted
	m.Nobody += n.Nobody
	m.Same += n.Same
	m.Dropped += n.Dropped
}

// A State is how far an import has come.
type State struct {
	ID       thimble.ID
	Line     int64 // everything up to this line is committed
	Finished bool
	Counts   Counts
}

// A Report says what became of an import, over all its runs.
type Report struct {
	Import  thimble.ID `json:"-"`
	Name    string     `json:"name"`
	Kind    Kind       `json:"kind"`
	Resumed bool       `json:"resumed"` // an earlier run had begun it
	// Repeated says that this source was imported before: nothing was written.
	Repeated bool `json:"repeated"`
	Finished bool `json:"finished"`
	Counts
	Rejects  []Reject           `json:"rejects"`  // the first KeptRejects
	Withheld []thimble.Category `json:"withheld"` // what the door denied
	// NotKept says of those why, where it was decided that nothing of them is kept.
	NotKept map[thimble.Category]string `json:"not_kept,omitempty"`
}

// Progress is how far an import has come. No number in it ever falls.
type Progress struct {
	Bytes, Total int64 // of the source
	Rows         int64
	Orders       int64
	Rejected     int64
	Written      int64
}
