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

// openTastes opens what people say about their lists. The move of the epoch has what is to
// be forgotten taken out of the models, in the same transaction; what counts again is
// learned with the next training, which is queued in it.
func (a *App) openTastes(now func() time.Time) {
	a.Tastes = tastedb.New(a.Core, a.Ledger, a.Vault, a.Vault.Open, a.Subjects, now)
	a.Tastes.OnChange(func(ctx context.Context, tx *sqldb.Tx, events []taste.Event) error {
		if slices.ContainsFunc(events, func(e taste.Event) bool { return e.Learned() && e.Undone }) {
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
