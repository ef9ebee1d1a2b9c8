package app

import (
	"context"
	"log/slog"
	"time"

	"thimble/internal/job"
)

// RotateJob is the kind of the job that renews the epoch key each day and destroys
// those whose time has come.
const RotateJob = "vault.rotate"

// schedules are the jobs that come back. The rotation is asked for each hour: on all
// but the first of a day it finds nothing to do, and one that failed is made up for.
func schedules() []job.Schedule {
	return append([]job.Schedule{{Name: RotateJob, Kind: RotateJob, Every: time.Hour, Jitter: 5 * time.Minute}, {Name: FiguresJob, Kind: FiguresJob, Every: 6 * time.Hour, Jitter: 10 * time.Minute}, {Name: FeedJob, Kind: FeedJob, Every: 15 * time.Minute, Jitter: time.Minute},
		{Name: CompactJob, Kind: CompactJob, Every: 6 * time.Hour, Jitter: 10 * time.Minute}, deviceSchedule, trialSchedule, retentionSchedule}, lawSchedules...)
}

func (a *App) rotate(ctx context.Context, _ job.Job) error {
	r, err := a.RotateKeys(ctx)
	if err != nil {
		return err
	}
	level := slog.LevelDebug
	if r.Postponed {
		level = slog.LevelWarn // the clock has leapt, or nobody has served for long
	}
	a.Log.Log(ctx, level, "keys rotated", slog.Any("rotation", r))
	return nil
}
