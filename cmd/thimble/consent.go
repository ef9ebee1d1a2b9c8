package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"text/tabwriter"

	"thimble/internal/app"
	"thimble/internal/consent/till"
)

func consentCommand(ctx context.Context, c *call) error {
	words := c.flags.Args()
	is := func(n int, first ...string) bool {
		if len(words) != n {
			return false
		}
		for i, w := range first {
			if words[i] != w {
				return false
			}
		}
		return true
	}
	var do func(context.Context, *call, *app.App) error
	switch {
	case is(2, "import"):
		return importBatch(ctx, c, words[1])
	case is(4, "keys", "add"):
		do = func(ctx context.Context, c *call, a *app.App) error { return addTill(ctx, c, a, words[2], words[3]) }
	case is(2, "keys", "list"):
		do = listTills
	case is(4, "keys", "revoke"):
		do = func(ctx context.Context, _ *call, a *app.App) error {
			return a.Consent.RevokeTill(ctx, words[2], words[3])
		}
	default:
		return errWords
	}
	return c.with(ctx, do)
}

// with opens the installation for a moment.
func (c *call) with(ctx context.Context, do func(context.Context, *call, *app.App) error) error {
	a, err := c.open(ctx)
	if err != nil {
		return err
	}
	return errors.Join(do(ctx, c, a), a.Close())
}

func importBatch(ctx context.Context, c *call, path string) error {
	f, err := os.Open(path)
	if err != nil {
		return invalid("%s cannot be read", filepath.Base(path))
	}
	defer f.Close() //nolint:errcheck // it was only read
	b, err := till.Read(f)
	if err != nil {
		return err
	}
	return c.with(ctx, func(ctx context.Context, c *call, a *app.App) error {
		r, err := a.Consent.RecordBatch(ctx, b, a.Subjects)
		if err != nil {
			return err
		}
		fmt.Fprintf(c.out, "Batch %d of %s: %d choices recorded, %d changed nothing, %d left out.\n", b.Sequence, b.Till, r.Recorded, r.Same, len(r.Rejects))
		for _, reject := range r.Rejects {
			fmt.Fprintf(c.out, "  line %d: %s\n", reject.Line, reject.Rule)
		}
		return nil
	})
}

func addTill(ctx context.Context, c *call, a *app.App, name, text string) error {
	key, err := till.ParseKey(text)
	if err != nil {
		return err
	}
	id, err := a.Consent.AddTill(ctx, name, key)
	if err != nil {
		return err
	}
	fmt.Fprintf(c.out, "Batches of %s signed with key %s count from now on.\n", name, id)
	return nil
}

func listTills(ctx context.Context, c *call, a *app.App) error {
	all, err := a.Consent.Tills(ctx)
	if err != nil {
		return err
	}
	if len(all) == 0 {
		fmt.Fprintln(c.out, "No till has a key yet. Add one with: thimble consent keys add TILL KEY")
		return nil
	}
	tab := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tab, "TILL\tKEY\tSINCE\tSTATE")
	for _, t := range all {
		state := "counts"
		if !t.Revoked.IsZero() {
			state = "revoked " + t.Revoked.UTC().Format("2006-01-02")
		}
		fmt.Fprintf(tab, "%s\t%s\t%s\t%s\n", t.Name, t.KeyID, t.Created.UTC().Format("2006-01-02"), state)
	}
	return tab.Flush()
}
