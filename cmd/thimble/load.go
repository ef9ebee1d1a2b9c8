package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"thimble"
	"thimble/internal/app"
	"thimble/internal/collect/load"
	"thimble/internal/collect/timelinedb"
	"thimble/internal/gate"
	"thimble/internal/subject"
)

func loadFlags(f *flag.FlagSet) {
	f.String("url", "http://localhost:8080", "the installation")
	f.String("key", "", "a write key; THIMBLE_WRITE_KEY when empty")
	f.Int("clients", 32, "connections")
	f.Int("batch", 100, "events in a request; 1 sends single events")
	f.Int("rate", 0, "events a second; 0 sends as fast as they are answered")
	f.Int("events", 0, "events in all; by default 200,000, or what --rate brings in the time")
	f.Duration("longest", time.Minute, "the longest time")
	f.Duration("for", 0, "the same as --longest")
	f.Int("subjects", 20_000, "people")
	f.Bool("warm", false, "make the people known first, before the clock runs")
	f.Bool("anywhere", false, "send to another machine than this one too")
	f.Bool("visible", false, "measure how long an event takes until it shows in its person's profile; with the settings of the installation, beside its server")
	f.Bool("catch-up", false, "send nothing: have what is built from the log built again, and measure how fast; beside the server as well")
}

// loadCommand sends events as fast as they are answered, or at a rate, and prints how that
// went.
func loadCommand(ctx context.Context, c *call) error {
	if len(c.flags.Args()) > 0 {
		return errWords
	}
	if c.flag("catch-up") == "true" {
		return with(ctx, c, func(a *app.App) error { return catchUp(ctx, c, a) })
	}
	number := func(name string) int { n, _ := strconv.Atoi(c.flag(name)); return n } // checked by flag
	key := c.flag("key")
	if key == "" {
		key = os.Getenv("THIMBLE_WRITE_KEY")
	}
	if key == "" {
		return invalid("--key: a write key was expected; `thimble source add load --consents` makes one")
	}
	longest, _ := time.ParseDuration(c.flag("longest"))
	if d, _ := time.ParseDuration(c.flag("for")); d > 0 {
		longest = d
	}
	cfg := load.Config{
		Warm: c.flag("warm") == "true", URL: c.flag("url"), Key: key, Clients: number("clients"), Batch: number("batch"), Rate: number("rate"), Events: number("events"),
		Subjects: number("subjects"), Longest: longest, Anywhere: c.flag("anywhere") == "true",
	}
	before, measured := vitalsOf(ctx, cfg.URL)
	var r load.Result
	var v load.Visible
	run := func(a *app.App) (err error) {
		if a == nil {
			r, err = load.Run(ctx, cfg)
			return err
		}
		r, v, err = runVisible(ctx, cfg, a)
		return err
	}
	var err error
	if c.flag("visible") == "true" {
		err = with(ctx, c, run)
	} else {
		err = run(nil)
	}
	if err != nil {
		return err
	}
	if err := r.Print(c.out, cfg); err != nil {
		return err
	}
	if v.Probes > 0 {
		fmt.Fprintf(c.out, "visible in the profile: p50 %s, p99 %s, the longest %s, of %d probes\n", round(v.P50), round(v.P99), round(v.Max), v.Probes)
	}
	if after, ok := vitalsOf(ctx, cfg.URL); ok && measured {
		fmt.Fprintf(c.out, "server: RSS %d MB before and %d MB after, %.1f s of CPU\n", before.rss>>20, after.rss>>20, after.cpu-before.cpu)
	}
	return nil
}

func round(d time.Duration) time.Duration { return d.Round(time.Millisecond) }

