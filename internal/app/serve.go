package app

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"thimble"
	"thimble/internal/gate"
	"thimble/internal/web"
)

// Listen binds the configured address, so that a port in use is told before
// anything else is done.
func Listen(cfg Config) (net.Listener, error) {
	l, err := net.Listen("tcp", cfg.Listen)
	if err != nil {
		return nil, fmt.Errorf("cannot listen on %s: %w: %w", cfg.Listen, cause(err), thimble.ErrConflict)
	}
	return l, nil
}

// cause leaves out what the message already says.
func cause(err error) error {
	if e, ok := errors.AsType[*net.OpError](err); ok {
		return e.Err
	}
	return err
}

// URL returns the address people reach the installation at.
func (a *App) URL(l net.Listener) string {
	c := a.Config
	host, _, _ := net.SplitHostPort(c.Listen) // checked with the configuration
	_, port, _ := net.SplitHostPort(l.Addr().String())
	c.Listen = net.JoinHostPort(host, port)
	return c.BaseURL()
}

// BaseURL is the address people reach the installation at, as configured.
func (c Config) BaseURL() string {
	if c.PublicURL != "" {
		return strings.TrimSuffix(c.PublicURL, "/")
	}
	scheme := "http"
	if c.TLSCert != "" {
		scheme = "https"
	}
	host, port, _ := net.SplitHostPort(c.Listen) // checked with the configuration
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "localhost" // it listens on all addresses; this one is sure to work here
	}
	return scheme + "://" + net.JoinHostPort(host, port)
}

// Serve serves until ctx ends, then drains: requests end, uses are written, the
// ledger is integrated. While an act is half done it refuses to begin.
func (a *App) Serve(ctx context.Context, l net.Listener, h http.Handler) error {
	if err := a.Ledger.HalfDone(ctx); err != nil {
		return err
	}
	debug.FreeOSMemory() // a start reads every law and page once, and holds little of it
	server := web.NewServer(h, a.Config.Connections, a.Log)
	server.BaseContext = func(net.Listener) context.Context { return context.WithoutCancel(ctx) }
	if a.Config.TLSCert != "" {
		cert, err := tls.LoadX509KeyPair(a.Config.TLSCert, a.Config.TLSKey)
		if err != nil {
			return fmt.Errorf("configuration: tls-cert: %w: %w", err, thimble.ErrInvalid)
		}
		l = tls.NewListener(l, &tls.Config{MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{cert}, NextProtos: []string{"http/1.1"}})
	}
	leave, err := a.openBuffer(ctx)
	if err != nil {
		return err
	}
	work, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	var workers sync.WaitGroup
	failed := make(chan error, 18) // room for each of them
	for _, run := range []func(context.Context) error{a.Uses.Run, a.Jobs.Run, a.mend, a.remember, a.watchModels, a.learn, a.Disclose.Run, a.Systems.Run, a.OpenDSR.Run, a.Uploads.Run, a.sendCodes, a.Plan.Run, a.Figures.Run, a.Timeline.Run, a.Presence.Run, breathe} {
		workers.Go(func() { failed <- run(work) })
	}
	sequence, stopSequence := context.WithCancel(context.WithoutCancel(ctx))
	defer stopSequence()
	var sequencer sync.WaitGroup
	sequencer.Go(func() { failed <- a.Ledger.Run(sequence) })
	go func() { failed <- server.Serve(l) }()

	select {
	case <-ctx.Done():
	case err = <-failed:
	}
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), a.Config.Shutdown)
	defer cancel()
	err = errors.Join(err, server.Shutdown(drain), leave(drain))
	stop()
	workers.Wait() // the uses are flushed before the sequencer stops
	_, integrateErr := a.Ledger.Integrate(drain)
	stopSequence()
	sequencer.Wait()
	integrateErr = errors.Join(integrateErr, a.Remember(drain))
	if errors.Is(err, http.ErrServerClosed) {
		err = nil
	}
	return errors.Join(err, integrateErr)
}

// mendEvery is how often open requests and expired consents are looked for. What fails is
// tried after mendSoon already, and then after twice as long each time: a disk that was full
// has room again, and nobody waits a minute.
const (
	mendEvery = time.Minute
	mendSoon  = 5 * time.Second
)

