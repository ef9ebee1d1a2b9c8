package planweb

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"thimble"
	"thimble/internal/collect/plan"
	"thimble/internal/collect/plandb"
	"thimble/internal/web"
)

type planBody struct {
	Stats  []web.Stat
	Start  web.Form
	Events web.Table
}

// plan shows the plan in force.
func (d *desk) plan(w http.ResponseWriter, r *http.Request) {
	f := d.Plans.InForce()
	d.show(w, r, http.StatusOK, "plan.html", web.Page{
		Title: "Tracking plan", Lead: "Which events the shop may send, what each property is and is for. What is not here is dropped.", APICall: "GET /v1/collect/plan",
		Actions: []web.Action{{Label: "Download YAML", Href: Path + "/plan.yaml", Icon: "download", Kind: "quiet"}},
		Body:    planBody{Stats: planStats(f), Start: startForm(f.Version, 0), Events: planTable(f.Plan)},
	})
}

// startForm begins a draft of the plan in force, or with the text of an older version.
func startForm(base, from int) web.Form {
	f := web.Form{ID: "start", Action: draftsPath, Submit: "Start a draft", Fields: []web.Field{
		{Name: "base", Kind: web.HiddenField, Value: strconv.Itoa(base)},
		{Name: "note", Label: "What for", Hint: "Whoever decides about the draft reads it.", MaxLength: plandb.MaxReason, Autocomplete: "off"},
	}}
	if from > 0 {
		f.Submit = fmt.Sprintf("Start a draft with the text of version %d", from)
		f.Fields = append(f.Fields, web.Field{Name: "from", Kind: web.HiddenField, Value: strconv.Itoa(from)})
	}
	return f
}

func planStats(f *plandb.Force) []web.Stat {
	kept, dropped := 0, 0
	for i := range f.Plan.Events {
		for _, p := range flat(f.Plan, &f.Plan.Events[i]) {
			if p.Done() == plan.Drop {
				dropped++
			} else {
				kept++
			}
		}
	}
	return []web.Stat{{Label: "Version", Value: f.Version, Href: historyPath}, {Label: "Events", Value: len(f.Plan.Events)},
		{Label: "Properties that may be kept", Value: kept, Note: "by what people permit"}, {Label: "Dropped for good", Value: dropped}}
}

// A flatProperty is a property with its path in the event and what it is for.
type flatProperty struct {
	plan.Property
	path string
	use  plan.Use
}

// flat lists the properties of an event, objects before what is in them.
func flat(p *plan.Plan, e *plan.Event) (all []flatProperty) {
	var walk func(path, use string, groups []string, own []plan.Property)
	walk = func(path, use string, groups []string, own []plan.Property) {
		for _, q := range p.All(groups, own) {
			within, at := cmp.Or(q.Use, use), path+q.Name
			all = append(all, flatProperty{Property: q, path: at, use: p.Uses[within]})
			switch q.Type {
			case plan.Objects:
				walk(at+"[].", within, q.Groups, q.Properties)
			case plan.Object:
				walk(at+".", within, q.Groups, q.Properties)
			}
		}
	}
	walk("", e.Use, e.Groups, e.Properties)
	return all
}

func planTable(p *plan.Plan) web.Table {
	t := web.Table{ID: "events", Caption: "Events",
		Columns: []web.Column{{Label: "Event"}, {Label: "A broken rule"}, {Label: "Category"}, {Label: "May be kept", Kind: web.NumberColumn}, {Label: "Dropped", Kind: web.NumberColumn}, {Label: "Must be there", Secondary: true}},
		Empty:   &web.Empty{Icon: "ruler", Title: "The plan has no event", Text: "Everything that comes is dropped. Start a draft and add one."}}
	for i := range p.Events {
		e := &p.Events[i]
		kept, dropped := 0, 0
		var required []string
		for _, q := range flat(p, e) {
			if q.Done() == plan.Drop {
				dropped++
			} else {
				kept++
			}
			if q.Required {
				required = append(required, q.path)
			}
		}
		name := web.Cell{Value: e.Title()}
		if e.Call != "" && e.Call != "track" {
			name.Sub = "call"
		}
		if len(e.Also) > 0 {
			name.Sub = "also " + strings.Join(e.Also, ", ")
		}
		t.Rows = append(t.Rows, web.Row{Href: eventHref(e.Title()), Cells: web.Cells(name, modeBadge(e.Costs()), string(p.Uses[e.Use].Category), kept, dropped, listed(required))})
	}
	return t
}

