package recommendweb

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"thimble/internal/catalog"
	"thimble/internal/catalog/catalogweb"
	"thimble/internal/decision"
	"thimble/internal/recommend/lists"
	"thimble/internal/recommend/taste"
)

// OperationLists makes lists; *lists.Shop does.
type OperationLists interface {
	Make(ctx context.Context, a lists.Ask) (lists.List, error)
}

// Recommendations is a list of items with how it came about.
type Recommendations struct {
	Kind     string           `json:"kind" doc:"What it was made from."`
	Personal bool             `json:"personal" doc:"Whether it was made from the person's own history."`
	Why      string           `json:"why" doc:"One sentence for the reader of the list."`
	Verdict  *Permission      `json:"verdict,omitempty" doc:"What the gate answered; left out where no person was asked about."`
	Decision string           `json:"decision,omitempty" doc:"Of a personal list: the recorded decision. Keep it, to answer the question why."`
	Receipt  string           `json:"receipt,omitempty" doc:"The path of the decision's receipt."`
	Model    int64            `json:"model,omitempty" doc:"The version of the model; left out for the popular list."`
	Rules    string           `json:"rules,omitempty" doc:"The version of the shop's rules that arranged it."`
	Applied  []string         `json:"applied,omitempty" doc:"With explain: what the rules did, in words."`
	Entries  []Recommendation `json:"entries" doc:"An empty list says in why what kept everything out."`
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
	SeenAt time.Time       `json:"seen_at,omitzero" doc:"Of what the person looked at: when they did last."`
	Score  int64           `json:"score" doc:"An exact sum of integers; with moved it is the rank. Of the popular list, the orders that contained it; of the recent one, the time in microseconds since 1970."`
	Orders int64           `json:"orders,omitempty" doc:"Of the popular list: how many orders contained it."`
	Why    string          `json:"why,omitempty" doc:"In a few words, for the reader."`
	// Campaign is the name of the campaign that holds the place.
	Campaign string     `json:"campaign,omitempty" doc:"The place is held by this campaign and not won by the score: show it as advertising."`
	Moved    int64      `json:"moved,omitempty" doc:"What the shop's boosts added to the score, or took from it, within the bound of the rules."`
	Boosts   []Boost    `json:"boosts,omitempty" doc:"With explain: the share of each boost. They sum to moved."`
	Because  []string   `json:"because,omitempty" doc:"The rules of the shop that moved it or brought it here, in words."`
	Terms    []Reason   `json:"terms,omitempty" doc:"With explain: the largest shares in the score. The decision has all."`
	Alike    []Likeness `json:"alike,omitempty" doc:"With explain, where it is listed for what it is like: the share of each common field. They sum to the score."`
}

// A Boost is the share that one rule of the shop has.
type Boost struct {
	Because string `json:"because" doc:"The rule, in words."`
	Share   int64  `json:"share"`
}

// A Likeness is the share that one field which two products have in common has.
type Likeness struct {
	Because *catalogweb.Item `json:"because"`
	Field   string           `json:"field"`
	Value   string           `json:"value"`
	Share   int64            `json:"share"`
}

// A Reason is the share that one past item has in a score.
type Reason struct {
	Because *catalogweb.Item `json:"because"`
	Share   int64            `json:"share"`
}

