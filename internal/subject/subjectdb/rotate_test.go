package subjectdb_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"thimble"
	"thimble/internal/sqldb"
	"thimble/internal/sqldb/sqldbtest"
	"thimble/internal/subject"
	"thimble/internal/subject/subjectdb"
)

func (h shop) rotate() subjectdb.Rotation {
	h.t.Helper()
	r, err := h.s.Rotate(ctx)
	if err != nil {
		h.t.Fatal(err)
	}
	return r
}

func (h shop) secrets() (names []string) {
	h.t.Helper()
	if err := h.keys.Read(ctx, func(tx *sqldb.Tx) error {
		names = nil
		rows, err := tx.Query(ctx, `select name from vault_secrets where name like 'index/identifier%' or name like 'index/supp%' order by name`)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var n string
			if err := rows.Scan(&n); err != nil {
				return err
			}
			names = append(names, n)
		}
		return rows.Err()
	}); err != nil {
		h.t.Fatal(err)
	}
	return names
}

func TestARotationMovesEveryIdentifierAndDestroysTheOldKey(t *testing.T) {
	each(t, func(h shop) {
		ada, gone := h.person("ada@example.org"), h.person("gone@example.org")
		h.crowd(250) // more than a batch
		if _, err := h.s.Erase(ctx, gone); err != nil {
			h.t.Fatal(err)
		}
		before := h.export(ada)

		r := h.rotate()

		if r.Reindexed != 251 || r.Waiting != 1 || r.Resumed {
			h.t.Errorf("rotation %+v, want 251 identifiers moved and one mark that waits", r)
		}
		if got, err := h.s.Find(ctx, mail("ada@example.org")); err != nil || got != ada {
			h.t.Errorf("found %s, %v", got, err)
		}
		if after := h.export(ada); len(after) != len(before) || after[0].Value != before[0].Value {
			h.t.Errorf("export %v, want %v", after, before)
		}
		for _, name := range h.secrets() {
			if name == "index/identifier-email" {
				h.t.Error("the old key is still there")
			}
		}
		// Only a sighting can make the mark of a forgotten person anew.
		if !h.suppressed("gone@example.org") || !strings.Contains(strings.Join(h.secrets(), " "), "index/suppression ") {
			h.t.Errorf("the forgotten is known no more, or the key of old marks is gone: %v", h.secrets())
		}
		r = h.rotate()
		if r.Waiting != 0 && r.Waiting != 1 {
			h.t.Errorf("rotation %+v", r)
		}
		if !h.suppressed("gone@example.org") {
			h.t.Error("after a second rotation the forgotten is known no more")
		}
		if names := strings.Join(h.secrets(), " ") + " "; strings.Contains(names, "index/suppression ") {
			h.t.Errorf("no mark is under the first suppression key, and it is still there: %s", names)
		}
		if !h.suppressed("gone@example.org") || h.suppressed("ada@example.org") {
			h.t.Error("marks are wrong after the renewal")
		}
	})
}

// failingKeys is an outage that begins after some calls.
type failingKeys struct {
	subjectdb.Keys
	mu   sync.Mutex
	left int
}

var errOut = fmt.Errorf("the vault is out: %w", thimble.ErrUnavailable)

func (f *failingKeys) step() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.left--; f.left < 0 {
		return errOut
	}
	return nil
}

func (f *failingKeys) Seal(ctx context.Context, c thimble.Cell, plain []byte) ([]byte, error) {
	if err := f.step(); err != nil {
		return nil, err
	}
	return f.Keys.Seal(ctx, c, plain)
}

func (f *failingKeys) DropIndex(ctx context.Context, kind string) error {
	if err := f.step(); err != nil {
		return err
	}
	return f.Keys.DropIndex(ctx, kind)
}

func TestAnInterruptedRotationResumes(t *testing.T) {
	each(t, func(h shop) {
		h.crowd(240)
		ada := h.person("ada@example.org")
		for _, after := range []int{0, 1, 120, 240, 241, 243} {
			broken := subjectdb.New(h.core, &failingKeys{Keys: h.v, left: after}, subjectdb.Config{Opener: h.v})
			_, err := broken.Rotate(ctx)
			if !errors.Is(err, thimble.ErrUnavailable) {
				h.t.Fatalf("after %d calls: %v, want the outage", after, err)
			}
			open, err := h.s.Rotating(ctx)
			if err != nil || open != (after < 241) {
				h.t.Errorf("after %d calls: open %t, %v", after, open, err)
			}
			fresh := subjectdb.New(h.core, h.v, subjectdb.Config{Opener: h.v}) // another process
			if got, err := fresh.Find(ctx, mail("ada@example.org")); err != nil || got != ada {
				h.t.Fatalf("after %d calls: found %s, %v", after, got, err)
			}
			if _, err := fresh.Draft(ctx, []subject.Identifier{mail("x@example.org")}); err != nil {
				h.t.Fatal(err)
			}
			if open {
				r, err := fresh.Rotate(ctx)
				if err != nil || !r.Resumed {
					h.t.Fatalf("resumed: %+v, %v", r, err)
				}
			} else if _, err := fresh.Rotate(ctx); err != nil {
				h.t.Fatal(err)
			}
			if got := len(h.secrets()); got > 3 {
				h.t.Errorf("after %d calls %d index keys are left: %v", after, got, h.secrets())
			}
		}
	})
}