func modeBadge(m plan.Mode) web.Badge {
	words := map[plan.Mode]string{plan.Block: "costs the event", plan.Omit: "costs the property", plan.Warn: "is only told"}
	return web.Badge{Text: words[m], Tone: map[plan.Mode]web.Tone{plan.Block: web.Bad, plan.Warn: web.Info}[m]}
}

// download hands out the plan in force as it is written.
func (d *desk) download(w http.ResponseWriter, r *http.Request) {
	f := d.Plans.InForce()
	yamlFile(w, fmt.Sprintf("tracking-plan-%d.yaml", f.Version), f.Text)
}

func yamlFile(w http.ResponseWriter, name string, text []byte) {
	w.Header().Set("Content-Type", "application/yaml")
	w.Header().Set("Content-Disposition", `attachment; filename="`+name+`"`)
	_, _ = w.Write(text) // a reader who went away asks again
}

func findEvent(p *plan.Plan, title string) *plan.Event {
	if i := slices.IndexFunc(p.Events, func(e plan.Event) bool { return e.Title() == title }); i >= 0 {
		return &p.Events[i]
	}
	return nil
}

type eventBody struct {
	Facts      []web.KeyValue
	Properties web.Table
	Schema     web.CodeBlock
}

// event shows one event of the plan in force.
func (d *desk) event(w http.ResponseWriter, r *http.Request) {
	f, title := d.Plans.InForce(), r.URL.Query().Get("name")
	e := findEvent(f.Plan, title)
	schema, err := f.Plan.Schema(title)
	if err != nil || e == nil {
		d.Fail(w, r, fmt.Errorf("planweb: the plan has no event of this name: %w", thimble.ErrNotFound))
		return
	}
	u := f.Plan.Uses[e.Use]
	d.show(w, r, http.StatusOK, "plan_event.html", web.Page{
		Title: title, Crumbs: []web.Crumb{{Label: "Tracking plan", Href: Path}, {Label: title}}, APICall: "GET " + schemaCall(title),
		Actions: []web.Action{{Label: "Download JSON Schema", Href: Path + "/schema.json?" + r.URL.Query().Encode(), Icon: "download", Kind: "quiet"}},
		Body: eventBody{Facts: []web.KeyValue{
			{Key: "A broken rule", Value: modeWords[e.Costs()]}, {Key: "Category", Value: string(u.Category)}, {Key: "For", Value: purposeWords(u.Purposes)}, {Key: "Other names", Value: listed(e.Also)}, {Key: "Groups", Value: listed(e.Groups)},
		}, Properties: propertyTable(f.Plan, e), Schema: web.CodeBlock{ID: "schema", Title: "JSON Schema, draft 2020-12", Lang: "json", Code: string(schema)}},
	})
}

func purposeWords(all []thimble.Purpose) string {
	words := make([]string, len(all))
	for i, p := range all {
		words[i] = string(p)
	}
	return listed(words)
}

func propertyTable(p *plan.Plan, e *plan.Event) web.Table {
	t := web.Table{ID: "properties", Caption: "Properties", Columns: []web.Column{{Label: "Property"}, {Label: "Type"}, {Label: "What is done"}, {Label: "Category"}, {Label: "For"}},
		Empty: &web.Empty{Icon: "ruler", Title: "It carries nothing", Text: "That it happened is all that is kept of it."}}
	for _, q := range flat(p, e) {
		name := web.Cell{Value: q.path, Sub: q.Note}
		if q.Required {
			name.Sub = strings.TrimSpace("must be there. " + q.Note)
		}
		t.Rows = append(t.Rows, web.Row{Cells: web.Cells(name, string(q.Type), doneWords[q.Done()], string(q.use.Category), purposeWords(q.use.Purposes))})
	}
	return t
}

