package content

import (
	"math/bits"
	"strconv"
	"strings"
	"unicode"

	"thimble/internal/catalog"
)

// A Field is a kind of feature.
type Field uint8

// The fields. Size is none: it tells who fits, not what is alike; nor is the group: the
// variants of one product are the same product.
const (
	Category Field = iota
	Brand
	Colour
	Gender
	AgeGroup
	Material
	Season
	Price
	Word
	fields
)

var names = [fields]string{"category", "brand", "colour", "made for", "age group", "material", "season", "price", "word"}

// weights say how much a field tells. They were chosen by hand, and are part of the
// model's form: whoever changes them changes every score.
var weights = [fields]int64{Category: 8, Brand: 6, Colour: 4, Gender: 4, AgeGroup: 4, Material: 4, Season: 2, Price: 2, Word: 8}

// String returns the field's word.
func (f Field) String() string {
	if f >= fields {
		return "field " + strconv.Itoa(int(f))
	}
	return names[f]
}

// A feature is a field with a value.
type feature struct {
	field Field
	value string
}

// features returns what a product has, each once.
func features(p catalog.Product) []feature {
	var all []feature
	for _, one := range []feature{
		{Category, p.Category}, {Brand, p.Brand}, {Colour, p.Colour}, {Gender, p.Gender}, {AgeGroup, p.AgeGroup}, {Material, p.Material}, {Season, p.Season},
	} {
		if one.value != "" {
			all = append(all, feature{one.field, strings.ToLower(one.value)})
		}
	}
	if p.Price.Minor > 0 {
		all = append(all, feature{Price, band(p.Price.Minor)})
	}
	met := map[string]bool{}
	for _, w := range strings.FieldsFunc(strings.ToLower(p.Name), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
		if len(w) >= 3 && !met[w] && strings.ContainsFunc(w, unicode.IsLetter) {
			met[w] = true
			all = append(all, feature{Word, w})
		}
	}
	return all
}

// band is the half octave in which a price lies: prices in one are within 42 %.
func band(minor int64) string {
	return strconv.FormatInt(log2(uint64(min(minor, 1<<40)), 1)/(logUnit/2), 10)
}

// logUnit is the unit of log2.
const logUnit = 16

// log2 returns the logarithm of a/b ≥ 1 in sixteenths, rounded down. It is worked out in
// whole numbers, so that every processor finds the same.
func log2(a, b uint64) int64 {
	hi, lo := bits.Mul64(a, 1<<20)
	x, _ := bits.Div64(hi, lo, b) // a/b < 2^44 in all that is asked
	n := bits.Len64(x) - 21
	y := x << 11 >> n // in [2^31, 2^32)
	out := int64(n)
	for range 4 {
		y = y * y >> 31
		out <<= 1
		if y >= 1<<32 {
			out, y = out|1, y>>1
		}
	}
	return out
}

// root returns the square root, rounded down.
func root(x uint64) uint64 {
	var r uint64
	for bit := uint64(1) << 31; bit > 0; bit >>= 1 {
		if t := r | bit; t*t <= x {
			r = t
		}
	}
	return r
}
