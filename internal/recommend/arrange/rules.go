package arrange

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"thimble"
)

// MostBoost is the most that any shop's rules may let boosts move a score, in percent.
const MostBoost = 50

// Rules are what a shop wants of its lists. The zero value has the filters that always
// hold, one variant of each product, and nothing else.
type Rules struct {
	// AdultCategories are for grown-ups only, whatever the feed says of a product.
	AdultCategories []string `json:"adult_categories,omitempty"`
	Windows         []Window `json:"windows,omitempty"`
	// MaxBoost bounds what boosts together move a score, in percent; 0 allows none.
	MaxBoost  int        `json:"max_boost,omitempty"`
	Boosts    []Boost    `json:"boosts,omitempty"`
	Diversity Diversity  `json:"diversity,omitzero"`
	Floors    []Floor    `json:"floors,omitempty"`
	Campaigns []Campaign `json:"campaigns,omitempty"`
}

// Choosing reports whether rules may put a candidate before one with a better score: then
// a list is chosen from more candidates than it has places.
func (r Rules) Choosing() bool {
	return len(r.Boosts)+len(r.Floors)+len(r.Campaigns) > 0 || r.Diversity != Diversity{}
}

// A Window keeps a category out for days after the reader bought from it.
type Window struct {
	Category string `json:"category"`
	Days     int    `json:"days"`
}

// A Boost moves the score of the products that it matches: those of its brand, of its
// category, or first seen within its days. Of several conditions all must hold.
type Boost struct {
	Words    string `json:"words"` // for the reader: "our own brand"
	Percent  int    `json:"percent"`
	Brand    string `json:"brand,omitempty"`
	Category string `json:"category,omitempty"`
	NewDays  int    `json:"new_days,omitempty"`
}

// Diversity bounds how many of one brand and of one category a list of ten has; longer
// lists have as many more. 0 is no bound. Where nothing else is left, it yields.
type Diversity struct {
	Brand    int `json:"brand,omitempty"`
	Category int `json:"category,omitempty"`
}

// A Floor gives some products a part in every list of ten, where there are such among
// the candidates: those first seen within days, or those of brands.
type Floor struct {
	Words   string   `json:"words"` // for the reader: "new in the shop"
	AtLeast int      `json:"at_least"`
	NewDays int      `json:"new_days,omitempty"`
	Brands  []string `json:"brands,omitempty"`
}

// A Campaign holds a place in lists for a product, for a time. Its product passes the
// filters, or the place is not held.
type Campaign struct {
	Name      string         `json:"name"` // for the reader: "Advertisement: spring week"
	Item      thimble.ItemID `json:"item"`
	Position  int            `json:"position"`            // from 1
	Placement string         `json:"placement,omitempty"` // "" is everywhere
	From      time.Time      `json:"from,omitzero"`
	Until     time.Time      `json:"until,omitzero"`
}

// Bounds of rules, so that a list stays cheap whatever a shop writes.
const (
	maxRules = 100
	maxText  = 200
	maxDays  = 3650
	listUnit = 10 // what Diversity and Floor count in
)

// Parse reads rules: JSON, in which every name must be known. The error is of kind
// ErrInvalid and names the rule.
func Parse(b []byte) (Rules, error) {
	var r Rules
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(&r); err != nil {
		return Rules{}, fmt.Errorf("arrange: reading rules: %w: %w", err, thimble.ErrInvalid)
	}
	if _, err := d.Token(); err != io.EOF {
		return Rules{}, fmt.Errorf("arrange: reading rules: something stands behind them: %w", thimble.ErrInvalid)
	}
	return r, r.Validate()
}

// Version names the rules by what they say: the same rules have the same version.
func (r Rules) Version() string {
	b, err := json.Marshal(r)
	if err != nil {
		panic(err) // texts, numbers and times marshal
	}
	h := sha256.Sum256(b)
	return hex.EncodeToString(h[:6])
}

func invalid(format string, args ...any) error {
	return fmt.Errorf("arrange: "+format+": %w", append(args, thimble.ErrInvalid)...)
}

func said(s string) bool { return s != "" && len(s) <= maxText }

// Validate reports the first rule that cannot be.
func (r Rules) Validate() error {
	if n := len(r.AdultCategories) + len(r.Windows) + len(r.Boosts) + len(r.Floors) + len(r.Campaigns); n > maxRules {
		return invalid("%d rules, at most %d fit", n, maxRules)
	}
	if r.MaxBoost < 0 || r.MaxBoost > MostBoost {
		return invalid("max_boost must be 0 to %d percent", MostBoost)
	}
	if d := r.Diversity; d.Brand < 0 || d.Category < 0 {
		return invalid("diversity must not be negative")
	}
	for i, w := range r.Windows {
		if !said(w.Category) || w.Days < 1 || w.Days > maxDays {
			return invalid("windows[%d] needs a category and 1 to %d days", i, maxDays)
		}
	}
	for i, b := range r.Boosts {
		switch {
		case !said(b.Words):
			return invalid("boosts[%d] needs words for the reader", i)
		case b.Percent == 0 || b.Percent > r.MaxBoost || b.Percent < -r.MaxBoost:
			return invalid("boosts[%d].percent must be within max_boost, and not 0", i)
		case b.Brand == "" && b.Category == "" && b.NewDays == 0 || b.NewDays < 0 || b.NewDays > maxDays:
			return invalid("boosts[%d] needs a brand, a category or new_days", i)
		}
	}
	for i, f := range r.Floors {
		if !said(f.Words) || f.AtLeast < 1 || f.AtLeast > listUnit/2 || (f.NewDays == 0) == (len(f.Brands) == 0) || f.NewDays < 0 || f.NewDays > maxDays || len(f.Brands) > maxRules {
			return invalid("floors[%d] needs words, 1 to %d products, and either new_days or brands", i, listUnit/2)
		}
	}
	for i, c := range r.Campaigns {
		if !said(c.Name) || c.Item == "" || c.Position < 1 || c.Position > 50 || !c.Until.IsZero() && !c.Until.After(c.From) {
			return invalid("campaigns[%d] needs a name, an item, a position from 1 to 50, and an end after its beginning", i)
		}
	}
	return nil
}
