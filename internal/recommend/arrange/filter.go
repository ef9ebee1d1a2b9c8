package arrange

import (
	"strings"
	"time"

	"thimble"
	"thimble/internal/catalog"
)

// A Candidate is a product that could be in a list.
type Candidate struct {
	Product *catalog.Product
	Score   int64
	// Units is how much there is of it in all places; Counted says whether that is
	// known.
	Units   int64
	Counted bool
}

// A Filter is what a reader asks for. The zero value asks for nothing.
type Filter struct {
	Category string
	Brand    string
	Size     string
	MinPrice int64 // in minor units; 0 is no bound
	MaxPrice int64
	Currency string // of the bounds; "" is whatever the product has
	InStock  bool   // only what is known to be in stock
}

// A Request says for whom and where a list is.
type Request struct {
	K         int
	Now       time.Time
	Placement string
	Filter    Filter
	// GrownUp says that the shop vouches for the reader's age.
	GrownUp bool
	// Seen are products that stay out because the list is about them, or was made from
	// them.
	Seen map[thimble.ItemID]bool
	// Bought says when the reader last bought a product, and From when from a category.
	Bought map[thimble.ItemID]time.Time
	From   map[string]time.Time
	// Left is how many products each filter kept out before they were candidates.
	Left map[string]int
}

// The filters, by name. Their words follow "left out:".
const (
	Withdrawn  = "withdrawn"
	Bought     = "bought"
	Seen       = "seen"
	Adult      = "adult"
	NoStock    = "stock"
	OtherKind  = "category"
	OtherBrand = "brand"
	OtherSize  = "size"
	OtherPrice = "price"
	InWindow   = "window"
	Variant    = "variant"
	Various    = "diversity"
	Lifted     = "floor"
	Held       = "campaign"
)

var words = map[string]string{
	Withdrawn: "what is no longer sold is left out", Bought: "what you already bought is left out", Seen: "what the list is about, or you have just seen, is left out",
	Adult: "what is for grown-ups is left out, because nobody vouched for the age", NoStock: "what is out of stock is left out",
	OtherKind: "other categories are left out, as asked", OtherBrand: "other brands are left out, as asked", OtherSize: "other sizes are left out, as asked",
	OtherPrice: "what costs more or less than asked, or has no known price, is left out",
	InWindow:   "categories from which you bought lately are left out", Variant: "of the variants of one product one is shown",
	Various: "of one brand or category only so many are shown", Lifted: "a part of the list is kept for some products", Held: "a place of the list is held by a campaign",
}

// Words say what a rule does, for whoever reads the list.
func Words(rule string) string { return words[rule] }

// Keeps returns the filter that keeps a candidate out; "" lets it in.
func (r Rules) Keeps(c Candidate, q Request) string {
	p, f := c.Product, q.Filter
	switch _, had := q.Bought[p.ID]; {
	case p.Kind == catalog.Service || p.Availability == catalog.Withdrawn:
		return Withdrawn
	case had:
		return Bought
	case q.Seen[p.ID]:
		return Seen
	case !q.GrownUp && r.adult(p):
		return Adult
	case c.Counted && c.Units <= 0 && p.Availability != catalog.Preorder && p.Availability != catalog.Backorder,
		!c.Counted && p.Availability == catalog.OutOfStock, f.InStock && !c.stocked():
		return NoStock
	case f.Category != "" && !strings.EqualFold(f.Category, p.Category):
		return OtherKind
	case f.Brand != "" && !strings.EqualFold(f.Brand, p.Brand):
		return OtherBrand
	case f.Size != "" && !strings.EqualFold(f.Size, p.Size):
		return OtherSize
	case !f.priced(p.Price):
		return OtherPrice
	case r.tired(p, q):
		return InWindow
	}
	return ""
}

func (r Rules) adult(p *catalog.Product) bool {
	if p.Adult == catalog.Yes {
		return true
	}
	for _, c := range r.AdultCategories {
		if strings.EqualFold(c, p.Category) {
			return true
		}
	}
	return false
}

func (c Candidate) stocked() bool {
	return c.Counted && c.Units > 0 || !c.Counted && c.Product.Availability == catalog.InStock
}

func (f Filter) priced(m thimble.Money) bool {
	if f.MinPrice <= 0 && f.MaxPrice <= 0 {
		return true
	}
	return m.Minor > 0 && m.Minor >= f.MinPrice && (f.MaxPrice <= 0 || m.Minor <= f.MaxPrice) && (f.Currency == "" || f.Currency == m.Currency)
}

// tired reports whether the reader bought from the product's category within its window.
func (r Rules) tired(p *catalog.Product, q Request) bool {
	for _, w := range r.Windows {
		at, had := q.From[strings.ToLower(p.Category)]
		if had && strings.EqualFold(w.Category, p.Category) && q.Now.Sub(at) < time.Duration(w.Days)*24*time.Hour {
			return true
		}
	}
	return false
}