type listInput struct {
	Subject     string   `query:"subject" maxLength:"64" doc:"The token of the person the list is for. Without it, nothing about anybody is used." example:"sub_1vz3m8t6q4c0k7d9h2x5r8w3ya"`
	Item        string   `query:"item" maxLength:"64" doc:"The item that a list is about: what goes with it, or is similar."`
	Session     []string `query:"session" maxItems:"50" doc:"Items that were looked at just now, or that are in a basket, the last one last. They are used for this answer and not kept."`
	Kind        string   `query:"kind" enum:"for-you,recent,goes-with,bought-together,popular,trending,season,similar,next" doc:"What the list is made from. Left out: for-you with a subject, goes-with with an item, next with a session, else popular."`
	Country     string   `query:"country" pattern:"^[A-Z]{2}$" patternDescription:"a code of ISO 3166-1, such as DE" doc:"With popular: what is bought there, by the countries of orders of people who allow that lists are learned from them. A place with fewer than 20 of them has no list of its own, and gets that of all places; why says so." example:"DE"`
	Category    string   `query:"category" maxLength:"64" doc:"Only this category."`
	Brand       string   `query:"brand" maxLength:"64" doc:"Only this brand."`
	Size        string   `query:"size" maxLength:"64" doc:"Only variants of this size."`
	MinPrice    int64    `query:"min_price" minimum:"0" doc:"In minor units. What has no known price is left out."`
	MaxPrice    int64    `query:"max_price" minimum:"0" doc:"In minor units. What has no known price is left out."`
	Currency    string   `query:"currency" pattern:"^[A-Z]{3}$" doc:"Of the two prices."`
	InStock     bool     `query:"in_stock" doc:"Only what is known to be in stock."`
	GrownUp     bool     `query:"grown_up" doc:"You vouch for the reader's age. Without it what is for grown-ups is left out."`
	Placement   string   `query:"placement" default:"api" pattern:"^[a-z][a-z0-9-]{0,31}$" patternDescription:"a lower-case word such as home-page" doc:"Where it is shown; the decision keeps it." example:"home-page"`
	Limit       int      `query:"limit" minimum:"1" maximum:"50" default:"10" doc:"How many items."`
	Explain     bool     `query:"explain" doc:"Adds the terms of each score, and what the shop's rules did." example:"true"`
	IfNoneMatch string   `header:"If-None-Match" maxLength:"200" doc:"The ETag of the list you have; when it still holds, the answer is 304 without a body."`
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
			Description: "A list for a person, with subject; what goes with an item, with item; what follows on a session, with session; else the popular list. Other lists by kind; recent, with subject, is what they looked at, and empty for who does not permit it. " +
				"A person who does not permit personalisation, and one who is not known, get the popular list with personal=false: this never tells who has an account. " +
				"What a list may hold is said in the same words for every kind, and the rules of the shop act on all of them. " +
				"A personal list is a decision that is recorded, with its reasons and a receipt, before it is answered.",
			Metadata: map[string]any{"scope": "read"},
			Responses: map[string]*huma.Response{
				"200": {Content: map[string]*huma.MediaType{"application/json": {Example: exampleList}}},
				"304": {Description: "The list you have still holds. Popular lists and lists for items only."},
			},
		}, func(ctx context.Context, in *listInput) (*listOutput, error) { return list(ctx, l, in) })
		batchOperation(api, l)
	}
}

func list(ctx context.Context, l OperationLists, in *listInput) (*listOutput, error) {
	a, err := asked{
		Subject: in.Subject, Item: in.Item, Session: in.Session, Kind: in.Kind, Country: in.Country, Category: in.Category, Brand: in.Brand, Size: in.Size, MinPrice: in.MinPrice,
		MaxPrice: in.MaxPrice, Currency: in.Currency, InStock: in.InStock, GrownUp: in.GrownUp, Placement: in.Placement, Limit: in.Limit, Explain: in.Explain,
	}.ask(ctx, "query.")
	if err != nil {
		return nil, err
	}
	made, err := l.Make(ctx, a)
	if err != nil {
		return nil, err
	}
	body := answer(made, a, in.Explain)
	if a.Kind.Own() || len(a.Session) > 0 {
		return &listOutput{Status: http.StatusOK, CacheControl: "private, no-store", Vary: "Authorization", Body: body}, nil
	}
	return shared(body, in)
}

// notPersonal is said whether the person refused, was never asked, has no history
// or is not known: to tell these apart would tell who has an account.
const notPersonal = "Not personal: nothing permits a list for this person, or there is nothing to make it from."

