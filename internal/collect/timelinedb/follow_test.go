package timelinedb_test

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"thimble"
	"thimble/internal/collect/frame"
	"thimble/internal/collect/timeline"
	"thimble/internal/collect/timelinedb"
	"thimble/internal/order"
	"thimble/internal/sqldb"
	"thimble/internal/thimbletest"
)

// postings are the bytes of the whole index.
func (w *world) postings() (all []string) {
	w.tb.Helper()
	w.must(w.view.Read(w.tb.Context(), func(tx *sqldb.Tx) error {
		all = nil
		rows, err := tx.Query(w.tb.Context(), `select subject_id, block, body from collect_postings order by subject_id, block`)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var who, body []byte
			var block int64
			if err := rows.Scan(&who, &block, &body); err != nil {
				return err
			}
			all = append(all, fmt.Sprintf("%x %d %s", who, block, hex.EncodeToString(body)))
		}
		return rows.Err()
	}))
	return all
}

func TestDroppedAndBuiltAgainItSaysTheSame(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		const seed = 7
		rnd := rand.New(rand.NewPCG(seed, 1))
		var people []thimble.SubjectID
		for i := range 5 {
			if i%2 == 0 {
				people = append(people, w.person(taste))
			} else {
				people = append(people, w.person())
			}
		}
		for range 40 {
			var records []frame.Record
			for range rnd.IntN(6) + 1 {
				at := noon.Add(time.Duration(rnd.IntN(1e6)) * time.Second)
				records = append(records, w.record(people[rnd.IntN(len(people))], at, viewed(string(rune('a'+rnd.IntN(5))), at)))
			}
			w.append(records...)
			if rnd.IntN(3) == 0 {
				w.flush()
			}
		}
		w.flush()
		say := func() (all []any) {
			demand, err := w.store.Demand(t.Context(), 0, 1<<30)
			w.must(err)
			all = append(all, w.postings(), demand)
			for _, who := range people {
				all = append(all, w.items(who), w.interactions(who), w.profile(who))
			}
			return all
		}
		before := say()
		for range 2 {
			w.must(w.store.Rebuild(t.Context()))
			if got := w.postings(); len(got) > 0 {
				t.Fatalf("seed %d: %d rows are left of the index", seed, len(got))
			}
			w.flush()
			if diff := cmp.Diff(before, say()); diff != "" {
				t.Fatalf("seed %d: built again, before (-) and after (+):\n%s", seed, diff)
			}
		}
	})
}

func TestAListenerIsToldOfWhatIsPermittedInOrderAndAgainUntilItTookIt(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ada, bob := w.person(taste), w.person()
		var told []string
		fail := true
		w.must(w.store.Listen("test", taste, []thimble.Category{browsing}, func(_ context.Context, events []timeline.Event) error {
			if fail {
				fail = false
				return thimble.ErrUnavailable
			}
			for _, e := range events {
				if e.Subject != ada {
					t.Error("it is told of somebody who permits nothing")
				}
				said := e.What()
				told = append(told, string(said.Products[0].Item))
			}
			return nil
		}))
		w.views(ada, "a", "b")
		w.views(bob, "x")
		w.append(w.record(ada, noon, part{size, `{"properties":{"size":"38"}}`})) // nothing for the listener
		if err := w.store.Flush(t.Context()); !errors.Is(err, thimble.ErrUnavailable) {
			t.Fatalf("got %v, want the listener's error", err)
		}
		behind := func() lag {
			all, err := w.store.Lags(t.Context())
			w.must(err)
			i := slices.IndexFunc(all, func(l lag) bool { return l.Name == "test" })
			return all[i]
		}
		if got := behind(); got.Frames != 4 || got.Events != 4 || got.Since <= 0 {
			t.Errorf("it lags %+v, want four frames and events", got)
		}
		w.flush()
		w.Chooses(ada, thimbletest.Withdraws(taste)...)
		w.views(ada, "c")
		w.flush()
		if want := []string{"A", "B"}; !slices.Equal(told, want) {
			t.Errorf("told of %v, want %v", told, want)
		}
		if got := behind(); got.Frames != 0 || got.Events != 0 || got.Since != 0 {
			t.Errorf("it lags %+v, want nothing", got)
		}
	})
}

