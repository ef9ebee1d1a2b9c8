package policyweb

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"thimble/internal/web"
)

// names are those of the places that packs which ship name. A place of somebody's own
// pack goes by its code.
var names = map[string]string{
	"AT": "Austria", "BE": "Belgium", "BG": "Bulgaria", "BR": "Brazil", "CA": "Canada", "CA-QC": "Canada, Quebec", "CH": "Switzerland",
	"CN": "China", "CY": "Cyprus", "CZ": "Czechia", "DE": "Germany", "DK": "Denmark", "EE": "Estonia", "ES": "Spain",
	"EU": "European Union, somewhere", "FI": "Finland", "FR": "France", "GB": "United Kingdom", "GR": "Greece", "HR": "Croatia",
	"HU": "Hungary", "IE": "Ireland", "IN": "India", "IS": "Iceland", "IT": "Italy", "LI": "Liechtenstein", "LT": "Lithuania",
	"LU": "Luxembourg", "LV": "Latvia", "MT": "Malta", "NL": "Netherlands", "NO": "Norway", "PL": "Poland", "PT": "Portugal",
	"RO": "Romania", "SE": "Sweden", "SI": "Slovenia", "SK": "Slovakia", "US": "United States, state unknown",
	"US-AL": "United States, Alabama", "US-CA": "United States, California", "US-CO": "United States, Colorado",
	"US-CT": "United States, Connecticut", "US-DE": "United States, Delaware", "US-FL": "United States, Florida",
	"US-IA": "United States, Iowa", "US-IL": "United States, Illinois", "US-IN": "United States, Indiana",
	"US-KY": "United States, Kentucky", "US-LA": "United States, Louisiana", "US-MD": "United States, Maryland",
	"US-MN": "United States, Minnesota", "US-MT": "United States, Montana", "US-NE": "United States, Nebraska",
	"US-NH": "United States, New Hampshire", "US-NJ": "United States, New Jersey", "US-NY": "United States, New York",
	"US-OK": "United States, Oklahoma", "US-OR": "United States, Oregon", "US-RI": "United States, Rhode Island",
	"US-TN": "United States, Tennessee", "US-TX": "United States, Texas", "US-UT": "United States, Utah",
	"US-VA": "United States, Virginia", "US-WA": "United States, Washington",
}

const unknownPlace = "Residence unknown"

// placeName is a place in words; several are joined by +.
func placeName(code string) string {
	if code == "" || code == "unknown" {
		return unknownPlace
	}
	parts := strings.Split(code, "+")
	for i, p := range parts {
		parts[i] = cmp.Or(names[p], p)
	}
	return strings.Join(parts, " and ")
}

// placeOptions are the places that packs know, by name, and the chosen one.
func placeOptions(known []string, chosen string) []web.Option {
	all := slices.Clone(known)
	if chosen != "" && !slices.Contains(all, chosen) {
		all = append(all, chosen)
	}
	options := make([]web.Option, len(all))
	for i, code := range all {
		options[i] = web.Option{Value: code, Label: placeName(code) + " (" + code + ")"}
		if names[code] == "" {
			options[i].Label = code
		}
	}
	slices.SortFunc(options, func(a, b web.Option) int { return strings.Compare(a.Label, b.Label) })
	return append([]web.Option{{Label: unknownPlace}}, options...)
}

// manyPlaces names places shortly.
func manyPlaces(codes []string) string {
	all := make([]string, len(codes))
	for i, c := range codes {
		all[i] = placeName(c)
	}
	if len(all) > 4 {
		return fmt.Sprintf("%s; and %d more", strings.Join(all[:3], "; "), len(all)-3)
	}
	return strings.Join(all, "; ")
}
