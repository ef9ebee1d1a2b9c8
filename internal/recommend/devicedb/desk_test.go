package devicedb

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"thimble"
	"thimble/internal/catalog"
	"thimble/internal/ledger"
	"thimble/internal/ledger/ledgerdb"
	"thimble/internal/recommend"
	"thimble/internal/recommend/device"
	"thimble/internal/sqldb"
	"thimble/internal/sqldb/sqldbtest"
)

// house is a desk over a real database and a real log, with a catalogue and people of its own.
type house struct {
	*testing.T
	*Desk
	clock  time.Time
	items  []thimble.ItemID
	people *people
}

// people are those who permit training.
type people struct {
	t     *testing.T
	items []thimble.ItemID
	of    [][]thimble.ItemID
	model *recommend.Model
	asked int
}

func (p *people) data() *recommend.Dataset {
	d := recommend.NewDataset(p.items)
	for i, items := range p.of {
		if err := d.Put(thimble.SubjectID{byte(i), byte(i >> 8), 1}, recommend.History{Items: items, Trusted: true}); err != nil {
			p.t.Fatal(err)
		}
	}
	return d
}

func (p *people) learn() {
	var err error
	if p.model, err = recommend.Train(context.Background(), recommend.DefaultRecipe(), p.data(), nil); err != nil {
		p.t.Fatal(err)
	}
}

func (p *people) Model(context.Context) (*recommend.Model, error) { return p.model, nil }

func (p *people) Publish(ctx context.Context, make func(context.Context, *recommend.Dataset) error, leave func(context.Context) error) error {
	p.asked++
	if err := make(ctx, p.data()); err != nil {
		return err
	}
	return leave(ctx)
}

func (h *house) IDs(context.Context, catalog.Kind) ([]thimble.ItemID, error) { return h.items, nil }

func (h *house) Get(_ context.Context, ids ...thimble.ItemID) (map[thimble.ItemID]catalog.Product, error) {
	all := map[thimble.ItemID]catalog.Product{}
	for i, id := range ids {
		all[id] = catalog.Product{ID: id, Name: "The " + string(id), Kind: catalog.Goods, Category: "mugs", Price: thimble.Money{Minor: int64(100 + i), Currency: "GBP"}}
	}
	return all, nil
}

func each(t *testing.T, f func(h *house)) {
	t.Helper()
	sqldbtest.Each(t, sqldb.Core, func(t *testing.T, db *sqldb.DB) {
		h := &house{T: t, clock: time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)}
		signer, err := ledger.NewSigner("shop.test/log", []byte("a seed of exactly thirty-two by."))
		h.must(err)
		for i := range 40 {
			h.items = append(h.items, thimble.ItemID(fmt.Sprintf("item-%02d", i)))
		}
		r := rand.New(rand.NewPCG(1, 1))
		h.people = &people{t: t, items: h.items}
		for range 300 { // of two tastes
			side := r.IntN(2) * 20
			h.people.of = append(h.people.of, []thimble.ItemID{h.items[side+r.IntN(4)], h.items[side+r.IntN(20)], h.items[side+r.IntN(4)]})
		}
		h.people.learn()
		now := func() time.Time { return h.clock }
		h.Desk = NewDesk(Deps{
			Store: New(db, ledgerdb.New(db, signer, ledgerdb.Config{}), now), Catalog: h, People: h.people, Chance: rand.NewChaCha8([32]byte{1}), Now: now, Refuse: func(int) error { return nil },
			Secret: func(_ context.Context, name string) ([]byte, error) {
				sum := sha256.Sum256([]byte(name))
				return sum[:], nil
			},
			Alike: func(all []catalog.Product) ([]string, func(thimble.ItemID) []device.Neighbour) {
				return []string{"category"}, func(thimble.ItemID) (out []device.Neighbour) {
					for _, id := range h.items[:5] {
						out = append(out, device.Neighbour{Item: id, Weight: 0.5, Fields: 1})
					}
					return out
				}
			},
		})
		f(h)
	})
}

