package app_test

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"thimble"
	"thimble/internal/app"
	"thimble/internal/collect"
	"thimble/internal/collect/table"
	"thimble/internal/subject"
	"thimble/internal/thimbletest"
)

// backupOrders returns how many random orders of backups, erasures, restores and imports are tried.
func backupOrders() int {
	if os.Getenv("THIMBLE_SOAK") != "" {
		return 200
	}
	return 3
}

// In any order of backups, erasures, restores and imports nobody who was erased comes back, and
// of everybody else what the backup had is there.
func TestNoOrderOfBackupsAndErasuresBringsAnybodyBack(t *testing.T) {
	const seed = 20261130
	began, parts, sum := time.Now(), 0, map[string]int{}
	for n := range backupOrders() {
		t.Run(fmt.Sprintf("order %d of seed %d", n, seed), func(t *testing.T) {
			w := &fates{safe: newSafe(t, nil), r: rand.New(rand.NewPCG(seed, uint64(n))), alive: map[thimble.SubjectID]fate{}}
			for range 5 {
				w.joins()
			}
			w.Works()
			w.backsUp()
			for range 9 {
				w.step()
			}
			w.restores()
			w.check()
			t.Log(strings.Join(w.did, ", "), "; parts of core: ", w.parts)
			if w.erasedAgain == 0 && n == 0 {
				t.Error("no restore met anybody who was erased: the order proves nothing")
			}
			parts = max(parts, w.parts)
			for what, n := range map[string]int{"backups": len(w.copies), "restores": w.back, "erasures": len(w.erased), "erased again": w.erasedAgain} {
				sum[what] += n
			}
		})
	}
	t.Logf("%d orders (seed %d): %v; %.0f s", backupOrders(), seed, sum, time.Since(began).Seconds())
	if parts < 2 {
		t.Error("core was copied whole each time: the orders prove too little")
	}
}

// fate is what is expected of a person.
type fate struct {
	account string
	orders  int
}

// copied is what a backup has to have.
type copied struct {
	taken time.Time
	alive map[thimble.SubjectID]fate
}

type fates struct {
	*safe
	r           *rand.Rand
	alive       map[thimble.SubjectID]fate
	erased      []thimble.SubjectID
	accounts    []string // of whom was erased
	copies      []copied
	made, back  int
	erasedAgain int
	parts       int // of core, at most
	did         []string
}

func (w *fates) step() {
	acts := []struct {
		name string
		do   func()
	}{{"join", w.joins}, {"buy", w.buys}, {"erase", w.erases}, {"erase", w.erases}, {"back up", w.backsUp}, {"restore", w.restores}, {"import", w.imports}}
	act := acts[w.r.IntN(len(acts))]
	w.did = append(w.did, act.name)
	act.do()
	w.Works()
}

func (w *fates) joins() {
	w.made++
	f := fate{account: fmt.Sprintf("customer-%d", w.made), orders: 2}
	who := w.Subject(f.account, thimbletest.Allows(personalize, train)...)
	for i := range f.orders {
		w.order(who, thimble.ItemID(fmt.Sprintf("item-%d", (w.made+i)%4)))
	}
	w.Browses(who, "shirt")
	w.alive[who] = f
}

// order buys at a time of its own, so that no number of an order is used twice.
func (w *fates) order(who thimble.SubjectID, item thimble.ItemID) {
	id, err := thimble.NewID(nil)
	if err != nil {
		w.t.Fatal(err)
	}
	w.OrdersAs(fmt.Sprintf("order-%x", id), time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC), who, item, "shirt")
}

func (w *fates) somebody() (thimble.SubjectID, bool) {
	all := slices.SortedFunc(maps.Keys(w.alive), func(a, b thimble.SubjectID) int { return strings.Compare(w.alive[a].account, w.alive[b].account) })
	if len(all) == 0 {
		return thimble.SubjectID{}, false
	}
	return all[w.r.IntN(len(all))], true
}

func (w *fates) buys() {
	if who, ok := w.somebody(); ok {
		w.order(who, "scarf")
		f := w.alive[who]
		f.orders++
		w.alive[who] = f
	}
}

func (w *fates) erases() {
	if who, ok := w.somebody(); ok {
		w.Erase(who)
		w.erased, w.accounts = append(w.erased, who), append(w.accounts, w.alive[who].account)
		delete(w.alive, who)
	}
}

