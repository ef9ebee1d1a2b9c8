package datamapweb

import (
	"bytes"
	"cmp"
	"embed"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"thimble"
	"thimble/internal/datamap"
	"thimble/internal/web"
)

//go:embed pages/console_*.html
var consoleFiles embed.FS

const consolePath = "/console/datamap"

// Console is the data map of the staff console.
func Console(kit *web.Kit) (web.Section, error) {
	pages, err := kit.Pages(consoleFiles, "pages/console_*.html")
	if err != nil {
		return web.Section{}, err
	}
	return web.Section{
		Nav: []web.NavItem{{Label: "Data map", Href: consolePath, Icon: "flow", Group: "Proof"}},
		Mount: func(mux web.Routes, f *web.Frame) {
			mux.HandleFunc("GET "+consolePath, func(w http.ResponseWriter, r *http.Request) {
				body, status := consoleMap(r, datamap.All())
				f.Render(w, r, status, pages, "console_datamap.html", web.Page{
					Title: "Data map", Lead: "Every column that holds something about people. A test reads the real schemas and fails when one is missing here.",
					Actions: []web.Action{
						{Label: "As JSON", Href: consolePath + "/datamap.json", Icon: "code"},
						{Label: "As DPV", Href: consolePath + "/datamap.jsonld", Icon: "code", About: "Data Privacy Vocabulary, JSON-LD"},
					},
					Body: body,
				})
			})
			mux.HandleFunc("GET "+consolePath+"/datamap.json", export(f, "application/json", "datamap.json", datamap.WriteJSON))
			mux.HandleFunc("GET "+consolePath+"/datamap.jsonld", export(f, "application/ld+json", "datamap.jsonld", datamap.WriteDPV))
		},
	}, nil
}

// export offers the whole map as a file.
func export(f *web.Frame, kind, name string, write func(io.Writer, []datamap.Table) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var b bytes.Buffer
		if err := write(&b, datamap.All()); err != nil {
			f.Fail(w, r, err)
			return
		}
		h := w.Header()
		h.Set("Content-Type", kind)
		h.Set("Content-Disposition", `attachment; filename="`+name+`"`)
		h.Set("Cache-Control", "no-store")
		_, _ = w.Write(b.Bytes()) // a reader that went away needs no answer
	}
}

type consoleBody struct {
	Stats  []web.Stat
	Chosen *consoleField // the field of the address, when there is one
	Fields web.Table
}

// A consoleField is all that the map says about one field.
type consoleField struct {
	Title  string
	About  string
	Values []web.KeyValue
	Close  string
}

func consoleMap(r *http.Request, tables []datamap.Table) (consoleBody, int) {
	query := r.URL.Query()
	category, purpose, holder, sealed := query.Get("category"), query.Get("purpose"), query.Get("holder"), query.Get("sealed")
	entries := datamap.Entries(tables)
	one := func(of func(datamap.Entry) string) func(datamap.Entry) []string {
		return func(e datamap.Entry) []string { return []string{of(e)} }
	}
	t := web.Table{
		ID: "fields", Caption: "Personal fields", HideCaption: true, URL: r.URL,
		Columns: []web.Column{{Label: "Field"}, {Label: "Category, source"}, {Label: "Purposes, recipients"}, {Label: "Protection, risk"}, {Label: "Holder, retention"}},
		Filters: []web.Field{
			consoleFilter("category", "Category", category, entries, one(func(e datamap.Entry) string { return string(e.Category) })),
			consoleFilter("purpose", "Purpose", purpose, entries, func(e datamap.Entry) []string { return words(e.Purposes) }),
			consoleFilter("holder", "Holder", holder, entries, one(func(e datamap.Entry) string { return e.Holder })),
			consoleFilter("sealed", "Sealed", sealed, entries, one(func(e datamap.Entry) string { return web.Text(e.Sealed) })),
		},
		Empty: &web.Empty{Title: "No field is all of this", Text: "Clear one of the filters."},
	}
	status := http.StatusOK
	if slices.ContainsFunc(t.Filters, func(f web.Field) bool { return f.Error != "" }) {
		status = http.StatusUnprocessableEntity
	}
	for _, e := range entries {
		if category != "" && !e.Category.Within(thimble.Category(category)) || purpose != "" && !slices.Contains(words(e.Purposes), purpose) ||
			holder != "" && e.Holder != holder || sealed != "" && web.Text(e.Sealed) != sealed {
			continue
		}
		t.Rows = append(t.Rows, consoleRow(e, with(r.URL, e.Name())))
	}
	body := consoleBody{Stats: consoleStats(tables), Fields: t}
	if name := query.Get("field"); name != "" {
		i := slices.IndexFunc(entries, func(e datamap.Entry) bool { return e.Name() == name })
		if i < 0 {
			return body, http.StatusNotFound
		}
		body.Chosen = chosen(entries[i], with(r.URL, ""))
	}
	return body, status
}

