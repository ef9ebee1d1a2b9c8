package decisiondb_test

import (
	"testing"

	"thimble"
	"thimble/internal/decision"
	"thimble/internal/decision/decisiondb"
	"thimble/internal/holdertest"
)

func TestTheStoreKeepsTheContractOfHolders(t *testing.T) {
	holdertest.Each(t, func(t *testing.T, k *holdertest.Kernel) {
		s := decisiondb.New(k.Core, k.Ledger, k.Vault, k.Subjects)
		keep := func(tb testing.TB, who thimble.SubjectID) []string {
			epoch, err := k.Subjects.Epoch(tb.Context(), who)
			if err != nil {
				tb.Fatal(err)
			}
			id, err := s.Keep(tb.Context(), decision.Record{V: 1, Capability: "recommend", Subject: who, At: k.Now(),
				Inputs: []decision.Input{{Category: thimble.PurchaseHistory}}}, [8]byte{}, epoch)
			if err != nil {
				tb.Fatal(err)
			}
			return []string{id.Token(decision.TokenPrefix)}
		}
		holdertest.Run(t, holdertest.Fixture{
			Holder: s, Core: k.Core, Tick: k.Tick, Person: k.Person, Keep: keep,
			Terms:    map[thimble.Category]holdertest.Term{thimble.AutomatedDecision: holdertest.Expires},
			WhileOne: func(tb testing.TB, who thimble.SubjectID) { keep(tb, who) }, Trace: holdertest.Nothing,
		})
	})
}
