package systemsweb

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"thimble"
	"thimble/internal/rights/cases"
	"thimble/internal/rights/systems"
	"thimble/internal/web"
)

// OperationStore is what the API's part is made of; *systemsdb.Store has it.
type OperationStore interface {
	Open(ctx context.Context, system thimble.ID, limit int) ([]systems.Task, error)
	SystemNames(ctx context.Context) (map[thimble.ID]string, error)
	Say(ctx context.Context, id thimble.ID, what systems.What, reason systems.Reason, key string) (systems.Task, error)
}

// A ListedTask is a task as the API tells it. Nobody is in it.
type ListedTask struct {
	ID      string     `json:"id" example:"tsk_7m3k9q2w5x8r4t6v1b0n2c3d4e"`
	System  string     `json:"system" doc:"The system's name." example:"Newsletter"`
	Request string     `json:"request" doc:"What is asked for." example:"erase"`
	Case    string     `json:"case" doc:"The request that it is a part of." example:"case_4hm2q7x0c9t5w1k8z3v6n0d4rg"`
	State   string     `json:"state" enum:"to_be_told,told,acknowledged,overdue,vanished,refused,done,done_by_hand,called_off"`
	Why     string     `json:"why,omitempty" doc:"Why it stands there, in a word."`
	Asked   time.Time  `json:"asked_at"`
	Due     time.Time  `json:"due_at" doc:"The first instant that is too late."`
	Told    *time.Time `json:"told_at,omitempty"`
	Tries   int        `json:"tries"`
}

type tasksInput struct {
	Limit int `query:"limit" minimum:"1" maximum:"200" default:"50" doc:"How many, the one due first before the others."`
}

type tasksOutput struct {
	CacheControl string `header:"Cache-Control"`
	Body         struct {
		Tasks []ListedTask `json:"tasks"`
	}
}

type answerInput struct {
	ID   string `path:"id" maxLength:"64" doc:"The task's id." example:"tsk_7m3k9q2w5x8r4t6v1b0n2c3d4e"`
	Body struct {
		State  string `json:"state" enum:"acknowledged,done,refused" doc:"What the system says."`
		Reason string `json:"reason,omitempty" enum:"legal_duty,legal_claims,not_possible,identity_doubt,not_responsible" doc:"Of a refusal."`
	}
}

type taskOutput struct {
	CacheControl string `header:"Cache-Control"`
	Body         ListedTask
}

const cache = "private, no-store"

// Operations let systems of the shop list what is asked of them, and answer.
func Operations(s OperationStore, key func(context.Context) string) func(huma.API) {
	example := map[string]any{"id": "tsk_7m3k9q2w5x8r4t6v1b0n2c3d4e", "system": "Newsletter", "request": "erase", "case": "case_4hm2q7x0c9t5w1k8z3v6n0d4rg", "state": "told", "asked_at": "2026-11-29T12:00:00Z", "due_at": "2026-12-06T12:00:00Z", "told_at": "2026-11-29T12:00:01Z", "tries": 1}
	return func(api huma.API) {
		huma.Register(api, huma.Operation{
			OperationID: "listTasks", Method: http.MethodGet, Path: "/v1/rights/tasks", Tags: []string{"rights"}, Summary: "List what systems are asked for",
			Description: "What people asked for and a system outside has not done yet. Whom a task is about is in the signed message to the system, and in no list.", Metadata: map[string]any{"scope": "admin"},
			Responses: map[string]*huma.Response{"200": {Content: map[string]*huma.MediaType{"application/json": {Example: map[string]any{"tasks": []any{example}}}}}},
		}, func(ctx context.Context, in *tasksInput) (*tasksOutput, error) { return tasks(ctx, s, in.Limit) })
		huma.Register(api, huma.Operation{
			OperationID: "answerTask", Method: http.MethodPost, Path: "/v1/rights/tasks/{id}", Tags: []string{"rights"}, Summary: "Answer a task",
			Description: "A system says that it will do what it was asked, that it has, or that it refuses. The name of the key is kept as the proof of who said so, and stands in the certificate.", Metadata: map[string]any{"scope": "admin"},
			MaxBodyBytes: 4 << 10, Errors: []int{http.StatusNotFound, http.StatusConflict},
			RequestBody: &huma.RequestBody{Content: map[string]*huma.MediaType{"application/json": {Example: map[string]string{"state": "done"}}}},
			Responses:   map[string]*huma.Response{"200": {Content: map[string]*huma.MediaType{"application/json": {Example: example}}}},
		}, func(ctx context.Context, in *answerInput) (*taskOutput, error) { return answer(ctx, s, in, key(ctx)) })
	}
}

func tasks(ctx context.Context, s OperationStore, limit int) (*tasksOutput, error) {
	all, err := s.Open(ctx, thimble.ID{}, limit)
	if err != nil {
		return nil, err
	}
	names, err := s.SystemNames(ctx)
	if err != nil {
		return nil, err
	}
	out := &tasksOutput{CacheControl: cache}
	out.Body.Tasks = []ListedTask{}
	for _, t := range all {
		out.Body.Tasks = append(out.Body.Tasks, listedTask(t, names))
	}
	return out, nil
}

func listedTask(t systems.Task, names map[thimble.ID]string) ListedTask {
	l := ListedTask{ID: t.ID.Token(systems.TaskPrefix), System: names[t.System], Request: string(t.Kind), Case: t.Case.Token(cases.TokenPrefix), State: string(t.State), Why: t.Why, Asked: t.At, Due: t.Due, Tries: t.Tries}
	if !t.Told.IsZero() {
		l.Told = &t.Told
	}
	return l
}

func answer(ctx context.Context, s OperationStore, in *answerInput, key string) (*taskOutput, error) {
	id, err := thimble.ParseID(systems.TaskPrefix, in.ID)
	if err != nil {
		return nil, web.FieldProblems{{Field: "path.id", Detail: "expected the id of a task, such as tsk_7m3k9q2w5x8r4t6v1b0n2c3d4e"}}
	}
	what := map[string]systems.What{"acknowledged": systems.HasAcknowledged, "done": systems.HasDone, "refused": systems.HasRefused}[in.Body.State]
	if (what == systems.HasRefused) != (in.Body.Reason != "") {
		return nil, web.FieldProblems{{Field: "body.reason", Detail: "expected one of the reasons, of a refusal and of nothing else"}}
	}
	t, err := s.Say(ctx, id, what, systems.Reason(in.Body.Reason), key)
	if err != nil {
		return nil, err
	}
	names, err := s.SystemNames(ctx)
	if err != nil {
		return nil, err
	}
	return &taskOutput{CacheControl: cache, Body: listedTask(t, names)}, nil
}
