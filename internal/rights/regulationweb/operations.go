package regulationweb

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"thimble"
	"thimble/internal/rights/regulation"
	"thimble/internal/rights/regulationdb"
	"thimble/internal/subject"
	"thimble/internal/web"
)

// Store keeps regulations; *regulationdb.Store does.
type Store interface {
	Add(ctx context.Context, v regulation.Verb, kind string, ids []subject.Identifier, key string) (regulation.Regulation, error)
	Get(ctx context.Context, id thimble.ID) (regulation.Regulation, error)
	List(ctx context.Context, before regulationdb.Place, limit int) ([]regulation.Regulation, error)
	Withdraw(ctx context.Context, id thimble.ID) error
}

// Deps are what the operations are made of.
type Deps struct {
	Store Store
	Key   func(ctx context.Context) string // the name of the API key of a request
	Hurry func()                           // has what was asked for begun soon; may be nil
}

type createInput struct {
	Body struct {
		Type        string   `json:"regulationType" maxLength:"40" doc:"SUPPRESS_WITH_DELETE, SUPPRESS_WITH_DELETE_INTERNAL, DELETE_ONLY, DELETE_INTERNAL, SUPPRESS_ONLY or UNSUPPRESS."`
		SubjectType string   `json:"subjectType" maxLength:"40" doc:"USER_ID, ANONYMOUS_ID; beside Segment's own, EMAIL and PHONE."`
		SubjectIDs  []string `json:"subjectIds" minItems:"1" maxItems:"5000" doc:"Whose data. Each once."`
	}
}

type createOutput struct {
	CacheControl string `header:"Cache-Control"`
	Body         struct {
		Data Created `json:"data"`
	}
}

// Created names a regulation that was taken.
type Created struct {
	RegulateID string `json:"regulateId"`
}

// A Regulation is one with its status.
type Regulation struct {
	ID          string     `json:"id"`
	WorkspaceID string     `json:"workspaceId"`
	Status      string     `json:"overallStatus" enum:"FAILED,FINISHED,INITIALIZED,INVALID,NOT_SUPPORTED,PARTIAL_SUCCESS,RUNNING"`
	CreatedAt   time.Time  `json:"createdAt"`
	FinishedAt  *time.Time `json:"finishedAt,omitempty"`
	Streams     []Stream   `json:"streamStatus" doc:"Empty: who has the data is told of an erasure by the installation itself."`
}

// A Stream is a destination.
type Stream struct {
	ID string `json:"id"`
}

type getInput struct {
	ID string `path:"regulateId" maxLength:"64" doc:"The regulation's id." example:"reg_4hm2q7x0c9t5w1k8z3v6n0d4rg"`
}

type getOutput struct {
	CacheControl string `header:"Cache-Control"`
	Body         struct {
		Data struct {
			Regulation Regulation `json:"regulation"`
		} `json:"data"`
	}
}

type deleteOutput struct {
	CacheControl string `header:"Cache-Control"`
	Body         struct {
		Data struct {
			Status string `json:"status"`
		} `json:"data"`
	}
}

type listInput struct {
	Status string `query:"status" enum:"FAILED,FINISHED,INITIALIZED,INVALID,NOT_SUPPORTED,PARTIAL_SUCCESS,RUNNING" doc:"Only of this page's regulations those with the status."`
	Count  int    `query:"pagination.count" minimum:"1" maximum:"200" default:"50" doc:"How many are looked at."`
	Cursor string `query:"pagination.cursor" maxLength:"100" doc:"Where the page begins: the next of the page before."`
}

// A Listed is a regulation in a list.
type Listed struct {
	ID          string    `json:"id"`
	SubjectType string    `json:"subjectType"`
	Type        string    `json:"regulationType"`
	Status      string    `json:"status" enum:"FAILED,FINISHED,INITIALIZED,INVALID,NOT_SUPPORTED,PARTIAL_SUCCESS,RUNNING"`
	CreatedAt   time.Time `json:"createdAt"`
}

