package decisionweb

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"thimble"
	"thimble/internal/apikey"
	"thimble/internal/decision"
	"thimble/internal/decision/decisiondb"
	"thimble/internal/gate"
	"thimble/internal/ledger"
	"thimble/internal/web"
)

// OperationDecisions keeps decisions; *decisiondb.Store does.
type OperationDecisions interface {
	Get(ctx context.Context, id thimble.ID) (decisiondb.Sealed, error)
}

// OperationGate opens them; *gate.Gate does.
type OperationGate interface {
	Open(ctx context.Context, r gate.Request) (*gate.Grant, error)
}

// OperationReceipts makes receipts; *ledgerdb.Log does. Wait returns when the leaf
// is in a signed tree.
type OperationReceipts interface {
	Wait(ctx context.Context, o ledger.Opening) error
	Receipt(ctx context.Context, o ledger.Opening) (*ledger.Receipt, error)
}

// A Decision is the record of what a machine decided, as it was kept.
type Decision struct {
	ID         string            `json:"id"`
	Capability string            `json:"capability" doc:"What decided, such as recommend."`
	Placement  string            `json:"placement" doc:"Where the result was shown."`
	Subject    thimble.SubjectID `json:"subject" doc:"Whom it is about."`
	At         time.Time         `json:"at"`
	Model      DecisionModel     `json:"model"`
	Inputs     []DecisionInput   `json:"inputs" doc:"What kinds of data went in, and on which legal basis."`
	Guards     []string          `json:"guards" doc:"Rules that took something out, in plain words."`
	Results    []DecisionResult  `json:"results" doc:"Best first."`
	Packs      []string          `json:"packs" doc:"The policy packs in force."`
	Receipt    string            `json:"receipt" doc:"The path of its receipt, which anyone can check offline."`
}

// A DecisionModel names the version that decided.
type DecisionModel struct {
	Name    string `json:"name"`
	Version int64  `json:"version"`
	SHA256  string `json:"sha256" doc:"Of the model file."`
}

// A DecisionInput is a kind of data that went in.
type DecisionInput struct {
	Category thimble.Category `json:"category" doc:"A fideslang data category."`
	Purpose  thimble.Purpose  `json:"purpose" doc:"A fideslang data use."`
	Basis    string           `json:"basis"`
	Cite     string           `json:"cite"`
	Count    int              `json:"count"`
	Consent  string           `json:"consent,omitempty" doc:"The choice that permitted it: purpose#number."`
}

// A DecisionResult is one thing that was chosen.
type DecisionResult struct {
	Item    thimble.ItemID  `json:"item"`
	Score   int64           `json:"score"`
	Terms   []DecisionTerm  `json:"terms" doc:"With the base they sum exactly to the score."`
	Base    int64           `json:"base,omitempty" doc:"What the model adds for everybody."`
	Moved   int64           `json:"moved,omitempty" doc:"What rules added to the score."`
	Boosts  []DecisionBoost `json:"boosts,omitempty" doc:"The boosts of the shop, each with what it added to the score or took from it, within the bound of the rules. They sum to moved."`
	Held    string          `json:"held,omitempty" doc:"The place is held by this campaign and not won by a score."`
	Shown   *int64          `json:"shown,omitempty" doc:"The score on the scale that people are shown."`
	Outcome string          `json:"outcome,omitempty" doc:"The band it fell into."`
}

// A DecisionBoost is what one rule of the shop added to a score.
type DecisionBoost struct {
	Because string `json:"because" doc:"The rule, in words."`
	Share   int64  `json:"share"`
}

// A DecisionTerm is the share that one past item has in a score.
type DecisionTerm struct {
	Because thimble.ItemID `json:"because"`
	Share   int64          `json:"share"`
	Weight  int64          `json:"weight,omitempty" doc:"Weight times value is the share."`
	Value   int64          `json:"value,omitempty"`
}

type operations struct {
	decisions OperationDecisions
	gate      OperationGate
	receipts  OperationReceipts
}

type decisionInput struct {
	ID string `path:"id" maxLength:"64" doc:"The decision's id, as a list gave it." example:"dec_4hm2q7x0c9t5w1k8z3v6n0d4rg"`
}

type decisionOutput struct {
	CacheControl string `header:"Cache-Control"`
	Body         Decision
}

type decisionText struct {
	ContentType  string `header:"Content-Type"`
	CacheControl string `header:"Cache-Control"`
	Body         []byte
}

// Operations are the decisions' part of the API.
func Operations(d OperationDecisions, g OperationGate, r OperationReceipts) func(huma.API) {
	o := operations{d, g, r}
	return func(api huma.API) {
		api.OpenAPI().Tags = append(api.OpenAPI().Tags, &huma.Tag{Name: "decision", Description: "What machines decided about people, with the reasons and the proof."})
		huma.Register(api, huma.Operation{
			OperationID: "getDecision", Method: http.MethodGet, Path: "/v1/decisions/{id}", Tags: []string{"decision"}, Summary: "Get a decision",
			Description: "The whole record: model, inputs, and for each result the terms that sum to its score. The read is counted in the use log, which the person can see.",
			Metadata:    map[string]any{"scope": "read"}, Errors: []int{http.StatusNotFound},
			Responses: map[string]*huma.Response{"200": {Content: map[string]*huma.MediaType{"application/json": {Example: exampleDecision}}}},
		}, o.record)
		huma.Register(api, huma.Operation{
			OperationID: "getDecisionReceipt", Method: http.MethodGet, Path: "/v1/decisions/{id}/receipt", Tags: []string{"decision"}, Summary: "Get the receipt of a decision",
			Description: "The proof that the decision is in the ledger: a file in the format c2sp.org/tlog-proof@v1, below the proof in its batch when it was noted together with others. It holds the decision, and so belongs to the person.",
			Metadata:    map[string]any{"scope": "read"}, Errors: []int{http.StatusNotFound},
			Responses: map[string]*huma.Response{"200": {Content: map[string]*huma.MediaType{"text/plain": {
				Schema: &huma.Schema{Type: "string"}, Example: "c2sp.org/tlog-proof@v1\nextra AQIDBA==\nindex 17\n…\n",
			}}}},
		}, o.receipt)
	}
}

