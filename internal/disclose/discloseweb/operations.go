package discloseweb

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"thimble/internal/disclose"
	"thimble/internal/disclose/disclosedb"
)

// OperationStore is what the API tells of; *disclosedb.Store has it.
type OperationStore interface {
	Standings(ctx context.Context) ([]disclosedb.Standing, error)
	Outbox(ctx context.Context, state disclose.State, limit int) ([]disclosedb.Message, error)
}

// A ListedRecipient is a recipient as the API tells it.
type ListedRecipient struct {
	ID        string     `json:"id" example:"rcp_7m3k9q2w5x8r4t6v1b0n2c3d4e"`
	Name      string     `json:"name" example:"Parcels"`
	Kind      string     `json:"kind" enum:"processor,controller,joint,public" doc:"What it is in the words of the law."`
	Countries []string   `json:"countries" doc:"Where it works on the data."`
	State     string     `json:"state" doc:"Whether anything may be sent, in a few words." example:"in force"`
	Until     *time.Time `json:"until,omitempty" doc:"When the agreement ends."`
	Assessed  *time.Time `json:"assessed_until,omitempty" doc:"When its assessment ends."`
}

// A ListedMessage is a message of the outbox without what it holds.
type ListedMessage struct {
	ID        string    `json:"id" example:"msg_7m3k9q2w5x8r4t6v1b0n2c3d4e"`
	Recipient string    `json:"recipient"`
	Kind      string    `json:"kind" enum:"data,letter,erase"`
	Purpose   string    `json:"purpose"`
	People    int64     `json:"people" doc:"How many people it was made about."`
	State     string    `json:"state" enum:"queued,sending,retrying,blocked,delivered,acknowledged,overdue,dead,cancelled"`
	Why       string    `json:"why,omitempty" doc:"Why it stands there, in a word."`
	Tries     int64     `json:"tries"`
	Queued    time.Time `json:"queued"`
}

type recipientsOutput struct {
	Body struct {
		Recipients []ListedRecipient `json:"recipients"`
	}
}

type outboxInput struct {
	State string `query:"state" enum:"queued,sending,retrying,blocked,delivered,acknowledged,overdue,dead,cancelled" doc:"Only messages in this state."`
	Limit int    `query:"limit" minimum:"1" maximum:"200" default:"50" doc:"How many, the newest first."`
}

type outboxOutput struct {
	Body struct {
		Messages []ListedMessage `json:"messages"`
	}
}

// Operations are disclose's part of the API.
func Operations(s OperationStore, now func() time.Time) func(huma.API) {
	return func(api huma.API) {
		api.OpenAPI().Tags = append(api.OpenAPI().Tags, &huma.Tag{Name: "disclose", Description: "Who may get data, and what was sent. What a message holds about people is in no answer."})
		huma.Register(api, huma.Operation{
			OperationID: "listRecipients", Method: http.MethodGet, Path: "/v1/recipients", Tags: []string{"disclose"}, Summary: "List recipients",
			Description: "Everybody who may get data, with the end of what permits it.", Metadata: map[string]any{"scope": "admin"},
			Responses: map[string]*huma.Response{"200": {Content: map[string]*huma.MediaType{"application/json": {Example: map[string]any{"recipients": []any{map[string]any{
				"id": "rcp_7m3k9q2w5x8r4t6v1b0n2c3d4e", "name": "Parcels", "kind": "processor", "countries": []any{"DE"}, "state": "in force", "until": "2027-01-01T00:00:00Z", "assessed_until": "2027-01-01T00:00:00Z",
			}}}}}}},
		}, func(ctx context.Context, _ *struct{}) (*recipientsOutput, error) { return recipients(ctx, s, now()) })
		huma.Register(api, huma.Operation{
			OperationID: "listOutbox", Method: http.MethodGet, Path: "/v1/outbox", Tags: []string{"disclose"}, Summary: "List messages",
			Description: "The newest messages of the outbox, with their states.", Metadata: map[string]any{"scope": "admin"},
			Responses: map[string]*huma.Response{"200": {Content: map[string]*huma.MediaType{"application/json": {Example: map[string]any{"messages": []any{map[string]any{
				"id": "msg_7m3k9q2w5x8r4t6v1b0n2c3d4e", "recipient": "rcp_7m3k9q2w5x8r4t6v1b0n2c3d4e", "kind": "data", "purpose": "essential.service", "people": 12, "state": "delivered", "tries": 1, "queued": "2026-11-29T12:00:00Z",
			}}}}}}},
		}, func(ctx context.Context, in *outboxInput) (*outboxOutput, error) { return messages(ctx, s, in) })
	}
}

// standing says in a few words whether anything may be sent.
func standing(st disclosedb.Standing, now time.Time) string {
	switch a := st.InForce; {
	case st.Status != disclose.Active:
		return string(st.Status)
	case a == nil && st.Waiting:
		return "waits for acceptance"
	case a == nil:
		return "no agreement"
	case now.Before(a.Agreement.From):
		return "not yet in force"
	case !now.Before(a.Agreement.Until):
		return "agreement ended"
	case !now.Before(a.Agreement.Assessment.Expires):
		return "assessment expired"
	}
	return "in force"
}

func recipients(ctx context.Context, s OperationStore, now time.Time) (*recipientsOutput, error) {
	all, err := s.Standings(ctx)
	if err != nil {
		return nil, err
	}
	out := &recipientsOutput{}
	out.Body.Recipients = []ListedRecipient{}
	for _, st := range all {
		word := standing(st, now)
		l := ListedRecipient{ID: st.ID.Token(disclose.RecipientPrefix), Name: st.Name, Kind: string(st.Kind), Countries: st.Countries, State: word}
		if st.InForce != nil {
			l.Until, l.Assessed = &st.InForce.Agreement.Until, &st.InForce.Agreement.Assessment.Expires
		}
		out.Body.Recipients = append(out.Body.Recipients, l)
	}
	return out, nil
}

func messages(ctx context.Context, s OperationStore, in *outboxInput) (*outboxOutput, error) {
	all, err := s.Outbox(ctx, disclose.State(in.State), in.Limit)
	if err != nil {
		return nil, err
	}
	out := &outboxOutput{}
	out.Body.Messages = []ListedMessage{}
	for _, m := range all {
		out.Body.Messages = append(out.Body.Messages, ListedMessage{
			ID: m.ID.Token(disclose.MessagePrefix), Recipient: m.Recipient.Token(disclose.RecipientPrefix), Kind: m.Kind, Purpose: string(m.Purpose),
			People: m.People, State: string(m.State), Why: m.Why, Tries: m.Tries, Queued: m.CreatedAt,
		})
	}
	return out, nil
}
