package consent

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"thimble"
)

func TestTheLastEventOfAPurposeCountsWhateverTheClocksSay(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		now := time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)
		states := []State{Given, Refused, Withdrawn}
		purposes := []thimble.Purpose{thimble.PersonalizeContent, thimble.TrainAISystem}
		n := rapid.IntRange(0, 20).Draw(t, "events")
		var events []Event
		want := map[thimble.Purpose]State{}
		for seq := range n {
			e := Event{V: 1, Seq: int64(seq + 1),
				Purpose: rapid.SampledFrom(purposes).Draw(t, "purpose"), State: rapid.SampledFrom(states).Draw(t, "state"),
				At: now.Add(-time.Duration(rapid.IntRange(0, 1000).Draw(t, "ago")) * time.Second)}
			events = append(events, e)
			want[e.Purpose] = e.State
		}
		events = rapid.Permutation(events).Draw(t, "order")
		got := Fold(events, now)
		if len(got) != len(want) {
			t.Fatalf("Fold = %v, want %v", got, want)
		}
		for p, s := range want {
			if got[p] != s {
				t.Fatalf("Fold = %v, want %v", got, want)
			}
		}
	})
}

func TestConsentExpiresByItself(t *testing.T) {
	given := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	events := []Event{{V: 1, Seq: 1, Purpose: thimble.TrainAISystem, State: Given, At: given, Expires: given.Add(Lives)}}
	for at, want := range map[time.Time]State{
		given.Add(-1):        "",
		given:                Given,
		given.Add(Lives - 1): Given,
		given.Add(Lives):     Expired,
	} {
		if got := Fold(events, at)[thimble.TrainAISystem]; got != want || got.Permits() != (want == Given) {
			t.Errorf("at %s: %q, permits %t, want %q", at, got, got.Permits(), want)
		}
	}
}

func TestOnlyWhatIsAskedCanBeChosen(t *testing.T) {
	for _, c := range []Choice{
		{Purpose: "resell", State: Given}, {Purpose: "", State: Given}, {Purpose: thimble.EssentialService, State: Refused},
		{Purpose: thimble.TrainAISystem, State: Expired}, {Purpose: thimble.TrainAISystem, State: ""}, {Purpose: thimble.TrainAISystem, State: "yes"},
	} {
		if c.Check() == nil {
			t.Errorf("%+v passes", c)
		}
	}
	for _, a := range Asked {
		if err := (Choice{Purpose: a.Purpose, State: Withdrawn}).Check(); err != nil {
			t.Error(err)
		}
	}
}
