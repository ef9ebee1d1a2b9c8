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
		shop := &shop{Kernel: k, tb: t, store: s}
		shop.reviewed(nil)
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
			d, err := s.Get(tb.Context(), id)
			if err == nil {
				_, err = s.Contest(tb.Context(), d, wish)
			}
			if err != nil {
				tb.Fatal(err)
			}
			steps, err := s.StepsOf(tb.Context(), who, 1)
			if err != nil || len(steps) != 1 {
				tb.Fatalf("%d steps, %v", len(steps), err)
			}
			return []string{id.Token(decision.TokenPrefix), steps[0].ID.Token(decision.StepPrefix)}
		}
		holdertest.Run(t, holdertest.Fixture{
			Holder: s, Core: k.Core, Tick: k.Tick, Person: k.Person, Keep: keep,
			Terms:    map[thimble.Category]holdertest.Term{thimble.AutomatedDecision: holdertest.Expires},
			WhileOne: func(tb testing.TB, who thimble.SubjectID) { keep(tb, who) }, Trace: holdertest.Nothing,
		})
	})
}
