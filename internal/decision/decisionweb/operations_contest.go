package decisionweb

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"thimble"
	"thimble/internal/apikey"
	"thimble/internal/decision"
	"thimble/internal/decision/decisiondb"
	"thimble/internal/gate"
)

// OperationReviews takes wishes and tells what became of them; *decisiondb.Store does.
type OperationReviews interface {
	Contest(ctx context.Context, d decisiondb.Sealed, w decisiondb.Wish) (decision.Contest, error)
	ContestsOf(ctx context.Context, d thimble.ID) ([]decision.Contest, error)
}

// A Review is what became of a contested decision.
type Review struct {
	ID       string    `json:"id"`
	Decision string    `json:"decision"`
	Appeal   bool      `json:"appeal" doc:"The second review, by somebody else."`
	OpenedAt time.Time `json:"opened_at"`
	DueAt    time.Time `json:"due_at" doc:"The first instant that is too late."`
	Rule     string    `json:"rule" doc:"Which law sets the date."`
	State    string    `json:"state" enum:"open,claimed,answered"`
	Outcome  string    `json:"outcome,omitempty" enum:"upheld,overturned,superseded" doc:"Absent before the answer."`
}

func reviewOf(c decision.Contest) Review {
	return Review{ID: c.ID.Token(decision.ContestPrefix), Decision: c.Decision.Token(decision.TokenPrefix), Appeal: c.Appeal,
		OpenedAt: c.OpenedAt, DueAt: c.DueAt, Rule: c.Rule, State: string(c.State), Outcome: string(c.Outcome)}
}

type contestInput struct {
	ID   string `path:"id" maxLength:"64" doc:"The decision's id." example:"dec_4hm2q7x0c9t5w1k8z3v6n0d4rg"`
	Body struct {
		Reason string `json:"reason" enum:"wrong data,not me,unfair,other" doc:"Why it is contested."`
		Text   string `json:"text,omitempty" maxLength:"2000" doc:"In the person's own words. It is sealed; who reviews it reads it."`
	}
}

type reviewOutput struct {
	CacheControl string `header:"Cache-Control"`
	Body         Review
}

type reviewsOutput struct {
	CacheControl string `header:"Cache-Control"`
	Body         struct {
		Reviews []Review `json:"reviews" doc:"The first before the second."`
	}
}

type contests struct {
	operations
	reviews OperationReviews
}

// ContestOperations let a system of the shop contest a decision for a person who asked it to.
func ContestOperations(d OperationDecisions, g OperationGate, r OperationReviews) func(huma.API) {
	o := contests{operations{d, g, nil}, r}
	example := Review{ID: "con_4hm2q7x0c9t5w1k8z3v6n0d4rg", Decision: "dec_4hm2q7x0c9t5w1k8z3v6n0d4rg", OpenedAt: time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC),
		DueAt: time.Date(2026, 12, 23, 0, 0, 0, 0, time.UTC), Rule: "eu.gdpr@2026.11.0, Art. 22(3), 12(3): 1mo", State: "open"}
	return func(api huma.API) {
		huma.Register(api, huma.Operation{
			OperationID: "contestDecision", Method: http.MethodPost, Path: "/v1/decisions/{id}/reviews", Tags: []string{"decision"}, Summary: "Contest a decision",
			Description: "A person wants a human to look at a decision (GDPR Art. 22(3)). The answer is due by the law of where they live. After an answer one more review may be asked for, by somebody else.",
			Metadata:    map[string]any{"scope": "admin"}, MaxBodyBytes: 16 << 10, Errors: []int{http.StatusNotFound, http.StatusConflict},
			RequestBody: &huma.RequestBody{Content: map[string]*huma.MediaType{"application/json": {Example: map[string]string{"reason": "wrong data", "text": "That was a gift."}}}},
			Responses:   map[string]*huma.Response{"200": {Content: map[string]*huma.MediaType{"application/json": {Example: example}}}},
		}, o.contest)
		huma.Register(api, huma.Operation{
			OperationID: "listDecisionReviews", Method: http.MethodGet, Path: "/v1/decisions/{id}/reviews", Tags: []string{"decision"}, Summary: "List the reviews of a decision",
			Description: "State, date and outcome, without what was written.",
			Metadata:    map[string]any{"scope": "read"}, Errors: []int{http.StatusNotFound},
			Responses: map[string]*huma.Response{"200": {Content: map[string]*huma.MediaType{"application/json": {Example: map[string]any{"reviews": []Review{example}}}}}},
		}, o.list)
	}
}

// sealed finds the decision, and has the gate count that a system of the shop acts for the
// person, to meet a legal duty.
func (o contests) sealed(ctx context.Context, token string) (decisiondb.Sealed, error) {
	id, err := decisionID(token)
	if err != nil {
		return decisiondb.Sealed{}, err
	}
	d, err := o.decisions.Get(ctx, id)
	if err != nil {
		return d, err
	}
	_, err = o.gate.Open(ctx, gate.Request{Actor: gate.Actor{Kind: gate.Client, Name: apikey.From(ctx).Name}, Subject: d.Subject,
		Purpose: thimble.LegalObligation, Categories: []thimble.Category{thimble.AutomatedDecision}})
	return d, err
}

func (o contests) contest(ctx context.Context, in *contestInput) (*reviewOutput, error) {
	d, err := o.sealed(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	c, err := o.reviews.Contest(ctx, d, decisiondb.Wish{Reason: in.Body.Reason, Text: thimble.Hide(in.Body.Text)})
	if err != nil {
		return nil, err
	}
	return &reviewOutput{CacheControl: operationCache, Body: reviewOf(c)}, nil
}

func (o contests) list(ctx context.Context, in *decisionInput) (*reviewsOutput, error) {
	d, err := o.sealed(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	all, err := o.reviews.ContestsOf(ctx, d.ID)
	if err != nil {
		return nil, err
	}
	out := &reviewsOutput{CacheControl: operationCache}
	out.Body.Reviews = make([]Review, len(all))
	for i, c := range all {
		out.Body.Reviews[i] = reviewOf(c)
	}
	return out, nil
}
