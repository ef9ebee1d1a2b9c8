package catalog

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"

	"thimble"
)

// What a page is sorted by.
const (
	ByName  = "name"
	ByPrice = "price"
	BySold  = "sold"
)

// MaxPage is the most products on one page.
const MaxPage = 200

// A Query asks for one page of products.
type Query struct {
	Search   string // words that each occur in name or id; "" means all
	Category string // "" means all
	Kind     Kind   // "" means both
	Sort     string // ByName, ByPrice or BySold; "" means ByName
	Desc     bool
	After    string // the Next of the page before; "" means from the start
	Limit    int    // 0 means 50
}

// Normal returns q with its defaults filled in, or an error that names the
// field that is wrong.
func (q Query) Normal() (Query, error) {
	if q.Sort == "" {
		q.Sort = ByName
	}
	if q.Limit == 0 {
		q.Limit = 50
	}
	switch {
	case q.Sort != ByName && q.Sort != ByPrice && q.Sort != BySold:
		return q, fmt.Errorf("catalog: sort must be %s, %s or %s: %w", ByName, ByPrice, BySold, thimble.ErrInvalid)
	case q.Limit < 1 || q.Limit > MaxPage:
		return q, fmt.Errorf("catalog: limit must be 1 to %d: %w", MaxPage, thimble.ErrInvalid)
	case len(q.Words()) > 8 || !text(q.Search, 0, 200):
		return q, fmt.Errorf("catalog: search must be at most 8 words and 200 characters: %w", thimble.ErrInvalid)
	case !text(q.Category, 0, 64):
		return q, fmt.Errorf("catalog: category must be a word of the catalogue: %w", thimble.ErrInvalid)
	}
	return q, nil
}

// Words returns the words of the search as they are compared.
func (q Query) Words() []string { return strings.Fields(Fold(q.Search)) }

// Fold returns text as the search compares it.
func Fold(s string) string { return strings.ToLower(s) }

// Listed is a product with what was sold of it.
type Listed struct {
	Product
	SoldOrders int64
	SoldUnits  int64
}

// A Page is a part of the products that a query asks for.
type Page struct {
	Products []Listed
	Next     string // "" on the last page
	Total    int64  // of all pages
}

// A Position is where a page ended: the sort key of its last product.
type Position struct {
	Sort string         `json:"s"`
	Desc bool           `json:"d,omitempty"`
	Text string         `json:"t,omitempty"` // the key, when sorted by name
	Num  int64          `json:"n,omitempty"` // the key otherwise
	ID   thimble.ItemID `json:"i"`
}

// Cursor returns p as an opaque text for a URL.
func (p Position) Cursor() string {
	b, err := json.Marshal(p)
	if err != nil {
		panic(err) // strings and numbers marshal
	}
	return base64.RawURLEncoding.EncodeToString(b)
}

// Position reads q.After. It refuses the cursor of another order, which would
// silently skip products.
func (q Query) Position() (Position, error) {
	var p Position
	b, err := base64.RawURLEncoding.DecodeString(q.After)
	if err == nil {
		err = json.Unmarshal(b, &p)
	}
	if err != nil || p.Sort != q.Sort || p.Desc != q.Desc || p.ID == "" {
		return p, fmt.Errorf("catalog: the cursor is not of this list; start from its first page: %w", thimble.ErrInvalid)
	}
	return p, nil
}
