// Package fit reveals values.
package fit

import (
	"thimble"
	"thimble/internal/subject"
)

func Silent(p thimble.Personal[string]) string {
	return p.Reveal() // want "a personal value is revealed and no comment says why"
}

func Short(i subject.Identifier) int {
	return len(i.Value.Reveal()) // why // want "a personal value is revealed and no comment says why"
}

func Handed(p thimble.Personal[int]) func() int {
	// A comment does not help: nobody sees where it is called.
	return p.Reveal // want "Reveal is handed on"
}

func Far(p thimble.Personal[string]) string {
	// This comment says why something else is done.
	if n := 0; n > 1 {
		return ""
	}
	return p.Reveal() // want "a personal value is revealed and no comment says why"
}

func Behind(p thimble.Personal[string]) bool {
	return p.Reveal() == "" // to compare it with nothing, which shows nobody
}

func Above(p thimble.Personal[string]) bool {
	// The value is compared and goes nowhere.
	return p.Reveal() == ""
}

// Documented reveals the value to hash it under the vault's key.
func Documented(p thimble.Personal[string]) int {
	n := 0
	for range p.Reveal() {
		n++
	}
	return n
}

type card struct{}

// look-alike: another type's Reveal.
func (card) Reveal() string { return "an ace" }

func Game() string { return card{}.Reveal() }
