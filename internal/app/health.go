package app

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"thimble/internal/web"
)

// behind measures how far whoever follows the log of events is behind it. The label is the
// name of the follower, which is fixed in the code.
type behind struct{ *App }

var (
	behindFrames  = prometheus.NewDesc("thimble_log_behind_frames", "Frames of the log of events that a follower has not read; view builds index, interactions and profiles.", []string{"follower"}, nil)
	behindEvents  = prometheus.NewDesc("thimble_log_behind_events", "Events in them; of many, about.", []string{"follower"}, nil)
	behindSeconds = prometheus.NewDesc("thimble_log_behind_seconds", "Age of the oldest of them; 0 when none waits.", []string{"follower"}, nil)
)

// Describe implements prometheus.Collector.
func (behind) Describe(c chan<- *prometheus.Desc) {
	c <- behindFrames
	c <- behindEvents
	c <- behindSeconds
}

// Collect implements prometheus.Collector.
func (b behind) Collect(c chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), gaugePatience)
	defer cancel()
	lags, err := b.Timeline.Lags(ctx)
	if err != nil {
		b.Log.WarnContext(ctx, "metric not read", slog.String("metric", "log_behind"), slog.String("cause", err.Error()))
		c <- prometheus.MustNewConstMetric(behindSeconds, prometheus.GaugeValue, math.NaN(), "view") // not 0: an alarm must not take a fault for calm
		return
	}
	for _, l := range lags {
		c <- prometheus.MustNewConstMetric(behindFrames, prometheus.GaugeValue, float64(l.Frames), l.Name)
		c <- prometheus.MustNewConstMetric(behindEvents, prometheus.GaugeValue, float64(l.Events), l.Name)
		c <- prometheus.MustNewConstMetric(behindSeconds, prometheus.GaugeValue, l.Since.Seconds(), l.Name)
	}
}

// logGauges are what operators watch of the log of events.
func (a *App) logGauges() []Gauge {
	healthy := func(err error) (float64, error) {
		if err != nil {
			return 0, nil
		}
		return 1, nil
	}
	return []Gauge{
		{Name: "log_healthy", Help: "1 while the log of events takes commits.", Read: func(ctx context.Context) (float64, error) { return healthy(a.Frames.Healthy(ctx)) }},
		{Name: "buffer_healthy", Help: "1 while the buffer before the log takes events and they are archived, or while it is off.", Read: func(ctx context.Context) (float64, error) {
			if b := a.events.buffer.Load(); b != nil {
				return healthy(b.Healthy(ctx))
			}
			return 1, nil
		}},
		{Name: "log_frames", Help: "Frames in the log of events.", Read: func(ctx context.Context) (float64, error) {
			n, err := a.Frames.Last(ctx)
			return float64(n), err
		}},
		{Name: "log_repeat_keys", Help: "Keys in memory by which events that come again are known.", Read: func(context.Context) (float64, error) { return float64(a.Frames.Keys()), nil }},
		{Name: "log_unreadable_frames", Help: "Frames of which nothing can be read.", Read: func(ctx context.Context) (float64, error) {
			seqs, err := a.Frames.Unreadable(ctx)
			return float64(len(seqs)), err
		}},
		{Name: "log_compaction_frames", Help: "Frames that hold records of whoever is gone, and wait for compaction.", Read: func(ctx context.Context) (float64, error) {
			n, err := a.Timeline.Waiting(ctx)
			return float64(n), err
		}},
	}
}

// takes says what keeps events from being taken, or nil: the buffer while this process is a
// node of it, else the log. That what is taken is not archived yet is no reason.
func (e *events) takes(ctx context.Context) error {
	if b := e.buffer.Load(); b != nil {
		return b.Takes()
	}
	return e.Healthy(ctx)
}

// lagging is from when on the overview says that events are not built in.
const lagging = time.Minute

// logTiles show on the overview what is wrong with the log of events, and nothing otherwise.
func (a *App) logTiles(ctx context.Context) ([]web.Stat, error) {
	var all []web.Stat
	if err := a.events.takes(ctx); err != nil {
		all = append(all, web.Stat{Label: "Events", Value: "not taken", Trend: web.Bad, Note: "the disk or the server of the log takes no commit; senders are told to try again"})
	}
	bad, err := a.Frames.Unreadable(ctx)
	if err != nil {
		return all, fmt.Errorf("asking for damaged frames: %w", err)
	}
	if n := len(bad); n > 0 {
		all = append(all, web.Stat{Label: "Damaged frames", Value: web.Text(n), Trend: web.Bad, Note: "events that cannot be read; put log.db back from a copy, then `thimble events check`"})
	}
	lags, err := a.Timeline.Lags(ctx)
	if err != nil {
		return all, fmt.Errorf("asking how far the log is read: %w", err)
	}
	for _, l := range lags {
		if l.Since >= lagging {
			all = append(all, web.Stat{Label: "Events not built in", Value: web.Text(l.Events), Delta: l.Name, Trend: web.Bad, Note: "the oldest for " + l.Since.Round(time.Second).String() + "; the server's log says why"})
		}
	}
	return all, nil
}
