package timelinedb_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"thimble"
	"thimble/internal/collect/frame"
	"thimble/internal/thimbletest"
)

func TestWhatIsNotBuiltInShowsAsItWillBeBuilt(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		const seed = 11
		rnd := rand.New(rand.NewPCG(seed, 1))
		var people []thimble.SubjectID
		for range 4 {
			people = append(people, w.person(taste))
		}
		reader := w.store
		say := func() (all []any) {
			for _, who := range people {
				all = append(all, w.interactions(who), w.profile(who))
			}
			return all
		}
		shown := 0
		for range 60 {
			who := people[rnd.IntN(len(people))]
			switch rnd.IntN(8) {
			case 0:
				w.Chooses(who, thimbletest.Withdraws(taste)...)
				w.must(w.store.Derive(t.Context(), who))
			case 1:
				w.Chooses(who, thimbletest.Allows(taste)...)
				w.must(w.store.Derive(t.Context(), who))
			default:
				var records []frame.Record
				for range rnd.IntN(6) + 1 {
					at := noon.Add(time.Duration(rnd.IntN(5e6)) * time.Second) // two months
					records = append(records, w.record(people[rnd.IntN(len(people))], at, viewed(string(rune('a'+rnd.IntN(5))), at)))
				}
				w.append(records...)
			}
			before := say()
			if rnd.IntN(4) > 0 {
				continue
			}
			// Another process builds it in: what this one knows of the log is older then.
			w.store = w.open()
			w.flush()
			w.store = reader
			if diff := cmp.Diff(before, say()); diff != "" {
				t.Fatalf("seed %d: before it was built (-) and after (+):\n%s", seed, diff)
			}
			shown++
		}
		if shown < 5 {
			t.Fatalf("seed %d: only %d times something was built", seed, shown)
		}
	})
}

func TestOfVeryMuchThatWaitsTheNewestIsMissingForAMoment(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.behind = 10
		w.store = w.open()
		ada, bot := w.person(taste), w.person(taste)
		w.views(ada, "a")
		for range 30 {
			w.views(bot, "x", "y", "z", "x", "y")
		}
		w.views(ada, "b")
		if got, want := w.interactions(ada), []string{"A view 1"}; !cmp.Equal(got, want) {
			t.Errorf("while 150 wait: got %v, want %v", got, want)
		}
		w.flush()
		if got, want := w.interactions(ada), []string{"A view 1", "B view 1"}; !cmp.Equal(got, want) {
			t.Errorf("built in: got %v, want %v", got, want)
		}
	})
}

func TestAClosedMindClosesWhatIsNotBuiltIn(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ada := w.person(taste)
		w.views(ada, "a")
		if got := w.interactions(ada); len(got) != 1 {
			t.Fatalf("who permits it: got %v", got)
		}
		w.Chooses(ada, thimbletest.Withdraws(taste)...)
		if got := w.interactions(ada); len(got) > 0 {
			t.Errorf("after the withdrawal: got %v", got)
		}
		if got := w.profile(ada); !got.First.IsZero() {
			t.Errorf("after the withdrawal: got %+v", got)
		}
	})
}
