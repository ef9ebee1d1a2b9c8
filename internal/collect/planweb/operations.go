package planweb

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"thimble"
	"thimble/internal/collect/plan"
	"thimble/internal/collect/plandb"
	"thimble/internal/collect/watch"
	"thimble/internal/collect/watchdb"
)

// A TrackingPlan is a version of the plan as the API shows it.
type TrackingPlan struct {
	Version int      `json:"version" example:"7"`
	Events  []string `json:"events" doc:"The names of track events, and the calls that are planned."`
	YAML    string   `json:"yaml" doc:"The whole plan as it is written."`
}

// A PlanVersion is one line of the history.
type PlanVersion struct {
	Version int       `json:"version"`
	SHA256  string    `json:"sha256" doc:"Of the text."`
	Author  string    `json:"author,omitempty" doc:"Left out for the plan that ships."`
	Reason  string    `json:"reason,omitempty"`
	Loosens int       `json:"loosens" doc:"How many changes kept more than before."`
	At      time.Time `json:"at"`
}

// PlanVersions is the history.
type PlanVersions struct {
	Versions []PlanVersion `json:"versions"`
}

// A PlanToSave is the next version.
type PlanToSave struct {
	Base   int    `json:"base" minimum:"1" doc:"The version that was changed."`
	YAML   string `json:"yaml" maxLength:"1048576" doc:"The whole plan. It says the version base, or the one after."`
	Reason string `json:"reason,omitempty" maxLength:"500" doc:"Why. Nothing about a person."`
}

// PlanProposals is what waits to be decided.
type PlanProposals struct {
	Proposals []PlanProposal `json:"proposals"`
}

// A PlanChange is a difference between two versions.
type PlanChange struct {
	Path    string `json:"path" example:"Order Completed.products[].lining"`
	Was     string `json:"was,omitempty" doc:"Left out for what is new."`
	Is      string `json:"is,omitempty" doc:"Left out for what is gone."`
	Loosens bool   `json:"loosens" doc:"More is kept than before, in another form, or for more purposes."`
}

// A PlanSaved says what became of a plan that was sent.
type PlanSaved struct {
	State   string       `json:"state" enum:"in force,waiting" doc:"Waiting: it keeps more than before, and is a draft until somebody who answers for privacy accepts it in the console."`
	Version int          `json:"version" doc:"The version that is in force now."`
	Draft   string       `json:"draft,omitempty"`
	Changes []PlanChange `json:"changes"`
}

// A PlanProposal is a property or an event that the plan does not know.
type PlanProposal struct {
	ID         string           `json:"id"`
	Path       string           `json:"path" example:"Product Viewed.waist_cm"`
	Event      bool             `json:"event" doc:"The event itself is unknown."`
	Category   thimble.Category `json:"category,omitempty" doc:"What it may be; left out when nothing tells."`
	Transform  string           `json:"transform"`
	Confidence float64          `json:"confidence" doc:"0 to 1."`
	Why        string           `json:"why"`
	Type       string           `json:"type" doc:"The type that came."`
	Times      int64            `json:"times"`
	First      time.Time        `json:"first"`
	Last       time.Time        `json:"last"`
}

// A Figure is what came from a source in a minute.
type Figure struct {
	Source     uint32           `json:"source"`
	At         time.Time        `json:"at" doc:"When the minute began."`
	Events     int64            `json:"events"`
	Kept       int64            `json:"kept"`
	Dropped    map[string]int64 `json:"dropped" doc:"By reason: denied, nobody, repeated, unplanned, broken, gone."`
	Violations int64            `json:"violations"`
	Unknown    int64            `json:"unknown"`
}

// A BrokenRule is a violation of the plan as a shape.
type BrokenRule struct {
	Source   uint32    `json:"source"`
	Event    string    `json:"event,omitempty" doc:"Left out for a rule of the wire."`
	Path     string    `json:"path,omitempty"`
	Expected string    `json:"expected"`
	Got      string    `json:"got,omitempty" doc:"The type that came. No value is kept."`
	Times    int64     `json:"times"`
	First    time.Time `json:"first"`
	Last     time.Time `json:"last"`
}

// Incoming is what came in.
type Incoming struct {
	Minutes    []Figure     `json:"minutes" doc:"Minutes in which something came, the oldest first."`
	Violations []BrokenRule `json:"violations" doc:"Of the last thirty days, those that came last first."`
}

type (
	planOutput struct{ Body TrackingPlan }

	versionsOutput struct{ Body PlanVersions }

	versionInput struct {
		Version int `path:"version" minimum:"1" doc:"A version that was in force." example:"7"`
	}

	saveInput struct{ Body PlanToSave }

	savedOutput struct {
		Status int
		Body   PlanSaved
	}

	schemaInput struct {
		Event string `query:"event" required:"true" maxLength:"256" doc:"The name of a track event, or a call such as identify." example:"Product Viewed"`
	}

	schemaOutput struct {
		ContentType string `header:"Content-Type"`
		Body        []byte
	}

	proposalsOutput struct{ Body PlanProposals }

	figuresInput struct {
		Source  uint32 `query:"source" doc:"The number of a source; all when left out." example:"1"`
		Minutes int    `query:"minutes" minimum:"1" maximum:"1440" default:"60" doc:"How far back."`
	}

	figuresOutput struct{ Body Incoming }
)

