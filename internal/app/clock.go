package app

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"thimble"
	"thimble/internal/ledger"
	"thimble/internal/ledger/ledgerdb"
	"thimble/internal/web"
)

// A clockWatch holds the installation's clock against what else knows the time. A
// wrong clock breaks nothing, but it dates consents, deadlines and receipts wrongly.
type clockWatch struct {
	now     func() time.Time
	steady  func() time.Duration
	alarmed bool // used by one goroutine

	mu     sync.Mutex
	at     time.Time     // what the clock said
	since  time.Duration // when the steady count was this
	jumped time.Duration // when a jump was first seen; 0 for none
}

func newClockWatch(now func() time.Time) *clockWatch {
	return &clockWatch{now: now, at: now().Round(0), steady: uptime, since: uptime()}
}

// jump returns by how much the clock has moved more than the time that has passed.
// After a day it counts as set: whoever had to look has looked.
func (c *clockWatch) jump(now time.Time) time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	steady := c.steady()
	by := now.Round(0).Sub(c.at) - (steady - c.since)
	switch {
	case by.Abs() < wrongClock:
		c.jumped = 0
	case c.jumped == 0:
		c.jumped = steady
	case steady-c.jumped > 24*time.Hour:
		c.at, c.since, c.jumped = now.Round(0), steady, 0
		return 0
	}
	return by
}

// uptime counts from a moment that stays, whatever is done to the clock, and also
// while the machine sleeps, where the system tells.
func uptime() time.Duration {
	text, _ := os.ReadFile("/proc/uptime") // Linux; elsewhere the process's own count
	first, _, _ := strings.Cut(string(text), " ")
	if s, err := strconv.ParseFloat(first, 64); err == nil {
		return time.Duration(s * float64(time.Second))
	}
	return time.Since(processStart)
}

var processStart = time.Now()

// wrongClock is how far off a clock must be before somebody is told. Leaves know the
// time to the hour.
const wrongClock = time.Hour

// ClockOff returns by how much the clock runs ahead, negative when it is behind, as
// far as the newest leaf, the witnesses, and the time that has passed
// can tell, and which of them says so. Zero means that none contradicts it: a clock
// that was wrong before the start, and ahead, is known only with witnesses.
func (a *App) ClockOff(ctx context.Context) (off time.Duration, says string, err error) {
	now := a.clock.now()
	worse := func(by time.Duration, who string) {
		if by.Abs() > off.Abs() {
			off, says = by, who
		}
	}
	worse(a.clock.jump(now), "the time that has passed")
	rows, err := a.Ledger.Page(ctx, -1, 1)
	if err != nil {
		return 0, "", fmt.Errorf("app: asking the ledger for the time: %w", err)
	}
	if len(rows) > 0 && rows[0].Hour.After(now) {
		worse(now.Sub(rows[0].Hour), "the newest leaf of the ledger")
	}
	at, asked, err := a.witnessed(ctx)
	if err != nil {
		return 0, "", fmt.Errorf("app: asking the witnesses for the time: %w", err)
	}
	if !at.IsZero() {
		if at.After(now) {
			worse(now.Sub(at), "a witness")
		}
		worse(asked.Sub(at), "a witness")
	}
	if off.Abs() < wrongClock {
		return 0, "", nil
	}
	return off, says, nil
}

// witnessed returns the time of the newest cosignature by its witness's clock, and by
// ours; zero without one.
func (a *App) witnessed(ctx context.Context) (at, asked time.Time, err error) {
	all, err := a.Ledger.Witnesses(ctx)
	if err != nil || len(all) == 0 {
		return at, asked, err
	}
	head, err := a.Ledger.Published(ctx)
	if errors.Is(err, thimble.ErrUnavailable) {
		return at, asked, nil // nothing is signed yet
	}
	if err != nil {
		return at, asked, err
	}
	for _, w := range all {
		_, lines, _ := bytes.Cut(head.Note, []byte("\n\n"))
		by, err := ledger.Cosignatures(head, lines, w.Key)
		if err != nil {
			return at, asked, err
		}
		// Only a witness that cosigned this very checkpoint when it was last asked.
		for _, c := range by {
			if w.State == ledgerdb.Cosigned && w.Size == head.Size && c.At.After(at) {
				at, asked = c.At, w.Asked
			}
		}
	}
	return at, asked, nil
}

// watchClock raises the alarm once, and calls it off.
func (a *App) watchClock(ctx context.Context) error {
	off, says, err := a.ClockOff(ctx)
	switch {
	case err != nil:
		return err
	case off != 0 && !a.clock.alarmed:
		a.Log.ErrorContext(ctx, "the clock is wrong; set it, and keep it set with NTP", slog.Duration("ahead", off.Round(time.Minute)), slog.String("says", says))
	case off == 0 && a.clock.alarmed:
		a.Log.InfoContext(ctx, "the clock is right again")
	}
	a.clock.alarmed = off != 0
	return nil
}

// clockTiles shows a wrong clock on the overview, and nothing otherwise.
func (a *App) clockTiles(ctx context.Context) ([]web.Stat, error) {
	off, says, err := a.ClockOff(ctx)
	if err != nil || off == 0 {
		return nil, err
	}
	side := "ahead"
	if off < 0 {
		side = "behind"
	}
	return []web.Stat{{Label: "Clock", Value: "wrong", Delta: web.Text(off.Abs().Round(time.Minute)) + " " + side, Trend: web.Bad, Note: "says " + says + "; set it"}}, nil
}

// newestLeaf is the hour of the newest leaf: it cannot be earlier than that. By a clock that
// was set back, people would seem to have been there earlier than they were.
func (k *Kernel) newestLeaf(ctx context.Context) (at time.Time, err error) {
	rows, err := k.Ledger.Page(ctx, -1, 1)
	if err != nil {
		return at, fmt.Errorf("app: asking the ledger for the time: %w", err)
	}
	if len(rows) > 0 {
		at = rows[0].Hour
	}
	return at, nil
}
