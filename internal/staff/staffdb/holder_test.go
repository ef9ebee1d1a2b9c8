package staffdb_test

import (
	"fmt"
	"testing"

	"thimble"
	"thimble/internal/holdertest"
	"thimble/internal/session/sessiondb"
	"thimble/internal/staff"
	"thimble/internal/staff/staffdb"
)

func TestTheStoreOfBrokenGlassKeepsTheContractOfHolders(t *testing.T) {
	holdertest.Each(t, func(t *testing.T, k *holdertest.Kernel) {
		store, err := staffdb.New(k.Core, k.Ledger, k.Vault, sessiondb.New(k.Core, k.Subjects, k.Now), staffdb.Config{Cost: staff.Cost{MemoryKiB: 64, Passes: 1, Lanes: 1}, Now: k.Now})
		if err != nil {
			t.Fatal(err)
		}
		glass, n := store.Glass(k.Subjects), 0
		broken := func(tb testing.TB, who thimble.SubjectID) {
			tb.Helper()
			n++ // each account breaks it for one person at a time
			if _, err := glass.Break(tb.Context(), fmt.Sprintf("nia-%d", n), who, staff.IncidentGlass, thimble.Hide("their parcels go to another address")); err != nil {
				tb.Fatal(err)
			}
		}
		holdertest.Run(t, holdertest.Fixture{
			Holder: glass, Core: k.Core, Tick: k.Tick, Person: k.Person,
			Keep: func(tb testing.TB, who thimble.SubjectID) []string {
				broken(tb, who)
				return []string{string(staff.IncidentGlass)}
			},
			Terms:    map[thimble.Category]holdertest.Term{thimble.AccessRecord: holdertest.Expires},
			WhileOne: broken, Trace: holdertest.Both,
		})
	})
}
