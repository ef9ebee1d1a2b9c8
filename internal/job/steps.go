package job

import (
	"context"
	"time"
)

// Steps calls step until ctx ends: again at once while it has found something to do, and else
// when it is woken or a pause is over. What failed is told to failed, and tried after a pause.
func Steps(ctx context.Context, pause time.Duration, wake <-chan struct{}, step func(context.Context) (bool, error), failed func(error)) {
	tick := time.NewTicker(pause)
	defer tick.Stop()
	for {
		did, err := step(ctx)
		if err != nil && ctx.Err() == nil {
			failed(err)
		}
		if did && err == nil && ctx.Err() == nil {
			continue
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case <-wake:
		}
	}
}
