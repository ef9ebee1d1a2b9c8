package vault_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"thimble"
	"thimble/internal/sqldb"
	"thimble/internal/sqldb/sqldbtest"
	"thimble/internal/vault"
	"thimble/internal/vault/vaultdb"
	"thimble/internal/vault/vaulttest"
)

// clock is a time that tests move.
type clock struct{ at atomic.Int64 }

func newClock() *clock {
	c := &clock{}
	c.at.Store(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC).UnixNano())
	return c
}

func (c *clock) Now() time.Time          { return time.Unix(0, c.at.Load()).UTC() }
func (c *clock) Advance(d time.Duration) { c.at.Add(int64(d)) }
func (c *clock) AdvanceDays(days int)    { c.Advance(time.Duration(days) * 24 * time.Hour) }

// people are owners with a sealed value each.
type people struct {
	owners []thimble.SubjectID
	sealed [][]byte
}

func newPeople(t testing.TB, v *vault.Vault, n int) (p people) {
	t.Helper()
	for range n {
		p.owners = append(p.owners, newID(t))
	}
	if err := v.Ensure(ctx, p.owners...); err != nil {
		t.Fatal(err)
	}
	for i, o := range p.owners {
		p.sealed = append(p.sealed, mustSeal(t, v, mailCell(o), fmt.Sprint("person ", i)))
	}
	return p
}

func (p people) wantOpen(t testing.TB, v *vault.Vault) {
	t.Helper()
	for i, o := range p.owners {
		wantOpens(t, v, mailCell(o), p.sealed[i], fmt.Sprint("person ", i))
	}
}

