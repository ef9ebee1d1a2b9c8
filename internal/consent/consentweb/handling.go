package consentweb

import (
	"slices"
	"strings"

	"thimble"
	"thimble/internal/consent"
	"thimble/internal/datamap"
)

// documentType is the form of [consent.Document].
const documentType = "application/ld+json"

// handling is what the data map says of a purpose.
func handling(p thimble.Purpose) (h consent.Handling) {
	var terms []string
	for _, e := range datamap.For(p) {
		h.Categories = append(h.Categories, e.Category)
		h.Recipients = append(h.Recipients, e.Recipients...)
		terms = append(terms, e.Retention)
	}
	slices.Sort(h.Categories)
	slices.Sort(h.Recipients)
	slices.Sort(terms)
	h.Categories, h.Recipients = slices.Compact(h.Categories), slices.Compact(h.Recipients)
	h.Retention = strings.Join(slices.Compact(terms), "; ")
	return h
}
