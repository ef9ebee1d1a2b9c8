package intake

import (
	"sync"
	"time"

	"thimble"
	"thimble/internal/collect/segment"
	"thimble/internal/consent"
	"thimble/internal/consent/signal"
	"thimble/internal/gate"
)

// Consent objects are few and come with each event: what one means is remembered by its
// keyed hash, since whoever sends one puts into it what they like. Strings of the IAB
// count from a time and until a time, so not for long.
const (
	readingLimit = 4096
	readingLives = time.Minute
)

// readings are what consent objects deny.
type readings struct {
	door       *gate.Door
	categories signal.Categories
	now        func() time.Time
	optedOut   gate.Pairs

	mu   sync.RWMutex
	held map[name]denied
}

type denied struct {
	pairs gate.Pairs
	at    time.Time
}

func newReadings(d *gate.Door, c signal.Categories, now func() time.Time) *readings {
	r := &readings{door: d, categories: c, now: now, held: map[name]denied{}}
	r.optedOut = r.denies(signal.GPC([]string{"1"}))
	return r
}

// denies returns the pairs whose purposes signals deny. What the shop may do without
// anybody's consent by a law, and which no exemption names, is denied too: doubt means no.
func (r *readings) denies(all ...signal.Reading) gate.Pairs {
	return r.door.For(func(p thimble.Purpose) bool {
		return !signal.Narrow(map[thimble.Purpose]consent.State{p: consent.Given}, all...).Permits(p)
	})
}

// gpc returns what the header Sec-GPC denies.
func (r *readings) gpc(values []string) (p gate.Pairs) {
	for _, v := range values {
		if v == "1" {
			return r.optedOut
		}
	}
	return p
}

// of returns what the consent in a context denies.
func (r *readings) of(h *hasher, b *segment.Body, s *segment.Signals) gate.Pairs {
	raw := b.Bytes(s.Consent)
	if len(raw) == 0 {
		return gate.Pairs{}
	}
	now, n := r.now(), h.consent(raw)
	r.mu.RLock()
	d, ok := r.held[n]
	r.mu.RUnlock()
	if age := now.Sub(d.at); ok && age >= 0 && age < readingLives {
		return d.pairs
	}
	d = denied{r.denies(r.read(b, s, now)...), now}
	r.keep(n, d)
	return d.pairs
}

func (r *readings) keep(n name, d denied) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, ok := r.held[n]; !ok && len(r.held) >= readingLimit {
		for other := range r.held {
			delete(r.held, other)
			break
		}
	}
	r.held[n] = d
}

// read reads all that a consent object carries. One that carries a signal of another
// kind and no preferences says nothing by their absence.
func (r *readings) read(b *segment.Body, s *segment.Signals, now time.Time) (all []signal.Reading) {
	o := signal.Options{Now: now}
	if v := b.Bytes(s.Google); len(v) > 0 {
		all = append(all, signal.Google(v))
	}
	if !s.TCF.Absent() {
		all = append(all, signal.TCF(string(b.Bytes(s.TCF)), o))
	}
	if !s.GPP.Absent() {
		all = append(all, signal.GPP(string(b.Bytes(s.GPP)), o))
	}
	if !s.USP.Absent() {
		all = append(all, signal.USP(string(b.Bytes(s.USP))))
	}
	if s.Preferences || len(all) == 0 {
		all = append(all, signal.Segment(b.Bytes(s.Consent), r.categories))
	}
	return all
}
