package consentweb

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	"thimble"
	"thimble/internal/consent"
	"thimble/internal/consent/consentdb"
	"thimble/internal/web"
)

const childPath = choicesPath + "/for/"

// childLabel names a child without a name: a guardian knows whom they answer for.
func childLabel(i int) string { return "Somebody you answer for (" + strconv.Itoa(i+1) + ")" }

// A childBody is the page on which a guardian decides for a child.
type childBody struct {
	Form  form
	Stale bool
}

// child returns for whom the page is, if the visitor is their guardian. Whoever is not
// learns nothing, not even whether there is such a person.
func (p *portal) child(r *http.Request) (child, guardian thimble.SubjectID, err error) {
	guardian = web.VisitorFrom(r.Context()).Subject
	child, parsed := thimble.ParseSubjectID(r.PathValue("child"))
	children, err := p.Children(r.Context(), guardian)
	if err == nil && (parsed != nil || !slices.Contains(children, child)) {
		err = fmt.Errorf("consent: nobody of that number is yours to decide for: %w", thimble.ErrNotFound)
	}
	return child, guardian, err
}

func (p *portal) showChild(w http.ResponseWriter, r *http.Request, stale bool) {
	child, _, err := p.child(r)
	var body childBody
	if err == nil {
		body.Form, err = formOf(r.Context(), p.Store, child, p.Now(), childPath+child.String(), true)
	}
	if err != nil {
		p.frame.Fail(w, r, err)
		return
	}
	body.Stale = stale
	body.Form.Until = &web.Field{ID: "until", Name: "until", Label: "They decide for themselves from", Kind: web.DateField, Short: true, Hint: "If that is within a year, your yes ends on that day. Leave it empty otherwise: no date of birth is kept."}
	p.frame.Render(w, r, status(stale), p.pages, "portal_child.html", web.Page{
		Title: "Choices for somebody you answer for", Lead: "You decide until they do. Each choice says that you made it, and they see it.",
		Crumbs: []web.Crumb{{Label: "My choices", Href: choicesPath}, {Label: "For somebody else"}},
		Notice: &web.AccessNotice{Purpose: "letting you decide as a guardian"}, Body: body, Styles: []string{choicesStyle},
	})
}

func (p *portal) saveChild(w http.ResponseWriter, r *http.Request) {
	child, guardian, err := p.child(r)
	var fresh bool
	if err == nil {
		fresh, err = parseForm(w, r)
	}
	if err == nil && !fresh {
		p.showChild(w, r, true)
		return
	}
	var until time.Time
	if err == nil {
		until, err = untilOf(r.PostForm.Get("until"), p.Now())
	}
	var changed []consent.Choice
	if err == nil {
		changed, err = submit(r, p.Store, child, p.Now(), consentdb.How{
			Notice: consent.Current(), By: consent.By{Actor: "guardian", Auth: "session", Guardian: guardian}, Until: until,
			UI: consent.UI{Component: guardianUI, Path: []string{"choices", button(r)}},
		})
	}
	if err != nil {
		p.frame.Fail(w, r, err)
		return
	}
	http.Redirect(w, r, childPath+child.String()+"?done="+done(changed), http.StatusSeeOther)
}

// untilOf reads the day on which a child comes of age; none is none.
func untilOf(text string, now time.Time) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	day, err := time.Parse(time.DateOnly, text)
	if err == nil && !day.After(now) {
		err = errors.New("past")
	}
	if err != nil {
		return day, web.FieldProblems{{Field: "until", Detail: "expected a day to come, such as 2027-03-14"}}
	}
	return day, nil
}
