package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"os"
	"time"

	"thimble"
	"thimble/internal/backup"
	"thimble/internal/job"
	"thimble/internal/vault/vaultweb"
	"thimble/internal/web"
)

// BackupJob is the kind of the job that backs the installation up.
const BackupJob = "backup.make"

// backupSchedule is when a server backs itself up; none unless it is told where to.
func (c Config) backupSchedule() []job.Schedule {
	if c.BackupTo == "" {
		return nil
	}
	return []job.Schedule{{Name: BackupJob, Kind: BackupJob, Every: c.BackupEvery, Jitter: min(c.BackupEvery/10, time.Minute)}}
}

// backUpByItself is the job. One that fails is told by the queue of jobs, is tried again, and
// shows on the overview once the newest backup is too old.
func (a *App) backUpByItself(ctx context.Context, _ job.Job) error {
	if a.Config.BackupTo == "" {
		return nil // asked for before the setting was taken away
	}
	if err := a.setIsThere(); err != nil {
		return err
	}
	text, err := os.ReadFile(a.Config.BackupRecipients)
	if err != nil {
		return fmt.Errorf("app: the file of backup-recipients cannot be read: %w", thimble.ErrUnavailable)
	}
	to, err := backup.Recipients(string(text))
	if err != nil {
		return fmt.Errorf("app: backup-recipients: %w", err)
	}
	keep := a.Config.BackupKeep
	off, says, err := a.ClockOff(ctx)
	if err != nil {
		return err
	}
	if off != 0 && keep > 0 { // what is old by a clock that is wrong stays
		keep = 0
		a.Log.WarnContext(ctx, "no backup is removed while the clock is contradicted", slog.String("by", says))
	}
	done, err := a.Backup(ctx, Backup{Set: a.Config.BackupTo, To: to, Keep: keep})
	if err != nil {
		return err
	}
	a.Log.InfoContext(ctx, "backed up", slog.Int64("number", done.Manifest.Number), slog.Int64("bytes", done.Wrote), slog.Int("removed", done.Pruned))
	return nil
}

// setIsThere refuses a folder that is not there: a disk that is not mounted is no empty set.
func (a *App) setIsThere() error {
	if info, err := os.Stat(a.Config.BackupTo); err != nil || !info.IsDir() {
		return fmt.Errorf("app: the folder of backup-to is not there: make it, or mount its disk: %w", thimble.ErrUnavailable)
	}
	return nil
}

// Newest implements vaultweb.Backups: it reads the set, and no record of what should be there.
func (a *App) Newest(context.Context) (b vaultweb.Backup, err error) {
	if a.Config.BackupTo == "" {
		return b, fmt.Errorf("app: the server does not back itself up: %w", thimble.ErrNotFound)
	}
	b.Late = a.Config.clock()().Add(-2*a.Config.BackupEvery - time.Hour)
	kept, err := backup.ReadApart(a.Config.Apart)
	if err != nil {
		return b, err
	}
	if err := a.setIsThere(); err != nil {
		return b, err
	}
	set, err := backup.OpenSet(a.Config.BackupTo)
	if errors.Is(err, thimble.ErrInvalid) {
		return b, nil // nothing is in the folder yet
	}
	if err != nil {
		return b, err
	}
	m, err := set.Newest(kept.Keys...)
	if m != nil {
		b.Number, b.At = m.Number, m.Core.Taken
	}
	return b, err
}

// backupTiles shows on the overview how old the newest backup is, where the server makes them.
func (a *App) backupTiles(ctx context.Context) ([]web.Stat, error) {
	b, err := a.Newest(ctx)
	if errors.Is(err, thimble.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		a.Log.ErrorContext(ctx, "the set of backups cannot be read", slog.String("cause", err.Error()))
	}
	tile := b.Stat(err)
	tile.Href = vaultweb.Path
	return []web.Stat{tile}, nil
}

// backupGauges are what an alarm watches.
func (a *App) backupGauges() []Gauge {
	if a.Config.BackupTo == "" {
		return nil
	}
	return []Gauge{{Name: "backup_age_seconds", Help: "Age of the newest backup in the set that the server writes; NaN while there is none or the set cannot be read.", Read: func(ctx context.Context) (float64, error) {
		b, err := a.Newest(ctx)
		if err != nil || b.At.IsZero() {
			return math.NaN(), nil // not 0: an alarm must not take a fault for calm
		}
		return a.Config.clock()().Sub(b.At).Seconds(), nil
	}}}
}
