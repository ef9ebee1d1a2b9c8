package watchdb

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"thimble"
	"thimble/internal/collect/intake"
	"thimble/internal/collect/plan"
	"thimble/internal/collect/segment"
	"thimble/internal/collect/watch"
	"thimble/internal/sqldb"
	"thimble/internal/sqldb/sqldbtest"
)

type world struct {
	t     *testing.T
	db    *sqldb.DB
	now   time.Time
	watch *watch.Watch
	*Store
	force *plan.Compiled
}

func each(t *testing.T, f func(w *world)) {
	t.Helper()
	sqldbtest.Each(t, sqldb.Core, func(t *testing.T, db *sqldb.DB) {
		c, err := plan.Compile(plan.Default())
		if err != nil {
			t.Fatal(err)
		}
		w := &world{t: t, db: db, now: time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC), force: c}
		w.watch = watch.New(w.clock)
		w.Store = w.process(w.watch)
		f(w)
	})
}

func (w *world) clock() time.Time { return w.now }

func (w *world) process(seen *watch.Watch) *Store {
	return New(w.db, seen, Config{Now: w.clock, Every: time.Millisecond})
}

// tell tells of a body of one event of a source.
func (w *world) tell(to *watch.Watch, source uint32, properties string) {
	w.t.Helper()
	b, err := segment.NewReader(w.force).Read(fmt.Appendf(nil, `{"batch":[{"type":"track","event":"Product Viewed","userId":"u","properties":%s}]}`, properties), segment.Batch,
		segment.Arrival{At: w.now, Random: func(b []byte) { clear(b) }})
	if err != nil {
		w.t.Fatal(err)
	}
	to.Tell(intake.Source{Number: source, Kind: intake.Server}, intake.Arrival{}, intake.Taken{Events: 1, Kept: 1}, b)
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func TestFiguresOfSeveralProcessesAddUp(t *testing.T) {
	each(t, func(w *world) {
		other := watch.New(w.clock)
		second := w.process(other)
		for range 3 {
			w.tell(w.watch, 1, `{"sku":5,"waist_cm":81}`)
			w.tell(other, 1, `{"sku":5,"waist_cm":"x"}`)
			w.tell(other, 2, `{}`)
			w.must(w.Flush(t.Context()))
			w.must(second.Flush(t.Context()))
		}
		w.now = w.now.Add(time.Minute)
		w.tell(w.watch, 1, `{}`)
		w.must(w.Flush(t.Context()))

		minutes, err := w.Minutes(t.Context(), 1, w.now.Add(-time.Hour))
		w.must(err)
		if len(minutes) != 2 || minutes[0].Events != 6 || minutes[0].Violations != 6 || minutes[0].Unknown != 6 || minutes[1].Kept != 1 {
			t.Errorf("source 1 by minute: %+v", minutes)
		}
		sums, err := w.Sums(t.Context(), w.now.Add(-time.Hour))
		w.must(err)
		if len(sums) != 2 || sums[0].Events != 7 || sums[1].Source != 2 || sums[1].Events != 3 || !sums[0].Last.Equal(w.now) {
			t.Errorf("by source: %+v", sums)
		}
		violations, err := w.Violations(t.Context(), 1, 10)
		w.must(err)
		if len(violations) != 1 || violations[0].N != 6 || violations[0].Path != "sku" || violations[0].Got != "number" {
			t.Errorf("violations: %+v", violations)
		}
		proposals, err := w.Proposals(t.Context(), w.force, false, 10)
		w.must(err)
		if len(proposals) != 1 || proposals[0].N != 6 || proposals[0].Category != "thimble.body_measurements" || proposals[0].Shape != "mixed" {
			t.Errorf("proposals: %+v", proposals)
		}
	})
}

func TestAProposalWaitsUntilItIsPutOffOrInThePlan(t *testing.T) {
	each(t, func(w *world) {
		w.tell(w.watch, 1, `{"waist_cm":81}`)
		w.must(w.Flush(t.Context()))
		waiting := func(later bool, force *plan.Compiled) []Proposal {
			all, err := w.Proposals(t.Context(), force, later, 10)
			w.must(err)
			return all
		}
		p := waiting(false, w.force)[0]
		w.must(w.Later(t.Context(), p.ID, w.now.Add(time.Hour)))
		if len(waiting(false, w.force)) != 0 || len(waiting(true, w.force)) != 1 {
			t.Error("put off, it waits all the same")
		}
		w.tell(w.watch, 1, `{"waist_cm":82}`)
		w.must(w.Flush(t.Context()))
		if len(waiting(false, w.force)) != 0 {
			t.Error("put off, it came again and waits")
		}
		w.now = w.now.Add(2 * time.Hour)
		if got := waiting(false, w.force); len(got) != 1 || got[0].N != 2 {
			t.Errorf("after its time: %+v, want it to wait", got)
		}
		text, err := plan.EditText(plan.DefaultText())
		w.must(err)
		w.must(text.Put(plan.Where{Event: "Product Viewed"}, plan.Property{Name: "waist_cm", Type: plan.Number, Transform: plan.Drop}))
		_, changed, err := text.Done()
		w.must(err)
		c, err := plan.Compile(changed)
		w.must(err)
		if len(waiting(false, c)) != 0 {
			t.Error("the plan drops it for good, and it waits")
		}
		none, err := thimble.NewID(nil)
		w.must(err)
		if _, err := w.Proposal(t.Context(), none); !errors.Is(err, thimble.ErrNotFound) {
			t.Errorf("no proposal: %v", err)
		}
		if err := w.Later(t.Context(), none, w.now); !errors.Is(err, thimble.ErrNotFound) {
			t.Errorf("putting off none: %v", err)
		}
	})
}

func TestWhatCouldNotBeWrittenIsWrittenLater(t *testing.T) {
	each(t, func(w *world) {
		w.tell(w.watch, 1, `{}`)
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		if err := w.Flush(gone); err == nil {
			t.Fatal("written for a caller who is gone")
		}
		w.tell(w.watch, 1, `{}`)
		w.must(w.Flush(t.Context()))
		sums, err := w.Sums(t.Context(), w.now.Add(-time.Hour))
		w.must(err)
		if len(sums) != 1 || sums[0].Events != 2 {
			t.Errorf("%+v, want 2 events", sums)
		}
	})
}

func TestTheLastFiguresAreWrittenAtTheEnd(t *testing.T) {
	each(t, func(w *world) {
		s := New(w.db, w.watch, Config{Now: w.clock, Every: time.Hour})
		w.tell(w.watch, 1, `{}`)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		w.must(s.Run(ctx))
		sums, err := w.Sums(t.Context(), w.now.Add(-time.Hour))
		w.must(err)
		if len(sums) != 1 {
			t.Errorf("%+v, want one event", sums)
		}
	})
}

func TestFiguresAreGoneAfterThirtyDays(t *testing.T) {
	each(t, func(w *world) {
		w.tell(w.watch, 1, `{"sku":5,"waist_cm":81}`)
		w.must(w.Flush(t.Context()))
		w.now = w.now.Add(Kept - time.Hour)
		if n, err := w.Prune(t.Context()); n != 0 || err != nil {
			t.Errorf("%d rows are gone too early, %v", n, err)
		}
		w.now = w.now.Add(2 * time.Hour)
		if n, err := w.Prune(t.Context()); n != 3 || err != nil {
			t.Errorf("%d rows are gone, %v, want 3", n, err)
		}
	})
}

func TestTheTablesAreBounded(t *testing.T) {
	each(t, func(w *world) {
		for i := range 12 {
			props := `{"x":1`
			for j := range 200 {
				props += fmt.Sprintf(`,"n%c%c%c":1`, 'a'+i, 'a'+j/26, 'a'+j%26)
			}
			w.now = w.now.Add(time.Second)
			w.tell(w.watch, 1, props+"}")
			w.must(w.Flush(t.Context()))
		}
		all, err := w.Proposals(t.Context(), w.force, false, 1<<20)
		w.must(err)
		first := 0
		for _, p := range all {
			if strings.HasPrefix(p.Name, "na") {
				first++
			}
		}
		if len(all) > MaxProposals || first == 200 {
			t.Errorf("%d proposals are kept, %d of the oldest: want %d at most, and the oldest to go", len(all), first, MaxProposals)
		}
	})
}

// One source that sends nonsense keeps what others sent from nobody.
func TestANoisySourceMakesRoomForItselfAlone(t *testing.T) {
	each(t, func(w *world) {
		w.tell(w.watch, 2, `{"sku":5,"lining":"silk"}`)
		w.must(w.Flush(t.Context()))
		w.now = w.now.Add(time.Hour)
		var violations []watch.Violation
		var proposals []watch.Proposal
		for i := range MaxViolations + 50 {
			at := w.now.Add(time.Duration(i) * time.Second)
			seen := watch.Seen{N: 1, First: at, Last: at}
			violations = append(violations, watch.Violation{Source: 1, Event: "Product Viewed", Path: fmt.Sprint("p", i), Expected: "string", Got: "number", Seen: seen})
			proposals = append(proposals, watch.Proposal{Source: 1, Event: "Product Viewed", Name: fmt.Sprint("p", i), Shape: "number", Seen: seen})
		}
		for range 2 {
			w.must(w.db.Write(t.Context(), func(tx *sqldb.Tx) error {
				return errors.Join(addViolations(t.Context(), tx, violations), addProposals(t.Context(), tx, proposals))
			}))
		}
		noise, err := w.Violations(t.Context(), 1, 1<<20)
		w.must(err)
		others, err := w.Violations(t.Context(), 2, 10)
		w.must(err)
		if len(noise) != MaxViolations || noise[0].Path != fmt.Sprint("p", MaxViolations+49) || len(others) != 1 {
			t.Errorf("%d broken rules of the one, %d of the other: want %d, the newest, and 1", len(noise), len(others), MaxViolations)
		}
		all, err := w.Proposals(t.Context(), w.force, false, 1<<20)
		w.must(err)
		of := map[uint32]int{}
		for _, p := range all {
			of[p.Source]++
		}
		if of[1] != MaxProposals || of[2] != 1 {
			t.Errorf("proposals by source: %v, want %d and 1", of, MaxProposals)
		}
	})
}
