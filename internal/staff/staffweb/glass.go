package staffweb

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"thimble"
	"thimble/internal/staff"
	"thimble/internal/web"
)

// GlassPage is where the glass is broken, and looked at afterwards.
const GlassPage = Home + "/glass"

// Breaker keeps when the glass was broken; *staffdb.GlassStore does.
type Breaker interface {
	Break(ctx context.Context, account string, who thimble.SubjectID, kind staff.GlassKind, reason thimble.Personal[string]) (staff.Glass, error)
	Recent(ctx context.Context, limit int) ([]staff.Glass, error)
	Waiting(ctx context.Context) (int, error)
	Review(ctx context.Context, id thimble.ID, by string, fine bool, note thimble.Personal[string]) error
}

type glass struct {
	store Breaker
	pages *web.Pages
	frame *web.Frame
	now   func() time.Time
}

// Glass returns the pages of breaking the glass.
func Glass(kit *web.Kit, s Breaker, now func() time.Time) (web.Section, error) {
	pages, err := kit.Pages(files, "pages/*.html")
	if err != nil {
		return web.Section{}, err
	}
	if now == nil {
		now = time.Now
	}
	return web.Section{
		Nav: []web.NavItem{{Label: "Broken glass", Href: GlassPage, Icon: "warning", Group: "Customers"}},
		Mount: func(mux web.Routes, f *web.Frame) {
			g := &glass{store: s, pages: pages, frame: f, now: now}
			mux.HandleFunc("GET "+GlassPage, func(w http.ResponseWriter, r *http.Request) { g.list(w, r, http.StatusOK, nil) })
			mux.HandleFunc("POST "+GlassPage, g.breakIt)
			mux.HandleFunc("POST "+GlassPage+"/{id}", g.review)
		},
	}, nil
}

// GlassProofs are the patterns of these pages that need a fresh proof of who it is.
func GlassProofs() []string { return []string{"POST " + GlassPage, "POST " + GlassPage + "/{id}"} }

// GlassTiles says on the overview how many wait for a second pair of eyes.
func GlassTiles(s Breaker) func(context.Context) ([]web.Stat, error) {
	return func(ctx context.Context) ([]web.Stat, error) {
		n, err := s.Waiting(ctx)
		if n == 0 {
			return nil, err
		}
		return []web.Stat{{Label: "Broken glass to review", Value: n, Note: "within 72 hours", Href: GlassPage}}, err
	}
}

type glassBody struct {
	Break   *web.Form
	Waiting []waiting
	Table   web.Table
}

// A waiting one is to be looked at by whoever did not break it.
type waiting struct {
	Facts []web.KeyValue
	Form  *web.Form
}

const shownGlass = 100

func (g *glass) list(w http.ResponseWriter, r *http.Request, status int, problem error) {
	all, err := g.store.Recent(r.Context(), shownGlass)
	if err != nil {
		g.frame.Fail(w, r, err)
		return
	}
	body := glassBody{Break: breakForm(r, problem), Table: web.Table{
		ID: "glass", Caption: "Looked at", Columns: []web.Column{{Label: "When"}, {Label: "Who"}, {Label: "For"}, {Label: "Kind"}, {Label: "Looked at by"}},
		Empty: &web.Empty{Icon: "check", Title: "None", Text: "What was broken and looked at stands here."},
	}}
	for _, one := range all {
		if one.ReviewedBy == "" {
			body.Waiting = append(body.Waiting, g.waiting(r, one))
			continue
		}
		found := web.Badge{Text: "not right", Tone: web.Bad}
		if one.Fine {
			found = web.Badge{Text: "right", Tone: web.Good}
		}
		body.Table.Rows = append(body.Table.Rows, web.Row{Cells: web.Cells(one.At, one.Account, web.Token(one.Subject.String()), string(one.Kind), web.Cell{Value: found, Sub: one.ReviewedBy})})
	}
	g.frame.Render(w, r, status, g.pages, "glass.html", web.Page{
		Title: "Broken glass", Lead: "In an emergency, somebody opens one person's data without their role permitting it: for a quarter of an hour, to look only. The person sees it. Somebody else looks at it within 72 hours; until then, whoever broke it late sees nobody's data.",
		Body: body,
	})
}

