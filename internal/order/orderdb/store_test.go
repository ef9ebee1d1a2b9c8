package orderdb_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"thimble"
	"thimble/internal/order"
	"thimble/internal/order/orderdb"
	"thimble/internal/sqldb"
	"thimble/internal/sqldb/sqldbtest"
	"thimble/internal/vault"
	"thimble/internal/vault/vaulttest"
)

type shop struct {
	*testing.T
	db    *sqldb.DB
	vault *vault.Vault
	store *orderdb.Store
}

func each(t *testing.T, f func(*testing.T, *shop)) {
	sqldbtest.Pair(t, func(t *testing.T, core, keys *sqldb.DB) {
		v := vaulttest.New(t, keys)
		f(t, &shop{T: t, db: core, vault: v, store: orderdb.New(core, v, v)})
	})
}

func (s *shop) add(orders ...order.Order) error {
	drafts, err := s.store.Draft(s.Context(), orders)
	if err != nil {
		return err
	}
	return s.db.Write(s.Context(), func(tx *sqldb.Tx) error { return s.store.Add(s.Context(), tx, drafts) })
}

func (s *shop) of(subject thimble.SubjectID, limit int) (opened []order.Order) {
	s.Helper()
	sealed, err := s.store.Of(s.Context(), subject, limit)
	if err != nil {
		s.Fatal(err)
	}
	for _, o := range sealed {
		plain, err := order.Open(s.Context(), grant{s.vault, subject}, o)
		if err != nil {
			s.Fatal(err)
		}
		opened = append(opened, plain)
	}
	return opened
}

// A grant opens one subject's cells.
type grant struct {
	vault   *vault.Vault
	subject thimble.SubjectID
}

func (g grant) Subject() thimble.SubjectID   { return g.subject }
func (g grant) Members() []thimble.SubjectID { return []thimble.SubjectID{g.subject} }
func (g grant) Purpose() thimble.Purpose     { return thimble.EssentialService }
func (g grant) Open(ctx context.Context, c thimble.Cell, sealed []byte) ([]byte, error) {
	if c.Owner != g.subject {
		return nil, fmt.Errorf("another person's: %w", thimble.ErrDenied)
	}
	return g.vault.Open(ctx, c, sealed)
}

func placed(t *testing.T, subject thimble.SubjectID, number string, day int) order.Order {
	id, err := thimble.NewID(nil)
	if err != nil {
		t.Fatal(err)
	}
	return order.Order{
		ID: id, Subject: subject, Number: number, PlacedAt: time.Date(2010, 12, day, 8, 26, 0, 0, time.UTC), Country: "GB",
		Lines: []order.Line{{Item: "85123A", Units: 6, Price: thimble.Money{Minor: 255, Currency: "GBP"}}},
	}
}

func TestOrdersComeBackNewestFirst(t *testing.T) {
	each(t, func(t *testing.T, s *shop) {
		ada, bob := vaulttest.Owner(t, s.vault), vaulttest.Owner(t, s.vault)
		first, second, other, guest := placed(t, ada, "1", 1), placed(t, ada, "2", 2), placed(t, bob, "3", 3), placed(t, thimble.SubjectID{}, "4", 4)
		if err := s.add(first, second, other, guest); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]order.Order{second, first}, s.of(ada, 0)); diff != "" {
			t.Errorf("want (-) and got (+) differ:\n%s", diff)
		}
		if diff := cmp.Diff([]order.Order{second}, s.of(ada, 1)); diff != "" {
			t.Errorf("with a limit, want (-) and got (+) differ:\n%s", diff)
		}
		if got := s.of(thimble.SubjectID{}, 0); len(got) != 0 {
			t.Errorf("nobody has %d orders", len(got))
		}
		want := orderdb.Totals{Orders: 4, Guests: 1, Subjects: 2, First: first.PlacedAt, Last: guest.PlacedAt}
		if got, err := s.store.Totals(t.Context()); err != nil || got != want {
			t.Errorf("got %v, %v, want %v", got, err, want)
		}
	})
}

func TestEmptyShopHasNoTotals(t *testing.T) {
	each(t, func(t *testing.T, s *shop) {
		if got, err := s.store.Totals(t.Context()); err != nil || got != (orderdb.Totals{}) {
			t.Errorf("got %v, %v, want nothing", got, err)
		}
	})
}

