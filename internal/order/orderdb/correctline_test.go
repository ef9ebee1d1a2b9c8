package orderdb_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"thimble"
	"thimble/internal/order"
	"thimble/internal/sqldb"
	"thimble/internal/vault/vaulttest"
)

// touched is an epoch that nobody waits for.
type touched struct{ n int }

func (e *touched) Touch(context.Context, *sqldb.Tx, thimble.SubjectID) (int64, error) {
	e.n++
	return int64(e.n), nil
}

const seed = 20261130

// However wrong lines are put right, in whatever order and however often each is asked for
// again, what is left is the history of somebody whose orders were never wrong; the books
// have what was booked, and no number is free for an old list.
func TestLinesPutRightInAnyOrderLeaveTheHistoryThatWasNeverWrong(t *testing.T) {
	each(t, func(t *testing.T, s *shop) {
		chance := rand.New(rand.NewPCG(seed, 1))
		s.store.Moves(&touched{})
		for round := range 12 {
			who := vaulttest.Owner(t, s.vault)
			var right, booked []order.Order
			var asked []thimble.Correction
			var numbers []string
			for n := range 3 {
				o := order.Order{ID: newID(t), Subject: who, Number: fmt.Sprintf("%d-%d", round, n), PlacedAt: time.Date(2026, 11, 1+n, 0, 0, 0, 0, time.UTC), Country: "GB", Return: n == 2}
				fixed := o
				numbers = append(numbers, o.Number)
				for i := range 1 + chance.IntN(5) {
					l := order.Line{Item: thimble.ItemID(fmt.Sprint("item-", chance.IntN(3))), Units: 1 + chance.Int64N(2), Price: thimble.Money{Minor: 100, Currency: "GBP"}}
					o.Lines = append(o.Lines, l)
					c := thimble.Correction{Subject: who, Name: "order", Ref: fmt.Sprintf("%s/%d", o.ID.Token(order.TokenPrefix), i), Was: thimble.Hide(fmt.Sprintf("%s, %d", l.Item, l.Units))}
					switch chance.IntN(4) {
					case 0:
						c.Choice = "not_bought"
					case 1:
						c.Choice, l.Units = "units", 5+chance.Int64N(3)
						c.Value = thimble.Hide(fmt.Sprint(l.Units))
						fixed.Lines = append(fixed.Lines, l)
					case 2:
						fixed.Lines = append(fixed.Lines, l)
						if !o.Return {
							c.Choice = "sent_back"
							back := fixed
							back.Return, back.Lines = true, []order.Line{l}
							right = append(right, back)
						}
					default:
						fixed.Lines = append(fixed.Lines, l)
					}
					if c.Choice != "" {
						asked = append(asked, c)
					}
				}
				right, booked = append(right, fixed), append(booked, o)
			}
			if err := s.add(booked...); err != nil {
				t.Fatal(err)
			}
			chance.Shuffle(len(asked), func(i, j int) { asked[i], asked[j] = asked[j], asked[i] })
			for _, c := range asked {
				ctx := thimble.WithCause(t.Context(), newID(t))
				for again := range 1 + chance.IntN(2) {
					done, err := s.store.Correct(ctx, c)
					if err != nil || again > 0 && done.Changed != 0 {
						t.Fatalf("round %d (seed %d): %s of %s: changed %d, %v", round, seed, c.Choice, c.Ref, done.Changed, err)
					}
				}
			}
			if diff := cmp.Diff(order.History(right), order.History(s.of(who, 0))); diff != "" {
				t.Errorf("round %d (seed %d): the history is not the one that was never wrong (-want +got):\n%s", round, seed, diff)
			}
			known, err := s.store.Known(t.Context(), numbers)
			if err != nil || slices.Contains(known, false) {
				t.Errorf("round %d (seed %d): an old list would bring an order back: %v, %v", round, seed, known, err)
			}
		}
	})
}

func newID(t *testing.T) thimble.ID {
	t.Helper()
	id, err := thimble.NewID(nil)
	if err != nil {
		t.Fatal(err)
	}
	return id
}
