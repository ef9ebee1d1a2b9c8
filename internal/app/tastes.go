package app

import (
	"cmp"
	"context"
	"slices"
	"time"

	"thimble/internal/job"
	"thimble/internal/recommend/taste"
	"thimble/internal/recommend/tastedb"
	"thimble/internal/recommend/tasteweb"
	"thimble/internal/sqldb"
)

// openTastes opens what people say about their lists. What changes what is learned from
// them is queued in the same transaction: what is to be forgotten at once, what counts
// again with the next training.
func (a *App) openTastes(now func() time.Time) {
	a.Tastes = tastedb.New(a.Core, a.Ledger, a.Vault, a.Vault.Open, a.Subjects, now)
	a.Tastes.OnChange(func(ctx context.Context, tx *sqldb.Tx, events []taste.Event) error {
		if slices.ContainsFunc(events, func(e taste.Event) bool { return e.Learned() && !e.Undone }) {
			return a.Jobs.Add(ctx, tx, job.Job{Kind: TrainJob, Dedupe: TrainJob})
		}
		if slices.ContainsFunc(events, func(e taste.Event) bool { return e.Learned() }) {
			at := now()
			if v, ok := a.Shop.Version(); ok {
				at = v.MadeAt.Add(cmp.Or(a.Config.LearnPause, learnPause))
			}
			return a.Jobs.Add(ctx, tx, job.Job{Kind: TrainJob, Dedupe: TrainJob + " with more", RunAt: at})
		}
		return nil
	})
}

// wholeTastes speaks with people and not with accounts.
func (a *App) wholeTastes() tastedb.Whole { return tastedb.Whole{Store: a.Tastes, Persons: a.Subjects} }

func (d *doors) tastePages() tasteweb.PortalDeps {
	return tasteweb.PortalDeps{Store: d.wholeTastes(), Lists: d.Shop, Names: d.Catalog, Own: d.own}
}
