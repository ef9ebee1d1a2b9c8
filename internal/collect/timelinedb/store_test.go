package timelinedb_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"thimble"
	"thimble/internal/collect/frame"
	"thimble/internal/collect/timeline"
	"thimble/internal/policy"
	"thimble/internal/thimbletest"
)

func TestEventsShowAtOnceAndInTheOrderInWhichTheyCameIn(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ada, bob := w.person(), w.person()
		w.views(ada, "a", "b")
		w.views(bob, "x")
		if got, want := w.items(ada), []string{"B", "A"}; !slices.Equal(got, want) {
			t.Errorf("before they are indexed: got %v, want %v", got, want)
		}
		w.flush()
		w.views(ada, "c")
		if got, want := w.items(ada), []string{"C", "B", "A"}; !slices.Equal(got, want) {
			t.Errorf("half of them indexed: got %v, want %v", got, want)
		}
		w.flush()
		if got, want := w.items(ada), []string{"C", "B", "A"}; !slices.Equal(got, want) {
			t.Errorf("indexed: got %v, want %v", got, want)
		}
		if got, want := w.items(bob), []string{"X"}; !slices.Equal(got, want) {
			t.Errorf("somebody else: got %v, want %v", got, want)
		}
	})
}

func TestPagesHaveEachEventOnce(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ada := w.person()
		var want []string
		for i := range 23 {
			item := string(rune('A' + i))
			w.views(ada, item)
			want = append([]string{item}, want...)
			if i == 17 {
				w.flush()
			}
		}
		var got []string
		var before timeline.Place
		for {
			events, next, err := w.store.Of(t.Context(), w.grant(ada, browsing), []thimble.Category{browsing}, before, 4)
			w.must(err)
			for _, e := range events {
				said := e.What()
				got = append(got, string(said.Products[0].Item))
			}
			if next.IsZero() {
				break
			}
			if before, err = timeline.ParsePlace(next.String()); err != nil {
				t.Fatal(err)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
	})
}

func TestAGrantOpensThePartsOfItsCategoriesOnly(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ada := w.person()
		w.append(w.record(ada, noon, viewed("a", noon), part{size, `{"properties":{"size":"38"}}`}, part{thimble.Country, `{"country":"GB"}`}))
		w.flush()
		events, _, err := w.store.Of(t.Context(), w.grant(ada, size), []thimble.Category{size}, timeline.Place{}, 0)
		w.must(err)
		if len(events) != 1 || !slices.Equal(events[0].Categories, []thimble.Category{size}) {
			t.Fatalf("got %+v, want the part of the size", events)
		}
		if said := events[0].What(); said.Name != "" || len(said.Products) > 0 || said.Country != "" {
			t.Errorf("the part of the size says %+v", said)
		}
		events, _, err = w.store.Of(t.Context(), w.grant(ada, size), []thimble.Category{size, browsing}, timeline.Place{}, 0)
		w.must(err)
		if !slices.Equal(events[0].Categories, []thimble.Category{size}) || !slices.Equal(events[0].Absent, []thimble.Category{browsing}) {
			t.Errorf("a category that the grant is not for: got %+v, want it absent", events)
		}
		events, _, err = w.store.Of(t.Context(), w.grant(ada, thimble.AccountIdentifier), []thimble.Category{thimble.AccountIdentifier}, timeline.Place{}, 0)
		if err != nil || len(events) > 0 {
			t.Errorf("a category of which nothing is kept: got %v, %v", events, err)
		}
	})
}

func TestMembersOfAPersonAreReadTogether(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ada, eve := w.person(), w.person()
		w.views(ada, "a")
		w.views(eve, "b")
		w.flush()
		w.views(ada, "c")
		m := w.Join(ada, eve)
		if got, want := w.items(ada), []string{"C", "B", "A"}; !slices.Equal(got, want) {
			t.Errorf("joined: got %v, want %v", got, want)
		}
		w.Part(m)
		if got, want := w.items(eve), []string{"B"}; !slices.Equal(got, want) {
			t.Errorf("parted: got %v, want %v", got, want)
		}
	})
}

func TestWhatIsBuiltIsWhatIsPermitted(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		yes, no := w.person(taste), w.person()
		for _, who := range []thimble.SubjectID{yes, no} {
			w.views(who, "a", "b", "a")
		}
		w.flush()
		if got, want := w.interactions(yes), []string{"A view 2", "B view 1"}; !slices.Equal(got, want) {
			t.Errorf("who permits it: got %v, want %v", got, want)
		}
		if got := w.interactions(no); len(got) > 0 {
			t.Errorf("who does not: got %v", got)
		}
		for who, want := range map[thimble.SubjectID]int64{yes: 3, no: 0} {
			if got := w.profile(who).Events["Product Viewed"]; got != want {
				t.Errorf("the profile counts %d views, want %d", got, want)
			}
		}
		demand, err := w.store.Demand(t.Context(), 20786, 20787)
		w.must(err)
		want := []timeline.Demand{{Day: 20786, Event: "Product Viewed", Item: "A", N: 2}, {Day: 20786, Event: "Product Viewed", Item: "B", N: 1}}
		if diff := cmp.Diff(want, demand); diff != "" {
			t.Errorf("demand, want (-) and got (+):\n%s", diff)
		}
	})
}

