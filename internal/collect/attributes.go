package collect

import (
	"strings"

	"thimble/internal/catalog"
)

// attributes reads what a row says of a product beyond name and price. What cannot be
// read, or is longer than an attribute may be, is left out: it is no reason to refuse
// the product.
func (m *meaning) attributes(v values) catalog.Attributes {
	word := func(field string) string {
		s := strings.Join(strings.Fields(m.get(v, field)), " ")
		if !catalog.Fits(s) {
			return ""
		}
		return s
	}
	lower := func(field string) string { return strings.ToLower(word(field)) }
	a := catalog.Attributes{
		Brand: word("brand"), Colour: lower("colour"), Size: word("size"), Gender: gender(lower("gender")), AgeGroup: lower("age_group"),
		Material: lower("material"), Season: lower("season"), Group: word("group"), Adult: answer(lower("adult")), Availability: availability(lower("availability")),
	}
	if at, ok := m.past(m.get(v, "since")); ok {
		a.Since = at
	}
	return a
}

// gender is the word of Google's product data specification for what a feed says.
func gender(s string) string {
	switch s {
	case "f", "w", "women", "woman", "womens", "women's", "ladies", "ladieswear", "damen", "femme", "mujer", "donna", "dames":
		return "female"
	case "m", "men", "man", "mens", "men's", "menswear", "herren", "homme", "hombre", "uomo", "heren":
		return "male"
	}
	return s
}

func answer(s string) catalog.Answer {
	switch s {
	case "yes", "true", "1", "ja", "oui", "si", "sì", "sí", "y":
		return catalog.Yes
	case "no", "false", "0", "nein", "non", "nee", "n":
		return catalog.No
	}
	return ""
}

// availability reads the words of Google's feed, of Schema.org, of Shopify's status and
// of WooCommerce's published. A word that is none of these says nothing.
func availability(s string) catalog.Availability {
	s = strings.NewReplacer("_", "", " ", "", "-", "").Replace(s[strings.LastIndexByte(s, '/')+1:])
	switch s {
	case "instock", "available", "limitedavailability", "onlineonly", "auflager", "enstock", "disponible", "disponibile":
		return catalog.InStock
	case "outofstock", "soldout", "ausverkauft", "epuise", "agotado", "esaurito":
		return catalog.OutOfStock
	case "preorder", "presale":
		return catalog.Preorder
	case "backorder", "onbackorder":
		return catalog.Backorder
	case "active", "published", "1", "true", "yes":
		return catalog.ForSale
	case "archived", "draft", "discontinued", "unpublished", "0", "false", "no":
		return catalog.Withdrawn
	}
	return ""
}
