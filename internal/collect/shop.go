package collect

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"thimble"
	"thimble/internal/collect/table"
	"thimble/internal/order"
)

// Own says of a file that its numbers are those of the installation's own shop.
const Own = table.OwnShop

// A number that another shop gave has the shop before it: "shopify/main:7". So it is found
// from wherever it is named, and customer 7 of one shop is not customer 7 of another.
const shopMark = ":"

// ShopPrefix is what stands before a shop's numbers.
func ShopPrefix(shop string) string { return shop + shopMark }

var qualified = regexp.MustCompile(`^` + table.ShopForm + shopMark)

// orderNumber reads an order's number as the source has it, which may name the shop itself.
func (m *meaning) orderNumber(s string) (number string, ok bool) {
	rest := s
	if m.prefix == "" {
		rest = strings.TrimPrefix(s, qualified.FindString(s))
	}
	return m.prefix + s, rest != "" && len(rest) <= order.MaxNumber && !broken(s) && len(m.prefix)+len(s)-len(rest) <= order.MaxShop
}

// theirs puts the shop before a customer's number; a guest has none.
func (m *meaning) theirs(account string) string {
	if account == "" {
		return ""
	}
	return m.prefix + account
}

// numbered lists the fields of a kind that only mean something within one shop.
func numbered(k Kind) []string {
	switch k {
	case Orders:
		return []string{"number", "customer"}
	case Customers, Consents:
		return []string{"account"}
	case Reviews:
		return []string{"number", "customer"}
	}
	return nil
}

// AskShop puts it among the doubts of a guess whose numbers the file has, when several
// shops' numbers are here.
func AskShop(k Kind, g *table.Guess, shops []string) {
	if len(shops) > 0 && g.Mapping.Shop == "" && slices.ContainsFunc(numbered(k), func(f string) bool { return g.Mapping.Columns[f] != "" }) {
		g.Doubts = append(g.Doubts, fmt.Sprintf("shop: numbers of %s are here too; say whose the file's are with --shop, %s for the own shop's", strings.Join(shops, ", "), Own))
	}
}

// whose finds what stands before the numbers of a source. A source with numbers must say
// whose they are once there are several shops.
func (im *Importer) whose(ctx context.Context, k Kind, m *table.Mapping) (prefix string, err error) {
	if m != nil && m.Shop == Own {
		return "", nil
	}
	if m != nil && m.Shop != "" {
		return im.store.Shop(ctx, m.Shop)
	}
	if k == Orders && m == nil || m != nil && slices.ContainsFunc(numbered(k), func(f string) bool { return m.Columns[f] != "" }) {
		shops, err := im.store.Shops(ctx)
		if err != nil {
			return "", err
		}
		if len(shops) > 0 {
			return "", fmt.Errorf("collect: shop: numbers of %s are here too; say whose the file's are with --shop, %s for the own shop's: %w", strings.Join(shops, ", "), Own, thimble.ErrInvalid)
		}
	}
	return "", nil
}
