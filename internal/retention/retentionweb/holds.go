package retentionweb

import (
	"errors"
	"net/http"
	"strings"
	"time"

	"thimble"
	"thimble/internal/retention"
	"thimble/internal/web"
)

type holdsBody struct {
	Stats    []web.Stat
	Empty    *web.Empty
	Holds    []card
	Open     web.Form
	Released web.Table
}

func (c *console) holds(w http.ResponseWriter, r *http.Request, status int, refused *web.Form) {
	all, err := c.Store.Holds(r.Context(), shown)
	if err != nil {
		c.Fail(w, r, err)
		return
	}
	stopped, err := c.Store.Waiting(r.Context())
	if err != nil {
		c.Fail(w, r, err)
		return
	}
	c.Render(w, r, status, c.pages, "console_holds.html", web.Page{
		Title: "Holds", Lead: "What a law has the shop keep, although it would be erased or would expire. It is used for that law alone.",
		Crumbs: []web.Crumb{{Label: "Retention", Href: retentionPath}, {Label: "Holds"}}, Body: holdsBodyOf(all, stopped, c.Now(), refused),
	})
}

func holdsBodyOf(all []retention.Hold, stopped int, now time.Time, refused *web.Form) holdsBody {
	b := holdsBody{Open: fill(openForm(now), refused), Released: web.Table{ID: "released", Caption: "Released",
		Columns: []web.Column{{Label: "When"}, {Label: "Law"}, {Label: "What"}, {Label: "Opened by"}, {Label: "Released by"}},
		Empty:   &web.Empty{Icon: "check", Title: "None yet", Text: "A hold moves here when two members of staff have released it."}}}
	standing := 0
	for _, h := range all {
		if h.State == retention.Released {
			b.Released.Rows = append(b.Released.Rows, web.Row{Cells: web.Cells(h.ReleasedAt, h.Law, whatWords(h), by(h.OpenedBy), by(h.ReleasedBy))})
			continue
		}
		standing++
		b.Holds = append(b.Holds, holdCard(h, now, refused))
	}
	if standing == 0 {
		b.Empty = &web.Empty{Icon: "lock", Title: "Nothing is held", Text: "Open a hold when a law, such as for a claim before a court, has the shop keep records that would go."}
	}
	b.Stats = []web.Stat{{Label: "Holds", Value: standing}, {Label: "Erasures that wait", Value: stopped, Note: "people who asked to be forgotten"}}
	return b
}

func by(staff string) string {
	if staff == "" {
		return "the program"
	}
	return staff
}

func whatWords(h retention.Hold) string {
	parts := make([]string, len(h.Categories))
	for i, c := range h.Categories {
		parts[i] = categoryWords(c)
	}
	return strings.Join(parts, ", ")
}

func rangeWords(h retention.Hold) string {
	switch {
	case h.From.IsZero() && h.Until.IsZero():
		return "of any time"
	case h.Until.IsZero():
		return "since " + web.Date(h.From)
	case h.From.IsZero():
		return "before " + web.Date(h.Until)
	}
	return web.Date(h.From) + " until " + web.Date(h.Until)
}

func holdCard(h retention.Hold, now time.Time, refused *web.Form) card {
	id := h.ID.Token(retention.HoldPrefix)
	whose := web.KeyValue{Key: "Whose", Value: "everybody’s"}
	if !h.Subject.IsZero() {
		whose = web.KeyValue{Key: "Whose", Value: web.Token(h.Subject.String()), Href: "/console/customers/" + h.Subject.String()}
	}
	told := "yes"
	if h.Secret != "" {
		told = "no: " + h.Secret
	}
	c := card{ID: id, Title: whatWords(h) + ", " + h.Law, Badge: web.Badge{Text: "Held"}, Facts: []web.KeyValue{
		whose, {Key: "Records", Value: rangeWords(h)}, {Key: "Why", Value: h.Reason}, {Key: "Opened", Value: h.Opened, Sub: "by " + by(h.OpenedBy)}, {Key: "The person is told", Value: told},
	}}
	if h.Floor != "" {
		c.Badge = web.Badge{Text: "A law’s shortest period"}
		return c
	}
	c.Facts = append(c.Facts, web.KeyValue{Key: "To be looked at again", Value: web.Day(h.Review)})
	if !h.Review.After(now) {
		c.Badge = web.Badge{Text: "To be looked at", Tone: web.Warn}
	}
	if h.State == retention.Releasing {
		c.Badge = web.Badge{Text: "Release asked for by " + h.AskedBy, Tone: web.Warn}
	}
	c.Form = fill(turnForm(h), refused)
	return c
}

func turnForm(h retention.Hold) web.Form {
	id := h.ID.Token(retention.HoldPrefix)
	f := web.Form{ID: "turn-" + id, Action: holdsPath + "/" + id, Legend: "Still needed?", Submit: "Ask for its release",
		Intro:  "Somebody else agrees to it.",
		Fields: []web.Field{{Name: "do", Kind: web.HiddenField, Value: "ask"}, reasonField("Why it can end")}}
	if h.State == retention.Releasing {
		f.Legend, f.Submit, f.Danger = "Agree?", "Decide", true
		f.Intro = "Released, whoever it kept from being forgotten is erased at once, and what is past its time expires."
		f.Fields = []web.Field{{Name: "do", Label: "Decision", Kind: web.SelectField, Required: true, Options: []web.Option{{Label: "Choose"}, {Value: "release", Label: "Release it"}, {Value: "keep", Label: "The hold goes on"}}},
			reasonField("What you looked at")}
	}
	return f
}

