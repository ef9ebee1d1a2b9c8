package plan

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"thimble"
)

// changed returns the default plan with a change, one version on.
func changed(t *testing.T, old, new string) *Plan {
	t.Helper()
	text := strings.Replace(string(defaultText), "version: 1", "version: 2", 1)
	after := strings.Replace(text, old, new, 1)
	if old != "" && after == text {
		t.Fatalf("%q is not in the default plan", old)
	}
	p, err := Read([]byte(after))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestTheDefaultPlanHasEveryEventOfTheSpec(t *testing.T) {
	c, err := Compile(Default())
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{
		"Products Searched", "Product List Viewed", "Product List Filtered", "Promotion Viewed", "Promotion Clicked", "Product Clicked", "Product Viewed",
		"Product Added", "Product Removed", "Cart Viewed", "Checkout Started", "Checkout Step Viewed", "Checkout Step Completed", "Payment Info Entered",
		"Order Completed", "Order Updated", "Order Refunded", "Order Cancelled", "Coupon Entered", "Coupon Applied", "Coupon Denied", "Coupon Removed",
		"Product Added to Wishlist", "Product Removed from Wishlist", "Wishlist Product Added to Cart", "Product Shared", "Cart Shared", "Product Reviewed",
	} {
		if c.Track([]byte(name)) == nil {
			t.Errorf("%s is not in the plan", name)
		}
	}
	for old, now := range map[string]string{
		"Viewed Product": "Product Viewed", "Viewed Product Category": "Product List Viewed", "Clicked Product": "Product Clicked", "Added Product": "Product Added",
		"Removed Product": "Product Removed", "Completed Order": "Order Completed", "Started Order": "Checkout Started", "Updated Order": "Order Updated",
		"Viewed Checkout Step": "Checkout Step Viewed", "Completed Checkout Step": "Checkout Step Completed", "Viewed Promotion": "Promotion Viewed", "Clicked Promotion": "Promotion Clicked",
	} {
		if m := c.Track([]byte(old)); m == nil || m.Name != now {
			t.Errorf("%s of version 1 means %v, want %s", old, m, now)
		}
	}
	if c.Track([]byte("order completed")) != nil {
		t.Error("names are exact, but another case was taken")
	}
	for _, call := range []string{"identify", "page", "screen", "group"} {
		if c.Call(call) == nil {
			t.Errorf("%s is not in the plan", call)
		}
	}
}

func TestEveryFieldIsFoundByItsNameAndNothingElse(t *testing.T) {
	c, err := Compile(Default())
	if err != nil {
		t.Fatal(err)
	}
	nodes := []*Node{c.Context}
	for _, m := range c.events {
		nodes = append(nodes, m.Node)
	}
	for len(nodes) > 0 {
		n := nodes[0]
		nodes = nodes[1:]
		for i, f := range n.Fields {
			if got := n.Find([]byte(f.Name)); got != i {
				t.Errorf("%s is at %d, want %d", f.Path, got, i)
			}
			if f.Child != nil {
				nodes = append(nodes, f.Child)
			}
		}
		for _, other := range []string{"", "x", "Price", "pric", "prices", "product_ic", "__proto__", strings.Repeat("a", 1000)} {
			if got := n.Find([]byte(other)); got != -1 {
				t.Errorf("%q is found as %s", other, n.Fields[got].Name)
			}
		}
	}
}

func TestAPlanThatBreaksARuleIsRefused(t *testing.T) {
	const head = "version: 1\nuses:\n  a: {category: user.name, purposes: [analytics]}\n  card: {category: user.financial.credit_card, purposes: [analytics]}\n  broad: {category: user, purposes: [analytics]}\n"
	for _, c := range []struct{ name, text, says string }{
		{"no version", "uses: {}", "version"},
		{"an unknown key", "version: 1\ncolour: red", "the file"},
		{"a key twice", "version: 1\nversion: 2", "the file"},
		{"no purposes", "version: 1\nuses: {a: {category: user.name, purposes: []}}", "purposes"},
		{"an unknown purpose", "version: 1\nuses: {a: {category: user.name, purposes: [curiosity]}}", "purposes"},
		{"an unknown category", "version: 1\nuses: {a: {category: user.shoe, purposes: [analytics]}}", "category"},
		{"an event without a use", head + "events: [{name: X}]", "use"},
		{"an event twice", head + "events: [{name: X, use: a}, {name: Y, also: [X], use: a}]", "twice"},
		{"a track without a name", head + "events: [{use: a}]", "call"},
		{"an unknown group", head + "events: [{name: X, use: a, groups: [b]}]", "groups"},
		{"an unknown type", head + "events: [{name: X, use: a, properties: [{name: p, type: float}]}]", "type"},
		{"a transform that does not fit", head + "events: [{name: X, use: a, properties: [{name: p, type: money, transform: scan}]}]", "does not fit"},
		{"a number of a card that is kept", head + "events: [{name: X, use: card, properties: [{name: p, type: string}]}]", "not kept here"},
		{"a category too broad", head + "events: [{name: X, use: broad, properties: [{name: p, type: string}]}]", "too broad"},
		{"a name that is a path", head + "events: [{name: X, use: a, properties: [{name: 'a\"b', type: string}]}]", "a name of"},
		{"a currency of two letters", "version: 1\ncurrency: EU", "currency"},
		{"a group that holds itself", head + "groups: {g: [{name: p, type: object, groups: [g]}]}\nevents: [{name: X, use: a, groups: [g]}]", "deep"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Read([]byte(c.text))
			if err == nil || !strings.Contains(err.Error(), c.says) || !errors.Is(err, thimble.ErrInvalid) && !errors.Is(err, thimble.ErrDenied) {
				t.Errorf("got %v, want an error that says %q", err, c.says)
			}
		})
	}
	if _, err := Read([]byte(head + "events: [{name: X, use: card, properties: [{name: p, type: string, transform: drop}]}]")); err != nil {
		t.Errorf("a number of a card that is dropped: %v", err)
	}
}

