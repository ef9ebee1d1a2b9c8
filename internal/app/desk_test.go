package app_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"thimble"
	"thimble/internal/recommend/lists"
	"thimble/internal/registry"
	"thimble/internal/registry/registrydb"
	"thimble/internal/rights"
	"thimble/internal/rights/rightsdb"
	"thimble/internal/thimbletest"
)

// An interloper writes when somebody reads.
type interloper struct {
	thimble.Holder
	write func()
}

func (i interloper) Export(ctx context.Context, s thimble.SubjectID) iter.Seq2[thimble.Datum, error] {
	i.write()
	return i.Holder.Export(ctx, s)
}

func TestAnArchiveShowsOneStateWhileOthersWrite(t *testing.T) {
	thimbletest.Each(t, func(t *testing.T, s *thimbletest.Shop) {
		crowd(s)
		ada := s.Subject("ada", thimbletest.Allows(personalize, train)...)
		s.Buys(ada, "shirt")
		s.Works()
		s.Sees(ada)
		s.Archive(ada) // the day's request is in it from here on
		want := s.Archive(ada)
		holders := s.Holders()
		for i := range holders { // each holder is asked after something was written for all
			holders[i] = interloper{holders[i], func() {
				s.Buys(ada, "scarf")
				s.Chooses(ada, thimbletest.Allows(personalize)...)
				s.Sees(ada)
				if _, err := s.Shop.Train(t.Context(), "in between", nil); err != nil {
					t.Error(err)
				}
			}}
		}
		got, err := rights.NewDesk(s.Requests, s.Vault, nil, holders...).With(rights.Config{Snapshots: s.Core}).Access(t.Context(), ada)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want.Data, got.Data); diff != "" {
			t.Errorf("before (-) and while others wrote (+):\n%s", diff)
		}
		if !strings.HasPrefix(got.Snapshot.Name, "snap_") || got.Snapshot.Name == want.Snapshot.Name || got.Report.Snapshot == nil {
			t.Errorf("the archives do not name their snapshots: %v, %v", want.Snapshot, got.Snapshot)
		}
		for _, d := range got.Data {
			if d.At.After(got.Snapshot.At) {
				t.Errorf("%s of %s is younger than the snapshot of %s", d.Name, d.At, got.Snapshot.At)
			}
		}
		if now := s.Archive(ada); len(now.Data) <= len(got.Data) {
			t.Error("nothing was written in between: the test shows nothing")
		}
	})
}

func TestLooksOfOneDayAreOneRequest(t *testing.T) {
	thimbletest.Each(t, func(t *testing.T, s *thimbletest.Shop) {
		ctx, now := t.Context(), time.Date(2026, 11, 22, 23, 0, 0, 0, time.UTC)
		requests := rightsdb.New(s.Core, s.Ledger, s.Subjects, func() time.Time { return now })
		desk := rights.NewDesk(requests, s.Vault, nil, append(s.Holders()[:6:6], requests)...)
		ada, bob := s.Subject("ada"), s.Subject("bob")
		asked := func() int {
			all, err := requests.List(ctx, 100)
			if err != nil {
				t.Fatal(err)
			}
			return len(all)
		}
		var first string
		for range 3 {
			a, err := desk.Access(ctx, ada)
			if err != nil {
				t.Fatal(err)
			}
			if first == "" {
				first = a.Report.Request
			}
			if a.Report.Request != first {
				t.Errorf("a second look of the day is request %s, want %s", a.Report.Request, first)
			}
		}
		if _, err := desk.Look(ctx, ada, "order"); err != nil || asked() != 1 {
			t.Errorf("%d requests after three looks of one person and one at a part, %v, want 1", asked(), err)
		}
		if _, err := desk.Look(ctx, ada, "nobody"); !errors.Is(err, thimble.ErrNotFound) {
			t.Errorf("looking into an unknown holder: %v, want not found", err)
		}
		if _, err := desk.Access(ctx, bob); err != nil || asked() != 2 {
			t.Errorf("%d requests after another person's look, %v, want 2", asked(), err)
		}
		now = now.Add(time.Hour) // the next day
		if _, err := desk.Access(ctx, ada); err != nil || asked() != 3 {
			t.Errorf("%d requests on the next day, %v, want 3", asked(), err)
		}
	})
}

func TestEachVerbReachesEveryHolderAndIsALeaf(t *testing.T) {
	thimbletest.Each(t, func(t *testing.T, s *thimbletest.Shop) {
		ctx := t.Context()
		desk := s.Desk
		crowd(s)
		ada, eve := someone(t, s, "ada"), someone(t, s, "eve")
		var merged thimble.Merge
		// What a link opened is done by the desk, and is the newest request.
		told := func() (rights.Report, error) {
			if n, err := desk.Retry(ctx); n != 1 || err != nil {
				return rights.Report{}, fmt.Errorf("the desk did %d requests: %w", n, err)
			}
			newest, err := s.Requests.List(ctx, 1)
			return newest[0].Report, err
		}
		for _, step := range []struct {
			name string
			do   func() (rights.Report, error)
		}{
			{"restrict", func() (rights.Report, error) { return desk.Restrict(ctx, ada, true) }},
			{"lift", func() (rights.Report, error) { return desk.Restrict(ctx, ada, false) }},
			{"object", func() (rights.Report, error) { return desk.Object(ctx, ada, train) }},
			{"merge", func() (rights.Report, error) {
				merged = s.Join(ada, eve)
				return told()
			}},
			{"unmerge", func() (rights.Report, error) {
				s.Part(merged)
				return told()
			}},
			{"expire", func() (rights.Report, error) { return desk.Expire(ctx, "user", time.Now().Add(-time.Second)) }},
		} {
			s.Works()
			before, err := s.Ledger.Size(ctx)
			if err != nil {
				t.Fatal(err)
			}
			r, err := step.do()
			if err != nil {
				t.Fatalf("%s: %v", step.name, err)
			}
			if len(r.Holders) != len(s.Holders()) || string(r.Kind) != step.name || r.Refused != "" {
				t.Errorf("%s: the report is %+v", step.name, r)
			}
			id, err := thimble.ParseID(rights.TokenPrefix, r.Request)
			if err != nil {
				t.Fatal(err)
			}
			o, err := s.Requests.Opening(ctx, id)
			if err != nil {
				t.Fatal(err)
			}
			for _, who := range []thimble.SubjectID{ada, eve} {
				if strings.Contains(string(o.Record), who.String()) {
					t.Errorf("%s: the leaf's record names a person", step.name)
				}
			}
			s.Works()
			if after, err := s.Ledger.Size(ctx); err != nil || after <= before {
				t.Errorf("%s: no leaf was added, %v", step.name, err)
			}
		}
		if open, err := s.Requests.Open(ctx); err != nil || len(open) != 0 {
			t.Errorf("open requests: %v, %v", open, err)
		}
	})
}

