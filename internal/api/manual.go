package api

import (
	"embed"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"thimble/internal/web"
)

//go:embed pages/manual.html
var manualFiles embed.FS

// manual is what manual.html shows: the document, for people.
type manual struct {
	Version  string
	About    string
	Start    web.CodeBlock
	Overview web.Table
	Tags     []manualTag
	Schemas  []manualSchema
	Problems web.Table
}

type manualTag struct {
	Name, About string
	Operations  []manualOperation
}

type manualOperation struct {
	ID, Method, Path string
	Summary, About   string
	Scope            web.Badge
	Parameters       *web.Table
	Request          *manualBody
	Answers          web.Table
	Example          *web.CodeBlock
	Curl             web.CodeBlock
}

type manualBody struct {
	Schema string
	Fields web.Table
}

type manualSchema struct {
	ID, Name string
	Fields   web.Table
}

func (a *API) serveManual(cfg Config) error {
	pages, err := cfg.Kit.Pages(manualFiles)
	if err != nil {
		return err
	}
	a.mux.HandleFunc("GET "+ManualPath, func(w http.ResponseWriter, r *http.Request) {
		page := web.Page{
			Title: "API manual", Layout: web.Plain, Lead: "Everything a program can ask for and record here.",
			Description: "The HTTP API of Thimble: operations, parameters, answers and problems.",
			Actions: []web.Action{
				{Label: "Schemas", Href: "#schemas", Kind: "quiet"},
				{Label: "Problems", Href: "#problems", Kind: "quiet"},
				{Label: "OpenAPI in YAML", Href: DocumentPath + ".yaml", Icon: "download"},
				{Label: "in JSON", Href: DocumentPath + ".json", Icon: "download", Kind: "quiet"},
			},
			Body: a.manual(origin(r)),
		}
		if cfg.Frame != nil {
			page = cfg.Frame(r, page)
		}
		body, err := pages.HTML(r, "manual.html", page)
		if err != nil {
			a.log.ErrorContext(r.Context(), "manual not rendered", slog.String("cause", err.Error()))
			cfg.Kit.Error(w, r, err)
			return
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Cache-Control", "no-cache")
		_, _ = w.Write(body) // a reader who went away needs no answer
	})
	return nil
}

func origin(r *http.Request) string {
	if r.TLS != nil {
		return "https://" + r.Host
	}
	return "http://" + r.Host
}

func (a *API) manual(origin string) manual {
	doc := a.document
	m := manual{
		Version: doc.Info.Version, About: doc.Info.Description,
		Start: web.CodeBlock{ID: "start", Title: "First call", Lang: "sh", Code: "export THIMBLE_KEY=tk_…   # from the console, under API keys\n" +
			"curl -H \"Authorization: Bearer $THIMBLE_KEY\" '" + origin + "/v1/items?limit=1'"},
		Overview: web.Table{
			ID: "operations", Caption: "Operations",
			Columns: []web.Column{{Label: "Operation"}, {Label: "Tag", Secondary: true}, {Label: "Needs"}},
		},
		Problems: problemTable(),
	}
	for _, tag := range doc.Tags {
		t := manualTag{Name: tag.Name, About: tag.Description}
		for op := range operations(doc) {
			if slices.Contains(op.Tags, tag.Name) {
				one := a.describe(op, origin)
				t.Operations = append(t.Operations, one)
				m.Overview.Rows = append(m.Overview.Rows, web.Row{Href: "#" + one.ID, Cells: web.Cells(
					web.Cell{Value: one.Summary, Sub: one.Method + " " + one.Path}, tag.Name, one.Scope)})
			}
		}
		m.Tags = append(m.Tags, t)
	}
	schemas := doc.Components.Schemas.Map()
	for _, name := range sorted(schemas) {
		m.Schemas = append(m.Schemas, manualSchema{ID: schemaID(name), Name: name, Fields: a.fields(name, schemas[name])})
	}
	return m
}

func (a *API) describe(op *huma.Operation, origin string) manualOperation {
	scope, _ := scopeOf(op)
	m := manualOperation{
		ID: op.OperationID, Method: op.Method, Path: op.Path, Summary: op.Summary, About: op.Description,
		Scope: web.Badge{Text: scopeNames[scope], Tone: web.Info}, Answers: answerTable(op),
		Curl: web.CodeBlock{ID: op.OperationID + "-curl", Title: "Call of " + op.OperationID, Lang: "sh", Code: curl(op, origin)},
	}
	if scope == public {
		m.Scope.Tone = web.Good
	}
	if len(op.Parameters) > 0 {
		t := parameterTable(op)
		m.Parameters = &t
	}
	if media := requestOf(op); media != nil {
		name := refName(media.Schema)
		m.Request = &manualBody{Schema: name, Fields: a.fields(op.OperationID+" body", a.resolve(media.Schema))}
	}
	if kind, media := answerOf(op); media != nil && media.Example != nil {
		m.Example = &web.CodeBlock{ID: op.OperationID + "-answer", Title: "Answer of " + op.OperationID, Lang: kind, Code: pretty(media.Example)}
	}
	return m
}

func requestOf(op *huma.Operation) *huma.MediaType {
	if op.RequestBody == nil {
		return nil
	}
	return op.RequestBody.Content["application/json"]
}

// answerOf returns the content of the answer to a request that went well.
func answerOf(op *huma.Operation) (kind string, media *huma.MediaType) {
	for _, code := range sorted(op.Responses) {
		for kind, media := range op.Responses[code].Content {
			if strings.HasPrefix(code, "2") {
				return kind, media
			}
		}
	}
	return "", nil
}

func (a *API) resolve(s *huma.Schema) *huma.Schema {
	if s.Ref != "" {
		return a.document.Components.Schemas.SchemaFromRef(s.Ref)
	}
	return s
}

func refName(s *huma.Schema) string { return s.Ref[strings.LastIndex(s.Ref, "/")+1:] }

func schemaID(name string) string { return "schema-" + name }

func parameterTable(op *huma.Operation) web.Table {
	t := web.Table{
		ID: op.OperationID + "-parameters", Caption: "Parameters of " + op.OperationID,
		Columns: []web.Column{{Label: "Name"}, {Label: "In"}, {Label: "Type"}, {Label: "What it is"}},
	}
	for _, p := range op.Parameters {
		t.Rows = append(t.Rows, web.Row{Cells: web.Cells(web.Cell{Value: p.Name, Sub: needed(p.Required)}, p.In, web.Cell{Value: typeOf(p.Schema), Sub: rules(p.Schema)}, p.Description)})
	}
	return t
}

func (a *API) fields(name string, s *huma.Schema) web.Table {
	t := web.Table{
		ID: "fields-" + strings.ReplaceAll(name, " ", "-"), Caption: "Fields of " + name,
		Columns: []web.Column{{Label: "Name"}, {Label: "Type"}, {Label: "What it is"}},
	}
	for _, field := range sorted(s.Properties) {
		f := s.Properties[field]
		cell := web.Cell{Value: typeOf(f), Sub: rules(f)}
		if ref := innermost(f); ref.Ref != "" {
			cell.Href = "#" + schemaID(refName(ref))
		}
		t.Rows = append(t.Rows, web.Row{Cells: web.Cells(web.Cell{Value: field, Sub: needed(slices.Contains(s.Required, field))}, cell, f.Description)})
	}
	return t
}

func answerTable(op *huma.Operation) web.Table {
	t := web.Table{
		ID: op.OperationID + "-answers", Caption: "Answers of " + op.OperationID,
		Columns: []web.Column{{Label: "Status"}, {Label: "Content"}, {Label: "When"}},
	}
	for _, code := range sorted(op.Responses) {
		res := op.Responses[code]
		content := web.Cell{Value: "nothing"}
		for kind, media := range res.Content {
			content = web.Cell{Value: kind}
			if ref := innermost(media.Schema); ref.Ref != "" {
				content.Sub, content.Href = typeOf(media.Schema), "#"+schemaID(refName(ref))
			}
		}
		t.Rows = append(t.Rows, web.Row{Cells: web.Cells(code, content, res.Description)})
	}
	return t
}

func problemTable() web.Table {
	t := web.Table{
		ID: "problem-types", Caption: "Problem types",
		Columns: []web.Column{{Label: "Type"}, {Label: "Status", Kind: web.NumberColumn}, {Label: "What to do"}},
	}
	for _, p := range kinds {
		t.Rows = append(t.Rows, web.Row{Cells: web.Cells(web.Cell{Value: p.Type, Sub: p.Title}, p.Status, p.Detail)})
	}
	return t
}

func needed(required bool) string {
	if required {
		return "needed"
	}
	return ""
}

// innermost unwraps lists.
func innermost(s *huma.Schema) *huma.Schema {
	for s.Items != nil {
		s = s.Items
	}
	return s
}

func typeOf(s *huma.Schema) string {
	switch {
	case s.Ref != "":
		return refName(s)
	case s.Items != nil:
		return "list of " + typeOf(s.Items)
	case s.Format == "date-time":
		return "time"
	}
	return s.Type
}

// rules says in words what a value has to keep to.
func rules(s *huma.Schema) string {
	var all []string
	if len(s.Enum) > 0 {
		all = append(all, "one of "+strings.Trim(strings.ReplaceAll(fmt.Sprint(s.Enum), " ", ", "), "[]"))
	}
	if s.Minimum != nil && s.Maximum != nil {
		all = append(all, fmt.Sprintf("%g to %g", *s.Minimum, *s.Maximum))
	}
	if s.MaxLength != nil {
		all = append(all, fmt.Sprintf("at most %d characters", *s.MaxLength))
	}
	if s.MaxItems != nil {
		all = append(all, fmt.Sprintf("at most %d of them", *s.MaxItems))
	}
	if s.PatternDescription != "" {
		all = append(all, s.PatternDescription)
	}
	if s.Default != nil {
		all = append(all, fmt.Sprintf("%v when left out", s.Default))
	}
	return strings.Join(all, "; ")
}

// curl writes a call with the examples of the document.
func curl(op *huma.Operation, origin string) string {
	path, query := op.Path, url.Values{}
	for _, p := range op.Parameters {
		if len(p.Schema.Examples) == 0 {
			continue
		}
		switch value := fmt.Sprint(p.Schema.Examples[0]); p.In {
		case "path":
			path = strings.ReplaceAll(path, "{"+p.Name+"}", url.PathEscape(value))
		case "query":
			query.Set(p.Name, value)
		}
	}
	if len(query) > 0 {
		path += "?" + query.Encode()
	}
	lines := []string{"curl '" + origin + path + "'"}
	if op.Method != http.MethodGet {
		lines[0] = "curl -X " + op.Method + " '" + origin + path + "'"
	}
	if len(op.Security) > 0 {
		lines = append(lines, `-H "Authorization: Bearer $THIMBLE_KEY"`)
	}
	if media := requestOf(op); media != nil {
		lines = append(lines, "-H 'Content-Type: application/json'", "-d '"+strings.ReplaceAll(pretty(media.Example), "'", `'\''`)+"'")
	}
	return strings.Join(lines, " \\\n  ")
}

// pretty writes an example: text as it is, anything else as JSON.
func pretty(example any) string {
	if text, ok := example.(string); ok {
		return text
	}
	b, err := json.MarshalIndent(example, "", "  ")
	if err != nil { // the document, which holds the same value, has been written
		return ""
	}
	return string(b)
}

func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
