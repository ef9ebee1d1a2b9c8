package collect

import (
	"fmt"
	"strings"
	"unicode"

	"thimble"
)

// A field is what a column means.
type field int

const (
	fieldNumber field = iota
	fieldItem
	fieldName
	fieldUnits
	fieldTime
	fieldPrice
	fieldCustomer
	fieldCountry
	fields
)

// synonyms are the names a column may have, letters and digits only, in lower
// case: "Order ID" and "order_id" are "orderid". The first is the name in UCI
// Online Retail.
var synonyms = [fields][]string{
	fieldNumber:   {"invoiceno", "invoice", "invoicenumber", "orderid", "orderno", "ordernumber", "order", "number"},
	fieldItem:     {"stockcode", "sku", "item", "itemid", "itemcode", "product", "productid", "productcode", "variantsku"},
	fieldName:     {"description", "name", "title", "itemname", "productname"},
	fieldUnits:    {"quantity", "qty", "units"},
	fieldTime:     {"invoicedate", "date", "time", "datetime", "orderdate", "placedat", "createdat", "timestamp"},
	fieldPrice:    {"unitprice", "price", "itemprice"},
	fieldCustomer: {"customerid", "customer", "customerno", "customernumber", "account", "accountid", "accountnumber", "userid"},
	fieldCountry:  {"country", "countrycode", "shippingcountry", "billingcountry", "deliverycountry"},
}

// A header says in which column each field is.
type header [fields]int

// parseHeader reads the names of the columns. Its errors repeat no name from the
// file: a file without a header has people's data there.
func parseHeader(names []string) (header, error) {
	var h header
	for f := range h {
		h[f] = -1
	}
	for column, name := range names {
		f, ok := meaning(name)
		if !ok {
			continue
		}
		if h[f] >= 0 {
			return h, fmt.Errorf("collect: columns %d and %d both mean %s; keep one: %w", h[f]+1, column+1, synonyms[f][0], thimble.ErrInvalid)
		}
		h[f] = column
	}
	var missing []string
	for f, column := range h {
		if column < 0 {
			missing = append(missing, strings.Join(synonyms[f], "|"))
		}
	}
	if len(missing) > 0 {
		return h, fmt.Errorf("collect: the first line must name the columns, separated by commas; looked for and did not find: %s: %w",
			strings.Join(missing, "; "), thimble.ErrInvalid)
	}
	return h, nil
}

func meaning(name string) (field, bool) {
	folded := strings.Map(func(r rune) rune {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			return -1
		}
		return unicode.ToLower(r)
	}, name)
	for f, names := range synonyms {
		for _, n := range names {
			if n == folded {
				return field(f), true
			}
		}
	}
	return 0, false
}
