package collect

import (
	"strings"

	"thimble/internal/collect/table"
	"thimble/internal/subject"
)

// countries are the names in UCI Online Retail. Those without a code stay without:
// "Channel Islands" are two (GG and JE), "European Community" is no country, and
// "Unspecified" says so itself.
var countries = map[string]string{
	"Australia": "AU", "Austria": "AT", "Bahrain": "BH", "Belgium": "BE", "Brazil": "BR", "Canada": "CA",
	"Channel Islands": "", "Cyprus": "CY", "Czech Republic": "CZ", "Denmark": "DK", "EIRE": "IE",
	"European Community": "", "Finland": "FI", "France": "FR", "Germany": "DE", "Greece": "GR",
	"Hong Kong": "HK", "Iceland": "IS", "Israel": "IL", "Italy": "IT", "Japan": "JP", "Lebanon": "LB",
	"Lithuania": "LT", "Malta": "MT", "Netherlands": "NL", "Norway": "NO", "Poland": "PL", "Portugal": "PT",
	"RSA": "ZA", "Saudi Arabia": "SA", "Singapore": "SG", "Spain": "ES", "Sweden": "SE", "Switzerland": "CH",
	"USA": "US", "United Arab Emirates": "AE", "United Kingdom": "GB", "Unspecified": "",
}

// native are names in other languages and spellings, folded (see table.Fold).
var native = map[string]string{
	"deutschland": "DE", "allemagne": "DE", "alemania": "DE", "germania": "DE", "duitsland": "DE", "osterreich": "AT", "oesterreich": "AT", "autriche": "AT",
	"schweiz": "CH", "suisse": "CH", "svizzera": "CH", "frankreich": "FR", "francia": "FR", "frankrijk": "FR", "espana": "ES", "spanien": "ES", "espagne": "ES",
	"italia": "IT", "italien": "IT", "italie": "IT", "nederland": "NL", "niederlande": "NL", "paysbas": "NL", "thenetherlands": "NL", "belgie": "BE", "belgique": "BE", "belgien": "BE",
	"danmark": "DK", "sverige": "SE", "schweden": "SE", "norge": "NO", "norwegen": "NO", "suomi": "FI", "polska": "PL", "polen": "PL", "cesko": "CZ", "czechia": "CZ",
	"ireland": "IE", "irland": "IE", "greatbritain": "GB", "uk": "GB", "england": "GB", "grossbritannien": "GB", "royaumeuni": "GB", "reinounido": "GB",
	"unitedstates": "US", "unitedstatesofamerica": "US", "vereinigtestaaten": "US", "etatsunis": "US", "estadosunidos": "US", "mexico": "MX", "brasil": "BR", "brasilien": "BR",
	"luxembourg": "LU", "luxemburg": "LU", "hungary": "HU", "magyarorszag": "HU", "ungarn": "HU", "romania": "RO", "bulgaria": "BG", "croatia": "HR", "hrvatska": "HR",
	"slovakia": "SK", "slovensko": "SK", "slovenia": "SI", "slovenija": "SI", "estonia": "EE", "latvia": "LV", "turkey": "TR", "turkiye": "TR", "china": "CN", "india": "IN",
	"southkorea": "KR", "newzealand": "NZ", "southafrica": "ZA", "argentina": "AR", "chile": "CL", "colombia": "CO", "ukraine": "UA", "liechtenstein": "LI",
}

// countryNamed is countryCode of a mapped column, where any spelling may be.
func countryNamed(s string) (code string, ok bool) {
	if code, ok := countryCode(s); ok {
		return code, ok
	}
	if code, ok := countryCode(strings.ToUpper(s)); ok && len(s) == 2 {
		return code, ok
	}
	folded := table.Fold(s)
	if code, ok := native[folded]; ok {
		return code, ok
	}
	for name, code := range countries {
		if code != "" && table.Fold(name) == folded {
			return code, true
		}
	}
	return "", false
}

// countryCode returns the ISO 3166-1 alpha-2 code of a name in the table, or of
// a code; and whether there is one. An unknown country does not cost the order.
func countryCode(s string) (code string, ok bool) {
	if code, known := countries[s]; known {
		return code, code != ""
	}
	if subject.IsCountry(s) {
		return s, true
	}
	return "", false
}
