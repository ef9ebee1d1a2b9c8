package staffweb

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"thimble"
	"thimble/internal/staff"
	"thimble/internal/staff/staffdb"
	"thimble/internal/web"
)

// forms are what can be done with an account.
func forms(a staff.Account, problem error) []web.Form {
	at := PeoplePage + "/" + a.Name + "/"
	note := web.Field{Name: "note", Label: "Why", Required: true, MaxLength: 300, Autocomplete: "off", Hint: "It is kept with the change, in the ledger."}
	all := []web.Form{
		{ID: "roles", Action: at + "roles", Legend: "Roles", Submit: "Give these roles", Intro: a.Name + " is signed out everywhere.", Fields: []web.Field{roleField(staff.RoleNames(a.Roles)), note}},
		{ID: "training", Action: at + "training", Legend: "Training", Submit: "Set", Intro: "Until when the training in privacy and security counts. Without it, people's data stays closed. Whoever made the account or its last link leaves this to somebody else.",
			Fields: []web.Field{{Name: "until", Label: "Until", Kind: web.DateField, Required: true, Short: true}, note}},
	}
	if a.Status == staff.Locked {
		all = append(all, web.Form{ID: "unlock", Action: at + "unlock", Legend: "Unlock", Submit: "Unlock", Fields: []web.Field{note}})
	} else {
		all = append(all, web.Form{ID: "lock", Action: at + "lock", Legend: "Lock", Submit: "Lock", Danger: true, Intro: a.Name + " is signed out and cannot come in until it is lifted.", Fields: []web.Field{note}})
	}
	if a.HasPassword {
		all = append(all, web.Form{ID: "reset", Action: at + "reset", Legend: "A lost password or second factor", Submit: "Take both away and make a link", Danger: true, Intro: "The training ends too, until somebody else says again that it counts.", Fields: []web.Field{note}})
	} else {
		all = append(all, web.Form{ID: "link", Action: at + "link", Legend: "One-time link", Submit: "Make a link"})
	}
	all = append(all, web.Form{ID: "leave", Action: at + "leave", Legend: "Leaving", Submit: a.Name + " has left", Danger: true, Intro: "For good. The name stays in the log and is not given again.", Fields: []web.Field{note}})
	for i := range all {
		if problem != nil {
			explainOne(&all[i], problem)
		}
	}
	return all
}

// explainOne puts a problem into the one form that has its field.
func explainOne(f *web.Form, problem error) {
	for i := range f.Fields {
		if strings.Contains(problem.Error(), "staff: "+f.ID+": "+f.Fields[i].Name+": ") {
			_, rule, _ := strings.Cut(problem.Error(), f.Fields[i].Name+": ")
			rule = strings.TrimSuffix(rule, ": "+thimble.ErrInvalid.Error())
			f.Fields[i].Error = strings.TrimSuffix(rule, ": "+thimble.ErrDenied.Error())
		}
	}
}

// change does what a form of an account's page asks for.
func (p *people) change(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		p.frame.Fail(w, r, thimble.ErrInvalid)
		return
	}
	name, what, by, note := r.PathValue("name"), r.PathValue("what"), me(r), strings.TrimSpace(r.PostFormValue("note"))
	err := p.did(r, name, what, by, note)
	switch {
	case errors.Is(err, thimble.ErrInvalid):
		p.show(w, r, http.StatusUnprocessableEntity, err)
	case errors.Is(err, thimble.ErrDenied) && what == "training":
		p.show(w, r, http.StatusForbidden, err)
	case err == nil && (what == "reset" || what == "link"):
		p.showLink(w, r, name, nil)
	case err != nil:
		p.frame.Fail(w, r, err)
	default:
		http.Redirect(w, r, PeoplePage+"/"+name+"?done=changed", http.StatusSeeOther)
	}
}

