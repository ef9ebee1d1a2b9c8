package lists_test

import (
	"bytes"
	"context"
	"fmt"
	"testing"

	"thimble"
	"thimble/internal/recommend"
	"thimble/internal/recommend/suspect"
	"thimble/internal/registry"
	"thimble/internal/thimbletest"
)

// recipe is that of the version that serves.
func (l *learner) recipe() recommend.Recipe {
	l.TB.Helper()
	p, err := l.Models.Open(context.Background(), l.stage(registry.Champion))
	l.no(l.TB, err)
	m, err := recommend.UnmarshalModel(p.Weights)
	l.no(l.TB, err)
	return m.Recipe()
}

// same fails when a version that is kept is not what a training gives now.
func same(kept, anew [][]byte) error {
	for i := range kept {
		if !bytes.Equal(kept[i], anew[i]) {
			return fmt.Errorf("version %d of %d is not what a training gives", i+1, len(kept))
		}
	}
	return nil
}

func TestWhoIsLeftOutByADecisionIsNotLearnedFromUntilItIsTakenBack(t *testing.T) {
	l, ctx := &learner{Shop: thimbletest.New(t)}, t.Context()
	var gang []thimble.SubjectID
	for range 2 {
		who := l.person()
		l.Buys(who, "shirt", "belt", "ring")
		gang = append(gang, who)
	}
	l.crowd()
	l.Works()
	_, err := l.App.Shop.Train(ctx, "the first", nil)
	l.no(t, err)
	if got := l.stage(registry.Champion).Card.Data.People; got != 10 {
		t.Fatalf("learned from %d people, want 10", got)
	}
	_, err = l.App.Suspects.Raise(ctx, []suspect.Finding{{Kind: suspect.Pull, Item: "ring", People: gang}})
	l.no(t, err)
	all, err := l.App.Suspects.Findings(ctx, 1)
	l.no(t, err)

	l.no(t, l.App.Suspects.Quarantine(ctx, all[0].ID, "mara", "made within one hour"))
	l.Works()
	if got, r := l.stage(registry.Champion).Card.Data.People, l.recipe(); got != 8 || r.Quarantine != 1 {
		t.Errorf("left out: learned from %d people under revision %d, want 8 under 1", got, r.Quarantine)
	}
	l.no(t, same(l.keeps(t)))

	l.no(t, l.App.Suspects.Release(ctx, all[0].ID, "mara", "a school class"))
	l.Works()
	if got, r := l.stage(registry.Champion).Card.Data.People, l.recipe(); got != 10 || r.Quarantine != 2 {
		t.Errorf("taken back: learned from %d people under revision %d, want 10 under 2", got, r.Quarantine)
	}
	l.no(t, same(l.keeps(t)))
}
