package datamap

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"thimble"
)

// WriteTable prints a map for people: a line for each personal field.
func WriteTable(w io.Writer, all []Table) error {
	tab := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tab, "FIELD\tCATEGORY\tPURPOSES\tSOURCE\tHOLDER\tRECIPIENTS\tSEALED\tRISK\tRETENTION")
	for _, e := range Entries(all) {
		sealed := "no"
		if e.Sealed {
			sealed = "yes"
		}
		fmt.Fprintf(tab, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", e.Name(), e.Category, Join(e.Purposes), e.Source, e.Holder, Or(e.Recipients, "none"), sealed, e.Risk, e.Retention)
	}
	return tab.Flush()
}

// Join writes purposes one after the other.
func Join(purposes []thimble.Purpose) string {
	words := make([]string, len(purposes))
	for i, p := range purposes {
		words[i] = string(p)
	}
	return strings.Join(words, ", ")
}

// Or writes a list, or a word where it is empty.
func Or(list []string, empty string) string {
	if len(list) == 0 {
		return empty
	}
	return strings.Join(list, ", ")
}

// An Inventory is the map as JSON.
type Inventory struct {
	Form     string  `json:"form"` // "thimble.datamap/v1"
	Taxonomy string  `json:"taxonomy"`
	Fields   []Entry `json:"fields"`
	// Plain counts the columns that hold nothing personal.
	Plain int `json:"plain_columns"`
}

// Credit names where the taxonomy comes from.
const Credit = "fideslang, Ethyca, CC BY 4.0, with additions that begin with thimble."

// WriteJSON writes a map for programs.
func WriteJSON(w io.Writer, all []Table) error {
	inventory := Inventory{Form: "thimble.datamap/v1", Taxonomy: Credit, Fields: Entries(all)}
	for _, t := range all {
		inventory.Plain += len(t.Plain)
	}
	return writeJSON(w, inventory)
}

// WriteTaxonomy prints the categories, each with what it means and, where it is
// refused, that it is.
func WriteTaxonomy(w io.Writer) error {
	tab := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tab, "CATEGORY\tNAME\tKEPT FOR\tMEANING")
	for _, t := range Categories() {
		c := thimble.Category(t.Key)
		kept := Join(Needed(c))
		if kept == "" {
			kept = "not kept"
		}
		if Refuse(c) != nil && kept == "not kept" {
			kept = "refused"
		}
		fmt.Fprintf(tab, "%s\t%s\t%s\t%s\n", t.Key, t.Name, kept, t.Description)
	}
	return tab.Flush()
}

func writeJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return fmt.Errorf("datamap: writing the map: %w", err)
	}
	return nil
}
