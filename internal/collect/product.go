package collect

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"unicode"

	"thimble"
	"thimble/internal/catalog"
)

// services are the codes in UCI Online Retail that are not goods: postage and
// carriage, corrections by hand, discounts, samples, fees, a charity's commission,
// pads that come with a cushion. Goods there have five digits and a letter, or
// begin with DCGS or gift_.
var services = map[thimble.ItemID]bool{
	"POST": true, "DOT": true, "C2": true, "23444": true, // postage, carriage
	"M": true, "B": true, "D": true, "S": true, // by hand, bad debt, discount, sample
	"BANK CHARGES": true, "AMAZONFEE": true, "CRUK": true, "PADS": true,
}

func kindOf(item thimble.ItemID) catalog.Kind {
	if services[item] {
		return catalog.Service
	}
	return catalog.Goods
}

// isName reports whether a description names the product. The books also hold
// stock-keepers' notes ("damages", "?", "came coded as…"; one names a colleague):
// they are on rows without a price and, other than names, in lower case or one word.
func isName(description string, minor int64) bool {
	if description == "" || minor > 0 {
		return description != ""
	}
	var upper, letters int
	for _, r := range description {
		if unicode.IsLetter(r) {
			letters++
		}
		if unicode.IsUpper(r) {
			upper++
		}
	}
	return 2*upper > letters && len(strings.Fields(description)) > 1
}

// words lead from a word of a product's name to its category. They were chosen by
// how often they end a name in UCI Online Retail.
var words = map[string]string{
	"BAG": "bags", "HANDBAG": "bags", "PURSE": "bags", "WASHBAG": "bags", "SHOPPER": "bags", "BACKPACK": "bags",
	"MUG": "mugs", "CUP": "mugs", "TEACUP": "mugs", "BEAKER": "mugs", "SAUCER": "mugs",
	"BOWL": "tableware", "PLATE": "tableware", "DISH": "tableware", "TRAY": "tableware", "CUTLERY": "tableware",
	"PLACEMAT": "tableware", "COASTER": "tableware", "NAPKIN": "tableware", "JUG": "tableware", "GLASS": "tableware",
	"BOTTLE": "kitchen", "JAR": "kitchen", "TIN": "kitchen", "CASE": "kitchen", "CAKESTAND": "kitchen", "TEAPOT": "kitchen",
	"APRON": "kitchen", "CUTTER": "kitchen", "SCALE": "kitchen", "TIMER": "kitchen", "MOULD": "kitchen",
	"LIGHT": "lights", "LAMP": "lights", "LANTERN": "lights", "LAMPSHADE": "lights",
	"CANDLE": "candles", "HOLDER": "candles", "CANDLEHOLDER": "candles", "CANDLESTICK": "candles", "INCENSE": "candles",
	"NECKLACE": "jewellery", "BRACELET": "jewellery", "EARRING": "jewellery", "RING": "jewellery", "CHARM": "jewellery",
	"BROOCH": "jewellery", "BANGLE": "jewellery", "BEAD": "jewellery", "HAIRCLIP": "jewellery",
	"CARD": "stationery", "NOTEBOOK": "stationery", "SKETCHBOOK": "stationery", "JOURNAL": "stationery", "PEN": "stationery",
	"PENCIL": "stationery", "STICKER": "stationery", "TAPE": "stationery", "BOOK": "stationery",
	"WRAP": "wrapping", "RIBBON": "wrapping", "TISSUE": "wrapping", "TAG": "wrapping",
	"BOX": "storage", "BASKET": "storage", "CABINET": "storage", "DRAWER": "storage", "RACK": "storage", "STAND": "storage",
	"HOOK": "hooks", "HANGER": "hooks", "KNOB": "hooks", "DOORSTOP": "hooks",
	"SIGN": "signs", "CLOCK": "clocks", "FRAME": "frames", "MIRROR": "mirrors",
	"CUSHION": "textiles", "COVER": "textiles", "TOWEL": "textiles", "QUILT": "textiles", "DOORMAT": "textiles",
	"DECORATION": "decorations", "GARLAND": "decorations", "BUNTING": "decorations", "WREATH": "decorations",
	"BELL": "decorations", "HEART": "decorations", "TREE": "decorations", "STAR": "decorations",
	"FLOWER": "garden", "PARASOL": "garden", "UMBRELLA": "garden", "PLANTER": "garden", "POT": "garden", "THERMOMETER": "garden",
	"TOY": "toys", "DOLL": "toys", "GAME": "toys", "PUZZLE": "toys", "SKITTLES": "toys", "KIT": "toys", "BALL": "toys",
}

// categoryOf returns the category of the last word of the name that leads to one,
// in singular or plural: "WHITE HANGING HEART T-LIGHT HOLDER" is among the candles.
// Names without such a word are "other"; services are "service".
func categoryOf(name string, kind catalog.Kind) string {
	if kind == catalog.Service {
		return string(catalog.Service)
	}
	parts := strings.FieldsFunc(strings.ToUpper(name), func(r rune) bool { return !unicode.IsLetter(r) })
	for _, word := range slices.Backward(parts) {
		for _, form := range []string{word, strings.TrimSuffix(word, "S"), strings.TrimSuffix(word, "ES")} {
			if category, ok := words[form]; ok {
				return category
			}
		}
	}
	return "other"
}

// Sold returns what the orders say about products, sorted by id: the most
// recent name, and the most recent price at which it was sold.
func Sold(sales []Sale) []catalog.Product {
	seen := map[thimble.ItemID]catalog.Product{}
	for _, s := range sales {
		for i, l := range s.Order.Lines {
			p, had := seen[l.Item]
			if !had {
				p = catalog.Product{ID: l.Item, Kind: kindOf(l.Item)}
			}
			later := !s.Order.PlacedAt.Before(p.UpdatedAt)
			if name := s.Names[i]; name != "" && (later || p.Name == "") {
				p.Name, p.Category = name, categoryOf(name, p.Kind)
			}
			if l.Price.Minor > 0 && !s.Order.Return && (later || p.Price.Minor == 0) {
				p.Price = l.Price
			}
			if later {
				p.UpdatedAt = s.Order.PlacedAt
			}
			if p.Since.IsZero() || s.Order.PlacedAt.Before(p.Since) {
				p.Since = s.Order.PlacedAt
			}
			seen[l.Item] = p
		}
	}
	return slices.SortedFunc(maps.Values(seen), func(a, b catalog.Product) int { return cmp.Compare(a.ID, b.ID) })
}

// Demand returns what the orders add to the counts of their days; returns add
// nothing.
func Demand(sales []Sale) []catalog.Demand {
	type key struct {
		item thimble.ItemID
		day  int64
	}
	sum := map[key]catalog.Demand{}
	for _, s := range sales {
		if s.Order.Return {
			continue
		}
		met := make(map[thimble.ItemID]bool, len(s.Order.Lines))
		day := catalog.Day(s.Order.PlacedAt)
		for _, l := range s.Order.Lines {
			d := sum[key{l.Item, day}]
			d.Item, d.Day = l.Item, day
			if !met[l.Item] {
				d.Orders++
			}
			met[l.Item] = true
			d.Units += l.Units
			sum[key{l.Item, day}] = d
		}
	}
	return slices.SortedFunc(maps.Values(sum), func(a, b catalog.Demand) int {
		return cmp.Or(cmp.Compare(a.Day, b.Day), cmp.Compare(a.Item, b.Item))
	})
}