func TestTheMaskHasWhatSomePurposePermits(t *testing.T) {
	c, err := Compile(Default())
	if err != nil {
		t.Fatal(err)
	}
	mask := c.Mask(func(p thimble.Purpose, _ thimble.Category) bool { return p == thimble.EssentialService })
	for i, u := range c.Classes {
		if got, want := mask>>i&1 == 1, slices.Contains(u.Purposes, thimble.EssentialService); got != want {
			t.Errorf("%s for %v: permitted %t, want %t", u.Category, u.Purposes, got, want)
		}
	}
	if got := c.Mask(func(thimble.Purpose, thimble.Category) bool { return false }); got != 0 {
		t.Errorf("nothing is permitted, but the mask is %b", got)
	}
}

// Of an event that blocks, a rule less keeps events that were refused whole.
func TestARuleLessOfAnEventThatBlocksNeedsAPerson(t *testing.T) {
	const head = "version: %d\nuses: {u: {category: user.behavior, purposes: [analytics]}}\ngroups: {}\nevents:\n"
	read := func(version int, events string) *Plan {
		p, err := Read([]byte(fmt.Sprintf(head, version) + events))
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	was := read(1, "  - {name: X, mode: block, use: u, properties: [{name: a, type: string, required: true}, {name: b, type: integer}]}\n")
	for name, c := range map[string]struct {
		events  string
		loosens bool
	}{
		"no longer required": {"  - {name: X, mode: block, use: u, properties: [{name: a, type: string}, {name: b, type: integer}]}\n", true},
		"no longer checked":  {"  - {name: X, mode: block, use: u, properties: [{name: a, type: string, required: true}]}\n", true},
		"dropped":            {"  - {name: X, mode: block, use: u, properties: [{name: a, type: string, required: true}, {name: b, type: integer, transform: drop}]}\n", true},
		"also required":      {"  - {name: X, mode: block, use: u, properties: [{name: a, type: string, required: true}, {name: b, type: integer, required: true}]}\n", false},
		"the event gone":     {"  - {name: Y, mode: block, use: u, properties: [{name: a, type: string, transform: drop}]}\n", true}, // Y is new
	} {
		err := Accept(was, read(2, c.events), Acceptance{})
		if got := errors.Is(err, thimble.ErrDenied); got != c.loosens {
			t.Errorf("%s: needs a person: %t, want %t (%v)", name, got, c.loosens, err)
		}
	}
}

func TestAChangeThatKeepsMoreNeedsAPerson(t *testing.T) {
	someone := Acceptance{By: "ines", Reason: "agreed with the works council"}
	for _, c := range []struct {
		name, old, new string
		loosens        bool
	}{
		{"a property that was dropped", "{name: city, type: string, transform: drop, use: region}", "{name: city, type: string, use: region}", true},
		{"a weaker transform", "{name: query, type: string, transform: scan, required: true}", "{name: query, type: string, required: true}", true},
		{"a new property", "[{name: cart_id, type: string}]", "[{name: cart_id, type: string}, {name: cart_name, type: string}]", true},
		{"a new purpose", "purposes: [personalize.content.profiled]\n  email", "purposes: [personalize.content.profiled, analytics]\n  email", true},
		{"another category", "category: thimble.fit_feedback", "category: thimble.style_preference", true},
		{"a mode that lets more through", "{name: Order Cancelled, use", "{name: Order Cancelled, mode: warn, use", true},
		{"a new event", "  - {call: identify", "  - {name: Stock Alert Wanted, use: browsing, groups: [product]}\n  - {call: identify", true},
		{"a property less", "    - {name: coupon, type: string}\n    - {name: position, type: integer}", "    - {name: position, type: integer}", false},
		{"a purpose less", "[essential.service, personalize.content.profiled]", "[essential.service]", false},
		{"a stricter transform", "{name: wishlist_name, type: string, transform: scan}", "{name: wishlist_name, type: string, transform: drop}", false},
		{"a stricter mode", "{name: Order Cancelled, use", "{name: Order Cancelled, mode: block, use", false},
		{"a new property that is dropped", "[{name: cart_id, type: string}]", "[{name: cart_id, type: string}, {name: cart_name, type: string, transform: drop}]", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			is := changed(t, c.old, c.new)
			diff := Diff(Default(), is)
			if len(diff) == 0 {
				t.Fatal("no difference was found")
			}
			if got := slices.ContainsFunc(diff, func(d Change) bool { return d.Loosens }); got != c.loosens {
				t.Errorf("loosens: %t, want %t: %+v", got, c.loosens, diff)
			}
			err := Accept(Default(), is, Acceptance{})
			if c.loosens != errors.Is(err, thimble.ErrDenied) {
				t.Errorf("without a person: %v", err)
			}
			if err := Accept(Default(), is, someone); err != nil {
				t.Errorf("with a person: %v", err)
			}
		})
	}
	if err := Accept(Default(), Default(), someone); !errors.Is(err, thimble.ErrInvalid) {
		t.Errorf("the same version again: %v, want it refused", err)
	}
	if diff := Diff(Default(), changed(t, "", "")); len(diff) != 0 {
		t.Errorf("the same plan differs: %v", diff)
	}
}