func TestANumberIsTakenOnce(t *testing.T) {
	each(t, func(t *testing.T, s *shop) {
		ada := vaulttest.Owner(t, s.vault)
		if err := s.add(placed(t, ada, "536365", 1)); err != nil {
			t.Fatal(err)
		}
		if err := s.add(placed(t, ada, "536366", 1), placed(t, ada, "536365", 2)); !errors.Is(err, thimble.ErrConflict) {
			t.Errorf("got %v, want a conflict", err)
		}
		got, err := s.store.Known(t.Context(), []string{"536366", "536365", "536365", ""})
		if diff := cmp.Diff([]bool{false, true, true, false}, got); err != nil || diff != "" {
			t.Errorf("error %v; want (-) and got (+) differ:\n%s", err, diff)
		}
	})
}

func TestManyOrdersAreAddedAndKnown(t *testing.T) {
	each(t, func(t *testing.T, s *shop) {
		var all []order.Order
		var numbers []string
		for i := range 450 {
			numbers = append(numbers, fmt.Sprint(i))
			all = append(all, placed(t, thimble.SubjectID{}, numbers[i], 1))
		}
		if err := s.add(all...); err != nil {
			t.Fatal(err)
		}
		known, err := s.store.Known(t.Context(), append(numbers, "none"))
		if err != nil {
			t.Fatal(err)
		}
		for i, k := range known {
			if k != (i < 450) {
				t.Fatalf("number %d: known is %t", i, k)
			}
		}
	})
}

func TestAnOrderOpensWithItsOwnersGrantOnly(t *testing.T) {
	each(t, func(t *testing.T, s *shop) {
		ada, bob := vaulttest.Owner(t, s.vault), vaulttest.Owner(t, s.vault)
		if err := s.add(placed(t, ada, "1", 1)); err != nil {
			t.Fatal(err)
		}
		sealed, err := s.store.Of(t.Context(), ada, 0)
		if err != nil {
			t.Fatal(err)
		}
		moved := sealed[0]
		moved.Subject = bob
		for name, try := range map[string]struct {
			grant grant
			row   order.Sealed
		}{
			"another's grant":  {grant{s.vault, bob}, sealed[0]},
			"a row moved over": {grant{s.vault, bob}, moved},
		} {
			if _, err := order.Open(t.Context(), try.grant, try.row); !errors.Is(err, thimble.ErrDenied) {
				t.Errorf("%s: got %v, want a denial", name, err)
			}
		}
		if bytes.Contains(sealed[0].Body, []byte("85123A")) {
			t.Error("the item lies in the clear")
		}
	})
}

func TestAnOrderOfSomebodyWithoutAKeyIsNotSealed(t *testing.T) {
	each(t, func(t *testing.T, s *shop) {
		if err := s.add(placed(t, thimble.SubjectID{1}, "1", 1)); !errors.Is(err, thimble.ErrNotFound) {
			t.Errorf("got %v, want not found", err)
		}
	})
}

func TestExportAfterErasureIsEmpty(t *testing.T) {
	each(t, func(t *testing.T, s *shop) {
		ada, bob := vaulttest.Owner(t, s.vault), vaulttest.Owner(t, s.vault)
		if err := s.add(placed(t, ada, "A-1", 1), placed(t, ada, "A-2", 2), placed(t, bob, "B-1", 3), placed(t, thimble.SubjectID{}, "G-1", 4)); err != nil {
			t.Fatal(err)
		}
		if got := s.export(ada); strings.Count(got, `"number"`) != 2 || strings.Contains(got, "B-1") || !strings.Contains(got, `"units":6`) {
			t.Errorf("the export is %s", got)
		}
		for _, want := range []int{2, 0} {
			got, err := s.store.Erase(t.Context(), ada)
			if err != nil || got.Erased != want || len(got.Kept) != 0 {
				t.Errorf("got %v, %v, want %d erased", got, err, want)
			}
		}
		if got := s.export(ada); got != "" {
			t.Errorf("after the erasure the export is %s", got)
		}
		if _, err := s.store.Erase(t.Context(), thimble.SubjectID{}); err != nil {
			t.Error(err)
		}
		if n, err := s.store.Count(t.Context()); err != nil || n != 2 {
			t.Errorf("%d orders are left, %v, want bob's and the guest's", n, err)
		}
	})
}

func (s *shop) export(subject thimble.SubjectID) string {
	s.Helper()
	var all strings.Builder
	for d, err := range s.store.Export(s.Context(), subject) {
		if err != nil {
			s.Fatal(err)
		}
		if d.Holder != "order" || d.Category != thimble.PurchaseHistory || d.At.IsZero() {
			s.Errorf("a datum is from %s, of %s, at %s", d.Holder, d.Category, d.At)
		}
		b, err := json.Marshal(d.Value)
		if err != nil {
			s.Fatal(err)
		}
		all.Write(b)
	}
	return all.String()
}