// with is the same page, filters and all, with a field opened or none.
func with(u *url.URL, field string) string {
	query := u.Query()
	query.Del("field")
	if field != "" {
		query.Set("field", field)
	}
	if len(query) == 0 {
		return consolePath
	}
	return consolePath + "?" + query.Encode()
}

func words(purposes []thimble.Purpose) []string {
	all := make([]string, len(purposes))
	for i, p := range purposes {
		all[i] = string(p)
	}
	return all
}

func names(purposes []thimble.Purpose) []string {
	all := make([]string, len(purposes))
	for i, p := range purposes {
		meaning, _ := datamap.PurposeOf(p)
		all[i] = meaning.Name
	}
	return all
}

var riskTone = map[datamap.Risk]web.Tone{datamap.LowRisk: web.Good, datamap.MediumRisk: web.Warn, datamap.HighRisk: web.Bad}

func consoleRow(e datamap.Entry, href string) web.Row {
	sealed := web.Badge{Text: "In the clear"}
	if e.Sealed {
		sealed = web.Badge{Text: "Sealed", Tone: web.Good}
	}
	return web.Row{Href: href, Cells: web.Cells(
		web.Cell{Value: e.Name(), Sub: e.Note},
		// By name: a key is too long a word for a phone.
		web.Cell{Value: e.CategoryName, Sub: e.Source},
		web.Cell{Value: strings.Join(names(e.Purposes), ", "), Sub: "Recipients: " + datamap.Or(e.Recipients, "none")},
		[]web.Badge{sealed, {Text: string(e.Risk) + " risk", Tone: riskTone[e.Risk]}},
		web.Cell{Value: e.Holder, Sub: e.Retention},
	)}
}

func chosen(e datamap.Entry, closed string) *consoleField {
	term, _ := datamap.CategoryOf(e.Category)
	purposes := make([]string, len(e.Purposes))
	for i, p := range e.Purposes {
		meaning, _ := datamap.PurposeOf(p)
		purposes[i] = meaning.Name + " (" + string(p) + ")"
	}
	measures := make([]string, len(e.Measures))
	for i, m := range e.Measures {
		measures[i] = string(m)
	}
	return &consoleField{Title: e.Name(), About: e.Note, Close: closed, Values: []web.KeyValue{
		{Key: "Category", Value: term.Name, Sub: string(e.Category) + ": " + term.Description},
		{Key: "About", Value: strings.Join(e.People, ", ")},
		{Key: "Source", Value: e.Source},
		{Key: "Purposes", Value: strings.Join(purposes, ", ")},
		{Key: "Controller", Value: e.Controller, Sub: strings.Join(e.Brands, ", ")},
		{Key: "Holder", Value: e.Holder, Sub: "exports and erases it"},
		{Key: "Recipients", Value: datamap.Or(e.Recipients, "none")},
		{Key: "Processors", Value: datamap.Or(e.Processors, "none")},
		{Key: "Sent to other countries", Value: datamap.Or(e.Transfers, "no")},
		{Key: "Retention", Value: e.Retention},
		{Key: "Measures", Value: cmp.Or(strings.Join(measures, "; "), "none")},
		{Key: "Inside", Value: datamap.Or(e.Inside, "one value")},
		{Key: "Risk before measures", Value: web.Badge{Text: string(e.Risk), Tone: riskTone[e.Risk]}},
	}}
}

// consoleFilter offers the values that occur.
func consoleFilter(name, label, chosen string, entries []datamap.Entry, of func(datamap.Entry) []string) web.Field {
	field := web.Field{Name: name, Label: label, Kind: web.SelectField, Value: chosen, Short: true, Options: []web.Option{{Label: "All"}}}
	var values []string
	for _, e := range entries {
		values = append(values, of(e)...)
	}
	slices.Sort(values)
	values = slices.Compact(values)
	for _, v := range values {
		field.Options = append(field.Options, web.Option{Value: v})
	}
	if chosen != "" && !slices.Contains(values, chosen) {
		field.Error = "The map has no such value. Choose one of the list."
	}
	return field
}

func consoleStats(tables []datamap.Table) []web.Stat {
	var personal, fields, sealed, plain int
	holders := map[string]bool{}
	for _, t := range tables {
		plain += len(t.Plain)
		if !t.Personal() {
			continue
		}
		personal++
		holders[t.Holder] = true
		fields += len(t.Fields)
		for _, f := range t.Fields {
			if f.Sealed {
				sealed++
			}
		}
	}
	return []web.Stat{
		{Label: "Personal fields", Value: fields, Note: web.Plural(plain, "other column holds", "other columns hold") + " nothing personal"},
		{Label: "Tables with people", Value: personal, Note: "of " + web.Plural(len(tables), "table", "tables")},
		{Label: "Holders", Value: len(holders), Note: "export and erase them"},
		{Label: "Sealed fields", Value: sealed, Note: "under the person's own key"},
	}
}