func TestAProposalComesFromNameAndValueAndHoldsNeither(t *testing.T) {
	for _, c := range []struct {
		name, value, category string
		transform             Transform
	}{
		{"customerEmail", `"x"`, "user.contact.email", Identifier},
		{"ref", `"jo@example.com"`, "user.contact.email", Identifier},
		{"email", `"jo@example.com"`, "user.contact.email", Identifier},
		{"shipping_zip", `"94103"`, "user.contact.address.postal_code", Drop},
		{"cardNumber", `"4111 1111 1111 1111"`, "user.financial.credit_card", Drop},
		{"extra", `"4111 1111 1111 1111"`, "user.financial.credit_card", Drop},
		{"hint", `"please call 467 3395 when it comes"`, "user.contact.phone_number", Scan},
		{"remark", `"I would like it in a smaller size please"`, "user.content", Scan},
		{"waistCm", `81`, "thimble.body_measurements", Keep},
		{"client_ip", `"192.0.2.7"`, "user.device.ip_address", Country},
		{"xyz", `7`, "", Drop},
		{"average", `7`, "", Drop}, // no "age" in it
	} {
		p := Propose([]byte(c.name), []byte(c.value))
		if string(p.Category) != c.category || p.Transform != c.transform || p.Why == "" || (c.category == "") != (p.Confidence == 0) {
			t.Errorf("%s = %s: %+v, want %s, %s", c.name, c.value, p, c.category, c.transform)
		}
		if bare := strings.Trim(c.value, `"`); len(bare) > 3 && strings.Contains(fmt.Sprintf("%+v", p), bare) {
			t.Errorf("%s: the value is in %+v", c.name, p)
		}
	}
	sure, less := Propose([]byte("email"), []byte(`"jo@example.com"`)), Propose([]byte("email"), []byte(`"-"`))
	if sure.Confidence <= less.Confidence {
		t.Errorf("with an address it is %.2f sure, without %.2f", sure.Confidence, less.Confidence)
	}
}

