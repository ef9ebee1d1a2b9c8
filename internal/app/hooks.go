package app

import (
	"context"
	"fmt"
	"net/http"
	"sync/atomic"
	"time"

	"thimble"
	"thimble/internal/collect/hooks"
	"thimble/internal/collect/hookweb"
	"thimble/internal/rights"
	"thimble/internal/sqldb"
)

// learnEvery bounds how often orders that are delivered one by one ask for a training.
const learnEvery = time.Hour

// mountHooks mounts the addresses at which shop systems deliver, if there are any: each
// has a secret.
func (d *doors) mountHooks(_ context.Context, mux *http.ServeMux) error {
	feeds, err := hooks.Parse(d.Config.Hooks)
	if err != nil {
		return fmt.Errorf("configuration: hooks: %w", err)
	}
	if len(feeds) == 0 {
		return nil
	}
	var asked atomic.Int64
	now := d.Config.clock()
	mux.Handle(hookweb.Pattern, hookweb.Handler(hookweb.Deps{
		Feeds: feeds, Importer: d.Importer, Store: d.Imports, People: d.Subjects, Erase: d.eraseFor, Now: now, Log: d.Log,
		Learned: func(ctx context.Context) error {
			last, at := asked.Load(), now().Unix()
			if at-last < int64(learnEvery.Seconds()) || !asked.CompareAndSwap(last, at) {
				return nil
			}
			return d.askTraining(ctx, "orders were delivered")
		},
	}))
	return nil
}

// shops lists the other shops whose numbers are here, those that deliver among them from the
// moment they are configured.
func (a *App) shops(ctx context.Context) ([]string, error) {
	feeds, err := hooks.Parse(a.Config.Hooks)
	if err != nil {
		return nil, fmt.Errorf("configuration: hooks: %w", err)
	}
	for _, f := range feeds {
		if _, err := a.Imports.Shop(ctx, f.String()); err != nil {
			return nil, err
		}
	}
	return a.Imports.Shops(ctx)
}

// eraseFor opens a request to forget somebody, in the caller's transaction. The desk takes
// it up as soon as it is committed.
func (a *App) eraseFor(ctx context.Context, tx *sqldb.Tx, who thimble.SubjectID) error {
	person, err := a.Subjects.PersonTx(ctx, tx, who)
	if err != nil {
		return err
	}
	tx.OnCommit(a.hurry)
	_, err = a.Requests.BeginTx(ctx, tx, rights.Request{Kind: rights.Erase, Subject: person.ID()})
	return err
}

// hurry has what is open looked at soon.
func (a *App) hurry() {
	select {
	case a.regroups <- struct{}{}:
	default: // it is known already that there is something
	}
}
