package plan

import (
	"encoding/json"
	"fmt"

	"thimble"
)

// The forms of amounts and dates that are strings, as a regular expression of JSON
// Schema.
const (
	moneyForm = `^-?[0-9]{1,15}(\.[0-9]{1,6})?$`
	dateForm  = `^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])`
)

// The bounds of numbers: amounts are below 10^15, whole numbers are those that every
// reader of JSON reads alike (RFC 8259, section 6).
const (
	moneyBound = 1e15
	wholeBound = 1<<53 - 1
)

// Schema writes what the properties of an event must be, as JSON Schema, draft
// 2020-12. The event is named as in the plan: a track event by its name, another by
// its call. Properties that are not in the plan break nothing: they are dropped.
func (p *Plan) Schema(event string) ([]byte, error) {
	for i := range p.Events {
		e := &p.Events[i]
		if e.title() != event {
			continue
		}
		s := p.object(p.all(e.Groups, e.Properties))
		s["$schema"] = "https://json-schema.org/draft/2020-12/schema"
		s["title"] = fmt.Sprintf("%s (plan %d)", e.title(), p.Version)
		return json.MarshalIndent(s, "", "  ")
	}
	return nil, fmt.Errorf("plan: event: the plan has none of this name: %w", thimble.ErrNotFound)
}

type schema = map[string]any

func (p *Plan) object(all []Property) schema {
	properties, required := schema{}, []string{}
	for _, q := range all {
		properties[q.Name] = p.property(q)
		if q.Required {
			required = append(required, q.Name)
		}
	}
	s := schema{"type": "object", "properties": properties}
	if len(required) > 0 {
		s["required"] = required
	}
	return s
}

func (p *Plan) property(q Property) schema {
	s := p.value(q)
	if u, ok := p.Uses[q.Use]; ok {
		s["$comment"] = string(u.Category)
	}
	if q.Note != "" {
		s["description"] = q.Note
	}
	if q.Required {
		return s
	}
	return schema{"anyOf": []schema{s, {"type": "null"}}}
}

func (p *Plan) value(q Property) schema {
	if q.transform() == Drop { // what is dropped whole is not looked into
		switch q.Type {
		case Object:
			return schema{"type": "object"}
		case Objects, Strings:
			return schema{"type": "array"}
		}
	}
	switch q.Type {
	case Money:
		return schema{"anyOf": []schema{
			{"type": "number", "exclusiveMinimum": -moneyBound, "exclusiveMaximum": moneyBound},
			{"type": "string", "pattern": moneyForm},
		}}
	case Integer:
		return schema{"type": "integer", "minimum": -wholeBound, "maximum": wholeBound}
	case Date:
		return schema{"type": "string", "pattern": dateForm}
	case Scalar:
		return schema{"type": []string{"string", "number", "boolean"}}
	case Strings:
		return schema{"type": "array", "items": schema{"type": "string"}}
	case Object:
		return p.object(p.all(q.Groups, q.Properties))
	case Objects:
		return schema{"type": "array", "items": p.object(p.all(q.Groups, q.Properties))}
	}
	return schema{"type": string(q.Type)} // string, number and boolean are JSON's own
}
