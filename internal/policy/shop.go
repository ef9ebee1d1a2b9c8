package policy

import (
	"fmt"
	"strconv"
	"strings"

	"thimble"
)

// ParseShop reads where a shop is established, such as "DE, FR", and facts about it,
// such as "marketplace=1, consumers_in_ct=40000".
func ParseShop(establishment, facts string) (Shop, error) {
	s := Shop{Establishment: []string{}, Facts: map[string]int64{}}
	listed := func(text string) []string {
		return strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ' ' })
	}
	for _, place := range listed(establishment) {
		if !placeForm.MatchString(place) {
			return s, fmt.Errorf("policy: establishment: %q is not a place; write an ISO 3166 code, such as DE or US-CA: %w", place, thimble.ErrInvalid)
		}
		s.Establishment = append(s.Establishment, place)
	}
	for _, fact := range listed(facts) {
		name, value, _ := strings.Cut(fact, "=")
		n, err := strconv.ParseInt(value, 10, 64)
		if name == "" || err != nil {
			return s, fmt.Errorf("policy: facts: %q is not a fact; write marketplace=1: %w", fact, thimble.ErrInvalid)
		}
		if old, twice := s.Facts[name]; twice && old != n {
			return s, fmt.Errorf("policy: facts: %s is there twice: %w", name, thimble.ErrInvalid)
		}
		s.Facts[name] = n
	}
	return s, nil
}

// Place reports whether a code has the form of a place: DE or US-CA.
func Place(code string) bool { return placeForm.MatchString(code) }