// runVisible probes while it sends, from when the people are known and what that brought is
// built in.
func runVisible(ctx context.Context, cfg load.Config, a *app.App) (r load.Result, v load.Visible, err error) {
	if _, err = a.Sources.Open(ctx, cfg.Key); err != nil {
		if errors.Is(err, thimble.ErrDenied) {
			err = invalid("--data: the installation that the server serves was expected; the write key is of another")
		}
		return r, v, err
	}
	done := make(chan struct{})
	var probing sync.WaitGroup
	var failed error
	cfg.Ready = func(ctx context.Context) error {
		if err := settled(ctx, a); err != nil {
			return err
		}
		probing.Go(func() { v, failed = load.Probe(ctx, cfg, done, profiled(a)) })
		return nil
	}
	r, err = load.Run(ctx, cfg)
	close(done)
	probing.Wait()
	if err == nil {
		err = failed
	}
	return r, v, err
}

// settled waits until nothing in the log waits to be built in.
func settled(ctx context.Context, a *app.App) error {
	for {
		lags, err := a.Timeline.Lags(ctx)
		if err != nil || !slices.ContainsFunc(lags, func(l timelinedb.Lag) bool { return l.Frames > 0 }) {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// profiled counts the events in the profile of whoever sends the probes.
func profiled(a *app.App) func(context.Context) (int64, error) {
	var g *gate.Grant
	return func(ctx context.Context) (int64, error) {
		if g == nil {
			id, err := subject.NewIdentifier(subject.Account, load.ProbeAccount)
			if err != nil {
				return 0, err
			}
			who, err := a.Subjects.Find(ctx, id)
			if err != nil {
				return 0, err
			}
			if who.IsZero() {
				return 0, fmt.Errorf("load: nobody has sent a probe yet: %w", thimble.ErrNotFound)
			}
			if g, err = a.Gate.Open(ctx, gate.Request{
				Actor: gate.Actor{Kind: gate.Customer, Self: who}, Subject: who, Purpose: thimble.LegalObligation, Categories: timelinedb.ProfileCategories(),
			}); err != nil {
				return 0, err
			}
		}
		again, err := g.Renew(ctx)
		if err != nil {
			g = nil
			return 0, err
		}
		p, err := a.Timeline.Profile(ctx, again)
		return p.Events["Product Viewed"], err
	}
}

// Vitals are what a server tells of itself.
type vitals struct {
	rss int64
	cpu float64 // seconds
}

// vitalsOf reads the metrics, which a server shows to its own machine. It reports false
// where it does not.
func vitalsOf(ctx context.Context, url string) (v vitals, ok bool) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimSuffix(url, "/")+"/metrics", nil)
	if err != nil {
		return v, false
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return v, false
	}
	defer resp.Body.Close()
	found := map[string]float64{}
	for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
		if name, value, ok := strings.Cut(lines.Text(), " "); ok && !strings.HasPrefix(name, "#") {
			found[name], _ = strconv.ParseFloat(value, 64)
		}
	}
	rss, ok := found["process_resident_memory_bytes"]
	return vitals{int64(rss), found["process_cpu_seconds_total"]}, ok && resp.StatusCode == http.StatusOK
}

// catchUp has the view built again by the server that runs, and measures that.
func catchUp(ctx context.Context, c *call, a *app.App) error {
	url := c.flag("url")
	if _, ok := vitalsOf(ctx, url); !ok {
		return invalid("--url: a server whose metrics can be read from here was expected")
	}
	found, err := a.Timeline.Check(ctx)
	if err != nil {
		return err
	}
	if err := a.Timeline.Rebuild(ctx); err != nil {
		return err
	}
	began := time.Now()
	before, _ := vitalsOf(ctx, url)
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
		lags, err := a.Timeline.Lags(ctx)
		if err != nil {
			return err
		}
		if lags[0].Frames > 0 {
			continue
		}
		took := time.Since(began)
		after, _ := vitalsOf(ctx, url)
		fmt.Fprintf(c.out, "%d events were built in within %s: %.0f events/s, %.0f for each second of the server's CPU\n",
			found.Records, round(took), float64(found.Records)/took.Seconds(), float64(found.Records)/max(after.cpu-before.cpu, 0.01))
		return nil
	}
}
