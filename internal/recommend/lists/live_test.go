package lists_test

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"thimble"
	"thimble/internal/catalog"
	"thimble/internal/recommend/lists"
	"thimble/internal/recommend/taste"
	"thimble/internal/recommend/tastedb"
	"thimble/internal/registry"
	"thimble/internal/sqldb"
	"thimble/internal/sqldb/sqldbtest"
	"thimble/internal/thimbletest"
)

// garden has people whose tastes lie far apart, so that one who leaves moves few columns.
func (l *learner) garden(groups int) (people []thimble.SubjectID) {
	for g := range groups {
		for i := range 4 {
			who := l.person()
			l.Buys(who, thimble.ItemID(fmt.Sprintf("G%d-A", g)), thimble.ItemID(fmt.Sprintf("G%d-B", g)), thimble.ItemID(fmt.Sprintf("G%d-%d", g, i%2)))
			people = append(people, who)
		}
	}
	return people
}

// scores are what goes with every product now, with the scores.
func (l *learner) scores() map[[2]thimble.ItemID]int64 {
	l.TB.Helper()
	ids, err := l.Catalog.IDs(context.Background(), catalog.Goods)
	l.no(l.TB, err)
	all := map[[2]thimble.ItemID]int64{}
	for _, id := range ids {
		list, err := l.App.Shop.GoesWith(context.Background(), id, 50)
		l.no(l.TB, err)
		for _, e := range list.Entries {
			all[[2]thimble.ItemID{id, e.Product.ID}] = e.Score
		}
	}
	return all
}

// jobs does all waiting jobs.
func (l *learner) jobs() {
	l.TB.Helper()
	for worked := true; worked; {
		var err error
		worked, err = l.Jobs.Step(context.Background())
		l.no(l.TB, err)
	}
}

// exact holds every version that is kept against a training from the store.
func (l *learner) exact(t testing.TB) {
	t.Helper()
	kept, anew := l.keeps(t)
	for i := range kept {
		if !bytes.Equal(kept[i], anew[i]) {
			t.Errorf("version %d of %d is not what a training from the store gives", i+1, len(kept))
		}
	}
}

func TestFromTheCommitOnNoListHasAScoreThatKnewSomebodyWhoLeft(t *testing.T) {
	thimbletest.Each(t, func(t *testing.T, s *thimbletest.Shop) {
		l := &learner{Shop: s}
		people := l.garden(6)
		l.Works()
		before, first := l.scores(), l.stage(registry.Champion)

		l.Chooses(people[0], thimbletest.Withdraws(thimble.TrainAISystem)...)

		between := l.scores()
		l.Works()
		after, second := l.scores(), l.stage(registry.Champion)
		if len(between) == 0 || len(between) >= len(before) {
			t.Errorf("%d scores are shown between, of %d before: want some, and not all", len(between), len(before))
		}
		for pair, score := range between {
			if after[pair] != score {
				t.Errorf("%v has the score %d in between, without her %d", pair, score, after[pair])
			}
		}
		if second.Lineage.DerivedFrom != first.Number || second.Hash == first.Hash || second.Card.Data.People != first.Card.Data.People-1 {
			t.Errorf("version %d derived from %d of %d people; want one of %d, without her", second.Number, second.Lineage.DerivedFrom, second.Card.Data.People, first.Number)
		}
		l.exact(t)
	})
}

func TestStopBetweenTheWithdrawalAndTheSolvingShowsNothingStaleAndForgets(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "data")
	settings := map[string]string{"data": folder}
	l := &learner{Shop: thimbletest.Open(t, settings)}
	people := l.garden(6)
	l.Works()
	knew := l.stage(registry.Champion)
	l.Chooses(people[0], thimbletest.Withdraws(thimble.TrainAISystem)...)

	l.Shop.App = thimbletest.Open(t, settings).App // the other does nothing any more

	if now := l.scores(); len(now) != 0 {
		t.Errorf("%d scores are shown before it is known which knew her", len(now))
	}
	if list := l.Sees(people[1]); list.Personal || list.Why == "" {
		t.Errorf("a list from a model that knew her: personal %t, %q", list.Personal, list.Why)
	}
	l.jobs()
	if now := l.stage(registry.Champion); now.Card.Data.People != knew.Card.Data.People-1 || len(l.scores()) == 0 {
		t.Errorf("after the work: %d people, %d scores", now.Card.Data.People, len(l.scores()))
	}
	l.exact(t)
}

func TestAnotherProcessShowsNothingThatKnewSomebodyWhoLeft(t *testing.T) {
	settings := map[string]string{"data": filepath.Join(t.TempDir(), "data"), "database-url": sqldbtest.Database(t)}
	one := &learner{Shop: thimbletest.Open(t, settings)}
	people := one.garden(6)
	one.Works()
	other := &learner{Shop: thimbletest.Open(t, settings)}
	if len(other.scores()) == 0 {
		t.Fatal("the other process shows nothing before anybody leaves")
	}

	one.Chooses(people[0], thimbletest.Withdraws(thimble.TrainAISystem)...)
	if now := other.scores(); len(now) != 0 {
		t.Errorf("the other process, which does not know which, shows %d scores", len(now))
	}
	one.no(t, one.App.Shop.CatchUp(t.Context()))

	after, there := one.scores(), other.scores()
	if len(after) == 0 || fmt.Sprint(after) != fmt.Sprint(there) {
		t.Errorf("after it was solved one shows %d scores and the other %d, and not the same", len(after), len(there))
	}
}