func TestAListenerNeedsANameOfItsOwn(t *testing.T) {
	w := newWorld(t, thimbletest.New(t))
	nothing := func(context.Context, []timeline.Event) error { return nil }
	w.must(w.store.Listen("price", taste, []thimble.Category{browsing}, nothing))
	for name, try := range map[string]func() error{
		"taken":         func() error { return w.store.Listen("price", taste, []thimble.Category{browsing}, nothing) },
		"the view's":    func() error { return w.store.Listen("view", taste, []thimble.Category{browsing}, nothing) },
		"spelt oddly":   func() error { return w.store.Listen("Price 2", taste, []thimble.Category{browsing}, nothing) },
		"no categories": func() error { return w.store.Listen("none", taste, nil, nothing) },
		"no purpose":    func() error { return w.store.Listen("none", "", []thimble.Category{browsing}, nothing) },
	} {
		if err := try(); !errors.Is(err, thimble.ErrInvalid) {
			t.Errorf("%s: got %v, want an error of kind invalid", name, err)
		}
	}
}

// sold is an event about an order, as the door of a trusted source writes it.
func (w *world) sold(who thimble.SubjectID, source uint32, event, number, products string) frame.Record {
	w.tb.Helper()
	c := thimble.PurchaseHistory
	if event == "Order Refunded" {
		c = "thimble.returns_behaviour"
	}
	text := fmt.Sprintf(`{"plan":1,"type":"track","event":%q,"time":%d,"properties":{"order_id":%q,"currency":"GBP"%s}}`, event, noon.UnixMicro(), number, products)
	r := w.record(who, noon, part{c, text}, part{thimble.Country, `{"country":"GB"}`})
	r.Source = source
	if event != "Order Refunded" { // which happens more than once
		copy(r.Order[:], number+event)
	}
	return r
}

const shirts = `,"products":[{"product_id":"shirt","quantity":2,"price_minor":1995,"name":"Linen shirt"},{"product_id":"scarf","price_minor":900}]`

// orders are a person's, as "number lines back".
func (w *world) orders(who thimble.SubjectID) (all []string) {
	w.tb.Helper()
	sealed, err := w.Orders.Of(w.tb.Context(), who, 0)
	w.must(err)
	for _, s := range sealed {
		o, err := order.Open(w.tb.Context(), w.grant(who, thimble.PurchaseHistory), s)
		w.must(err)
		text := o.Number + " " + o.Country
		for _, l := range o.Lines {
			text += fmt.Sprintf(" %d×%s@%d", l.Units, l.Item, l.Price.Minor)
		}
		if o.Return {
			text += " back"
		}
		all = append(all, text)
	}
	slices.Sort(all)
	return all
}

func TestAnOrderOfATrustedSourceIsAnOrderAndOneOfABrowserStaysAnEvent(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ada, eve := w.person(), w.person()
		w.append(w.sold(ada, trusted, "Order Completed", "100", shirts), w.sold(ada, browser, "Order Completed", "666", shirts))
		w.append(w.sold(eve, trusted, "Order Completed", "100", shirts)) // the number is taken
		w.append(w.sold(eve, trusted, "Order Completed", "101", `,"products":[{"product_id":"mug","quantity":-1}]`))
		w.append(w.sold(ada, trusted, "Order Cancelled", "100", ""))
		w.flush()
		if diff := cmp.Diff([]string{"100 GB 2×SHIRT@1995 1×SCARF@900", "100/cancelled GB 2×SHIRT@1995 1×SCARF@900 back"}, w.orders(ada)); diff != "" {
			t.Errorf("ada's orders, want (-) and got (+):\n%s", diff)
		}
		if got := w.orders(eve); len(got) > 0 {
			t.Errorf("eve has the orders %v", got)
		}
		products, err := w.Catalog.Get(t.Context(), "SHIRT")
		if err != nil || products["SHIRT"].Name != "Linen shirt" {
			t.Errorf("the catalogue has %+v, %v", products, err)
		}
	})
}

