package datamap

import (
	"slices"

	"thimble"
)

// An Entry is one personal field with all that the map says about it.
type Entry struct {
	Table        string            `json:"table"`
	Column       string            `json:"column"`
	Set          string            `json:"set"`
	Category     thimble.Category  `json:"category"`
	CategoryName string            `json:"category_name"`
	People       []string          `json:"people"`
	Source       string            `json:"source"`
	Purposes     []thimble.Purpose `json:"purposes"`
	Holder       string            `json:"holder"`
	Controller   string            `json:"controller"`
	Brands       []string          `json:"brands"`
	Recipients   []string          `json:"recipients"`
	Processors   []string          `json:"processors"`
	Transfers    []string          `json:"transfers"`
	Retention    string            `json:"retention"`
	Sealed       bool              `json:"sealed"`
	Measures     []Measure         `json:"measures"`
	Risk         Risk              `json:"risk"`
	Inside       []string          `json:"inside,omitempty"` // fields of the sealed body
	Note         string            `json:"note,omitempty"`
}

// Name is the table and the column.
func (e Entry) Name() string { return e.Table + "." + e.Column }

// Entries returns the personal fields of a map such as [All].
func Entries(all []Table) (entries []Entry) {
	for _, t := range all {
		for _, f := range t.Fields {
			term, _ := CategoryOf(f.Category) // a test sees that it is there
			entries = append(entries, Entry{
				Table: t.Name, Column: f.Column, Set: t.Set, Category: f.Category, CategoryName: term.Name,
				People: f.People, Source: f.Source, Purposes: f.Purposes, Holder: t.Holder, Controller: t.Controller, Brands: t.Brands,
				Recipients: none(f.Recipients), Processors: none(f.Processors), Transfers: none(f.Transfers),
				Retention: f.Retention, Sealed: f.Sealed, Measures: f.Measures, Risk: f.Risk, Inside: Inside(t.Name, f.Column), Note: f.Note,
			})
		}
	}
	return entries
}

// none makes a list of nothing, which JSON writes as [] and not as null.
func none(s []string) []string {
	if s == nil {
		return []string{}
	}
	return s
}

// For returns the fields kept for a purpose or a part of it.
func For(p thimble.Purpose) (entries []Entry) {
	for _, e := range Entries(All()) {
		if slices.ContainsFunc(e.Purposes, func(q thimble.Purpose) bool { return q.Within(p) }) {
			entries = append(entries, e)
		}
	}
	return entries
}

// Needed returns the purposes for which a category, or a part of it, is kept, in
// their order. None means that nothing needs it: there is no reason to collect it.
func Needed(c thimble.Category) (purposes []thimble.Purpose) {
	for _, t := range All() {
		for _, f := range t.Fields {
			if f.Category.Within(c) {
				purposes = append(purposes, f.Purposes...)
			}
		}
	}
	slices.Sort(purposes)
	return slices.Compact(purposes)
}
