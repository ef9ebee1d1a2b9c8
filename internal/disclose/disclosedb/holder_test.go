package disclosedb_test

import (
	"testing"

	"thimble"
	"thimble/internal/disclose/disclosedb"
	"thimble/internal/holdertest"
)

func TestTheStoreKeepsTheContractOfHolders(t *testing.T) {
	holdertest.Each(t, func(t *testing.T, k *holdertest.Kernel) {
		s := newShop(t, k, disclosedb.Config{})
		to, _ := s.recipient(current)
		keep := func(tb testing.TB, who thimble.SubjectID) []string {
			s.tb = tb
			m := s.mustSend(to, who)
			for s.step() { // notices of erasures before too
			}
			return []string{m.Token("msg"), "Parcels 1"}
		}
		holdertest.Run(t, holdertest.Fixture{
			Holder: s.store, Core: k.Core, Tick: k.Tick, Person: k.Person, Keep: keep,
			Terms:    map[thimble.Category]holdertest.Term{thimble.AccessRecord: holdertest.Expires},
			WhileOne: func(tb testing.TB, who thimble.SubjectID) { keep(tb, who) }, Trace: holdertest.Both, // what went out went out
		})
	})
}
