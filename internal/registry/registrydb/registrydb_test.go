package registrydb

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"thimble"
	"thimble/internal/blob"
	"thimble/internal/ledger"
	"thimble/internal/ledger/ledgerdb"
	"thimble/internal/registry"
	"thimble/internal/sqldb"
	"thimble/internal/sqldb/sqldbtest"
)

// house is a shelf over a real database, a real log and a real folder.
type house struct {
	*testing.T
	*Shelf
	db     *sqldb.DB
	ledger *ledgerdb.Log
	dir    string
	clock  time.Time
}

func each(t *testing.T, f func(h *house)) {
	t.Helper()
	sqldbtest.Each(t, sqldb.Core, func(t *testing.T, db *sqldb.DB) {
		h := &house{T: t, db: db, dir: t.TempDir(), clock: time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)}
		signer, err := ledger.NewSigner("shop.test/log", []byte("a seed of exactly thirty-two by."))
		h.must(err)
		h.ledger = ledgerdb.New(db, signer, ledgerdb.Config{})
		files, err := blob.Open(h.dir)
		h.must(err)
		store := New(db, h.ledger, func() time.Time { h.clock = h.clock.Add(time.Second); return h.clock })
		h.Shelf = NewShelf(store, files, secret, nil)
		f(h)
	})
}

func secret(_ context.Context, name string) ([]byte, error) {
	sum := sha256.Sum256([]byte(name))
	return sum[:], nil
}

func (h *house) must(err error) {
	h.Helper()
	if err != nil {
		h.Fatal(err)
	}
}

const model = "item-item"

var order = Order{Reason: "a test", By: "owner"}

func (h *house) made(stage registry.Stage, weights string) Made {
	h.Helper()
	n, err := h.Reserve(h.Context(), model, 1)
	h.must(err)
	v := Version{Model: model, Number: n, Stage: stage, Reason: "a test", MadeAt: h.clock, Took: time.Second}
	m, err := h.Make(h.Context(), v, registry.Card{
		Title: "Recommender", About: "Ranks.", Uses: []string{"lists"}, Limits: []string{"sizes"}, Explains: "sums",
		Data: registry.Data{People: 3}, Unmeasured: "not", Unaudited: "not",
	}, registry.Lineage{
		Recipe: json.RawMessage(`{"k":200}`), Code: "test", Uses: []registry.LineageUse{{Purpose: thimble.TrainAISystem, Category: thimble.PurchaseHistory}},
		Consent: "of who permits", Until: h.clock, Forgets: registry.Forgets{Kind: registry.Refit, Latency: "seconds"},
	}, []byte(weights))
	h.must(err)
	return m
}

// releases makes a version the champion; the one before is retired.
func (h *house) releases(weights string) Version {
	h.Helper()
	stay := map[int64]registry.Stage{}
	if before, err := h.Champion(h.Context(), model); err == nil {
		stay[before.Number] = registry.Retired
	}
	m := h.made(registry.Champion, weights)
	destroy, err := h.Release(h.Context(), Release{Model: model, Stay: stay, Order: order}, []Made{m})
	h.must(err)
	h.must(h.Destroy(h.Context(), destroy))
	v, err := h.Champion(h.Context(), model)
	h.must(err)
	if v.Number != m.Number || v.Hash != sha256.Sum256([]byte(weights)) {
		h.Fatalf("version %d serves, want %d", v.Number, m.Number)
	}
	return v
}

func (h *house) stages() string {
	h.Helper()
	all, err := h.List(h.Context(), model, 10)
	h.must(err)
	var b strings.Builder
	for _, v := range all {
		fmt.Fprintf(&b, "%d %s, ", v.Number, v.Stage)
	}
	return strings.TrimSuffix(b.String(), ", ")
}

func (h *house) is(want string) {
	h.Helper()
	if got := h.stages(); got != want {
		h.Errorf("stages: %s, want %s", got, want)
	}
}

