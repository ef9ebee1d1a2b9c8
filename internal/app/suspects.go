package app

import (
	"context"

	"thimble/internal/job"
	"thimble/internal/recommend/suspectdb"
	"thimble/internal/sqldb"
)

// openSuspects opens what is kept of accounts that look as if they were made to push an
// item. A decision about who is left out of learning trains anew, in its transaction.
func (a *App) openSuspects() {
	a.Suspects = suspectdb.New(a.Core, a.Ledger, suspectdb.Config{
		Now: a.Config.clock(), Log: a.Log, Alive: a.alive,
		Changed: func(ctx context.Context, tx *sqldb.Tx) error {
			return a.Jobs.Add(ctx, tx, job.Job{Kind: TrainJob, Payload: `{"reason":"who is left out of learning has changed"}`, Dedupe: TrainJob})
		},
	})
}