func (g *glass) waiting(r *http.Request, one staff.Glass) waiting {
	v := waiting{Facts: []web.KeyValue{
		{Key: "Who", Value: one.Account}, {Key: "For", Value: web.Token(one.Subject.String()), Href: Home + "/customers/" + one.Subject.String()}, {Key: "Kind", Value: string(one.Kind)},
		{Key: "When", Value: one.At}, {Key: "To be looked at by", Value: one.At.Add(staff.GlassReview), Sub: late(one.Overdue(g.now()))},
	}}
	if one.Account != me(r) {
		v.Form = &web.Form{ID: "review-" + one.ID.Token(staff.GlassPrefix), Action: GlassPage + "/" + one.ID.Token(staff.GlassPrefix), Submit: "I have looked at it", Fields: []web.Field{
			{Name: "fine", Label: "Was it right?", Kind: web.RadioField, Value: "yes", Options: []web.Option{{Value: "yes", Label: "It was right"}, {Value: "no", Label: "It was not"}}},
			{Name: "note", Label: "What you found", Required: true, MaxLength: 500, Autocomplete: "off", Hint: "At least ten characters; the person can read it."},
		}}
		if one.Live(g.now()) { // more may yet be looked at
			v.Form.Submit, v.Form.Danger = "End it now", true
			v.Form.Intro = "It is still broken, so it can only be found not right. Whether it was right is to be said once it has ended."
			v.Form.Fields[0] = web.Field{Name: "fine", Kind: web.HiddenField, Value: "no"}
		}
	}
	return v
}

func late(overdue bool) string {
	if overdue {
		return "overdue"
	}
	return ""
}

// breakForm asks for whom and why; nil unless the address names somebody.
func breakForm(r *http.Request, problem error) *web.Form {
	who := r.FormValue("subject")
	if _, err := thimble.ParseSubjectID(who); err != nil {
		return nil
	}
	f := web.Form{ID: "break", Action: GlassPage, Legend: "Break the glass for " + web.ShortToken(who), Submit: "Break it", Danger: true,
		Intro: "Somebody else is told now. The person reads your name, your role and your reason.",
		Fields: []web.Field{
			{Name: "subject", Kind: web.HiddenField, Value: who},
			{Name: "kind", Label: "Kind of emergency", Kind: web.SelectField, Value: r.PostFormValue("kind"), Options: []web.Option{
				{Value: string(staff.SafetyGlass), Label: "Somebody may come to harm"}, {Value: string(staff.FraudGlass), Label: "An account is being misused right now"},
				{Value: string(staff.IncidentGlass), Label: "A fault from which they suffer, and which cannot wait"}, {Value: string(staff.LegalGlass), Label: "An authority that may ask, and did"},
			}},
			{Name: "reason", Label: "Why it cannot wait", Kind: web.TextAreaField, Required: true, MaxLength: 500, Value: r.PostFormValue("reason"), Hint: "At least twenty characters, in words that the person understands."},
		}}
	explain(&f, problem)
	if problem != nil && f.Problem != "" && !errors.Is(problem, thimble.ErrInvalid) {
		f.Problem = "It stays whole: " + sentence(problem) + "."
	}
	return &f
}

// sentence is the cause of an error without its package and its kind.
func sentence(err error) string {
	text := err.Error()
	if _, rest, ok := strings.Cut(text, "breaking the glass: "); ok {
		text = rest
	}
	for _, kind := range []error{thimble.ErrDenied, thimble.ErrConflict, thimble.ErrNotFound} {
		text = strings.TrimSuffix(text, ": "+kind.Error())
	}
	return text
}

func (g *glass) breakIt(w http.ResponseWriter, r *http.Request) {
	who, err := thimble.ParseSubjectID(r.PostFormValue("subject"))
	if err == nil {
		_, err = g.store.Break(r.Context(), me(r), who, staff.GlassKind(r.PostFormValue("kind")), thimble.Hide(r.PostFormValue("reason")))
	}
	switch {
	case errors.Is(err, thimble.ErrInvalid), errors.Is(err, thimble.ErrConflict), errors.Is(err, thimble.ErrDenied):
		g.list(w, r, http.StatusUnprocessableEntity, err)
	case err != nil:
		g.frame.Fail(w, r, err)
	default:
		http.Redirect(w, r, Home+"/customers/"+who.String(), http.StatusSeeOther)
	}
}

func (g *glass) review(w http.ResponseWriter, r *http.Request) {
	id, err := thimble.ParseID(staff.GlassPrefix, r.PathValue("id"))
	if err != nil {
		err = fmt.Errorf("staffweb: no such entry: %w", thimble.ErrNotFound)
	}
	if err == nil {
		err = g.store.Review(r.Context(), id, me(r), r.PostFormValue("fine") == "yes", thimble.Hide(r.PostFormValue("note")))
	}
	if err != nil {
		g.frame.Fail(w, r, err)
		return
	}
	http.Redirect(w, r, GlassPage+"?done=looked-at", http.StatusSeeOther)
}
