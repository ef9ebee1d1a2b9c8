package orderdb_test

import (
	"fmt"
	"testing"

	"thimble"
	"thimble/internal/holdertest"
	"thimble/internal/order"
	"thimble/internal/vault/vaulttest"
)

func TestTheStoreKeepsTheContractOfHolders(t *testing.T) {
	each(t, func(t *testing.T, s *shop) {
		clock, n := holdertest.NewClock(), 0
		holdertest.Run(t, holdertest.Fixture{
			Holder: s.store, Core: s.db, Tick: clock.Tick,
			Person: func(tb testing.TB) thimble.SubjectID { return vaulttest.Owner(tb, s.vault) },
			Keep: func(tb testing.TB, who thimble.SubjectID) []string {
				n++
				o := order.Order{ID: id(tb), Subject: who, Number: fmt.Sprintf("number-%d-", n), PlacedAt: clock.Now(),
					Lines: []order.Line{{Item: "85123A", Units: 6, Price: thimble.Money{Minor: 255, Currency: "GBP"}}}}
				if err := s.add(o); err != nil {
					tb.Fatal(err)
				}
				return []string{o.Number}
			},
			Terms: map[thimble.Category]holdertest.Term{thimble.PurchaseHistory: holdertest.Expires},
		})
	})
}

func id(tb testing.TB) thimble.ID {
	id, err := thimble.NewID(nil)
	if err != nil {
		tb.Fatal(err)
	}
	return id
}
