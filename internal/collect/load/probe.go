package load

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"thimble"
)

// ProbeAccount is the account of whoever sends the probes. No run sends anything else of it.
const ProbeAccount = "load-99999999"

const (
	probePerson = 99_999_999
	probeIDs    = 1 << 41 // beyond those of any run, and of warming
	probeEvery  = 200 * time.Millisecond
	probeLook   = 5 * time.Millisecond
	// probeFor is how long a probe is looked for. One that is not seen by then ends the probing.
	probeFor = time.Minute
)

// A Visible says how long events took from being sent until they were seen.
type Visible struct {
	Probes        int
	P50, P99, Max time.Duration
}

// Probe sends one event after the other until done is closed, and looks for each with seen,
// which says how many of them it sees.
func Probe(ctx context.Context, cfg Config, done <-chan struct{}, seen func(context.Context) (int64, error)) (Visible, error) {
	cfg.Batch = 1
	c, u, err := cfg.complete()
	if err != nil {
		return Visible{}, err
	}
	p := prober{client: newClient(c, u, probePerson), template: probeTemplate(c), seen: seen}
	defer p.client.close()
	// The first makes the person known, which happens once.
	if _, err := p.one(ctx); err != nil {
		return Visible{}, err
	}
	var took []time.Duration
	for {
		select {
		case <-done:
			return Visible{Probes: len(took), P50: quantile(took, .50), P99: quantile(took, .99), Max: quantile(took, 1)}, nil
		case <-ctx.Done():
			return Visible{}, ctx.Err()
		case <-time.After(probeEvery):
		}
		d, err := p.one(ctx)
		if err != nil {
			return Visible{}, err
		}
		took = append(took, d)
	}
}

type prober struct {
	client   *client
	template template
	seen     func(context.Context) (int64, error)
	sent     uint64
}

// probeTemplate is a body of one product that was looked at.
func probeTemplate(c Config) template {
	for r := rand.New(rand.NewPCG(c.Seed, 3)); ; {
		if t := newTemplate(r, 1); strings.Contains(string(t.bytes), `"event":"Product Viewed"`) {
			return t
		}
	}
}

var errUnseen = fmt.Errorf("load: an event was taken and is not seen after %s: %w", probeFor, thimble.ErrUnavailable)

// one sends a probe and waits until it is seen.
func (p *prober) one(ctx context.Context) (time.Duration, error) {
	before, err := p.seen(ctx)
	if errors.Is(err, thimble.ErrNotFound) {
		err = nil // nobody knows the person yet
	}
	if err != nil {
		return 0, err
	}
	p.sent++
	began := time.Now()
	if err := p.client.insist(ctx, p.template.fill(nil, p.client.cfg.Run, probeIDs+p.sent, func() int { return probePerson })); err != nil {
		return 0, err
	}
	for time.Since(began) < probeFor {
		n, err := p.seen(ctx)
		if err != nil && !errors.Is(err, thimble.ErrNotFound) {
			return 0, err
		}
		if n > before {
			return time.Since(began), nil
		}
		if !sleepUntil(ctx, time.Now().Add(probeLook)) {
			return 0, ctx.Err()
		}
	}
	return 0, errUnseen
}
