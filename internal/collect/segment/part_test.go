package segment

import (
	"fmt"
	"math/bits"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"thimble/internal/collect/plan"
)

// merged puts two decoded values together in depth: objects by key, lists by place.
func merged(t *testing.T, a, b any) any {
	t.Helper()
	switch x := a.(type) {
	case nil:
		return b
	case map[string]any:
		y, ok := b.(map[string]any)
		if !ok {
			t.Fatalf("an object and %v", b)
		}
		for k, v := range y {
			x[k] = merged(t, x[k], v)
		}
		return x
	case []any:
		y, ok := b.([]any)
		if !ok {
			t.Fatalf("a list and %v", b)
		}
		for i, v := range y {
			if i == len(x) {
				x = append(x, v)
				continue
			}
			x[i] = merged(t, x[i], v)
		}
		return x
	}
	t.Fatalf("two parts both say %v and %v", a, b)
	return nil
}

// mixedPlan is the default with what makes parts hard: birthday and age in two
// categories, kept lists of strings, and mode warn.
func mixedPlan(t *testing.T) (*plan.Plan, *plan.Compiled) {
	t.Helper()
	p := *plan.Default()
	p.Events = append([]plan.Event(nil), p.Events...)
	p.Events = append(p.Events, plan.Event{Name: "Everything", Use: "browsing", Mode: plan.Warn, Groups: []string{"product"}, Properties: []plan.Property{
		{Name: "birthday", Type: plan.Date, Transform: plan.AgeBand, Use: "age"}, {Name: "age", Type: plan.Number, Transform: plan.AgeBand, Use: "gender"},
		{Name: "tags", Type: plan.Strings, Use: "style"}, {Name: "flag", Type: plan.Boolean, Use: "device"},
		{Name: "lines", Type: plan.Objects, Use: "review", Groups: []string{"product"}, Properties: []plan.Property{{Name: "age", Type: plan.Number, Transform: plan.AgeBand, Use: "age"}, {Name: "within", Type: plan.Object, Groups: []string{"product"}}}},
	}})
	c, err := plan.Compile(&p)
	if err != nil {
		t.Fatal(err)
	}
	return &p, c
}

func TestThePartsOfAnEventMergeIntoTheWhole(t *testing.T) {
	const seed = 20261129
	t.Logf("seed %d", seed)
	v := inventor{rand.New(rand.NewPCG(seed, 8))}
	p, c := mixedPlan(t)
	r := NewReader(c)
	parts, several := 0, 0
	for _, s := range sentEvents(p) {
		m := c.Call(s.title)
		if m == nil {
			m = c.Track([]byte(s.title))
		}
		for range times(800, 50_000) {
			body := fmt.Sprintf(`{"context":%s,"batch":[{"userId":"u","name":"a page",%s,%q:%s,"context":%s}]}`, v.object(c.Context), s.head, s.key, v.object(m.Node), v.object(c.Context))
			b := read(t, r, Batch, body)
			if len(b.Events) != 1 {
				continue
			}
			ev, mask := &b.Events[0], v.Uint64()|v.Uint64()|1<<m.Class
			ev.Country = [2]byte{'D', 'E'}
			out, _ := b.Emit(nil, ev, mask)
			want := decoded(t, string(out))
			var got any
			n := 0
			for left := b.Parts(ev, mask); left != 0; left &= left - 1 {
				part, ok := b.EmitPart(nil, ev, mask, bits.TrailingZeros64(left))
				if ok != (len(part) > 0) {
					t.Fatalf("%s: %v and %s", body, ok, part)
				}
				if ok {
					n++
					got = merged(t, got, decoded(t, string(part)))
				}
			}
			if !reflect.DeepEqual(got, any(want)) {
				t.Fatalf("mask %x: %s\nwhole  %v\nmerged %v", mask, body, want, got)
			}
			parts += n
			if n > 2 {
				several++
			}
		}
	}
	t.Logf("%d parts, %d events of more than two", parts, several)
	if several < 1000 {
		t.Errorf("only %d events had more than two parts", several)
	}
}

