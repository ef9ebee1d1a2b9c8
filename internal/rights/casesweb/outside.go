package casesweb

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"thimble"
	"thimble/internal/rights/cases"
	"thimble/internal/rights/systems"
	"thimble/internal/rights/systemsweb"
	"thimble/internal/web"
)

// Systems know what those outside were asked for; *systemsdb.Store does.
type Systems interface {
	OfCase(ctx context.Context, id thimble.ID) ([]systems.Task, error)
	Systems(ctx context.Context) ([]systems.System, error)
	ByHand(ctx context.Context, id thimble.ID, what systems.What, staff string) error
	Whom(ctx context.Context, id thimble.ID, staff string) (thimble.Personal[[]systems.Named], error)
}

// outside are the systems that take part in a case, by their tokens too.
type outside struct {
	tasks   []systems.Task
	systems map[thimble.ID]systems.System
	names   map[string]string
}

func outsideOf(ctx context.Context, s Systems, c cases.Case) (o outside, err error) {
	if c.Tasks == 0 || s == nil {
		return o, nil
	}
	all, err := s.Systems(ctx)
	if err != nil {
		return o, err
	}
	o.systems, o.names = map[thimble.ID]systems.System{}, map[string]string{}
	for _, y := range all {
		o.systems[y.ID], o.names[y.ID.Token(systems.SystemPrefix)] = y, y.Name
	}
	o.tasks, err = s.OfCase(ctx, c.ID)
	return o, err
}

// table lists the tasks of a case, each with its answer and by what it was shown to be one.
func (o outside) table() *web.Table {
	if len(o.tasks) == 0 {
		return nil
	}
	t := &web.Table{ID: "outside", Caption: "Systems outside", Columns: []web.Column{{Label: "System"}, {Label: "State"}, {Label: "Due before"}, {Label: "Was told"}, {Label: "Answered"}}}
	for _, task := range o.tasks {
		ended := task.Ended
		if ended.IsZero() {
			ended = task.Acked
		}
		proof := task.Proof
		if task.State == systems.ByHand {
			proof = "by hand"
		}
		t.Rows = append(t.Rows, web.Row{Cells: web.Cells(o.systems[task.System].Name, web.Cell{Value: systemsweb.Badge(task), Sub: systemsweb.Because(task)}, task.Due, when(task.Told, ""), when(ended, proof))})
	}
	return t
}

func when(at time.Time, sub string) web.Cell {
	if at.IsZero() {
		return web.Cell{Value: "–"}
	}
	return web.Cell{Value: at, Sub: sub}
}

// What staff can do about a task, as the forms name it.
const (
	taskDone  = "task_done"
	taskAgain = "task_again"
	taskWhom  = "task_whom"
)

// offers are what staff can do about the tasks of a case.
func (o outside) offers(c cases.Case) (do []web.Action, forms []actForm) {
	path := casePath + "/" + token(c)
	for _, t := range o.tasks {
		y := o.systems[t.System]
		press := func(what, label string) {
			do = append(do, web.Action{Label: y.Name + ": " + label, Href: path, Post: true, Hidden: []web.Hidden{{Name: "what", Value: what}, {Name: "task", Value: t.ID.Token(systems.TaskPrefix)}}})
		}
		if t.Holds && !t.State.Settled() && (t.Means == systems.Person || t.State.Late()) {
			press(taskWhom, "show who it is")
		}
		if t.May(systems.TellAgain) && t.Holds && t.Means != systems.Person {
			press(taskAgain, "tell it again")
		}
		if t.May(systems.WasDoneByHand) && (t.Means == systems.Person || t.State.Late()) {
			intro := y.Instructions
			if intro == "" {
				intro = "Do there what was asked for. The certificate says that somebody of the staff says so."
			}
			forms = append(forms, actForm{y.Name + ": it is done there", web.Form{ID: "done-" + t.ID.Token(systems.TaskPrefix), Action: path, Submit: "It is done", Intro: intro,
				Fields: []web.Field{{Name: "what", Kind: web.HiddenField, Value: taskDone}, {Name: "task", Kind: web.HiddenField, Value: t.ID.Token(systems.TaskPrefix)}}}})
		}
	}
	if c.May(cases.InPart) && o.late() {
		part := web.Field{Name: "part", Label: "Why in part", Kind: web.RadioField, Required: true}
		for _, p := range cases.Parts() {
			part.Options = append(part.Options, web.Option{Value: string(p.Part), Label: p.Words})
		}
		forms = append(forms, actForm{"Close it in part", web.Form{ID: "in-part", Action: path, Submit: "Close it in part", Danger: true, Intro: "The customer and the certificate are told which systems have not done it.",
			Fields: []web.Field{{Name: "what", Kind: web.HiddenField, Value: string(cases.InPart)}, part}}})
	}
	return do, forms
}

// late reports whether no system that has not done its part may still do it in time.
func (o outside) late() bool {
	for _, t := range o.tasks {
		if !t.State.Settled() && !t.State.Late() {
			return false
		}
	}
	return true
}

// said is what a step says of the systems outside.
func said(all []cases.Task, names map[string]string) string {
	var text []string
	for _, t := range all {
		line := names[t.System]
		if line == "" {
			line = t.System
		}
		line += ": " + strings.ToLower(systemsweb.WordOf(t.State))
		if t.Why == "looked_up" {
			line += ", and who it is was looked up"
		}
		if t.Proof != "" {
			line += ", " + t.Proof
		}
		text = append(text, line+".")
	}
	return strings.Join(text, " ")
}

// task does something about a task. It reports whether the page was written.
func (d *console) task(w http.ResponseWriter, r *http.Request, staff string) (written bool, err error) {
	id, err := thimble.ParseID(systems.TaskPrefix, r.PostForm.Get("task"))
	if err != nil {
		return false, fmt.Errorf("casesweb: task: one of those of the request was expected: %w", thimble.ErrInvalid)
	}
	switch r.PostForm.Get("what") {
	case taskDone:
		return false, d.Systems.ByHand(r.Context(), id, systems.WasDoneByHand, staff)
	case taskAgain:
		return false, d.Systems.ByHand(r.Context(), id, systems.TellAgain, staff)
	}
	named, err := d.Systems.Whom(r.Context(), id, staff)
	if err != nil {
		return false, err
	}
	w.Header().Set("Cache-Control", "no-store")
	var words []string
	for _, n := range named.Reveal() { // for who does it by hand; that they looked is a step
		words = append(words, string(n.Kind)+" "+n.Value)
	}
	d.page(w, r, http.StatusOK, &web.Callout{Tone: web.Info, Title: "Who it is there", Text: strings.Join(words, ", ")})
	return true, nil
}