// fits holds every row against its leaf.
func (h *house) fits() {
	h.Helper()
	_, err := h.ledger.Integrate(h.Context())
	h.must(err)
	both := func(yield func(ledger.Claim, error) bool) {
		for c, err := range h.Claims(h.Context()) {
			if !yield(c, err) {
				return
			}
		}
		for c, err := range h.ledger.Claims(h.Context()) {
			if !yield(c, err) {
				return
			}
		}
	}
	_, found, err := h.ledger.Compare(h.Context(), both, func(context.Context, thimble.SubjectID) (bool, error) { return false, nil }, ledger.Model, ledger.Key)
	h.must(err)
	for _, f := range found {
		h.Errorf("rows and leaves differ: %+v", f)
	}
	open, err := h.ledger.OpenIntents(h.Context())
	h.must(err)
	if len(open) > 0 {
		h.Errorf("%d acts are open", len(open))
	}
}

func (h *house) refuses(v Version, want registry.Rule) {
	h.Helper()
	_, err := h.Open(h.Context(), v)
	if r, ok := errors.AsType[*registry.Refusal](err); !ok || r.Rule != want {
		h.Errorf("version %d: %v, want a refusal: %s", v.Number, err, want)
	}
}

func (h *house) path(v Version) string { return filepath.Join(h.dir, blob.Hash(v.Package).String()) }

func TestVersionGoesThroughItsStagesWithALeafForEach(t *testing.T) {
	each(t, func(h *house) {
		ctx := h.Context()
		h.releases("one")
		h.releases("two")
		h.is("2 champion, 1 retired")

		back, err := h.Rollback(ctx, model, order)
		h.must(err)
		if back.Number != 1 {
			h.Errorf("rolled back to %d", back.Number)
		}
		h.is("2 retired, 1 champion")
		if line, err := h.Line(ctx, model); err != nil || !line.Held || line.Floor != 1 || line.Latest != 2 {
			h.Errorf("line %+v, %v, want that it is held", line, err)
		}

		shadow := h.made(registry.Shadow, "three")
		destroy, err := h.Release(ctx, Release{Model: model, Stay: map[int64]registry.Stage{1: registry.Champion}, Order: order, Hold: true}, []Made{shadow})
		h.must(err)
		h.must(h.Destroy(ctx, destroy))
		h.is("3 shadow, 2 destroyed, 1 champion")
		h.must(h.Promote(ctx, model, 3, registry.Challenger, order))
		h.must(h.Promote(ctx, model, 3, registry.Champion, order))
		h.is("3 champion, 2 destroyed, 1 retired")

		destroy, err = h.Revoke(ctx, model, 1, order)
		h.must(err)
		h.must(h.Destroy(ctx, destroy))
		h.is("3 champion, 2 destroyed, 1 revoked")
		if line, err := h.Line(ctx, model); err != nil || line.Held || line.Floor != 3 {
			h.Errorf("line %+v, %v, want that nothing below 3 is loaded", line, err)
		}
		for _, to := range []registry.Stage{registry.Champion, registry.Shadow} {
			if err := h.Promote(ctx, model, 1, to, order); !errors.Is(err, thimble.ErrConflict) {
				h.Errorf("a revoked version to %s: %v", to, err)
			}
		}
		if _, err := h.Rollback(ctx, model, order); !errors.Is(err, thimble.ErrNotFound) {
			h.Errorf("nothing to go back to: %v", err)
		}
		if err := h.Promote(ctx, model, 3, registry.Challenger, Order{}); !errors.Is(err, thimble.ErrInvalid) {
			h.Errorf("without a reason: %v", err)
		}
		changes, err := h.Changes(ctx, model, 20)
		h.must(err)
		if len(changes) != 8 || changes[0].To != registry.Revoked || changes[0].By != "owner" {
			h.Errorf("%d changes, the last %+v", len(changes), changes[0])
		}
		h.fits()
	})
}