func mustRotate(t testing.TB, v *vault.Vault) vault.Rotation {
	t.Helper()
	r, err := v.Rotate(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestDailyRotationKeepsThePeopleAndDestroysOldEpochs(t *testing.T) {
	sqldbtest.Installations(t, func(t *testing.T, open sqldbtest.Opener) {
		db, clock, root := open(sqldb.Keys), newClock(), vaulttest.Root(t)
		cfg := vault.Config{Now: clock.Now, EpochDays: 7}
		v := vaulttest.Open(t, vaultdb.New(db), root, cfg)
		p := newPeople(t, v, 30)
		if r := mustRotate(t, v); r.Rewrapped != 0 || r.Destroyed != 0 {
			t.Errorf("rotating on the first day = %+v, want nothing to do", r)
		}
		for day := 1; day <= 10; day++ {
			clock.AdvanceDays(1)
			r := mustRotate(t, v)
			if r.Rewrapped != 31 || r.Epoch != int64(day+1) {
				t.Errorf("day %d = %+v, want all 31 keys under a new epoch", day, r)
			}
			if (r.Destroyed == 1) != (day >= 7) {
				t.Errorf("day %d destroyed %d epochs, want the one of 7 days ago", day, r.Destroyed)
			}
		}
		epochs, err := v.Epochs(ctx)
		if err != nil || len(epochs) != 7 {
			t.Errorf("%d epochs live, %v, want 7", len(epochs), err)
		}
		for _, e := range epochs {
			if e.Ends.Sub(e.Made) != 7*24*time.Hour || e.Made.After(clock.Now()) || e.Ends.Before(clock.Now()) {
				t.Errorf("epoch %+v is not one of the last 7 days", e)
			}
		}
		if got, newest := v.UnreadableAfter(), epochs[6].Ends; got.Before(newest) || got.After(newest.AddDate(0, 0, 1)) {
			t.Errorf("UnreadableAfter = %s, the newest epoch ends %s", got, newest)
		}
		p.wantOpen(t, v)
		p.wantOpen(t, vaulttest.Open(t, vaultdb.New(open(sqldb.Keys)), root, cfg))
	})
}

func TestABackupOlderThanTheEpochsOpensForNobody(t *testing.T) {
	dir := t.TempDir()
	open := func(name string) *sqldb.DB {
		db, err := sqldb.Open(ctx, sqldb.Config{Set: sqldb.Keys, Path: filepath.Join(dir, name)})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { db.Close() })
		return db
	}
	folder, err := vault.NewEpochFolder(filepath.Join(dir, "epochs"))
	if err != nil {
		t.Fatal(err)
	}
	clock, root := newClock(), vaulttest.Root(t)
	cfg := vault.Config{Now: clock.Now, EpochDays: 7, Epochs: folder}
	live := open("keys.db")
	v := vaulttest.Open(t, vaultdb.New(live), root, cfg)
	p := newPeople(t, v, 5)
	backup := func(name string) {
		t.Helper()
		// The whole database, as an operator would copy it.
		if err := live.Truncate(ctx); err != nil {
			t.Fatal(err)
		}
		copyFile(t, filepath.Join(dir, "keys.db"), filepath.Join(dir, name))
	}
	backup("young.db")
	if _, err := v.Shred(ctx, p.owners[0]); err != nil {
		t.Fatal(err)
	}
	for range 6 {
		clock.AdvanceDays(1)
		mustRotate(t, v)
	}
	// Within the window the backup opens: there the tombstones have to be applied.
	restored := vaulttest.Open(t, vaultdb.New(open("young.db")), root, cfg)
	wantOpens(t, restored, mailCell(p.owners[0]), p.sealed[0], "person 0")
	stones, err := v.Tombstones(ctx, 0, 100)
	if err != nil || len(stones) != 1 {
		t.Fatal(stones, err)
	}
	risen, err := restored.Bury(ctx, stones)
	if err != nil || len(risen) != 1 || risen[0] != p.owners[0] {
		t.Errorf("Bury = %v, %v, want the shredded person", risen, err)
	}
	_, err = restored.Open(ctx, mailCell(p.owners[0]), p.sealed[0])
	wantKind(t, "after the tombstones", err, thimble.ErrDenied)
	wantOpens(t, restored, mailCell(p.owners[1]), p.sealed[1], "person 1")

	backup("old.db")
	clock.AdvanceDays(1)
	mustRotate(t, v)
	clock.AdvanceDays(7)
	mustRotate(t, v)
	err = vault.New(vaultdb.New(open("old.db")), root, cfg).Init(ctx)
	wantKind(t, "a backup after its days", err, thimble.ErrDenied)
	people{p.owners[1:], p.sealed[1:]}.wantOpenFrom(t, v, 1)
}

func (p people) wantOpenFrom(t testing.TB, v *vault.Vault, first int) {
	t.Helper()
	for i, o := range p.owners {
		wantOpens(t, v, mailCell(o), p.sealed[i], fmt.Sprint("person ", i+first))
	}
}

func TestReadersNoticeNothingOfARotation(t *testing.T) {
	sqldbtest.Installations(t, func(t *testing.T, open sqldbtest.Opener) {
		db, clock, root := open(sqldb.Keys), newClock(), vaulttest.Root(t)
		cfg := vault.Config{Now: clock.Now, EpochDays: 2, CacheSize: 8} // most reads are cold
		v := vaulttest.Open(t, vaultdb.New(db), root, cfg)
		other := vaulttest.Open(t, vaultdb.New(open(sqldb.Keys)), root, cfg) // a second process
		p := newPeople(t, v, 200)
		stop := make(chan struct{})
		var reads, writes atomic.Int64
		var wg sync.WaitGroup
		for g, from := range []*vault.Vault{v, other} {
			wg.Go(func() {
				for i := g; ; i++ {
					select {
					case <-stop:
						return
					default:
					}
					k := i % len(p.owners)
					wantOpens(t, from, mailCell(p.owners[k]), p.sealed[k], fmt.Sprint("person ", k))
					reads.Add(1)
					if i%20 == 0 {
						vaulttest.Owner(t, from) // new people come all the while
						writes.Add(1)
					}
				}
			})
		}
		for i := 0; i < 12 || reads.Load() < 100 && i < 300; i++ { // until some were met, on a busy machine too
			clock.AdvanceDays(1)
			if _, err := v.Rotate(ctx); err != nil {
				t.Error(err)
			}
		}
		close(stop)
		wg.Wait()
		if reads.Load() < 100 || writes.Load() == 0 {
			t.Errorf("only %d reads and %d writes met the rotations", reads.Load(), writes.Load())
		}
		clock.AdvanceDays(1)
		mustRotate(t, v)
		p.wantOpen(t, other)
	})
}

// faulty is a store that fails at the n-th write, before or after it.
type faulty struct {
	*vaultdb.Store
	left  atomic.Int64 // writes before the failure
	after bool
}

var errPower = errors.New("the power is out")

func (f *faulty) gate(write func() error) error {
	fails := f.left.Add(-1) == 0
	if fails && !f.after {
		return errPower
	}
	err := write()
	if fails && err == nil {
		return errPower
	}
	return err
}

func (f *faulty) Exchange(ctx context.Context, keys []vault.Exchange) (n int, err error) {
	err = f.gate(func() error { n, err = f.Store.Exchange(ctx, keys); return err })
	return n, err
}

func (f *faulty) RaiseFloor(ctx context.Context, floor int64) (n int, err error) {
	err = f.gate(func() error { n, err = f.Store.RaiseFloor(ctx, floor); return err })
	return n, err
}

func (f *faulty) RaiseMonthFloor(ctx context.Context, class string, month int) error {
	return f.gate(func() error { return f.Store.RaiseMonthFloor(ctx, class, month) })
}

func (f *faulty) PutEpoch(ctx context.Context, e vault.Epoch) error {
	return f.gate(func() error { return f.Store.PutEpoch(ctx, e) })
}

func (f *faulty) ReplaceEpoch(ctx context.Context, e vault.Epoch) error {
	return f.gate(func() error { return f.Store.ReplaceEpoch(ctx, e) })
}

func (f *faulty) DestroyEpochs(ctx context.Context, below int64) error {
	return f.gate(func() error { return f.Store.DestroyEpochs(ctx, below) })
}

func (f *faulty) Shred(ctx context.Context, owner thimble.SubjectID, mark []byte, hash func([]vault.Key) [32]byte) (dead []vault.Key, stone vault.Tombstone, err error) {
	err = f.gate(func() error { dead, stone, err = f.Store.Shred(ctx, owner, mark, hash); return err })
	return dead, stone, err
}

func (f *faulty) Scrub(ctx context.Context, needles [][]byte) (n int, scanned bool, err error) {
	err = f.gate(func() error { n, scanned, err = f.Store.Scrub(ctx, needles); return err })
	return n, scanned, err
}

// interruptions calls f with a store that fails at each of its writes in turn,
// before and after it takes effect, until nothing is left to fail. f does what is to
// be interrupted within during.
func interruptions(t *testing.T, f func(t *testing.T, store *faulty, during func(func()))) {
	for _, after := range []bool{false, true} {
		met := true
		for n := int64(1); met; n++ {
			store := &faulty{Store: vaultdb.New(sqldbtest.SQLite(t, sqldb.Keys)), after: after}
			f(t, store, func(act func()) {
				store.left.Store(n)
				act()
				met = store.left.Load() <= 0
				store.left.Store(0)
			})
		}
	}
}

func TestAnInterruptedRotationIsFinishedByTheNext(t *testing.T) {
	met := 0
	interruptions(t, func(t *testing.T, store *faulty, during func(func())) {
		clock, root := newClock(), vaulttest.Root(t)
		cfg := vault.Config{Now: clock.Now, EpochDays: 1}
		v := vaulttest.Open(t, store, root, cfg)
		p := newPeople(t, v, 3)
		clock.AdvanceDays(1)
		during(func() {
			if _, err := v.Rotate(ctx); err != nil {
				met++
				wantKind(t, "an interruption", err, thimble.ErrUnavailable)
			}
		})
		p.wantOpen(t, v)
		p.wantOpen(t, vaulttest.Open(t, store, root, cfg)) // as after a restart

		clock.AdvanceDays(1)
		mustRotate(t, v)
		clock.AdvanceDays(1)
		mustRotate(t, v)
		epochs, err := store.Epochs(ctx)
		if err != nil || len(epochs) != 1 {
			t.Errorf("%d epochs are left, %v, want today's", len(epochs), err)
		}
		p.wantOpen(t, vaulttest.Open(t, store, root, cfg))
	})
	if met < 8 {
		t.Errorf("only %d interruptions met a rotation", met)
	}
}

func TestAnInterruptedShredIsFinishedByTheNext(t *testing.T) {
	met := 0
	interruptions(t, func(t *testing.T, store *faulty, during func(func())) {
		v := vaulttest.Open(t, store, vaulttest.Root(t), vault.Config{})
		p := newPeople(t, v, 2)
		keys, err := store.Keys(ctx, p.owners[0], "", false)
		if err != nil {
			t.Fatal(err)
		}
		short, cancel := context.WithTimeout(ctx, 100*time.Millisecond)
		defer cancel()
		during(func() {
			if _, err := v.Shred(short, p.owners[0]); err != nil {
				met++
				wantKind(t, "an interruption", err, thimble.ErrUnavailable)
			}
		})
		done, err := v.Shred(ctx, p.owners[0])
		if err != nil || done.KeyHash == [32]byte{} {
			t.Errorf("shredding again = %+v, %v", done, err)
		}
		if n, _, err := store.Store.Scrub(ctx, [][]byte{keys[0].Wrapped}); err != nil || n != 0 {
			t.Errorf("%d keys are left in the files, %v", n, err)
		}
		_, err = v.Open(ctx, mailCell(p.owners[0]), p.sealed[0])
		wantKind(t, "opening", err, thimble.ErrDenied)
		wantOpens(t, v, mailCell(p.owners[1]), p.sealed[1], "person 1")
	})
	if met < 2 {
		t.Errorf("only %d interruptions met a shredding", met)
	}
}
