package tastedb_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"thimble"
	"thimble/internal/holdertest"
	"thimble/internal/ledger"
	"thimble/internal/recommend/taste"
	"thimble/internal/recommend/tastedb"
	"thimble/internal/sqldb"
)

var (
	less   = taste.Choice{Kind: taste.Less, Item: "hat-1"}
	forget = taste.Choice{Kind: taste.Forget, Item: "socks-2"}
	never  = taste.Choice{Kind: taste.Never, Category: "bags"}
	byHand = taste.By{Auth: "session", Component: "test"}
)

func open(k *holdertest.Kernel) *tastedb.Store {
	return tastedb.New(k.Core, k.Ledger, k.Vault, k.Vault.Open, k.Subjects, k.Now)
}

func say(t testing.TB, s *tastedb.Store, who thimble.SubjectID, undo bool, choices ...taste.Choice) []tastedb.Recorded {
	t.Helper()
	all, err := s.Say(context.Background(), who, tastedb.Said{Choices: choices, Undo: undo, By: byHand})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func stands(t testing.TB, s *tastedb.Store, who thimble.SubjectID) taste.State {
	t.Helper()
	state, err := s.Standing(context.Background(), who)
	if err != nil {
		t.Fatal(err)
	}
	return state
}

func TestTheStoreKeepsTheContractOfHolders(t *testing.T) {
	holdertest.Each(t, func(t *testing.T, k *holdertest.Kernel) {
		s, n := open(k), 0
		holdertest.Run(t, holdertest.Fixture{
			Holder: s, Core: k.Core, Tick: k.Tick, Person: k.Person,
			Keep: func(tb testing.TB, who thimble.SubjectID) []string {
				n++
				all := []taste.Choice{{Kind: taste.Less, Item: thimble.ItemID(fmt.Sprintf("hat-%d-", n))}, {Kind: taste.Never, Category: fmt.Sprintf("bags-%d-", n)}}
				say(tb, s, who, false, all...)
				return []string{string(all[0].Item), all[1].Category}
			},
			Terms: map[thimble.Category]holdertest.Term{thimble.PrivacyPreferences: holdertest.Lasts},
		})
	})
}

func TestAChoiceHoldsUntilItIsUndoneAndIsSaidOnce(t *testing.T) {
	holdertest.Each(t, func(t *testing.T, k *holdertest.Kernel) {
		s, ada := open(k), k.Person(t)
		first := say(t, s, ada, false, less, never)
		if len(first) != 2 || first[1].Event.Seq != 2 || first[1].Event.Prev == "" {
			t.Fatalf("recorded %+v", first)
		}
		if again := say(t, s, ada, false, never); len(again) != 0 {
			t.Errorf("what stands already is recorded again")
		}
		if got := say(t, s, ada, true, forget); len(got) != 0 {
			t.Errorf("the undoing of what does not stand is recorded")
		}
		say(t, s, ada, true, less)
		if state := stands(t, s, ada); state.Hides("hat-1", "") || !state.Forgets("x", "bags") {
			t.Errorf("after the undoing of one of two stands %+v", state)
		}
		say(t, s, ada, true, never)
		if state := stands(t, s, ada); !state.Empty() {
			t.Errorf("after all was undone stands %+v", state)
		}
	})
}

func TestTheSameRequestCountsOnceAndAnotherWithItsKeyIsRefused(t *testing.T) {
	holdertest.Each(t, func(t *testing.T, k *holdertest.Kernel) {
		s, ada := open(k), k.Person(t)
		ask := func(undo bool, c taste.Choice) ([]tastedb.Recorded, error) {
			return s.Say(t.Context(), ada, tastedb.Said{Choices: []taste.Choice{c}, Undo: undo, By: byHand, Key: "k"})
		}
		first, err := ask(false, less)
		if err != nil || len(first) != 1 {
			t.Fatal(first, err)
		}
		say(t, s, ada, true, less)
		again, err := ask(false, less)
		if err != nil || len(again) != 1 || again[0].Event.Seq != first[0].Event.Seq || !stands(t, s, ada).Empty() {
			t.Errorf("sent again it gives %+v, %v", again, err)
		}
		if _, err := ask(false, never); !errors.Is(err, thimble.ErrConflict) {
			t.Errorf("another choice with the key: %v, want a conflict", err)
		}
	})
}

func TestWhatMustFollowIsQueuedWithTheChoiceOrNothingIsRecorded(t *testing.T) {
	holdertest.Each(t, func(t *testing.T, k *holdertest.Kernel) {
		s, ada := open(k), k.Person(t)
		before, err := k.Subjects.Epoch(t.Context(), ada)
		if err != nil {
			t.Fatal(err)
		}
		refuse := errors.New("no")
		s.OnChange(func(context.Context, *sqldb.Tx, []taste.Event) error { return refuse })
		if _, err := s.Say(t.Context(), ada, tastedb.Said{Choices: []taste.Choice{forget}, By: byHand}); !errors.Is(err, refuse) {
			t.Fatal(err)
		}
		if after, _ := k.Subjects.Epoch(t.Context(), ada); after != before || !stands(t, s, ada).Empty() {
			t.Errorf("something was recorded without what must follow")
		}
		refuse = nil
		say(t, s, ada, false, forget)
		if after, _ := k.Subjects.Epoch(t.Context(), ada); after <= before {
			t.Errorf("the epoch is %d, and was %d: grants that are out live on", after, before)
		}
	})
}

func TestWhoIsNotThereRecordsNothing(t *testing.T) {
	holdertest.Each(t, func(t *testing.T, k *holdertest.Kernel) {
		s := open(k)
		if got := say(t, s, thimble.SubjectID{9}, false, less); len(got) != 0 {
			t.Errorf("recorded %+v of nobody", got)
		}
	})
}

func TestAnAuditFindsWhatDoesNotFollowFromTheEvents(t *testing.T) {
	holdertest.Each(t, func(t *testing.T, k *holdertest.Kernel) {
		s, ada, ben := open(k), k.Person(t), k.Person(t)
		say(t, s, ada, false, less, forget)
		say(t, s, ada, true, less)
		say(t, s, ben, false, never)
		rules := func() (found []string) {
			for c, err := range s.Claims(t.Context()) {
				if err != nil {
					t.Fatal(err)
				}
				if c.Rule != "" || c.Err != nil || c.Table == "taste_events" && c.Class != ledger.Taste {
					found = append(found, c.Table)
				}
			}
			return found
		}
		if got := rules(); len(got) != 0 {
			t.Fatalf("an untouched store: %v", got)
		}
		if err := k.Core.Write(t.Context(), func(tx *sqldb.Tx) error {
			_, err := tx.Exec(t.Context(), `delete from taste_state where subject_id = $1`, ben[:])
			return err
		}); err != nil {
			t.Fatal(err)
		}
		if got := rules(); len(got) != 1 || got[0] != "taste_state" {
			t.Errorf("what stands was taken away, and the audit says %v", got)
		}
		err := k.Core.Write(t.Context(), func(tx *sqldb.Tx) error {
			_, err := tx.Exec(t.Context(), `update taste_events set at = 0`)
			return err
		})
		if err == nil {
			t.Error("the database changes an event")
		}
	})
}