type listOutput struct {
	CacheControl string `header:"Cache-Control"`
	Body         struct {
		Data List `json:"data"`
	}
}

// A List is a page of regulations.
type List struct {
	Regulations []Listed `json:"regulations"`
	Pagination  Page     `json:"pagination"`
}

// A Page says where a list goes on.
type Page struct {
	Current string `json:"current"`
	Next    string `json:"next,omitempty"`
}

const (
	operationCache = "private, no-store"
	workspace      = "main"
)

// described is what the manual says of an operation.
func described(id, method, path, summary, description, scope string, example any) huma.Operation {
	return huma.Operation{OperationID: id, Method: method, Path: path, Tags: []string{"regulations"}, Summary: summary, Description: description, Metadata: map[string]any{"scope": scope},
		Responses: map[string]*huma.Response{"200": {Content: map[string]*huma.MediaType{"application/json": {Example: example}}}}}
}

// Operations are Segment's verbs of deletion and suppression.
func Operations(deps Deps) func(huma.API) {
	o := operations{deps}
	at := time.Date(2026, 11, 30, 9, 0, 0, 0, time.UTC)
	const id = "reg_4hm2q7x0c9t5w1k8z3v6n0d4rg"
	data := func(v any) map[string]any { return map[string]any{"data": v} }
	return func(api huma.API) {
		api.OpenAPI().Tags = append(api.OpenAPI().Tags, &huma.Tag{Name: "regulations", Description: "Segment's verbs of deletion and suppression, for the shop's own backend, which has looked at who asks."})
		create := described("createWorkspaceRegulation", http.MethodPost, "/v1/regulations", "Delete or suppress",
			"Each id that leads to somebody becomes a request like any other: an erasure, a restriction, or its lifting where it was such a verb that restricted. An erasure waits for three days after an e-mail address was added. Who has the data is told of an erasure, whatever the verb.",
			"admin", data(Created{id}))
		create.MaxBodyBytes = 2 << 20
		create.RequestBody = &huma.RequestBody{Content: map[string]*huma.MediaType{"application/json": {Example: map[string]any{"regulationType": "SUPPRESS_ONLY", "subjectType": "USER_ID", "subjectIds": []string{"test_user_id_1"}}}}}
		huma.Register(api, create, o.create)
		get := described("getRegulation", http.MethodGet, "/v1/regulations/{regulateId}", "Get a regulation", "Its status, of all its ids together.", "read",
			data(map[string]any{"regulation": Regulation{ID: id, WorkspaceID: workspace, Status: "RUNNING", CreatedAt: at, Streams: []Stream{}}}))
		get.Errors = []int{http.StatusNotFound}
		huma.Register(api, get, o.get)
		huma.Register(api, described("listWorkspaceRegulations", http.MethodGet, "/v1/regulations", "List regulations", "The newest first. Ids of people are not kept, and so are not listed.", "read",
			data(List{[]Listed{{id, "USER_ID", "DELETE_ONLY", "FINISHED", at}}, Page{Current: "MA=="}})), o.list)
		withdraw := described("deleteRegulation", http.MethodDelete, "/v1/regulations/{regulateId}", "Take a regulation back", "While nothing of it is begun.", "admin", data(map[string]string{"status": "SUCCESS"}))
		withdraw.Errors = []int{http.StatusNotFound, http.StatusConflict}
		huma.Register(api, withdraw, o.withdraw)
	}
}

type operations struct{ Deps }

