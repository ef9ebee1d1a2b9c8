package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"

	"thimble"
	"thimble/internal/job"
	"thimble/internal/recommend/lists"
	"thimble/internal/recommend/tunedb"
	"thimble/internal/sqldb"
)

// TuneJob is the kind of the job that tries recipes.
const TuneJob = "recommend.tune"

// openTunings opens what is kept of tried and chosen recipes, before the lists that ask
// which one is for the next training.
func (a *App) openTunings() {
	a.Tunings = tunedb.New(tunedb.Deps{DB: a.Core, Ledger: a.Ledger, Now: a.Config.clock(), Ask: func(ctx context.Context, tx *sqldb.Tx, id thimble.ID) error {
		payload, err := json.Marshal(tuneAsked{id.Token(tunedb.TuningPrefix)})
		if err != nil {
			return err
		}
		return a.Jobs.Add(ctx, tx, job.Job{Kind: TuneJob, Payload: string(payload), Dedupe: TuneJob})
	}})
}

type tuneAsked struct {
	Tuning string `json:"tuning"`
}

// tune does a job of trying recipes. One that cannot be done ends with the reason, so that
// another can be asked for; one that a stop interrupts is done again.
func (a *App) tune(ctx context.Context, j job.Job) error {
	var asked tuneAsked
	if err := json.Unmarshal([]byte(j.Payload), &asked); err != nil {
		return fmt.Errorf("reading the job: %w", err)
	}
	id, err := thimble.ParseID(tunedb.TuningPrefix, asked.Tuning)
	if err != nil {
		return fmt.Errorf("reading the job: %w", err)
	}
	if err := a.Tunings.Progress(ctx, id, 0, 0); err != nil {
		if errors.Is(err, thimble.ErrConflict) {
			return nil // it has ended
		}
		return err
	}
	report, err := a.Shop.Tune(ctx, func(done, total int) {
		if err := a.Tunings.Progress(ctx, id, done, total); err != nil && ctx.Err() == nil {
			a.Log.WarnContext(ctx, "how far a tuning is was not written", slog.String("cause", err.Error()))
		}
	})
	switch {
	case err == nil:
		return a.Tunings.Finish(ctx, id, report)
	case ctx.Err() != nil:
		return err
	case errors.Is(err, lists.ErrFew):
		return a.Tunings.Refuse(ctx, id, lists.FewWords)
	}
	a.Log.ErrorContext(ctx, "recipes were not tried", slog.String("cause", err.Error()))
	return a.Tunings.Refuse(ctx, id, "It failed; the server’s log says why.")
}
