package subjectweb

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"thimble"
	"thimble/internal/subject"
	"thimble/internal/subject/subjectdb"
	"thimble/internal/web"
)

// OperationSubjects finds people; *subjectdb.Store does. The error is of kind
// thimble.ErrNotFound for nobody.
type OperationSubjects interface {
	Find(ctx context.Context, id subject.Identifier) (thimble.SubjectID, error)
	Join(ctx context.Context, one, other thimble.SubjectID, e subject.Evidence) (subject.Merge, error)
	Part(ctx context.Context, id thimble.ID, by string) (subjectdb.Parted, error)
}

// An Identifier is how the shop names a person.
type Identifier struct {
	Kind  string `json:"kind" enum:"account,email,phone,device" doc:"What the value is."`
	Value string `json:"value" minLength:"1" maxLength:"254" doc:"A number or name of the shop's own, an e-mail address, a phone number with its country code, or a device's random id."`
}

// A Subject is a person's token.
type Subject struct {
	Subject thimble.SubjectID `json:"subject" doc:"The person's token. It says nothing about them, and other operations take it."`
}

type lookupInput struct{ Body Identifier }

type lookupOutput struct {
	CacheControl string `header:"Cache-Control"`
	Body         Subject
}

// Operations are the subjects' part of the API. Note has the gate judge and count
// that a system of the shop has used a person's identifier; by names that system.
func Operations(subjects OperationSubjects, note func(ctx context.Context, who thimble.SubjectID) error, by func(ctx context.Context) string) func(huma.API) {
	return func(api huma.API) {
		mergeOperations(api, subjects, note, by)
		api.OpenAPI().Tags = append(api.OpenAPI().Tags, &huma.Tag{Name: "subject", Description: "Who people are, as tokens. An address or a number is sent in a body, never in a URL."})
		huma.Register(api, huma.Operation{
			OperationID: "lookupSubject", Method: http.MethodPost, Path: "/v1/subjects/lookup", Tags: []string{"subject"},
			Summary:      "Look up a subject",
			Description:  "The token of the person with an identifier. It changes nothing; it is a POST so that the identifier stays out of addresses and logs.",
			Metadata:     map[string]any{"scope": "read"},
			MaxBodyBytes: 4 << 10, Errors: []int{http.StatusNotFound},
			RequestBody: &huma.RequestBody{Content: map[string]*huma.MediaType{"application/json": {Example: Identifier{Kind: "account", Value: "17850"}}}},
			Responses: map[string]*huma.Response{"200": {Content: map[string]*huma.MediaType{"application/json": {
				Example: map[string]string{"subject": "sub_1vz3m8t6q4c0k7d9h2x5r8w3ya"},
			}}}},
		}, func(ctx context.Context, in *lookupInput) (*lookupOutput, error) {
			id, err := subject.NewIdentifier(subject.Kind(in.Body.Kind), in.Body.Value)
			if err != nil {
				return nil, web.FieldProblems{{Field: "body.value", Detail: operationRules[subject.Kind(in.Body.Kind)]}}
			}
			who, err := subjects.Find(ctx, id)
			if err == nil {
				err = note(ctx, who)
			}
			if err != nil {
				return nil, err
			}
			return &lookupOutput{CacheControl: "private, no-store", Body: Subject{Subject: who}}, nil
		})
	}
}

// operationRules say what subject.Normalize asks for.
var operationRules = map[subject.Kind]string{
	subject.Account: "expected visible characters",
	subject.Device:  "expected visible characters",
	subject.Email:   "expected an address such as name@example.org",
	subject.Phone:   "expected a number with its country code, such as +44 20 7946 0018",
}
