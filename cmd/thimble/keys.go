package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"text/tabwriter"

	"thimble"
	"thimble/internal/apikey"
	"thimble/internal/apikey/apikeydb"
	"thimble/internal/app"
)

func keys(ctx context.Context, c *call) error {
	words := c.flags.Args()
	create := len(words) > 2 && words[0] == "create"
	list := len(words) == 1 && words[0] == "list"
	revoke := len(words) == 2 && words[0] == "revoke"
	rotate := len(words) == 1 && words[0] == "rotate-index"
	if !create && !list && !revoke && !rotate {
		return errWords
	}
	a, err := c.open(ctx)
	if err != nil {
		return err
	}
	store := apikeydb.New(a.Core, nil)
	switch {
	case create:
		err = createKey(ctx, c, store, words[1], words[2:])
	case list:
		err = listKeys(ctx, c, store)
	case rotate:
		err = rotateIndex(ctx, c, a)
	default:
		var id thimble.ID
		if id, err = thimble.ParseID(apikey.TokenPrefix, words[1]); err == nil {
			err = store.Revoke(ctx, id)
		}
	}
	return errors.Join(err, a.Close())
}

// rotateIndex gives the indexes by which people are found new keys. A server may
// run beside it.
func rotateIndex(ctx context.Context, c *call, a *app.App) error {
	r, err := a.Subjects.Rotate(ctx)
	if err != nil {
		return err
	}
	did := "Rotated the index keys"
	if r.Resumed {
		did = "Finished a rotation of the index keys that was left open"
	}
	fmt.Fprintf(c.out, "%s: %d identifiers moved, %d old keys destroyed.\n", did, r.Reindexed, r.Destroyed)
	if r.Waiting > 0 {
		fmt.Fprintf(c.out, "The marks of %d identifiers of forgotten people are still under an older key, which stays until a list brings each of them again.\n", r.Waiting)
	}
	return nil
}

func createKey(ctx context.Context, c *call, store *apikeydb.Store, name string, scopes []string) error {
	var all []apikey.Scope
	for _, s := range scopes {
		all = append(all, apikey.Scope(s))
	}
	text, k, err := store.Create(ctx, name, all)
	if err != nil {
		return err
	}
	fmt.Fprintf(c.out, "%s\nThis is the only time the key is shown. Its id is %s.\n", text, k.ID.Token(apikey.TokenPrefix))
	return nil
}

func listKeys(ctx context.Context, c *call, store *apikeydb.Store) error {
	all, err := store.List(ctx)
	if err != nil {
		return err
	}
	tab := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tab, "ID\tNAME\tSCOPES\tCREATED\tLAST USED\tSTATE")
	for _, k := range all {
		state, used := "active", "never"
		if !k.Revoked.IsZero() {
			state = "revoked"
		}
		if !k.Used.IsZero() {
			used = k.Used.UTC().Format("2006-01-02 15:04")
		}
		var scopes []string
		for _, s := range k.Scopes {
			scopes = append(scopes, string(s))
		}
		fmt.Fprintf(tab, "%s\t%s\t%s\t%s\t%s\t%s\n", k.ID.Token(apikey.TokenPrefix), k.Name, strings.Join(scopes, " "), k.Created.UTC().Format("2006-01-02"), used, state)
	}
	return tab.Flush()
}
