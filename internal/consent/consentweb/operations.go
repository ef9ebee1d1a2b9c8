package consentweb

import (
	"context"
	"errors"
	"fmt"
	"time"

	"thimble"
	"thimble/internal/apikey"
	"thimble/internal/consent"
	"thimble/internal/consent/consentdb"
	"thimble/internal/ledger"
	"thimble/internal/web"
)

// OperationStore keeps consent; *consentdb.Store does.
type OperationStore interface {
	Standing(ctx context.Context, who thimble.SubjectID, p thimble.Purpose) (consent.Standing, error)
	Record(ctx context.Context, who thimble.SubjectID, choices []consent.Choice, how consentdb.How) ([]consentdb.Recorded, error)
	History(ctx context.Context, g thimble.Grant) ([]consentdb.Recorded, error)
}

// OperationReceipts makes receipts; *ledgerdb.Log does. Wait returns when the
// leaf is in a signed tree.
type OperationReceipts interface {
	Wait(ctx context.Context, o ledger.Opening) error
	Receipt(ctx context.Context, o ledger.Opening) (*ledger.Receipt, error)
}

// OperationDeps are what the operations work with.
type OperationDeps struct {
	Store    OperationStore
	Receipts OperationReceipts
	// Exists is nil for a person who is there, and of kind thimble.ErrNotFound for
	// one who is unknown or erased.
	Exists func(ctx context.Context, who thimble.SubjectID) error
	// Open opens a person's choices for the shop's system with the named key, to
	// meet a legal obligation. The gate does it, and counts the use.
	Open func(ctx context.Context, key string, who thimble.SubjectID, categories ...thimble.Category) (thimble.Grant, error)
	Now  func() time.Time // nil means time.Now
}

// A ChoiceState is where a person stands on one purpose.
type ChoiceState struct {
	Purpose string    `json:"purpose" doc:"A fideslang data use."`
	State   string    `json:"state" enum:"unanswered,given,refused,withdrawn,expired"`
	Permits bool      `json:"permits" doc:"Whether the state allows the use."`
	Seq     int64     `json:"seq,omitempty" doc:"The person's last choice on it, counted from 1."`
	At      time.Time `json:"at,omitzero" doc:"When that was recorded."`
	Expires time.Time `json:"expires,omitzero" doc:"When a given consent ends by itself."`
}

// Choices are where a person stands on everything that is asked.
type Choices struct {
	Subject  thimble.SubjectID `json:"subject"`
	Consents []ChoiceState     `json:"consents"`
}

// A NewChoice is what a person says now.
type NewChoice struct {
	Purpose string `json:"purpose" enum:"personalize.content.profiled,train_ai_system" doc:"A fideslang data use."`
	State   string `json:"state" enum:"given,refused,withdrawn"`
}

// ChoiceUI says where the choice was made.
type ChoiceUI struct {
	Component  string   `json:"component" pattern:"^[a-z][a-z0-9-]{0,63}$" patternDescription:"a lower-case word such as banner" doc:"What the person used, such as banner or checkout."`
	ChoicePath []string `json:"choice_path,omitempty" maxItems:"8" doc:"The steps to it, such as settings, then save."`
}

// NewChoices are what a person says, and how it was asked.
type NewChoices struct {
	Choices []NewChoice `json:"choices" minItems:"1" maxItems:"16" doc:"One per purpose."`
	UI      ChoiceUI    `json:"ui"`
	Lang    string      `json:"lang" maxLength:"16" doc:"The language of the notice that was shown."`
	Notice  string      `json:"notice,omitempty" maxLength:"64" doc:"The sha256 of the notice that was shown. A choice on a notice that has changed since is refused."`
}

// A RecordedChoice is one choice as it was recorded.
type RecordedChoice struct {
	Purpose string    `json:"purpose"`
	State   string    `json:"state"`
	Seq     int64     `json:"seq" doc:"The person's choices, counted from 1."`
	At      time.Time `json:"at"`
	Expires time.Time `json:"expires,omitzero"`
	Receipt string    `json:"receipt" doc:"The path of its receipt, which anyone can check offline."`
}

// RecordedChoices are the choices as they were recorded.
type RecordedChoices struct {
	Recorded []RecordedChoice `json:"recorded"`
}

// A SubjectPath names a person in an address. It is exported because huma reads
// only exported fields.
type SubjectPath struct {
	Subject string `path:"subject" maxLength:"64" doc:"The person's token." example:"sub_1vz3m8t6q4c0k7d9h2x5r8w3ya"`
}

func (in SubjectPath) who() (thimble.SubjectID, error) {
	who, err := thimble.ParseSubjectID(in.Subject)
	if err != nil {
		return who, web.FieldProblems{{Field: "path.subject", Detail: "expected a token of the form sub_…"}}
	}
	return who, nil
}

const operationCache = "private, no-store"

type choicesOutput struct {
	CacheControl string `header:"Cache-Control"`
	Body         Choices
}

type recordInput struct {
	SubjectPath
	Body NewChoices
}

type recordOutput struct {
	CacheControl string `header:"Cache-Control"`
	Body         RecordedChoices
}

