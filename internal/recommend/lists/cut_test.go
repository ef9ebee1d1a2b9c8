package lists_test

import (
	"context"
	"sync"
	"testing"

	"thimble/internal/ledger"
	"thimble/internal/recommend/lists"
	"thimble/internal/registry"
	"thimble/internal/registry/registrydb"
	"thimble/internal/thimbletest"
)

// cut has the first release written and then told to stop, before it can say so.
type cut struct {
	lists.Models
	once   sync.Once
	change func()
	wait   sync.WaitGroup
}

func (c *cut) Release(ctx context.Context, r registrydb.Release, made []registrydb.Made) (*ledger.Intent, error) {
	destroy, err := c.Models.Release(context.WithoutCancel(ctx), r, made)
	if err != nil {
		return nil, err
	}
	c.once.Do(func() {
		c.wait.Go(c.change) // waits for the end of this, and has it end
		<-ctx.Done()
		destroy, err = nil, ctx.Err()
	})
	return destroy, err
}

func TestAReleaseThatWasWrittenAndCutShortIsReleasedAgain(t *testing.T) {
	thimbletest.Each(t, func(t *testing.T, s *thimbletest.Shop) {
		l := &learner{Shop: s}
		l.crowd()
		ada := l.person()
		l.Buys(ada, "shirt", "extra-1")
		l.Works()
		c := &cut{Models: l.App.Shop.Models, change: func() { l.Chooses(ada, thimbletest.Allows("personalize.content.profiled")...) }}
		l.App.Shop.Models = c
		_, err := l.App.Shop.Train(t.Context(), "to be cut short", nil)
		c.wait.Wait()
		l.no(t, err)
		served, _ := l.App.Shop.Version()
		if kept := l.stage(registry.Champion); kept.Number != served.Number || kept.Hash != served.Hash {
			t.Errorf("version %d serves, and %d is the champion", served.Number, kept.Number)
		}
		l.no(t, same(l.keeps(t)))
	})
}
