package casesweb

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"thimble"
	"thimble/internal/rights/cases"
	"thimble/internal/rights/casesdb"
	"thimble/internal/subject"
	"thimble/internal/web"
)

// OperationDeps are what the API's part is made of.
type OperationDeps struct {
	Store Store
	Find  func(ctx context.Context, id subject.Identifier) (thimble.SubjectID, error)
	// Note has the gate judge and count that a system of the shop reads about somebody.
	Note func(ctx context.Context, who thimble.SubjectID) error
	// Confirm is where somebody says that it was them who asked.
	Confirm string
}

type openInput struct {
	Body struct {
		Request string `json:"request" enum:"access,access_categories,portability,recipients_named,erase,rectify,correct_and_rescore,restrict,lift,object,object_marketing,withdraw_consent,opt_out_sale,opt_out_share_ads,opt_out_profiling,limit_sensitive,human_review,explain_decision,complain" doc:"What is asked for."`
		Kind    string `json:"kind" enum:"account,email,phone,device" doc:"What the value is."`
		Value   string `json:"value" minLength:"1" maxLength:"254" doc:"How the shop names the person."`
		Purpose string `json:"purpose,omitempty" maxLength:"100" doc:"Of an objection or a withdrawal: the use it is against, as a fideslang data use."`
	}
}

// A Request is what a system of the shop is told of a case.
type Request struct {
	ID         string     `json:"id"`
	Request    string     `json:"request" doc:"What is asked for."`
	State      string     `json:"state" enum:"passed_on,received,awaiting_identity,clarifying,executing,waiting_recipients,fulfilled,refused,appealed,upheld,revoked,lapsed" doc:"Passed on, as long as nobody has shown that it is theirs: it does not tell whether anybody is known."`
	ReceivedAt time.Time  `json:"received_at"`
	DueAt      *time.Time `json:"due_at,omitempty" doc:"The first instant that is too late. Absent until somebody has shown that it is theirs."`
	Rule       string     `json:"rule,omitempty" doc:"Which law sets the date."`
	Confirm    string     `json:"confirm,omitempty" doc:"Where the person says that it was them who asked."`
}

type openedOutput struct {
	CacheControl string `header:"Cache-Control"`
	Body         Request
}

type caseInput struct {
	ID string `path:"id" maxLength:"64" doc:"The request's id." example:"case_4hm2q7x0c9t5w1k8z3v6n0d4rg"`
}

const operationCache = "private, no-store"

type operations struct{ OperationDeps }

// Operations let a system of the shop pass on what it was asked, and see what became of it.
func Operations(d OperationDeps) func(huma.API) {
	o := operations{d}
	example := Request{ID: "case_4hm2q7x0c9t5w1k8z3v6n0d4rg", Request: "erase", State: "passed_on", ReceivedAt: time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC), Confirm: "https://privacy.example.org/privacy/requests"}
	ok := map[string]*huma.Response{"200": {Content: map[string]*huma.MediaType{"application/json": {Example: example}}}}
	return func(api huma.API) {
		api.OpenAPI().Tags = append(api.OpenAPI().Tags, &huma.Tag{Name: "rights", Description: "What people ask about their data: passed on, and what became of it. Nothing tells whether somebody is known."})
		huma.Register(api, huma.Operation{
			OperationID: "openRequest", Method: http.MethodPost, Path: "/v1/rights/requests", Tags: []string{"rights"}, Summary: "Pass on a request",
			Description: "Somebody asked the shop for something about their data. The person says in the privacy centre that it was them, signed in by what is held already; opt-outs need no proof. The answer is the same whether or not anybody is known by the identifier.",
			Metadata:    map[string]any{"scope": "admin"}, MaxBodyBytes: 4 << 10,
			RequestBody: &huma.RequestBody{Content: map[string]*huma.MediaType{"application/json": {Example: map[string]string{"request": "erase", "kind": "email", "value": "ada@example.org"}}}},
			Responses:   ok,
		}, o.open)
		huma.Register(api, huma.Operation{
			OperationID: "getRequest", Method: http.MethodGet, Path: "/v1/rights/requests/{id}", Tags: []string{"rights"}, Summary: "Get a request",
			Description: "Passed on, as long as nobody has shown that it is theirs; then its state, its date and the law that sets it.",
			Metadata:    map[string]any{"scope": "read"}, Errors: []int{http.StatusNotFound}, Responses: ok,
		}, o.get)
	}
}

func (o operations) open(ctx context.Context, in *openInput) (*openedOutput, error) {
	id, err := subject.NewIdentifier(subject.Kind(in.Body.Kind), in.Body.Value)
	if err != nil {
		return nil, web.FieldProblems{{Field: "body.value", Detail: "expected a value of its kind, such as name@example.org or +44 20 7946 0018"}}
	}
	kind, purpose := cases.Kind(in.Body.Request), thimble.Purpose(in.Body.Purpose)
	if _, err := kind.Ends(purpose); err != nil {
		return nil, web.FieldProblems{{Field: "body.purpose", Detail: "expected a use that rests on no contract and no law, for object and withdraw_consent only"}}
	}
	who, err := o.Find(ctx, id)
	if err != nil && !errors.Is(err, thimble.ErrNotFound) {
		return nil, err
	}
	c, err := o.Store.Open(ctx, casesdb.Asked{Subject: who, Kind: kind, Via: cases.System, Purpose: purpose, By: cases.TheShop})
	if err != nil {
		return nil, err
	}
	return &openedOutput{CacheControl: operationCache, Body: o.told(c)}, nil
}

// told is what may be said of a case.
func (o operations) told(c cases.Case) Request {
	r := Request{ID: token(c), Request: string(c.Kind), State: "passed_on", ReceivedAt: c.At, Confirm: o.Confirm}
	if c.Proof != "" {
		due := c.Due
		r.State, r.DueAt, r.Rule, r.Confirm = string(c.State), &due, c.Rule, ""
	}
	return r
}

func (o operations) get(ctx context.Context, in *caseInput) (*openedOutput, error) {
	id, err := thimble.ParseID(cases.TokenPrefix, in.ID)
	if err != nil {
		return nil, web.FieldProblems{{Field: "path.id", Detail: "expected the id of a request, such as case_4hm2q7x0c9t5w1k8z3v6n0d4rg"}}
	}
	c, err := o.Store.Get(ctx, id)
	if err == nil && c.Proof != "" && !c.Subject.IsZero() {
		err = o.Note(ctx, c.Subject)
	}
	if err != nil {
		return nil, err
	}
	return &openedOutput{CacheControl: operationCache, Body: o.told(c)}, nil
}
