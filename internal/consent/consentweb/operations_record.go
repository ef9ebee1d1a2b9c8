package consentweb

import (
	"context"
	"fmt"
	"time"

	"thimble"
	"thimble/internal/consent"
	"thimble/internal/consent/consentdb"
	"thimble/internal/web"
)

// A NewChoice is what a person says now.
type NewChoice struct {
	Purpose string       `json:"purpose" enum:"personalize.content.profiled,train_ai_system" doc:"A fideslang data use."`
	State   string       `json:"state" enum:"given,refused,withdrawn,deferred" doc:"Deferred: they were asked and put it off."`
	Scope   *ChoiceScope `json:"scope,omitempty" doc:"How far the choice reaches; left out, everything."`
}

// ChoiceUI says where the choice was made.
type ChoiceUI struct {
	Component  string   `json:"component" maxLength:"64" pattern:"^[a-z][a-z0-9-]{0,40}(@[0-9]{1,4}([.][0-9]{1,4}){0,2})?$" patternDescription:"a lower-case word such as banner, with its version if it has one, such as banner@2" doc:"What the person used, such as banner@2 or checkout."`
	ChoicePath []string `json:"choice_path,omitempty" maxItems:"8" doc:"The steps to it, such as settings, then save."`
}

// A ChoiceIncentive is what was offered for a yes.
type ChoiceIncentive struct {
	ID         string `json:"id" maxLength:"32" doc:"The shop's own word for the offer."`
	Terms      string `json:"terms" maxLength:"64" doc:"The sha256, in hex, of the text that was shown."`
	ValueMinor int64  `json:"value_minor" minimum:"0" maximum:"1000000000" doc:"What it is worth, in minor units of the currency."`
	Currency   string `json:"currency" maxLength:"3" doc:"ISO 4217." example:"EUR"`
}

// A ChoiceGuardian is who chose for a child.
type ChoiceGuardian struct {
	Subject string    `json:"subject" maxLength:"64" doc:"The guardian's token."`
	Until   time.Time `json:"until,omitzero" doc:"When the child decides for themselves, if that is within a year: a yes ends then. No date of birth is kept."`
}

// NewChoices are what a person says, and how it was asked.
type NewChoices struct {
	Choices   []NewChoice      `json:"choices" minItems:"1" maxItems:"16" doc:"One for each purpose and scope."`
	UI        ChoiceUI         `json:"ui"`
	Lang      string           `json:"lang" maxLength:"16" doc:"The language of the notice that was shown."`
	Notice    string           `json:"notice,omitempty" maxLength:"64" doc:"The sha256 of the notice that was shown. A yes must name it. A choice on a notice that has changed since is refused."`
	ChosenAt  time.Time        `json:"chosen_at,omitzero" doc:"When the person chose, where that was earlier than now, such as offline. It can only make the choice stricter: the order is that of arrival, a yes lives from then, and one that is older than a recorded no is refused."`
	Incentive *ChoiceIncentive `json:"incentive,omitempty"`
	Guardian  *ChoiceGuardian  `json:"guardian,omitempty"`
}

// A RecordedChoice is one choice as it was recorded.
type RecordedChoice struct {
	Purpose string       `json:"purpose"`
	Scope   *ChoiceScope `json:"scope,omitempty"`
	State   string       `json:"state"`
	Seq     int64        `json:"seq" doc:"The person's choices, counted from 1."`
	At      time.Time    `json:"at"`
	Expires time.Time    `json:"expires,omitzero"`
	Receipt string       `json:"receipt" doc:"The path of its receipt, which anyone can check offline."`
	Record  string       `json:"record" doc:"The path of its record in the form of ISO/IEC TS 27560."`
}

// RecordedChoices are the choices as they were recorded.
type RecordedChoices struct {
	Recorded []RecordedChoice `json:"recorded" doc:"Empty for somebody who is not there: nothing of theirs is used, and their no holds."`
}

type recordInput struct {
	SubjectPath
	Key  string `header:"Idempotency-Key" maxLength:"128" doc:"Made up for one request. The same request with the same key, within 24 hours, gives the same answer and records nothing."`
	Body NewChoices
}

type recordOutput struct {
	CacheControl string `header:"Cache-Control"`
	Body         RecordedChoices
}

func (d OperationDeps) record(ctx context.Context, in *recordInput) (*recordOutput, error) {
	who, err := in.who()
	if err != nil {
		return nil, err
	}
	notice := noticeIn(in.Body.Lang)
	choices, problems := d.check(in.Body, who, notice)
	if len(problems) > 0 {
		return nil, problems
	}
	if err := checkNotice(ctx, d.Store, in.Body, notice); err != nil {
		return nil, err
	}
	how, err := d.how(ctx, in.Body, notice)
	if err != nil {
		return nil, err
	}
	// Nobody is asked for here: of somebody who is not there a no holds, and a yes is denied.
	recorded, err := d.Store.RecordOnce(ctx, who, choices, how, in.Key)
	if err != nil {
		return nil, err
	}
	out := &recordOutput{CacheControl: operationCache, Body: RecordedChoices{Recorded: make([]RecordedChoice, len(recorded))}}
	for i, r := range recorded {
		e := r.Event
		row := RecordedChoice{Purpose: string(e.Purpose), State: string(e.State), Seq: e.Seq, At: e.At, Expires: e.Expires,
			Receipt: receiptPath(e.Subject, e.Seq), Record: choicePath(e.Subject, e.Seq) + "/record"}
		if e.Scope != (consent.Scope{}) {
			scope := ChoiceScope(e.Scope)
			row.Scope = &scope
		}
		out.Body.Recorded[i] = row
	}
	return out, nil
}

func choicePath(who thimble.SubjectID, seq int64) string {
	return fmt.Sprintf("/v1/subjects/%s/consents/%d", who, seq)
}

func receiptPath(who thimble.SubjectID, seq int64) string { return choicePath(who, seq) + "/receipt" }

func (d OperationDeps) how(ctx context.Context, b NewChoices, notice consent.Notice) (consentdb.How, error) {
	how := consentdb.How{
		Notice: notice, UI: consent.UI{Component: b.UI.Component, Path: b.UI.ChoicePath}, Since: b.ChosenAt,
		// The shop's system says that the person chose; it answers for who it was.
		By: consent.By{Actor: "subject", Auth: "shop"},
	}
	if b.Incentive != nil {
		i := consent.Incentive(*b.Incentive)
		how.Incentive = &i
	}
	if b.Guardian == nil {
		return how, nil
	}
	guardian, err := thimble.ParseSubjectID(b.Guardian.Subject)
	if err == nil {
		err = d.Exists(ctx, guardian)
	}
	if err != nil {
		return how, web.FieldProblems{{Field: "body.guardian.subject", Detail: "expected the token of a person who is there"}}
	}
	how.By = consent.By{Actor: "guardian", Auth: "shop", Guardian: guardian}
	how.Until = b.Guardian.Until
	return how, nil
}