// mend takes up acts and requests that an error left open, trains without those whose
// yes has run out since the model was trained, watches the use log, and looks at the
// clock.
func (a *App) mend(ctx context.Context) error {
	failed := 0
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(mendAfter(failed)):
			failed++
		case <-a.regroups: // told at once
			failed = max(failed, 1)
		}
		before := failed
		if a.mendOpen(ctx) {
			failed = 0
		}
		if err := a.Requests.Sweep(ctx); err != nil && ctx.Err() == nil {
			a.Log.ErrorContext(ctx, "tickets that are too late were not deleted", slog.String("cause", err.Error()))
		}
		if _, err := a.Uses.Watch(ctx, gate.Limits{}); err != nil && ctx.Err() == nil {
			a.Log.ErrorContext(ctx, "the use log is not watched", slog.String("cause", err.Error()))
		}
		if err := errors.Join(a.Retention.Load(ctx), a.Retention.Rerun(ctx), a.warn(ctx)); err != nil && ctx.Err() == nil {
			a.Log.ErrorContext(ctx, "whom nothing is held of any more is not erased yet, or somebody is not told of an end", slog.String("cause", err.Error()))
		}
		if err := a.watchClock(ctx); err != nil && ctx.Err() == nil {
			a.Log.ErrorContext(ctx, "the clock was not checked", slog.String("cause", err.Error()))
		}
		if err := a.queueAudit(ctx); err != nil && ctx.Err() == nil {
			a.Log.ErrorContext(ctx, "no audit was queued", slog.String("cause", err.Error()))
		}
		if err := a.queueExpired(ctx); err != nil && ctx.Err() == nil {
			a.Log.ErrorContext(ctx, "expired consents not looked for", slog.String("cause", err.Error()))
		}
		select {
		case <-a.regroups: // most likely of what was tried here, and failed
			failed = max(before, 1)
		default:
		}
	}
}

// mendOpen takes up what an error left open, and reports whether all of it is done.
func (a *App) mendOpen(ctx context.Context) (done bool) {
	_, acts := a.Ledger.Recover(ctx, a.performers())
	if acts != nil && ctx.Err() == nil {
		a.Log.ErrorContext(ctx, "an announced act is not done yet", slog.String("cause", acts.Error()))
	}
	requests := a.serveCases(ctx)
	if requests != nil && ctx.Err() == nil {
		a.Log.ErrorContext(ctx, "a request is not done yet", slog.String("cause", requests.Error()))
	}
	_, certificates := a.Desk.Certify(ctx)
	if certificates != nil && ctx.Err() == nil {
		a.Log.ErrorContext(ctx, "an erasure is not certified yet", slog.String("cause", certificates.Error()))
	}
	return acts == nil && requests == nil && certificates == nil
}

// mendAfter is when to look again, after so many times in a row that something failed.
func mendAfter(failed int) time.Duration {
	if failed == 0 {
		return mendEvery
	}
	return min(mendSoon<<min(failed-1, 5), mendEvery)
}

// rememberEvery is how often the newest checkpoint is kept outside of the database.
const rememberEvery = 10 * time.Second

func (a *App) remember(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(rememberEvery):
		}
		if err := a.Remember(ctx); err != nil && ctx.Err() == nil {
			a.Log.ErrorContext(ctx, "the newest checkpoint is not kept outside of the database", slog.String("cause", err.Error()))
		}
	}
}

// queueExpired queues a training when a consent to it has ended by itself since
// the serving model was trained.
func (a *App) queueExpired(ctx context.Context) error {
	v, ok := a.Shop.Version()
	if !ok {
		return nil
	}
	// A training gathers before it ends: one that began earlier may count them still. One
	// that only took somebody out did not look at the others.
	since := v.MadeAt.Add(-v.Took)
	if at := a.Shop.Gathered(); !at.IsZero() {
		since = at
	}
	expired, err := a.Consent.Expired(ctx, thimble.TrainAISystem, since)
	if err != nil || !expired {
		return err
	}
	return a.askTraining(ctx, "consents ran out")
}
