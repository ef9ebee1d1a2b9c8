package disclosedb_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"thimble"
	"thimble/internal/consent/consentdb"
	"thimble/internal/disclose"
	"thimble/internal/disclose/disclosedb"
	"thimble/internal/disclose/wire"
	"thimble/internal/gate"
	"thimble/internal/gate/gatedb"
	"thimble/internal/holdertest"
	"thimble/internal/subject/subjectdb"
)

// orders is an agreement of a fulfilment partner; %s are the days between which it
// holds, and the day on which its assessment expires.
const orders = `agreement: 1
title: Fulfilment
contract: "Contract 12 of 2026, annex 2"
act: process
effective: %s
until: %s
purposes: [essential.service]
fields:
  - {name: order, category: user.behavior.purchase_history}
  - {name: placed, category: user.behavior.purchase_history, coarsen: day}
  - {name: lines, category: user.behavior.purchase_history}
transfer: {basis: none}
assessment: {by: privacy, on: 2026-01-01, expires: %s}
retention: 30d
`

const catalogue = `agreement: 1
title: Catalogue
contract: "Contract 13 of 2026"
act: process
effective: 2026-01-01
until: 2028-01-01
purposes: [essential.service]
fields:
  - {name: item}
  - {name: price}
transfer: {basis: none}
assessment: {by: privacy, on: 2026-01-01, expires: 2028-01-01}
retention: 30d
`

// shop is a store with a gate of its own, and transports that the test decides about.
type shop struct {
	*holdertest.Kernel
	tb    testing.TB
	store *disclosedb.Store
	moves *gate.Moves
	ways  *ways
	n     int
}

// ways are transports in memory. They keep the rule of the real ones: the meter first.
type ways struct {
	meter   wire.Meter
	outcome func(n int) wire.Outcome
	got     []wire.Message
	letters []wire.Letter
	calls   int
	during  func()
}

func (w *ways) Check(string, []string) error { return nil }

func (w *ways) out(ctx context.Context, d thimble.ID, bytes int, keep func()) wire.Outcome {
	w.calls++
	if err := w.meter.Begin(ctx, d); err != nil {
		return wire.Outcome{State: wire.Retry, Why: wire.NotRecorded}
	}
	if w.during != nil {
		w.during()
	}
	o := wire.Outcome{State: wire.Delivered, Status: 200}
	if w.outcome != nil {
		o = w.outcome(w.calls)
	}
	if o.Why != wire.Unreachable {
		w.meter.Sent(d, bytes)
		keep()
	}
	return o
}

func (w *ways) Post(ctx context.Context, _ wire.Hook, m wire.Message) wire.Outcome {
	return w.out(ctx, m.Disclosure, len(m.Body.Reveal()), func() { w.got = append(w.got, m) })
}

func (w *ways) Drop(ctx context.Context, _ *wire.Folder, _ thimble.ID, m wire.Message) wire.Outcome {
	return w.out(ctx, m.Disclosure, len(m.Body.Reveal()), func() { w.got = append(w.got, m) })
}

func (w *ways) Mail(ctx context.Context, _ wire.Relay, l wire.Letter) wire.Outcome {
	return w.out(ctx, l.Disclosure, len(l.Text.Reveal()), func() { w.letters = append(w.letters, l) })
}

func newShop(tb testing.TB, k *holdertest.Kernel, cfg disclosedb.Config) *shop {
	tb.Helper()
	s := &shop{Kernel: k, tb: tb, moves: gate.NewMoves()}
	k.Subjects = subjectdb.New(k.Core, k.Vault, subjectdb.Config{Opener: k.Vault, Now: k.Now, Ledger: k.Ledger, Moving: func(tx *tx, who thimble.SubjectID) {
		tx.OnCommit(func() { s.moves.Move(who) })
		tx.OnSettle(func(ctx context.Context) error { return s.moves.Drain(ctx, who) })
	}})
	k.Consent = consentdb.New(k.Core, k.Ledger, k.Vault, k.Subjects, k.Pack, k.Now)
	uses := gatedb.New(k.Core, k.Ledger, k.Vault, gatedb.Config{Now: k.Now})
	g := gate.New(k.Subjects, k.Consent, k.Vault, uses, k.Pack, s.moves, k.Now)
	cfg.Now, cfg.Rand = k.Now, rand.New(rand.NewPCG(1, 2))
	s.store = disclosedb.New(k.Core, k.Ledger, k.Vault, k.Subjects, g, cfg)
	g.Knows(gate.Known{Recipient: s.store.Known})
	s.ways = &ways{meter: s.store}
	s.store.Use(s.ways)
	return s
}

func (s *shop) must(err error) {
	s.tb.Helper()
	if err != nil {
		s.tb.Fatal(err)
	}
}

// recipient adds one with an agreement that is in force.
func (s *shop) recipient(text string) (thimble.ID, wire.SigningKey) {
	s.tb.Helper()
	s.n++
	id, key, err := s.store.Add(s.tb.Context(), disclose.Recipient{Name: fmt.Sprintf("Parcels %d", s.n), Kind: disclose.Processor, Contact: "privacy@parcels.example",
		Countries: []string{"DE"}, Transport: disclose.Webhook, Endpoint: "https://parcels.example/in"}, "ada")
	s.must(err)
	s.agree(id, text)
	return id, key
}

func (s *shop) agree(id thimble.ID, text string) disclose.Signed {
	s.tb.Helper()
	signed, err := s.store.Submit(s.tb.Context(), id, text, "ada")
	s.must(err)
	if signed.State == disclose.Waiting {
		s.must(s.store.Accept(s.tb.Context(), signed.ID, "grace", "the contract was read"))
	}
	return signed
}

func fulfilment(from, until, assessed string) string {
	return fmt.Sprintf(orders, from, until, assessed)
}

var current = fulfilment("2026-01-01", "2028-01-01", "2028-01-01")

// send sends one order of each person.
func (s *shop) send(to thimble.ID, people ...thimble.SubjectID) (disclosedb.Receipt, error) {
	return s.store.Send(s.tb.Context(), disclosedb.Disclosure{Recipient: to, Purpose: thimble.EssentialService, Subjects: people,
		Build: func(_ context.Context, _ thimble.Grant, who thimble.SubjectID) ([]disclose.Row, error) {
			return []disclose.Row{{"order": disclose.Alias{Kind: "order", Value: "10" + who.String()}, "placed": s.Now(), "secret": "never",
				"lines": []disclose.Row{{"item": "85123A", "units": int64(2)}}}}, nil
		}})
}

func (s *shop) mustSend(to thimble.ID, people ...thimble.SubjectID) thimble.ID {
	s.tb.Helper()
	r, err := s.send(to, people...)
	s.must(err)
	return r.Message
}

// step does one try, and returns whether there was one.
func (s *shop) step() bool {
	s.tb.Helper()
	did, err := s.store.Step(s.tb.Context())
	s.must(err)
	return did
}

func (s *shop) state(id thimble.ID) disclose.State { return s.message(id).State }

func (s *shop) message(id thimble.ID) disclosedb.Message {
	s.tb.Helper()
	m, err := s.store.Message(s.tb.Context(), id)
	s.must(err)
	return m
}

// wait lets time pass.
func (s *shop) wait(d time.Duration) {
	for range d / (2 * time.Millisecond) {
		s.Tick(s.tb)
	}
}
