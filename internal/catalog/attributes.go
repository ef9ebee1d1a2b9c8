package catalog

import (
	"time"
)

// Attributes are what a shop's feed says of a product beyond its name, price and
// category. The zero value says nothing: what is unknown leaves what is stored.
type Attributes struct {
	Brand    string
	Colour   string
	Size     string // of this variant: "M", "42"
	Gender   string // whom it is made for: "female", "male", "unisex"
	AgeGroup string // "adult", "kids", "toddler"
	Material string
	Season   string // such as "summer 2026"
	// Group is the number that all variants of one product share. A list shows one
	// of them.
	Group string
	// Adult says whether it is for grown-ups only: alcohol, weapons, erotica.
	Adult        Answer
	Availability Availability
	// Since is when it was first seen for sale: the earliest that any source said.
	Since time.Time
}

// An Answer is yes, no, or unknown.
type Answer string

// The answers.
const (
	Yes Answer = "yes"
	No  Answer = "no"
)

// An Availability is what a feed says of whether a product can be bought. Levels of
// stock, where there are some, say it better.
type Availability string

// The availabilities; "" is unknown.
const (
	ForSale    Availability = "for sale" // whether it is in stock is not said
	InStock    Availability = "in stock"
	OutOfStock Availability = "out of stock"
	Preorder   Availability = "preorder"
	Backorder  Availability = "backorder"
	Withdrawn  Availability = "withdrawn" // no longer sold: in no list
)

// maxAttribute is the most characters of one attribute.
const maxAttribute = 64

// Fits reports whether s can be an attribute.
func Fits(s string) bool { return text(s, 0, maxAttribute) }

func (a Attributes) validate() error {
	for _, one := range []struct{ name, value string }{
		{"brand", a.Brand}, {"colour", a.Colour}, {"size", a.Size}, {"gender", a.Gender}, {"age group", a.AgeGroup},
		{"material", a.Material}, {"season", a.Season}, {"group", a.Group},
	} {
		if !Fits(one.value) {
			return invalid(one.name, "at most 64 characters without control characters")
		}
	}
	switch a.Adult {
	case "", Yes, No:
	default:
		return invalid("answer to adult", `"yes", "no" or empty`)
	}
	switch a.Availability {
	case "", ForSale, InStock, OutOfStock, Preorder, Backorder, Withdrawn:
		return nil
	}
	return invalid("availability", `"for sale", "in stock", "out of stock", "preorder", "backorder", "withdrawn" or empty`)
}
