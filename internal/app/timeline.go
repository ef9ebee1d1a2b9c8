package app

import (
	"context"
	"log/slog"

	"thimble"
	"thimble/internal/collect/intake"
	"thimble/internal/collect/plan"
	"thimble/internal/collect/timelinedb"
	"thimble/internal/collect/timelineweb"
	"thimble/internal/consent"
	"thimble/internal/gate"
	"thimble/internal/job"
	"thimble/internal/sqldb"
	"thimble/internal/subject/subjectweb"
)

// CompactJob is the kind of the job that takes whoever is gone out of the log of events.
const CompactJob = "log.compact"

// openTimeline opens what is built behind the log of events.
func (a *App) openTimeline() error {
	var err error
	a.Timeline, err = timelinedb.New(timelinedb.Deps{
		Log: a.Frames, Rewriter: a.Frames, View: a.View, Core: a.Core, Gate: a.Gate, Keys: a.Vault, People: a.Subjects,
		Orders: a.Imports, Ordered: a.Orders, Trusted: a.trusted, Now: a.Config.clock(), Logger: a.Log,
		Pressed: func() bool { return a.Intake.Pressed() },
	})
	if err != nil {
		return err
	}
	a.Frames.OnCommit(func(int64) { a.Timeline.Wake() })
	return a.listenForOutcomes()
}

// trusted reports whether the source of a number may speak of orders. One that has ended
// meanwhile could when it did.
func (a *App) trusted(ctx context.Context, number uint32) (bool, error) {
	all, err := a.Sources.List(ctx)
	for _, s := range all {
		if s.Number == number {
			return s.Kind == intake.Server, err
		}
	}
	return false, err
}

// rederive has what is made of events built again for whoever has changed what they permit.
func (a *App) rederive(tx *sqldb.Tx, events []consent.Event) {
	for _, e := range events {
		tx.OnCommit(func() { a.Timeline.Changed(e.Subject) })
	}
}

// compact takes whoever is gone out of the log of events.
func (a *App) compact(ctx context.Context, _ job.Job) error {
	done, err := a.Timeline.Compact(ctx)
	if err == nil && done.Frames > 0 {
		a.Log.InfoContext(ctx, "the log of events was compacted", slog.Int("frames", done.Frames), slog.Int("records", done.Records), slog.Int("waiting", done.Waiting))
	}
	return err
}

// snapshots reads several sets, each as of one instant.
type snapshots []*sqldb.DB

// Snapshot implements rights.Snapshots.
func (s snapshots) Snapshot(ctx context.Context, f func(context.Context) error) error {
	if len(s) == 0 {
		return f(ctx)
	}
	return s[0].Snapshot(ctx, func(ctx context.Context) error { return s[1:].Snapshot(ctx, f) })
}

// eventPages is what the pages of staff with one person's events are made of.
func (d *doors) eventPages(staff subjectweb.Reader) timelineweb.ConsoleDeps {
	return timelineweb.ConsoleDeps{
		Events: d.Timeline, Names: d.Catalog, Sources: d.Sources, Reader: staff, Uses: func() []plan.Use { return d.Plan.Compiled().Kept() },
		Permits: func(ctx context.Context, who thimble.SubjectID, p thimble.Purpose, c thimble.Category) (bool, string, error) {
			v, err := d.Gate.Decide(ctx, gate.Request{Actor: gate.Actor{Kind: gate.Machine, Name: "collect"}, Subject: who, Purpose: p, Categories: []thimble.Category{c}})
			return v.Allowed, v.Why, err
		},
	}
}