func TestAYesAndWhatDoesNotConcernLearningTakesNothingOutOfLists(t *testing.T) {
	l := &learner{Shop: thimbletest.New(t)}
	people := l.garden(6)
	l.Works()
	before := l.scores()
	l.Chooses(people[0], thimbletest.Withdraws(thimble.PersonalizeContent)...)
	l.Chooses(l.Subject("somebody new"), thimbletest.Allows(thimble.TrainAISystem)...)
	if now := l.scores(); fmt.Sprint(now) != fmt.Sprint(before) {
		t.Errorf("%d scores of %d are shown", len(now), len(before))
	}
}

func TestManyWhoLeaveAtOnceShowNothingUntilTheyAreOut(t *testing.T) {
	l := &learner{Shop: thimbletest.New(t)}
	people := l.garden(20)
	l.Works()
	for _, who := range people[:70] {
		l.Chooses(who, thimbletest.Withdraws(thimble.TrainAISystem)...)
	}
	if now := l.scores(); len(now) != 0 {
		t.Errorf("%d scores are shown", len(now))
	}
	l.Works()
	if v := l.stage(registry.Champion); v.Card.Data.People != 10 || len(l.scores()) == 0 {
		t.Errorf("%d people, want 10; %d scores", v.Card.Data.People, len(l.scores()))
	}
	l.exact(t)
}

func TestOrdersThatComeInAreTakenInWithoutATraining(t *testing.T) {
	thimbletest.Each(t, func(t *testing.T, s *thimbletest.Shop) {
		l := &learner{Shop: s}
		people := l.garden(6)
		l.Works()
		_, err := l.App.Shop.Train(t.Context(), "another", nil)
		l.no(t, err)
		first := l.stage(registry.Champion)
		l.Buys(people[0], "G1-A", "G1-B")
		l.Buys(l.Subject("who says nothing"), "G1-A", "G0-A")

		l.no(t, l.App.Shop.TakeIn(t.Context()))

		second := l.stage(registry.Champion)
		if second.Number == first.Number || second.Card.Data.People != first.Card.Data.People || second.Card.Data.Interactions != first.Card.Data.Interactions+2 {
			t.Errorf("version %d of %d people and %d interactions; want one with her two more than version %d", second.Number, second.Card.Data.People, second.Card.Data.Interactions, first.Number)
		}
		if last, err := l.Orders.LastBatch(t.Context()); err != nil || second.Lineage.Through != last {
			t.Errorf("it is through %d, want %d; %v", second.Lineage.Through, last, err)
		}
		l.exact(t)
		l.no(t, l.App.Shop.TakeIn(t.Context()))
		if third := l.stage(registry.Champion); third.Number != second.Number || len(l.kept()) > 2 {
			t.Errorf("nothing came in, and version %d serves after %d; %d are kept", third.Number, second.Number, len(l.kept()))
		}

		l.Buys(people[1], "something new")
		l.no(t, l.App.Shop.TakeIn(t.Context()))
		if v := l.stage(registry.Champion); v.Card.Data.Items != second.Card.Data.Items+1 {
			t.Errorf("a new product is not in the model: %d items, want %d", v.Card.Data.Items, second.Card.Data.Items+1)
		}
		l.exact(t)
	})
}

func TestProofHoldsAndSeesAModelThatIsNotWhatTheStoreGives(t *testing.T) {
	l := &learner{Shop: thimbletest.New(t)}
	people := l.garden(6)
	l.Works()
	p, err := l.App.Shop.Prove(t.Context(), people[:1], 3, 1)
	l.no(t, err)
	if !p.Holds() || len(p.Cases) != 4 || !p.Cases[0].In || p.Cases[0].Columns == 0 {
		t.Errorf("%+v", p)
	}
	if same, err := l.App.Shop.Prove(t.Context(), nil, 3, 1); err != nil || !same.Holds() || same.Cases[0].Subject != p.Cases[1].Subject {
		t.Errorf("the same seed drew others: %v", err)
	}
	l.Erase(people[0])
	if p, err := l.App.Shop.Prove(t.Context(), people[:1], 0, 1); err != nil || !p.Holds() || p.Cases[0].In {
		t.Errorf("of somebody who was erased: %+v, %v", p, err)
	}
	// Orders that vanish and tell nobody: the model is not what the store gives.
	l.no(t, l.Core.Write(t.Context(), func(tx *sqldb.Tx) error {
		_, err := tx.Exec(t.Context(), `delete from order_orders where subject_id = $1`, people[5][:])
		return err
	}))
	if p, err := l.App.Shop.Prove(t.Context(), nil, 1, 1); err != nil || p.Holds() || p.Served() {
		t.Errorf("it is not found out: %v", err)
	}
}

