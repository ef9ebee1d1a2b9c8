package timelinedb_test

import (
	"context"
	"slices"
	"testing"

	"thimble"
	"thimble/internal/collect/timeline"
	"thimble/internal/collect/timelinedb"
	"thimble/internal/thimbletest"
)

// walks returns the items of a walk, in its order.
func (w *world) walks(until int64, open func(thimble.SubjectID) thimble.Grant, of ...thimble.SubjectID) (items []string) {
	w.tb.Helper()
	err := w.store.Walk(w.tb.Context(), timelinedb.Walk{Until: until, Categories: []thimble.Category{browsing}, Of: of,
		Open: func(_ context.Context, who thimble.SubjectID) (thimble.Grant, error) { return open(who), nil },
	}, func(e timeline.Event) error {
		what := e.What()
		for _, p := range what.Products {
			items = append(items, string(p.Item))
		}
		return nil
	})
	w.must(err)
	return items
}

func TestAWalkToAFrameIsTheSameWhateverCameLaterAndWasIndexed(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ada, bob, eve := w.person(), w.person(), w.person()
		own := func(who thimble.SubjectID) thimble.Grant {
			if who == eve {
				return nil
			}
			return w.grant(who, browsing)
		}
		w.views(ada, "a1")
		w.views(bob, "b1")
		w.views(eve, "e1")
		w.append(w.record(bob, noon, viewed("b2", noon)), w.record(ada, noon, viewed("a2", noon)), w.record(ada, noon, part{size, `{}`}))
		const until = 4
		check := func(when string) {
			t.Helper()
			for _, c := range []struct {
				of   []thimble.SubjectID
				want []string
			}{{nil, []string{"A1", "B1", "B2", "A2"}}, {[]thimble.SubjectID{ada}, []string{"A1", "A2"}}, {[]thimble.SubjectID{bob, ada, eve}, []string{"A1", "B1", "B2", "A2"}}} {
				if got := w.walks(until, own, c.of...); !slices.Equal(got, c.want) {
					t.Errorf("%s, of %d: %v, want %v", when, len(c.of), got, c.want)
				}
			}
		}
		check("not indexed")
		w.flush()
		check("indexed")
		w.views(ada, "late")
		check("and something came later")
		w.flush()
		check("and was indexed")
	})
}

func TestWhoCameIsToldUpToAFrameThatHoldsAllOfThem(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ada, bob, eve := w.person(), w.person(), w.person()
		w.views(ada, "1", "2") // frames 1 and 2
		w.append(w.record(bob, noon, viewed("3", noon)), w.record(eve, noon, viewed("4", noon)))
		w.append(w.record(bob, noon, part{size, `{}`}))
		for _, c := range []struct {
			behind, until int64
			most          int
			want          []thimble.SubjectID
			reached       int64
		}{
			{0, 4, 10, []thimble.SubjectID{ada, bob, eve}, 4},
			{0, 4, 2, []thimble.SubjectID{ada}, 2},
			{2, 4, 1, []thimble.SubjectID{bob, eve}, 4}, // a frame is never parted
			{3, 4, 10, nil, 4},
			{0, 1, 10, []thimble.SubjectID{ada}, 1},
		} {
			got, reached, err := w.store.Came(t.Context(), c.behind, c.until, []thimble.Category{browsing}, c.most)
			w.must(err)
			if !slices.Equal(got, c.want) || reached != c.reached {
				t.Errorf("behind %d until %d, most %d: %d people until %d, want %d until %d", c.behind, c.until, c.most, len(got), reached, len(c.want), c.reached)
			}
		}
	})
}

// A grant that has ended opens nothing: another is asked for, and what that opens is told.
// What a grant that holds does not open is left out.
func TestAWalkAsksAgainForAGrantThatHasEnded(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ada, bob := w.person(), w.person()
		w.views(ada, "a1")
		w.views(bob, "b1")
		w.views(ada, "a2")
		ended := w.grant(ada, browsing)
		w.Chooses(ada, thimbletest.Withdraws(taste)...)
		other := w.grant(bob, browsing)
		asked := 0
		got := w.walks(3, func(who thimble.SubjectID) thimble.Grant {
			switch asked++; {
			case who == bob:
				return other
			case asked == 1:
				return ended
			case asked > 3:
				return other // another's, which opens nothing of theirs
			}
			return w.grant(ada, browsing)
		})
		if want := []string{"A1", "B1"}; !slices.Equal(got, want) || asked != 4 {
			t.Errorf("asked %d times: %v, want %v by four", asked, got, want)
		}
	})
}
