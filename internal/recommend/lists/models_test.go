package lists_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"thimble"
	"thimble/internal/recommend/lists"
	"thimble/internal/registry"
	"thimble/internal/registry/registrydb"
	"thimble/internal/registry/registrytest"
	"thimble/internal/thimbletest"
)

var byHand = registrydb.Order{Reason: "a test", By: "owner"}

// later gives the shop orders that no version has seen yet, and trains.
func (l *learner) later() {
	l.TB.Helper()
	for i := range 4 {
		l.Buys(l.person(), "belt", "hat", thimble.ItemID(fmt.Sprintf("extra-%d", i%4)))
	}
	_, err := l.App.Shop.Train(context.Background(), "orders were imported", nil)
	l.no(l.TB, err)
}

func (l *learner) kept() []registrydb.Version {
	l.TB.Helper()
	all, err := l.Models.Kept(context.Background(), lists.ModelName)
	l.no(l.TB, err)
	return all
}

func (l *learner) stage(s registry.Stage) registrydb.Version {
	l.TB.Helper()
	for _, v := range l.kept() {
		if v.Stage == s {
			return v
		}
	}
	l.TB.Fatalf("no version is %s", s)
	return registrydb.Version{}
}

// keeps holds every version that is kept against a training of who is there now.
func (l *learner) keeps(tb testing.TB) (kept, anew [][]byte) {
	tb.Helper()
	for _, v := range l.kept() {
		p, err := l.Models.Open(context.Background(), v)
		l.no(tb, err)
		weights, err := l.App.Shop.Retrain(context.Background(), p)
		l.no(tb, err)
		kept, anew = append(kept, p.Weights), append(anew, weights)
	}
	return kept, anew
}

// world is a shop with a champion and a version to go back to; the first people are in
// both.
func world(tb testing.TB, s *thimbletest.Shop) *registrytest.World {
	l := &learner{Shop: s}
	w := &registrytest.World{Forgetter: l.App.Shop, Kept: l.keeps}
	for i := range 3 {
		who := l.person()
		l.Buys(who, "shirt", thimble.ItemID(fmt.Sprintf("extra-%d", i)), "socks")
		w.People = append(w.People, who)
	}
	l.crowd()
	l.Works()
	_, err := l.App.Shop.Train(context.Background(), "the first", nil)
	l.no(tb, err)
	l.later()
	if n := len(l.kept()); n != 2 {
		tb.Fatalf("%d versions are kept, want one that serves and one to go back to", n)
	}
	w.Leave = func(tb testing.TB, people ...thimble.SubjectID) {
		for _, who := range people {
			l.Chooses(who, thimbletest.Withdraws(thimble.TrainAISystem)...)
		}
	}
	w.Serving = func(tb testing.TB) []byte {
		v, ok := l.App.Shop.Version()
		if !ok {
			return nil
		}
		p, err := l.Models.Open(context.Background(), v)
		l.no(tb, err)
		return p.Weights
	}
	w.Recover = func(tb testing.TB) {
		_, err := l.Ledger.Recover(context.Background(), l.App.Shop.Performers())
		l.no(tb, err)
	}
	return w
}

func TestTheRecommenderForgetsAsTheRegistryAsks(t *testing.T) {
	registrytest.Run(t, func(tb testing.TB) *registrytest.World { return world(tb, thimbletest.New(tb)) })
}

// Before the holder is asked, every version that is kept remembers: the suite sees it.
func TestAVersionThatRemembersIsFoundOut(t *testing.T) {
	w := world(t, thimbletest.New(t))
	w.Leave(t, w.People[0])
	kept, anew := w.Kept(t) // nobody has forgotten yet
	for i := range kept {
		if string(kept[i]) == string(anew[i]) {
			t.Errorf("version %d is the same without the person: the suite would not find out", i)
		}
	}
}

