package collect

import (
	"cmp"
	"strings"
	"unicode/utf8"

	"thimble"
	"thimble/internal/catalog"
	"thimble/internal/collect/table"
	"thimble/internal/order"
)

// A Good is a product as a source has it.
type Good struct {
	Line    int64
	Product catalog.Product // of no UpdatedAt when the source does not say when
}

// A Level is how much of a product is where.
type Level struct {
	Line  int64
	Stock catalog.Stock // of no At when the source does not say when it was counted
}

// item reads the product's number.
func (m *meaning) item(v values) (thimble.ItemID, Reason) {
	code := itemCode(m.get(v, "item"))
	if code == "" || len(code) > order.MaxItem || broken(string(code)) {
		return "", BadItem
	}
	return code, ""
}

// good reads a row.
func (m *meaning) good(line int64, v values) (Good, Reason) {
	g := Good{Line: line, Product: catalog.Product{Kind: catalog.Goods}}
	p := &g.Product
	var reason Reason
	if p.ID, reason = m.item(v); reason != "" {
		return g, reason
	}
	p.Kind = kindOf(p.ID)
	p.Name = strings.Join(strings.Fields(m.get(v, "name")), " ")
	if utf8.RuneCountInString(p.Name) > 200 {
		return g, BadDescription
	}
	p.Category = category(m.get(v, "category"))
	if utf8.RuneCountInString(p.Category) > 64 {
		return g, BadCategory
	}
	if m.get(v, "price") != "" {
		if p.Price, reason = m.money(v); reason != "" {
			return g, reason
		}
	}
	if s := m.get(v, "updated"); s != "" {
		var ok bool
		if p.UpdatedAt, ok = m.past(s); !ok {
			return g, BadDate
		}
	}
	p.Attributes = m.attributes(v)
	if p.Validate() != nil {
		return g, BadItem
	}
	return g, ""
}

// category is the last part of a path: "Clothing > Shirts" is shirts. Of several
// categories the first counts.
func category(s string) string {
	if first, _, several := strings.Cut(s, ","); several && !strings.Contains(s, ">") {
		s = first
	} else if several {
		s = strings.Split(s, ",")[0]
	}
	if at := strings.LastIndexAny(s, ">/|"); at >= 0 {
		s = s[at+1:]
	}
	return strings.ToLower(strings.Join(strings.Fields(s), " "))
}

// level reads a row.
func (m *meaning) level(line int64, v values) (Level, Reason) {
	l := Level{Line: line}
	var reason Reason
	if l.Stock.Item, reason = m.item(v); reason != "" {
		return l, reason
	}
	number, _, ok := table.Decimal(cmp.Or(m.get(v, "units"), "none"), m.decimal)
	number, negative := strings.CutPrefix(number, "-")
	units, reason := parseUnits(number, false)
	switch {
	case ok && reason == ZeroQuantity:
		units = 0
	case !ok || reason != "":
		return l, BadQuantity
	}
	if l.Stock.Units = units; negative {
		l.Stock.Units = -units // oversold
	}
	l.Stock.Place = m.get(v, "place")
	if utf8.RuneCountInString(l.Stock.Place) > 64 || broken(l.Stock.Place) {
		return l, BadPlace
	}
	if s := m.get(v, "at"); s != "" {
		if l.Stock.At, ok = m.past(s); !ok {
			return l, BadDate
		}
	}
	return l, ""
}
