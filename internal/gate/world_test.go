package gate

import (
	"context"
	"errors"
	"maps"
	"os"
	"slices"
	"sync"
	"time"

	"thimble"
	"thimble/internal/consent"
	"thimble/internal/policy"
	"thimble/internal/subject"
)

// times returns how often a test repeats itself: full under THIMBLE_SOAK.
func times(sample, full int) int {
	if os.Getenv("THIMBLE_SOAK") != "" {
		return full
	}
	return sample
}

// A world is the stores below the gate, in memory: what is committed.
type world struct {
	mu     sync.Mutex
	people map[thimble.SubjectID]*resident
	law    Law
	ends   time.Time // of the choice of the law
	silent bool
	pause  func(string) // between the reads of one judgement
}

type resident struct {
	epoch      int64
	restricted bool
	said       map[thimble.Purpose]consent.Standing
}

func newWorld(l Law) *world {
	return &world{people: map[thimble.SubjectID]*resident{}, law: l, pause: func(string) {}}
}

// commit changes a person in one transaction, epoch and all.
func (w *world) commit(who thimble.SubjectID, change func(*resident)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	r := w.people[who]
	if r == nil {
		r = &resident{said: map[thimble.Purpose]consent.Standing{}}
		w.people[who] = r
	}
	r.epoch++
	change(r)
}

func (w *world) says(who thimble.SubjectID, s consent.Standing) {
	w.commit(who, func(r *resident) { r.said[s.Purpose] = s })
}

func (w *world) Person(_ context.Context, who thimble.SubjectID) (subject.Person, error) {
	w.pause("person")
	w.mu.Lock()
	defer w.mu.Unlock()
	if r := w.people[who]; r != nil {
		return subject.Person{Members: []subject.Member{{ID: who, Epoch: r.epoch}}, Restricted: r.restricted}, nil
	}
	return subject.Person{}, thimble.ErrNotFound
}

func (w *world) Standings(_ context.Context, who thimble.SubjectID, _ ...thimble.Purpose) ([]consent.Standing, error) {
	w.pause("standings")
	w.mu.Lock()
	defer w.mu.Unlock()
	if r := w.people[who]; r != nil {
		return slices.Collect(maps.Values(r.said)), nil
	}
	return nil, nil
}

func (w *world) Permitting(_ context.Context, p thimble.Purpose, at time.Time, after thimble.SubjectID, limit int) ([]thimble.SubjectID, error) {
	w.pause("permitting")
	w.mu.Lock()
	defer w.mu.Unlock()
	var all []thimble.SubjectID
	for who, r := range w.people {
		if r.said[p].Now(at).Permits() && slices.Compare(who[:], after[:]) > 0 {
			all = append(all, who)
		}
	}
	slices.SortFunc(all, func(a, b thimble.SubjectID) int { return slices.Compare(a[:], b[:]) })
	return all[:min(limit, len(all))], nil
}

func (w *world) Of(context.Context, subject.Person, time.Time) (Law, time.Time, error) {
	w.pause("law")
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.law, w.ends, nil
}

func (w *world) Open(_ context.Context, _ thimble.Cell, sealed []byte) ([]byte, error) {
	w.pause("open")
	return sealed, nil
}

func (w *world) Record(context.Context, Request, Verdict) (thimble.ID, error) {
	return thimble.NewID(nil)
}

func (w *world) Count(Request) {}

func (w *world) Silent(context.Context) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.silent
}

// gate returns a gate over the world.
func (w *world) gate(m *Moves, now func() time.Time) *Gate {
	g := New(w, w, w, w, w.law, m, now)
	g.Under(w)
	return g
}

// given is a yes that does not end.
func given(p thimble.Purpose) consent.Standing {
	return consent.Standing{Purpose: p, State: consent.Given, Seq: 1, At: now}
}

func withdrawn(p thimble.Purpose) consent.Standing {
	return consent.Standing{Purpose: p, State: consent.Withdrawn, Seq: 2, At: now}
}

var (
	ada, bob  = thimble.SubjectID{1}, thimble.SubjectID{2}
	machine   = Actor{Kind: Machine, Name: "test"}
	purchases = []thimble.Category{thimble.PurchaseHistory}
)

// asking is a request of a machine for somebody's purchases.
func asking(who thimble.SubjectID, p thimble.Purpose) Request {
	return Request{Actor: machine, Subject: who, Purpose: p, Categories: purchases}
}

// law makes a pack without reading a file.
func law(id string, rules []policy.Rule, sensitive ...policy.Sensitive) *policy.Pack {
	return &policy.Pack{ID: id, Version: "1", Purposes: rules, Sensitive: sensitive}
}

// noLease is that of a process that cannot get one.
type noLease struct{}

func (noLease) Live(time.Time) bool         { return false }
func (noLease) Renew(context.Context) error { return thimble.ErrUnavailable }

func isDenied(err error) bool { return errors.Is(err, thimble.ErrDenied) }
