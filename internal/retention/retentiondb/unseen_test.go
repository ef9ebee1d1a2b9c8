package retentiondb_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"testing"
	"time"

	"thimble"
	"thimble/internal/holdertest"
	"thimble/internal/policy/calendar"
	"thimble/internal/retention"
	"thimble/internal/retention/retentiondb"
	"thimble/internal/sqldb"
)

var errPower = errors.New("the power went")

// A world has people under laws, what is in the log of events of them, and a mail server.
// It breaks off by chance in whatever it is asked to do.
type world struct {
	t      testing.TB
	k      *holdertest.Kernel
	store  *retentiondb.Store
	now    time.Time
	chance *rand.Rand
	breaks int // one in so many calls; 0: none
	epoch  int64
	slow   bool // letters take days
	rules  []retention.Rule

	laws   map[thimble.SubjectID]map[string]bool // the rules that are of somebody's law
	seen   map[thimble.SubjectID]time.Time       // the truth
	told   map[thimble.SubjectID]time.Time       // since when they know
	silent map[thimble.SubjectID]retention.WarningState
	erased map[thimble.SubjectID]time.Time
	parts  []part
	ended  map[thimble.SubjectID]time.Time
	gone   map[string]time.Time
	sent   map[thimble.ID]thimble.SubjectID
	roots  map[thimble.ID]string // of runs that broke off
}

type part struct {
	who thimble.SubjectID
	key string
	at  time.Time
}

func (w *world) power() error {
	if w.breaks > 0 && w.chance.IntN(w.breaks) == 0 {
		return errPower
	}
	return nil
}

func (w *world) Applies(_ context.Context, who thimble.SubjectID, r retention.Rule) (bool, error) {
	return r.Source.Kind != retention.Law || w.laws[who][r.Key()], w.power()
}
func (w *world) Present(_ context.Context, after int64, _ func(thimble.SubjectID, time.Time)) (int64, error) {
	return after, w.power()
}
func (w *world) Seen(context.Context, ...thimble.SubjectID) (time.Time, error) {
	return time.Time{}, w.power()
}
func (w *world) Ended(_ context.Context, who thimble.SubjectID, _ thimble.Category) (time.Time, error) {
	return w.ended[who], w.power()
}
func (w *world) Parts(_ context.Context, before time.Time, each func(thimble.SubjectID, thimble.Category, []byte) error) error {
	for _, p := range w.parts {
		if _, gone := w.gone[p.key]; !gone && p.at.Before(before) {
			if err := each(p.who, thimble.PurchaseHistory, []byte(p.key)); err != nil {
				return err
			}
		}
	}
	return w.power()
}
func (w *world) Lapse(ctx context.Context, before time.Time, over func(context.Context, thimble.SubjectID, thimble.Category) (bool, error)) (n int, err error) {
	for _, p := range w.parts {
		if _, gone := w.gone[p.key]; gone || !p.at.Before(before) {
			continue
		}
		is, err := over(ctx, p.who, thimble.PurchaseHistory)
		if err == nil {
			err = w.power()
		}
		if err != nil {
			return n, err
		}
		if is {
			if !w.over(p.who, retention.PurposeEnd, w.ended[p.who], w.now) {
				w.t.Errorf("%s leaves the log on %s, over since %s, by no rule of whom it is about", p.key, w.now, w.ended[p.who])
			}
			w.gone[p.key] = w.now
			n++
		}
	}
	return n, nil
}
func (w *world) Held(context.Context, thimble.SubjectID, time.Time) (map[thimble.Category]int64, error) {
	return nil, w.power()
}
func (w *world) Mark(ctx context.Context, who thimble.SubjectID, on bool) error {
	return errors.Join(w.power(), w.k.Core.Write(ctx, func(tx *sqldb.Tx) error { return w.k.Subjects.SetLapsed(ctx, tx, who, on) }))
}
func (w *world) Marked(ctx context.Context) ([]thimble.SubjectID, error) {
	return w.k.Subjects.Lapsed(ctx)
}