func TestCountsOfNobodyAreDemand(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.append(frame.Record{Counts: []frame.Count{{Event: "Product Viewed", Item: "A", Day: 20786, N: 2}, {Event: "Products Searched", Day: 20786, N: 1}}})
		w.append(frame.Record{Counts: []frame.Count{{Event: "Product Viewed", Item: "A", Day: 20786, N: 5}}})
		w.flush()
		demand, err := w.store.Demand(t.Context(), 20786, 20787)
		w.must(err)
		want := []timeline.Demand{{Day: 20786, Event: "Product Viewed", Item: "A", N: 7}, {Day: 20786, Event: "Products Searched", N: 1}}
		if diff := cmp.Diff(want, demand); diff != "" {
			t.Errorf("want (-) and got (+):\n%s", diff)
		}
	})
}

func TestAProfileSaysWhenWhereAndInWhichLanguage(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.underLaw(policy.Notice)
		ada := w.person()
		later := noon.AddDate(0, 1, 0)
		w.append(w.record(ada, noon, viewed("a", noon), part{thimble.Country, `{"country":"GB"}`}, part{"user.demographic.language", `{"context":{"locale":"en-GB"}}`}))
		w.append(w.record(ada, later, viewed("b", later), part{thimble.Country, `{"country":"DE"}`}))
		w.flush()
		want := timeline.Profile{First: noon, Last: later, Events: map[string]int64{"Product Viewed": 2}, Country: "DE", CountryAt: later, Language: "en", LanguageAt: noon}
		if diff := cmp.Diff(want, w.profile(ada)); diff != "" {
			t.Errorf("want (-) and got (+):\n%s", diff)
		}
	})
}

func TestAWithdrawalTakesWhatWasBuiltAndAYesBringsItBack(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ada := w.person(taste)
		w.views(ada, "a")
		w.flush()
		w.Chooses(ada, thimbletest.Withdraws(taste)...)
		w.must(w.store.Derive(t.Context(), ada))
		if got := w.interactions(ada); len(got) > 0 {
			t.Errorf("after the withdrawal: got %v", got)
		}
		if got := w.profile(ada); !got.First.IsZero() {
			t.Errorf("after the withdrawal: got %+v", got)
		}
		w.views(ada, "b")
		w.flush()
		if got := w.interactions(ada); len(got) > 0 {
			t.Errorf("of what came in afterwards: got %v", got)
		}
		w.Chooses(ada, thimbletest.Allows(taste)...)
		w.must(w.store.Derive(t.Context(), ada))
		if got, want := w.interactions(ada), []string{"A view 1", "B view 1"}; !slices.Equal(got, want) {
			t.Errorf("permitted again: got %v, want %v", got, want)
		}
	})
}

func TestManyPartsOfAMonthArePutTogether(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ada := w.person(taste)
		for range 70 {
			w.views(ada, "a", "b")
			w.flush()
		}
		if got, want := w.interactions(ada), []string{"A view 70", "B view 70"}; !slices.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
		if got := w.profile(ada).Events["Product Viewed"]; got != 140 {
			t.Errorf("the profile counts %d, want 140", got)
		}
		if n := w.longest(); n > 16<<10 {
			t.Errorf("a row has grown to %d bytes", n)
		}
	})
}

func TestAnOutageLosesNothing(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ada := w.person(taste)
		w.views(ada, "a")
		w.log.broken = thimble.ErrUnavailable
		if err := w.store.Flush(t.Context()); !errors.Is(err, thimble.ErrUnavailable) {
			t.Fatalf("got %v, want it to be unavailable", err)
		}
		w.log.broken = nil
		w.flush()
		if got, want := w.interactions(ada), []string{"A view 1"}; !slices.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
	})
}

func TestOneProcessBuildsAtATimeAndNothingTwice(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ada := w.person(taste)
		other := w.open()
		for i := range 20 {
			w.views(ada, "a")
			s := w.store
			if i%2 == 0 {
				s = other
			}
			w.must(s.Flush(t.Context())) // one of the two has no lease, and does nothing
		}
		w.must(other.Flush(t.Context())) // it was the first to take the lease
		if got, want := w.interactions(ada), []string{"A view 20"}; !slices.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
		if got := len(w.items(ada)); got != 20 {
			t.Errorf("the index has %d events, want 20", got)
		}
	})
}
