package collect_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"thimble/internal/collect"
	"thimble/internal/collect/collectdb"
	"thimble/internal/order"
	"thimble/internal/order/orderdb"
	"thimble/internal/sqldb"
	"thimble/internal/sqldb/sqldbtest"
	"thimble/internal/vault"
	"thimble/internal/vault/vaultdb"
	"thimble/internal/vault/vaulttest"
)

// hooks run around what an import does with orders.
type hooks struct {
	draft func() error // before they are sealed
	after func()       // after they were sealed
	add   func() error // after they were added, within the transaction
}

type hooked struct {
	*orderdb.Store
	hooks
}

func (h hooked) Draft(ctx context.Context, orders []order.Order) ([]orderdb.Draft, error) {
	if h.draft != nil {
		if err := h.draft(); err != nil {
			return nil, err
		}
	}
	drafts, err := h.Store.Draft(ctx, orders)
	if h.after != nil && err == nil {
		h.after()
	}
	return drafts, err
}

func (h hooked) Add(ctx context.Context, tx *sqldb.Tx, drafts []orderdb.Draft) error {
	err := h.Store.Add(ctx, tx, drafts)
	if err == nil && h.add != nil {
		err = h.add()
	}
	return err
}

func (s *shop) inject(h hooks) {
	parts := s.parts()
	parts.Orders = hooked{s.orders, h}
	s.store = collectdb.New(s.db, parts, time.Now, nil)
}

var errPower = errors.New("the power is out")

// failing returns a hook that fails at its n-th call.
func failing(n int) func() error {
	return func() error {
		if n--; n < 0 {
			return errPower
		}
		return nil
	}
}

// A state is what an import leaves behind. It does not depend on the engine.
type state struct {
	Counts    collect.Counts
	Orders    map[string]string
	Catalogue []string
}

func (s *shop) state(r collect.Report) state { return state{r.Counts, s.everything(), s.catalogue()} }

// undisturbed is what the sample leaves behind when nothing goes wrong.
func undisturbed(t *testing.T) state {
	s := newShop(t, sqldbtest.SQLite(t, sqldb.Core), sqldbtest.SQLite(t, sqldb.Keys))
	return s.state(s.imported(collect.File(samplePath), collect.Options{}))
}

func TestAnImportThatWasCutOffGoesOnWithoutDoubling(t *testing.T) {
	want := undisturbed(t)
	for name, h := range map[string]func(k int) hooks{
		"while it is planned": func(k int) hooks { return hooks{draft: failing(k)} },
		"while it is written": func(k int) hooks { return hooks{add: failing(k)} },
	} {
		for _, k := range []int{0, 1, 12} {
			t.Run(fmt.Sprintf("%s, batch %d", name, k), func(t *testing.T) {
				eachShop(t, func(t *testing.T, s *shop) {
					s.inject(h(k))
					r, err := s.imports(collect.File(samplePath), collect.Options{BatchOrders: 10})
					if !errors.Is(err, errPower) || r.Finished || r.Orders > int64(10*k) {
						t.Fatalf("got %v and %+v", err, r)
					}
					s.open(s.db)
					again := s.imported(collect.File(samplePath), collect.Options{BatchOrders: 7})
					if again.Resumed != (r.Rows > 0) {
						t.Errorf("resumed is %t after %d rows", again.Resumed, r.Rows)
					}
					if diff := cmp.Diff(want, s.state(again)); diff != "" {
						t.Errorf("whole (-) and resumed (+) differ:\n%s", diff)
					}
				})
			})
		}
	}
}

// TestMain lets the test binary be the process that is killed.
func TestMain(m *testing.M) {
	if dir := os.Getenv("THIMBLE_TEST_IMPORT_IN"); dir != "" {
		if err := importIn(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

func importIn(dir string) error {
	ctx := context.Background()
	core, err := sqldb.Open(ctx, sqldb.Config{Set: sqldb.Core, Path: filepath.Join(dir, "core.db")})
	if err != nil {
		return err
	}
	keys, err := sqldb.Open(ctx, sqldb.Config{Set: sqldb.Keys, Path: filepath.Join(dir, "keys.db")})
	if err != nil {
		return err
	}
	root, err := rootIn(dir)
	if err != nil {
		return err
	}
	s := &shop{ctx: ctx, vault: vault.New(vaultdb.New(keys), root, vault.Config{})}
	if err := s.vault.Init(ctx); err != nil {
		return err
	}
	s.open(core)
	_, err = s.imports(collect.File(samplePath), collect.Options{BatchOrders: 1, Progress: func(collect.Progress) { fmt.Println("batch") }})
	return errors.Join(err, core.Close(), keys.Close())
}

func rootIn(dir string) (vault.Root, error) {
	return vault.NewFileRoot(filepath.Join(dir, "root.age"), vault.IdentityFile(filepath.Join(dir, "root.key")))
}

func TestAnImportSurvivesKill9(t *testing.T) {
	want := undisturbed(t)
	dir := t.TempDir()
	for batches := 1; batches <= 40; batches += 13 {
		killAfter(t, dir, batches)
	}
	open := func(set string) *sqldb.DB {
		db, err := sqldb.Open(t.Context(), sqldb.Config{Set: set, Path: filepath.Join(dir, set+".db")})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { db.Close() }) //nolint:errcheck // the test is over
		return db
	}
	root, err := rootIn(dir)
	if err != nil {
		t.Fatal(err)
	}
	s := &shop{TB: t, ctx: t.Context(), vault: vaulttest.Open(t, vaultdb.New(open(sqldb.Keys)), root, vault.Config{})}
	s.open(open(sqldb.Core))
	r := s.imported(collect.File(samplePath), collect.Options{})
	if !r.Resumed {
		t.Error("nothing was left to resume; kill earlier")
	}
	if diff := cmp.Diff(want, s.state(r)); diff != "" {
		t.Errorf("whole (-) and killed (+) differ:\n%s", diff)
	}
}

// killAfter imports in a process of its own and kills it after some batches.
func killAfter(t *testing.T, dir string, batches int) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "THIMBLE_TEST_IMPORT_IN="+dir)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	for range batches {
		if _, err := fmt.Fscanln(out, new(string)); err != nil {
			t.Errorf("the process ended by itself: %v", err)
		}
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Error(err)
	}
	if err := cmd.Wait(); err == nil {
		t.Error("the process was not killed")
	}
}