func TestAPartSaysOnlyWhatIsOfItsCategory(t *testing.T) {
	r := NewReader(compiled(t))
	b := read(t, r, Batch, `{"batch":[{"type":"track","event":"Order Completed","userId":"u","properties":{"order_id":"o1","total":5,"products":[{"product_id":"p1"},{"product_id":"p2","size":"M"}]},"context":{"locale":"de-DE"}}]}`)
	ev := &b.Events[0]
	got := map[string]string{}
	for left := b.Parts(ev, everything); left != 0; left &= left - 1 {
		place := bits.TrailingZeros64(left)
		if out, ok := b.EmitPart(nil, ev, everything, place); ok {
			got[string(b.Category(place))] = string(out)
		}
	}
	want := map[string]string{
		"user.behavior.purchase_history": `{"plan":1,"type":"track","event":"Order Completed","time":1795953600000000,"properties":{"order_id":"o1","products":[{"product_id":"p1"},{"product_id":"p2"}],"total_minor":500}}`,
		"thimble.size":                   `{"properties":{"products":[{},{"size":"M"}]}}`,
		"user.demographic.language":      `{"context":{"locale":"de-DE"}}`,
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("parts %v\nwant  %v", got, want)
	}
	if out, ok := b.EmitPart(nil, ev, everything&^(1<<ev.Message.Class), 0); ok || len(out) > 0 || b.Parts(ev, everything&^(1<<ev.Message.Class)) != 0 {
		t.Errorf("an event that is not permitted is written: %s", out)
	}
}

func TestPartsAreWrittenWithoutAllocating(t *testing.T) {
	r, a := NewReader(compiled(t)), arrival()
	body := shopBatch(100)
	var out []byte
	run := func() {
		b, err := r.Read(body, Batch, a)
		if err != nil {
			t.Fatal(err)
		}
		out = out[:0]
		for i := range b.Events {
			for left := b.Parts(&b.Events[i], everything); left != 0; left &= left - 1 {
				out, _ = b.EmitPart(out, &b.Events[i], everything, bits.TrailingZeros64(left))
			}
		}
	}
	run()
	if n := testing.AllocsPerRun(20, run); n >= 1 {
		t.Errorf("%v allocations for a batch, want none", n)
	}
}

func TestTheProductsAndTheOrderOfAnEventAreNamed(t *testing.T) {
	r := NewReader(compiled(t))
	for body, want := range map[string]string{
		`"event":"Product Viewed","properties":{"product_id":"p\u0031","sku":"s"}`:                           "p1",
		`"event":"Product Viewed","properties":{"sku":"s"}`:                                                  "s",
		`"event":"Product Viewed","properties":{"product_id":"ada@example.org"}`:                             "",
		`"event":"Product Viewed","properties":{"product_id":"` + strings.Repeat("p", 65) + `"}`:             "",
		`"event":"Product Viewed","properties":{"product_id":7}`:                                             "",
		`"event":"Cart Viewed","properties":{"products":[{"product_id":"a"},{"x":1},{"product_id":"b"}]}`:    "a b",
		`"event":"Order Completed","properties":{"order_id":"o1","products":[{"sku":"a"},{"sku":"a"}]}`:      "a a (o1)",
		`"event":"Order Completed","properties":{"order_id":7}`:                                              "",
		`"event":"Never Planned","properties":{"product_id":"p1","order_id":"o"}`:                            "",
		`"event":"Products Searched","properties":{"query":"x","product_id":"not of this event","order":1}`:  "",
		`"event":"Wishlist Product Added to Cart","properties":{"product_id":"p2","wishlist_id":"w","x":[]}`: "p2",
	} {
		b := read(t, r, Batch, `{"batch":[{"type":"track","userId":"u",`+body+`}]}`)
		var items []string
		b.Items(&b.Events[0], func(id []byte) { items = append(items, string(id)) })
		got := strings.Join(items, " ")
		if o := b.OrderID(&b.Events[0]); o != nil {
			got += " (" + string(o) + ")"
		}
		if got != want {
			t.Errorf("%s: %q, want %q", body, got, want)
		}
	}
}

func TestEachClassHasItsCategoryOnce(t *testing.T) {
	c := compiled(t)
	for class, u := range c.Classes {
		place := c.CategoryOf[class]
		if c.Categories[place] != u.Category || c.Of[place]>>class&1 != 1 {
			t.Errorf("class %d of %s is at %s", class, u.Category, c.Categories[place])
		}
	}
	all := uint64(0)
	for i, of := range c.Of {
		if all&of != 0 || slices.Index(c.Categories, c.Categories[i]) != i {
			t.Errorf("%s is there twice", c.Categories[i])
		}
		all |= of
	}
	if bits.OnesCount64(all) != len(c.Classes) {
		t.Errorf("%d classes are of a category, want %d", bits.OnesCount64(all), len(c.Classes))
	}
}

// BenchmarkParts writes the events of a batch as parts, everything permitted.
func BenchmarkParts(b *testing.B) {
	r, a := NewReader(compiled(b)), arrival()
	body := shopBatch(100)
	var out []byte
	perCPU(b, 100, func() {
		got, err := r.Read(body, Batch, a)
		if err != nil {
			b.Fatal(err)
		}
		out = out[:0]
		for i := range got.Events {
			for left := got.Parts(&got.Events[i], everything); left != 0; left &= left - 1 {
				out, _ = got.EmitPart(out, &got.Events[i], everything, bits.TrailingZeros64(left))
			}
		}
	})
}
