package datamapweb

import (
	"embed"
	"net/http"
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
		Mount: func(mux *http.ServeMux, f *web.Frame) {
			mux.HandleFunc("GET "+consolePath, func(w http.ResponseWriter, r *http.Request) {
				body, status := consoleMap(r, datamap.All())
				f.Render(w, r, status, pages, "console_datamap.html", web.Page{
					Title: "Data map", Lead: "Every column that holds something about people. A test reads the real schemas and fails when one is missing here.", Body: body,
				})
			})
		},
	}, nil
}

type consoleBody struct {
	Stats  []web.Stat
	Fields web.Table
}

func consoleMap(r *http.Request, tables []datamap.Table) (consoleBody, int) {
	category, holder, sealed := r.URL.Query().Get("category"), r.URL.Query().Get("holder"), r.URL.Query().Get("sealed")
	t := web.Table{
		ID: "fields", Caption: "Personal fields", HideCaption: true, URL: r.URL,
		Columns: []web.Column{{Label: "Field"}, {Label: "Category and source"}, {Label: "Purposes"}, {Label: "Sealed"}, {Label: "Holder and retention"}},
		Filters: []web.Field{
			consoleFilter("category", "Category", category, tables, func(_ datamap.Table, f datamap.Field) string { return string(f.Category) }),
			consoleFilter("holder", "Holder", holder, tables, func(t datamap.Table, _ datamap.Field) string { return t.Holder }),
			consoleFilter("sealed", "Sealed", sealed, tables, func(_ datamap.Table, f datamap.Field) string { return web.Text(f.Sealed) }),
		},
	}
	status := http.StatusOK
	if slices.ContainsFunc(t.Filters, func(f web.Field) bool { return f.Error != "" }) {
		status = http.StatusUnprocessableEntity
	}
	for _, table := range tables {
		for _, f := range table.Fields {
			if category != "" && !f.Category.Within(thimble.Category(category)) || holder != "" && table.Holder != holder || sealed != "" && web.Text(f.Sealed) != sealed {
				continue
			}
			t.Rows = append(t.Rows, consoleRow(table, f))
		}
	}
	return consoleBody{Stats: consoleStats(tables), Fields: t}, status
}

func consoleRow(t datamap.Table, f datamap.Field) web.Row {
	sealed := web.Badge{Text: "In the clear"}
	if f.Sealed {
		sealed = web.Badge{Text: "Sealed", Tone: web.Good}
	}
	purposes := make([]string, len(f.Purposes))
	for i, p := range f.Purposes {
		purposes[i] = string(p)
	}
	return web.Row{Cells: web.Cells(web.Cell{Value: t.Name + "." + f.Column, Sub: f.Note}, web.Cell{Value: string(f.Category), Sub: f.Source}, strings.Join(purposes, ", "), sealed, web.Cell{Value: t.Holder, Sub: f.Retention})}
}

// consoleFilter offers the values that occur.
func consoleFilter(name, label, chosen string, tables []datamap.Table, of func(datamap.Table, datamap.Field) string) web.Field {
	field := web.Field{Name: name, Label: label, Kind: web.SelectField, Value: chosen, Short: true, Options: []web.Option{{Label: "All"}}}
	var values []string
	for _, t := range tables {
		for _, f := range t.Fields {
			values = append(values, of(t, f))
		}
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
