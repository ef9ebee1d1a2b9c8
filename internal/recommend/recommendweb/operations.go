package recommendweb

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"thimble"
	"thimble/internal/apikey"
	"thimble/internal/catalog/catalogweb"
	"thimble/internal/decision"
	"thimble/internal/gate"
	"thimble/internal/recommend/lists"
	"thimble/internal/web"
)

// OperationLists makes lists; *lists.Shop does.
type OperationLists interface {
	ForYou(ctx context.Context, a gate.Actor, who thimble.SubjectID, placement string, n int) (lists.List, error)
	GoesWith(ctx context.Context, item thimble.ItemID, n int) (lists.List, error)
	Popular(ctx context.Context, n int) (lists.List, error)
}

// Recommendations is a list of items with how it came about.
type Recommendations struct {
	Personal bool             `json:"personal" doc:"Whether it was made from the person's own history."`
	Why      string           `json:"why" doc:"One sentence for the reader of the list."`
	Verdict  *Permission      `json:"verdict,omitempty" doc:"What the gate answered; left out where no person was asked about."`
	Decision string           `json:"decision,omitempty" doc:"Of a personal list: the recorded decision. Keep it, to answer the question why."`
	Receipt  string           `json:"receipt,omitempty" doc:"The path of the decision's receipt."`
	Model    int64            `json:"model,omitempty" doc:"The version of the model; left out for the popular list."`
	Entries  []Recommendation `json:"entries"`
}

// A Permission is the gate's answer.
type Permission struct {
	Allowed bool   `json:"allowed"`
	Basis   string `json:"basis" doc:"The legal basis it takes."`
	Cite    string `json:"cite" doc:"The article."`
	Pack    string `json:"pack" doc:"The policy pack that says so."`
}

// A Recommendation is one item of a list.
type Recommendation struct {
	Item   catalogweb.Item `json:"item"`
	Score  int64           `json:"score" doc:"The rank: an exact sum of integers. Of the popular list, the orders that contained it."`
	Orders int64           `json:"orders,omitempty" doc:"Of the popular list: how many orders contained it."`
	Terms  []Reason        `json:"terms,omitempty" doc:"With explain: the largest shares in the score. The decision has all."`
}

// A Reason is the share that one past item has in a score.
type Reason struct {
	Because catalogweb.Item `json:"because"`
	Share   int64           `json:"share"`
}

type listInput struct {
	Subject     string `query:"subject" maxLength:"64" doc:"The token of the person the list is for. Without it, nothing about anybody is used." example:"sub_1vz3m8t6q4c0k7d9h2x5r8w3ya"`
	Item        string `query:"item" maxLength:"64" doc:"Asks for what goes with this item, instead of a list for a person."`
	Placement   string `query:"placement" default:"api" pattern:"^[a-z][a-z0-9-]{0,31}$" patternDescription:"a lower-case word such as home-page" doc:"Where it is shown; the decision keeps it." example:"home-page"`
	Limit       int    `query:"limit" minimum:"1" maximum:"50" default:"10" doc:"How many items."`
	Explain     bool   `query:"explain" doc:"Adds the terms of each score." example:"true"`
	IfNoneMatch string `header:"If-None-Match" maxLength:"200" doc:"The ETag of the list you have; when it still holds, the answer is 304 without a body."`
}

type listOutput struct {
	Status       int
	CacheControl string `header:"Cache-Control"`
	Vary         string `header:"Vary"`
	ETag         string `header:"ETag"`
	Body         Recommendations
}

// Operations are the recommender's part of the API.
func Operations(l OperationLists) func(huma.API) {
	return func(api huma.API) {
		api.OpenAPI().Tags = append(api.OpenAPI().Tags, &huma.Tag{Name: "recommend", Description: "Lists of items: for a person who permits it, for an item, or what most people buy."})
		huma.Register(api, huma.Operation{
			OperationID: "listRecommendations", Method: http.MethodGet, Path: "/v1/recommendations", Tags: []string{"recommend"},
			Summary: "List recommendations",
			Description: "A list for a person, with subject; what goes with an item, with item; else the popular list. " +
				"A person who does not permit personalisation, and one who is not known, get the popular list with personal=false: this never tells who has an account. " +
				"A personal list is a decision that is recorded, with its reasons and a receipt, before it is answered.",
			Metadata: map[string]any{"scope": "read"},
			Responses: map[string]*huma.Response{
				"200": {Content: map[string]*huma.MediaType{"application/json": {Example: exampleList}}},
				"304": {Description: "The list you have still holds. Popular lists and lists for items only."},
			},
		}, func(ctx context.Context, in *listInput) (*listOutput, error) { return list(ctx, l, in) })
	}
}

