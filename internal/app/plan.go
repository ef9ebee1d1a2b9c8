package app

import (
	"context"
	"log/slog"
	"strconv"

	"github.com/prometheus/client_golang/prometheus"

	"thimble/internal/collect/intake"
	"thimble/internal/collect/plandb"
	"thimble/internal/collect/planweb"
	"thimble/internal/collect/watch"
	"thimble/internal/collect/watchdb"
	"thimble/internal/console"
	"thimble/internal/job"
	"thimble/internal/staff"
	"thimble/internal/staff/rules"
)

// FiguresJob is the kind of the job that lets go of what is old of what came in: figures,
// and that a device was shared.
const FiguresJob = "watch.prune"

// openPlan opens the tracking plan, and what watches what comes in under it.
func (a *App) openPlan(ctx context.Context) (err error) {
	now := a.Config.clock()
	if a.Plan, err = plandb.Open(ctx, a.Core, a.Ledger, plandb.Config{Now: now, Log: a.Log}); err != nil {
		return err
	}
	a.Watch = watch.New(now)
	a.Figures = watchdb.New(a.Core, a.Watch, watchdb.Config{Now: now, Log: a.Log})
	return nil
}

func (a *App) pruneFigures(ctx context.Context, _ job.Job) error {
	n, err := a.Figures.Prune(ctx)
	if err != nil {
		return err
	}
	devices, err := a.Subjects.Unshare(ctx)
	if err != nil {
		return err
	}
	a.Log.DebugContext(ctx, "old figures let go", slog.Int64("rows", n), slog.Int("shared_devices", devices))
	return nil
}

// incoming measures what comes in, by the number of the source and what became of it.
type incoming struct{ of *watch.Watch }

var incomingTotal = prometheus.NewDesc("thimble_collect_events_total", "Events that came in since the start, by source and what became of them.", []string{"source", "outcome"}, nil)

var incomingFaults = prometheus.NewDesc("thimble_collect_faults_total", "Broken rules of the tracking plan, and properties that it does not know, by source.", []string{"source", "fault"}, nil)

// Describe implements prometheus.Collector.
func (incoming) Describe(c chan<- *prometheus.Desc) { c <- incomingTotal; c <- incomingFaults }

// Collect implements prometheus.Collector.
func (i incoming) Collect(c chan<- prometheus.Metric) {
	for _, t := range i.of.Totals() {
		count := func(d *prometheus.Desc, n int64, what string) {
			c <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(n), strconv.FormatUint(uint64(t.Source), 10), what)
		}
		count(incomingTotal, t.Kept, "kept")
		for k, n := range t.Dropped {
			count(incomingTotal, n, string(watch.Drops[k]))
		}
		count(incomingFaults, t.Violations, "violation")
		count(incomingFaults, t.Unknown, "unknown")
	}
}

// joined measures what became of identifiers that events brought.
type joined struct{ in **intake.Intake }

var joinedTotal = prometheus.NewDesc("thimble_collect_joins_total", "Devices, addresses and accounts that events said to be somebody's, by what became of it.", []string{"became"}, nil)

// Describe implements prometheus.Collector.
func (joined) Describe(c chan<- *prometheus.Desc) { c <- joinedTotal }

// Collect implements prometheus.Collector.
func (j joined) Collect(c chan<- prometheus.Metric) {
	if *j.in == nil {
		return // nothing is taken yet
	}
	for became, n := range (*j.in).Joined() {
		c <- prometheus.MustNewConstMetric(joinedTotal, prometheus.CounterValue, float64(n), string(became))
	}
}

// planPages is what the pages of the tracking plan and its operations are made of.
func (d *doors) planPages() planweb.Config {
	return planweb.Config{Plans: d.Plan, Figures: d.Figures, Sources: d.Sources, Tail: d.Watch.Tail, May: d.mayStaff, Now: d.Config.clock()}
}

// mayStaff reports whether the rules let whoever is signed in do what a pattern of the
// console is for. The door asks again.
func (d *doors) mayStaff(ctx context.Context, pattern string) bool {
	action, page, ok := console.Asked(pattern)
	if !ok {
		return false
	}
	a := staff.From(ctx)
	return d.Rules.Decide(rules.Request{Account: a.Name, Roles: a.Roles, Action: action, Page: page, Trained: a.Trained(d.Config.clock()())}).Allowed
}
