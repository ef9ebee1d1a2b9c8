package segment

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"thimble/internal/collect/plan"
)

// A sent event is named as Plan.Schema takes it, with how it is sent.
type sent struct{ title, head, key string }

func sentEvents(p *plan.Plan) (all []sent) {
	for _, e := range p.Events {
		switch e.Call {
		case "context":
		case "":
			all = append(all, sent{e.Name, fmt.Sprintf(`"type":"track","event":%q`, e.Name), "properties"})
		case "identify", "group":
			all = append(all, sent{e.Call, fmt.Sprintf(`"type":%q,"groupId":"g"`, e.Call), "traits"})
		default:
			all = append(all, sent{e.Call, fmt.Sprintf(`"type":%q`, e.Call), "properties"})
		}
	}
	return all
}

// An inventor draws values: mostly ones that the plan wants, at times any other.
type inventor struct{ *rand.Rand }

var anything = []string{
	`null`, `true`, `false`, `0`, `-1`, `1.5`, `1e2`, `1.0`, `15e-1`, `10e-1`, `1e15`, `999999999999999`, `9007199254740991`, `9007199254740992`, `-9007199254740991.0`, `1e-7`, `0e5`, `99.99e13`, `0.001e18`,
	`""`, `"a"`, `"19.99"`, `"-1"`, `"1e2"`, `"1."`, `".5"`, `"1234567890123456"`, `"0.1234567"`, `"\u0031\u0032"`, `"2026-11-29"`, `"2026-13-29"`, `"2026-11-29T10:00:00Z"`, `"\u0032026-11-29"`, `"2026-1-1"`,
	`{}`, `[]`, `[null]`, `[1]`, `["a"]`, `[{}]`, `[[]]`, `[{"sku":"a","price":"x"}]`, `{"country":5}`, `{"sku":1}`,
}

func (v inventor) of(f *plan.Field) string {
	if v.IntN(4) == 0 {
		return anything[v.IntN(len(anything))]
	}
	switch f.Type {
	case plan.Number, plan.Integer:
		return fmt.Sprint(v.IntN(1000))
	case plan.Money:
		return fmt.Sprintf(`%d.%02d`, v.IntN(100), v.IntN(100))
	case plan.Boolean:
		return "true"
	case plan.Date:
		return `"1990-01-31"`
	case plan.Strings:
		return `["a","b"]`
	case plan.Object:
		return v.object(f.Child)
	case plan.Objects:
		return `[` + v.object(f.Child) + `,` + v.object(f.Child) + `]`
	}
	return `"text"`
}

func (v inventor) object(n *plan.Node) string {
	var parts []string
	for i := range n.Fields {
		if n.Required>>i&1 == 1 && v.IntN(8) > 0 || v.IntN(3) == 0 {
			parts = append(parts, fmt.Sprintf("%q:%s", n.Fields[i].Name, v.of(&n.Fields[i])))
		}
	}
	if v.IntN(4) == 0 {
		parts = append(parts, `"not planned":`+anything[v.IntN(len(anything))])
	}
	v.Shuffle(len(parts), func(i, j int) { parts[i], parts[j] = parts[j], parts[i] })
	return `{` + strings.Join(parts, ",") + `}`
}

// The reference is an independent validator of JSON Schema.
func TestTheCompiledPlanAgreesWithItsJSONSchema(t *testing.T) {
	const seed = 20261129
	t.Logf("seed %d", seed)
	v := inventor{rand.New(rand.NewPCG(seed, 4))}
	strict := *plan.Default()
	strict.Events = append([]plan.Event(nil), strict.Events...)
	// A plan with what the default has not: lists of strings that are kept, booleans,
	// whole objects that are dropped, and requirements inside of a list.
	strict.Events = append(strict.Events, plan.Event{Name: "Everything", Use: "browsing", Properties: []plan.Property{
		{Name: "flag", Type: plan.Boolean, Required: true}, {Name: "tags", Type: plan.Strings}, {Name: "gone", Type: plan.Object, Transform: plan.Drop, Groups: []string{"product"}},
		{Name: "lost", Type: plan.Objects, Transform: plan.Drop, Groups: []string{"product"}}, {Name: "n", Type: plan.Number}, {Name: "day", Type: plan.Date}, {Name: "any", Type: plan.Scalar},
		{Name: "lines", Type: plan.Objects, Required: true, Properties: []plan.Property{{Name: "sku", Type: plan.String, Required: true}, {Name: "price", Type: plan.Money, Required: true}, {Name: "n", Type: plan.Integer}}},
	}})
	c, err := plan.Compile(&strict)
	if err != nil {
		t.Fatal(err)
	}
	r := NewReader(c)
	good, bad := 0, 0
	for _, s := range sentEvents(&strict) {
		schema := compiledSchema(t, &strict, s.title)
		m := c.Call(s.title)
		if m == nil {
			m = c.Track([]byte(s.title))
		}
		for range times(1500, 100_000) {
			props := v.object(m.Node)
			if v.IntN(20) == 0 {
				props = anything[v.IntN(len(anything))]
			}
			if props == "null" {
				continue // as good as no properties at all
			}
			b := read(t, r, Batch, fmt.Sprintf(`{"batch":[{"userId":"u",%s,%q:%s}]}`, s.head, s.key, props))
			if len(b.Events) != 1 {
				t.Fatalf("%s: %s: refused %v", s.title, props, b.Refused)
			}
			value, err := jsonschema.UnmarshalJSON(strings.NewReader(props))
			if err != nil {
				t.Fatal(err)
			}
			err = schema.Validate(value)
			if (err == nil) != (len(b.Violations) == 0) {
				t.Fatalf("%s: %s\nthe schema says %v\nthe plan says %v", s.title, props, err, b.Violations)
			}
			if err == nil {
				good++
			} else {
				bad++
			}
		}
	}
	t.Logf("%d objects that hold, %d that break the plan", good, bad)
	if good < 1000 || bad < 1000 {
		t.Errorf("%d hold and %d break the plan; more of both were expected", good, bad)
	}
}

func compiledSchema(t *testing.T, p *plan.Plan, title string) *jsonschema.Schema {
	t.Helper()
	text, err := p.Schema(title)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	compiler.DefaultDraft(jsonschema.Draft2020)
	if err := compiler.AddResource("plan.json", doc); err != nil {
		t.Fatal(err)
	}
	schema, err := compiler.Compile("plan.json")
	if err != nil {
		t.Fatalf("%s: %v", title, err)
	}
	return schema
}

func TestASchemaIsOneOfTheDraft(t *testing.T) {
	for _, s := range sentEvents(plan.Default()) {
		text, err := plan.Default().Schema(s.title)
		if err != nil {
			t.Fatal(err)
		}
		var doc map[string]any
		if err := json.Unmarshal(text, &doc); err != nil || doc["$schema"] != "https://json-schema.org/draft/2020-12/schema" {
			t.Errorf("%s: %v, $schema %v", s.title, err, doc["$schema"])
		}
	}
	if _, err := plan.Default().Schema("Nothing Like It"); err == nil {
		t.Error("an event that is not planned has a schema")
	}
}
