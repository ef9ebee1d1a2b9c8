package planweb

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"thimble"
	"thimble/internal/collect/plan"
	"thimble/internal/collect/plandb"
	"thimble/internal/datamap"
	"thimble/internal/web"
)

// The edits of a draft: the last segment of their address, and the id of their form.
const (
	editMode     = "mode"
	editProperty = "property"
	editEvent    = "event"
	editText     = "text"
	editDiscard  = "discard"
)

func editAction(one plandb.Draft, edit string) string { return draftHref(one.ID) + "/" + edit }

// editForms are the ways to change a draft.
func editForms(one plandb.Draft, p *plan.Plan) []web.Form {
	return []web.Form{
		{ID: editProperty, Action: editAction(one, editProperty), Legend: "Add or change a property", Submit: "Put it into the draft", Fields: append([]web.Field{revisionField(one)}, propertyFields(p)...)},
		{ID: editMode, Action: editAction(one, editMode), Legend: "What a broken rule costs", Submit: "Put it into the draft", Fields: []web.Field{revisionField(one),
			{Name: "event", Label: "Event", Kind: web.SelectField, Options: eventOptions(p), Required: true},
			{Name: "mode", Label: "A broken rule", Kind: web.RadioField, Options: modeOptions(), Value: string(plan.Omit), Required: true}}},
		{ID: editEvent, Action: editAction(one, editEvent), Legend: "Add an event", Submit: "Put it into the draft", Fields: append([]web.Field{revisionField(one),
			{Name: "name", Label: "Name", Hint: "Exactly as it is sent, such as Stock Alert Wanted.", Required: true, MaxLength: 200, Autocomplete: "off"},
			{Name: "mode", Label: "A broken rule", Kind: web.RadioField, Options: modeOptions(), Value: string(plan.Omit)},
			{Name: "groups", Label: "Properties that it shares with others", Kind: web.ChecksField, Options: groupOptions(p)}}, useFields(p, "user.behavior.browsing_history", false)...)},
		{ID: editText, Action: editAction(one, editText), Legend: "The whole text", Submit: "Put it into the draft", Fields: []web.Field{revisionField(one),
			{Name: "text", Label: "YAML", Kind: web.TextAreaField, Rows: 24, Value: string(one.Text), Required: true}, {Name: "file", Label: "Or a file", Kind: web.FileField}}},
	}
}

func discardForm(one plandb.Draft) *web.Form {
	return &web.Form{ID: editDiscard, Action: editAction(one, editDiscard), Submit: "Discard the draft", Danger: true, Fields: []web.Field{revisionField(one)}}
}

func modeOptions() (all []web.Option) {
	for _, m := range modes {
		all = append(all, web.Option{Value: string(m), Label: modeWords[m]})
	}
	return all
}

func eventOptions(p *plan.Plan) (all []web.Option) {
	for i := range p.Events {
		all = append(all, web.Option{Value: p.Events[i].Title()})
	}
	return all
}

