package lists_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"slices"
	"testing"
	"time"

	"thimble"
	"thimble/internal/holdertest"
	"thimble/internal/recommend/lists"
	"thimble/internal/registry/registrydb"
	"thimble/internal/thimbletest"
)

// learner is a shop whose people are learned from.
type learner struct {
	*thimbletest.Shop
	people int
	link   thimble.Merge // the last that was made
}

func (l *learner) person() thimble.SubjectID {
	l.people++
	return l.Subject(fmt.Sprintf("person-%d", l.people), thimbletest.Allows(thimble.TrainAISystem, thimble.PersonalizeContent)...)
}

// crowd gives the shop people who buy together, so that there is something to learn.
func (l *learner) crowd() {
	for i := range 8 {
		l.Buys(l.person(), "shirt", "belt", thimble.ItemID(fmt.Sprintf("extra-%d", i%4)))
	}
}

func (l *learner) no(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

// weights is the digest of the weights that serve, as they lie there, and every file that
// is of no version. That those which are kept beside remember nobody is held by the
// registry's suite.
func (l *learner) weights(tb testing.TB) (state []string) {
	tb.Helper()
	there, err := l.Files.List()
	l.no(tb, err)
	kept, err := l.Models.Kept(context.Background(), lists.ModelName)
	l.no(tb, err)
	for _, h := range there {
		i := slices.IndexFunc(kept, func(v registrydb.Version) bool { return v.Package == h })
		if i < 0 {
			state = append(state, "stray "+h.String())
			continue
		}
		p, err := l.Models.Open(context.Background(), kept[i])
		l.no(tb, err)
		if kept[i].Serving() {
			state = append(state, fmt.Sprintf("%x", sha256.Sum256(p.Weights)))
		}
	}
	slices.Sort(state)
	return state
}

func (l *learner) derived(ctx context.Context) *holdertest.Derived {
	return &holdertest.Derived{
		State: func(tb testing.TB) string {
			return fmt.Sprint(l.weights(tb))
		},
		Settle: func(testing.TB) { l.Works() },
		Anew: func(tb testing.TB) {
			_, err := l.App.Shop.Train(ctx, "anew", nil)
			l.no(tb, err)
		},
		Erase: func(tb testing.TB, who thimble.SubjectID) {
			for _, h := range l.Holders() {
				if h.HolderName() != l.App.Shop.HolderName() {
					_, err := h.Erase(ctx, who)
					l.no(tb, err)
				}
			}
		},
		// The gate refuses who may not be learned from, for whichever reason.
		Restrict: func(_ testing.TB, who thimble.SubjectID, on bool) {
			if on {
				l.Chooses(who, thimbletest.Withdraws(thimble.TrainAISystem)...)
			} else {
				l.Chooses(who, thimbletest.Allows(thimble.TrainAISystem)...)
			}
		},
		Object: func(tb testing.TB, who thimble.SubjectID, p thimble.Purpose) { l.no(tb, l.Consent.Object(ctx, who, p)) },
		Expire: func(tb testing.TB, c thimble.Category, before time.Time) {
			_, err := l.Orders.Expire(ctx, c, before)
			l.no(tb, err)
			l.crowd()
		},
		Merge:   func(_ testing.TB, m thimble.Merge) { l.link = l.Join(m.Survivor, m.Absorbed) },
		Unmerge: func(testing.TB, thimble.Merge) { l.Part(l.link) },
	}
}

func (l *learner) fixture(ctx context.Context) holdertest.Fixture {
	return holdertest.Fixture{
		Holder: l.App.Shop, Core: l.Core, Keys: l.Keys, Tick: holdertest.WallTick,
		Person: func(testing.TB) thimble.SubjectID { return l.person() },
		Keep: func(tb testing.TB, who thimble.SubjectID) []string {
			// Nothing new to the catalogue: a product stays in the model when its only buyer goes.
			l.Buys(who, "shirt", "extra-1", "extra-2")
			l.no(tb, l.App.Shop.Ask(ctx, "an order"))
			return nil
		},
		Terms:   map[thimble.Category]holdertest.Term{thimble.PurchaseHistory: holdertest.Expires},
		Objects: thimble.TrainAISystem,
		Derived: l.derived(ctx),
	}
}

func TestTheModelKeepsTheContractOfHolders(t *testing.T) {
	thimbletest.Each(t, func(t *testing.T, s *thimbletest.Shop) {
		l := &learner{Shop: s}
		l.crowd()
		l.Works()
		holdertest.Run(t, l.fixture(context.Background()))
	})
}

func TestListsAreMadeOfTheWholePersonOrNotAtAll(t *testing.T) {
	thimbletest.Each(t, func(t *testing.T, s *thimbletest.Shop) {
		l := &learner{Shop: s}
		l.crowd()
		ada, eve := l.person(), l.person()
		l.Buys(ada, "shirt")
		l.Buys(eve, "belt")
		l.Works()
		shown := func() (items []thimble.ItemID) {
			for _, e := range l.Sees(ada).Entries {
				items = append(items, e.Product.ID)
			}
			return items
		}
		if !slices.Contains(shown(), "belt") {
			t.Fatalf("alone she is shown %v, want the belt that goes with her shirt", shown())
		}
		l.Join(ada, eve)
		l.Works()
		if slices.Contains(shown(), "belt") {
			t.Error("what the person bought as another member is recommended")
		}
		l.Chooses(eve, thimbletest.Withdraws(thimble.PersonalizeContent)...)
		if list := l.Sees(ada); list.Personal {
			t.Error("the list is personal although the person said no as another member: the stricter choice is not obeyed")
		}
	})
}

// idle is a derived holder that does nothing where it should act.
type idle struct{ *lists.Shop }

func (idle) Restrict(context.Context, thimble.SubjectID, bool) error          { return nil }
func (idle) Object(context.Context, thimble.SubjectID, thimble.Purpose) error { return nil }
func (idle) Unmerge(context.Context, thimble.Merge) error                     { return nil }
func (idle) Erase(context.Context, thimble.SubjectID) (thimble.Erasure, error) {
	return thimble.Erasure{}, nil
}
func (idle) Expire(context.Context, thimble.Category, time.Time) (thimble.Erasure, error) {
	return thimble.Erasure{}, nil
}

func TestADerivedHolderThatDoesNothingIsFoundOut(t *testing.T) {
	l := &learner{Shop: thimbletest.New(t)}
	l.crowd()
	l.Works()
	f := l.fixture(context.Background())
	f.Holder = idle{l.App.Shop}
	found := holdertest.Judge(t, f)
	for _, promise := range []string{
		"an erasure leaves what was made without the person",
		"what has expired is taken out",
		"a restriction takes the person out and its end brings them back",
		"an objection takes the person out",
		"the undoing of a merge leaves what was made of two",
		"an erasure interrupted anywhere is finished by the next call",
	} {
		if len(found[promise]) == 0 {
			t.Errorf("it is not found out at: %s", promise)
		}
	}
}
