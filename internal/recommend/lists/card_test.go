package lists_test

import (
	"context"
	"fmt"
	"testing"

	"thimble"
	"thimble/internal/registry"
	"thimble/internal/thimbletest"
)

func metrics(c registry.Card) map[string]float64 {
	all := map[string]float64{}
	for _, m := range c.Metrics {
		all[m.Name] = m.Value
	}
	return all
}

// What a card says was measured on a training that had not seen it, and of fewer than
// twenty people it says nothing.
func TestTheCardOfATrainedVersionSaysHowWellItForetells(t *testing.T) {
	l := &learner{Shop: thimbletest.New(t)}
	ctx := context.Background()
	l.crowd()
	l.Works()
	v, err := l.App.Shop.Train(ctx, "with eight people", nil)
	l.no(t, err)
	if len(v.Card.Metrics) > 0 || v.Card.Unmeasured == "" {
		t.Errorf("of eight people: %v, %q", v.Card.Metrics, v.Card.Unmeasured)
	}
	for i := range 30 { // what the others of a colour bought last foretells what one does
		colour := i % 3
		who := l.person()
		for k := range 4 {
			l.Buys(who, thimble.ItemID(fmt.Sprintf("colour-%d-%d", colour, (i/3+k)%5)))
		}
	}
	l.Works()
	v, err = l.App.Shop.Train(ctx, "with many", nil)
	l.no(t, err)
	got := metrics(v.Card)
	if got["people measured"] < 20 || got["recall@20"] < 0.5 || got["recall@20"] > 1 || got["coverage@20"] <= 0 || v.Card.Unmeasured != "" {
		t.Errorf("measured %v, %q", got, v.Card.Unmeasured)
	}
}

// A version that somebody was taken out of says nothing of what was measured with them.
func TestAVersionThatIsDerivedSaysNothingOfItsQuality(t *testing.T) {
	l := &learner{Shop: thimbletest.New(t)}
	var ada thimble.SubjectID
	for i := range 24 {
		ada = l.person()
		l.Buys(ada, "shirt", "belt", thimble.ItemID(fmt.Sprintf("extra-%d", i%4)))
	}
	l.Works()
	v, err := l.App.Shop.Train(context.Background(), "the first", nil)
	l.no(t, err)
	if len(v.Card.Metrics) == 0 {
		t.Fatalf("nothing was measured: %s", v.Card.Unmeasured)
	}
	l.Chooses(ada, thimbletest.Withdraws(thimble.TrainAISystem)...)
	l.no(t, l.App.Shop.CatchUp(context.Background()))
	now := l.stage(registry.Champion)
	if now.Hash == v.Hash || len(now.Card.Metrics) > 0 || now.Card.Unmeasured == "" {
		t.Errorf("version %d after %d: %v, %q", now.Number, v.Number, now.Card.Metrics, now.Card.Unmeasured)
	}
}
