package timeline

import (
	"bytes"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"thimble"
	"thimble/internal/collect"
)

// What an event says, as far as something is made of it.
type What struct {
	Type string // the call: "track", "page"
	Name string // of a track, "Product Viewed"
	At   time.Time

	Title    string // of a page or a screen
	Query    string // of a search
	Order    string // the number of an order
	Message  string // TagLen letters that tell the message from others; set by who has the record
	Currency string
	Country  string // ISO 3166-1 alpha-2
	Language string // "de", without the region

	// Products are those of the event, in its order; for an event about one product,
	// that one.
	Products []Product

	one Product // of the properties themselves
}

// A Product is one in an event.
type Product struct {
	Item  thimble.ItemID
	Name  string
	Units int64  // 0 when the event does not say
	Minor int64  // the price of one unit
	List  string // that it was in, as the event names it; "" when it does not say
}

type decoder struct {
	buf bytes.Reader
	dec *jsontext.Decoder
}

var decoders = sync.Pool{New: func() any {
	d := &decoder{}
	d.dec = jsontext.NewDecoder(&d.buf)
	return d
}}

// Add reads one part of an event, or the whole. Parts may be added in any order. One
// that is not the JSON that the door writes adds what was read up to there.
func (w *What) Add(part []byte) {
	d := decoders.Get().(*decoder)
	defer decoders.Put(d)
	d.buf.Reset(part)
	d.dec.Reset(&d.buf)
	d.object(func(key string) {
		switch key {
		case "type":
			w.Type = d.text()
		case "event":
			w.Name = d.text()
		case "time":
			if n, ok := d.number(); ok {
				w.At = time.UnixMicro(n).UTC()
			}
		case "country":
			w.country(d.text())
		case "name":
			w.Title = d.text()
		case "properties":
			d.object(func(key string) { w.property(d, key) })
		case "context":
			d.object(func(key string) { w.context(d, key) })
		default:
			d.skip()
		}
	})
	d.buf.Reset(nil) // the plain event is not kept in the pool
	d.dec.Reset(&d.buf)
}

// Done settles what only the whole event tells.
func (w *What) Done() {
	if len(w.Products) == 0 && w.one.Item != "" {
		w.Products = append(w.Products, w.one)
	}
	w.one = Product{}
}

// Lists reports whether some product says which list it was in.
func (w *What) Lists() bool {
	return slices.ContainsFunc(w.Products, func(p Product) bool { return p.List != "" })
}

// property reads one of the properties, of an event about one product among them.
func (w *What) property(d *decoder, key string) {
	switch key {
	case "query":
		w.Query = d.text()
	case "order_id":
		w.Order = d.text()
	case "currency":
		w.Currency = d.text()
	case "title":
		w.Title = d.text()
	case "products":
		n := 0
		d.list(func() {
			if n == len(w.Products) {
				w.Products = append(w.Products, Product{})
			}
			p := &w.Products[n]
			n++
			d.object(func(key string) { p.read(d, key) })
		})
	case "address":
		d.object(func(key string) {
			if key == "country" {
				w.country(d.text())
				return
			}
			d.skip()
		})
	default:
		w.one.read(d, key)
	}
}

func (p *Product) read(d *decoder, key string) {
	switch key {
	case "product_id":
		if s := d.text(); s != "" {
			p.Item = collect.Item(s)
		}
	case "sku":
		if s := d.text(); s != "" && p.Item == "" {
			p.Item = collect.Item(s)
		}
	case "name":
		p.Name = d.text()
	case "quantity":
		p.Units, _ = d.number()
	case "price_minor":
		p.Minor, _ = d.number()
	case "list_id":
		p.List = d.text()
	default:
		d.skip()
	}
}

func (w *What) context(d *decoder, key string) {
	if key != "locale" {
		d.skip()
		return
	}
	// BCP 47 and POSIX: the language comes first, and is all that is kept.
	s := d.text()
	for i := range len(s) {
		if s[i] == '-' || s[i] == '_' {
			s = s[:i]
			break
		}
	}
	if len(s) == 2 || len(s) == 3 {
		w.Language = lower(s)
	}
}

func lower(s string) string {
	b := []byte(s)
	for i, c := range b {
		if c >= 'A' && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}

func (w *What) country(s string) {
	if len(s) == 2 && s[0] >= 'A' && s[0] <= 'Z' && s[1] >= 'A' && s[1] <= 'Z' {
		w.Country = s
	}
}

// object reads an object: f reads or skips the value of each key.
func (d *decoder) object(f func(key string)) {
	if d.dec.PeekKind() != '{' {
		d.skip()
		return
	}
	if _, err := d.dec.ReadToken(); err != nil {
		return
	}
	for d.dec.PeekKind() == '"' {
		t, err := d.dec.ReadToken()
		if err != nil {
			return
		}
		f(t.String())
	}
	_, _ = d.dec.ReadToken() // of what is broken, what was read stays
}

func (d *decoder) list(f func()) {
	if d.dec.PeekKind() != '[' {
		d.skip()
		return
	}
	if _, err := d.dec.ReadToken(); err != nil {
		return
	}
	for {
		switch d.dec.PeekKind() {
		case ']', 0:
			_, _ = d.dec.ReadToken()
			return
		}
		f()
	}
}

func (d *decoder) skip() { _ = d.dec.SkipValue() }

func (d *decoder) text() string {
	if d.dec.PeekKind() != '"' {
		d.skip()
		return ""
	}
	t, err := d.dec.ReadToken()
	if err != nil {
		return ""
	}
	return t.String()
}

func (d *decoder) number() (int64, bool) {
	if d.dec.PeekKind() != '0' {
		d.skip()
		return 0, false
	}
	v, err := d.dec.ReadValue()
	if err != nil {
		return 0, false
	}
	n, err := strconv.ParseInt(string(v), 10, 64)
	return n, err == nil
}
