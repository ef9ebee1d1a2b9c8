package datamap

import (
	"embed"
	"encoding/csv"
	"fmt"
	"slices"
	"sync"

	"thimble"
)

// The taxonomy is fideslang's (Ethyca, CC BY 4.0), with additions of our own.
//
//go:embed taxonomy/*.csv
var taxonomyFiles embed.FS

// A Term is a key of the taxonomy with what it means.
type Term struct {
	Key, Parent, Name, Description string
}

// vocabulary is the taxonomy by kind, each in the order of its keys.
type vocabulary struct {
	categories, purposes, people []Term
}

// The files ship with the program and a test reads them: what cannot be read is a
// fault of the build, which must not go on with half a taxonomy.
var taxonomy = sync.OnceValue(func() vocabulary {
	var v vocabulary
	for _, name := range []string{"taxonomy/fideslang.csv", "taxonomy/thimble.csv"} {
		if err := v.read(name); err != nil {
			panic(fmt.Sprintf("datamap: %s: %v", name, err))
		}
	}
	for _, terms := range [][]Term{v.categories, v.purposes, v.people} {
		slices.SortFunc(terms, byKey)
	}
	return v
})

func (v *vocabulary) read(name string) error {
	file, err := taxonomyFiles.Open(name)
	if err != nil {
		return err
	}
	defer file.Close()
	rows, err := csv.NewReader(file).ReadAll()
	if err != nil {
		return err
	}
	for _, r := range rows[1:] {
		t := Term{Key: r[1], Parent: r[2], Name: r[3], Description: r[4]}
		switch r[0] {
		case "category":
			v.categories = append(v.categories, t)
		case "purpose":
			v.purposes = append(v.purposes, t)
		case "person":
			v.people = append(v.people, t)
		default:
			return fmt.Errorf("kind %q: category, purpose or person was expected", r[0])
		}
	}
	return nil
}

func byKey(a, b Term) int {
	switch {
	case a.Key < b.Key:
		return -1
	case a.Key > b.Key:
		return 1
	}
	return 0
}

func find(terms []Term, key string) (Term, bool) {
	i, ok := slices.BinarySearchFunc(terms, Term{Key: key}, byKey)
	if !ok {
		return Term{}, false
	}
	return terms[i], true
}

// Categories, Purposes and People list the taxonomy. Do not change what they return.
func Categories() []Term { return taxonomy().categories }

// Purposes lists the purposes of the taxonomy.
func Purposes() []Term { return taxonomy().purposes }

// People lists the kinds of people of the taxonomy.
func People() []Term { return taxonomy().people }

// CategoryOf returns what a category means, and whether the taxonomy has it.
func CategoryOf(c thimble.Category) (Term, bool) { return find(taxonomy().categories, string(c)) }

// PurposeOf returns what a purpose means, and whether the taxonomy has it.
func PurposeOf(p thimble.Purpose) (Term, bool) { return find(taxonomy().purposes, string(p)) }