// Events come in any order: what takes an order back whole waits for it, be it in one batch,
// in two, or behind a restart, and is taken down once.
func TestAnOrderThatIsTakenBackBeforeItComesIsTakenBackWhenItComes(t *testing.T) {
	const sold, back = "2×SHIRT@1995 1×SCARF@900", "2×SHIRT@1995 1×SCARF@900 back"
	each(t, func(t *testing.T, w *world) {
		restart := func() {
			w.flush()
			w.must(w.Core.Write(t.Context(), func(tx *sqldb.Tx) error {
				_, err := tx.Exec(t.Context(), `update collect_positions set lease_until = 0 where name = 'orders'`)
				return err
			}))
			w.store = w.open()
		}
		for i, event := range []string{"Order Refunded", "Order Cancelled"} {
			for k, between := range []func(){func() {}, w.flush, restart} {
				who, number := w.person(), fmt.Sprintf("%d%d", i+1, k)
				again := w.sold(who, trusted, "Order Completed", number+"9", shirts)
				w.append(w.sold(who, trusted, event, number, ""), w.sold(who, trusted, event, number+"8", ""))
				between()
				w.append(w.sold(who, trusted, "Order Completed", number, shirts))
				w.flush()
				w.append(again) // another order of theirs takes nothing back
				w.flush()
				var got []string
				for _, o := range w.orders(who) {
					_, rest, _ := strings.Cut(o, " GB ")
					got = append(got, rest)
				}
				slices.Sort(got)
				if diff := cmp.Diff([]string{sold, sold, back}, got); diff != "" {
					t.Errorf("%s, %d: the orders, want (-) and got (+):\n%s", event, k, diff)
				}
			}
		}
	})
}

// It waits for a month, and leads to nobody meanwhile.
func TestWhatWaitsForItsOrderWaitsAMonthAndNoLonger(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ada := w.person()
		w.append(w.sold(ada, trusted, "Order Cancelled", "100", ""))
		w.flush()
		w.must(w.Core.Write(t.Context(), func(tx *sqldb.Tx) error {
			n, err := tx.Exec(t.Context(), `update collect_early set since = since - $1`, (31 * 24 * time.Hour).Microseconds())
			if n != 1 {
				t.Errorf("%d frames wait, want one", n)
			}
			return err
		}))
		w.append(w.sold(ada, trusted, "Order Completed", "100", shirts))
		w.flush()
		if got := w.orders(ada); len(got) != 1 {
			t.Errorf("got %v, want the order alone", got)
		}
	})
}

// Things come back one after the other; then the rest at once, and nothing comes back twice.
func TestWhatComesBackInPartsComesBackOnce(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ada := w.person()
		w.append(w.sold(ada, trusted, "Order Completed", "100", shirts))
		for _, r := range []frame.Record{
			w.sold(ada, trusted, "Order Refunded", "100", `,"products":[{"product_id":"scarf","price_minor":900}]`),
			w.sold(ada, trusted, "Order Refunded", "100", `,"products":[{"product_id":"shirt","price_minor":1995}]`),
			w.sold(ada, trusted, "Order Cancelled", "100", ""),
		} {
			r.Repeat = frame.Key(r.ID)
			w.append(r)
			w.flush()
		}
		tagless := regexp.MustCompile(`/refunded/[0-9a-f]{12} `)
		var got []string
		for _, o := range w.orders(ada) {
			got = append(got, tagless.ReplaceAllString(o, "/refunded/… "))
		}
		slices.Sort(got)
		if diff := cmp.Diff([]string{"100 GB 2×SHIRT@1995 1×SCARF@900", "100/cancelled GB 1×SHIRT@1995 back", "100/refunded/… GB 1×SCARF@900 back", "100/refunded/… GB 1×SHIRT@1995 back"}, got); diff != "" {
			t.Errorf("the orders, want (-) and got (+):\n%s", diff)
		}
	})
}

