package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"thimble"
	"thimble/internal/app"
	"thimble/internal/session"
)

func serve(ctx context.Context, c *call) error {
	cfg, err := c.config()
	if err != nil {
		return err
	}
	return c.serve(ctx, cfg, nil, func(a *app.App, url string) error {
		fmt.Fprintf(c.out, "Thimble serves on %s\n", url)
		return nil
	})
}

// serve binds the port, takes the folder, opens the installation, has it prepared
// and serves. Before, if given, runs when port and folder are ours.
func (c *call) serve(ctx context.Context, cfg app.Config, before func() error, prepare func(*app.App, string) error) error {
	l, err := app.Listen(cfg)
	if err != nil {
		return err
	}
	defer l.Close() //nolint:errcheck // the server has closed it
	unlock, err := app.Lock(cfg)
	if err != nil {
		return err
	}
	defer unlock()
	if before != nil {
		if err := before(); err != nil {
			return err
		}
	}
	a, err := app.Open(ctx, cfg, logger(cfg, c.err))
	if err != nil {
		return err
	}
	if err := a.Recover(ctx); err != nil {
		return errors.Join(fmt.Errorf("recovering: %w", err), a.Close())
	}
	if err := prepare(a, a.URL(l)); err != nil {
		return errors.Join(err, a.Close())
	}
	h, err := a.Handler(ctx)
	if err != nil {
		return errors.Join(err, a.Close())
	}
	return errors.Join(a.Serve(ctx, l, h), a.Close())
}

const demoFolder = "data/demo"

func demo(ctx context.Context, c *call) error {
	began := time.Now()
	port := c.flags.Lookup("port").Value.String()
	c.prefer("listen", net.JoinHostPort("localhost", port))
	c.prefer("data", demoFolder)
	c.prefer("log-level", "warn") // the demo tells what it does in words
	cfg, err := c.config()
	if err != nil {
		return err
	}
	cfg.Demo = true
	tell := newTeller(c.out)
	before := func() error {
		if fresh, _ := strconv.ParseBool(c.flags.Lookup("fresh").Value.String()); !fresh {
			return nil
		}
		return wipe(cfg.Data)
	}
	return c.serve(ctx, cfg, before, func(a *app.App, url string) error {
		tell.Say("Thimble's demo: real orders of the UCI Online Retail data set (CC BY 4.0), in %s.", cfg.Data)
		if err := a.SeedDemo(ctx, app.DemoOrders(), tell); err != nil {
			return err
		}
		return sayDemo(ctx, a, tell, url, began)
	})
}

// prefer sets a setting that neither a flag nor the environment has given.
func (c *call) prefer(key, value string) {
	if _, given := c.settings[key]; !given && os.Getenv(app.EnvName(key)) == "" {
		c.settings[key] = value
	}
}

// wipe empties a data folder but for the lock, which we hold; a folder that is not
// one of Thimble's is left alone.
func wipe(folder string) error {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return err
	}
	if _, err := os.Stat(filepath.Join(folder, "core.db")); err != nil && len(entries) > 1 {
		return invalid("--fresh: %s holds no data of Thimble and is left alone", folder)
	}
	for _, e := range entries {
		if e.Name() == app.LockName {
			continue
		}
		if err := os.RemoveAll(filepath.Join(folder, e.Name())); err != nil {
			return err
		}
	}
	return nil
}

func sayDemo(ctx context.Context, a *app.App, tell teller, url string, began time.Time) error {
	console := url + "/console"
	if token, err := a.StaffLink(ctx, app.Owner); err == nil {
		console += "/link/" + token
	} else if !errors.Is(err, thimble.ErrConflict) { // a password was set: it is the way in
		return err
	}
	tell.Say("\nReady after %.1f s.", time.Since(began).Seconds())
	tell.Say("  Storefront      %s/", url)
	tell.Say("  Console         %s", console)
	tell.Say("  Privacy centre  %s/privacy", url)
	tell.Say("  API             %s/docs/api", url)
	customers, err := a.DemoCustomers(ctx)
	if err != nil {
		return err
	}
	tell.Say("\nOne-time sign-in links of customers (they work for 15 minutes; %s/shop/sign-in offers the same):", url)
	for _, d := range customers {
		token, err := a.Sessions.Link(ctx, session.Who{Audience: session.Customer, Subject: d.Subject})
		if err != nil {
			return err
		}
		tell.Say("  %s  %s/privacy/link/%s\n         %s", d.Account, url, token, d.Note)
	}
	tell.Say("\nStop with Ctrl-C. `thimble demo --fresh` starts over.")
	return nil
}

// signIn prints a one-time link: of a customer, or of an account of staff that has no
// password yet.
func signIn(ctx context.Context, c *call) error {
	a, err := c.open(ctx)
	if err != nil {
		return err
	}
	if text := c.flag("subject"); text != "" {
		err = customerLink(ctx, c, a, text)
	} else {
		err = printLink(ctx, c, a, c.flag("staff"))
	}
	return errors.Join(err, a.Close())
}

func customerLink(ctx context.Context, c *call, a *app.App, text string) error {
	who, err := thimble.ParseSubjectID(text)
	if err != nil {
		return err
	}
	_, err = a.Subjects.Epoch(ctx, who) // who was forgotten cannot sign in
	if errors.Is(err, thimble.ErrNotFound) {
		return invalid("there is no such customer")
	}
	if err != nil {
		return err
	}
	token, err := a.Sessions.Link(ctx, session.Who{Audience: session.Customer, Subject: who})
	if err != nil {
		return err
	}
	fmt.Fprintf(c.out, "%s/privacy/link/%s\nIt works once, within %d minutes.\n", a.Config.BaseURL(), token, int(session.LinkLives.Minutes()))
	return nil
}

var errWords = fmt.Errorf("the words do not fit; see `thimble help`: %w", thimble.ErrInvalid)
