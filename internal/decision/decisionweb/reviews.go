package decisionweb

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"thimble"
	"thimble/internal/decision"
	"thimble/internal/decision/decisiondb"
	"thimble/internal/subject/subjectweb"
	"thimble/internal/web"
)

const reviewsPath = "/console/reviews"

// A ReviewDesk keeps reviews and lets them be answered; *decisiondb.Store does.
type ReviewDesk interface {
	Reviews
	Get(ctx context.Context, id thimble.ID) (decisiondb.Sealed, error)
	Queue(ctx context.Context, limit int) ([]decision.Contest, error)
	Closed(ctx context.Context, limit int) ([]decision.Contest, error)
	ReviewOf(ctx context.Context, id thimble.ID) (decision.Contest, error)
	Claim(ctx context.Context, id thimble.ID, by string, r decision.Record) error
	Release(ctx context.Context, id thimble.ID, by string, r decision.Record) error
	Answer(ctx context.Context, id thimble.ID, by string, r decision.Record, outcome decision.Standing, text thimble.Personal[string]) error
}

type reviewDesk struct {
	ReviewDesk
	console
	now func() time.Time
	*web.Frame
}

// ConsoleReviews is the queue of contested decisions in the staff console.
func ConsoleReviews(kit *web.Kit, cfg ConsoleConfig, desk ReviewDesk, now func() time.Time) (web.Section, error) {
	pages, err := kit.Pages(consoleFiles, "pages/console_*.html")
	if err != nil {
		return web.Section{}, err
	}
	return web.Section{
		Nav: []web.NavItem{{Label: "Reviews", Href: reviewsPath, Icon: "scale", Group: "Customers"}},
		Mount: func(mux web.Routes, f *web.Frame) {
			d := &reviewDesk{ReviewDesk: desk, console: console{ConsoleConfig: cfg, pages: pages}, now: now, Frame: f}
			mux.HandleFunc("GET "+reviewsPath, d.list)
			mux.HandleFunc("GET "+reviewsPath+"/{review}", func(w http.ResponseWriter, r *http.Request) { d.show(w, r, http.StatusOK, nil) })
			mux.HandleFunc("POST "+reviewsPath+"/{review}/claim", d.act(d.Claim))
			mux.HandleFunc("POST "+reviewsPath+"/{review}/release", d.act(d.Release))
			mux.HandleFunc("POST "+reviewsPath+"/{review}/answer", d.answer)
		},
	}, nil
}

type reviewsBody struct{ Open, Closed web.Table }

func (d *reviewDesk) list(w http.ResponseWriter, r *http.Request) {
	queue, err := d.Queue(r.Context(), consoleShown)
	var closed []decision.Contest
	if err == nil {
		closed, err = d.Closed(r.Context(), consoleShown)
	}
	if err != nil {
		d.Fail(w, r, err)
		return
	}
	d.Render(w, r, http.StatusOK, d.pages, "console_reviews.html", web.Page{
		Title: "Reviews", Lead: "Decisions that customers want a person to look at, the one due first on top.", Body: reviewsOfQueue(queue, closed, d.now()),
	})
}

func reviewsOfQueue(queue, closed []decision.Contest, now time.Time) reviewsBody {
	b := reviewsBody{
		Open: web.Table{ID: "queue", Caption: "Waiting for an answer", Note: fmt.Sprintf("The first %d at most. Opening one is recorded, and the customer sees it.", consoleShown),
			Columns: []web.Column{{Label: "Due before"}, {Label: "By which law"}, {Label: "State"}, {Label: "Decision", Kind: web.TokenColumn}, {Label: "Open", Kind: web.ActionColumn, HideHead: true}},
			Empty:   &web.Empty{Icon: "check", Title: "Nobody waits", Text: "When a customer contests a decision in the privacy centre, or the shop does for them by the API, it appears here with the date it is due."}},
		Closed: web.Table{ID: "answered", Caption: "Answered",
			Columns: []web.Column{{Label: "Asked for"}, {Label: "Outcome"}, {Label: "By"}, {Label: "Decision", Kind: web.TokenColumn}, {Label: "Open", Kind: web.ActionColumn, HideHead: true}},
			Empty:   &web.Empty{Icon: "scale", Title: "None yet", Text: "A review moves here with its outcome."}},
	}
	for _, c := range queue {
		b.Open.Rows = append(b.Open.Rows, web.Row{Cells: web.Cells(web.Cell{Value: c.DueAt, Sub: dueIn(c, now)}, c.Rule, web.Cell{Value: stateBadge(c), Sub: c.Reviewer},
			web.Token(c.Decision.Token(decision.TokenPrefix)), openReview(c))})
	}
	for _, c := range closed {
		b.Closed.Rows = append(b.Closed.Rows, web.Row{Cells: web.Cells(c.OpenedAt, web.Cell{Value: stateBadge(c), Sub: second(c)}, c.Reviewer,
			web.Token(c.Decision.Token(decision.TokenPrefix)), openReview(c))})
	}
	return b
}

