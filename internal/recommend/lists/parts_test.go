package lists_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"thimble"
	"thimble/internal/consent"
	"thimble/internal/order"
	"thimble/internal/recommend/lists"
	"thimble/internal/sqldb"
	"thimble/internal/thimbletest"
)

func (l *learner) sendsBack(who thimble.SubjectID, item thimble.ItemID) order.Sealed {
	l.TB.Helper()
	ctx := context.Background()
	id, err := thimble.NewID(nil)
	l.no(l.TB, err)
	l.people++
	drafts, err := l.Orders.Draft(ctx, []order.Order{{
		ID: id, Subject: who, Number: fmt.Sprintf("return-%d", l.people), PlacedAt: time.Date(2026, 11, 2, 12, 0, 0, 0, time.UTC), Country: "GB", Return: true,
		Lines: []order.Line{{Item: item, Units: 1, Price: thimble.Money{Minor: 250, Currency: "GBP"}}},
	}})
	l.no(l.TB, err)
	l.no(l.TB, l.Core.Write(ctx, func(tx *sqldb.Tx) error { return l.Orders.Add(ctx, tx, drafts) }))
	return drafts[0].Sealed()
}

// spoil makes the body of an order one that nobody can open.
func (l *learner) spoil(o order.Sealed) {
	l.TB.Helper()
	l.no(l.TB, l.Core.Write(context.Background(), func(tx *sqldb.Tx) error {
		_, err := tx.Exec(context.Background(), `update order_orders set body = $1 where id = $2`, []byte("spoilt"), o.ID)
		return err
	}))
}

func (l *learner) leavesOut(who thimble.SubjectID, p thimble.Purpose, part consent.Scope) {
	l.TB.Helper()
	l.Chooses(who, consent.Choice{Purpose: p, Scope: part, State: consent.Refused})
}

func (l *learner) shown(who thimble.SubjectID) (items []thimble.ItemID, personal bool, why string) {
	list := l.Sees(who)
	for _, e := range list.Entries {
		items = append(items, e.Product.ID)
	}
	return items, list.Personal, list.Why
}

func crowded(t *testing.T, f func(t *testing.T, l *learner)) {
	t.Helper()
	thimbletest.Each(t, func(t *testing.T, s *thimbletest.Shop) {
		l := &learner{Shop: s}
		l.crowd()
		l.Works()
		f(t, l)
	})
}

func TestWhoWantsNoListsGetsThePopularOneWithThatReason(t *testing.T) {
	crowded(t, func(t *testing.T, l *learner) {
		ada := l.person()
		l.Buys(ada, "shirt")
		if _, personal, why := l.shown(ada); !personal {
			t.Fatalf("before: %s", why)
		}
		l.leavesOut(ada, thimble.PersonalizeContent, consent.Scope{Feature: consent.Recommendations})
		if _, personal, why := l.shown(ada); personal || why != lists.WithoutLists {
			t.Errorf("personal %t, %q", personal, why)
		}
		l.Chooses(ada, consent.Choice{Purpose: thimble.PersonalizeContent, Scope: consent.Scope{Feature: consent.Recommendations}, State: consent.Given})
		if _, personal, why := l.shown(ada); !personal {
			t.Errorf("taken in again: %s", why)
		}
		l.Chooses(ada, thimbletest.Withdraws(thimble.PersonalizeContent)...)
		if _, personal, why := l.shown(ada); personal || why == lists.WithoutLists {
			t.Errorf("everything withdrawn: personal %t, %q", personal, why)
		}
	})
}

// TestReturnsThatAreLeftOutAreNotOpened spoils a return: whoever opened it would fail.
func TestReturnsThatAreLeftOutAreNotOpened(t *testing.T) {
	returns := consent.Scope{Signal: consent.Returns}
	crowded(t, func(t *testing.T, l *learner) {
		ada := l.person()
		l.Buys(ada, "shirt", "belt")
		back := l.sendsBack(ada, "belt")
		if items, personal, why := l.shown(ada); !personal || !slices.Contains(items, "belt") {
			t.Fatalf("what came back is not shown again: %v, %s", items, why)
		}
		l.leavesOut(ada, thimble.PersonalizeContent, returns)
		l.leavesOut(ada, thimble.TrainAISystem, returns)
		l.spoil(back)
		if items, personal, why := l.shown(ada); !personal || slices.Contains(items, "belt") {
			t.Errorf("what came back does not count as bought: %v, %s", items, why)
		}
		l.Works()
		if _, err := l.App.Shop.Train(t.Context(), "anew", nil); err != nil {
			t.Errorf("learning opened a return that is left out: %v", err)
		}
		with, _ := l.App.Shop.Version()
		if with.Card.Data.People != 9 {
			t.Errorf("learned from %d people, want all 9", with.Card.Data.People)
		}
		// Taken in again, the return is opened, and cannot be.
		l.Chooses(ada, consent.Choice{Purpose: thimble.TrainAISystem, Scope: returns, State: consent.Given})
		l.Works()
		if v, err := l.App.Shop.Train(t.Context(), "anew", nil); err != nil || v.Card.Data.People != 8 {
			t.Errorf("a history that cannot be opened: learned from %d people, %v, want 8", v.Card.Data.People, err)
		}
	})
}

// An order that was sealed before directions were kept has to be opened to be told; a
// return among them is not used.
func TestAReturnWithoutADirectionIsNotUsed(t *testing.T) {
	crowded(t, func(t *testing.T, l *learner) {
		ada := l.person()
		l.Buys(ada, "shirt", "belt")
		l.sendsBack(ada, "belt")
		l.no(t, l.Core.Write(t.Context(), func(tx *sqldb.Tx) error {
			_, err := tx.Exec(t.Context(), `update order_orders set direction = 0`)
			return err
		}))
		l.leavesOut(ada, thimble.PersonalizeContent, consent.Scope{Signal: consent.Returns})
		if items, personal, why := l.shown(ada); !personal || slices.Contains(items, "belt") {
			t.Errorf("what came back does not count as bought: %v, %s", items, why)
		}
	})
}
