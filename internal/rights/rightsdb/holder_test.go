package rightsdb_test

import (
	"crypto/sha256"
	"errors"
	"testing"
	"time"

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
				if err := s.Issue(tb.Context(), who, sha256.Sum256(r.ID[:]), k.Now().Add(time.Hour)); err != nil {
					tb.Fatal(err)
				}
				return []string{string(rights.Object), "ticket"}
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

func TestATicketIsGoodOnceSoonAndForItsOwner(t *testing.T) {
	holdertest.Each(t, func(t *testing.T, k *holdertest.Kernel) {
		now := k.Now()
		s, ctx := rightsdb.New(k.Core, k.Ledger, k.Subjects, func() time.Time { return now }), t.Context()
		ada, eve := k.Person(t), k.Person(t)
		issue := func(n byte) [sha256.Size]byte {
			t.Helper()
			d := sha256.Sum256([]byte{n})
			if err := s.Issue(ctx, ada, d, now.Add(time.Minute)); err != nil {
				t.Fatal(err)
			}
			now = now.Add(time.Second)
			return d
		}
		first := issue(1)
		if err := s.Redeem(ctx, eve, first); !errors.Is(err, thimble.ErrNotFound) {
			t.Errorf("somebody else took it: %v", err)
		}
		if err := s.Redeem(ctx, ada, first); err != nil {
			t.Error(err)
		}
		if err := s.Redeem(ctx, ada, first); !errors.Is(err, thimble.ErrNotFound) {
			t.Errorf("it was good twice: %v", err)
		}
		late := issue(2)
		now = now.Add(time.Minute)
		if err := s.Redeem(ctx, ada, late); !errors.Is(err, thimble.ErrNotFound) {
			t.Errorf("it was good too late: %v", err)
		}
		forgotten := issue(20)
		now = now.Add(time.Minute)
		if err := s.Sweep(ctx); err != nil {
			t.Fatal(err)
		}
		now = now.Add(-2 * time.Minute) // it would be in time again
		if err := s.Redeem(ctx, ada, forgotten); !errors.Is(err, thimble.ErrNotFound) {
			t.Errorf("it was not swept: %v", err)
		}
		oldest := issue(3)
		for n := range byte(5) {
			issue(10 + n)
		}
		if err := s.Redeem(ctx, ada, oldest); !errors.Is(err, thimble.ErrNotFound) {
			t.Errorf("there are more than five at once: %v", err)
		}
		if err := s.Redeem(ctx, ada, sha256.Sum256([]byte{14})); err != nil {
			t.Error(err)
		}
	})
}