func (h *house) must(err error) {
	h.Helper()
	if err != nil {
		h.Fatal(err)
	}
}

// file is what is served now, read as a browser does.
func (h *house) file() *device.File {
	h.Helper()
	s, err := h.Current(h.Context())
	h.must(err)
	key, err := h.Key(h.Context())
	h.must(err)
	f, err := device.Open(s.Body, key, h.clock)
	h.must(err)
	return f
}

// claims fails when the log and the rows disagree.
func (h *house) claims(want int) {
	h.Helper()
	n := 0
	for c, err := range h.Claims(h.Context()) {
		if n++; err != nil || c.Err != nil || c.Rule != "" {
			h.Errorf("a claim: %v, %v, rule %q", err, c.Err, c.Rule)
		}
	}
	if n != want {
		h.Errorf("%d claims, want %d", n, want)
	}
}

// behind fails when a pair of a file has fewer people behind it than the promise says.
func (h *house) behind(f *device.File) {
	h.Helper()
	for _, it := range f.Items() {
		for _, e := range f.Rank([]thimble.ItemID{it.ID}, 100) {
			n := 0
			for _, had := range h.people.of {
				if slices.Contains(had, it.ID) && slices.Contains(had, e.Item) {
					n++
				}
			}
			if n < device.LeastBehind {
				h.Errorf("%s and %s: %d people are behind the pair", it.ID, e.Item, n)
			}
		}
	}
}

var order = Order{By: "owner", Reason: "a test"}

func TestWithoutAnActTheFileIsThatOfTheCatalogue(t *testing.T) {
	each(t, func(h *house) {
		f := h.file()
		if f.Kind != device.Content || h.people.asked != 0 || len(f.Items()) != 40 || f.Cells() == 0 || f.Currency != "GBP" {
			h.Errorf("%v of %d items and %d cells; people were asked about %d times", f.Kind, len(f.Items()), f.Cells(), h.people.asked)
		}
		first, err := h.Current(h.Context())
		h.must(err)
		h.clock = h.clock.Add(time.Hour)
		again, err := h.Current(h.Context())
		h.must(err)
		if !bytes.Equal(first.Body, again.Body) {
			h.Error("the same catalogue gave another file on the same day")
		}
		h.clock = h.clock.Add(24 * time.Hour)
		if next, err := h.Current(h.Context()); err != nil || !next.Until.After(first.Until) {
			h.Errorf("the day after it is valid until %v, %v", next.Until, err)
		}
	})
}

func TestAFileWithoutNoiseNeedsAnAcceptanceAndEndsWithIt(t *testing.T) {
	each(t, func(h *house) {
		if _, err := h.Accept(h.Context(), Order{Reason: "no name"}); !errors.Is(err, thimble.ErrInvalid) {
			h.Errorf("without a name: %v, want it refused", err)
		}
		r, err := h.Accept(h.Context(), order)
		h.must(err)
		f := h.file()
		if f.Kind != device.Counted || f.Cells() == 0 || f.Until.Sub(f.Made) != 24*time.Hour {
			h.Errorf("%v of %d cells, valid for %v; want one without noise for a day", f.Kind, f.Cells(), f.Until.Sub(f.Made))
		}
		h.behind(f)
		// Somebody leaves: until they are taken out, nothing made of the model is served.
		serves := h.people.model
		h.people.model = nil
		if got := h.file().Kind; got != device.Content {
			h.Errorf("while somebody who has left is in the model: %v", got)
		}
		h.people.model = serves
		h.clock = h.clock.Add(countedRest)
		h.file()
		// Some withdraw: the model changes, and the file with it, at once.
		before, err := h.Current(h.Context())
		h.must(err)
		h.people.of = h.people.of[50:]
		h.people.learn()
		after, err := h.Current(h.Context())
		h.must(err)
		if after.Kind != device.Content {
			h.Errorf("right after the withdrawal %v is served, want the catalogue's until it is made anew", after.Kind)
		}
		h.clock = h.clock.Add(countedRest)
		after, err = h.Current(h.Context())
		h.must(err)
		if after.Kind != device.Counted || bytes.Equal(before.Body, after.Body) {
			h.Errorf("after it was made anew: %v, and that of before: %v", after.Kind, bytes.Equal(before.Body, after.Body))
		}
		h.behind(h.file())
		h.must(h.End(h.Context(), r.Number, "owner"))
		if got := h.file().Kind; got != device.Content {
			h.Errorf("after the end of the acceptance: %v", got)
		}
		if err := h.End(h.Context(), r.Number, "owner"); !errors.Is(err, thimble.ErrConflict) {
			h.Errorf("ended twice: %v", err)
		}
		_, err = h.Accept(h.Context(), order)
		h.must(err)
		h.clock = h.clock.Add(AcceptLife)
		if got := h.file().Kind; got != device.Content {
			h.Errorf("after thirty days: %v", got)
		}
		h.claims(3)
	})
}

