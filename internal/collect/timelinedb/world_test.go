package timelinedb_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"thimble"
	"thimble/internal/collect/frame"
	"thimble/internal/collect/framedb"
	"thimble/internal/collect/timeline"
	"thimble/internal/collect/timelinedb"
	"thimble/internal/consent"
	"thimble/internal/gate"
	"thimble/internal/policy"
	"thimble/internal/sqldb"
	"thimble/internal/thimbletest"
)

const (
	browsing thimble.Category = "user.behavior.browsing_history"
	size     thimble.Category = "thimble.size"
	taste                     = thimble.PersonalizeContent
)

// The numbers of sources.
const trusted, browser = 1, 2

type lag = timelinedb.Lag

// noon is when the tests' events come in.
var noon = time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)

// A journal is the installation's log, which may be out for a while.
type journal struct {
	*framedb.Store
	broken error
	cold   bool // nothing is at hand, as after a start
}

func (j *journal) After(ctx context.Context, seq int64, limit int) ([]frame.Frame, error) {
	if j.broken != nil {
		return nil, j.broken
	}
	return j.Store.After(ctx, seq, limit)
}

func (j *journal) Follow(ctx context.Context, seq int64, limit int) ([]frame.Frame, error) {
	if j.broken != nil {
		return nil, j.broken
	}
	if j.cold {
		return j.Store.After(ctx, seq, limit)
	}
	return j.Store.Follow(ctx, seq, limit)
}

// append makes one frame of records.
func (w *world) append(records ...frame.Record) int64 {
	w.tb.Helper()
	a, err := w.Frames.Append(w.tb.Context(), records)
	w.must(err)
	return a.Seq
}

// A world is an installation with what is behind its log.
type world struct {
	*thimbletest.Shop
	tb       testing.TB
	log      *journal
	view     *sqldb.DB
	store    *timelinedb.Store
	gate     timelinedb.Gate
	rewriter timelinedb.Rewriter
	behind   int // MostBehind
	n        int
}

// each runs f as a subtest per engine.
func each(t *testing.T, f func(t *testing.T, w *world)) {
	t.Helper()
	thimbletest.Each(t, func(t *testing.T, s *thimbletest.Shop) { f(t, newWorld(t, s)) })
}

func newWorld(tb testing.TB, s *thimbletest.Shop) *world {
	tb.Helper()
	w := &world{Shop: s, tb: tb, log: &journal{Store: s.Frames}, gate: s.Gate, view: s.View}
	w.rewriter = w.log
	w.store = w.open()
	return w
}

// open returns another store on the same tables, as another process would have it.
func (w *world) open() *timelinedb.Store {
	w.tb.Helper()
	s, err := timelinedb.New(timelinedb.Deps{
		Log: w.log, Rewriter: w.rewriter, View: w.view, Core: w.Core, Gate: w.gate, Keys: w.Vault, People: w.Subjects, MostBehind: w.behind,
		Orders: w.Imports, Ordered: w.Orders, Trusted: func(_ context.Context, source uint32) (bool, error) { return source == trusted, nil },
	})
	w.must(err)
	return s
}

func (w *world) must(err error) {
	w.tb.Helper()
	if err != nil {
		w.tb.Fatal(err)
	}
}

func (w *world) flush() {
	w.tb.Helper()
	w.must(w.store.Flush(w.tb.Context()))
}

// person makes somebody who permits some purposes.
func (w *world) person(purposes ...thimble.Purpose) thimble.SubjectID {
	w.tb.Helper()
	w.n++
	var choices []consent.Choice
	if len(purposes) > 0 {
		choices = thimbletest.Allows(purposes...)
	}
	return w.Subject(fmt.Sprintf("account-%d", w.n), choices...)
}

// part is what an event says in a category.
type part struct {
	category thimble.Category
	text     string
}

// record seals an event of somebody.
func (w *world) record(who thimble.SubjectID, at time.Time, parts ...part) frame.Record {
	w.tb.Helper()
	r := frame.Record{Subject: who, Received: at.UnixMicro(), Source: 1}
	var err error
	r.ID, err = thimble.NewID(nil)
	w.must(err)
	for _, p := range parts {
		sealed, err := w.Vault.Seal(w.tb.Context(), frame.PartCell(&r, p.category), []byte(p.text))
		w.must(err)
		r.Parts = append(r.Parts, frame.Part{Category: p.category, Sealed: sealed})
	}
	return r
}

// viewed is an event of somebody who looked at an item.
func viewed(item string, at time.Time) part {
	return part{browsing, fmt.Sprintf(`{"plan":1,"type":"track","event":"Product Viewed","time":%d,"properties":{"product_id":%q,"price_minor":1995,"currency":"EUR"}}`, at.UnixMicro(), item)}
}

// views has somebody look at items, each in a frame of its own.
func (w *world) views(who thimble.SubjectID, items ...string) {
	w.tb.Helper()
	for i, item := range items {
		at := noon.Add(time.Duration(i) * time.Second)
		w.append(w.record(who, at, viewed(item, at)))
	}
}

// grant opens a person's own data to them.
func (w *world) grant(who thimble.SubjectID, categories ...thimble.Category) thimble.Grant {
	w.tb.Helper()
	g, err := w.Gate.Open(w.tb.Context(), gate.Request{Actor: gate.Actor{Kind: gate.Customer, Self: who}, Subject: who, Purpose: thimble.LegalObligation, Categories: categories})
	w.must(err)
	return g
}

// items are what a person's events were about, the newest first.
func (w *world) items(who thimble.SubjectID) (items []string) {
	w.tb.Helper()
	events, _, err := w.store.Of(w.tb.Context(), w.grant(who, browsing), []thimble.Category{browsing}, timeline.Place{}, 0)
	w.must(err)
	for _, e := range events {
		said := e.What()
		for _, p := range said.Products {
			items = append(items, string(p.Item))
		}
	}
	return items
}

// interactions are those of a person, as "item kind times".
func (w *world) interactions(who thimble.SubjectID) (all []string) {
	w.tb.Helper()
	found, err := w.store.Interactions(w.tb.Context(), w.grant(who, browsing, thimble.PurchaseHistory))
	w.must(err)
	for _, i := range found {
		all = append(all, fmt.Sprintf("%s %s %d", i.Item, i.Kind, i.N))
	}
	return all
}

// profile is a person's.
func (w *world) profile(who thimble.SubjectID) timeline.Profile {
	w.tb.Helper()
	p, err := w.store.Profile(w.tb.Context(), w.grant(who, timelinedb.ProfileCategories()...))
	w.must(err)
	return p
}

// longest is how many bytes the longest column of a month has.
func (w *world) longest() (n int) {
	w.tb.Helper()
	w.must(w.view.Read(w.tb.Context(), func(tx *sqldb.Tx) error {
		var i, p int
		err := tx.QueryRow(w.tb.Context(), `select max(length(interactions)), max(length(profile)) from collect_months`).Scan(&i, &p)
		n = max(i, p)
		return err
	}))
	return n
}

// A law says the same of every use.
type law struct {
	*policy.Pack
	mode policy.Mode
}

func (l law) Find(thimble.Purpose, ...thimble.Category) policy.Finding {
	return policy.Finding{Mode: l.mode, Basis: "test", Pack: "test@1", Cite: "test"}
}

// underLaw has what is built judged under a law of its own.
func (w *world) underLaw(m policy.Mode) {
	w.tb.Helper()
	w.gate = gate.New(w.Subjects, w.Consent, w.Vault, w.Uses, law{w.Pack, m}, gate.NewMoves(), nil)
	w.store = w.open()
}
