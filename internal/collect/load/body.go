package load

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// Where in a template an event's own id and its person stand. Both have a fixed length, so
// that a client writes them in place.
type hole struct{ id, user int }

const (
	idSize   = 24
	userSize = 13 // load-00000000
)

// A template is a body whose events differ from those of every other by id and person
// alone, once a client has filled it.
type template struct {
	bytes []byte
	holes []hole
}

const (
	blankID   = "000000000000000000000000"
	blankUser = "load-00000000"
)

// names of what is sold, and properties of what happens, as the spec has them.
var (
	goods   = []string{"Linen shirt", "Wool coat", "Denim jacket", "Silk scarf", "Leather belt", "Canvas shoes", "Cotton socks", "Corduroy trousers"}
	colours = []string{"navy", "ecru", "olive", "charcoal"}
	sizes   = []string{"XS", "S", "M", "L", "XL"}
)

// product writes the fields of a product.
func product(r *rand.Rand) string {
	n := r.IntN(2000)
	return fmt.Sprintf(`"product_id":"SKU-%04d","sku":"SKU-%04d-%s","category":"Clothing","name":"%s","brand":"Seed","variant":"%s","price":"%d.%02d","quantity":1,"currency":"EUR","size":"%s","colour":"%s","position":%d`,
		n, n, sizes[n%5], goods[n%len(goods)], colours[n%4], 9+n%200, n%100, sizes[n%5], colours[n%4], n%40)
}

// properties are the properties of one of eight kinds of event, in the shares of a shop.
func properties(r *rand.Rand) (event, props string) {
	switch n := r.IntN(100); {
	case n < 50:
		return "Product Viewed", product(r)
	case n < 65:
		return "Product List Viewed", `"list_id":"new","category":"Clothing","products":[{` + product(r) + `}]`
	case n < 75:
		return "Product Clicked", product(r)
	case n < 83:
		return "Product Added", `"cart_id":"cart-1",` + product(r)
	case n < 87:
		return "Product Removed", `"cart_id":"cart-1",` + product(r)
	case n < 92:
		return "Products Searched", `"query":"` + strings.ToLower(goods[r.IntN(len(goods))]) + `"`
	case n < 96:
		return "Cart Viewed", `"cart_id":"cart-1","products":[{` + product(r) + `}]`
	default:
		return "Checkout Started", `"value":"89.95","revenue":"79.95","shipping":"4.95","tax":"5.05","currency":"EUR","products":[{` + product(r) + `}]`
	}
}

const around = `"context":{"locale":"de-DE","timezone":"Europe/Berlin","userAgent":"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0 Safari/537.36",` +
	`"page":{"path":"/clothing","title":"Clothing","url":"https://shop.example/clothing"},` +
	`"consent":{"categoryPreferences":{"Advertising":true,"Analytics":true,"DataSharing":true,"Functional":true,"Personalization":true,"Training":true}}}`

// newTemplate makes a body of so many events; one is sent by itself.
func newTemplate(r *rand.Rand, events int) template {
	var b strings.Builder
	var t template
	if events > 1 {
		b.WriteString(`{"batch":[`)
	}
	for i := range events {
		if i > 0 {
			b.WriteByte(',')
		}
		event, props := properties(r)
		b.WriteString(`{"type":"track","messageId":"`)
		h := hole{id: b.Len()}
		b.WriteString(blankID + `","userId":"`)
		h.user = b.Len()
		fmt.Fprintf(&b, `%s","event":"%s","properties":{%s},%s}`, blankUser, event, props, around)
		t.holes = append(t.holes, h)
	}
	if events > 1 {
		b.WriteString(`]}`)
	}
	t.bytes = []byte(b.String())
	return t
}

const digits = "0123456789abcdef"

// number writes n in hexadecimal, to the left of end.
func number(b []byte, end int, n uint64) {
	for ; n > 0; n >>= 4 {
		end--
		b[end] = digits[n&15]
	}
}

// fill copies a template to dst and gives each event an id of its own and somebody.
func (t template) fill(dst []byte, run, next uint64, r *rand.Rand, subjects int) []byte {
	dst = append(dst, t.bytes...)
	from := len(dst) - len(t.bytes)
	for i, h := range t.holes {
		number(dst, from+h.id+8, run&0xffffffff)
		number(dst, from+h.id+idSize, next+uint64(i))
		user := dst[from+h.user : from+h.user+userSize]
		for n, at := r.IntN(subjects), userSize-1; n > 0; n, at = n/10, at-1 {
			user[at] = digits[n%10]
		}
	}
	return dst
}
