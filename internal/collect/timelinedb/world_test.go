package timelinedb_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"thimble"
	"thimble/internal/collect/frame"
	"thimble/internal/collect/timeline"
	"thimble/internal/collect/timelinedb"
	"thimble/internal/consent"
	"thimble/internal/gate"
	"thimble/internal/policy"
	"thimble/internal/sqldb"
	"thimble/internal/sqldb/sqldbtest"
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

// A memory is a log of frames in memory.
type memory struct {
	mu     sync.Mutex
	frames []frame.Frame
	broken error
}

func (m *memory) After(_ context.Context, seq int64, limit int) ([]frame.Frame, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.broken != nil {
		return nil, m.broken
	}
	from := min(seq, int64(len(m.frames)))
	return slices.Clone(m.frames[from:min(from+int64(limit), int64(len(m.frames)))]), nil
}

func (m *memory) At(_ context.Context, seqs ...int64) (all []frame.Frame, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, seq := range seqs {
		all = append(all, m.frames[seq-1])
	}
	return all, m.broken
}

func (m *memory) Last(context.Context) (int64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return int64(len(m.frames)), m.broken
}

func (m *memory) Rewrite(_ context.Context, seq int64, keep func(int, *frame.Record) bool) (removed int, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	f := m.frames[seq-1]
	f.Records = slices.Clone(f.Records)
	for i := range f.Records {
		r := &f.Records[i]
		r.Parts = slices.Clone(r.Parts)
		if empty := r.Subject.IsZero() && r.Counts == nil; !empty && !keep(i, r) {
			*r = frame.Record{}
			removed++
		}
	}
	m.frames[seq-1] = f
	return removed, m.broken
}

func (m *memory) append(records ...frame.Record) int64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	seq := int64(len(m.frames) + 1)
	m.frames = append(m.frames, frame.Frame{Seq: seq, Received: noon.UnixMicro(), Records: records})
	return seq
}

// A world is an installation with what is behind its log.
type world struct {
	*thimbletest.Shop
	tb    testing.TB
	log   *memory
	view  *sqldb.DB
	store *timelinedb.Store
	gate  timelinedb.Gate
	n     int
}

// each runs f as a subtest per engine.
func each(t *testing.T, f func(t *testing.T, w *world)) {
	t.Helper()
	thimbletest.Each(t, func(t *testing.T, s *thimbletest.Shop) { f(t, newWorld(t, s)) })
}

func newWorld(tb testing.TB, s *thimbletest.Shop) *world {
	tb.Helper()
	w := &world{Shop: s, tb: tb, log: &memory{}, gate: s.Gate}
	if s.Config.DatabaseURL == "" {
		w.view = sqldbtest.SQLite(tb, sqldb.View)
	} else {
		var err error
		if w.view, err = sqldb.Open(tb.Context(), sqldb.Config{Set: sqldb.View, URL: s.Config.DatabaseURL}); err != nil {
			tb.Fatal(err)
		}
		tb.Cleanup(func() { _ = w.view.Close() })
	}
	w.store = w.open()
	return w
}

// open returns another store on the same tables, as another process would have it.
func (w *world) open() *timelinedb.Store {
	w.tb.Helper()
	s, err := timelinedb.New(timelinedb.Deps{
		Log: w.log, Rewriter: w.log, View: w.view, Core: w.Core, Gate: w.gate, Keys: w.Vault, People: w.Subjects,
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
		w.log.append(w.record(who, at, viewed(item, at)))
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
