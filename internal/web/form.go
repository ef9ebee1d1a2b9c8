package web

import (
	"net/url"
	"slices"
)

// A Form is what a person fills in. Its template block is "form".
type Form struct {
	ID      string // names the form on its page; "form" when empty
	Action  string // where it goes; the page itself when empty
	Method  string // "post" when empty
	Legend  string
	Intro   string
	Fields  []Field
	Submit  string // the button; "Save" when empty
	Danger  bool   // the button destroys something
	Cancel  *Action
	Problem string // an error of no single field
}

// A FieldKind says which control a field is.
type FieldKind string

// The kinds of field. The other single-line kinds of HTML ("email", "date", …)
// are the kind of their own name.
const (
	TextField     FieldKind = "text"
	NumberField   FieldKind = "number"
	EmailField    FieldKind = "email"
	PasswordField FieldKind = "password"
	DateField     FieldKind = "date"
	SearchField   FieldKind = "search"
	URLField      FieldKind = "url"
	TelField      FieldKind = "tel"
	FileField     FieldKind = "file"
	SelectField   FieldKind = "select"
	TextAreaField FieldKind = "textarea"
	CheckField    FieldKind = "checkbox" // one box; Value is sent when it is ticked
	ChecksField   FieldKind = "checks"   // many boxes of one name
	RadioField    FieldKind = "radio"
	HiddenField   FieldKind = "hidden"
)

// A Field is one question of a form. Its template block is "field".
type Field struct {
	ID           string // drawn from form and name when empty
	Name         string
	Label        string
	Hint         string
	Error        string
	Kind         FieldKind // TextField when empty
	Value        string
	Values       []string // of a ChecksField
	Checked      bool     // of a CheckField
	Options      []Option
	Required     bool
	Autocomplete string // the purpose of the input, WCAG 1.3.5
	InputMode    string
	Min, Max     string
	Step         string
	Rows         int // of a TextAreaField
	MaxLength    int
	Disabled     bool
	Short        bool // a narrow control
}

// An Option is one answer of a select, radio or checks field.
type Option struct {
	Value string
	Label string // the value when empty
	Hint  string
}

// FormID is the form's id.
func (f Form) FormID() string { return or(f.ID, "form") }

// Verb is the form's method.
func (f Form) Verb() string { return or(f.Method, "post") }

// Button is the text of the button.
func (f Form) Button() string { return or(f.Submit, "Save") }

// Multipart reports whether a file travels with the form.
func (f Form) Multipart() bool {
	return slices.ContainsFunc(f.Fields, func(f Field) bool { return f.Kind == FileField })
}

// Questions are the fields with ids of this form.
func (f Form) Questions() []Field { return withIDs(f.FormID(), f.Fields) }

// Faulty are the fields with an error, for the summary.
func (f Form) Faulty() []Field {
	return slices.DeleteFunc(f.Questions(), func(f Field) bool { return f.Error == "" })
}

// Failed reports whether the form comes back with an error.
func (f Form) Failed() bool { return f.Problem != "" || len(f.Faulty()) > 0 }

// Fill returns the form with the values somebody sent, so that nothing is lost
// when it comes back. Passwords and files are not repeated.
func (f Form) Fill(sent url.Values) Form {
	f.Fields = slices.Clone(f.Fields)
	for i, field := range f.Fields {
		switch field.Kind {
		case PasswordField, FileField, HiddenField:
		case CheckField:
			f.Fields[i].Checked = sent.Has(field.Name)
		case ChecksField:
			f.Fields[i].Values = sent[field.Name]
		default:
			if sent.Has(field.Name) {
				f.Fields[i].Value = sent.Get(field.Name)
			}
		}
	}
	return f
}

// Explain returns the form with each problem beside its field, and with those of
// no field above it.
func (f Form) Explain(problems ...FieldProblem) Form {
	f.Fields = slices.Clone(f.Fields)
	for _, p := range problems {
		i := slices.IndexFunc(f.Fields, func(field Field) bool { return field.Name == p.Field })
		if i < 0 {
			f.Problem = p.Detail
			continue
		}
		f.Fields[i].Error = p.Detail
	}
	return f
}

func withIDs(prefix string, fields []Field) []Field {
	fields = slices.Clone(fields)
	for i, f := range fields {
		if f.ID == "" {
			fields[i].ID = prefix + "-" + f.Name
		}
		if f.Kind == "" {
			fields[i].Kind = TextField
		}
	}
	return fields
}

// FieldID is the control's id.
func (f Field) FieldID() string { return or(f.ID, "field-"+f.Name) }

// Control is the field's kind, never empty.
func (f Field) Control() string { return or(string(f.Kind), string(TextField)) }

// DescribedBy lists the ids of hint and error, for aria-describedby.
func (f Field) DescribedBy() string {
	switch id := f.FieldID(); {
	case f.Hint != "" && f.Error != "":
		return id + "-hint " + id + "-error"
	case f.Hint != "":
		return id + "-hint"
	case f.Error != "":
		return id + "-error"
	}
	return ""
}

// Choices are the options with what is chosen.
func (f Field) Choices() []Choice {
	choices := make([]Choice, len(f.Options))
	for i, o := range f.Options {
		choices[i] = Choice{Option: o, Chosen: o.Value == f.Value, Name: f.Name}
		if f.Kind == ChecksField {
			choices[i].Chosen = slices.Contains(f.Values, o.Value)
		}
		choices[i].Label = or(o.Label, o.Value)
	}
	return choices
}

// A Choice is an option as its field shows it.
type Choice struct {
	Option
	Name   string
	Chosen bool
}