func second(c decision.Contest) string {
	if c.Appeal {
		return "second review"
	}
	return ""
}

func dueIn(c decision.Contest, now time.Time) string {
	left := c.DueAt.Sub(now)
	switch {
	case left < 0:
		return "overdue by " + web.Plural(int(-left/(24*time.Hour))+1, "day", "days")
	case left < 24*time.Hour:
		return "within a day"
	}
	return "in " + web.Plural(int(left/(24*time.Hour)), "day", "days")
}

func openReview(c decision.Contest) web.Cell {
	id := c.ID.Token(decision.ContestPrefix)
	return web.Cell{Value: web.Action{Label: "Open", Href: reviewsPath + "/" + id, About: "review " + web.ShortToken(id)}}
}

type reviewBody struct {
	Denied  *web.Callout
	Problem *web.Callout
	Reviews []review
	Texts   []textView
	Replay  *web.Callout
	Facts   []web.KeyValue
	Inputs  web.Table
	Take    []web.Action
	Answer  *web.Form
}

// found reads what a review is about: its own row, and the decision as the gate opens it for
// the duty to review (GDPR Art. 22(3)).
func (d *reviewDesk) found(r *http.Request) (c decision.Contest, sealed decisiondb.Sealed, reading subjectweb.Reading, record decision.Record, err error) {
	id, err := thimble.ParseID(decision.ContestPrefix, r.PathValue("review"))
	if err != nil {
		return c, sealed, reading, record, fmt.Errorf("decisionweb: the address names no review: %w", thimble.ErrNotFound)
	}
	if c, err = d.ReviewOf(r.Context(), id); err != nil {
		return c, sealed, reading, record, err
	}
	if sealed, err = d.Get(r.Context(), c.Decision); err != nil {
		return c, sealed, reading, record, err
	}
	reading, err = d.Reader.Read(r.Context(), web.VisitorFrom(r.Context()).Staff, sealed.Subject, thimble.LegalObligation, thimble.AutomatedDecision)
	if err == nil && reading.Grant != nil {
		record, _, err = decisiondb.Open(r.Context(), reading.Grant, sealed)
	}
	return c, sealed, reading, record, err
}

func (d *reviewDesk) show(w http.ResponseWriter, r *http.Request, status int, refused func(*reviewBody)) {
	c, sealed, reading, record, err := d.found(r)
	if err != nil {
		d.Fail(w, r, err)
		return
	}
	short := web.ShortToken(c.ID.Token(decision.ContestPrefix))
	page := web.Page{Title: "Review " + short, Crumbs: []web.Crumb{{Label: "Reviews", Href: reviewsPath}, {Label: short}}}
	if reading.Grant == nil {
		page.Body = reviewBody{Denied: &web.Callout{Tone: web.Bad, Title: "The gate said no", Text: "Nothing was opened, because " + reading.Why + ".", Action: &web.Action{Label: "Back to the reviews", Href: reviewsPath}}}
		d.Render(w, r, http.StatusForbidden, d.pages, "console_review.html", page)
		return
	}
	names, err := d.Names.Get(r.Context(), consoleItems(record)...)
	body := reviewBody{Facts: consoleFacts(sealed, record), Inputs: consoleInputs(record), Replay: consoleSum(record)}
	if err == nil {
		body.Reviews, _, err = reviewsOf(r.Context(), d, reading.Grant, sealed.ID, false)
	}
	if err == nil {
		body.Texts, err = texts(d.Types(), record, staffWords(names))
	}
	if err != nil {
		d.Fail(w, r, err)
		return
	}
	d.offer(&body, c, web.VisitorFrom(r.Context()).Staff)
	if refused != nil {
		refused(&body)
	}
	page.Lead, page.Notice, page.Body = "The customer sees this read, each step, and your name with the answer.", subjectweb.Notice(reading), body
	d.Render(w, r, status, d.pages, "console_review.html", page)
}

