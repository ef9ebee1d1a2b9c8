package tasteweb

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"thimble"
	"thimble/internal/apikey"
	"thimble/internal/ledger"
	"thimble/internal/recommend/taste"
	"thimble/internal/recommend/tastedb"
	"thimble/internal/web"
)

// OperationReceipts makes receipts; *ledgerdb.Log does. Wait returns when the leaf is in
// a signed tree.
type OperationReceipts interface {
	Wait(ctx context.Context, o ledger.Opening) error
	Receipt(ctx context.Context, o ledger.Opening) (*ledger.Receipt, error)
}

// OperationDeps are what the operations work with.
type OperationDeps struct {
	Store    Store
	Receipts OperationReceipts
	// Exists is nil for a person who is there, and of kind thimble.ErrNotFound for one who
	// is unknown or erased.
	Exists func(ctx context.Context, who thimble.SubjectID) error
	// Open opens a person's choices for the shop's system with the named key, to meet a
	// legal obligation. The gate does it, and counts the use.
	Open func(ctx context.Context, key string, who thimble.SubjectID, categories ...thimble.Category) (thimble.Grant, error)
}

// A ListChoice is what somebody says about their lists.
type ListChoice struct {
	Kind     string `json:"kind" enum:"less,forget,never" doc:"less: less like this, of an item or a category. forget: that they looked at an item, or bought it. never: use a category."`
	Item     string `json:"item,omitempty" maxLength:"64" doc:"The item, of less and forget."`
	Category string `json:"category,omitempty" maxLength:"64" doc:"The category of products, of less and never."`
}

// NewListChoices are what somebody says now.
type NewListChoices struct {
	Subject   string       `json:"subject" minLength:"1" maxLength:"64" doc:"The token of the person who says it."`
	Choices   []ListChoice `json:"choices" minItems:"1" maxItems:"16"`
	Undo      bool         `json:"undo,omitempty" doc:"They take the choices back: each is undone under every account of theirs that said it."`
	Component string       `json:"component,omitempty" default:"api" maxLength:"64" pattern:"^[a-z][a-z0-9-]{0,40}(@[0-9]{1,4}([.][0-9]{1,4}){0,2})?$" patternDescription:"a lower-case word such as lists, with its version if it has one, such as lists@1" doc:"What the person used."`
}

// A RecordedListChoice is one choice, or the undoing of one, as it was recorded.
type RecordedListChoice struct {
	ListChoice
	ID      string    `json:"id" doc:"Its name, to undo it and for its receipt."`
	Undone  bool      `json:"undone,omitempty" doc:"It takes an earlier one back."`
	At      time.Time `json:"at"`
	Receipt string    `json:"receipt" doc:"The path of its receipt, which anyone can check offline."`
}

// RecordedListChoices are what was recorded.
type RecordedListChoices struct {
	Recorded []RecordedListChoice `json:"recorded" doc:"Empty when nothing changes, and for somebody who is not there: nothing of theirs is used."`
}

// ListChoices are the choices of a person that hold.
type ListChoices struct {
	Choices []RecordedListChoice `json:"choices" doc:"The latest last."`
}

type (
	sayInput struct {
		Key  string `header:"Idempotency-Key" maxLength:"128" doc:"Made up for one request. The same request with the same key, within 24 hours, gives the same answer and records nothing."`
		Body NewListChoices
	}
	standInput struct {
		Subject string `query:"subject" required:"true" maxLength:"64" doc:"The person's token." example:"sub_1vz3m8t6q4c0k7d9h2x5r8w3ya"`
	}
	undoInput struct {
		ChoiceID
		Key string `header:"Idempotency-Key" maxLength:"128" doc:"As of the other writes."`
	}
	// ChoiceID is exported because huma reads only exported fields.
	ChoiceID struct {
		ID string `path:"id" maxLength:"80" doc:"The choice, as the list of choices names it." example:"3-sub_1vz3m8t6q4c0k7d9h2x5r8w3ya"`
	}
	sayOutput struct {
		CacheControl string `header:"Cache-Control"`
		Body         RecordedListChoices
	}
	standOutput struct {
		CacheControl string `header:"Cache-Control"`
		Body         ListChoices
	}
	proofOutput struct {
		ContentType  string `header:"Content-Type"`
		CacheControl string `header:"Cache-Control"`
		Body         []byte
	}
)

const (
	choicesPath    = "/v1/recommendations/choices"
	operationCache = "private, no-store"
	// patience is how long a receipt may wait for its leaf to be signed.
	patience = 5 * time.Second
)

