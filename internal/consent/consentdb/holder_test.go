package consentdb_test

import (
	"errors"
	"testing"

	"thimble"
	"thimble/internal/consent"
	"thimble/internal/holdertest"
)

func TestTheStoreKeepsTheContractOfHolders(t *testing.T) {
	holdertest.Each(t, func(t *testing.T, k *holdertest.Kernel) {
		holdertest.Run(t, holdertest.Fixture{
			Holder: k.Consent, Core: k.Core, Tick: k.Tick, Person: k.Person,
			Keep: func(tb testing.TB, who thimble.SubjectID) []string {
				k.Chooses(tb, who, consent.Choice{Purpose: thimble.TrainAISystem, State: consent.Given}, consent.Choice{Purpose: thimble.PersonalizeContent, State: consent.Refused})
				return []string{string(thimble.TrainAISystem), string(thimble.PersonalizeContent)}
			},
			Terms:   map[thimble.Category]holdertest.Term{thimble.PrivacyPreferences: holdertest.KeptByLaw},
			Stays:   []string{"consent_events"}, // they open nowhere once the key is destroyed
			Objects: thimble.TrainAISystem,
			Used: func(tb testing.TB, who thimble.SubjectID) bool {
				st, err := k.Consent.Standing(tb.Context(), who, thimble.TrainAISystem)
				if err != nil {
					tb.Fatal(err)
				}
				return st.Now(k.Now()).Permits()
			},
		})
	})
}

func TestAnObjectionIsAChoiceAgainstThePurpose(t *testing.T) {
	holdertest.Each(t, func(t *testing.T, k *holdertest.Kernel) {
		ada := k.Person(t)
		state := func(p thimble.Purpose) consent.State {
			st, err := k.Consent.Standing(t.Context(), ada, p)
			if err != nil {
				t.Fatal(err)
			}
			return st.State
		}
		k.Chooses(t, ada, consent.Choice{Purpose: thimble.TrainAISystem, State: consent.Given})
		for p, want := range map[thimble.Purpose]consent.State{thimble.TrainAISystem: consent.Withdrawn, thimble.PersonalizeContent: consent.Refused} {
			if err := k.Consent.Object(t.Context(), ada, p); err != nil || state(p) != want {
				t.Errorf("after an objection to %s the state is %q, %v, want %q", p, state(p), err, want)
			}
		}
		if err := k.Consent.Object(t.Context(), ada, thimble.EssentialService); !errors.Is(err, thimble.ErrInvalid) {
			t.Errorf("objecting to the contract: %v, want invalid", err)
		}
		if err := k.Consent.Object(t.Context(), thimble.SubjectID{9}, thimble.TrainAISystem); err != nil {
			t.Errorf("objecting as nobody, of whom nothing is used: %v", err)
		}
	})
}
