package app

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"time"

	"thimble"
	"thimble/internal/backup"
	"thimble/internal/ledger"
	"thimble/internal/rights"
	"thimble/internal/vault"
)

// What the kernel does outside of the core database: kinds of acts.
const (
	rotateKeys = "key.rotate"
	shredKeys  = "key.shred"
)

// performers finish every act that this installation begins.
func (a *App) performers() map[string]ledger.Performer {
	all := map[string]ledger.Performer{rotateKeys: a.performRotation, shredKeys: a.performShredding}
	maps.Copy(all, a.Shop.Performers())
	return all
}

// rotation is the payload of a rotation, and with what was done its outcome.
type rotation struct {
	Epochs []int64 `json:"epochs"` // that live
}

type rotated struct {
	Epoch     int64   `json:"epoch"`
	Rewrapped int     `json:"rewrapped"`
	Destroyed []int64 `json:"destroyed"` // epochs whose keys are gone
	Postponed bool    `json:"postponed,omitempty"`
}

// soon is how far a rotation looks ahead for whether it is due: midnight may fall
// between the look and the rotation, which then would destroy without an announcement.
const soon = 2 * time.Minute

// RotateKeys makes the day's epoch key and destroys those that are due, as an act of
// the ledger. While nothing is due it only wraps anew what another process left.
func (a *App) RotateKeys(ctx context.Context) (done vault.Rotation, err error) {
	epochs, err := a.Vault.Epochs(ctx)
	if err != nil {
		return done, err
	}
	if !due(epochs, a.Config.clock()().Add(soon)) {
		return a.Vault.Rotate(ctx)
	}
	payload, err := json.Marshal(rotation{Epochs: numbers(epochs)})
	if err != nil {
		return done, err
	}
	err = a.Ledger.Act(ctx, ledger.Act{Kind: rotateKeys, Class: ledger.Key, Payload: payload}, func(ctx context.Context, i ledger.Intent) (outcome json.RawMessage, err error) {
		done, outcome, err = a.rotateOnce(ctx, i)
		return outcome, err
	})
	return done, err
}

func due(epochs []vault.EpochStatus, at time.Time) bool {
	today := at.UTC().Truncate(24 * time.Hour)
	n := len(epochs)
	return n == 0 || !epochs[n-1].Made.Equal(today) || n > 1 && !epochs[0].Ends.After(today)
}

func numbers(epochs []vault.EpochStatus) []int64 {
	all := make([]int64, len(epochs))
	for i, e := range epochs {
		all[i] = e.Number
	}
	return all
}

func (a *App) performRotation(ctx context.Context, i ledger.Intent) (json.RawMessage, error) {
	_, outcome, err := a.rotateOnce(ctx, i)
	return outcome, err
}

func (a *App) rotateOnce(ctx context.Context, i ledger.Intent) (done vault.Rotation, outcome json.RawMessage, err error) {
	var before rotation
	if err := json.Unmarshal(i.Payload, &before); err != nil {
		return done, nil, fmt.Errorf("app: reading act %s: %w", i.ID.Token(ledger.IntentPrefix), err)
	}
	if done, err = a.Vault.Rotate(ctx); err == nil {
		err = a.KeepApart(ctx) // what is destroyed here is destroyed there
	}
	if err != nil {
		return done, nil, err
	}
	epochs, err := a.Vault.Epochs(ctx)
	if err != nil {
		return done, nil, err
	}
	alive := map[int64]bool{}
	for _, n := range numbers(epochs) {
		alive[n] = true
	}
	r := rotated{Epoch: done.Epoch, Rewrapped: done.Rewrapped, Postponed: done.Postponed, Destroyed: []int64{}}
	for _, n := range before.Epochs {
		if !alive[n] { // also what an interrupted rotation destroyed
			r.Destroyed = append(r.Destroyed, n)
		}
	}
	outcome, err = json.Marshal(r)
	return done, outcome, err
}

// A keeper is the vault as the console and the desk see it: what it destroys, it
// destroys as an act of the ledger.
type keeper struct {
	*vault.Vault
	app *App
}

// Rotate implements vaultweb.Vault.
func (k keeper) Rotate(ctx context.Context) (vault.Rotation, error) { return k.app.RotateKeys(ctx) }

// shredding is the payload of a destruction of keys: it names the request, which
// says whose keys until they are gone.
type shredding struct {
	Request string `json:"request"`
}

type shredded struct {
	KeyHash string `json:"key_sha256,omitempty"`
	Request string `json:"request"`
	// Tombstones is the head of their list with this one in it.
	Tombstones *backup.Head `json:"tombstones,omitempty"`
}

// Shred implements rights.Shredder. A person's keys are destroyed on their request,
// which is open until after.
func (k keeper) Shred(ctx context.Context, who thimble.SubjectID) (done vault.Shredded, err error) {
	r, err := k.app.erasureOf(ctx, func(r rights.Request) bool { return r.Subject == who })
	if err != nil {
		return done, err
	}
	if r == nil { // nobody asked: there is nothing that a leaf could name
		if done, err = k.Vault.Shred(ctx, who); err == nil {
			err = k.app.KeepApart(ctx)
		}
		return done, err
	}
	payload, err := json.Marshal(shredding{Request: r.ID.Token(rights.TokenPrefix)})
	if err != nil {
		return done, err
	}
	err = k.app.Ledger.Act(ctx, ledger.Act{Kind: shredKeys, Class: ledger.Key, Payload: payload}, func(ctx context.Context, i ledger.Intent) (outcome json.RawMessage, err error) {
		done, outcome, err = k.app.shredOnce(ctx, *r)
		return outcome, err
	})
	return done, err
}

// erasureOf finds an open erasure.
func (a *App) erasureOf(ctx context.Context, is func(rights.Request) bool) (*rights.Request, error) {
	open, err := a.Requests.Open(ctx)
	if err != nil {
		return nil, err
	}
	for _, r := range open {
		if r.Kind == rights.Erase && is(r) {
			return &r, nil
		}
	}
	return nil, nil
}

func (a *App) performShredding(ctx context.Context, i ledger.Intent) (json.RawMessage, error) {
	var asked shredding
	if err := json.Unmarshal(i.Payload, &asked); err != nil {
		return nil, fmt.Errorf("app: reading act %s: %w", i.ID.Token(ledger.IntentPrefix), err)
	}
	r, err := a.erasureOf(ctx, func(r rights.Request) bool { return r.ID.Token(rights.TokenPrefix) == asked.Request })
	if err != nil {
		return nil, err
	}
	if r == nil {
		// The request was closed, and it is closed after the keys are gone: its own
		// report says which.
		return json.Marshal(shredded{Request: asked.Request})
	}
	_, outcome, err := a.shredOnce(ctx, *r)
	return outcome, err
}

func (a *App) shredOnce(ctx context.Context, r rights.Request) (vault.Shredded, json.RawMessage, error) {
	done, err := a.Vault.Shred(ctx, r.Subject)
	if err != nil {
		return done, nil, err
	}
	head, err := a.tombstones(ctx)
	if err == nil {
		// The erasure is not done before it outlives this machine.
		err = a.KeepApart(ctx)
	}
	if err != nil {
		return done, nil, err
	}
	outcome, err := json.Marshal(shredded{KeyHash: fmt.Sprintf("%x", done.KeyHash), Request: r.ID.Token(rights.TokenPrefix), Tombstones: &head})
	return done, outcome, err
}