// Tell implements retentiondb.Teller.
func (w *world) Tell(ctx context.Context, about retention.Warning, noted func(context.Context, *sqldb.Tx, thimble.ID) error) (retention.WarningState, string, error) {
	if err := w.power(); err != nil {
		return about.State, "", err
	}
	if about.Due.Sub(w.now) < retention.Notice {
		w.t.Errorf("a letter of %s says %s", w.now, about.Due)
	}
	if about.State == retention.WarningUnreached && w.chance.IntN(8) == 0 { // somebody knows an address now
		delete(w.silent, about.Subject)
		delete(w.told, about.Subject)
	}
	switch w.silent[about.Subject] {
	case retention.WarningUnreached:
		if about.State != retention.WarningUnreached {
			w.told[about.Subject] = w.now
		}
		return retention.WarningUnreached, "no-address", nil
	case retention.WarningOwed:
		return retention.WarningOwed, "no-mail-server", nil
	}
	if len(about.Sent) > 0 {
		return retention.WarningQueued, "", nil
	}
	id, err := thimble.NewID(nil)
	if err == nil {
		err = w.k.Core.Write(ctx, func(tx *sqldb.Tx) error { return noted(ctx, tx, id) })
	}
	if err != nil {
		return about.State, "", err
	}
	w.sent[id] = about.Subject
	if err := w.power(); err != nil {
		return about.State, "", err // it is queued, and nobody heard of it
	}
	return retention.WarningQueued, "", nil
}

// Became implements retentiondb.Teller: a letter takes as long as it likes.
func (w *world) Became(_ context.Context, messages []thimble.ID) (retention.WarningState, time.Time, string, error) {
	if err := w.power(); err != nil {
		return "", time.Time{}, "", err
	}
	who, known := w.sent[messages[0]]
	if !known { // it was told before the backup was put back
		return retention.WarningQueued, w.now, "", nil
	}
	if w.slow && w.chance.IntN(3) > 0 {
		return retention.WarningQueued, w.now, "busy", nil
	}
	w.told[who] = w.now
	return retention.WarningTold, w.now, "", nil
}

func (w *world) erase(ctx context.Context, who thimble.SubjectID) error {
	if err := w.power(); err != nil {
		return err
	}
	if _, twice := w.erased[who]; twice {
		w.t.Errorf("%s is erased twice", who)
	}
	due := time.Time{} // by the strictest rule of their law
	for _, r := range w.rules {
		if r.Forgets() && (r.Source.Kind != retention.Law || w.laws[who][r.Key()]) {
			start := w.seen[who].Truncate(24 * time.Hour)
			if r.Since.After(start) {
				start = r.Since
			}
			if end := retention.After(start.Add(24*time.Hour-time.Microsecond), r.Span); due.IsZero() || end.Before(due) {
				due = end
			}
		}
	}
	switch told := w.told[who]; {
	case due.IsZero():
		w.t.Errorf("who is under no such rule is forgotten")
	case w.now.Before(due):
		w.t.Errorf("who was there on %s is forgotten on %s, and not before %s", w.seen[who], w.now, due)
	case told.IsZero() || w.now.Sub(told) < retention.Notice:
		w.t.Errorf("who was told at %s is forgotten at %s", told, w.now)
	}
	_, err := w.store.Erase(ctx, who)
	if err == nil {
		_, err = w.k.Subjects.Erase(ctx, who)
	}
	if err != nil {
		return err
	}
	w.erased[who] = w.now
	return w.power() // it is done, and nobody heard of it
}

func (w *world) open() {
	w.store = retentiondb.New(w.k.Core, w.k.Ledger, w.k.Subjects, retentiondb.Config{
		Now: func() time.Time { return w.now }, Clocks: w, Teller: w, Erase: w.erase,
		Epoch: func(context.Context) (int64, error) { return w.epoch, w.power() },
		Law:   func(context.Context) ([]retention.Rule, error) { return w.rules, nil },
		Key:   func(context.Context) ([]byte, error) { return make([]byte, 32), nil },
		Expire: func(context.Context, thimble.Category, time.Time) (retentiondb.Expired, error) {
			return retentiondb.Expired{}, nil
		},
	})
}