func TestRolledBackVersionHasForgottenWhomTheLiveOneForgot(t *testing.T) {
	thimbletest.Each(t, func(t *testing.T, s *thimbletest.Shop) {
		l := &learner{Shop: s}
		ada := l.person()
		l.Buys(ada, "shirt", "extra-1", "extra-2")
		l.crowd()
		l.Works()
		_, err := l.App.Shop.Train(t.Context(), "the first", nil)
		l.no(t, err)
		knew := l.stage(registry.Champion)
		l.later()
		if back := l.stage(registry.Retired); back.Number != knew.Number {
			t.Fatalf("version %d is kept to go back to, want %d as it is: nobody has left", back.Number, knew.Number)
		}

		s.Erase(ada)

		if _, err := l.Models.Open(t.Context(), knew); !errors.Is(err, thimble.ErrDenied) {
			t.Errorf("the version that knew her is still there: %v", err)
		}
		back, err := l.App.Shop.Rollback(t.Context(), byHand)
		l.no(t, err)
		if back.Hash == knew.Hash || back.Lineage.DerivedFrom != knew.Number || back.Card.Data.People != knew.Card.Data.People-1 {
			t.Errorf("rolled back to %d of %d people, derived from %d; want one person less than in %d", back.Number, back.Card.Data.People, back.Lineage.DerivedFrom, knew.Number)
		}
		kept, anew := l.keeps(t)
		for i := range kept {
			if string(kept[i]) != string(anew[i]) {
				t.Errorf("version %d of those kept is not that of a training without her", i)
			}
		}
		if live, _ := l.App.Shop.Version(); live.Number != back.Number {
			t.Errorf("version %d serves, want %d", live.Number, back.Number)
		}
	})
}

func TestRolledBackVersionStaysUntilSomebodyAsksForANewOne(t *testing.T) {
	l := &learner{Shop: thimbletest.New(t)}
	ada := l.person()
	l.Buys(ada, "shirt", "extra-1", "socks")
	l.crowd()
	l.Works()
	first, err := l.App.Shop.Train(t.Context(), "the first", nil)
	l.no(t, err)
	l.later()
	_, err = l.App.Shop.Rollback(t.Context(), byHand)
	l.no(t, err)

	l.Chooses(ada, thimbletest.Withdraws(thimble.TrainAISystem)...)
	l.Works() // the job takes her out of what serves, and of what does not

	now, _ := l.App.Shop.Version()
	if now.Lineage.DerivedFrom != first.Number || now.Card.Data.People != first.Card.Data.People-1 {
		t.Errorf("version %d of %d people serves, derived from %d; want the one that was rolled back to, without her", now.Number, now.Card.Data.People, now.Lineage.DerivedFrom)
	}
	fresh, err := l.App.Shop.TrainAs(t.Context(), lists.Training{Reason: "asked", Asked: true})
	l.no(t, err)
	if fresh.Lineage.DerivedFrom != 0 || fresh.Card.Data.People <= now.Card.Data.People {
		t.Errorf("asked for a new version, got %d of %d people", fresh.Number, fresh.Card.Data.People)
	}
}

func TestShadowServesNobodyUntilItIsPromoted(t *testing.T) {
	l := &learner{Shop: thimbletest.New(t)}
	l.crowd()
	l.Works()
	live, _ := l.App.Shop.Version()
	l.Buys(l.person(), "hat", "belt")
	_, err := l.App.Shop.TrainAs(t.Context(), lists.Training{Reason: "try it", Stage: registry.Shadow, Asked: true})
	l.no(t, err)
	if now, _ := l.App.Shop.Version(); now.Number != live.Number {
		t.Errorf("version %d serves, want %d still", now.Number, live.Number)
	}
	shadow := l.stage(registry.Shadow)
	for _, to := range []registry.Stage{registry.Challenger, registry.Champion} {
		l.no(t, l.App.Shop.Promote(t.Context(), shadow.Number, to, byHand))
	}
	if now, _ := l.App.Shop.Version(); now.Number != shadow.Number {
		t.Errorf("version %d serves, want %d", now.Number, shadow.Number)
	}
}

// spoil changes the file of a version on disk.
func (l *learner) spoilModel(v registrydb.Version) {
	l.TB.Helper()
	path := filepath.Join(l.Config.Data, "models", fmt.Sprintf("%x", v.Package))
	content, err := os.ReadFile(path)
	l.no(l.TB, err)
	content[len(content)/2] ^= 1
	l.no(l.TB, os.WriteFile(path, content, 0o600))
}