func TestANameThatMayBeAValueIsWithheld(t *testing.T) {
	shown := map[string]string{}
	for _, name := range []string{"gift_wrap", "jo@example.com", "4111111111111111", "user_8812345", "Jo Doe of Berlin Mitte", "\xff", strings.Repeat("a", 65), "line2"} {
		shown[name] = Shown([]byte(name))
	}
	want := map[string]string{
		"gift_wrap": "gift_wrap", "line2": "line2", "jo@example.com": Withheld, "4111111111111111": Withheld, "user_8812345": Withheld,
		"Jo Doe of Berlin Mitte": Withheld, "\xff": Withheld, strings.Repeat("a", 65): Withheld,
	}
	if diff := cmp.Diff(want, shown); diff != "" {
		t.Error(diff)
	}
}

// FuzzRead holds of any text: it is refused, or it compiles.
func FuzzRead(f *testing.F) {
	f.Add(defaultText)
	f.Add([]byte("version: 1\nuses: {a: {category: user.name, purposes: [analytics]}}\nevents: [{name: X, use: a, properties: [{name: p, type: money}]}]"))
	f.Add([]byte("version: 1\ngroups: &g {a: *g}"))
	f.Fuzz(func(t *testing.T, text []byte) {
		p, err := Read(text)
		if err != nil {
			return
		}
		if _, err := Compile(p); err != nil && !errors.Is(err, thimble.ErrInvalid) {
			t.Fatal(err)
		}
	})
}

func TestAPlanOfTooManyPurposesIsRefused(t *testing.T) {
	p := *Default()
	many := Use{Category: "user.behavior.browsing_history"}
	for i := range MaxPairs {
		many.Purposes = append(many.Purposes, thimble.Purpose(fmt.Sprintf("analytics.reporting%d", i)))
	}
	p.Uses = map[string]Use{"browsing": many}
	for name, u := range Default().Uses {
		if name != "browsing" {
			p.Uses[name] = u
		}
	}
	if _, err := Compile(&p); !errors.Is(err, thimble.ErrInvalid) {
		t.Errorf("%d purposes: %v, want invalid", MaxPairs, err)
	}
}

func TestWhatIsOnlyDroppedIsKeptForNothing(t *testing.T) {
	c, err := Compile(Default())
	if err != nil {
		t.Fatal(err)
	}
	kept := map[thimble.Category]bool{}
	for _, u := range c.Kept() {
		kept[u.Category] = true
	}
	for category, want := range map[thimble.Category]bool{
		"user.behavior.browsing_history": true, "thimble.size": true, thimble.Country: true, "user.demographic.age_range": true,
		"user.name": false, "thimble.gift_recipient": false, "user.contact.email": false, "user.device.ip_address": false,
	} {
		if kept[category] != want {
			t.Errorf("%s is kept: %t, want %t", category, !want, want)
		}
	}
}