func TestANoisedFileIsSpentForGood(t *testing.T) {
	each(t, func(h *house) {
		for range 3 {
			h.people.of = append(h.people.of, h.people.of...) // pairs of many hundreds
		}
		for n := 1; n <= h.Budget.Files; n++ {
			r, err := h.Release(h.Context(), order)
			h.must(err)
			f := h.file()
			if f.Kind != device.Noised || f.Cells() == 0 || f.Statement != r.Statement || !strings.Contains(f.Statement, "(ε 2.574, δ 1e-06)") {
				h.Fatalf("file %d: %v of %d cells: %q", n, f.Kind, f.Cells(), f.Statement)
			}
			if n%2 == 0 {
				h.must(h.End(h.Context(), r.Number, "owner"))
			}
		}
		asked := h.people.asked
		if _, err := h.Release(h.Context(), order); !errors.Is(err, thimble.ErrConflict) || h.people.asked != asked {
			h.Errorf("beyond the budget: %v, and people's data was read %d times", err, h.people.asked-asked)
		}
		h.clock = h.clock.Add(10 * 365 * 24 * time.Hour)
		if _, err := h.Release(h.Context(), order); !errors.Is(err, thimble.ErrConflict) {
			h.Errorf("ten years later: %v, want the budget still spent", err)
		}
		if got := h.file().Kind; got != device.Content {
			h.Errorf("ten years later %v is served", got)
		}
		n, err := h.Expire(h.Context())
		h.must(err)
		all, err := h.Releases(h.Context())
		h.must(err)
		for _, r := range all {
			if len(r.body) > 0 {
				h.Errorf("the bytes of release %d are still there", r.Number)
			}
		}
		if n != 4 || len(all) != 8 {
			h.Errorf("%d files were destroyed of %d, want 4 of 8: the others had ended before", n, len(all))
		}
		h.claims(12)
	})
}

func TestASmallShopSpendsNothing(t *testing.T) {
	each(t, func(h *house) {
		h.Desk.Refuse = func(people int) error { return h.Bound.Refuse(people, h.Budget.Each()) }
		_, err := h.Release(h.Context(), order)
		if !errors.Is(err, thimble.ErrConflict) || !strings.Contains(err.Error(), "300 people permit") {
			h.Errorf("the refusal: %v", err)
		}
		spent, err := h.Spent(h.Context())
		if err != nil || spent != (device.Spend{}) {
			h.Errorf("spent %v, %v", spent, err)
		}
	})
}

func TestARowThatWasChangedBreaksItsLeaf(t *testing.T) {
	each(t, func(h *house) {
		_, err := h.Accept(h.Context(), order)
		h.must(err)
		h.must(h.db.Write(h.Context(), func(tx *sqldb.Tx) error {
			_, err := tx.Exec(h.Context(), `update recommend_device_files set actor = 'somebody else'`)
			return err
		}))
		for c, err := range h.Claims(h.Context()) {
			if err != nil || c.Rule == "" {
				h.Errorf("the changed row agrees with its leaf, %v", err)
			}
		}
	})
}
