package decisionweb

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"thimble"
	"thimble/internal/decision"
	"thimble/internal/decision/decisiondb"
	"thimble/internal/gate/gateweb"
	"thimble/internal/ledger"
	"thimble/internal/ledger/ledgerweb"
	"thimble/internal/web"
)

// A contestBody is the part of a decision's page on which it is contested.
type contestBody struct {
	Title   string
	Text    string
	Reviews []review
	Form    *web.Form
}

// contested says how a decision can be contested, and what has become of it.
func (p *portal) contested(ctx context.Context, d decisiondb.Sealed, g thimble.Grant, r decision.Record) (*contestBody, error) {
	if p.Reviews == nil {
		return nil, nil
	}
	reviews, all, err := reviewsOf(ctx, p.Reviews, g, d.ID, true)
	if err != nil {
		return nil, err
	}
	b := &contestBody{Title: "Is it wrong?", Reviews: reviews}
	switch n := len(all); {
	case n == 0:
		b.Text = "A person of the shop will look at it, and tell you what they find."
		if k, ok := p.Reviews.Types().Of(r); ok {
			b.Text += " If you are right: " + lowerFirst(k.Recourse.Effect)
		}
		b.Form = contestForm(d.ID, false)
	case n == 1 && all[0].State == decision.Answered:
		b.Title, b.Text = "The review", "If you do not agree, somebody else looks again."
		b.Form = contestForm(d.ID, true)
	default:
		b.Title = "The review"
	}
	return b, nil
}

func lowerFirst(s string) string {
	if s == "" {
		return s
	}
	return strings.ToLower(s[:1]) + s[1:]
}

func contestForm(id thimble.ID, appeal bool) *web.Form {
	f := &web.Form{ID: "contest", Action: "/privacy/decisions/" + id.Token(decision.TokenPrefix) + "/contest", Submit: "Ask for a review"}
	if appeal {
		f.Submit = "Ask for a second review"
	}
	reason := web.Field{Name: "reason", Label: "What is wrong", Kind: web.RadioField, Required: true}
	for _, r := range decision.Reasons {
		reason.Options = append(reason.Options, web.Option{Value: r.Key, Label: r.Words})
	}
	f.Fields = []web.Field{reason, {Name: "text", Label: "In your own words", Hint: fmt.Sprintf("You may leave this empty. At most %d characters; only who reviews it reads them.", decision.MaxText), Kind: web.TextAreaField, Rows: 4, MaxLength: decision.MaxText}}
	return f
}

// contest takes a person's wish, and shows the page again.
func (p *portal) contest(w http.ResponseWriter, r *http.Request, crumbs []web.Crumb) {
	err := r.ParseForm()
	if err != nil {
		p.frame.Fail(w, r, fmt.Errorf("decisionweb: the form: %w", thimble.ErrInvalid))
		return
	}
	_, _, d, _, err := p.open(r)
	if err == nil {
		_, err = p.Reviews.Contest(r.Context(), d, decisiondb.Wish{Reason: r.PostForm.Get("reason"), Text: thimble.Hide(strings.ReplaceAll(r.PostForm.Get("text"), "\r\n", "\n"))})
	}
	switch {
	case errors.Is(err, thimble.ErrInvalid):
		p.refused(w, r, crumbs, d.ID)
	case err != nil:
		p.frame.Fail(w, r, err)
	default:
		http.Redirect(w, r, "/privacy/decisions/"+r.PathValue("id")+"#review", http.StatusSeeOther)
	}
}

func (p *portal) refused(w http.ResponseWriter, r *http.Request, crumbs []web.Crumb, id thimble.ID) {
	var problems []web.FieldProblem
	if err := decision.CheckWish(r.PostForm.Get("reason"), ""); err != nil {
		problems = append(problems, web.FieldProblem{Field: "reason", Detail: "choose one of these."})
	}
	if decision.CheckWish("other", r.PostForm.Get("text")) != nil {
		problems = append(problems, web.FieldProblem{Field: "text", Detail: fmt.Sprintf("write text of at most %d characters.", decision.MaxText)})
	}
	form := contestForm(id, false).Fill(r.PostForm).Explain(problems...)
	p.render(w, r, crumbs, http.StatusUnprocessableEntity, &form)
}

// PortalReviewReceipts is the source of the receipts of reviews.
func PortalReviewReceipts(s interface {
	StepOf(ctx context.Context, id thimble.ID) (decisiondb.SealedStep, error)
	StepsOf(ctx context.Context, who thimble.SubjectID, limit int) ([]decisiondb.SealedStep, error)
}, own gateweb.Own) ledgerweb.Source {
	return ledgerweb.Source{
		Kind: ReviewKind, Title: "Reviews",
		List: func(ctx context.Context, who thimble.SubjectID) (listed []ledgerweb.Listed, err error) {
			all, err := s.StepsOf(ctx, who, shownDecisions)
			for _, step := range all {
				listed = append(listed, ledgerweb.Listed{Key: step.ID.Token(decision.StepPrefix), At: step.At, Title: stepWords(step.Kind), Text: "A review of a decision about you."})
			}
			return listed, err
		},
		Open: func(ctx context.Context, who thimble.SubjectID, key string) (o ledger.Opening, err error) {
			id, err := thimble.ParseID(decision.StepPrefix, key)
			if err != nil {
				return o, fmt.Errorf("decision: the address: %w", thimble.ErrNotFound)
			}
			step, err := s.StepOf(ctx, id)
			if err != nil {
				return o, err
			}
			grant, err := own(ctx, who, thimble.AutomatedDecision)
			if err == nil && !slices.Contains(grant.Members(), step.Subject) {
				err = fmt.Errorf("decision: %s is about somebody else: %w", key, thimble.ErrNotFound)
			}
			if err != nil {
				return o, err
			}
			_, o, err = decisiondb.OpenStep(ctx, grant, step)
			return o, err
		},
	}
}