func TestFileThatIsNotWhatWasReleasedIsRefusedByItsRule(t *testing.T) {
	each(t, func(h *house) {
		first := h.releases("one")
		old, err := os.ReadFile(h.path(first))
		h.must(err)
		second := h.releases("two")
		p, err := h.Open(h.Context(), second)
		if err != nil || string(p.Weights) != "two" {
			h.Fatalf("the champion: %q, %v", p.Weights, err)
		}
		good, err := os.ReadFile(h.path(second))
		h.must(err)
		for name, c := range map[string]struct {
			content []byte
			want    registry.Rule
		}{
			"cut in half":       {good[:len(good)/2], registry.RuleFile},
			"another version's": {old, registry.RuleFile},
			"a flipped bit":     {append([]byte{good[0] ^ 1}, good[1:]...), registry.RuleFile},
			"empty":             {nil, registry.RuleFile},
		} {
			h.must(os.WriteFile(h.path(second), c.content, 0o600))
			h.refuses(second, c.want)
			if h.Failed() {
				h.Fatal(name)
			}
		}
		h.must(os.Remove(h.path(second)))
		h.refuses(second, registry.RuleMissing)
		h.must(os.WriteFile(h.path(second), good, 0o600))
		if _, err := h.Open(h.Context(), second); err != nil {
			h.Errorf("put back: %v", err)
		}
		checks, err := h.Checks(h.Context(), model, 10)
		h.must(err)
		var said []string
		for _, c := range checks {
			said = append(said, fmt.Sprintf("v%d %d× %s", c.Version, c.Times, c.Rule))
		}
		want := []string{"v2 1× ", "v2 1× the file is missing", "v2 4× the file is not the one that was released", "v2 1× "}
		if fmt.Sprint(said) != fmt.Sprint(want) {
			h.Errorf("written down: %q, want %q", said, want)
		}
	})
}

// An operator who sets rows and files back gets an older version with a right signature
// and right digests. It is not loaded.
func TestDowngradeIsRefusedAlthoughEverySignatureIsRight(t *testing.T) {
	each(t, func(h *house) {
		ctx := h.Context()
		first := h.releases("one")
		old, err := os.ReadFile(h.path(first))
		h.must(err)
		h.releases("two")
		h.releases("three") // and the first is destroyed
		h.is("3 champion, 2 retired, 1 destroyed")
		h.must(os.WriteFile(h.path(first), old, 0o600))
		h.refuses(first, registry.RuleStage)
		h.must(h.db.Write(ctx, func(tx *sqldb.Tx) error {
			for _, q := range []string{`update registry_versions set stage = 'destroyed' where version = 3`, `update registry_versions set stage = 'champion' where version = 1`} {
				if _, err := tx.Exec(ctx, q); err != nil {
					return err
				}
			}
			return nil
		}))
		v, err := h.Champion(ctx, model)
		h.must(err)
		h.refuses(v, registry.RuleFloor)
		_, err = h.ledger.Integrate(ctx)
		h.must(err)
		_, found, err := h.ledger.Compare(ctx, h.Claims(ctx), func(context.Context, thimble.SubjectID) (bool, error) { return false, nil })
		if err != nil || len(found) == 0 {
			h.Errorf("the audit finds nothing: %v, %v", found, err)
		}
	})
}

func TestRevokedKeyCountsNeverAgain(t *testing.T) {
	each(t, func(h *house) {
		ctx := h.Context()
		first := h.releases("one")
		content, err := os.ReadFile(h.path(first))
		h.must(err)
		late := h.made(registry.Champion, "late") // signed before, released after

		destroy, err := h.RevokeKey(ctx, first.Signer, order)
		h.must(err)
		h.must(h.Destroy(ctx, destroy))

		h.is("1 revoked")
		if _, err := os.Stat(h.path(first)); !errors.Is(err, os.ErrNotExist) {
			h.Errorf("its file is still there: %v", err)
		}
		trust, err := h.Trust(ctx)
		h.must(err)
		if _, err := registry.Open(content, trust); !errors.Is(err, thimble.ErrDenied) {
			h.Errorf("a package by the revoked key: %v", err)
		}
		if _, err := h.Release(ctx, Release{Model: model, Order: order}, []Made{late}); !errors.Is(err, thimble.ErrConflict) {
			h.Errorf("releasing what the revoked key signed: %v", err)
		}
		if second := h.releases("two"); second.Signer == first.Signer {
			h.Error("the next version is signed by the revoked key")
		}
		if _, err := h.RevokeKey(ctx, first.Signer, order); !errors.Is(err, thimble.ErrConflict) {
			h.Errorf("revoking twice: %v", err)
		}
		if _, err := h.RevokeKey(ctx, "none", order); !errors.Is(err, thimble.ErrNotFound) {
			h.Errorf("revoking nothing: %v", err)
		}
		h.fits()
	})
}

