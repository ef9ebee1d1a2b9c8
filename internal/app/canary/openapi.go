package canary

import "strings"

// A document is as much of the API's own description as is needed to fill it in.
type document struct {
	Paths      map[string]map[string]operation `json:"paths"`
	Components struct {
		Schemas map[string]schema `json:"schemas"`
	} `json:"components"`
}

type operation struct {
	Parameters []struct {
		Name string `json:"name"`
		In   string `json:"in"`
	} `json:"parameters"`
	Body struct {
		Content map[string]struct {
			Schema schema `json:"schema"`
		} `json:"content"`
	} `json:"requestBody"`
}

type schema struct {
	Ref        string            `json:"$ref"`
	Type       any               `json:"type"` // a word, or a list of words
	Properties map[string]schema `json:"properties"`
	Items      *schema           `json:"items"`
}

func (s schema) is(kind string) bool {
	switch t := s.Type.(type) {
	case string:
		return t == kind
	case []any:
		for _, one := range t {
			if one == kind {
				return true
			}
		}
	}
	return false
}

// deepestBody bounds a body that refers to itself.
const deepestBody = 6

// sample fills a schema, with a planted string in every text.
func (w *world) sample(door string, doc document, s schema, depth int) any {
	if depth == deepestBody {
		return nil
	}
	if s.Ref != "" {
		return w.sample(door, doc, doc.Components.Schemas[s.Ref[strings.LastIndex(s.Ref, "/")+1:]], depth+1)
	}
	switch {
	case s.is("object"):
		all := map[string]any{}
		for name, p := range s.Properties {
			if name != "$schema" {
				all[name] = w.sample(door, doc, p, depth+1)
			}
		}
		return all
	case s.is("array") && s.Items != nil:
		return []any{w.sample(door, doc, *s.Items, depth+1)}
	case s.is("integer"), s.is("number"):
		return 1
	case s.is("boolean"):
		return true
	}
	return w.word(door)
}