// TestNoLookUpIsWrongWhileKeysRotate has people come, be looked up, leave and come
// back, on several stores as on several nodes, while the keys rotate over and over.
// Each worker knows what its own people must be.
func TestNoLookUpIsWrongWhileKeysRotate(t *testing.T) {
	const seed = 20261122
	t.Logf("seed %d", seed)
	steps := 60
	if soak {
		steps = 2000
	}
	each(t, func(h shop) {
		h.crowd(120)
		stop := make(chan struct{})
		var rotating, working sync.WaitGroup
		rotating.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					if _, err := h.s.Rotate(ctx); err != nil {
						h.t.Errorf("rotating: %v", err)
						return
					}
				}
			}
		})
		for w := range 3 {
			node := subjectdb.New(h.core, h.v, subjectdb.Config{Opener: h.v, Ledger: h.log})
			working.Go(func() { live(h, node, rand.New(rand.NewPCG(seed, uint64(w))), w, steps) })
		}
		working.Wait()
		close(stop)
		rotating.Wait()
	})
}

// live is one worker's model: who has which of its names, and who was forgotten.
func live(h shop, s *subjectdb.Store, r *rand.Rand, worker, steps int) {
	owner, forgotten := map[string]thimble.SubjectID{}, map[string]bool{}
	for range steps {
		name := fmt.Sprintf("w%d.%d@example.org", worker, r.IntN(8))
		had := owner[name]
		switch r.IntN(4) {
		case 0: // come, or be refused
			drafts, err := s.Draft(ctx, []subject.Identifier{mail(name)})
			if err == nil {
				err = h.try(func(tx *sqldb.Tx) error { return s.Create(ctx, tx, drafts[0]) })
			}
			switch {
			case err == nil && had.IsZero():
				owner[name] = drafts[0].ID
			case errors.Is(err, thimble.ErrConflict) && !had.IsZero():
			default:
				h.t.Errorf("creating %s, who is there: %t: %v", name, !had.IsZero(), err)
			}
		case 1: // be forgotten
			if !had.IsZero() {
				if _, err := s.Erase(ctx, had); err != nil {
					h.t.Errorf("erasing: %v", err)
				}
				delete(owner, name)
				forgotten[name] = true
			}
		case 2: // leave the address
			if !had.IsZero() {
				if err := h.try(func(tx *sqldb.Tx) error { return s.Remove(ctx, tx, had, mail(name)) }); err != nil {
					h.t.Errorf("removing: %v", err)
				}
				delete(owner, name)
			}
		}
		got, err := s.Find(ctx, mail(name))
		if owner[name] != got || err != nil && !errors.Is(err, thimble.ErrNotFound) {
			h.t.Errorf("found %s, %v, want %s", got, err, owner[name])
		}
		if marks, err := s.Suppressed(ctx, []subject.Identifier{mail(name)}); err != nil || marks[0] != forgotten[name] {
			h.t.Errorf("suppressed %v, %v, want %t", marks, err, forgotten[name])
		}
	}
}

// BenchmarkFind looks one person up among 10,000; with two generations, as during a
// rotation, each look-up asks under both keys.
func BenchmarkFind(b *testing.B) {
	for _, generations := range []int{1, 2} {
		b.Run(fmt.Sprintf("generations=%d", generations), func(b *testing.B) {
			h := benchShop(b)
			h.crowd(10_000)
			name := fmt.Sprintf("p%d@example.net", crowds)
			if generations == 2 {
				// An outage at the first identifier leaves the rotation open.
				broken := subjectdb.New(h.core, &failingKeys{Keys: h.v}, subjectdb.Config{Opener: h.v})
				if _, err := broken.Rotate(ctx); !errors.Is(err, thimble.ErrUnavailable) {
					b.Fatal(err)
				}
			}
			b.ReportAllocs()
			for b.Loop() {
				if _, err := h.s.Find(ctx, mail(name)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkMembers(b *testing.B) {
	h := benchShop(b)
	h.crowd(10_000)
	ids := []subject.Identifier{mail(fmt.Sprintf("p%d@example.net", crowds)), mail(fmt.Sprintf("p%d@example.net", crowds-1)), mail(fmt.Sprintf("p%d@example.net", crowds-2))}
	who, err := h.s.FindAll(ctx, ids)
	if err != nil {
		b.Fatal(err)
	}
	if err := h.try(func(tx *sqldb.Tx) error { _, err := h.s.Merge(ctx, tx, who[1], who[2], byStaff); return err }); err != nil {
		b.Fatal(err)
	}
	for i, name := range []string{"alone", "merged"} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if got, err := h.s.Members(ctx, who[i]); err != nil || len(got) != i+1 {
					b.Fatal(got, err)
				}
			}
		})
	}
}

func benchShop(b *testing.B) shop {
	return newShop(b, sqldbtest.SQLite(b, sqldb.Core), sqldbtest.SQLite(b, sqldb.Keys))
}