// bot has touched a million products.
type bot struct{}

func (bot) Touched(context.Context, thimble.Grant) ([]lists.Touch, error) {
	all := make([]lists.Touch, 1_000_000)
	for i := range all {
		all[i] = lists.Touch{Item: thimble.ItemID(fmt.Sprintf("N%d", i)), Deed: lists.Looked, Last: time.UnixMicro(int64(i + 1))}
	}
	all[len(all)-1].Item = "G0-A"
	return all, nil
}

func TestOfAProgramThatLooksAtEverythingTheNewestCounts(t *testing.T) {
	l := &learner{Shop: thimbletest.New(t)}
	people := l.garden(4)
	l.Works()
	l.App.Shop.Events = bot{}
	list := l.Sees(people[10])
	if !list.Personal || len(list.Entries) == 0 {
		t.Errorf("personal %t, %s", list.Personal, list.Why)
	}
	if in := l.inputs(list); in[lists.Browsing].Count+in[thimble.PurchaseHistory].Count != 2000 {
		t.Errorf("the record counts %d and %d, want the newest 2000 together", in[lists.Browsing].Count, in[thimble.PurchaseHistory].Count)
	}
}

// TestNoSequenceOfChangesLeavesATraceInAModel does what customers and the shop do, in
// random order, with restarts in between. Whatever is shown before somebody is taken out
// is what is shown after; and every version that is kept is, byte for byte, what a
// training from the store gives.
func TestNoSequenceOfChangesLeavesATraceInAModel(t *testing.T) {
	const seed = 20261130
	t.Logf("seed %d", seed)
	thimbletest.Each(t, func(t *testing.T, s *thimbletest.Shop) {
		r := rand.New(rand.NewPCG(seed, 1))
		l := &learner{Shop: s}
		people := l.garden(4)
		l.Works()
		restart := func() {
			settings := map[string]string{"data": s.Config.Data, "database-url": s.Config.DatabaseURL}
			l.Shop.App = thimbletest.Open(t, settings).App
		}
		for step := range 50 {
			who := people[r.IntN(len(people))]
			switch act := r.IntN(13); act {
			case 0, 1:
				l.Buys(who, thimble.ItemID(fmt.Sprintf("G%d-A", r.IntN(4))), thimble.ItemID(fmt.Sprintf("G%d-%d", r.IntN(4), r.IntN(2))))
			case 2, 3:
				l.Chooses(who, thimbletest.Withdraws(thimble.TrainAISystem)...)
			case 4:
				l.Chooses(who, thimbletest.Allows(thimble.TrainAISystem)...)
			case 5:
				l.Erase(who)
				people = append(people, l.person())
				people[slices.Index(people, who)] = people[len(people)-1]
				people = people[:len(people)-1]
			case 6:
				_, err := l.App.Shop.Train(t.Context(), "orders were imported", nil)
				l.no(t, err)
			case 7:
				if step%3 == 0 {
					restart()
				}
			case 8:
				l.no(t, l.App.Shop.Gather(t.Context()))
			case 9:
				l.no(t, l.App.Shop.TakeIn(t.Context()))
			case 10, 11:
				l.Does(who, "Product Added", thimble.ItemID(fmt.Sprintf("G%d-A", r.IntN(4))), thimble.ItemID(fmt.Sprintf("G%d-B", r.IntN(4))))
			case 12:
				_, err := l.Tastes.Say(t.Context(), who, tastedb.Said{Undo: r.IntN(2) == 0, By: taste.By{Auth: "session", Component: "test"},
					Choices: []taste.Choice{{Kind: taste.Forget, Item: thimble.ItemID(fmt.Sprintf("G%d-A", r.IntN(4)))}}})
				l.no(t, err)
			}
			between := l.scores()
			l.no(t, l.App.Shop.CatchUp(t.Context()))
			after := l.scores()
			for pair, score := range between {
				if after[pair] != score {
					t.Fatalf("step %d: %v has the score %d in between, and %d after", step, pair, score, after[pair])
				}
			}
			if step%4 == 0 {
				l.jobs() // a yes is learned of by a training
				l.exact(t)
			}
			if t.Failed() {
				t.Fatalf("at step %d", step)
			}
		}
	})
}

var _ lists.Leaving = (*noLeavers)(nil)

// noLeavers hears of nobody: what it would be like without the rows.
type noLeavers struct{ lists.Leaving }

func (noLeavers) Waiting(context.Context, int) (int64, []lists.Leaver, error) { return 1, nil, nil }

// The tests above find out a shop that does not look at the rows.
func TestAShopThatDoesNotLookWhoLeavesIsFoundOut(t *testing.T) {
	l := &learner{Shop: thimbletest.New(t)}
	people := l.garden(6)
	l.Works()
	before := l.scores()
	l.App.Shop.Leaving = noLeavers{l.App.Shop.Leaving}
	l.Chooses(people[0], thimbletest.Withdraws(thimble.TrainAISystem)...)
	if now := l.scores(); len(now) != len(before) {
		t.Errorf("%d scores of %d are shown: the tests above would pass whatever the shop does", len(now), len(before))
	}
}