// schema hands out the JSON Schema of an event.
func (d *desk) schema(w http.ResponseWriter, r *http.Request) {
	text, err := d.Plans.InForce().Plan.Schema(r.URL.Query().Get("name"))
	if err != nil {
		d.Fail(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "application/schema+json")
	w.Header().Set("Content-Disposition", `attachment; filename="schema.json"`)
	_, _ = w.Write(text)
}

type historyBody struct{ Versions web.Table }

// history lists the versions.
func (d *desk) history(w http.ResponseWriter, r *http.Request) {
	all, err := d.Plans.Versions(r.Context(), 200)
	if err != nil {
		d.Fail(w, r, err)
		return
	}
	t := web.Table{ID: "versions", Caption: "Versions", HideCaption: true, Columns: []web.Column{{Label: "Version"}, {Label: "By"}, {Label: "Why"}, {Label: "Kept more", Kind: web.NumberColumn}, {Label: "Since"}, {Label: "Hash", Kind: web.TokenColumn, Secondary: true}},
		Empty: &web.Empty{Icon: "clock", Title: "No version was recorded yet", Text: "The plan that ships is in force. It is recorded when the server starts."}}
	for _, v := range all {
		t.Rows = append(t.Rows, web.Row{Href: versionHref(v.Number), Cells: web.Cells("Version "+strconv.Itoa(v.Number), cmp.Or(v.Author, "Thimble"), cmp.Or(v.Reason, "–"), v.Loosens, v.At, web.Token(v.Hash))})
	}
	d.show(w, r, http.StatusOK, "plan_history.html", web.Page{Title: "History of the plan", Lead: "Each version is an entry of the ledger. Going back is a new version.", APICall: "GET /v1/collect/plan/versions", Body: historyBody{t}})
}

func versionHref(n int) string { return historyPath + "/" + strconv.Itoa(n) }

type versionBody struct {
	Facts []web.KeyValue
	Diff  web.Table
	Back  *web.Form
	Text  web.CodeBlock
}

// version shows one version, with what it changed.
func (d *desk) version(w http.ResponseWriter, r *http.Request) {
	n, err := strconv.Atoi(r.PathValue("version"))
	if err != nil || n < 1 || strconv.Itoa(n) != r.PathValue("version") {
		d.Fail(w, r, thimble.ErrNotFound)
		return
	}
	f, err := d.Plans.Version(r.Context(), n)
	var all []plandb.Version
	if err == nil {
		all, err = d.Plans.Versions(r.Context(), d.Plans.InForce().Version)
	}
	var diff []plan.Change
	if err == nil && n > 1 {
		var before *plandb.Force
		if before, err = d.Plans.Version(r.Context(), n-1); err == nil {
			diff = plan.Diff(before.Plan, f.Plan)
		}
	}
	if err != nil {
		d.Fail(w, r, err)
		return
	}
	body := versionBody{Diff: diffTable("What it changed", diff), Text: web.CodeBlock{ID: "whole", Title: "The whole text", Lang: "yaml", Code: string(f.Text)}}
	for _, v := range all {
		if v.Number == n {
			body.Facts = []web.KeyValue{{Key: "By", Value: cmp.Or(v.Author, "Thimble")}, {Key: "Why", Value: cmp.Or(v.Reason, "–")}, {Key: "Since", Value: v.At}, {Key: "SHA-256", Value: v.Hash, Copy: true}}
		}
	}
	if base := d.Plans.InForce().Version; n != base && d.May(r.Context(), "POST "+draftsPath) {
		form := startForm(base, n)
		body.Back = &form
	}
	title := "Version " + strconv.Itoa(n)
	d.show(w, r, http.StatusOK, "plan_version.html", web.Page{Title: title, Crumbs: []web.Crumb{{Label: "History", Href: historyPath}, {Label: title}}, APICall: "GET /v1/collect/plan/versions/" + strconv.Itoa(n), Body: body})
}

// diffTable shows differences, what keeps more than before first.
func diffTable(caption string, all []plan.Change) web.Table {
	t := web.Table{ID: "diff", Caption: caption, Columns: []web.Column{{Label: "Where"}, {Label: "Before"}, {Label: "After"}, {Label: "Keeps"}},
		Empty: &web.Empty{Icon: "check", Title: "Nothing differs", Text: "What may be kept is the same."}}
	sorted := slices.Clone(all)
	slices.SortStableFunc(sorted, func(a, b plan.Change) int {
		return cmp.Compare(map[bool]int{true: 0, false: 1}[a.Loosens], map[bool]int{true: 0, false: 1}[b.Loosens])
	})
	for _, c := range sorted {
		keeps := web.Badge{Text: "no more than before", Tone: web.Good}
		if c.Loosens {
			keeps = web.Badge{Text: "more than before", Tone: web.Warn}
		}
		t.Rows = append(t.Rows, web.Row{Cells: web.Cells(c.Path, cmp.Or(c.Was, "not there"), cmp.Or(c.Is, "not there"), keeps)})
	}
	return t
}

func schemaCall(title string) string {
	return "/v1/collect/plan/schema?event=" + strings.ReplaceAll(title, " ", "+")
}
