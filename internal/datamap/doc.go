// Package datamap is the inventory of personal data as code: what is held about
// people, where, of which category, why, by which holder and for how long; who
// receives it, how it is protected, and what its loss would do.
//
// It promises:
//
//   - every column of every table is in the map, as a personal field or as one
//     that holds nothing personal; a test reads both schemas on both engines and
//     fails otherwise, on views, generated columns and indexes of expressions too;
//   - every field inside a sealed body is declared; a test reads the types;
//   - every table with a personal field names the holder that exports and erases it;
//   - every category and purpose that the code names is in the taxonomy, which is
//     fideslang's with the additions that begin with "thimble.";
//   - numbers of cards, data of social networks and numbers that a state gave are
//     refused: by category ([Refuse]), and by the look of a value ([RefuseValue]);
//   - a field that is sealed says so.
//
// Registering stays short: what a field does not say is filled in by [All] from its
// table and from what holds for the whole installation.
package datamap

import "thimble"

// A Table is one table of the schema.
type Table struct {
	Name   string
	Set    string // the set of tables, such as sqldb.Core
	Holder string // who exports and erases it; "" where nothing is personal
	Fields []Field
	Plain  []string // columns that hold nothing personal

	Controller string   // who decides why and how; "" means [Operator]
	Brands     []string // whose customers; nil means every brand of the installation
	Processors []string // who stores it for the controller; nil means nobody
}

// A Field is one personal column.
type Field struct {
	Column    string
	Category  thimble.Category
	Source    string // where the data comes from
	Purposes  []thimble.Purpose
	Sealed    bool   // under the person's key
	Retention string // how long, in words
	Note      string

	// What follows has defaults, which [All] fills in.

	People     []string  // kinds of people, by fideslang's keys; nil means customers
	Recipients []string  // who is given it; nil means nobody
	Processors []string  // who handles it for the controller; nil means the table's
	Transfers  []string  // countries it is sent to; nil means none
	Measures   []Measure // how it is protected; nil means what Sealed and the category tell; empty means none
	Risk       Risk      // what its loss would do to the person; "" means what the category tells
}

// Personal reports whether the table holds data about people.
func (t Table) Personal() bool { return len(t.Fields) > 0 }

const (
	untilErased  = "until the person is erased"
	untilLeft    = "until the account ends"
	untilExpired = "until it expires, or the person is erased"
)

func pseudonym(note string, purposes ...thimble.Purpose) Field {
	return Field{Column: "subject_id", Category: thimble.Pseudonym, Source: "drawn at random by Thimble", Purposes: purposes, Retention: untilErased, Note: note}
}

// employee is a column about a member of staff.
func employee(column string, c thimble.Category, source, retention string, measures ...Measure) Field {
	if measures == nil {
		measures = []Measure{}
	}
	return Field{Column: column, Category: c, Source: source, Purposes: service, Retention: retention, People: []string{"employee"}, Measures: measures}
}