func groupNames(p *plan.Plan) (names []string) {
	for name := range p.Groups {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func groupOptions(p *plan.Plan) (all []web.Option) {
	for _, name := range groupNames(p) {
		var has []string
		for _, q := range p.Groups[name] {
			has = append(has, q.Name)
		}
		all = append(all, web.Option{Value: name, Hint: listed(has)})
	}
	return all
}

// whereOptions are the lists that a property can be put into.
func whereOptions(p *plan.Plan) (all []web.Option) {
	for i := range p.Events {
		all = append(all, web.Option{Value: "event:" + p.Events[i].Title(), Label: p.Events[i].Title()})
	}
	for _, name := range groupNames(p) {
		all = append(all, web.Option{Value: "group:" + name, Label: "wherever the group " + name + " is used"})
	}
	return all
}

func propertyFields(p *plan.Plan) []web.Field {
	var types, done []web.Option
	for _, t := range typeNames {
		types = append(types, web.Option{Value: string(t)})
	}
	for _, t := range transforms {
		done = append(done, web.Option{Value: string(t), Label: doneWords[t]})
	}
	return append([]web.Field{
		{Name: "where", Label: "Of", Kind: web.SelectField, Options: whereOptions(p), Required: true},
		{Name: "path", Label: "Property", Hint: "Its name, with the objects it is in: coupon, or products[].lining.", Required: true, MaxLength: 200, Autocomplete: "off"},
		{Name: "type", Label: "Type", Kind: web.SelectField, Options: types, Value: string(plan.String), Required: true},
		{Name: "transform", Label: "What is done", Kind: web.SelectField, Options: done, Value: string(plan.Keep), Required: true},
		{Name: "required", Label: "It must be there", Kind: web.CheckField},
	}, useFields(p, "", true)...)
}

// useFields ask what something is and what it is for. An answer may be left to the event.
func useFields(p *plan.Plan, category thimble.Category, asEvent bool) []web.Field {
	var categories, purposes []web.Option
	if asEvent {
		categories = append(categories, web.Option{Label: "that of its event or object"})
	}
	for _, c := range datamap.Categories() {
		if thimble.Category(c.Key) == category || datamap.Refuse(thimble.Category(c.Key)) == nil {
			categories = append(categories, web.Option{Value: c.Key})
		}
	}
	for _, purpose := range purposesOf(p) {
		term, _ := datamap.PurposeOf(purpose)
		purposes = append(purposes, web.Option{Value: string(purpose), Label: string(purpose), Hint: term.Name})
	}
	return []web.Field{
		{Name: "category", Label: "What it is", Kind: web.SelectField, Options: categories, Value: string(category)},
		{Name: "purpose", Label: "What it is for", Hint: "It is kept only of people who permit one of them. Other purposes are written in the whole text.", Kind: web.ChecksField, Options: purposes, Values: suggested(p, category)},
	}
}

// purposesOf are the purposes that a plan has.
func purposesOf(p *plan.Plan) (all []thimble.Purpose) {
	for _, u := range p.Uses {
		for _, purpose := range u.Purposes {
			if !slices.Contains(all, purpose) {
				all = append(all, purpose)
			}
		}
	}
	slices.Sort(all)
	return all
}

// suggested are the purposes that the plan has for a category.
func suggested(p *plan.Plan, category thimble.Category) (all []string) {
	names := make([]string, 0, len(p.Uses))
	for name := range p.Uses {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		if u := p.Uses[name]; u.Category == category {
			for _, purpose := range u.Purposes {
				all = append(all, string(purpose))
			}
			return all
		}
	}
	return nil
}

func fieldError(field, rule string) error { return web.FieldProblems{{Field: field, Detail: rule}} }

// useOf finds the use of a category and purposes, or adds one; "" when it is left to the
// event.
func useOf(t *plan.Text, p *plan.Plan, form url.Values) (string, error) {
	category, purposes := thimble.Category(form.Get("category")), form["purpose"]
	if category == "" {
		return "", nil
	}
	if len(purposes) == 0 {
		return "", fieldError("purpose", "Choose at least one purpose.")
	}
	u := plan.Use{Category: category}
	for _, purpose := range purposes {
		u.Purposes = append(u.Purposes, thimble.Purpose(purpose))
	}
	names := map[string]bool{}
	for name, have := range p.Uses {
		names[name] = true
		if have.Category == category && sameSet(have.Purposes, u.Purposes) {
			return name, nil
		}
	}
	short := string(category)[strings.LastIndexByte(string(category), '.')+1:]
	name := short
	for i := 2; names[name]; i++ {
		name = short + strconv.Itoa(i)
	}
	return name, t.AddUse(name, u)
}

func sameSet(a, b []thimble.Purpose) bool {
	a, b = slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b))
	return slices.Equal(a, b)
}

// propertyOf reads a property and where it is put.
func propertyOf(form url.Values) (w plan.Where, q plan.Property, err error) {
	kind, name, _ := strings.Cut(form.Get("where"), ":")
	switch kind {
	case "event":
		w.Event = name
	case "group":
		w.Group = name
	default:
		return w, q, fieldError("where", "Choose an event or a group.")
	}
	steps := strings.Split(strings.TrimSpace(form.Get("path")), ".")
	for i, s := range steps {
		if steps[i] = strings.TrimSuffix(s, "[]"); steps[i] == "" {
			return w, q, fieldError("path", "Write the name, with the objects it is in before it and dots between.")
		}
	}
	w.Within = steps[:len(steps)-1]
	q = plan.Property{Name: steps[len(steps)-1], Type: plan.Type(form.Get("type")), Transform: plan.Transform(form.Get("transform")), Required: form.Has("required")}
	if q.Transform == plan.Keep {
		q.Transform = ""
	}
	return w, q, nil
}