func list(ctx context.Context, l OperationLists, in *listInput) (*listOutput, error) {
	switch {
	case in.Subject != "" && in.Item != "":
		return nil, web.FieldProblems{{Field: "query.item", Detail: "expected either subject or item: a list for an item uses nothing about a person"}}
	case in.Subject != "":
		return personal(ctx, l, in)
	case in.Item != "":
		made, err := l.GoesWith(ctx, thimble.ItemID(in.Item), in.Limit)
		return shared(made, in, err)
	}
	made, err := l.Popular(ctx, in.Limit)
	return shared(made, in, err)
}

// notPersonal is said whether the person refused, was never asked, has no history
// or is not known: to tell these apart would tell who has an account.
const notPersonal = "Not personal: nothing permits a list for this person, or there is nothing to make it from."

func personal(ctx context.Context, l OperationLists, in *listInput) (*listOutput, error) {
	who, err := thimble.ParseSubjectID(in.Subject)
	if err != nil {
		return nil, web.FieldProblems{{Field: "query.subject", Detail: "expected a token of the form sub_…"}}
	}
	actor := gate.Actor{Kind: gate.Client, Name: apikey.From(ctx).Name}
	made, err := l.ForYou(ctx, actor, who, in.Placement, in.Limit)
	if err != nil {
		return nil, err
	}
	body := shown(made, in.Explain)
	if !body.Personal {
		body.Why, body.Verdict = notPersonal, nil
	}
	return &listOutput{Status: http.StatusOK, CacheControl: "private, no-store", Vary: "Authorization", Body: body}, nil
}

// shared answers a list that is the same for everybody.
func shared(made lists.List, in *listInput, err error) (*listOutput, error) {
	if err != nil {
		return nil, err
	}
	body := shown(made, in.Explain)
	tag, err := etag(body)
	if err != nil {
		return nil, err
	}
	// A cache may keep it, but gives it only to who sends the same key.
	out := &listOutput{Status: http.StatusOK, CacheControl: "public, max-age=60", Vary: "Authorization", ETag: tag, Body: body}
	if matches(in.IfNoneMatch, tag) {
		out.Status = http.StatusNotModified
	}
	return out, nil
}

func etag(body Recommendations) (string, error) {
	b, err := json.Marshal(body)
	if err != nil {
		return "", fmt.Errorf("recommend: writing a list: %w", err)
	}
	h := sha256.Sum256(b)
	return `"` + hex.EncodeToString(h[:12]) + `"`, nil
}

// matches compares weakly (RFC 9110 section 13.1.2).
func matches(sent, tag string) bool {
	for one := range strings.SplitSeq(sent, ",") {
		if one = strings.TrimPrefix(strings.TrimSpace(one), "W/"); one == tag || one == "*" {
			return true
		}
	}
	return false
}

func shown(made lists.List, explain bool) Recommendations {
	out := Recommendations{Personal: made.Personal, Why: made.Why, Model: made.Model, Entries: make([]Recommendation, len(made.Entries))}
	if v := made.Verdict; v != nil {
		out.Verdict = &Permission{Allowed: v.Allowed, Basis: v.Basis, Cite: v.Cite, Pack: v.Pack}
	}
	if !made.Decision.IsZero() {
		out.Decision = made.Decision.Token(decision.TokenPrefix)
		out.Receipt = "/v1/decisions/" + out.Decision + "/receipt"
	}
	for i, e := range made.Entries {
		out.Entries[i] = Recommendation{Item: catalogweb.ItemOf(e.Product), Score: e.Score, Orders: e.Orders}
		if !explain {
			continue
		}
		for _, t := range e.Terms {
			out.Entries[i].Terms = append(out.Entries[i].Terms, Reason{Because: catalogweb.ItemOf(t.Because), Share: t.Share})
		}
	}
	return out
}

var exampleList = Recommendations{
	Personal: true, Why: "Made from what you bought, because you allow it.",
	Verdict:  &Permission{Allowed: true, Basis: "consent", Cite: "GDPR Art. 6(1)(a), 22", Pack: "baseline.strict"},
	Decision: "dec_4hm2q7x0c9t5w1k8z3v6n0d4rg", Receipt: "/v1/decisions/dec_4hm2q7x0c9t5w1k8z3v6n0d4rg/receipt", Model: 3,
	Entries: []Recommendation{{
		Item: catalogweb.Item{ID: "22423", Name: "REGENCY CAKESTAND 3 TIER", Kind: "product", Price: &catalogweb.Price{Minor: 1275, Currency: "GBP"}}, Score: 514_203,
		Terms: []Reason{{Because: catalogweb.Item{ID: "22699", Name: "ROSES REGENCY TEACUP AND SAUCER", Kind: "product"}, Share: 514_203}},
	}},
}
