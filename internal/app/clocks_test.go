package app_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"thimble"
	"thimble/internal/consent"
	"thimble/internal/policy/calendar"
	"thimble/internal/recommend/lists"
	"thimble/internal/retention"
	"thimble/internal/retention/retentiondb"
	"thimble/internal/sqldb"
	"thimble/internal/subject"
	"thimble/internal/thimbletest"
)

// runAfter is the newest run by a clock of people.
func runAfter(t *testing.T, s *thimbletest.Shop, clock retention.Clock) retention.Run {
	t.Helper()
	all, err := s.Retention.Runs(t.Context(), 1000)
	if err != nil {
		t.Fatal(err)
	}
	all = slices.DeleteFunc(all, func(r retention.Run) bool { return r.Clock != clock })
	if len(all) == 0 {
		t.Fatalf("there is no run after %s", clock)
	}
	return slices.MaxFunc(all, func(a, b retention.Run) int { return a.At.Compare(b.At) })
}

// turns sets the clock on by days, and what follows from it.
func turns(t *testing.T, s *thimbletest.Shop, now *time.Time, days int) {
	t.Helper()
	*now = now.AddDate(0, 0, days)
	s.Works()
	if err := s.Node.Renew(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func partsOf(t *testing.T, s *thimbletest.Shop, who thimble.SubjectID, now time.Time) (n int64) {
	t.Helper()
	held, err := s.Timeline.Held(t.Context(), who, now.AddDate(1, 0, 0))
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range held {
		n += k
	}
	return n
}

// needed are the purposes for which the tracking plan collects and people are asked.
func needed(s *thimbletest.Shop) (all []thimble.Purpose) {
	for _, u := range s.Plan.Compiled().Classes {
		for _, p := range u.Purposes {
			if !slices.Contains(all, p) && slices.ContainsFunc(consent.Asked, func(a consent.Ask) bool { return a.Purpose == p }) {
				all = append(all, p)
			}
		}
	}
	return all
}

// A person's events leave the log once nothing that they were collected for is permitted, and
// nobody else's do.
func TestWhatNoPurposeNeedsAnyMoreLeavesTheLog(t *testing.T) {
	thimbletest.Each(t, func(t *testing.T, s *thimbletest.Shop) {
		now := time.Now()
		tomorrow := now.AddDate(0, 0, 1)
		purposes := needed(s)
		chance := rand.New(rand.NewPCG(20261130, 1))
		type person struct {
			id     thimble.SubjectID
			over   bool
			before int64
		}
		var people []person
		for i := range 6 {
			p := person{id: s.Subject(fmt.Sprint("p-", i), thimbletest.Allows(purposes...)...)}
			s.Browses(p.id, "shirt", "belt")
			ends := slices.Clone(purposes)
			if p.over = i < 2 || chance.IntN(2) == 0; !p.over { // one purpose is left
				chance.Shuffle(len(ends), func(i, j int) { ends[i], ends[j] = ends[j], ends[i] })
				ends = slices.DeleteFunc(ends, func(q thimble.Purpose) bool { return q == thimble.PersonalizeContent })
			}
			p.before = partsOf(t, s, p.id, tomorrow)
			s.Chooses(p.id, thimbletest.Withdraws(ends...)...)
			people = append(people, p)
		}
		rule := retention.Rule{Category: "*", After: retention.PurposeEnd, Span: calendar.Span{Unit: calendar.Days}, Source: retention.Source{Kind: retention.Operator, Name: "a test", Cite: why}}
		clocks := &brittle{Clocks: s.App.Clocks()}
		store := retentiondb.New(s.Core, s.Ledger, s.Subjects, retentiondb.Config{
			Now: func() time.Time { return tomorrow }, Clocks: clocks,
			Law: func(context.Context) ([]retention.Rule, error) { return []retention.Rule{rule}, nil },
			Key: func(context.Context) ([]byte, error) { return make([]byte, 32), nil },
			Expire: func(context.Context, thimble.Category, time.Time) (retentiondb.Expired, error) {
				return retentiondb.Expired{}, nil
			},
		})
		if _, err := store.Daily(t.Context()); err != nil {
			t.Fatal(err)
		}
		waits := runAfter(t, s, retention.PurposeEnd)
		if waits.State != retention.Waiting || retention.Sum(waits.Proof.Listed) == 0 {
			t.Fatalf("the first run asks nobody, or of nothing: %+v", waits)
		}
		if err := store.Confirm(t.Context(), waits.ID, "mia", why); err != nil {
			t.Fatal(err)
		}
		clocks.breaks = true
		if _, err := store.Daily(t.Context()); !errors.Is(err, errPower) {
			t.Fatalf("the run that is interrupted says %v", err)
		}
		listed := runAfter(t, s, retention.PurposeEnd)
		clocks.breaks = false
		if _, err := store.Daily(t.Context()); err != nil {
			t.Fatal(err)
		}
		r := runAfter(t, s, retention.PurposeEnd)
		if r.State != retention.Done || !r.Proof.Resumed || r.Proof.Root == "" || r.Proof.Root != listed.Proof.Root || r.By != "mia" || len(r.Proof.Left) != 0 {
			t.Errorf("the run: %+v", r)
		}
		for i, p := range people {
			n := partsOf(t, s, p.id, tomorrow)
			if p.before == 0 || p.over && n != 0 || !p.over && n != p.before {
				t.Errorf("person %d, over %v: %d parts of %d are left", i, p.over, n, p.before)
			}
		}
		if again, err := store.Daily(t.Context()); err != nil || slices.ContainsFunc(again, func(r retention.Run) bool { return r.Clock == retention.PurposeEnd }) {
			t.Errorf("it ran twice a day: %v", err)
		}
		// What the log still had would be told: a run that takes nothing out is red.
		clocks.idle = true
		for i := range people {
			if !people[i].over {
				s.Chooses(people[i].id, thimbletest.Withdraws(purposes...)...)
			}
		}
		tomorrow = tomorrow.AddDate(0, 0, 1)
		if _, err := store.Daily(t.Context()); err != nil {
			t.Fatal(err)
		}
		if r := runAfter(t, s, retention.PurposeEnd); r.State != retention.Red || retention.Sum(r.Proof.Left) != retention.Sum(r.Proof.Listed) || len(r.Proof.Listed) == 0 {
			t.Errorf("a run that leaves something is %s: %+v", r.State, r.Proof)
		}
	})
}

var errPower = errors.New("the power went")

// brittle clocks lose what they were told to do: after it was done, or before.
type brittle struct {
	retentiondb.Clocks
	breaks, idle bool
}

func (b *brittle) Lapse(ctx context.Context, before time.Time, over func(context.Context, thimble.SubjectID, thimble.Category) (bool, error)) (int, error) {
	if b.idle {
		return 0, nil
	}
	n := 0
	removed, err := b.Clocks.Lapse(ctx, before, func(ctx context.Context, who thimble.SubjectID, c thimble.Category) (bool, error) {
		is, err := over(ctx, who, c)
		if n++; b.breaks && n > 5 {
			err = errPower
		}
		return is, err
	})
	return removed, err
}

// A no to a part of a purpose leaves the rest of it, where a law lets things be used until
// somebody says no; a no to all of it ends it.
func TestANoToAPartOfAPurposeIsNoEndOfIt(t *testing.T) {
	s := thimbletest.New(t)
	who := s.Subject("cal")
	home := subject.Residence{Country: "US", Evidence: "declared", At: time.Now()}
	if err := s.Core.Write(t.Context(), func(tx *sqldb.Tx) error { return s.Subjects.SetResidence(t.Context(), tx, who, home) }); err != nil {
		t.Fatal(err)
	}
	ended := func() time.Time {
		t.Helper()
		at, err := s.Clocks().Ended(t.Context(), who, lists.Browsing)
		if err != nil {
			t.Fatal(err)
		}
		return at
	}
	say := func(scope consent.Scope) {
		for _, p := range needed(s) {
			s.Chooses(who, consent.Choice{Purpose: p, State: consent.Refused, Scope: scope})
		}
	}
	say(consent.Scope{Feature: "recommendations"})
	if at := ended(); !at.IsZero() {
		t.Errorf("after a no to one feature it is over since %s", at)
	}
	say(consent.Scope{})
	if ended().IsZero() {
		t.Error("after a no to all of it it is not over")
	}
}
