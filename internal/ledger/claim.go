package ledger

import (
	"bytes"

	"thimble"
)

// A Claim is what a row of a table says of its leaf, for an audit that holds rows
// against leaves. It names no value of the row.
type Claim struct {
	Table   string
	Class   Class
	Subject thimble.SubjectID // whom the row is about; zero for nobody
	Opening Opening
	// Err says why the row's opening could not be opened; nil when it was.
	Err error
	// Rule is the rule that the row breaks against its own record; "" for none.
	Rule string
	// Within says that the leaf is in a batch: it is held against that by whoever makes
	// the claim, and the batch's root against the log by a claim of its own.
	Within bool
}

// A Finding is a rule that rows break. It names nobody.
type Finding struct {
	Table string `json:"table"`
	Rule  string `json:"rule"`
	Rows  int    `json:"rows"`
}

// Differs is the rule of a row that does not say what its leaf commits to.
const Differs = "the row does not say what its leaf commits to"

// Held is the claim of a row that nobody owns: the leaf that its opening opens commits to
// what the row says now, which is its record, or err if that cannot be written.
func Held(table string, class Class, opening, record []byte, err error) Claim {
	c := Claim{Table: table, Class: class}
	if c.Err = c.Opening.UnmarshalBinary(opening); c.Err == nil {
		c.Rule = RuleIf(err == nil && bytes.Equal(record, c.Opening.Record))
	}
	return c
}

// RuleIf is Differs unless the row and its record agree.
func RuleIf(agree bool) string {
	if agree {
		return ""
	}
	return Differs
}

// YieldAll yields claims, and after them the error of whoever gathered them. It reports
// whether more are wanted.
func YieldAll(yield func(Claim, error) bool, claims []Claim, err error) bool {
	for _, c := range claims {
		if !yield(c, nil) {
			return false
		}
	}
	return err == nil || yield(Claim{}, err)
}
