package segment

import (
	"encoding/json"
	"fmt"
	"math/big"
	"math/rand/v2"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"thimble/internal/collect/plan"
	"thimble/internal/pii"
)

// reference minimises as slowly and plainly as can be: encoding/json reads, and the
// plan is asked property by property. It shares no code with the reader but the plan
// and the search for personal data.
type reference struct {
	mask   uint64
	places int64
}

func (m reference) object(n *plan.Node, in map[string]any) map[string]any {
	out := map[string]any{}
	for i := range n.Fields {
		f := &n.Fields[i]
		v, there := in[f.Name]
		if !there || v == nil || f.Transform == plan.Drop || f.Transform == plan.Identifier || f.Transform == plan.Country {
			continue
		}
		kept, ok := m.value(f, v)
		if !ok {
			continue
		}
		key, _ := strconv.Unquote(strings.TrimSuffix(f.Key, ":"))
		if _, had := out[key]; !had {
			out[key] = kept
		}
	}
	return out
}

func (m reference) value(f *plan.Field, v any) (any, bool) {
	if f.Child != nil {
		return m.container(f, v)
	}
	if m.mask>>f.Class&1 == 0 {
		return nil, false
	}
	text, isText := v.(string)
	number, isNumber := v.(json.Number)
	_, isBool := v.(bool)
	switch f.Type {
	case plan.Money:
		return m.money(v)
	case plan.Integer:
		r, ok := new(big.Rat).SetString(number.String())
		if !isNumber || !ok || !r.IsInt() || r.Num().CmpAbs(big.NewInt(1<<53-1)) > 0 {
			return nil, false
		}
		return json.Number(r.Num().String()), true
	case plan.Strings:
		var all []any
		list, _ := v.([]any)
		for _, one := range list {
			if s, ok := one.(string); ok {
				all = append(all, s)
			}
		}
		return all, len(all) > 0
	case plan.String:
		if f.Transform == plan.Scan && isText {
			return string(pii.Redact(nil, text, pii.Scan(text, nil))), true
		}
		return v, isText
	case plan.Scalar:
		return v, isText || isNumber || isBool
	case plan.Number:
		return v, isNumber
	case plan.Boolean:
		return v, isBool
	}
	return nil, false // dates and ages are looked at elsewhere
}

func (m reference) container(f *plan.Field, v any) (any, bool) {
	if f.Type == plan.Object {
		in, ok := v.(map[string]any)
		out := m.object(f.Child, in)
		return out, ok && len(out) > 0
	}
	var all []any
	list, _ := v.([]any)
	for _, one := range list {
		if in, ok := one.(map[string]any); ok {
			if out := m.object(f.Child, in); len(out) > 0 {
				all = append(all, out)
			}
		}
	}
	return all, len(all) > 0
}

func (m reference) money(v any) (any, bool) {
	var text string
	switch v := v.(type) {
	case string:
		if text = v; !amountForm(text) {
			return nil, false
		}
	case json.Number:
		text = v.String()
	default:
		return nil, false
	}
	r, ok := new(big.Rat).SetString(text)
	if bound := new(big.Rat).SetInt64(1e15); !ok || new(big.Rat).Abs(r).Cmp(bound) >= 0 {
		return nil, false
	}
	r.Mul(r, new(big.Rat).SetInt(new(big.Int).Exp(big.NewInt(10), big.NewInt(m.places), nil)))
	return json.Number(r.FloatString(0)), true // rounds half away from zero
}

// amountForm is written out again, as a schema has it.
func amountForm(s string) bool {
	whole, part, point := strings.Cut(strings.TrimPrefix(s, "-"), ".")
	digits := func(s string, most int) bool { return s != "" && len(s) <= most && strings.Trim(s, "0123456789") == "" }
	return digits(whole, 15) && (!point || digits(part, 6))
}

func TestWhatIsWrittenIsWhatAPlainMinimiserWrites(t *testing.T) {
	const seed = 20261129
	t.Logf("seed %d", seed)
	v := inventor{rand.New(rand.NewPCG(seed, 5))}
	p := plan.Default()
	c, err := plan.Compile(p)
	if err != nil {
		t.Fatal(err)
	}
	r := NewReader(c)
	written := 0
	for _, s := range sentEvents(p) {
		m := c.Call(s.title)
		if m == nil {
			m = c.Track([]byte(s.title))
		}
		for range times(1500, 100_000) {
			props := v.object(m.Node)
			mask := v.Uint64() | 1<<m.Class
			b := read(t, r, Batch, fmt.Sprintf(`{"batch":[{%q:%s,"userId":"u",%s}]}`, s.key, props, s.head))
			if len(b.Events) != 1 {
				t.Fatalf("%s: refused %v", props, b.Refused)
			}
			out, _ := b.Emit(nil, &b.Events[0], mask)
			got, _ := decoded(t, string(out))["properties"].(map[string]any)
			in := decoded(t, props)
			currency, _ := in["currency"].(string)
			want := reference{mask, int64(places([]byte(currency)))}.object(m.Node, in)
			for _, o := range []map[string]any{got, want} {
				for _, key := range []string{"age_band", "createdAt", "created_at", "url", "image_url", "path", "referrer"} {
					delete(o, key) // dates, ages and addresses have tests of their own
				}
			}
			if products, ok := want["products"].([]any); ok {
				strip(products)
				gotProducts, _ := got["products"].([]any)
				strip(gotProducts)
			}
			if len(got)+len(want) > 0 && !reflect.DeepEqual(got, want) {
				t.Fatalf("%s with mask %x: %s\nis written as %v\nwant         %v", s.title, mask, props, got, want)
			}
			written += len(got)
		}
	}
	t.Logf("%d properties compared", written)
	if written < 10_000 {
		t.Errorf("only %d properties were written", written)
	}
}

func strip(products []any) {
	for _, p := range products {
		delete(p.(map[string]any), "url")
		delete(p.(map[string]any), "image_url")
	}
}

func decoded(t *testing.T, text string) map[string]any {
	t.Helper()
	if text == "" {
		return nil
	}
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	var all map[string]any
	if err := d.Decode(&all); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return all
}

func TestAFloodOfViolationsIsCountedAndNotKept(t *testing.T) {
	r := NewReader(compiled(t))
	list := strings.TrimSuffix(strings.Repeat("1,", 5000), ",")
	b := read(t, r, Batch, `{"batch":[{"type":"track","event":"Cart Viewed","userId":"u","properties":{"products":[`+list+`]}}]}`)
	if len(b.Violations) != maxViolations || b.MoreViolations != 5000-maxViolations {
		t.Errorf("%d violations and %d more, want %d and %d", len(b.Violations), b.MoreViolations, maxViolations, 5000-maxViolations)
	}
}

func TestForgettingWipesWhatWasReadWithEscapes(t *testing.T) {
	r := NewReader(compiled(t))
	b := read(t, r, Batch, `{"batch":[{"type":"page","userId":"\u0061da","name":"\u0061da"}]}`)
	b.Emit(nil, &b.Events[0], everything)
	arena := r.arena[:cap(r.arena)]
	b.Forget()
	if strings.Contains(string(arena), "ada") || strings.Contains(string(r.text1[:cap(r.text1)]), "ada") {
		t.Error("the reader still holds what it read")
	}
	if len(b.Events) != 0 || r.b != nil {
		t.Error("the reader still points at the body")
	}
}