// answer is what leaves: of a list that is not personal nobody learns why.
func answer(made lists.List, a lists.Ask, explain bool) Recommendations {
	body := shown(made, explain)
	body.Kind = string(a.Kind)
	if a.Kind == lists.Recent && !body.Personal { // whatever the reason: nobody learns who has looked at what
		return Recommendations{Kind: string(lists.Recent), Why: notPersonal, Entries: []Recommendation{}}
	}
	if a.Kind == lists.ForYou && !body.Personal {
		body.Kind, body.Why, body.Verdict = string(lists.Popular), strings.TrimSpace(notPersonal+" "+made.Empty), nil
	}
	return body
}

// shared answers a list that is the same for everybody.
func shared(body Recommendations, in *listInput) (*listOutput, error) {
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
	out := Recommendations{Personal: made.Personal, Why: made.Why, Model: made.Model, Rules: made.Rules, Entries: make([]Recommendation, len(made.Entries))}
	if v := made.Verdict; v != nil {
		out.Verdict = &Permission{Allowed: v.Allowed, Basis: v.Basis, Cite: v.Cite, Pack: v.Pack}
	}
	if !made.Decision.IsZero() {
		out.Decision = made.Decision.Token(decision.TokenPrefix)
		out.Receipt = "/v1/decisions/" + out.Decision + "/receipt"
	}
	if explain {
		out.Applied = made.Applied
	}
	items := itemsOf{}
	for i, e := range made.Entries {
		out.Entries[i] = Recommendation{
			Item: catalogweb.ItemOf(*e.Product), Score: e.Score, Orders: e.Orders, SeenAt: e.Last, Campaign: e.Campaign, Moved: e.Moved, Because: e.Because,
			Why: cmp.Or(e.Why, taste.Because(e.Reasons())),
		}
		if !explain {
			continue
		}
		for _, b := range e.Boosts {
			out.Entries[i].Boosts = append(out.Entries[i].Boosts, Boost{b.Words, b.Share})
		}
		for _, t := range e.Alike {
			out.Entries[i].Alike = append(out.Entries[i].Alike, Likeness{Because: items.of(t.Because), Field: t.Field, Value: t.Value, Share: t.Share})
		}
		out.Entries[i].Terms = make([]Reason, 0, len(e.Terms))
		for _, t := range e.Terms {
			out.Entries[i].Terms = append(out.Entries[i].Terms, Reason{Because: items.of(t.Because), Share: t.Share})
		}
	}
	return out
}

// itemsOf are products as they are shown: many entries have the same past items to thank.
type itemsOf map[*catalog.Product]*catalogweb.Item

func (o itemsOf) of(p *catalog.Product) *catalogweb.Item {
	shown := o[p]
	if shown == nil {
		item := catalogweb.ItemOf(*p)
		shown = &item
		o[p] = shown
	}
	return shown
}

var exampleList = Recommendations{
	Kind: "for-you", Personal: true, Why: "Made from what you bought, because you allow it.",
	Verdict:  &Permission{Allowed: true, Basis: "consent", Cite: "GDPR Art. 6(1)(a), 22", Pack: "baseline.strict"},
	Decision: "dec_4hm2q7x0c9t5w1k8z3v6n0d4rg", Receipt: "/v1/decisions/dec_4hm2q7x0c9t5w1k8z3v6n0d4rg/receipt", Model: 3,
	Entries: []Recommendation{{
		Item: catalogweb.Item{ID: "22423", Name: "REGENCY CAKESTAND 3 TIER", Kind: "product", Price: &catalogweb.Price{Minor: 1275, Currency: "GBP"}}, Score: 514_203,
		Why:   "Because you bought ROSES REGENCY TEACUP AND SAUCER",
		Terms: []Reason{{Because: &catalogweb.Item{ID: "22699", Name: "ROSES REGENCY TEACUP AND SAUCER", Kind: "product"}, Share: 514_203}},
	}},
}
