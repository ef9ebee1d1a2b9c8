package timeline

import (
	"fmt"

	"thimble"
)

// said is what each event of the plan is in the words of whoever did it.
var said = map[string]string{
	"Products Searched":              "You searched",
	"Product List Viewed":            "You looked at a list of products",
	"Product List Filtered":          "You narrowed a list of products",
	"Promotion Viewed":               "You were shown an offer",
	"Promotion Clicked":              "You opened an offer",
	"Product Clicked":                "You opened a product from a list",
	"Product Viewed":                 "You looked at a product",
	"Product Added":                  "You put a product in the basket",
	"Product Removed":                "You took a product out of the basket",
	"Cart Viewed":                    "You looked at your basket",
	"Checkout Started":               "You went to the till",
	"Checkout Step Viewed":           "You were at the till",
	"Checkout Step Completed":        "You completed a step at the till",
	"Payment Info Entered":           "You chose how to pay",
	completed:                        "You ordered",
	"Order Updated":                  "An order of yours was changed",
	refunded:                         "An order of yours was refunded",
	cancelled:                        "An order of yours was cancelled",
	"Coupon Entered":                 "You entered a voucher",
	"Coupon Applied":                 "A voucher was taken off the price",
	"Coupon Denied":                  "A voucher was refused",
	"Coupon Removed":                 "You took a voucher back",
	"Product Added to Wishlist":      "You put a product on a wish list",
	"Product Removed from Wishlist":  "You took a product off a wish list",
	"Wishlist Product Added to Cart": "You put a product from a wish list in the basket",
	"Product Shared":                 "You shared a product",
	"Cart Shared":                    "You shared your basket",
	"Product Reviewed":               "You wrote about a product",
}

var saidOfCalls = map[string]string{
	"page":     "You opened a page",
	"screen":   "You opened a screen of the app",
	"identify": "The shop was told something about you",
	"group":    "You were noted as one of a group",
}

// Words says what happened, to whoever did it; of an event that the shop added to the
// plan, its name.
func (w *What) Words() string {
	if s, ok := said[w.Name]; ok {
		return s
	}
	if s, ok := saidOfCalls[w.Type]; ok {
		return s
	}
	if w.Name != "" {
		return w.Name
	}
	return "Something was noted"
}

// saidOfOthers is what an event is called where staff read of it.
var saidOfOthers = map[string]string{"page": "Page", "screen": "Screen of the app", "identify": "Traits", "group": "Group"}

// Label names the event as the plan does.
func (w *What) Label() string {
	if w.Name != "" {
		return w.Name
	}
	if s, ok := saidOfOthers[w.Type]; ok {
		return s
	}
	return "Details of an event"
}

// About says what it was about, in one line: what was searched, the number of an order,
// products by what named calls them, a page's title. "" when the event does not say.
func (w *What) About(named func(thimble.ItemID) string) string {
	switch {
	case w.Query != "":
		return "“" + w.Query + "”"
	case w.Order != "" && len(w.Products) > 0:
		return fmt.Sprintf("order %s: %s", w.Order, w.products(named))
	case w.Order != "":
		return "order " + w.Order
	case len(w.Products) > 0:
		return w.products(named)
	}
	return w.Title
}

const namedProducts = 3

func (w *What) products(named func(thimble.ItemID) string) string {
	text := ""
	for i, p := range w.Products {
		if i == namedProducts {
			return fmt.Sprintf("%s and %d more", text, len(w.Products)-i)
		}
		if i > 0 {
			text += ", "
		}
		name := named(p.Item)
		if name == "" {
			name = p.Name
		}
		if name == "" {
			name = string(p.Item)
		}
		text += name
	}
	return text
}
