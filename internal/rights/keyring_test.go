package rights_test

import (
	"testing"

	"thimble"
	"thimble/internal/holdertest"
	"thimble/internal/rights"
	"thimble/internal/sqldb"
	"thimble/internal/sqldb/sqldbtest"
	"thimble/internal/vault/vaulttest"
)

func TestTheKeyringKeepsTheContractOfHolders(t *testing.T) {
	sqldbtest.Pair(t, func(t *testing.T, _, keys *sqldb.DB) {
		v, clock := vaulttest.New(t, keys), holdertest.NewClock()
		all := rights.NewDesk(nil, v, nil).Holders()
		holdertest.Run(t, holdertest.Fixture{
			Holder: all[len(all)-1], Keys: keys, Tick: clock.Tick, Silent: true,
			Person: func(tb testing.TB) thimble.SubjectID {
				who, err := thimble.NewSubjectID(nil)
				if err != nil {
					tb.Fatal(err)
				}
				return who
			},
			Keep: func(tb testing.TB, who thimble.SubjectID) []string {
				if err := v.Ensure(tb.Context(), who); err != nil {
					tb.Fatal(err)
				}
				return nil
			},
		})
	})
}
