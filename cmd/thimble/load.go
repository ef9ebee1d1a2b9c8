package main

import (
	"context"
	"flag"
	"os"
	"strconv"
	"time"

	"thimble/internal/collect/load"
)

func loadFlags(f *flag.FlagSet) {
	f.String("url", "http://localhost:8080", "the installation")
	f.String("key", "", "a write key; THIMBLE_WRITE_KEY when empty")
	f.Int("clients", 32, "connections")
	f.Int("batch", 100, "events in a request; 1 sends single events")
	f.Int("events", 200_000, "events in all")
	f.Duration("longest", time.Minute, "the longest time")
	f.Int("subjects", 20_000, "people")
	f.Bool("anywhere", false, "send to another machine than this one too")
}

// loadCommand sends events as fast as they are answered, and prints how fast that was.
func loadCommand(ctx context.Context, c *call) error {
	if len(c.flags.Args()) > 0 {
		return errWords
	}
	number := func(name string) int { n, _ := strconv.Atoi(c.flag(name)); return n } // checked by flag
	key := c.flag("key")
	if key == "" {
		key = os.Getenv("THIMBLE_WRITE_KEY")
	}
	if key == "" {
		return invalid("--key: a write key was expected; `thimble source add load --consents` makes one")
	}
	longest, _ := time.ParseDuration(c.flag("longest"))
	anywhere, _ := strconv.ParseBool(c.flag("anywhere"))
	cfg := load.Config{
		URL: c.flag("url"), Key: key, Clients: number("clients"), Batch: number("batch"), Events: number("events"), Subjects: number("subjects"), Longest: longest, Anywhere: anywhere,
	}
	r, err := load.Run(ctx, cfg)
	if err != nil {
		return err
	}
	return r.Print(c.out, cfg)
}
