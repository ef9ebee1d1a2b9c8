package timelineweb

import (
	"cmp"
	"fmt"
	"strings"

	"thimble"
	"thimble/internal/collect/timeline"
	"thimble/internal/pii"
	"thimble/internal/subject/subjectweb"
	"thimble/internal/web"
)

// An eventView is one event of somebody, as staff see it.
type eventView struct {
	Name   string
	At     string
	Detail string
	Open   bool
	Table  web.Table
	Absent []string // kinds of data that have expired
}

// viewOf shows an event: what a reading opens of it, in values or as shapes.
func viewOf(e *timeline.Event, i int, r subjectweb.Reading, values bool, source string) eventView {
	said := e.What()
	v := eventView{Name: said.Label(), At: web.Clock(e.When(&said)), Detail: source, Open: i == 0}
	v.Table = web.Table{ID: fmt.Sprintf("event-%d", i+1), Caption: said.Label(), HideCaption: true,
		Columns: []web.Column{{Label: "Property"}, {Label: "Type"}, {Label: "Data", Secondary: true}},
		Empty:   &web.Empty{Icon: "eye", Title: "Nothing else is kept of it"}}
	if values {
		v.Table.Columns[1].Label = "What it says"
	}
	lines, more := e.Lines()
	for _, l := range lines {
		v.Table.Rows = append(v.Table.Rows, web.Row{Cells: web.Cells(l.Path, valueOf(l, r, values), categoryWords(l.Category))})
	}
	if more {
		v.Table.Note = fmt.Sprintf("The first %d properties.", timeline.MaxLines)
	}
	for _, c := range e.Absent {
		v.Absent = append(v.Absent, categoryWords(c))
	}
	return v
}

// valueOf is what staff see of a value: its type, unless the whole category is open to them.
// What leads to a person in a text is left out, whatever the category.
func valueOf(l timeline.Line, r subjectweb.Reading, values bool) web.Cell {
	switch {
	case !values:
		return web.Cell{Value: l.Shape}
	case !r.Opens(l.Category):
		return web.Cell{Value: l.Shape, Sub: "by its type: your role may see it in part"}
	case l.Value == "":
		return web.Cell{Value: "(empty)"}
	}
	return web.Cell{Value: withoutPeople(l.Value)}
}

// withoutPeople leaves out of a text what leads to a person.
func withoutPeople(text string) string { return string(pii.Redact(nil, text, pii.Scan(text, nil))) }

func listed(all []string) string { return cmp.Or(strings.Join(all, ", "), "–") }

// words say a kind of data in plain words.
var words = []struct {
	category thimble.Category
	says     string
}{
	{"user.behavior.browsing_history", "what they looked at"}, {"user.behavior.search_history", "what they searched"}, {thimble.PurchaseHistory, "what they bought"},
	{"thimble.returns_behaviour", "what they sent back"}, {"thimble.size", "size"}, {"thimble.fit_feedback", "how clothes fit"}, {"thimble.style_preference", "style"},
	{"thimble.body_measurements", "body measurements"}, {"user.content", "what they wrote"}, {"user.device", "device"}, {"user.demographic.language", "language"},
	{thimble.Country, "country"}, {"user.contact.address.state", "region"}, {"user.contact.email", "e-mail address"}, {"user.contact.phone_number", "telephone number"},
	{"user.demographic.age_range", "age band"}, {"user.demographic.gender", "gender"}, {"user.account", "account"}, {thimble.PrivacyPreferences, "choices"}, {"system.operations", "the program that sent it"},
}

func categoryWords(c thimble.Category) string {
	for _, w := range words {
		if c.Within(w.category) {
			return w.says
		}
	}
	return string(c)
}