// offer adds what the reader may do now.
func (d *reviewDesk) offer(b *reviewBody, c decision.Contest, staff string) {
	path := reviewsPath + "/" + c.ID.Token(decision.ContestPrefix)
	switch {
	case c.State == decision.Open:
		b.Take = []web.Action{{Label: "Take this review", Href: path + "/claim", Post: true, Kind: "primary"}}
	case c.State == decision.Claimed && c.Reviewer == staff:
		b.Take = []web.Action{{Label: "Put it back", Href: path + "/release", Post: true, Kind: "quiet"}}
		b.Answer = answerForm(path)
	}
}

func answerForm(path string) *web.Form {
	outcome := web.Field{Name: "outcome", Label: "What you find", Kind: web.RadioField, Required: true}
	for _, s := range []decision.Standing{decision.Upheld, decision.Overturned, decision.Superseded} {
		outcome.Options = append(outcome.Options, web.Option{Value: string(s), Label: outcomeWords(s)})
	}
	return &web.Form{ID: "answer", Action: path + "/answer", Legend: "Answer", Submit: "Answer the customer", Fields: []web.Field{outcome,
		{Name: "text", Label: "Your reasons", Hint: fmt.Sprintf("The customer reads them. At most %d characters.", decision.MaxText), Kind: web.TextAreaField, Rows: 5, Required: true, MaxLength: decision.MaxText}}}
}

type textView struct{ Title, Text string }

// texts are what the decision says to each who asks.
func texts(ts *decision.Types, r decision.Record, w decision.Words) (all []textView, err error) {
	for _, t := range []struct {
		title string
		to    decision.Audience
	}{{"What the customer reads", decision.ForCustomer}, {"For you", decision.ForAgent}, {"For an auditor", decision.ForAuditor}} {
		text, err := ts.Text(r, t.to, w)
		if err != nil {
			return nil, err
		}
		all = append(all, textView{t.title, text})
	}
	return all, nil
}

// act does a step that needs no words.
func (d *reviewDesk) act(do func(context.Context, thimble.ID, string, decision.Record) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		c, _, reading, record, err := d.found(r)
		if err == nil && reading.Grant == nil {
			err = fmt.Errorf("decisionweb: the gate said no: %w", thimble.ErrDenied)
		}
		if err == nil {
			err = do(r.Context(), c.ID, web.VisitorFrom(r.Context()).Staff, record)
		}
		d.done(w, r, err)
	}
}

// done shows the review again, with the reason when it was refused.
func (d *reviewDesk) done(w http.ResponseWriter, r *http.Request, err error) {
	say := ""
	switch {
	case err == nil:
		http.Redirect(w, r, reviewsPath+"/"+r.PathValue("review"), http.StatusSeeOther)
		return
	case errors.Is(err, thimble.ErrDenied):
		say = "You had a part in this decision, or answered the first review of it. Somebody else has to take it."
	case errors.Is(err, thimble.ErrConflict):
		say = "A colleague has it, or it is answered. Look at what is below."
	default:
		d.Fail(w, r, err)
		return
	}
	status, _, _ := web.Kind(err)
	d.show(w, r, status, func(b *reviewBody) {
		b.Problem = &web.Callout{Tone: web.Bad, Title: "That was not possible", Text: say}
	})
}

func (d *reviewDesk) answer(w http.ResponseWriter, r *http.Request) {
	c, _, reading, record, err := d.found(r)
	if err == nil && reading.Grant == nil {
		err = fmt.Errorf("decisionweb: the gate said no: %w", thimble.ErrDenied)
	}
	if err == nil {
		err = errors.Join(r.ParseForm())
	}
	if err == nil {
		text := strings.ReplaceAll(r.PostForm.Get("text"), "\r\n", "\n")
		err = d.Answer(r.Context(), c.ID, web.VisitorFrom(r.Context()).Staff, record, decision.Standing(r.PostForm.Get("outcome")), thimble.Hide(text))
	}
	if !errors.Is(err, thimble.ErrInvalid) {
		d.done(w, r, err)
		return
	}
	d.show(w, r, http.StatusUnprocessableEntity, func(b *reviewBody) {
		if b.Answer != nil {
			form := b.Answer.Fill(r.PostForm).Explain(answerProblems(r.PostForm.Get("outcome"), r.PostForm.Get("text"))...)
			b.Answer = &form
		}
	})
}

func answerProblems(outcome, text string) (all []web.FieldProblem) {
	if outcomeWords(decision.Standing(outcome)) == "" {
		all = append(all, web.FieldProblem{Field: "outcome", Detail: "choose one of these."})
	}
	if strings.TrimSpace(text) == "" || decision.CheckWish("other", text) != nil {
		all = append(all, web.FieldProblem{Field: "text", Detail: fmt.Sprintf("write 1 to %d characters: an answer without a reason is none.", decision.MaxText)})
	}
	return all
}