// open opens a decision for the shop's system that asks, to help the customer.
func (o operations) open(ctx context.Context, in *decisionInput) (decision.Record, ledger.Opening, error) {
	id, err := decisionID(in.ID)
	if err != nil {
		return decision.Record{}, ledger.Opening{}, err
	}
	sealed, err := o.decisions.Get(ctx, id)
	if err != nil {
		return decision.Record{}, ledger.Opening{}, err
	}
	grant, err := o.gate.Open(ctx, gate.Request{
		Actor: gate.Actor{Kind: gate.Client, Name: apikey.From(ctx).Name}, Subject: sealed.Subject,
		Purpose: thimble.SupportOperations, Categories: []thimble.Category{thimble.AutomatedDecision},
	})
	if err != nil {
		return decision.Record{}, ledger.Opening{}, err
	}
	record, opening, err := decisiondb.Open(ctx, grant, sealed)
	return record, opening, errors.Join(err, grant.Live(ctx))
}

func decisionID(token string) (thimble.ID, error) {
	id, err := thimble.ParseID(decision.TokenPrefix, token)
	if err != nil {
		err = web.FieldProblems{{Field: "path.id", Detail: "expected an id of the form dec_…"}}
	}
	return id, err
}

const operationCache = "private, no-store"

func (o operations) record(ctx context.Context, in *decisionInput) (*decisionOutput, error) {
	record, _, err := o.open(ctx, in)
	if err != nil {
		return nil, err
	}
	return &decisionOutput{CacheControl: operationCache, Body: decisionOf(in.ID, record)}, nil
}

func decisionOf(id string, r decision.Record) Decision {
	d := Decision{
		ID: id, Capability: r.Capability, Placement: r.Placement, Subject: r.Subject, At: r.At, Model: DecisionModel(r.Model),
		Inputs: make([]DecisionInput, len(r.Inputs)), Guards: append([]string{}, r.Rules()...), Results: make([]DecisionResult, len(r.Results)),
		Packs: append([]string{}, r.Packs...), Receipt: "/v1/decisions/" + id + "/receipt",
	}
	for i, in := range r.Inputs {
		d.Inputs[i] = DecisionInput(in)
	}
	for i, res := range r.Results {
		d.Results[i] = DecisionResult{Item: res.Item, Score: res.Score, Terms: make([]DecisionTerm, len(res.Terms)), Base: res.Base, Moved: res.Moved, Shown: res.Shown, Outcome: res.Outcome, Held: res.Held}
		for j, t := range res.Terms {
			d.Results[i].Terms[j] = DecisionTerm(t)
		}
		for _, b := range res.Boosts {
			d.Results[i].Boosts = append(d.Results[i].Boosts, DecisionBoost{r.WordsOf(b.Boost), b.Share})
		}
	}
	return d
}

// patience is how long a receipt may wait for its leaf to be signed.
const patience = 5 * time.Second

func (o operations) receipt(ctx context.Context, in *decisionInput) (*decisionText, error) {
	_, opening, err := o.open(ctx, in)
	if err != nil {
		return nil, err
	}
	waiting, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if err := o.receipts.Wait(waiting, opening); err != nil {
		return nil, errors.Join(err, thimble.ErrUnavailable)
	}
	receipt, err := o.receipts.Receipt(ctx, opening)
	if err != nil {
		return nil, err
	}
	text, err := receipt.MarshalText()
	return &decisionText{ContentType: "text/plain; charset=utf-8", CacheControl: operationCache, Body: text}, err
}

var exampleDecision = map[string]any{
	"id": "dec_4hm2q7x0c9t5w1k8z3v6n0d4rg", "capability": "recommend", "placement": "home-page",
	"subject": "sub_1vz3m8t6q4c0k7d9h2x5r8w3ya", "at": "2026-11-22T08:00:00Z",
	"model":   DecisionModel{Name: "item-item", Version: 3, SHA256: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"},
	"inputs":  []DecisionInput{{Category: thimble.PurchaseHistory, Purpose: thimble.PersonalizeContent, Basis: "consent", Cite: "GDPR Art. 6(1)(a), 22", Count: 12}},
	"guards":  []string{"what you already bought is left out"},
	"results": []DecisionResult{{Item: "22423", Score: 514_203, Terms: []DecisionTerm{{Because: "22699", Share: 514_203}}}},
	"packs":   []string{"baseline.strict"}, "receipt": "/v1/decisions/dec_4hm2q7x0c9t5w1k8z3v6n0d4rg/receipt",
}
