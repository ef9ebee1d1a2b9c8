package app

import (
	"context"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// slack is how much a program that serves may put on its heap between two collections,
// however small what it holds: of a small heap the collector would otherwise go over the
// same few megabytes many times a second.
const slack = 96 << 20

// usual is Go's own percentage.
const usual = 100

// slackEvery is how often the collector's aim is set anew.
const slackEvery = 5 * time.Second

// breathe has the collector begin when the heap has grown by as much as it held, or by slack,
// whichever is more. Who sets GOGC has chosen otherwise; GOMEMLIMIT goes before it in any case.
func breathe(ctx context.Context) error {
	if os.Getenv("GOGC") != "" {
		<-ctx.Done()
		return nil
	}
	defer debug.SetGCPercent(debug.SetGCPercent(usual))
	held := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	for {
		metrics.Read(held)
		debug.SetGCPercent(aim(held[0].Value.Uint64()))
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(slackEvery):
		}
	}
}

// aim is the collector's percentage for a heap that holds so many bytes.
func aim(held uint64) int {
	if held == 0 {
		return usual // nothing was collected yet
	}
	return int(min(max(usual, slack*100/held), 8*usual))
}
