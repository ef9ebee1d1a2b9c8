package backup_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"filippo.io/age"

	"thimble"
	"thimble/internal/backup"
	"thimble/internal/ledger"
	"thimble/internal/vault"
)

// epochs seals keyrings as a vault does, without one: an epoch whose number is below the
// floor is destroyed.
type epochs struct{ newest, floor int64 }

var installation = bytes.Repeat([]byte{7}, 16)

func (e *epochs) SealPerishable(_ context.Context, what string, plain []byte) (vault.Perishable, error) {
	return vault.Perishable{Installation: installation, Epoch: e.newest, Sealed: append([]byte(what), plain...)}, nil
}

func (e *epochs) OpenPerishable(_ context.Context, what string, p vault.Perishable) ([]byte, error) {
	plain, ok := bytes.CutPrefix(p.Sealed, []byte(what))
	if !ok || p.Epoch < e.floor {
		return nil, thimble.ErrDenied
	}
	return plain, nil
}

func signer(t testing.TB, name string) *ledger.Signer {
	t.Helper()
	s, err := ledger.NewSigner(name, bytes.Repeat([]byte(name[:1]), 32))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// world is a set and who writes it.
type world struct {
	t   *testing.T
	dir string
	id  *age.X25519Identity
	by  epochs
	s   *ledger.Signer
}

func newWorld(t *testing.T) *world {
	t.Helper()
	id, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	return &world{t: t, dir: filepath.Join(t.TempDir(), "set"), id: id, by: epochs{newest: 1, floor: 1}, s: signer(t, "shop.example/log")}
}

func (w *world) begin() (*backup.Writer, error) {
	return backup.Begin(w.t.Context(), w.dir, []age.Recipient{w.id.Recipient()}, &w.by, w.s.VerifierKey())
}

func text(s string) func(io.Writer) error {
	return func(w io.Writer) error { _, err := io.WriteString(w, s); return err }
}

// backs adds a backup of contents: core, keys, and parts of the log.
func (w *world) backs(core, keys string, parts ...string) *backup.Manifest {
	w.t.Helper()
	b, err := w.begin()
	if err != nil {
		w.t.Fatal(err)
	}
	defer b.Close()
	object := func(content string) backup.Object {
		plain, size, err := backup.Digest(text(content))
		o, ok := b.Again(plain, size)
		if !ok && err == nil {
			o, err = b.Add(text(content))
		}
		if err != nil {
			w.t.Fatal(err)
		}
		return o
	}
	m := &backup.Manifest{Installation: hex.EncodeToString(installation), Epoch: 1, Key: w.s.VerifierKey()}
	m.Core, m.Keys = backup.CoreCopy{Parts: []backup.Object{object(core)}}, backup.Copy{Object: object(keys)}
	for i, p := range parts {
		n := int64(i + 1)
		m.Log.Last, m.Log.Parts = n, append(m.Log.Parts, backup.LogPart{Object: object(p), Month: "2026-11", First: n, Last: n})
	}
	if err := b.Finish(w.t.Context(), m, &w.by, w.s, "a checkpoint"); err != nil {
		w.t.Fatal(err)
	}
	return m
}

// reads opens everything in the set, and returns what the newest backup holds.
func (w *world) reads() (got []string, err error) {
	set, err := backup.OpenSet(w.dir)
	if err != nil {
		return nil, err
	}
	all, err := set.Manifests(w.s.VerifierKey())
	if err != nil || len(all) == 0 {
		return nil, errors.Join(err, fmt.Errorf("%d backups", len(all)))
	}
	for _, m := range all {
		if _, err := set.Check(w.t.Context(), m); err != nil {
			return nil, err
		}
	}
	m := all[len(all)-1]
	ring, err := m.OpenKeyring(func(what string, p vault.Perishable) ([]byte, error) {
		return w.by.OpenPerishable(w.t.Context(), what, p)
	})
	if err != nil {
		return nil, err
	}
	open := func(o backup.Object) {
		var b strings.Builder
		err = errors.Join(err, set.Open(o, []age.Identity{w.id}, ring[o.Name], &b))
		got = append(got, b.String())
	}
	open(m.Core.Parts[0])
	open(m.Keys.Object)
	for _, p := range m.Log.Parts {
		open(p.Object)
	}
	return got, err
}

func TestASetGivesBackWhatWasPutIntoIt(t *testing.T) {
	w := newWorld(t)
	first := w.backs("core 1", "keys 1", "january", "february")
	second := w.backs("core 2", "keys 2", "january", "february, longer")
	got, err := w.reads()
	if want := []string{"core 2", "keys 2", "january", "february, longer"}; err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %q, %v, want %q", got, err, want)
	}
	if first.Log.Parts[0].Object != second.Log.Parts[0].Object {
		t.Error("a part that did not change was written twice")
	}
	if second.Number != 2 || second.Before == "" {
		t.Errorf("the second is number %d after %q", second.Number, second.Before)
	}
}