// Operations are what people say about their lists, as a part of the API.
func Operations(d OperationDeps) func(huma.API) {
	return func(api huma.API) {
		say := operation("recordListChoices", http.MethodPost, choicesPath, "Record what a person says about their lists",
			"Less like this, forget that they looked at it, never this category, or the undoing of one, with the same words. It counts at the next list: one that is being made meanwhile is not given out. "+
				"What holds already records nothing. Of somebody who is not there, or was forgotten, nothing is recorded either, and the answer is the same.", "collect")
		say.Errors, say.MaxBodyBytes = []int{http.StatusConflict}, 16<<10
		say.RequestBody = &huma.RequestBody{Content: map[string]*huma.MediaType{"application/json": {Example: exampleSay}}}
		say.Responses = answers("application/json", RecordedListChoices{Recorded: exampleSaid})
		huma.Register(api, say, d.say)

		stand := operation("listListChoices", http.MethodGet, choicesPath, "List what a person says about their lists",
			"The choices that hold. The read is counted in the use log, which the person can see.", "read")
		stand.Errors = []int{http.StatusNotFound}
		stand.Responses = answers("application/json", ListChoices{Choices: exampleSaid})
		huma.Register(api, stand, d.stand)

		undo := operation("undoListChoice", http.MethodDelete, choicesPath+"/{id}", "Undo what a person said about their lists",
			"Takes a choice back, by its name: what was said stays in no address. One that does not hold any more records nothing.", "collect")
		undo.Errors = []int{http.StatusNotFound, http.StatusConflict}
		undo.Responses = answers("application/json", RecordedListChoices{Recorded: exampleUndone})
		huma.Register(api, undo, d.undo)

		receipt := operation("getListChoiceReceipt", http.MethodGet, choicesPath+"/{id}/receipt", "Get the receipt of a choice about lists",
			"The proof that the choice is in the ledger: a file in the format c2sp.org/tlog-proof@v1. It holds what was said, and so belongs to the person.", "read")
		receipt.Errors = []int{http.StatusNotFound}
		receipt.Responses = answers("text/plain", "c2sp.org/tlog-proof@v1\nextra AQIDBA==\nindex 17\n…\n")
		receipt.Responses["200"].Content["text/plain"].Schema = &huma.Schema{Type: "string"}
		huma.Register(api, receipt, d.receipt)
	}
}

func operation(id, method, path, summary, about, scope string) huma.Operation {
	return huma.Operation{OperationID: id, Method: method, Path: path, Tags: []string{"recommend"}, Summary: summary, Description: about, Metadata: map[string]any{"scope": scope}}
}

func answers(kind string, example any) map[string]*huma.Response {
	return map[string]*huma.Response{"200": {Content: map[string]*huma.MediaType{kind: {Example: example}}}}
}

func (d OperationDeps) say(ctx context.Context, in *sayInput) (*sayOutput, error) {
	who, err := thimble.ParseSubjectID(in.Body.Subject)
	if err != nil {
		return nil, web.FieldProblems{{Field: "body.subject", Detail: "expected a token of the form sub_…"}}
	}
	said := tastedb.Said{Undo: in.Body.Undo, Key: in.Key, By: taste.By{Auth: "shop", Component: in.Body.Component}}
	var problems web.FieldProblems
	for i, c := range in.Body.Choices {
		choice := taste.Choice{Kind: taste.Kind(c.Kind), Item: thimble.ItemID(c.Item), Category: c.Category}
		if field, expected := wrong(choice); expected != "" {
			problems = append(problems, web.FieldProblem{Field: "body.choices[" + strconv.Itoa(i) + "]" + field, Detail: "expected " + expected})
		}
		for _, other := range said.Choices {
			if other == choice {
				problems = append(problems, web.FieldProblem{Field: "body.choices[" + strconv.Itoa(i) + "]", Detail: "expected each choice once"})
			}
		}
		said.Choices = append(said.Choices, choice)
	}
	if len(problems) > 0 {
		return nil, problems
	}
	return d.recorded(ctx, who, said)
}

// wrong names what is wrong with a choice, and what was expected instead.
func wrong(c taste.Choice) (field, expected string) {
	switch {
	case c.Kind == taste.Forget && (c.Item == "" || c.Category != ""):
		return ".item", "an item, and no category: an item is forgotten"
	case c.Kind == taste.Never && (c.Category == "" || c.Item != ""):
		return ".category", "a category, and no item: a category is never used"
	case (c.Item == "") == (c.Category == ""):
		return "", "either an item or a category"
	case c.Check() != nil:
		return "", "characters that are no control characters"
	}
	return "", ""
}

func (d OperationDeps) recorded(ctx context.Context, who thimble.SubjectID, said tastedb.Said) (*sayOutput, error) {
	all, err := d.Store.Say(ctx, who, said)
	if err != nil {
		return nil, err
	}
	out := &sayOutput{CacheControl: operationCache, Body: RecordedListChoices{Recorded: []RecordedListChoice{}}}
	for _, r := range all {
		e := r.Event
		out.Body.Recorded = append(out.Body.Recorded, recordedOf(e.Choice, e.Subject, e.Seq, e.At, e.Undone))
	}
	return out, nil
}