func TestFileThatIsChangedWhileItServesIsNoticedAndTheOneBeforeServes(t *testing.T) {
	thimbletest.Each(t, func(t *testing.T, s *thimbletest.Shop) {
		l := &learner{Shop: s}
		l.crowd()
		l.Works()
		l.later()
		first, second := l.stage(registry.Retired), l.stage(registry.Champion)
		l.no(t, l.App.Shop.Check(t.Context()))
		l.spoilModel(second)

		l.no(t, l.App.Shop.Check(t.Context()))

		if now, _ := l.App.Shop.Version(); now.Number != first.Number {
			t.Errorf("version %d serves, want %d", now.Number, first.Number)
		}
		checks, err := l.Models.Checks(t.Context(), lists.ModelName, 20)
		l.no(t, err)
		found := false
		for _, c := range checks {
			found = found || c.Version == second.Number && c.Rule == registry.RuleFile
		}
		if !found {
			t.Errorf("what was refused is not written down: %+v", checks)
		}

		l.spoilModel(first)
		l.no(t, l.App.Shop.Check(t.Context()))
		if now, ok := l.App.Shop.Version(); ok {
			t.Errorf("version %d serves although no file is good", now.Number)
		}
		if list, err := l.App.Shop.Popular(t.Context(), 3); err != nil || len(list.Entries) == 0 {
			t.Errorf("the popular list: %v", err)
		}
		l.Works() // the training that it asked for
		if _, ok := l.App.Shop.Version(); !ok {
			t.Error("no training was asked for")
		}
	})
}

func TestRevokedVersionIsReplacedAtOnce(t *testing.T) {
	l := &learner{Shop: thimbletest.New(t)}
	l.crowd()
	l.Works()
	l.later()
	first, second := l.stage(registry.Retired), l.stage(registry.Champion)
	l.no(t, l.App.Shop.Revoke(t.Context(), second.Number, byHand))
	if now, _ := l.App.Shop.Version(); now.Number != first.Number {
		t.Errorf("version %d serves, want %d", now.Number, first.Number)
	}
	l.no(t, l.App.Shop.RevokeKey(t.Context(), first.Signer, byHand))
	if now, ok := l.App.Shop.Version(); ok {
		t.Errorf("version %d serves, signed by a revoked key", now.Number)
	}
	l.Works()
	if now, ok := l.App.Shop.Version(); !ok || now.Signer == first.Signer {
		t.Errorf("after the training: %t, signed by the same key %t", ok, now.Signer == first.Signer)
	}
}

// What another process does, such as the command, is taken up.
func TestRollbackByAnotherProcessIsFollowed(t *testing.T) {
	l := &learner{Shop: thimbletest.New(t)}
	l.crowd()
	l.Works()
	l.later()
	first := l.stage(registry.Retired)
	_, err := l.Models.Rollback(t.Context(), lists.ModelName, byHand)
	l.no(t, err)
	l.no(t, l.App.Shop.Follow(t.Context()))
	if now, _ := l.App.Shop.Version(); now.Number != first.Number {
		t.Errorf("version %d serves, want %d", now.Number, first.Number)
	}
}

func TestRollbackFailsNoRequest(t *testing.T) {
	l := &learner{Shop: thimbletest.New(t)}
	l.crowd()
	l.Works()
	l.later()
	ctx, stop := context.WithCancel(t.Context())
	var asking sync.WaitGroup
	var failed, answered int
	asking.Go(func() {
		for ctx.Err() == nil {
			list, err := l.App.Shop.GoesWith(t.Context(), "shirt", 5)
			answered++
			if err != nil || len(list.Entries) == 0 || list.Model == 0 {
				failed++
			}
		}
	})
	var longest time.Duration
	for range 20 {
		began := time.Now()
		_, err := l.App.Shop.Rollback(t.Context(), byHand)
		l.no(t, err)
		longest = max(longest, time.Since(began))
	}
	stop()
	asking.Wait()
	t.Logf("20 rollbacks, the longest took %s; %d requests meanwhile", longest, answered)
	if failed > 0 || answered == 0 {
		t.Errorf("%d of %d requests failed", failed, answered)
	}
}

// BenchmarkRollback goes back and forth between two versions of a shop of 2,000 people.
func BenchmarkRollback(b *testing.B) {
	l := &learner{Shop: thimbletest.New(b)}
	for i := range 2000 {
		l.Buys(l.person(), thimble.ItemID(fmt.Sprintf("a-%d", i%300)), thimble.ItemID(fmt.Sprintf("b-%d", i%170)), thimble.ItemID(fmt.Sprintf("c-%d", i%90)))
	}
	l.Works()
	l.later()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := l.App.Shop.Rollback(b.Context(), byHand); err != nil {
			b.Fatal(err)
		}
	}
	v, _ := l.App.Shop.Version()
	b.ReportMetric(float64(v.Bytes)/1e6, "MB")
}
