package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"thimble/internal/app"
	"thimble/internal/collect/intake"
	"thimble/internal/collect/source"
	"thimble/internal/staff"
)

func sourceFlags(f *flag.FlagSet) {
	f.String("kind", "server", "server, browser or app")
	f.String("origins", "", "of a browser's source: the addresses of the shop's pages, with commas")
	f.Bool("consents", false, "the source asks people for their consent, and its events say what they chose")
	f.Duration("grace", 0, "how long the old key works beside a new one, such as 24h")
}

// sourceCommand looks after the sources of events, for whoever may use the data folder.
func sourceCommand(ctx context.Context, c *call) error {
	words := c.flags.Args()
	if len(words) == 0 || (words[0] == "list") != (len(words) == 1) || len(words) > 2 {
		return errWords
	}
	do, ok := map[string]func(context.Context, *call, *app.App, string) error{"list": listSources, "add": addSource, "rotate": rotateSource, "end": endSource}[words[0]]
	if !ok {
		return errWords
	}
	a, err := c.open(ctx)
	if err != nil {
		return err
	}
	return errors.Join(do(ctx, c, a, words[len(words)-1]), a.Close())
}

func listSources(ctx context.Context, c *call, a *app.App, _ string) error {
	all, err := a.Sources.List(ctx)
	if err != nil {
		return err
	}
	tab := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tab, "NUMBER\tNAME\tKIND\tASKS FOR CONSENT\tORIGINS\tKEY\tSTATE")
	for _, s := range all {
		state, key := "in force", ""
		if !s.Ended.IsZero() {
			state = "ended"
		} else if k, ok := s.Live(time.Now()); ok {
			key = "…" + k.Hint
			if k.Text != "" {
				key = k.Text
			}
		}
		consents := "no"
		if s.Consents {
			consents = "yes"
		}
		fmt.Fprintf(tab, "%d\t%s\t%s\t%s\t%s\t%s\t%s\n", s.Number, s.Name, s.Kind, consents, strings.Join(s.Origins, " "), key, state)
	}
	return tab.Flush()
}

func addSource(ctx context.Context, c *call, a *app.App, name string) error {
	origins := strings.FieldsFunc(c.flag("origins"), func(r rune) bool { return r == ',' || r == ' ' })
	consents, _ := strconv.ParseBool(c.flag("consents"))
	draft, err := source.New(name, intake.Kind(c.flag("kind")), consents, origins)
	if err != nil {
		return err
	}
	key, made, err := a.Sources.Add(ctx, draft, staff.CommandLine)
	if err != nil {
		return err
	}
	return c.sayKey(made, key)
}

func (c *call) sayKey(of source.Source, key string) error {
	note := "It is public: it may send events and nothing else."
	if !source.Public(of.Kind) {
		note = "This is the only time the key is shown."
	}
	_, err := fmt.Fprintf(c.out, "%s\n%s It is of source %d, %s.\n", key, note, of.Number, of.Name)
	return err
}

func sourceNumber(word string) (uint32, error) {
	n, err := strconv.ParseUint(word, 10, 31)
	if err != nil || n == 0 {
		return 0, invalid("a source's number was expected; `thimble source list` shows them")
	}
	return uint32(n), nil
}

func rotateSource(ctx context.Context, c *call, a *app.App, word string) error {
	n, err := sourceNumber(word)
	if err != nil {
		return err
	}
	grace, err := time.ParseDuration(c.flag("grace"))
	if err != nil {
		return invalid("--grace: a duration such as 24h was expected")
	}
	key, err := a.Sources.Rotate(ctx, n, grace, staff.CommandLine)
	if err != nil {
		return err
	}
	of, err := a.Sources.Get(ctx, n)
	if err != nil {
		return err
	}
	return c.sayKey(of, key)
}

func endSource(ctx context.Context, c *call, a *app.App, word string) error {
	n, err := sourceNumber(word)
	if err != nil {
		return err
	}
	return c.said(a.Sources.End(ctx, n, staff.CommandLine), "Source %d has ended: its keys open nothing any more. What it sent stays.\n", n)
}
