package rightsdb_test

import (
	"testing"

	"thimble"
	"thimble/internal/holdertest"
	"thimble/internal/rights"
	"thimble/internal/rights/rightsdb"
)

func TestTheStoreKeepsTheContractOfHolders(t *testing.T) {
	holdertest.Each(t, func(t *testing.T, k *holdertest.Kernel) {
		s := rightsdb.New(k.Core, k.Ledger, k.Subjects, k.Now)
		holdertest.Run(t, holdertest.Fixture{
			Holder: s, Core: k.Core, Tick: k.Tick, Person: k.Person,
			Keep: func(tb testing.TB, who thimble.SubjectID) []string {
				r, err := s.Begin(tb.Context(), rights.Request{Subject: who, Kind: rights.Object, Report: rights.Report{Purpose: thimble.TrainAISystem}})
				if err != nil {
					tb.Fatal(err)
				}
				if err := s.Finish(tb.Context(), r); err != nil {
					tb.Fatal(err)
				}
				return []string{string(rights.Object)}
			},
			Terms: map[thimble.Category]holdertest.Term{thimble.PrivacyPreferences: holdertest.Expires},
		})
	})
}

func TestWhatIsNotAnsweredYetDoesNotExpire(t *testing.T) {
	holdertest.Each(t, func(t *testing.T, k *holdertest.Kernel) {
		s := rightsdb.New(k.Core, k.Ledger, k.Subjects, k.Now)
		if _, err := s.Begin(t.Context(), rights.Request{Subject: k.Person(t), Kind: rights.Access}); err != nil {
			t.Fatal(err)
		}
		e, err := s.Expire(t.Context(), thimble.PrivacyPreferences, k.Tick(t))
		if err != nil || e.Erased != 0 || len(e.Kept) != 1 || e.Kept[0].Count != 1 || e.Kept[0].Law == "" {
			t.Errorf("got %+v, %v, want the open request kept under a law", e, err)
		}
	})
}

func TestNothingSaysAnyMoreWhomElseARequestConcerned(t *testing.T) {
	holdertest.Each(t, func(t *testing.T, k *holdertest.Kernel) {
		s, ctx := rightsdb.New(k.Core, k.Ledger, k.Subjects, k.Now), t.Context()
		ada, eve, bob := k.Person(t), k.Person(t), k.Person(t)
		r, err := s.Begin(ctx, rights.Request{Kind: rights.Merge, Subject: ada, Others: []thimble.SubjectID{eve, bob}})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Erase(ctx, eve); err != nil {
			t.Fatal(err)
		}
		open, err := s.Open(ctx)
		if err != nil || len(open) != 1 || len(open[0].Others) != 1 || open[0].Others[0] != bob {
			t.Errorf("open: %+v, %v, want the request without the erased", open, err)
		}
		if err := s.Finish(ctx, r); err != nil {
			t.Fatal(err)
		}
		if done, err := s.Of(ctx, ada, 1); err != nil || len(done) != 1 || len(done[0].Others) != 0 {
			t.Errorf("done: %+v, %v, want nobody else in it", done, err)
		}
	})
}