// is puts when somebody was there last, and came to be known.
func (w *world) is(who thimble.SubjectID, at time.Time) {
	w.t.Helper()
	w.seen[who] = at
	err := w.k.Core.Write(w.t.Context(), func(tx *sqldb.Tx) error {
		_, err := tx.Exec(w.t.Context(), `update subject_subjects set created_at = $1, seen_on = $2 where id = $3`, at.UnixMicro(), at.UTC().Truncate(24*time.Hour).UnixMicro(), who[:])
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

// returns is somebody who comes back.
func (w *world) returns(who thimble.SubjectID) {
	w.t.Helper()
	if err := w.k.Subjects.Saw(w.t.Context(), map[thimble.SubjectID]time.Time{who: w.now}); err != nil {
		w.t.Fatal(err)
	}
	if _, gone := w.erased[who]; !gone {
		w.seen[who], w.told[who] = w.now, time.Time{}
	}
}

// day has what is due of one day done; what breaks off is gone on with.
func (w *world) day() {
	ctx := w.t.Context()
	for _, do := range []func(context.Context) error{w.store.WriteWarnings, func(ctx context.Context) error { _, err := w.store.Daily(ctx); return err }, w.store.WriteWarnings} {
		if err := do(ctx); err != nil && !errors.Is(err, errPower) {
			w.t.Fatalf("on %s: %v", w.now, err)
		}
	}
	w.now = w.now.Add(24 * time.Hour)
	if w.breaks > 0 {
		w.open() // another process
	}
	runs, err := w.store.Runs(ctx, 10_000)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, r := range runs {
		switch {
		case r.State == retention.Red:
			w.t.Fatalf("on %s a run is red: %+v", w.now, r.Proof)
		case r.State == retention.Waiting:
			if err := w.store.Confirm(ctx, r.ID, "mia", "looked at it, it is right"); err != nil {
				w.t.Fatal(err)
			}
		case r.State == retention.Listed:
			w.roots[r.ID] = r.Proof.Root // broken off
		case w.roots[r.ID] != "" && (r.Proof.Root != w.roots[r.ID] || !r.Proof.Resumed):
			w.t.Errorf("a run that was broken off went on with another root: %+v", r.Proof)
		}
	}
}

func newWorld(t testing.TB, k *holdertest.Kernel, seed uint64) *world {
	w := &world{t: t, k: k, now: k.Now().UTC().Truncate(24 * time.Hour).Add(9 * time.Hour), chance: rand.New(rand.NewPCG(20261130, seed)),
		laws: map[thimble.SubjectID]map[string]bool{}, seen: map[thimble.SubjectID]time.Time{}, told: map[thimble.SubjectID]time.Time{}, silent: map[thimble.SubjectID]retention.WarningState{},
		erased: map[thimble.SubjectID]time.Time{}, ended: map[thimble.SubjectID]time.Time{}, gone: map[string]time.Time{}, sent: map[thimble.ID]thimble.SubjectID{}, roots: map[thimble.ID]string{}}
	w.open()
	return w
}

func lawOf(name string, after retention.Clock, days int) retention.Rule {
	return retention.Rule{Category: "*", After: after, Span: calendar.Span{N: days, Unit: calendar.Days}, Source: retention.Source{Kind: retention.Law, Name: name, Cite: "art. 1"}}
}

// For random rules of laws and of the operator, people under any of them, who come back or
// not, are told or cannot be, and whatever breaks off: what goes is what the rules of each
// person say together, when they say so, and nothing else.
func TestWhatGoesIsWhatTheRulesOfEachPersonSay(t *testing.T) {
	worlds := 1
	if os.Getenv("THIMBLE_SOAK") == "1" {
		worlds = 40
	}
	holdertest.Each(t, func(t *testing.T, k *holdertest.Kernel) {
		for n := range worlds {
			seed := uint64(n + 1)
			t.Logf("seed %d", seed)
			w := newWorld(t, k, seed)
			begin := w.now
			for _, after := range []retention.Clock{retention.LastSeen, retention.PurposeEnd} {
				for i := range 1 + w.chance.IntN(3) {
					w.rules = append(w.rules, lawOf(fmt.Sprint("law-", i), after, 8+w.chance.IntN(16)))
				}
			}
			if w.chance.IntN(2) == 0 {
				own := lawOf("version 1", retention.PurposeEnd, 20)
				own.Source.Kind = retention.Operator
				w.rules = append(w.rules, own)
			}
			var people []thimble.SubjectID
			for i := range 24 {
				who := k.Person(t)
				people = append(people, who)
				w.laws[who] = map[string]bool{}
				for _, r := range w.rules {
					if r.Source.Kind == retention.Law && w.chance.IntN(3) > 0 {
						w.laws[who][r.Key()] = true
					}
				}
				w.is(who, begin.AddDate(0, 0, -w.chance.IntN(30)))
				w.silent[who] = []retention.WarningState{"", "", retention.WarningUnreached, retention.WarningOwed}[w.chance.IntN(4)]
				if w.chance.IntN(3) > 0 {
					w.ended[who] = begin.AddDate(0, 0, -w.chance.IntN(30))
				}
				for p := range 3 {
					w.parts = append(w.parts, part{who, fmt.Sprintf("%d/%d", i, p), begin.AddDate(0, 0, -w.chance.IntN(30))})
				}
			}
			back := map[int]thimble.SubjectID{}
			for range 12 {
				back[w.chance.IntN(34)] = people[w.chance.IntN(len(people))]
			}
			const days = 42
			for d := range days {
				w.breaks = []int{0, 0, 40, 400}[w.chance.IntN(4)]
				if w.slow = d <= days-8; !w.slow {
					w.breaks = 0 // the power stays
				}
				if d == 18 { // a backup was put back: what was told before it counts for nothing
					w.epoch++
					clear(w.told)
					clear(w.sent)
				}
				if who, comes := back[d]; comes {
					w.returns(who)
				}
				at := w.now
				w.day()
				if w.breaks == 0 {
					w.refusals(at)
				}
			}
			w.settled(people)
			for _, who := range people { // the next world has people of its own
				if _, err := k.Subjects.Erase(t.Context(), who); err != nil {
					t.Fatal(err)
				}
				if _, err := w.store.Erase(t.Context(), who); err != nil {
					t.Fatal(err)
				}
			}
		}
	})
}

// over reports whether any rule of a clock of somebody's is over at an instant: what all of
// them say together.
func (w *world) over(who thimble.SubjectID, after retention.Clock, since, at time.Time) bool {
	for _, r := range w.rules {
		if r.After == after && (r.Source.Kind != retention.Law || w.laws[who][r.Key()]) && !since.IsZero() && since.Before(retention.Before(at, r.Span)) {
			return true
		}
	}
	return false
}

// refusals holds whom the gate refuses against the rules, on a day on which nothing broke off.
func (w *world) refusals(at time.Time) {
	w.t.Helper()
	for who, seen := range w.seen {
		if _, gone := w.erased[who]; gone {
			continue
		}
		over := w.over(who, retention.LastSeen, seen.Truncate(24*time.Hour), at)
		if p, err := w.k.Subjects.Person(w.t.Context(), who); err != nil || p.Restricted != over {
			w.t.Errorf("on %s, who was there on %s is refused %v, want %v, %v", at, seen, p.Restricted, over, err)
		}
	}
}

// settled holds what is left against the rules.
func (w *world) settled(people []thimble.SubjectID) {
	w.t.Helper()
	yesterday := w.now.Add(-24 * time.Hour)
	for i, who := range people {
		_, gone := w.erased[who]
		want := w.over(who, retention.LastSeen, w.seen[who].Truncate(24*time.Hour), yesterday) && w.silent[who] != retention.WarningOwed
		if gone != want {
			w.t.Errorf("person %d (%q), there on %s, told on %s: forgotten %v, want %v", i, w.silent[who], w.seen[who], w.told[who], gone, want)
		}
		p, err := w.k.Subjects.Person(w.t.Context(), who)
		if untold := w.over(who, retention.LastSeen, w.seen[who].Truncate(24*time.Hour), yesterday) && !gone; !gone && (err != nil || p.Restricted != untold) {
			w.t.Errorf("person %d is refused %v, want %v, %v", i, p.Restricted, untold, err)
		}
	}
	for _, p := range w.parts {
		_, gone := w.gone[p.key]
		_, forgotten := w.erased[p.who]
		if want := w.over(p.who, retention.PurposeEnd, w.ended[p.who], yesterday); gone != want && !forgotten {
			w.t.Errorf("part %s of %s, over since %s: gone %v, want %v", p.key, p.at, w.ended[p.who], gone, want)
		}
	}
	if n := len(w.erased); n == 0 || n == len(people) {
		w.t.Logf("%d of %d are forgotten: the seed says little", n, len(people))
	} else {
		w.t.Logf("%d of %d are forgotten, %d of %d parts are gone", n, len(people), len(w.gone), len(w.parts))
	}
}