// A row that somebody adds to the table of keys trusts nobody.
func TestKeyThatSomebodyAddsToTheTableDoesNotCount(t *testing.T) {
	each(t, func(h *house) {
		ctx := h.Context()
		h.releases("one")
		foreign, err := registry.NewSigner(bytes.Repeat([]byte{7}, registry.SeedSize))
		h.must(err)
		h.must(h.db.Write(ctx, func(tx *sqldb.Tx) error { return h.noteKey(ctx, tx, foreign.Key(), 2) }))
		trust, err := h.Trust(ctx)
		h.must(err)
		for _, k := range trust.Keys {
			if k.Hint() == foreign.Key().Hint() {
				h.Error("the added key counts")
			}
		}
	})
}

var errDisk = errors.New("the disk is full")

type full struct{ *blob.Store }

func (full) Put(context.Context, []byte) (blob.Hash, error) { return blob.Hash{}, errDisk }

func TestReleaseThatFailsLeavesNothingBehind(t *testing.T) {
	each(t, func(h *house) {
		ctx := h.Context()
		h.releases("one")
		next := h.made(registry.Champion, "two")
		files := h.Shelf.files
		h.Shelf.files = full{files.(*blob.Store)}
		if _, err := h.Release(ctx, Release{Model: model, Order: order}, []Made{next}); !errors.Is(err, errDisk) {
			h.Fatalf("got %v", err)
		}
		h.Shelf.files = files
		h.is("1 champion")
		// Kept, and the rest did not commit: the version that was to stay is unknown.
		if _, err := h.Release(ctx, Release{Model: model, Stay: map[int64]registry.Stage{9: registry.Retired}, Order: order}, []Made{next}); !errors.Is(err, thimble.ErrConflict) {
			h.Fatalf("got %v", err)
		}
		h.is("1 champion")
		if _, err := h.ledger.Recover(ctx, h.Performers()); err != nil {
			h.Fatal(err)
		}
		there, err := files.List()
		h.must(err)
		champion, err := h.Champion(ctx, model)
		h.must(err)
		if len(there) != 1 || [32]byte(there[0]) != champion.Package {
			h.Errorf("files %v, want the champion's only", there)
		}
		h.fits()
	})
}

func TestWithdrawingDestroysEveryVersionAndStray(t *testing.T) {
	each(t, func(h *house) {
		ctx := h.Context()
		h.releases("one")
		h.releases("two")
		_, err := h.files.Put(ctx, []byte("a stray"))
		h.must(err)
		h.must(h.Shelf.Withdraw(ctx, model, order))
		h.is("2 destroyed, 1 destroyed")
		if there, err := h.files.List(); err != nil || len(there) != 0 {
			h.Errorf("files %v, %v, want none", there, err)
		}
		h.must(h.Shelf.Withdraw(ctx, model, order))
		if v := h.releases("three"); v.Number != 3 {
			h.Errorf("the next number is %d", v.Number)
		}
		h.fits()
	})
}

func TestNumbersAreNeverGivenTwice(t *testing.T) {
	each(t, func(h *house) {
		seen := map[int64]bool{}
		got := make(chan int64, 16)
		for range 8 {
			go func() {
				n, err := h.Reserve(context.Background(), model, 2)
				if err != nil {
					n = -1
				}
				got <- n
				got <- n + 1
			}()
		}
		for range 16 {
			n := <-got
			if n < 1 || seen[n] {
				h.Errorf("number %d", n)
			}
			seen[n] = true
		}
		late := h.made(registry.Champion, "one")
		h.releases("two")
		if _, err := h.Release(h.Context(), Release{Model: model, Order: order}, []Made{late}); !errors.Is(err, thimble.ErrConflict) {
			h.Errorf("an older number after a newer one: %v", err)
		}
	})
}
