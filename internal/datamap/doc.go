// Package datamap is the inventory of personal data as code: what is held about
// people, where, of which category, why, by which holder and for how long.
//
// It promises:
//
//   - every column of every table is in the map, as a personal field or as one
//     that holds nothing personal; a test reads both schemas and fails otherwise;
//   - every table with a personal field names the holder that exports and erases it;
//   - a field that is sealed says so.
//
// Recipients, transfers and the notice compiled from the map come with their own
// issue.
package datamap

import "thimble"

// A Table is one table of the schema.
type Table struct {
	Name   string
	Set    string // sqldb.Core or sqldb.Keys
	Holder string // who exports and erases it; "" where nothing is personal
	Fields []Field
	Plain  []string // columns that hold nothing personal
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
}

// Personal reports whether the table holds data about people.
func (t Table) Personal() bool { return len(t.Fields) > 0 }

// All returns the map, in the order of its tables' names within each topic.
func All() []Table { return tables }

const (
	untilErased  = "until the person is erased"
	untilExpired = "until it expires, or the person is erased"
)

func pseudonym(note string, purposes ...thimble.Purpose) Field {
	return Field{Column: "subject_id", Category: thimble.Pseudonym, Source: "drawn at random by Thimble", Purposes: purposes, Retention: untilErased, Note: note}
}