func recordedOf(c taste.Choice, who thimble.SubjectID, seq int64, at time.Time, undone bool) RecordedListChoice {
	id := key(who, seq)
	return RecordedListChoice{
		ListChoice: ListChoice{Kind: string(c.Kind), Item: string(c.Item), Category: c.Category},
		ID:         id, Undone: undone, At: at, Receipt: choicesPath + "/" + id + "/receipt",
	}
}

// opens opens the choices of a person for the shop's system that asks.
func (d OperationDeps) opens(ctx context.Context, who thimble.SubjectID) (thimble.Grant, error) {
	if err := d.Exists(ctx, who); err != nil {
		return nil, err
	}
	return d.Open(ctx, apikey.From(ctx).Name, who, thimble.PrivacyPreferences)
}

func (d OperationDeps) stand(ctx context.Context, in *standInput) (*standOutput, error) {
	who, err := thimble.ParseSubjectID(in.Subject)
	if err != nil {
		return nil, web.FieldProblems{{Field: "query.subject", Detail: "expected a token of the form sub_…"}}
	}
	g, err := d.opens(ctx, who)
	if err != nil {
		return nil, err
	}
	state, err := d.Store.Of(ctx, g)
	if err != nil {
		return nil, err
	}
	out := &standOutput{CacheControl: operationCache, Body: ListChoices{Choices: []RecordedListChoice{}}}
	for _, st := range state.Standing {
		out.Body.Choices = append(out.Body.Choices, recordedOf(st.Choice, st.Subject, st.Seq, st.At, false))
	}
	return out, nil
}

// event opens one event of a person by its name.
func (d OperationDeps) event(ctx context.Context, id string) (who thimble.SubjectID, r tastedb.Recorded, err error) {
	number, token, _ := strings.Cut(id, "-")
	who, err = thimble.ParseSubjectID(token)
	if _, no := strconv.ParseInt(number, 10, 64); err != nil || no != nil {
		return who, r, web.FieldProblems{{Field: "path.id", Detail: "expected the name of a choice, such as 3-sub_…"}}
	}
	g, err := d.opens(ctx, who)
	if err != nil {
		return who, r, err
	}
	history, err := d.Store.History(ctx, g)
	if err != nil {
		return who, r, err
	}
	for _, h := range history {
		if key(h.Event.Subject, h.Event.Seq) == id {
			return who, h, nil
		}
	}
	return who, r, fmt.Errorf("taste: a choice of that name: %w", thimble.ErrNotFound)
}

func (d OperationDeps) undo(ctx context.Context, in *undoInput) (*sayOutput, error) {
	who, r, err := d.event(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	if r.Event.Undone {
		return nil, web.FieldProblems{{Field: "path.id", Detail: "expected a choice, and not the undoing of one"}}
	}
	return d.recorded(ctx, who, tastedb.Said{Choices: []taste.Choice{r.Event.Choice}, Undo: true, Key: in.Key, By: taste.By{Auth: "shop", Component: "api"}})
}

func (d OperationDeps) receipt(ctx context.Context, in *ChoiceID) (*proofOutput, error) {
	_, r, err := d.event(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	waiting, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if err := d.Receipts.Wait(waiting, r.Opening); err != nil {
		return nil, errors.Join(err, thimble.ErrUnavailable)
	}
	receipt, err := d.Receipts.Receipt(ctx, r.Opening)
	if err != nil {
		return nil, err
	}
	text, err := receipt.MarshalText()
	return &proofOutput{ContentType: "text/plain; charset=utf-8", CacheControl: operationCache, Body: text}, err
}

var (
	exampleSay  = NewListChoices{Subject: "sub_1vz3m8t6q4c0k7d9h2x5r8w3ya", Choices: []ListChoice{{Kind: "less", Item: "22423"}, {Kind: "never", Category: "mugs"}}, Component: "lists@1"}
	exampleSaid = []RecordedListChoice{{
		ListChoice: ListChoice{Kind: "less", Item: "22423"}, ID: "3-sub_1vz3m8t6q4c0k7d9h2x5r8w3ya", At: time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC),
		Receipt: choicesPath + "/3-sub_1vz3m8t6q4c0k7d9h2x5r8w3ya/receipt",
	}}
	exampleUndone = []RecordedListChoice{{
		ListChoice: ListChoice{Kind: "less", Item: "22423"}, ID: "5-sub_1vz3m8t6q4c0k7d9h2x5r8w3ya", Undone: true, At: time.Date(2026, 11, 22, 8, 1, 0, 0, time.UTC),
		Receipt: choicesPath + "/5-sub_1vz3m8t6q4c0k7d9h2x5r8w3ya/receipt",
	}}
)
