package registryweb

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"thimble"
	"thimble/internal/registry"
	"thimble/internal/registry/registrydb"
)

// OperationModels are the models as the API tells them; *registrydb.Shelf has them.
type OperationModels interface {
	Lines(ctx context.Context) ([]registrydb.Line, error)
	Champion(ctx context.Context, model string) (registrydb.Version, error)
}

// A ServedModel is a model with the version that serves.
type ServedModel struct {
	Name    string     `json:"name" example:"item-item"`
	Serves  bool       `json:"serves" doc:"Whether any version serves."`
	Version int64      `json:"version,omitempty" doc:"The version that serves."`
	Made    *time.Time `json:"made,omitempty" doc:"When it was made."`
	SHA256  string     `json:"sha256,omitempty" doc:"Of its weights, in hexadecimal. The record of a decision names it."`
	Package string     `json:"package_sha256,omitempty" doc:"Of the signed package."`
	Signer  string     `json:"signer,omitempty" doc:"The hint of the key that signed it: the SHA-256 of its PEM."`
	Audited bool       `json:"audited" doc:"Whether an audit of fairness is in its card."`
}

// A ModelCard is what serves under a name, with its card and how it came about.
type ModelCard struct {
	ServedModel
	Card    *registry.Card   `json:"card,omitempty" doc:"What the model is for, from how much it was made, how well it does."`
	Reason  string           `json:"reason,omitempty" doc:"Why this version was made."`
	Recipe  string           `json:"recipe,omitempty" doc:"Everything besides the data that decides the weights, as JSON."`
	Until   *time.Time       `json:"until,omitempty" doc:"The end of its data."`
	Forgets registry.Forgets `json:"forgets" doc:"How the model forgets people."`
}

type modelsOutput struct {
	Body struct {
		Models []ServedModel `json:"models"`
	}
}

type modelInput struct {
	Name string `path:"name" maxLength:"32" doc:"The model's name." example:"item-item"`
}

type modelOutput struct {
	CacheControl string `header:"Cache-Control"`
	Body         ModelCard
}

// Operations are the registry's part of the API.
func Operations(m OperationModels) func(huma.API) {
	return func(api huma.API) {
		api.OpenAPI().Tags = append(api.OpenAPI().Tags, &huma.Tag{Name: "registry", Description: "Models: which version serves, its card, and who vouches for it."})
		huma.Register(api, huma.Operation{
			OperationID: "listModels", Method: http.MethodGet, Path: "/v1/models", Tags: []string{"registry"}, Summary: "List models",
			Description: "Every model by name, with the version that serves.", Metadata: map[string]any{"scope": "read"},
			Responses: map[string]*huma.Response{"200": {Content: map[string]*huma.MediaType{"application/json": {Example: map[string]any{"models": []any{exampleServed}}}}}},
		}, func(ctx context.Context, _ *struct{}) (*modelsOutput, error) { return list(ctx, m) })
		huma.Register(api, huma.Operation{
			OperationID: "getModel", Method: http.MethodGet, Path: "/v1/models/{name}", Tags: []string{"registry"}, Summary: "Get a model's card",
			Description: "The card of the version that serves. It holds counts and names nobody: show it to whoever asks what a list was made from.", Metadata: map[string]any{"scope": "read"},
			Responses: map[string]*huma.Response{"200": {Content: map[string]*huma.MediaType{"application/json": {Example: exampleCard}}}},
		}, func(ctx context.Context, in *modelInput) (*modelOutput, error) { return get(ctx, m, in.Name) })
	}
}

var exampleServed = map[string]any{
	"name": "item-item", "serves": true, "version": 7, "made": "2026-11-29T12:00:00Z", "audited": false,
	"sha256": "92745110b1ab4368471cbe31664e10174e954b113a3df333db860317b2c6dec4", "package_sha256": "e8450dec4eb99dae995da9af1bc2cc9f76ed669ee2e744f57abba763df3e3f8e",
	"signer": "91aaa9a6032f7ec718243d2e6f2db62c42be9afbcfdffc5d158c964b62bbdc4b",
}

var exampleCard = map[string]any{
	"name": "item-item", "serves": true, "version": 7, "made": "2026-11-29T12:00:00Z", "audited": false,
	"sha256": "92745110b1ab4368471cbe31664e10174e954b113a3df333db860317b2c6dec4",
	"reason": "consents changed", "recipe": `{"name":"D200","k":200}`, "until": "2026-11-29T12:00:00Z",
	"forgets": map[string]any{"kind": "refit", "latency": "One training of each version that is kept."},
}

func served(v registrydb.Version) ServedModel {
	made := v.MadeAt
	s := ServedModel{Name: v.Model, Serves: true, Version: v.Number, Made: &made, SHA256: hex.EncodeToString(v.Hash[:]), Audited: v.Card.Audited()}
	if v.Signer != "" {
		s.Package, s.Signer = hex.EncodeToString(v.Package[:]), v.Signer
	}
	return s
}

func list(ctx context.Context, m OperationModels) (*modelsOutput, error) {
	lines, err := m.Lines(ctx)
	if err != nil {
		return nil, err
	}
	out := &modelsOutput{}
	out.Body.Models = []ServedModel{}
	for _, l := range lines {
		v, err := m.Champion(ctx, l.Model)
		if errors.Is(err, thimble.ErrNotFound) {
			out.Body.Models = append(out.Body.Models, ServedModel{Name: l.Model})
			continue
		}
		if err != nil {
			return nil, err
		}
		out.Body.Models = append(out.Body.Models, served(v))
	}
	return out, nil
}

func get(ctx context.Context, m OperationModels, name string) (*modelOutput, error) {
	v, err := m.Champion(ctx, name)
	if err != nil {
		return nil, fmt.Errorf("registry: the card of what serves: %w", err)
	}
	out := &modelOutput{CacheControl: "private, max-age=60"}
	out.Body = ModelCard{ServedModel: served(v), Reason: v.Reason, Recipe: string(v.Lineage.Recipe), Forgets: v.Lineage.Forgets}
	if v.Card.Format == registry.Format {
		out.Body.Card = &v.Card
	}
	if until := v.Lineage.Until; !until.IsZero() {
		out.Body.Until = &until
	}
	return out, nil
}