func (d OperationDeps) standing(ctx context.Context, in *SubjectPath) (*choicesOutput, error) {
	who, err := in.who()
	if err == nil {
		err = d.Exists(ctx, who)
	}
	if err == nil {
		_, err = d.Open(ctx, apikey.From(ctx).Name, who, thimble.PrivacyPreferences)
	}
	if err != nil {
		return nil, err
	}
	out := &choicesOutput{CacheControl: operationCache, Body: Choices{Subject: who, Consents: []ChoiceState{}}}
	for _, ask := range consent.Asked {
		st, err := d.Store.Standing(ctx, who, ask.Purpose)
		if err != nil {
			return nil, err
		}
		state := st.Now(d.Now())
		row := ChoiceState{Purpose: string(ask.Purpose), State: string(state), Permits: state.Permits(), Seq: st.Seq, At: st.At, Expires: st.Expires}
		if row.State == "" {
			row.State = "unanswered"
		}
		out.Body.Consents = append(out.Body.Consents, row)
	}
	return out, nil
}

func (d OperationDeps) record(ctx context.Context, in *recordInput) (*recordOutput, error) {
	who, err := in.who()
	if err != nil {
		return nil, err
	}
	notice, choices := consent.Current(), make([]consent.Choice, len(in.Body.Choices))
	if err := choiceProblems(in.Body, notice); err != nil {
		return nil, err
	}
	if in.Body.Notice != "" && in.Body.Notice != notice.Ref().SHA256 {
		return nil, fmt.Errorf("consent: the notice has changed: %w", thimble.ErrConflict)
	}
	if err := d.Exists(ctx, who); err != nil {
		return nil, err
	}
	for i, c := range in.Body.Choices {
		choices[i] = consent.Choice{Purpose: thimble.Purpose(c.Purpose), State: consent.State(c.State)}
	}
	recorded, err := d.Store.Record(ctx, who, choices, consentdb.How{
		Notice: notice, UI: consent.UI{Component: in.Body.UI.Component, Path: in.Body.UI.ChoicePath},
		// The shop's system says that the person chose; it answers for who it was.
		By: consent.By{Actor: "subject", Auth: "shop"},
	})
	if err != nil {
		return nil, err
	}
	out := &recordOutput{CacheControl: operationCache, Body: RecordedChoices{Recorded: make([]RecordedChoice, len(recorded))}}
	for i, r := range recorded {
		e := r.Event
		out.Body.Recorded[i] = RecordedChoice{Purpose: string(e.Purpose), State: string(e.State), Seq: e.Seq, At: e.At, Expires: e.Expires, Receipt: receiptPath(e.Subject, e.Seq)}
	}
	return out, nil
}

func receiptPath(who thimble.SubjectID, seq int64) string {
	return fmt.Sprintf("/v1/subjects/%s/consents/%d/receipt", who, seq)
}

// choiceProblems names what the schema cannot say.
func choiceProblems(b NewChoices, notice consent.Notice) error {
	var all web.FieldProblems
	seen := map[string]bool{}
	for i, c := range b.Choices {
		if seen[c.Purpose] {
			all = append(all, web.FieldProblem{Field: fmt.Sprintf("body.choices[%d].purpose", i), Detail: "expected each purpose once"})
		}
		seen[c.Purpose] = true
		if err := (consent.Choice{Purpose: thimble.Purpose(c.Purpose), State: consent.State(c.State)}).Check(); err != nil {
			all = append(all, web.FieldProblem{Field: fmt.Sprintf("body.choices[%d]", i), Detail: "expected a purpose that is asked for, and given, refused or withdrawn"})
		}
	}
	for i, step := range b.UI.ChoicePath {
		if !operationWord.MatchString(step) {
			all = append(all, web.FieldProblem{Field: fmt.Sprintf("body.ui.choice_path[%d]", i), Detail: "expected a lower-case word such as save"})
		}
	}
	if b.Lang != notice.Lang {
		all = append(all, web.FieldProblem{Field: "body.lang", Detail: "expected a language that there is a notice in: " + notice.Lang})
	}
	if all == nil {
		return nil
	}
	return all
}

type receiptInput struct {
	SubjectPath
	Seq int64 `path:"seq" minimum:"1" doc:"The number of the choice." example:"1"`
}

type textOutput struct {
	ContentType  string `header:"Content-Type"`
	CacheControl string `header:"Cache-Control"`
	Body         []byte
}

// patience is how long a receipt may wait for its leaf to be signed.
const patience = 5 * time.Second

func (d OperationDeps) receipt(ctx context.Context, in *receiptInput) (*textOutput, error) {
	who, err := in.who()
	if err == nil {
		err = d.Exists(ctx, who)
	}
	if err != nil {
		return nil, err
	}
	grant, err := d.Open(ctx, apikey.From(ctx).Name, who, thimble.PrivacyPreferences)
	if err != nil {
		return nil, err
	}
	history, err := d.Store.History(ctx, grant)
	if err != nil {
		return nil, err
	}
	for _, r := range history {
		if r.Event.Seq == in.Seq && r.Event.Subject == who {
			return d.proof(ctx, r.Opening)
		}
	}
	return nil, fmt.Errorf("consent: choice %d: %w", in.Seq, thimble.ErrNotFound)
}

func (d OperationDeps) proof(ctx context.Context, o ledger.Opening) (*textOutput, error) {
	waiting, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if err := d.Receipts.Wait(waiting, o); err != nil {
		return nil, errors.Join(err, thimble.ErrUnavailable)
	}
	receipt, err := d.Receipts.Receipt(ctx, o)
	if err != nil {
		return nil, err
	}
	text, err := receipt.MarshalText()
	return &textOutput{ContentType: "text/plain; charset=utf-8", CacheControl: operationCache, Body: text}, err
}