func TestBadRequestsAreRefusedBeforeAnythingIsKept(t *testing.T) {
	s := thimbletest.New(t)
	ctx := t.Context()
	desk := s.Desk
	ada := s.Subject("ada")
	for name, try := range map[string]struct {
		do   func() (rights.Report, error)
		kind error
	}{
		"an objection to the contract": {func() (rights.Report, error) { return desk.Object(ctx, ada, thimble.EssentialService) }, thimble.ErrInvalid},
		"an expiry of nothing":         {func() (rights.Report, error) { return desk.Expire(ctx, "", time.Now()) }, thimble.ErrInvalid},
		"an expiry of the future": {func() (rights.Report, error) {
			return desk.Expire(ctx, thimble.PurchaseHistory, time.Now().Add(time.Hour))
		}, thimble.ErrInvalid},
		"a restriction of nobody": {func() (rights.Report, error) { return desk.Restrict(ctx, thimble.SubjectID{1}, true) }, thimble.ErrNotFound},
	} {
		if _, err := try.do(); !errors.Is(err, try.kind) {
			t.Errorf("%s: %v, want kind %q", name, err, try.kind)
		}
	}
	if all, err := s.Requests.List(ctx, 10); err != nil || len(all) != 0 {
		t.Errorf("%d requests were kept, %v", len(all), err)
	}
}

func TestARestrictionAndItsEndDoNotCross(t *testing.T) {
	s := thimbletest.New(t)
	ctx := t.Context()
	ada := s.Subject("ada")
	if _, err := s.Requests.Begin(ctx, rights.Request{Subject: ada, Kind: rights.Restrict}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Desk.Restrict(ctx, ada, false); !errors.Is(err, thimble.ErrConflict) {
		t.Errorf("lifting a restriction that is not done yet: %v, want a conflict", err)
	}
	if n, err := s.Desk.Retry(ctx); n != 1 || err != nil {
		t.Fatalf("retrying finished %d, %v", n, err)
	}
	if _, err := s.Desk.Restrict(ctx, ada, false); err != nil {
		t.Error(err)
	}
}

// broken models cannot be made, so that no training and no forgetting succeeds.
type broken struct{ lists.Models }

func (broken) Make(context.Context, registrydb.Version, registry.Card, registry.Lineage, []byte) (registrydb.Made, error) {
	return registrydb.Made{}, fmt.Errorf("the disk is on strike: %w", thimble.ErrUnavailable)
}

func TestATrainingThatKeepsFailingKeepsNoErasureOpenAndNoStartFromServing(t *testing.T) {
	thimbletest.Each(t, func(t *testing.T, s *thimbletest.Shop) {
		ctx := t.Context()
		crowd(s)
		ada := s.Subject("ada", thimbletest.Allows(personalize, train)...)
		bob := s.Subject("bob", thimbletest.Allows(personalize, train)...)
		s.Buys(ada, "shirt", "scarf")
		s.Buys(bob, "belt")
		s.Works()
		models, before := s.Shop.Models, modelOf(s)
		s.Shop.Models = broken{models}

		report := s.Erase(ada)

		if report.Models == nil || report.Models.Before != before || report.Models.After != "" {
			t.Errorf("the report says of the models: %+v, want none after", report.Models)
		}
		files, err := s.Files.List()
		if _, serves := s.Shop.Version(); serves || err != nil || len(files) != 0 {
			t.Errorf("a model that knew the person is left: %t, %v, %v", serves, files, err)
		}
		if all, err := s.Models.List(ctx, lists.ModelName, 1); err != nil || all[0].Stage != registry.Destroyed {
			t.Errorf("the version is not withdrawn: %+v, %v", all, err)
		}
		if err := s.Recover(ctx); err != nil {
			t.Errorf("the next start does not serve: %v", err)
		}
		if popular, err := s.Shop.Popular(ctx, 3); err != nil || len(popular.Entries) == 0 {
			t.Errorf("no popular list: %v", err)
		}

		s.Shop.Models = models
		s.Works() // the job that was asked for

		if list := s.Sees(bob); !list.Personal {
			t.Errorf("after the strike: %q, want a personal list", list.Why)
		}
	})
}

func modelOf(s *thimbletest.Shop) string {
	v, _ := s.Shop.Version()
	return fmt.Sprintf("%x", v.Hash)
}
