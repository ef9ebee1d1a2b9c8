package recommendweb

import (
	"context"
	"errors"
	"net/http"
	"strconv"

	"github.com/danielgtaylor/huma/v2"

	"thimble"
	"thimble/internal/apikey"
	"thimble/internal/gate"
	"thimble/internal/recommend/arrange"
	"thimble/internal/recommend/lists"
	"thimble/internal/web"
)

// asked is what a caller asks for, in a query or in a batch.
type asked struct {
	Subject   string   `json:"subject,omitempty" maxLength:"64" doc:"The token of the person the list is for."`
	Item      string   `json:"item,omitempty" maxLength:"64" doc:"The item that a list is about."`
	Session   []string `json:"session,omitempty" maxItems:"50" doc:"Items that were looked at just now, or that are in a basket, the last one last. They are not kept."`
	Kind      string   `json:"kind,omitempty" enum:"for-you,recent,goes-with,bought-together,popular,trending,season,similar,next" doc:"What the list is made from."`
	Country   string   `json:"country,omitempty" pattern:"^[A-Z]{2}$" patternDescription:"a code of ISO 3166-1, such as DE" doc:"With popular: what is bought there."`
	Category  string   `json:"category,omitempty" maxLength:"64"`
	Brand     string   `json:"brand,omitempty" maxLength:"64"`
	Size      string   `json:"size,omitempty" maxLength:"64"`
	MinPrice  int64    `json:"min_price,omitempty" minimum:"0" doc:"In minor units."`
	MaxPrice  int64    `json:"max_price,omitempty" minimum:"0" doc:"In minor units."`
	Currency  string   `json:"currency,omitempty" pattern:"^[A-Z]{3}$" doc:"Of the two prices."`
	InStock   bool     `json:"in_stock,omitempty" doc:"Only what is known to be in stock."`
	GrownUp   bool     `json:"grown_up,omitempty" doc:"You vouch for the reader's age."`
	Placement string   `json:"placement,omitempty" default:"api" pattern:"^[a-z][a-z0-9-]{0,31}$" patternDescription:"a lower-case word such as home-page"`
	Limit     int      `json:"limit,omitempty" minimum:"1" maximum:"50" default:"10"`
	Explain   bool     `json:"explain,omitempty"`
}

// ask reads what is asked for; where names the place of a field for whoever asked.
func (in asked) ask(ctx context.Context, where string) (lists.Ask, error) {
	wrong := func(field, expected string) (lists.Ask, error) {
		return lists.Ask{}, web.FieldProblems{{Field: where + field, Detail: "expected " + expected}}
	}
	a := lists.Ask{
		Kind: lists.Kind(in.Kind), Actor: gate.Actor{Kind: gate.Client, Name: apikey.From(ctx).Name}, Item: thimble.ItemID(in.Item), Country: in.Country, Placement: in.Placement, N: in.Limit, GrownUp: in.GrownUp,
		Filter: arrange.Filter{Category: in.Category, Brand: in.Brand, Size: in.Size, MinPrice: in.MinPrice, MaxPrice: in.MaxPrice, Currency: in.Currency, InStock: in.InStock},
	}
	for _, id := range in.Session {
		if id == "" || len(id) > 64 {
			return wrong("session", "numbers of items, of 1 to 64 characters")
		}
		a.Session = append(a.Session, thimble.ItemID(id))
	}
	switch {
	case in.Subject != "" && (in.Item != "" || len(in.Session) > 0):
		return wrong("item", "either subject or item and session: a list for an item or a session uses nothing about a person")
	case in.MaxPrice > 0 && in.MaxPrice < in.MinPrice:
		return wrong("max_price", "no less than min_price")
	}
	if in.Subject != "" {
		var err error
		if a.Subject, err = thimble.ParseSubjectID(in.Subject); err != nil {
			return wrong("subject", "a token of the form sub_…")
		}
	}
	if a.Kind == "" {
		a.Kind = in.usual()
	}
	switch {
	case in.Country != "" && a.Kind != lists.Popular:
		return wrong("country", "popular: the other lists are of no place")
	case a.Kind.Own() && in.Subject == "":
		return wrong("subject", "the person that the list is for")
	case !a.Kind.Own() && in.Subject != "":
		return wrong("kind", "for-you or recent: this list uses nothing about a person")
	case (a.Kind == lists.GoesWith || a.Kind == lists.Similar) && in.Item == "":
		return wrong("item", "the item that the list is about")
	case a.Kind == lists.Next && len(a.Session) == 0:
		return wrong("session", "the items that were looked at")
	case a.Kind == lists.Together && len(a.Session) == 0 && in.Item == "":
		return wrong("session", "the items of the basket")
	}
	return a, nil
}

