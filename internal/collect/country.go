package collect

import "thimble/internal/subject"

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