// backsUp makes a backup of what changed, and each fourth of core whole.
func (w *fates) backsUp() {
	done := w.backupAs(app.Backup{Whole: len(w.copies)%4 == 3})
	w.parts = max(w.parts, len(done.Manifest.Core.Parts))
	w.copies = append(w.copies, copied{done.Manifest.Taken(), maps.Clone(w.alive)})
}

// restores puts the installation back as of a backup that is drawn, and goes on with it. What
// was done since is lost, but for the erasures.
func (w *fates) restores() {
	i := w.r.IntN(len(w.copies))
	w.back++
	to := filepath.Join(w.dir, fmt.Sprintf("data-%d", w.back))
	done, err := w.restore(to, w.seen(), w.copies[i].taken)
	if err != nil {
		w.t.Fatalf("%v: %v", w.did, err)
	}
	if len(done.Audit.Findings) > 0 {
		w.t.Errorf("%v: the audit found %+v", w.did, done.Audit.Findings)
	}
	w.data, w.erasedAgain = to, w.erasedAgain+done.Erased
	w.open()
	w.imports()
	w.alive = maps.Clone(w.copies[i].alive)
	for _, who := range w.erased {
		delete(w.alive, who)
	}
	w.Works()
	w.check()
}

// imports brings an old list of everybody, the erased among them.
func (w *fates) imports() {
	var list strings.Builder
	list.WriteString("Customer ID,Name\n")
	for _, account := range w.accounts {
		fmt.Fprintf(&list, "%s,Name of %s\n", account, account)
	}
	for _, f := range w.alive {
		fmt.Fprintf(&list, "%s,Name of %s\n", f.account, f.account)
	}
	m := table.Mapping{Kind: string(collect.Customers), Form: table.Plain(), Columns: map[string]string{"account": "Customer ID", "name": "Name"}}
	src := collect.Source{Name: "old.csv", Open: func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(list.String())), nil }}
	if _, err := w.Import(w.t.Context(), collect.Customers, src, collect.Options{Map: &m}); err != nil {
		w.t.Fatal(err)
	}
}

func (w *fates) check() {
	ctx := w.t.Context()
	for _, who := range w.erased {
		if _, err := w.Subjects.Epoch(ctx, who); !errors.Is(err, thimble.ErrNotFound) {
			w.t.Errorf("%v: somebody who was erased is here: %v", w.did, err)
		}
		if _, err := w.Vault.Seal(ctx, thimble.Cell{Owner: who, Table: "order_orders", Column: "body", Row: []byte("1"), Category: thimble.PurchaseHistory}, nil); !errors.Is(err, thimble.ErrNotFound) {
			w.t.Errorf("%v: somebody who was erased has a key: %v", w.did, err)
		}
		for _, h := range w.Desk.Holders() {
			for d, err := range h.Export(ctx, who) {
				if errors.Is(err, thimble.ErrDenied) || d.Holder == "recommend" {
					continue // it opens nowhere; that nobody is in the model is proved below
				}
				w.t.Errorf("%v: %s has %s of somebody who was erased (%v)", w.did, h.HolderName(), d.Name, err)
			}
		}
	}
	for _, account := range w.accounts {
		id, err := subject.NewIdentifier(subject.Account, account)
		if err != nil {
			w.t.Fatal(err)
		}
		if _, err := w.Subjects.Find(ctx, id); !errors.Is(err, thimble.ErrNotFound) {
			w.t.Errorf("%v: %s, who was erased, is found: %v", w.did, account, err)
		}
	}
	for who, f := range w.alive {
		if got := w.count(who, "order"); got != f.orders {
			w.t.Errorf("%v: of %s there are %d orders, want %d", w.did, f.account, got, f.orders)
		}
		if got := w.count(who, "event"); got != 1 {
			w.t.Errorf("%v: of %s there are %d events, want 1", w.did, f.account, got)
		}
	}
	proof, err := w.App.Shop.Prove(ctx, nil, 1, 1)
	if err != nil && !errors.Is(err, thimble.ErrNotFound) || err == nil && !proof.Holds() {
		w.t.Errorf("%v: the model is not what a training from the store gives: %+v, %v", w.did, proof, err)
	}
}

func (w *fates) count(who thimble.SubjectID, name string) (n int) {
	for _, d := range w.Archive(who).Data {
		if d.Name == name {
			n++
		}
	}
	return n
}