// usual is the kind of who names none.
func (in asked) usual() lists.Kind {
	switch {
	case in.Subject != "":
		return lists.ForYou
	case in.Item != "":
		return lists.GoesWith
	case len(in.Session) > 0:
		return lists.Next
	}
	return lists.Popular
}

// MaxBatch is how many lists one call asks for.
const MaxBatch = 100

type batchInput struct {
	Body struct {
		Requests []asked `json:"requests" minItems:"1" maxItems:"100" doc:"What each list is asked for, as in GET."`
	}
}

// An Answer is one list of a batch, or why there is none.
type Answer struct {
	Status int              `json:"status" doc:"200, 422 for a request that cannot be, or 503."`
	List   *Recommendations `json:"list,omitempty"`
	Field  string           `json:"field,omitempty" doc:"Of 422: what is wrong, such as requests[3].item."`
	Detail string           `json:"detail,omitempty"`
}

type batchOutput struct {
	CacheControl string `header:"Cache-Control"`
	Body         struct {
		Answers []Answer `json:"answers" doc:"One for each request, in their order."`
	}
}

func batchOperation(api huma.API, l OperationLists) {
	huma.Register(api, huma.Operation{
		OperationID: "batchRecommendations", Method: http.MethodPost, Path: "/v1/recommendations/batch", Tags: []string{"recommend"},
		Summary: "List many recommendations",
		Description: "Up to 100 lists at once. Each is answered or refused on its own, as GET would. " +
			"Items of a session stay out of addresses and logs this way.",
		Metadata: map[string]any{"scope": "read"},
		RequestBody: &huma.RequestBody{Content: map[string]*huma.MediaType{"application/json": {Example: map[string]any{
			"requests": []asked{{Item: "22423", Placement: "item-page", Limit: 5}, {Session: []string{"22423", "22699"}, Limit: 5}},
		}}}},
		Responses: map[string]*huma.Response{"200": {Content: map[string]*huma.MediaType{"application/json": {Example: map[string]any{
			"answers": []Answer{{Status: http.StatusOK, List: &exampleList}, {Status: http.StatusUnprocessableEntity, Field: "requests[1].item", Detail: "expected the item that the list is about"}},
		}}}}},
	}, func(ctx context.Context, in *batchInput) (*batchOutput, error) { return batch(ctx, l, in) })
}

// batch answers each request by itself. What fails for all of them is the call's error.
func batch(ctx context.Context, l OperationLists, in *batchInput) (*batchOutput, error) {
	out := &batchOutput{CacheControl: "private, no-store"}
	var failed []error
	for i, one := range in.Body.Requests {
		got, err := answered(ctx, l, one, "requests["+strconv.Itoa(i)+"].")
		if err != nil {
			failed = append(failed, err)
		}
		out.Body.Answers = append(out.Body.Answers, got)
	}
	if len(failed) == len(in.Body.Requests) {
		return nil, errors.Join(failed...)
	}
	return out, nil
}

// answered is one answer; the error is not the request's own.
func answered(ctx context.Context, l OperationLists, in asked, where string) (Answer, error) {
	a, err := in.ask(ctx, where)
	var made lists.List
	if err == nil {
		made, err = l.Make(ctx, a)
	}
	if problems, ok := errors.AsType[web.FieldProblems](err); ok {
		return Answer{Status: http.StatusUnprocessableEntity, Field: problems[0].Field, Detail: problems[0].Detail}, nil
	}
	if err != nil {
		return Answer{Status: http.StatusServiceUnavailable, Detail: "The list cannot be made right now. Ask again."}, err
	}
	body := answer(made, a, in.Explain)
	return Answer{Status: http.StatusOK, List: &body}, nil
}
