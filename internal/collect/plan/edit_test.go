package plan

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"thimble"
)

func editing(t *testing.T) *Text {
	t.Helper()
	text, err := EditText(defaultText)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func done(t *testing.T, text *Text, err error) (string, *Plan) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	b, p, err := text.Done()
	if err != nil {
		t.Fatal(err)
	}
	return string(b), p
}

func TestAnEditLeavesEveryOtherLineAsItWasWritten(t *testing.T) {
	before, _ := done(t, editing(t), nil)
	text := editing(t)
	after, _ := done(t, text, text.Mode("Product Viewed", Block))
	was, is := strings.Split(before, "\n"), strings.Split(after, "\n")
	if len(is) > len(was)+1 {
		t.Errorf("one line more at most was expected, got %d for %d", len(is), len(was))
	}
	different := 0
	kept := map[string]int{}
	for _, line := range was {
		kept[line]++
	}
	for _, line := range is {
		if kept[line]--; kept[line] < 0 {
			different++
		}
	}
	if different > 1 || !strings.Contains(after, "# The events of Segment's e-commerce spec") {
		t.Errorf("%d lines differ, want 1; the comments must stay", different)
	}
}

func TestAPropertyIsPutWhereItIsMeant(t *testing.T) {
	color := Property{Name: "lining", Type: String, Use: "style"}
	for _, c := range []struct {
		name  string
		where Where
		paths []string
		not   []string
	}{
		{"into an event", Where{Event: "Product Viewed"}, []string{"Product Viewed.lining", "Viewed Product.lining"}, []string{"Product Clicked.lining"}},
		{"into an object that comes from a group", Where{Event: "Order Completed", Within: []string{"products"}}, []string{"Order Completed.products[].lining", "Order Completed.products[].price"}, []string{"Order Updated.products[].lining"}},
		{"into a group", Where{Group: "product"}, []string{"Product Viewed.lining", "Order Completed.products[].lining", "Cart Viewed.products[].lining"}, []string{"call identify.lining"}},
		{"into the context", Where{Event: "context", Within: []string{"campaign"}}, []string{"call context.campaign.lining"}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			text := editing(t)
			_, p := done(t, text, text.Put(c.where, color))
			all := p.leaves()
			for _, path := range c.paths {
				if _, ok := all[path]; !ok {
					t.Errorf("%s is not there", path)
				}
			}
			for _, path := range c.not {
				if _, ok := all[path]; ok {
					t.Errorf("%s is there", path)
				}
			}
		})
	}
}

func TestWhatAnEventHasFromAGroupIsReplacedForThisEventAlone(t *testing.T) {
	text := editing(t)
	_, p := done(t, text, text.Put(Where{Event: "Product Viewed"}, Property{Name: "coupon", Type: String, Transform: Drop}))
	var changed []string
	for _, c := range Diff(Default(), p) {
		changed = append(changed, c.Path)
	}
	if diff := cmp.Diff([]string{"Product Viewed.coupon", "Viewed Product.coupon"}, changed); diff != "" {
		t.Error(diff)
	}
}

func TestAnEventAndItsUseAreAdded(t *testing.T) {
	text := editing(t)
	err := errors.Join(
		text.AddUse("waiting", Use{Category: "user.behavior.browsing_history", Purposes: []thimble.Purpose{"analytics"}}),
		text.AddEvent(Event{Name: "Stock Alert Wanted", Use: "waiting", Mode: Block, Groups: []string{"product"}}))
	_, p := done(t, text, err)
	c, err := Compile(p)
	if err != nil {
		t.Fatal(err)
	}
	if m := c.Track([]byte("Stock Alert Wanted")); m == nil || m.Mode != Block || m.Node.Find([]byte("sku")) < 0 {
		t.Errorf("the event is %+v", m)
	}
	_, p = done(t, text, text.DropEvent("Stock Alert Wanted"))
	if diff := Diff(Default(), p); len(diff) != 0 {
		t.Errorf("taken out again, it leaves %v", diff)
	}
}

func TestAnEditOfWhatIsNotThereIsToldByName(t *testing.T) {
	text := editing(t)
	for _, c := range []struct {
		err  error
		says string
	}{
		{text.Mode("Order Lost", Block), "Order Lost"},
		{text.DropEvent("Order Lost"), "Order Lost"},
		{text.Put(Where{Event: "Order Completed", Within: []string{"coupon"}}, Property{Name: "x", Type: String}), "coupon"},
		{text.Put(Where{Group: "shoes"}, Property{Name: "x", Type: String}), "shoes"},
		{text.Remove(Where{Event: "Product Viewed"}, "sku"), "sku"},
	} {
		if !errors.Is(c.err, thimble.ErrNotFound) || !strings.Contains(c.err.Error(), c.says) {
			t.Errorf("got %v, want an error about %s", c.err, c.says)
		}
	}
	text = editing(t)
	if err := text.Put(Where{Event: "Product Viewed"}, Property{Name: "x", Type: "float"}); err != nil {
		t.Fatal(err)
	}
	if _, _, err := text.Done(); !errors.Is(err, thimble.ErrInvalid) {
		t.Errorf("a type that there is not: %v, want it refused", err)
	}
}

// TestAnySequenceOfEditsGivesAPlanOrARefusal holds of whatever people click together.
func TestAnySequenceOfEditsGivesAPlanOrARefusal(t *testing.T) {
	const seed = 20261129
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 1))
	events := []string{"Product Viewed", "Order Completed", "identify", "context", "Cart Viewed"}
	within := [][]string{nil, nil, {"products"}, {"campaign"}}
	types := []Type{String, Number, Money, Date, Object, Objects, "float"}
	transforms := []Transform{"", Keep, Drop, Scan, AgeBand}
	plans, refused := 0, 0
	for range 200 {
		text := editing(t)
		for range 1 + r.IntN(6) {
			event := events[r.IntN(len(events))]
			q := Property{Name: fmt.Sprintf("p%d", r.IntN(5)), Type: types[r.IntN(len(types))], Transform: transforms[r.IntN(len(transforms))], Required: r.IntN(4) == 0}
			switch r.IntN(5) {
			case 0:
				_ = text.Mode(event, []Mode{Block, Omit, Warn}[r.IntN(3)])
			case 1:
				_ = text.Remove(Where{Event: event, Within: within[r.IntN(4)]}, q.Name)
			case 2:
				_ = text.AddEvent(Event{Name: q.Name, Use: "browsing"})
			default:
				_ = text.Put(Where{Event: event, Within: within[r.IntN(4)]}, q)
			}
		}
		out, p, err := text.Done()
		if err != nil {
			refused++
			if !errors.Is(err, thimble.ErrInvalid) {
				t.Fatalf("an error of another kind: %v", err)
			}
			continue
		}
		plans++
		if _, err := Compile(p); err != nil && !errors.Is(err, thimble.ErrInvalid) {
			t.Fatal(err)
		}
		again, err := Read(out)
		if err != nil || len(Diff(p, again)) != 0 {
			t.Fatalf("written and read again it is another plan: %v", err)
		}
	}
	if plans == 0 || refused == 0 {
		t.Errorf("%d plans and %d refusals: the sample shows only one side", plans, refused)
	}
}
