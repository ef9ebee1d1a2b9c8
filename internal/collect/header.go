package collect

import (
	"fmt"
	"strings"

	"thimble"
	"thimble/internal/collect/table"
)

// known are the fields of a file of orders that needs no confirmation: all of them,
// under names that mean one thing, with dates of ISO 8601 (docs/collect.md).
var known = []struct {
	field string
	names []string
}{
	{"number", []string{"invoiceno", "invoice", "invoicenumber", "orderid", "orderno", "ordernumber", "order", "number"}},
	{"item", []string{"stockcode", "sku", "item", "itemid", "itemcode", "product", "productid", "productcode", "variantsku"}},
	{"name", []string{"description", "name", "title", "itemname", "productname"}},
	{"units", []string{"quantity", "qty", "units"}},
	{"time", []string{"invoicedate", "date", "time", "datetime", "orderdate", "placedat", "createdat", "timestamp"}},
	{"price", []string{"unitprice", "price", "itemprice"}},
	{"customer", []string{"customerid", "customer", "customerno", "customernumber", "account", "accountid", "accountnumber", "userid"}},
	{"country", []string{"country", "countrycode", "shippingcountry", "billingcountry", "deliverycountry"}},
}

// byHeader reads the names of the columns. Its errors repeat no name from the file: a
// file without a header has people's data there.
func byHeader(names []string) (map[string]string, error) {
	columns, at := map[string]string{}, map[string]int{}
	for i, name := range names {
		plain, _, _ := strings.Cut(name, "#") // a name that comes twice has a number behind it
		for _, k := range known {
			if !contains(k.names, table.Fold(plain)) {
				continue
			}
			if before, twice := at[k.field]; twice {
				return nil, fmt.Errorf("collect: columns %d and %d both mean %s; keep one: %w", before+1, i+1, k.names[0], thimble.ErrInvalid)
			}
			columns[k.field], at[k.field] = name, i
		}
	}
	var missing []string
	for _, k := range known {
		if _, there := columns[k.field]; !there {
			missing = append(missing, strings.Join(k.names, "|"))
		}
	}
	if len(missing) > 0 {
		return nil, fmt.Errorf("collect: the first line must name the columns, separated by commas; looked for and did not find: %s: %w",
			strings.Join(missing, "; "), thimble.ErrInvalid)
	}
	return columns, nil
}

func contains(all []string, one string) bool {
	for _, s := range all {
		if s == one {
			return true
		}
	}
	return false
}
