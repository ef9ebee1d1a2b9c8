package datamap_test

import (
	"bytes"
	"compress/gzip"
	"encoding/csv"
	"encoding/json"
	"net/url"
	"os"
	"strings"
	"testing"

	"thimble"
	"thimble/internal/datamap"
)

// terms reads a list of the vocabulary as it was published.
func terms(t *testing.T, name, prefix string, into map[string]string) {
	t.Helper()
	file, err := os.Open("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	unzipped, err := gzip.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(unzipped).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rows[1:] {
		into[prefix+":"+r[0]] = r[1] // class or property
	}
}

func document(t *testing.T, all []datamap.Table) map[string]any {
	t.Helper()
	var b bytes.Buffer
	if err := datamap.WriteDPV(&b, all); err != nil {
		t.Fatal(err)
	}
	var doc map[string]any
	if err := json.Unmarshal(b.Bytes(), &doc); err != nil {
		t.Fatal(err)
	}
	return doc
}

// everything is the map with a field that has recipients, processors and transfers.
func everything() []datamap.Table {
	all := append([]datamap.Table{}, datamap.All()...)
	return append(all, datamap.Table{Name: "x", Holder: "x", Set: "core", Controller: "a joint controller", Brands: []string{"one brand"}, Fields: []datamap.Field{{
		Column: "y", Category: "thimble.body_measurements", Source: "the person", Purposes: allPurposes(), Retention: "a year", Risk: datamap.HighRisk,
		Recipients: []string{"a carrier"}, Processors: []string{"a data centre"}, Transfers: []string{"CH"}, Measures: []datamap.Measure{datamap.KeyedHash, datamap.TokenHash},
	}}})
}

func allPurposes() (all []thimble.Purpose) {
	for _, p := range datamap.Purposes() {
		all = append(all, thimble.Purpose(p.Key))
	}
	return all
}

func TestTheDPVExportUsesOnlyTermsOfTheVocabulary(t *testing.T) {
	known := map[string]string{}
	terms(t, "dpv.csv.gz", "dpv", known)
	terms(t, "eu-gdpr.csv.gz", "eu-gdpr", known)
	used := 0
	var look func(v any)
	check := func(term, kind string) {
		if prefix, _, ok := strings.Cut(term, ":"); ok && (prefix == "dpv" || prefix == "eu-gdpr") {
			used++
			if known[term] != kind {
				t.Errorf("%s is used as a %s; the vocabulary says %q", term, kind, known[term])
			}
		}
	}
	look = func(v any) {
		switch v := v.(type) {
		case []any:
			for _, e := range v {
				look(e)
			}
		case map[string]any:
			for key, value := range v {
				check(key, "property")
				if key == "@type" {
					for _, kind := range list(value) {
						check(kind.(string), "class")
					}
				}
				look(value)
			}
		}
	}
	look(document(t, everything())["@graph"])
	if used < 500 {
		t.Errorf("only %d terms were looked at", used)
	}
}

func list(v any) []any {
	if l, ok := v.([]any); ok {
		return l
	}
	return []any{v}
}

// JSON-LD 1.1: a key is a keyword or a compact IRI of a prefix that the context
// has; a node that is referred to is there.
func TestTheDPVExportIsLinkedData(t *testing.T) {
	doc := document(t, everything())
	context := doc["@context"].(map[string]any)
	for prefix, iri := range context {
		if u, err := url.Parse(iri.(string)); err != nil || !u.IsAbs() || !strings.HasSuffix(iri.(string), "#") && !strings.HasSuffix(iri.(string), "/") {
			t.Errorf("the prefix %s stands for %v", prefix, iri)
		}
	}
	defined, referred := map[string]bool{}, map[string]bool{}
	var look func(v any, top bool)
	look = func(v any, top bool) {
		switch v := v.(type) {
		case nil:
			t.Error("null says nothing in JSON-LD")
		case []any:
			for _, e := range v {
				look(e, top)
			}
		case map[string]any:
			for key, value := range v {
				if prefix, _, ok := strings.Cut(key, ":"); key[0] != '@' && (!ok || context[prefix] == nil) {
					t.Errorf("the key %q is no keyword and has no prefix of the context", key)
				}
				look(value, false)
			}
			if id, ok := v["@id"].(string); ok {
				if top && defined[id] {
					t.Errorf("%s stands there twice", id)
				}
				if top {
					defined[id] = true
				} else {
					referred[id] = true
				}
			}
		}
	}
	look(doc["@graph"], true)
	for id := range referred {
		if !defined[id] {
			t.Errorf("%s is referred to and not there", id)
		}
	}
	if !defined["#field-order_orders.body"] || !referred["#category-user.behavior.purchase_history"] {
		t.Error("the field order_orders.body is missing")
	}
}

func TestEveryMeasureHasTermsOfTheVocabulary(t *testing.T) {
	for _, n := range document(t, everything())["@graph"].([]any) {
		n := n.(map[string]any)
		for _, m := range list(n["dpv:hasTechnicalOrganisationalMeasure"]) {
			if m, ok := m.(map[string]any); ok && m["@type"] == nil {
				t.Errorf("%v: the measure %v has no term", n["@id"], m["dct:description"])
			}
		}
	}
}

func TestTheMapAsJSONHasEveryField(t *testing.T) {
	var b bytes.Buffer
	if err := datamap.WriteJSON(&b, datamap.All()); err != nil {
		t.Fatal(err)
	}
	var got datamap.Inventory
	if err := json.Unmarshal(b.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	if len(got.Fields) != len(datamap.Entries(datamap.All())) || got.Plain == 0 || got.Form != "thimble.datamap/v1" {
		t.Errorf("%d fields, %d plain columns, form %q", len(got.Fields), got.Plain, got.Form)
	}
	if strings.Contains(b.String(), "null") {
		t.Error("a list of nobody is null")
	}
}
