package policyweb

import (
	"cmp"
	"fmt"
	"net/http"

	"thimble/internal/policy"
	"thimble/internal/web"
)

// A dimension is one kind of value, in words.
type dimension struct{ key, title, what string }

var dimensions = []dimension{
	{"purpose", "Purposes", "What must be there before data is used for a purpose."},
	{"sensitive", "Sensitive categories", "What must be there before data of a category is used at all."},
	{"minor", "Ages", "Below which age what is needed."},
	{"signal", "Signals", "What a browser's or device's signal objects to."},
	{"right", "Rights", "What a person may ask for."},
	{"deadline", "Deadlines", "How soon it is answered, counted by each law's own calendar. The earliest day counts."},
	{"free", "Free of charge", "How often a year the answer costs nothing."},
	{"absolute", "No ground to refuse", "Rights that cannot be refused."},
	{"tells", "Who else is told", "Who must hear of it beside the person."},
	{"breach", "Breach", "Who is told of a breach, and how soon."},
	{"retention", "Longest retention", "After which time data goes."},
	{"keep", "Duties to keep", "Records that must stay, for legal obligations only."},
	{"notice", "Notices", "What people must be told, and when."},
	{"disclosure", "Disclosures", "What must stand beside a price, a chat or a decision."},
	{"bound", "Waits", "Times that must pass at least."},
	{"record", "Records", "What the shop must write down."},
}

func dimensionTitle(key string) string {
	for _, d := range dimensions {
		if d.key == key {
			return d.title
		}
	}
	return key
}

type lawBody struct {
	Form     web.Form
	Note     web.Callout
	Waits    *web.Callout
	Stats    []web.Stat
	Packs    web.Table
	Sections []lawSection
}

// A lawSection is the values of one dimension.
type lawSection struct {
	What   string
	Values web.Table
}

func (d *desk) law(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	a := d.read(q)
	body := lawBody{Note: web.Callout{Tone: web.Info, Title: disclaimer, Text: "Each value names its pack, article and the day it was checked. A value marked “unchecked” was remembered and waits for somebody to look."}}
	body.Form = web.Form{ID: "ask", Action: Path, Method: "get", Legend: "Whose law, and when?", Submit: "Show the law",
		Fields: append([]web.Field{d.placeField("place", "Where the person lives", a.place), dayField("on", "Day", a.on)}, d.shopFields(q, a)...)}.Explain(a.problems...)
	status := http.StatusOK
	if a.problems != nil {
		status = http.StatusUnprocessableEntity
	} else if err := d.fillLaw(&body, a); err != nil {
		d.Fail(w, r, err)
		return
	}
	d.show(w, r, status, "law.html", web.Page{
		Title: "Laws", Lead: "What the law asks about the data of somebody in a place, on a day: joined from all packs that apply, the strictest value of each.", Body: body,
		APICall: "GET /v1/policy/law?on=" + a.on.String() + "&residence=" + a.place,
	})
}

func (d *desk) fillLaw(body *lawBody, a ask) error {
	law, chosen, err := d.library().Choose(a.question(a.place, a.on))
	if err != nil {
		return err
	}
	values := law.Values()
	open := 0
	for _, v := range values {
		if v.Origin.Verify {
			open++
		}
	}
	body.Stats = []web.Stat{{Label: "Packs", Value: len(chosen), Note: "apply together"}, {Label: "Values", Value: len(values), Note: "each with its source"},
		{Label: "Not yet checked", Value: open, Note: "against the primary source"}}
	body.Packs = web.Table{ID: "packs", Caption: "Why these packs", Columns: []web.Column{{Label: "Pack"}, {Label: "Why"}}}
	for _, c := range chosen {
		body.Packs.Rows = append(body.Packs.Rows, web.Row{Href: packHref(c.Pack), Cells: web.Cells(c.Pack, c.Why)})
	}
	body.Sections = sectionsOf(values)
	return d.noteWaiting(body, a)
}

// noteWaiting says when more applies in the place today than the packs say.
func (d *desk) noteWaiting(body *lawBody, a ask) error {
	if a.on != d.Laws.Today() {
		return nil
	}
	pending, err := d.Laws.Regime().Pending(a.on)
	if err != nil {
		return err
	}
	n := 0
	for _, p := range pending {
		for _, place := range p.Places {
			if place == a.place {
				n++
			}
		}
	}
	if n > 0 {
		body.Waits = &web.Callout{Tone: web.Warn, Title: "More applies than is shown", Text: web.Plural(n, "change loosens", "changes loosen") + " the law here and wait to be accepted. Until then the stricter value from before applies too.",
			Action: &web.Action{Label: "See what waits", Href: waitingPath}}
	}
	return nil
}

func sectionsOf(values []policy.Value) (all []lawSection) {
	for _, dim := range dimensions {
		s := lawSection{What: dim.what, Values: web.Table{
			ID: "law-" + dim.key, Caption: dim.title, Note: dim.what,
			Columns: []web.Column{{Label: "What"}, {Label: "Value"}, {Label: "Source"}, {Label: "Checked"}},
		}}
		for _, v := range values {
			if v.Dim == dim.key {
				s.Values.Rows = append(s.Values.Rows, valueRow(v))
			}
		}
		if len(s.Values.Rows) > 0 {
			all = append(all, s)
		}
	}
	return all
}

func valueRow(v policy.Value) web.Row {
	lost := ""
	for i, l := range v.Lost {
		if i > 0 {
			lost += "; "
		}
		lost += "stricter than " + l.Text + " (" + l.Pack + ", " + l.Cite + ")"
	}
	source := web.Cell{Value: v.Origin.Pack + ": " + v.Origin.Cite, Href: v.Origin.URL, Sub: v.Origin.Source}
	if n := len(v.Also); n > 0 {
		source.Sub += "; so does " + v.Also[0].Pack + ", " + v.Also[0].Cite
		if n > 1 {
			source.Sub += fmt.Sprintf(" and %d more", n-1)
		}
	}
	return web.Row{Cells: []web.Cell{{Value: v.Key, Sub: v.Origin.Note}, {Value: v.Text, Sub: lost}, source, checked(v.Origin)}}
}

// notChecked is said of a value that was remembered.
const notChecked = "not yet checked against the primary source"

// checked is whether, and when, somebody held a value against its source.
func checked(o policy.Origin) web.Cell {
	if o.Verify {
		return web.Cell{Value: web.Badge{Text: "Unchecked", Tone: web.Warn}, Sub: notChecked}
	}
	return web.Cell{Value: web.Badge{Text: "Checked", Tone: web.Good}, Sub: cmp.Or(o.Checked.String(), "by rule")}
}
