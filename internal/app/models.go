package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"thimble"
	"thimble/internal/job"
	"thimble/internal/recommend/lists"
	"thimble/internal/registry"
)

func (a *App) modelHash() string {
	v, ok := a.Shop.Version()
	if !ok {
		return ""
	}
	return fmt.Sprintf("%x", v.Hash)
}

// train does a training job. Its payload may say why.
func (a *App) train(ctx context.Context, j job.Job) error {
	asked := struct {
		Reason string         `json:"reason"`
		Stage  registry.Stage `json:"stage"`
		Asked  bool           `json:"asked"`
		Left   bool           `json:"left"` // only whoever has left is taken out
	}{Reason: "consents changed"}
	if err := json.Unmarshal([]byte(j.Payload), &asked); err != nil {
		return fmt.Errorf("reading the job: %w", err)
	}
	if asked.Left {
		return a.Shop.CatchUp(ctx)
	}
	v, err := a.Shop.TrainAs(ctx, lists.Training{Reason: asked.Reason, Stage: asked.Stage, Asked: asked.Asked, Progress: a.progress})
	if err == nil {
		a.Log.InfoContext(ctx, "model trained", slog.Int64("version", v.Number), slog.Int("people", v.Card.Data.People), slog.Duration("took", v.Took))
	}
	return err
}

// modelSecret is a secret of which a signing key of models is made.
func (a *App) modelSecret(ctx context.Context, name string) ([]byte, error) {
	return a.Vault.Secret(ctx, name, registry.SeedSize)
}

// loadModel takes up the serving model. One that is missing or was changed is
// never served: the version before serves, or a new one is trained in its place. If that
// fails too, the model is withdrawn, and everybody is shown the popular list until a
// training succeeds.
func (a *App) loadModel(ctx context.Context) error {
	ok, err := a.Shop.Recover(ctx)
	if ok && err == nil {
		return nil
	}
	if _, none := a.Models.Champion(ctx, lists.ModelName); errors.Is(none, thimble.ErrNotFound) {
		return nil // nothing was trained yet, or what was is withdrawn
	}
	if err == nil {
		return nil
	}
	a.Log.WarnContext(ctx, "the serving model cannot be used; training anew", slog.String("cause", err.Error()))
	const reason = "the model file was missing or changed"
	if _, err = a.Shop.Train(ctx, reason, nil); err == nil || ctx.Err() != nil {
		return err
	}
	a.Log.ErrorContext(ctx, "no model can be trained; serving without", slog.String("cause", err.Error()))
	return a.Shop.Withdraw(ctx, reason)
}

// The files of models are verified as they lie on disk every half minute, and what the
// registry has serve is looked at each second: another process may have rolled back.
const (
	followEvery = time.Second
	checkEvery  = 30 * time.Second
)

func (a *App) watchModels(ctx context.Context) error {
	for since := time.Duration(0); ; since += followEvery {
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(followEvery):
		}
		look := a.Shop.Follow
		if since >= checkEvery {
			look, since = a.Shop.Check, 0
		}
		if err := look(ctx); err != nil && ctx.Err() == nil {
			a.Log.ErrorContext(ctx, "the model was not verified", slog.String("cause", err.Error()))
		}
	}
}