const dayForm = "2006-01-02"

func openForm(now time.Time) web.Form {
	kinds := make([]web.Option, 0, 5)
	for _, c := range retention.Holdable() {
		kinds = append(kinds, web.Option{Value: string(c), Label: categoryWords(c)})
	}
	return web.Form{ID: "open", Action: holdsPath, Legend: "Open a hold", Submit: "Hold it", Fields: []web.Field{
		{Name: "subject", Label: "Whose", Hint: "The customer’s token, from their page. Leave it empty to hold everybody’s.", Autocomplete: "off", MaxLength: 64},
		{Name: "categories", Label: "What", Kind: web.ChecksField, Options: kinds, Required: true},
		{Name: "from", Label: "Records since", Hint: "Empty: of any time.", Kind: "date", Short: true},
		{Name: "until", Label: "Records before", Hint: "Empty: also those to come.", Kind: "date", Short: true},
		{Name: "law", Label: "Law", Hint: "The law that has the shop keep it, such as GDPR Art. 17(3)(e).", Required: true, MaxLength: 200},
		{Name: "secret", Label: "Law that forbids telling the person", Hint: "Empty: they read of the hold in their privacy centre.", MaxLength: 200},
		{Name: "review", Label: "Look at it again on", Kind: "date", Required: true, Short: true, Value: now.AddDate(0, 6, 0).Format(dayForm)},
		reasonField("Why"),
	}}
}

func (c *console) openHold(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		c.Fail(w, r, err)
		return
	}
	h, problems := holdOf(r)
	if len(problems) == 0 {
		_, err := c.Store.Open(r.Context(), h, web.VisitorFrom(r.Context()).Staff)
		switch {
		case errors.Is(err, thimble.ErrInvalid):
			field, say, _ := strings.Cut(explain(err), ": ")
			problems = append(problems, web.FieldProblem{Field: field, Detail: say})
		case errors.Is(err, thimble.ErrNotFound):
			problems = append(problems, web.FieldProblem{Field: "subject", Detail: "There is nobody with this token."})
		case errors.Is(err, thimble.ErrConflict):
			problems = append(problems, web.FieldProblem{Field: "subject", Detail: "Somebody whom it concerns is just being erased. What is left then is no whole; try again when that is done."})
		case err != nil:
			c.Fail(w, r, err)
			return
		}
	}
	if len(problems) > 0 {
		form := openForm(c.Now()).Fill(r.PostForm).Explain(problems...)
		c.holds(w, r, http.StatusUnprocessableEntity, &form)
		return
	}
	http.Redirect(w, r, holdsPath, http.StatusSeeOther)
}

func holdOf(r *http.Request) (h retention.Hold, problems []web.FieldProblem) {
	bad := func(field, say string) { problems = append(problems, web.FieldProblem{Field: field, Detail: say}) }
	day := func(field string) time.Time {
		text := r.PostForm.Get(field)
		at, err := time.Parse(dayForm, text)
		if err != nil && text != "" {
			bad(field, "Write a day such as 2027-03-31.")
		}
		return at
	}
	var err error
	if text := strings.TrimSpace(r.PostForm.Get("subject")); text != "" {
		if h.Subject, err = thimble.ParseSubjectID(text); err != nil {
			bad("subject", "Expected a token such as sub_1vz3m8t6q4c0k7d9h2x5r8w3ya.")
		}
	}
	for _, c := range r.PostForm["categories"] {
		h.Categories = append(h.Categories, thimble.Category(c))
	}
	h.From, h.Until, h.Review = day("from"), day("until"), day("review")
	h.Law, h.Secret, h.Reason = r.PostForm.Get("law"), r.PostForm.Get("secret"), r.PostForm.Get("reason")
	return h, problems
}

func (c *console) turnHold(w http.ResponseWriter, r *http.Request) {
	id, err := thimble.ParseID(retention.HoldPrefix, r.PathValue("hold"))
	if err == nil {
		err = r.ParseForm()
	}
	if err != nil {
		c.Fail(w, r, errors.Join(err, thimble.ErrNotFound))
		return
	}
	staff, reason := web.VisitorFrom(r.Context()).Staff, r.PostForm.Get("reason")
	field, say, state := "reason", sayReason, retention.Releasing
	switch r.PostForm.Get("do") {
	case "ask":
		state, err = retention.Active, c.Store.AskRelease(r.Context(), id, staff, reason)
	case "keep":
		err = c.Store.KeepOn(r.Context(), id, staff, reason)
	case "release":
		err = c.Store.Release(r.Context(), id, staff, reason)
	default:
		field, say, err = "do", "Choose what is to be done.", thimble.ErrInvalid
	}
	if errors.Is(err, thimble.ErrDenied) {
		field, say, err = "do", "A second member of staff agrees to it.", thimble.ErrInvalid
	}
	if errors.Is(err, thimble.ErrInvalid) {
		form := turnForm(retention.Hold{ID: id, State: state}).Fill(r.PostForm).Explain(web.FieldProblem{Field: field, Detail: say})
		c.holds(w, r, http.StatusUnprocessableEntity, &form)
		return
	}
	c.back(w, r, holdsPath, err)
}