func (o operations) create(ctx context.Context, in *createInput) (*createOutput, error) {
	verb, err := regulation.ParseVerb(in.Body.Type)
	if err != nil {
		return nil, web.FieldProblems{{Field: "body.regulationType", Detail: "expected one of " + join(regulation.Verbs())}}
	}
	kind := strings.ToUpper(in.Body.SubjectType)
	ids, err := regulation.ParseIDs(kind, in.Body.SubjectIDs)
	if err != nil {
		field, detail := "body.subjectIds", "expected ids of their type, such as name@example.org"
		if strings.Contains(err.Error(), "subjectType") {
			field, detail = "body.subjectType", "expected USER_ID, ANONYMOUS_ID, EMAIL or PHONE"
		}
		return nil, web.FieldProblems{{Field: field, Detail: detail}}
	}
	r, err := o.Store.Add(ctx, verb, kind, ids, o.Key(ctx))
	if err != nil {
		return nil, err
	}
	if o.Hurry != nil {
		o.Hurry()
	}
	out := &createOutput{CacheControl: operationCache}
	out.Body.Data.RegulateID = r.ID.Token(regulation.TokenPrefix)
	return out, nil
}

func join(verbs []regulation.Verb) string {
	words := make([]string, len(verbs))
	for i, v := range verbs {
		words[i] = string(v)
	}
	return strings.Join(words, ", ")
}

func parse(id string) (thimble.ID, error) {
	parsed, err := thimble.ParseID(regulation.TokenPrefix, id)
	if err != nil {
		return parsed, web.FieldProblems{{Field: "path.regulateId", Detail: "expected the id of a regulation, such as reg_4hm2q7x0c9t5w1k8z3v6n0d4rg"}}
	}
	return parsed, nil
}

func (o operations) get(ctx context.Context, in *getInput) (*getOutput, error) {
	id, err := parse(in.ID)
	var r regulation.Regulation
	if err == nil {
		r, err = o.Store.Get(ctx, id)
	}
	if err != nil {
		return nil, err
	}
	out := &getOutput{CacheControl: operationCache}
	out.Body.Data.Regulation = Regulation{ID: in.ID, WorkspaceID: workspace, Status: string(r.Status()), CreatedAt: r.At, Streams: []Stream{}}
	if ended := r.Finished(); !ended.IsZero() {
		out.Body.Data.Regulation.FinishedAt = &ended
	}
	return out, nil
}

func (o operations) withdraw(ctx context.Context, in *getInput) (*deleteOutput, error) {
	id, err := parse(in.ID)
	if err == nil {
		err = o.Store.Withdraw(ctx, id)
	}
	if err != nil {
		return nil, err
	}
	out := &deleteOutput{CacheControl: operationCache}
	out.Body.Data.Status = "SUCCESS"
	return out, nil
}

func (o operations) list(ctx context.Context, in *listInput) (*listOutput, error) {
	before, err := place(in.Cursor)
	if err != nil {
		return nil, web.FieldProblems{{Field: "query.pagination.cursor", Detail: "expected the next of the page before"}}
	}
	all, err := o.Store.List(ctx, before, in.Count+1)
	if err != nil {
		return nil, err
	}
	out := &listOutput{CacheControl: operationCache}
	out.Body.Data = List{Regulations: []Listed{}, Pagination: Page{Current: in.Cursor}}
	if len(all) > in.Count {
		all = all[:in.Count]
		last := all[len(all)-1]
		out.Body.Data.Pagination.Next = strconv.FormatInt(last.At.UnixMicro(), 10) + "-" + last.ID.Token(regulation.TokenPrefix)
	}
	for _, r := range all {
		out.Body.Data.Regulations = append(out.Body.Data.Regulations, Listed{r.ID.Token(regulation.TokenPrefix), r.Type, string(r.Verb), string(r.Status()), r.At})
	}
	if in.Status != "" {
		out.Body.Data.Regulations = slices.DeleteFunc(out.Body.Data.Regulations, func(l Listed) bool { return l.Status != in.Status })
	}
	return out, nil
}

func place(cursor string) (p regulationdb.Place, err error) {
	if cursor == "" {
		return p, nil
	}
	at, id, _ := strings.Cut(cursor, "-")
	n, numErr := strconv.ParseInt(at, 10, 64)
	if p.ID, err = thimble.ParseID(regulation.TokenPrefix, id); errors.Join(numErr, err) != nil {
		return p, fmt.Errorf("regulationweb: the cursor: %w", thimble.ErrInvalid)
	}
	p.At = time.UnixMicro(n)
	return p, nil
}
