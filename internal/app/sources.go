package app

import (
	"context"
	"net"

	"thimble/internal/collect/intake"
	"thimble/internal/collect/source"
	"thimble/internal/staff"
)

// The sources of the demo: the shop's pages, and a system behind them.
const (
	DemoPages  = "demo shop"
	DemoSystem = "demo back office"
)

// demoSources makes the demo's sources where there are none, and says the key that is
// shown once.
func (a *App) demoSources(ctx context.Context, tell Teller) error {
	all, err := a.Sources.List(ctx)
	if err != nil || len(all) > 0 {
		return err
	}
	for _, s := range []struct {
		name    string
		kind    intake.Kind
		origins []string
	}{{DemoPages, intake.Browser, []string{a.demoOrigin()}}, {DemoSystem, intake.Server, nil}} {
		draft, err := source.New(s.name, s.kind, s.kind == intake.Browser, s.origins)
		if err != nil {
			return err
		}
		key, _, err := a.Sources.Add(ctx, draft, staff.CommandLine)
		if err != nil {
			return err
		}
		tell.Say("Events of the source %q come with the write key %s", s.name, key)
	}
	return nil
}

// demoOrigin is the address of the demo's pages. A port that the system chooses is not
// known before it is bound.
func (a *App) demoOrigin() string {
	c := a.Config
	if host, port, err := net.SplitHostPort(c.Listen); err == nil && port == "0" {
		c.Listen = net.JoinHostPort(host, "8080")
	}
	return c.BaseURL()
}