func (p *people) did(r *http.Request, name, what, by, note string) error {
	ctx := r.Context()
	if what == "link" {
		return nil
	}
	if len(note) < 3 || len(note) > 1000 {
		return fmt.Errorf("staff: %s: note: say in a few words why: %w", what, thimble.ErrInvalid)
	}
	switch what {
	case "roles":
		roles, err := staff.ParseRoles(r.PostForm["roles"]...)
		if err != nil || len(roles) == 0 {
			return fmt.Errorf("staff: roles: roles: choose at least one: %w", thimble.ErrInvalid)
		}
		return p.Accounts.SetRoles(ctx, name, roles, by, note)
	case "training":
		until, err := time.Parse(time.DateOnly, r.PostFormValue("until"))
		if err != nil || until.Sub(p.Now()) > 2*365*24*time.Hour {
			return fmt.Errorf("staff: training: until: a day within two years was expected: %w", thimble.ErrInvalid)
		}
		return p.Accounts.SetTraining(ctx, name, until, by, note)
	case "lock", "unlock":
		return p.Accounts.Lock(ctx, name, what == "lock", by, note)
	case "reset":
		return p.Accounts.Reset(ctx, name, by, note)
	case "leave":
		return p.Accounts.Leave(ctx, name, by, note)
	}
	return fmt.Errorf("staffweb: no such change: %w", thimble.ErrNotFound)
}

type reviewBody struct {
	Due   int
	Table web.Table
	Form  *web.Form
}

// review lists the accounts with what they used of what they may, those first that somebody
// has to look at.
func (p *people) review(w http.ResponseWriter, r *http.Request) {
	all, err := p.Accounts.Accounts(r.Context())
	var last map[thimble.ID]staffdb.Review
	if err == nil {
		last, err = p.Accounts.Reviewed(r.Context())
	}
	if err != nil {
		p.frame.Fail(w, r, err)
		return
	}
	body := reviewBody{Table: web.Table{
		ID: "review", Caption: "Accounts", Note: "Roles that were not used in ninety days are perhaps not needed.",
		Columns: []web.Column{{Label: "Name"}, {Label: "Roles"}, {Label: "Looks at people, 90 days", Kind: web.NumberColumn}, {Label: "Last confirmed"}, {Label: "State"}},
		Empty:   &web.Empty{Icon: "check", Title: "Nothing to review", Text: "There is no account in use."},
	}}
	var names []web.Option
	for _, a := range all {
		if !a.Usable() {
			continue
		}
		used, err := p.Used(r.Context(), a.Name, p.Now().Add(-staffdb.ReviewEvery))
		if err != nil {
			p.frame.Fail(w, r, err)
			return
		}
		row := reviewRow(a, last[a.ID], used, p.Now())
		if staffdb.Due(a, last[a.ID], p.Now()) {
			body.Due++
			body.Table.Rows = append([]web.Row{row}, body.Table.Rows...)
		} else {
			body.Table.Rows = append(body.Table.Rows, row)
		}
		if a.Name != me(r) {
			names = append(names, web.Option{Value: a.Name})
		}
	}
	if len(names) > 0 && p.may(r) {
		body.Form = &web.Form{ID: "confirm", Action: PeoplePage + "/review", Legend: "Confirm", Submit: "Their roles are right", Intro: "Change or take away roles on the account's page; confirm here what stays.", Fields: []web.Field{
			{Name: "name", Label: "Account", Kind: web.SelectField, Options: names, Short: true},
			{Name: "note", Label: "What you looked at", Required: true, MaxLength: 300, Autocomplete: "off"},
		}}
	}
	p.frame.Render(w, r, http.StatusOK, p.pages, "review.html", web.Page{Title: "Access review", Lead: "Every ninety days somebody looks at whether each account still needs its roles, and when they change.", Body: body})
}

func reviewRow(a staff.Account, last staffdb.Review, used []Used, now time.Time) web.Row {
	var looks int64
	for _, u := range used {
		looks += u.Uses
	}
	confirmed, state := web.Cell{Value: "never"}, web.Badge{Text: "in order", Tone: web.Good}
	if last.V != 0 {
		confirmed = web.Cell{Value: web.Ago(last.At), Sub: "by " + last.By}
	}
	if staffdb.Due(a, last, now) {
		state = web.Badge{Text: "due", Tone: web.Warn}
	}
	return web.Row{Href: PeoplePage + "/" + a.Name, Cells: web.Cells(a.Name, RoleBadges(a.Roles), looks, confirmed, state)}
}

func (p *people) confirm(w http.ResponseWriter, r *http.Request) {
	note := strings.TrimSpace(r.PostFormValue("note"))
	err := error(nil)
	if len(note) < 3 || len(note) > 1000 {
		err = fmt.Errorf("staffweb: note: say in a few words what you looked at: %w", thimble.ErrInvalid)
	} else {
		err = p.Accounts.Confirm(r.Context(), r.PostFormValue("name"), me(r), note)
	}
	if err != nil {
		p.frame.Fail(w, r, err)
		return
	}
	http.Redirect(w, r, PeoplePage+"/review?done=confirmed", http.StatusSeeOther)
}
