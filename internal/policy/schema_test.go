package policy

import (
	"bytes"
	"io/fs"
	"reflect"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v4"
)

func schema(t *testing.T) (*jsonschema.Schema, map[string]any) {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(Schema))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("pack.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("pack.json")
	if err != nil {
		t.Fatal(err)
	}
	return s, doc.(map[string]any)
}

// tree reads YAML as JSON would: an unquoted day is a string there.
func tree(t *testing.T, text []byte) any {
	t.Helper()
	var n yaml.Node
	if err := yaml.Unmarshal(text, &n); err != nil {
		t.Fatal(err)
	}
	var days func(*yaml.Node)
	days = func(n *yaml.Node) {
		if n.Tag == "!!timestamp" {
			n.Tag = "!!str"
		}
		for _, c := range n.Content {
			days(c)
		}
	}
	days(&n)
	var v any
	if err := n.Decode(&v); err != nil {
		t.Fatal(err)
	}
	return v
}

func TestEveryPackFitsTheSchema(t *testing.T) {
	s, _ := schema(t)
	names, err := fs.Glob(packs, "packs/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		text, err := packs.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Validate(tree(t, text)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := s.Validate(tree(t, readFile(t, "testdata/zz.ruritania.yaml"))); err != nil {
		t.Errorf("Ruritania: %v", err)
	}
}

func TestTheSchemaRefusesWhatParseDoes(t *testing.T) {
	s, _ := schema(t)
	for name, text := range map[string]string{
		"unknown key":      head + "colour: red\n",
		"uncited":          head + "records: [{record: r}]\n",
		"unknown mode":     head + "purposes: [{use: a, mode: maybe, basis: b, cite: c}]\n",
		"a bad place":      head + "applies: {residence: [Germany]}\n",
		"a bad period":     head + "rights: [{right: access, respond: soon, cite: c}]\n",
		"no such kind":     strings.Replace(head, "kind: privacy", "kind: gossip", 1),
		"no sources":       strings.Replace(head, "sources: [{id: x, title: X Act}]\n", "", 1),
		"half a threshold": head + "applies: {thresholds: [{fact: a}]}\n",
	} {
		if err := s.Validate(tree(t, []byte(text))); err == nil {
			t.Errorf("%s: the schema takes it", name)
		}
		if _, err := Parse([]byte(text)); err == nil {
			t.Errorf("%s: Parse takes it", name)
		}
	}
}

// TestTheSchemaKnowsEveryKey compares the keys of the Go types with the schema's,
// so that neither moves alone.
func TestTheSchemaKnowsEveryKey(t *testing.T) {
	_, doc := schema(t)
	defs := doc["$defs"].(map[string]any)
	check := func(of reflect.Type, node any) {
		properties := node.(map[string]any)["properties"].(map[string]any)
		want := keys(of)
		for _, key := range want {
			if _, ok := properties[key]; !ok {
				t.Errorf("%s: the schema has no %s", of, key)
			}
		}
		if len(properties) != len(want) {
			t.Errorf("%s: %d keys in Go, %d in the schema", of, len(want), len(properties))
		}
	}
	check(reflect.TypeFor[Pack](), doc)
	for name, of := range map[string]reflect.Type{
		"rule": reflect.TypeFor[Rule](), "sensitive": reflect.TypeFor[Sensitive](), "right": reflect.TypeFor[Right](), "stop": reflect.TypeFor[Stop](),
		"minor": reflect.TypeFor[Minor](), "signal": reflect.TypeFor[Signal](), "breach": reflect.TypeFor[Breach](), "ceiling": reflect.TypeFor[Ceiling](),
		"keep": reflect.TypeFor[Keep](), "notice": reflect.TypeFor[Notify](), "disclosure": reflect.TypeFor[Disclosure](), "bound": reflect.TypeFor[Bound](),
		"record": reflect.TypeFor[Record](), "example": reflect.TypeFor[Example](), "threshold": reflect.TypeFor[Threshold](),
	} {
		check(of, defs[name])
	}
}

func keys(of reflect.Type) (all []string) {
	for i := range of.NumField() {
		f := of.Field(i)
		tag, _, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		switch {
		case f.Anonymous:
			all = append(all, keys(f.Type)...)
		case tag != "":
			all = append(all, tag)
		}
	}
	return all
}
