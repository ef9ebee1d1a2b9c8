package subjectdb_test

import (
	"context"
	"testing"

	"thimble"
	"thimble/internal/holdertest"
	"thimble/internal/sqldb"
	"thimble/internal/subject"
)

func TestTheStoreKeepsTheContractOfHolders(t *testing.T) {
	holdertest.Each(t, func(t *testing.T, k *holdertest.Kernel) {
		ctx, accounts := context.Background(), map[thimble.SubjectID]string{}
		holdertest.Run(t, holdertest.Fixture{
			Holder: k.Subjects, Core: k.Core, Tick: k.Tick,
			Person: func(tb testing.TB) thimble.SubjectID {
				who, account := k.Named(tb)
				accounts[who] = account
				return who
			},
			Keep: func(tb testing.TB, who thimble.SubjectID) []string {
				err := k.Core.Write(ctx, func(tx *sqldb.Tx) error {
					return k.Subjects.SetResidence(ctx, tx, who, subject.Residence{Country: "DE", Evidence: "declared", At: k.Now()})
				})
				if err != nil {
					tb.Fatal(err)
				}
				return []string{accounts[who], "DE"}
			},
			Terms:     map[thimble.Category]holdertest.Term{thimble.Pseudonym: holdertest.Lasts, thimble.AccountIdentifier: holdertest.Lasts, thimble.Country: holdertest.Lasts, thimble.PrivacyPreferences: holdertest.Lasts},
			Restricts: true,
			Stays:     []string{"subject_subjects"}, // the bare id, so that it is never given again
		})
	})
}
