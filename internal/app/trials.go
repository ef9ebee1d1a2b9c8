package app

import (
	"context"
	"time"

	"thimble"
	"thimble/internal/consent"
	"thimble/internal/job"
	"thimble/internal/recommend/lists"
	"thimble/internal/recommend/trialdb"
	"thimble/internal/recommend/trialweb"
	"thimble/internal/sqldb"
)

// TrialJob is the kind of the job that ends experiments and counts them.
const TrialJob = "recommend.tally"

// trialSchedule has experiments looked at each hour: whoever's days are over is counted,
// and what somebody was taken out of is counted again.
var trialSchedule = job.Schedule{Name: TrialJob, Kind: TrialJob, Every: time.Hour, Jitter: 5 * time.Minute}

// trialSecret names the secret that draws groups.
const trialSecret = "recommend trials"

// openTrials opens experiments with lists, before the lists that ask them.
func (a *App) openTrials() {
	a.Trials = trialdb.New(trialdb.Deps{
		DB: a.Core, Ledger: a.Ledger, Gate: a.Gate, People: a.Subjects, Orders: a.Orders, Decisions: a.Decisions, Now: a.Config.clock(), Log: a.Log,
		Key: func(ctx context.Context) ([]byte, error) { return a.Vault.Secret(ctx, trialSecret, 32) },
		Ask: func(ctx context.Context, tx *sqldb.Tx) error {
			return a.Jobs.Add(ctx, tx, job.Job{Kind: TrialJob, Dedupe: TrialJob})
		},
	})
	a.Consent.OnChange(a.Trials.Changed)
}

// tally does the job of counting.
func (a *App) tally(ctx context.Context, _ job.Job) error { return a.Trials.Tally(ctx) }

// quality is what the pages about experiments and the watch over quality are made of.
func (a *App) quality() trialweb.Config {
	return trialweb.Config{Trials: a.Trials, Versions: a.Models, Model: lists.ModelName, Choices: a.choices, Now: a.Config.clock()}
}

// choices counts who permits personal lists, and who refused them or took them back.
func (a *App) choices(ctx context.Context) (permit, refuse int64, err error) {
	states, err := a.Consent.Counts(ctx, thimble.PersonalizeContent)
	for state, n := range states {
		switch {
		case state.Permits():
			permit += int64(n)
		case state == consent.Refused || state == consent.Withdrawn:
			refuse += int64(n)
		}
	}
	return permit, refuse, err
}

// qualityGauge is 1 while the quality of lists has fallen.
func (a *App) qualityGauge() Gauge {
	return Gauge{Name: "recommend_quality_alarm", Help: "1 while lists are clicked less than chance explains, or the version that serves was measured worse than the one before; 0 else.", Read: func(ctx context.Context) (float64, error) {
		alarm, err := a.quality().Watch(ctx)
		if alarm.Rang {
			return 1, err
		}
		return 0, err
	}}
}
