package trialweb

import (
	"context"
	"errors"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"thimble"
	"thimble/internal/decision"
	"thimble/internal/recommend/trial"
	"thimble/internal/web"
)

// Taker counts what came of lists; *trialdb.Store does.
type Taker interface {
	Feedback(ctx context.Context, f trial.Feedback) error
}

// ListFeedback is what happened with an entry of a list.
type ListFeedback struct {
	Decision  string `json:"decision,omitempty" maxLength:"64" doc:"Of a personal list: its decision, as the list named it."`
	Subject   string `json:"subject,omitempty" maxLength:"64" doc:"Of a list without a decision: the token of whom it was shown to."`
	Placement string `json:"placement,omitempty" maxLength:"32" doc:"Of a list without a decision: where it was shown."`
	Item      string `json:"item" minLength:"1" maxLength:"64" doc:"The entry."`
	What      string `json:"what" enum:"clicked,added,bought,returned" doc:"What happened with it."`
}

// FeedbackTaken says that it was taken: the same for everybody, counted or not.
type FeedbackTaken struct {
	Taken bool `json:"taken" doc:"Always true. Whether it counts depends on what the person permits, and is not told."`
}

type (
	feedbackInput  struct{ Body ListFeedback }
	feedbackOutput struct{ Body FeedbackTaken }
)

var exampleFeedback = ListFeedback{Decision: "dec_4hm2q7x0c9t5w1k8z3v6n0d4rg", Item: "22423", What: "clicked"}

// Operations are the API's part.
func Operations(t Taker) func(huma.API) {
	return func(api huma.API) {
		huma.Register(api, huma.Operation{
			OperationID: "reportRecommendation", Method: http.MethodPost, Path: "/v1/recommendations/feedback", Tags: []string{"recommend"},
			Summary: "Report what came of a list",
			Description: "Counts that an entry of a list was clicked, added to the basket, bought or returned: by the decision of a personal list, or by subject and placement of any other. " +
				"The same report counts once. It counts only for who permits analytics; the answer is the same for everybody.",
			Metadata: map[string]any{"scope": "collect"}, MaxBodyBytes: 4 << 10, Errors: []int{http.StatusNotFound},
			RequestBody: &huma.RequestBody{Content: map[string]*huma.MediaType{"application/json": {Example: exampleFeedback}}},
			Responses:   map[string]*huma.Response{"200": {Content: map[string]*huma.MediaType{"application/json": {Example: FeedbackTaken{Taken: true}}}}},
		}, func(ctx context.Context, in *feedbackInput) (*feedbackOutput, error) {
			return &feedbackOutput{FeedbackTaken{Taken: true}}, take(ctx, t, in.Body)
		})
	}
}

func take(ctx context.Context, t Taker, in ListFeedback) (err error) {
	f := trial.Feedback{Placement: in.Placement, Item: thimble.ItemID(in.Item), What: trial.What(in.What)}
	if in.Decision != "" {
		if f.Decision, err = thimble.ParseID(decision.TokenPrefix, in.Decision); err != nil {
			return web.FieldProblems{{Field: "body.decision", Detail: "expected a token of the form dec_…"}}
		}
	}
	if in.Subject != "" {
		if f.Subject, err = thimble.ParseSubjectID(in.Subject); err != nil {
			return web.FieldProblems{{Field: "body.subject", Detail: "expected a token of the form sub_…"}}
		}
	}
	err = t.Feedback(ctx, f)
	if fault, ok := errors.AsType[*trial.Fault](err); ok {
		return web.FieldProblems{{Field: "body." + fault.Field, Detail: fault.Rule}}
	}
	return err
}
