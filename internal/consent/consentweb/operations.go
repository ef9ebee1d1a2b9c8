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

// OperationStore keeps consent; consentdb.Whole does.
type OperationStore interface {
	Questions(ctx context.Context, who thimble.SubjectID) ([]consent.Question, error)
	Scopes(ctx context.Context, who thimble.SubjectID, p thimble.Purpose) ([]consent.Scope, error)
	StandingFor(ctx context.Context, who thimble.SubjectID, p thimble.Purpose, q consent.Scope) (consent.Standing, error)
	RecordOnce(ctx context.Context, who thimble.SubjectID, choices []consent.Choice, how consentdb.How, key string) ([]consentdb.Recorded, error)
	Shown(ctx context.Context, notice string) (bool, error)
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
	// Controller is who answers for the use of the data, as records name it.
	Controller consent.Controller
	Now        func() time.Time // nil means time.Now
}

// A ChoiceScope says how far a choice reaches.
type ChoiceScope struct {
	Brand   string `json:"brand,omitempty" maxLength:"32" doc:"One of the shop's brands; left out, all."`
	Channel string `json:"channel,omitempty" maxLength:"32" doc:"Such as web, email or store; left out, all."`
	Feature string `json:"feature,omitempty" maxLength:"32" doc:"A feature that the notice names; left out, all."`
	Signal  string `json:"signal,omitempty" maxLength:"32" doc:"What of the person is used, as the notice names it, such as returns; left out, all."`
}

// A ChoiceState is where a person stands on one purpose, or on a part of it.
type ChoiceState struct {
	Purpose string       `json:"purpose" doc:"A fideslang data use."`
	Scope   *ChoiceScope `json:"scope,omitempty" doc:"The part of the purpose; left out, the purpose itself."`
	State   string       `json:"state" enum:"unanswered,given,refused,withdrawn,renewed,deferred,invalidated,expired"`
	Permits bool         `json:"permits" doc:"Whether the state allows the use."`
	Seq     int64        `json:"seq,omitempty" doc:"The choice that decides it, counted from 1."`
	At      time.Time    `json:"at,omitzero" doc:"When that was recorded."`
	Expires time.Time    `json:"expires,omitzero" doc:"When a given consent ends by itself."`
	MayAsk  bool         `json:"may_ask" doc:"Whether the person may be asked about it now."`
	AskFrom time.Time    `json:"ask_from,omitzero" doc:"From when they may be asked, when not now: they are left in peace for six months after a no, for twelve in California and where it is not known that they live elsewhere."`
	Grew    bool         `json:"notice_grew,omitempty" doc:"Whether the notice asks for more than the person's yes covers."`
}

// Choices are where a person stands on everything that is asked.
type Choices struct {
	Subject  thimble.SubjectID `json:"subject"`
	Consents []ChoiceState     `json:"consents" doc:"Each purpose, then its parts."`
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
	questions, err := d.Store.Questions(ctx, who)
	if err != nil {
		return nil, err
	}
	out := &choicesOutput{CacheControl: operationCache, Body: Choices{Subject: who, Consents: []ChoiceState{}}}
	named := map[thimble.Purpose]map[consent.Scope]bool{}
	for _, q := range questions {
		out.Body.Consents = append(out.Body.Consents, d.state(q))
		if named[q.Ask.Purpose] == nil {
			named[q.Ask.Purpose] = map[consent.Scope]bool{}
		}
		named[q.Ask.Purpose][q.Part.Scope] = true
	}
	for _, ask := range consent.Asked {
		if err := d.further(ctx, who, ask, named[ask.Purpose], &out.Body); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// further adds the scopes that somebody chose for, and that are no part of the notice,
// such as a brand.
func (d OperationDeps) further(ctx context.Context, who thimble.SubjectID, ask consent.Ask, named map[consent.Scope]bool, into *Choices) error {
	scopes, err := d.Store.Scopes(ctx, who, ask.Purpose)
	if err != nil {
		return err
	}
	for _, scope := range scopes {
		if named[scope] {
			continue
		}
		st, err := d.Store.StandingFor(ctx, who, ask.Purpose, scope)
		if err != nil {
			return err
		}
		into.Consents = append(into.Consents, d.state(consent.Question{Ask: ask, Part: consent.Part{Scope: scope}, Standing: st}))
	}
	return nil
}

func (d OperationDeps) state(q consent.Question) ChoiceState {
	st := q.Standing
	state := st.Now(d.Now())
	row := ChoiceState{Purpose: string(q.Ask.Purpose), State: string(state), Permits: state.Permits(), Seq: st.Seq, At: st.At, Expires: st.Expires, MayAsk: q.May, Grew: q.Grew}
	if !q.May {
		row.AskFrom = q.From
	}
	if row.State == "" {
		row.State = "unanswered"
	}
	if q.Part.Scope != (consent.Scope{}) {
		scope := ChoiceScope(q.Part.Scope)
		row.Scope = &scope
	}
	return row
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

// choice opens one choice of a person.
func (d OperationDeps) choice(ctx context.Context, in *receiptInput) (r consentdb.Recorded, err error) {
	who, err := in.who()
	if err == nil {
		err = d.Exists(ctx, who)
	}
	if err != nil {
		return r, err
	}
	grant, err := d.Open(ctx, apikey.From(ctx).Name, who, thimble.PrivacyPreferences)
	if err != nil {
		return r, err
	}
	history, err := d.Store.History(ctx, grant)
	if err != nil {
		return r, err
	}
	for _, r := range history {
		if r.Event.Seq == in.Seq && r.Event.Subject == who {
			return r, nil
		}
	}
	return r, fmt.Errorf("consent: choice %d: %w", in.Seq, thimble.ErrNotFound)
}

func (d OperationDeps) receipt(ctx context.Context, in *receiptInput) (*textOutput, error) {
	r, err := d.choice(ctx, in)
	if err != nil {
		return nil, err
	}
	return d.proof(ctx, r.Opening)
}

// document answers with the choice in the form of ISO/IEC TS 27560.
func (d OperationDeps) document(ctx context.Context, in *receiptInput) (*textOutput, error) {
	r, err := d.choice(ctx, in)
	if err != nil {
		return nil, err
	}
	text, err := consent.Document(r.Event, d.Controller, handling(r.Event.Purpose), receiptPath(r.Event.Subject, r.Event.Seq))
	return &textOutput{ContentType: documentType, CacheControl: operationCache, Body: text}, err
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
