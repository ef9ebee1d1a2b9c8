package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"thimble/internal/app"
)

// eventsCommand looks after the log of events, and what is built from it.
func eventsCommand(ctx context.Context, c *call) error {
	run := map[string]func(context.Context, *call) error{"check": checkEvents, "rebuild": rebuildEvents}[c.flags.Arg(0)]
	if run == nil || c.flags.NArg() != 1 {
		return errWords
	}
	return run(ctx, c)
}

// checkEvents reads the whole log, and has those who went on without a frame read it when
// it can be read again.
func checkEvents(ctx context.Context, c *call) error {
	return with(ctx, c, func(a *app.App) error {
		found, err := a.Timeline.Check(ctx)
		if err != nil {
			return err
		}
		fmt.Fprintf(c.out, "%d frames with %d events were read.\n", found.Frames, found.Records)
		if len(found.Mended) > 0 {
			fmt.Fprintf(c.out, "Frames that can be read again: %s. What they hold is built in by the server that runs, or the next one.\n", numbers(found.Mended))
		}
		if len(found.Unreadable) > 0 {
			return invalid("frames that cannot be read: %s; put log.db back from a copy that has them, and check again", numbers(found.Unreadable))
		}
		return nil
	})
}

func rebuildEvents(ctx context.Context, c *call) error {
	return with(ctx, c, func(a *app.App) error {
		if err := a.Timeline.Rebuild(ctx); err != nil {
			return err
		}
		fmt.Fprintln(c.out, "What was built from the log is dropped. The server that runs builds it again, or the next one.")
		return nil
	})
}

func numbers(seqs []int64) string {
	all := make([]string, len(seqs))
	for i, seq := range seqs {
		all[i] = strconv.FormatInt(seq, 10)
	}
	return strings.Join(all, ", ")
}