type operations struct {
	Config
	key func(context.Context) string
}

// Operations are the tracking plan's part of the API. Nothing in it is about a person. Key
// names the key that is asking.
func Operations(cfg Config, key func(context.Context) string) func(huma.API) {
	o := operations{cfg.whole(), key}
	return func(api huma.API) {
		api.OpenAPI().Tags = append(api.OpenAPI().Tags, &huma.Tag{Name: "collect", Description: "The tracking plan, and figures of what comes in under it. Events themselves come by Segment's wire."})
		huma.Register(api, operation("getTrackingPlan", http.MethodGet, "/v1/collect/plan", "read", "Get the tracking plan", "The version in force.", exampleTrackingPlan), o.get)
		put := operation("putTrackingPlan", http.MethodPut, "/v1/collect/plan", "admin", "Change the tracking plan",
			"Puts a plan in force as the next version. One that keeps more than before becomes a draft (202): somebody who answers for privacy accepts it in the console. When the plan changed meanwhile, the answer is 409.", examplePlanSaved)
		put.Errors, put.MaxBodyBytes = []int{http.StatusConflict, http.StatusUnprocessableEntity}, 2*plan.MaxFile
		put.Responses["202"] = &huma.Response{Description: "It waits to be accepted."}
		put.RequestBody = &huma.RequestBody{Content: map[string]*huma.MediaType{"application/json": {Example: PlanToSave{Base: 7, YAML: "version: 7\n…", Reason: "refunds name the return"}}}}
		huma.Register(api, put, o.put)
		huma.Register(api, operation("listTrackingPlanVersions", http.MethodGet, "/v1/collect/plan/versions", "read", "List the versions of the tracking plan", "The newest first, at most 200.", examplePlanVersions), o.versions)
		one := operation("getTrackingPlanVersion", http.MethodGet, "/v1/collect/plan/versions/{version}", "read", "Get a version of the tracking plan", "As it was in force.", exampleTrackingPlan)
		one.Errors = []int{http.StatusNotFound}
		huma.Register(api, one, o.version)
		schema := operation("getEventSchema", http.MethodGet, "/v1/collect/plan/schema", "read", "Get the JSON Schema of an event", "What its properties must be, as JSON Schema, draft 2020-12.", nil)
		schema.Errors = []int{http.StatusNotFound}
		schema.Responses = map[string]*huma.Response{"200": {Content: map[string]*huma.MediaType{"application/schema+json": {Schema: &huma.Schema{Type: huma.TypeObject}, Example: map[string]any{"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "Products Searched (plan 7)", "type": "object"}}}}}
		huma.Register(api, schema, o.schema)
		huma.Register(api, operation("listTrackingPlanProposals", http.MethodGet, "/v1/collect/plan/proposals", "read", "List what the tracking plan does not know", "Properties and events that came and are dropped until somebody decides, the most frequent first. A name that may say something about a person is withheld.", examplePlanProposals), o.proposals)
		huma.Register(api, operation("getCollectFigures", http.MethodGet, "/v1/collect/figures", "read", "Get what came in", "Counts by source and minute, and the broken rules as shapes. A few seconds old.", exampleIncoming), o.figures)
	}
}

var (
	exampleTrackingPlan  = TrackingPlan{Version: 7, Events: []string{"Product Viewed", "identify"}, YAML: "version: 7\n…"}
	examplePlanVersions  = PlanVersions{Versions: []PlanVersion{{Version: 7, SHA256: "5f2b8f1f6a0e0b6f7f9a2c4d1e3b5a7988776655443322110ffeeddccbbaa9988", Author: "ines", Reason: "sizes are advised by it", Loosens: 2, At: time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)}}}
	examplePlanProposals = PlanProposals{Proposals: []PlanProposal{{ID: "prop_4hm2q7x0c9t5w1k8z3v6n0d4rg", Path: "Product Viewed.waist_cm", Category: "thimble.body_measurements", Transform: "keep", Confidence: 0.8,
		Why: `the name has the word "waist"`, Type: "number", Times: 42, First: time.Date(2026, 11, 28, 9, 0, 0, 0, time.UTC), Last: time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)}}}
	examplePlanSaved = PlanSaved{State: "in force", Version: 8, Changes: []PlanChange{{Path: "Product Viewed", Was: "omit, user.behavior.browsing_history for analytics", Is: "block, user.behavior.browsing_history for analytics"}}}
	exampleIncoming  = Incoming{Minutes: []Figure{{Source: 1, At: time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC), Events: 120, Kept: 90, Dropped: map[string]int64{"denied": 30}, Violations: 2}},
		Violations: []BrokenRule{{Source: 1, Event: "Product Viewed", Path: "price", Expected: "money", Got: "object", Times: 2, First: time.Date(2026, 11, 29, 12, 0, 3, 0, time.UTC), Last: time.Date(2026, 11, 29, 12, 0, 9, 0, time.UTC)}}}
)

func operation(id, method, path, scope, summary, about string, example any) huma.Operation {
	op := huma.Operation{OperationID: id, Method: method, Path: path, Tags: []string{"collect"}, Summary: summary, Description: about, Metadata: map[string]any{"scope": scope}}
	if example != nil {
		op.Responses = map[string]*huma.Response{"200": {Content: map[string]*huma.MediaType{"application/json": {Example: example}}}}
	}
	return op
}

func trackingPlan(f *plandb.Force) TrackingPlan {
	out := TrackingPlan{Version: f.Version, Events: []string{}, YAML: string(f.Text)}
	for i := range f.Plan.Events {
		out.Events = append(out.Events, f.Plan.Events[i].Title())
	}
	return out
}

func (o operations) get(context.Context, *struct{}) (*planOutput, error) {
	return &planOutput{trackingPlan(o.Plans.InForce())}, nil
}

func (o operations) version(ctx context.Context, in *versionInput) (*planOutput, error) {
	f, err := o.Plans.Version(ctx, in.Version)
	if err != nil {
		return nil, err
	}
	return &planOutput{trackingPlan(f)}, nil
}

func (o operations) versions(ctx context.Context, _ *struct{}) (*versionsOutput, error) {
	all, err := o.Plans.Versions(ctx, 200)
	out := &versionsOutput{}
	out.Body.Versions = []PlanVersion{}
	for _, v := range all {
		out.Body.Versions = append(out.Body.Versions, PlanVersion{v.Number, v.Hash, v.Author, v.Reason, v.Loosens, v.At})
	}
	return out, err
}

// put puts a plan in force; what loosens becomes a draft, since a key accepts nothing for
// the people whose data it is.
func (o operations) put(ctx context.Context, in *saveInput) (*savedOutput, error) {
	who, text := "key "+o.key(ctx), []byte(in.Body.YAML)
	p, err := plan.Read(text)
	if err != nil {
		return nil, err
	}
	base, err := o.Plans.Version(ctx, in.Body.Base)
	if err != nil {
		return nil, err
	}
	out := &savedOutput{Status: http.StatusOK, Body: PlanSaved{State: "in force", Changes: []PlanChange{}}}
	for _, c := range plan.Diff(base.Plan, p) {
		out.Body.Changes = append(out.Body.Changes, PlanChange(c))
	}
	out.Body.Version, err = o.Plans.Save(ctx, in.Body.Base, text, plandb.Author{Name: who, Reason: in.Body.Reason})
	if !errors.Is(err, thimble.ErrDenied) {
		return out, err
	}
	id, err := o.Plans.Start(ctx, in.Body.Base, text, who, in.Body.Reason)
	if err != nil {
		return nil, err
	}
	out.Status, out.Body.State, out.Body.Version, out.Body.Draft = http.StatusAccepted, "waiting", o.Plans.InForce().Version, id.Token(plandb.DraftPrefix)
	return out, nil
}

func (o operations) schema(_ context.Context, in *schemaInput) (*schemaOutput, error) {
	text, err := o.Plans.InForce().Plan.Schema(in.Event)
	if err != nil {
		return nil, err
	}
	return &schemaOutput{"application/schema+json", text}, nil
}

func (o operations) proposals(ctx context.Context, _ *struct{}) (*proposalsOutput, error) {
	all, err := o.Config.Figures.Proposals(ctx, o.Plans.InForce().Compiled, false, 500)
	out := &proposalsOutput{}
	out.Body.Proposals = []PlanProposal{}
	for _, p := range all {
		out.Body.Proposals = append(out.Body.Proposals, PlanProposal{ID: p.ID.Token(watchdb.ProposalPrefix), Path: p.Path(), Event: p.Name == "", Category: p.Category,
			Transform: string(p.Transform), Confidence: p.Confidence, Why: p.Why, Type: p.Shape, Times: p.N, First: p.First, Last: p.Last})
	}
	return out, err
}

func (o operations) figures(ctx context.Context, in *figuresInput) (*figuresOutput, error) {
	minutes, err := o.Config.Figures.Minutes(ctx, in.Source, o.Now().Add(-time.Duration(in.Minutes)*time.Minute))
	if err != nil {
		return nil, err
	}
	broken, err := o.Config.Figures.Violations(ctx, in.Source, 500)
	if err != nil {
		return nil, err
	}
	out := &figuresOutput{Incoming{Minutes: []Figure{}, Violations: []BrokenRule{}}}
	for _, m := range minutes {
		f := Figure{Source: m.Source, At: m.Time(), Events: m.Events, Kept: m.Kept, Dropped: map[string]int64{}, Violations: m.Violations, Unknown: m.Unknown}
		for i, n := range m.Dropped {
			if n > 0 {
				f.Dropped[string(watch.Drops[i])] = n
			}
		}
		out.Body.Minutes = append(out.Body.Minutes, f)
	}
	for _, v := range broken {
		out.Body.Violations = append(out.Body.Violations, BrokenRule{v.Source, v.Event, v.Path, v.Expected, v.Got, v.N, v.First, v.Last})
	}
	return out, nil
}