// putProperty puts the property of a form into a text.
func putProperty(t *plan.Text, form url.Values) error {
	w, q, err := propertyOf(form)
	if err != nil {
		return err
	}
	p, err := t.Plan()
	if err != nil {
		return err
	}
	if q.Use, err = useOf(t, p, form); err != nil {
		return err
	}
	return t.Put(w, q)
}

func addEvent(t *plan.Text, form url.Values) error {
	p, err := t.Plan()
	if err != nil {
		return err
	}
	e := plan.Event{Name: strings.TrimSpace(form.Get("name")), Mode: plan.Mode(form.Get("mode")), Groups: form["groups"]}
	if e.Name == "" {
		return fieldError("name", "Write the name of the event.")
	}
	if e.Use, err = useOf(t, p, form); err != nil {
		return err
	}
	if e.Use == "" {
		return fieldError("category", "Choose what it is.")
	}
	return t.AddEvent(e)
}

// edit changes a draft, and shows it then.
func (d *desk) edit(w http.ResponseWriter, r *http.Request) {
	one, err := d.named(r)
	if err == nil {
		err = readForm(r)
	}
	if err != nil {
		d.Fail(w, r, err)
		return
	}
	edit := r.PathValue("edit")
	revision, err := strconv.Atoi(r.PostForm.Get("revision"))
	if err != nil || revision < 1 {
		d.draft(w, r, http.StatusUnprocessableEntity, "The form does not say which state of the draft was seen. Look at it again.", nil)
		return
	}
	switch edit {
	case editMode:
		err = d.Plans.Edit(r.Context(), one.ID, revision, func(t *plan.Text) error {
			return t.Mode(r.PostForm.Get("event"), plan.Mode(r.PostForm.Get("mode")))
		})
	case editProperty:
		err = d.Plans.Edit(r.Context(), one.ID, revision, func(t *plan.Text) error { return putProperty(t, r.PostForm) })
	case editEvent:
		err = d.Plans.Edit(r.Context(), one.ID, revision, func(t *plan.Text) error { return addEvent(t, r.PostForm) })
	case editText:
		var text []byte
		if text, err = sentText(r); err == nil {
			err = d.Plans.Replace(r.Context(), one.ID, revision, text)
		}
	case editDiscard:
		err = d.Plans.Discard(r.Context(), one.ID, staffOf(r))
	default:
		err = fmt.Errorf("planweb: there is no such edit: %w", thimble.ErrNotFound)
	}
	d.edited(w, r, one, edit, err)
}

func (d *desk) edited(w http.ResponseWriter, r *http.Request, one plandb.Draft, edit string, err error) {
	if err == nil {
		to := draftHref(one.ID)
		if edit == editDiscard {
			to = draftsPath
		}
		http.Redirect(w, r, to, http.StatusSeeOther)
		return
	}
	p, readErr := plan.Read(one.Text)
	if !kindOfForm(err) || readErr != nil {
		d.Fail(w, r, err)
		return
	}
	status, _, _ := web.Kind(err)
	for _, form := range editForms(one, p) {
		if form.ID == edit {
			form = form.Fill(r.PostForm).Explain(problemsOf(err, edit)...)
			d.draft(w, r, status, "", &form)
			return
		}
	}
	d.draft(w, r, status, sentence(err), nil)
}

// problemsOf puts an error beside the field that it is about.
func problemsOf(err error, edit string) []web.FieldProblem {
	if problems, ok := errors.AsType[web.FieldProblems](err); ok {
		return problems
	}
	field := map[string]string{editText: "text", editProperty: "path", editEvent: "name", editMode: "event"}[edit]
	if errors.Is(err, thimble.ErrConflict) {
		field = "" // of the draft as a whole
	}
	return []web.FieldProblem{{Field: field, Detail: sentence(err)}}
}