// What comes in while the use of somebody's data is restricted is kept and read by nobody,
// and is there when that ends (GDPR Art. 18).
func TestWhatCameInDuringARestrictionIsThereWhenItEnds(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ada := w.person(taste)
		w.views(ada, "a")
		w.append(w.sold(ada, trusted, "Order Completed", "99", shirts))
		w.flush()
		_, err := w.Desk.Restrict(t.Context(), ada, true)
		w.must(err)
		w.views(ada, "b")
		w.append(w.sold(ada, trusted, "Order Completed", "100", shirts), w.sold(ada, browser, "Order Completed", "666", shirts))
		w.append(w.sold(ada, trusted, "Order Cancelled", "100", ""))
		w.flush()
		if got, err := w.Orders.Of(t.Context(), ada, 0); err != nil || len(got) != 1 {
			t.Errorf("%d orders while her data is restricted, %v, want the one of before", len(got), err)
		}
		_, err = w.Desk.Restrict(t.Context(), ada, false)
		w.must(err)
		for range 2 {
			w.must(w.store.Restrict(t.Context(), ada, false))
			want := []string{"100 GB 2×SHIRT@1995 1×SCARF@900", "100/cancelled GB 2×SHIRT@1995 1×SCARF@900 back", "99 GB 2×SHIRT@1995 1×SCARF@900"}
			if diff := cmp.Diff(want, w.orders(ada)); diff != "" {
				t.Errorf("her orders, want (-) and got (+):\n%s", diff)
			}
			if got := w.interactions(ada); !slices.Contains(got, "A view 1") || !slices.Contains(got, "B view 1") {
				t.Errorf("she did %q, want the views of a and b", got)
			}
		}
	})
}

func TestOrdersToldAgainAreTakenDownOnce(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ada := w.person()
		w.append(w.sold(ada, trusted, "Order Completed", "100", shirts))
		w.flush()
		w.must(w.Core.Write(t.Context(), func(tx *sqldb.Tx) error {
			_, err := tx.Exec(t.Context(), `update collect_positions set seq = 0, lease_until = 0 where name = 'orders'`)
			return err
		}))
		w.store = w.open() // which reads the log from its beginning
		w.must(w.store.Flush(t.Context()))
		if got := w.orders(ada); len(got) != 1 {
			t.Errorf("got %v, want one order", got)
		}
	})
}

func TestOfWhoeverIsErasedNothingIsTakenDown(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ada, bob := w.person(taste), w.person(taste)
		w.append(w.sold(ada, trusted, "Order Completed", "100", shirts), w.sold(bob, trusted, "Order Completed", "101", shirts))
		w.views(ada, "a")
		w.Erase(ada)
		w.flush()
		if got := w.orders(bob); len(got) != 1 {
			t.Errorf("bob's orders: %v", got)
		}
		if sealed, err := w.Orders.Of(t.Context(), ada, 0); err != nil || len(sealed) > 0 {
			t.Errorf("%d orders of somebody who is gone, %v", len(sealed), err)
		}
		for _, row := range w.postings() {
			if row[:32] == hex.EncodeToString(ada[:]) {
				t.Error("the index names somebody who is gone")
			}
		}
	})
}

// A census counts how often it is asked, which is once for each step.
type census struct {
	timelinedb.People
	asked int
}

func (c *census) Missing(ctx context.Context, ids []thimble.SubjectID) ([]thimble.SubjectID, error) {
	c.asked++
	return c.People.Missing(ctx, ids)
}

// What came in lately shows after a short step; who is far behind takes long ones.
func TestStepsAreShortNearTheEndOfTheLogAndLongFarBehindIt(t *testing.T) {
	w := newWorld(t, thimbletest.New(t))
	ada := w.person(taste)
	for range 500 {
		w.views(ada, "a")
	}
	for name, tt := range map[string]struct {
		late time.Duration
		long bool
	}{"near": {0, false}, "far behind": {time.Hour, true}} {
		people, at := &census{People: w.Subjects}, time.Now().Add(tt.late)
		s, err := timelinedb.New(timelinedb.Deps{
			Log: w.log, View: w.view, Core: w.Core, Gate: w.gate, Keys: w.Vault, People: people,
			Now: func() time.Time { at = at.Add(100 * time.Millisecond); return at }, // reading takes time
		})
		w.must(err)
		w.must(w.view.Write(t.Context(), func(tx *sqldb.Tx) error {
			_, err := tx.Exec(t.Context(), `update collect_cursors set lease_until = 0`)
			return err
		}))
		w.must(s.Rebuild(t.Context()))
		w.must(s.Flush(t.Context()))
		if long := people.asked == 1; long != tt.long {
			t.Errorf("%s: 500 frames are built in by %d steps", name, people.asked)
		}
	}
}
