package device

import (
	"thimble"
	"thimble/internal/catalog"
	"thimble/internal/recommend"
	"thimble/internal/recommend/content"
)

// alike names what products may have in common, in the order of their bits. Age and gender
// are one: eight fit.
var alike = [maxFields]string{"category", "brand", "colour", "made for", "material", "season", "price", "name"}

// bitOf is the place of a field of the content model among those.
func bitOf(f content.Field) uint8 {
	switch f {
	case content.Category:
		return 0
	case content.Brand:
		return 1
	case content.Colour:
		return 2
	case content.Gender, content.AgeGroup:
		return 3
	case content.Material:
		return 4
	case content.Season:
		return 5
	case content.Price:
		return 6
	}
	return 7 // a word of the name
}

// sameWeight is the score of a product with one that shares everything with it.
const sameWeight = 8 * 255 * 255

// Alike says which products are alike by the fields of the catalogue, and names the fields.
// No person is in it.
func Alike(products []catalog.Product) (fields []string, of func(thimble.ItemID) []Neighbour) {
	m := content.Build(products)
	return alike[:], func(id thimble.ItemID) (all []Neighbour) {
		for _, r := range m.Rank([]thimble.ItemID{id}, recommend.Query{K: Width}) {
			n := Neighbour{Item: r.Item, Weight: float64(r.Score) / sameWeight}
			for _, t := range r.Terms {
				n.Fields |= 1 << bitOf(t.Field)
			}
			all = append(all, n)
		}
		return all
	}
}