func TestEveryBitOfASetCounts(t *testing.T) {
	w := newWorld(t)
	w.backs("core", "keys", "a part of the log")
	files, err := filepath.Glob(filepath.Join(w.dir, "*.manifest"))
	objects, objectsErr := filepath.Glob(filepath.Join(w.dir, "objects", "*"))
	if err = errors.Join(err, objectsErr); err != nil || len(files) != 1 || len(objects) != 3 {
		t.Fatalf("%v: %d manifests, %d objects", err, len(files), len(objects))
	}
	tried := 0
	for _, name := range append(files, objects...) {
		whole, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		try := func(what string, changed []byte) {
			tried++
			if err := os.WriteFile(name, changed, 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := w.reads(); err == nil {
				t.Errorf("%s of %s: nobody noticed", what, filepath.Base(name))
			}
		}
		for i := range whole {
			changed := bytes.Clone(whole)
			changed[i] ^= 1 << (i % 8)
			try(fmt.Sprintf("bit %d", 8*i+i%8), changed)
		}
		for n := 0; n < len(whole); n += 7 {
			try(fmt.Sprintf("the first %d bytes", n), whole[:n])
		}
		try("a byte more", append(bytes.Clone(whole), '\n'))
		if err := os.WriteFile(name, whole, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := w.reads(); err != nil {
		t.Errorf("the control: %v", err)
	}
	t.Logf("%d changes were noticed", tried)
}

func TestAnObjectThatIsMissingIsNamed(t *testing.T) {
	w := newWorld(t)
	m := w.backs("core", "keys")
	if err := os.Remove(filepath.Join(w.dir, "objects", m.Core.Parts[0].Name)); err != nil {
		t.Fatal(err)
	}
	if _, err := w.reads(); !errors.Is(err, thimble.ErrNotFound) || !strings.Contains(err.Error(), m.Core.Parts[0].Name) {
		t.Errorf("got %v, want that object %s is not there", err, m.Core.Parts[0].Name)
	}
	// The next backup writes it again, although its content was there once.
	next := w.backs("core", "keys 2")
	if _, err := os.Stat(filepath.Join(w.dir, "objects", next.Core.Parts[0].Name)); err != nil || next.Core.Parts[0].Name == m.Core.Parts[0].Name {
		t.Errorf("the next backup relies on what is missing: %v", err)
	}
}

func TestWhoeverIsNoRecipientOpensNothing(t *testing.T) {
	w := newWorld(t)
	w.backs("core", "keys")
	other, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	mine := w.id
	w.id = other
	if got, err := w.reads(); !errors.Is(err, thimble.ErrDenied) || strings.Join(got, "") != "" {
		t.Errorf("another identity: %q, %v", got, err)
	}
	w.id, w.by.floor = mine, 2
	if _, err := w.reads(); !errors.Is(err, thimble.ErrDenied) || !strings.Contains(err.Error(), "opens to nobody") {
		t.Errorf("with the epoch's key destroyed: %v", err)
	}
}

func TestASetOfAnotherInstallationIsRefused(t *testing.T) {
	w := newWorld(t)
	w.backs("core", "keys")
	w.s = signer(t, "other.example/log")
	if _, err := w.begin(); !errors.Is(err, backup.ErrForeign) {
		t.Errorf("adding to another's set: %v, want a refusal", err)
	}
	if _, err := w.reads(); !errors.Is(err, backup.ErrForeign) {
		t.Errorf("reading it: %v, want a refusal", err)
	}
}

func TestASetIsWrittenByOneAtATimeAndHalvesAreSwept(t *testing.T) {
	w := newWorld(t)
	w.backs("core", "keys")
	half := filepath.Join(w.dir, "objects", "123.part")
	if err := os.WriteFile(half, []byte("half an object"), 0o600); err != nil {
		t.Fatal(err)
	}
	b, err := w.begin()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.begin(); !errors.Is(err, thimble.ErrConflict) {
		t.Errorf("a second writer: %v, want a refusal", err)
	}
	if _, err := os.Stat(half); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("half an object is there: %v", err)
	}
	// It dies after an object, before the manifest.
	if _, err := b.Add(text("core 2")); err != nil {
		t.Fatal(err)
	}
	b.Close()
	if got, err := w.reads(); err != nil || got[0] != "core" {
		t.Errorf("the backup before: %q, %v", got, err)
	}
	if b, err = w.begin(); err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	if n, err := b.Prune(func(int64) bool { return true }, w.s.VerifierKey()); err != nil || n != 1 {
		t.Errorf("%d objects were removed, %v, want the one that no manifest names", n, err)
	}
}

func TestAnInstantIsChosen(t *testing.T) {
	at := func(minute int) time.Time { return time.Date(2026, 11, 30, 12, minute, 0, 0, time.UTC) }
	made := func(number int64, minute int, epoch int64, indexes ...string) *backup.Manifest {
		return &backup.Manifest{Number: number, Epoch: epoch, Indexes: indexes, Keys: backup.Copy{Taken: at(minute)}, Log: backup.LogCopy{Last: 10 * number}}
	}
	all := []*backup.Manifest{made(1, 10, 1, "a"), made(2, 20, 1, "a", "b"), made(3, 30, 1, "b"), made(4, 40, 2, "b")}
	for _, c := range []struct {
		name       string
		at         time.Time
		core, rest int64
		least      int64
		whole      bool
	}{
		{"the newest", time.Time{}, 4, 4, 0, true},
		{"between two", at(15), 1, 2, 10, false},
		{"at the very moment", at(10), 1, 2, 10, false},
		{"keys of indexes were replaced", at(25), 2, 2, 0, true},
		{"put back in between", at(35), 3, 3, 0, true},
		{"after the last", at(50), 4, 4, 0, true},
	} {
		got, err := backup.Choose(all, c.at)
		if err != nil || got.Core.Number != c.core || got.Rest.Number != c.rest || got.Least != c.least || got.Before.IsZero() != c.whole {
			t.Errorf("%s: core of %d, the rest of %d from %d until %v, %v", c.name, got.Core.Number, got.Rest.Number, got.Least, got.Before, err)
		}
	}
	for _, c := range []struct {
		all []*backup.Manifest
		at  time.Time
	}{{all, at(5)}, {nil, at(50)}} {
		if _, err := backup.Choose(c.all, c.at); !errors.Is(err, thimble.ErrNotFound) {
			t.Errorf("of %d backups at %s: %v, want none", len(c.all), c.at, err)
		}
	}
}

// What is named under the key of a later day would open longer than was promised.
func TestCoreIsNamedAgainOnItsOwnDayAlone(t *testing.T) {
	w := newWorld(t)
	w.backs("core", "keys 1")
	w.backs("core", "keys 2") // on the same day
	w.by.newest = 2
	b, err := w.begin()
	if err != nil {
		t.Fatal(err)
	}
	last := b.Last()
	m := &backup.Manifest{Installation: last.Installation, Epoch: 1, Key: last.Key, Core: last.Core, Keys: last.Keys}
	err = b.Finish(t.Context(), m, &w.by, w.s, "a checkpoint")
	b.Close()
	if !errors.Is(err, thimble.ErrConflict) {
		t.Errorf("on the next day: %v, want a refusal", err)
	}
	if got, err := w.reads(); err != nil || got[1] != "keys 2" {
		t.Errorf("the backup before: %q, %v", got, err)
	}
}
