package subjectdb

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"thimble"
)

// A Presence hears of who is there, as often as anybody says so, and writes it down behind
// them: once a day for each person, many at once. It is for those who must not wait for it.
// What a crash lets go of is what was said within the last second.
type Presence struct {
	store *Store
	clock func() time.Time
	least func(ctx context.Context) (time.Time, error)
	log   *slog.Logger

	writing sync.Mutex // one at a time: when Flush returns, all that was said before is written

	mu    sync.Mutex
	day   int64
	known map[thimble.SubjectID]struct{} // of day; they were said before
	waits []thimble.SubjectID
}

// presenceLimit bounds how many people of a day are remembered, and how many wait to be
// written. Who is forgotten is written once more, which changes nothing.
const presenceLimit = 500_000

// NewPresence returns one that dates by a clock, and not before what least says at that
// moment: a clock may have been set back.
func NewPresence(s *Store, clock func() time.Time, least func(ctx context.Context) (time.Time, error), log *slog.Logger) *Presence {
	return &Presence{store: s, clock: clock, least: least, log: log, known: map[thimble.SubjectID]struct{}{}}
}

// Here says that some people are there now. It does not block.
func (p *Presence) Here(who ...thimble.SubjectID) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, one := range who {
		if _, known := p.known[one]; known || one.IsZero() || len(p.waits) >= presenceLimit {
			continue
		}
		if len(p.known) >= presenceLimit {
			clear(p.known)
		}
		p.known[one] = struct{}{}
		p.waits = append(p.waits, one)
	}
}

// Flush writes down who was there. Who could not be written is tried again.
func (p *Presence) Flush(ctx context.Context) error {
	p.writing.Lock()
	defer p.writing.Unlock()
	now := p.clock()
	p.mu.Lock()
	if day := seenDay(now); day != p.day {
		p.day = day
		clear(p.known)
		for _, who := range p.waits { // they are of the new day
			p.known[who] = struct{}{}
		}
	}
	waits := p.waits
	p.waits = nil
	p.mu.Unlock()
	if len(waits) == 0 {
		return nil
	}
	err := p.write(ctx, now, waits)
	if err != nil {
		p.mu.Lock()
		p.waits = append(p.waits, waits...)
		p.mu.Unlock()
	}
	return err
}

func (p *Presence) write(ctx context.Context, now time.Time, waits []thimble.SubjectID) error {
	least, err := p.least(ctx)
	if err != nil {
		return err
	}
	if least.After(now) {
		now = least
	}
	seen := make(map[thimble.SubjectID]time.Time, len(waits))
	for _, who := range waits {
		seen[who] = now
	}
	return p.store.Saw(ctx, seen)
}

// Run writes down who is there until ctx ends, and what is left then.
func (p *Presence) Run(ctx context.Context) error {
	failing := false
	for {
		select {
		case <-ctx.Done():
			ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
			defer cancel()
			if err := p.Flush(ctx); err != nil {
				p.log.ErrorContext(ctx, "who was there is not written down", slog.String("cause", err.Error()))
			}
			return nil
		case <-time.After(time.Second):
		}
		err := p.Flush(ctx)
		if err != nil && !failing && ctx.Err() == nil {
			p.log.WarnContext(ctx, "who was there is not written down yet", slog.String("cause", err.Error()))
		}
		failing = err != nil
	}
}
