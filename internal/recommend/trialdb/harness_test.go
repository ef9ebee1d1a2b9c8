package trialdb_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"thimble"
	"thimble/internal/consent"
	"thimble/internal/decision"
	"thimble/internal/decision/decisiondb"
	"thimble/internal/gate"
	"thimble/internal/gate/gatedb"
	"thimble/internal/holdertest"
	"thimble/internal/order"
	"thimble/internal/order/orderdb"
	"thimble/internal/recommend/trial"
	"thimble/internal/recommend/trialdb"
	"thimble/internal/sqldb"
	"thimble/internal/subject/subjectdb"
)

// A shop is a small installation in which lists are counted.
type shop struct {
	*holdertest.Kernel
	t         *testing.T
	db        *trialdb.Store
	gate      *gate.Gate
	people    *subjectdb.Store // tells the gate of what it changes
	orders    *orderdb.Store
	decisions *decisiondb.Store
	now       time.Time
	asked     int
	placed    int
}

func each(t *testing.T, f func(t *testing.T, s *shop)) {
	holdertest.Each(t, func(t *testing.T, k *holdertest.Kernel) {
		s := &shop{Kernel: k, t: t, now: k.Now(), orders: orderdb.New(k.Core, k.Vault, k.Vault), decisions: decisiondb.New(k.Core, k.Ledger, k.Vault, k.Subjects)}
		moves := gate.NewMoves()
		node, err := gatedb.Join(t.Context(), k.Core, moves, gatedb.NodeConfig{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = node.Close(context.Background()) })
		uses := gatedb.New(k.Core, k.Ledger, k.Vault, gatedb.Config{Now: s.time})
		s.gate = gate.New(k.Subjects, k.Consent, k.Vault, uses, k.Pack, moves, s.time)
		s.people = subjectdb.New(k.Core, k.Vault, subjectdb.Config{Now: s.time, Opener: k.Vault, Moving: node.Moving})
		s.db = trialdb.New(trialdb.Deps{
			DB: k.Core, Ledger: k.Ledger, Gate: s.gate, People: k.Subjects, Orders: s.orders, Decisions: s.decisions, Now: s.time,
			Key: func(context.Context) ([]byte, error) { return []byte("a key of tests"), nil },
			Ask: func(context.Context, *sqldb.Tx) error { s.asked++; return nil },
		})
		k.Consent.OnChange(s.db.Changed)
		f(t, s)
	})
}

func (s *shop) time() time.Time { return s.now.Add(s.Now().Sub(holdertest.NewClock().Now())) }

func (s *shop) days(n int) { s.now = s.now.Add(time.Duration(n) * 24 * time.Hour) }

func (s *shop) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

// permits makes somebody who permits lists and to be counted.
func (s *shop) permits(tb testing.TB) thimble.SubjectID {
	tb.Helper()
	who := s.Person(tb)
	s.Chooses(tb, who, consent.Choice{Purpose: thimble.PersonalizeContent, State: consent.Given}, consent.Choice{Purpose: trial.Analytics, State: consent.Given})
	return who
}

func halves(placement string) trial.Design {
	return trial.Design{
		Name: "at " + placement, Placements: []string{placement},
		Variants: []trial.Variant{{Name: "as it is", Serve: trial.Champion, Share: 5000}, {Name: "new", Serve: trial.Challenger, Share: 5000}},
		Primary:  trial.Revenue, Guards: []trial.Measure{trial.Clicks}, Window: 7, MinDays: 14, MaxDays: 60, MinPeople: 100, CapMinor: 50_000, Currency: "GBP",
	}
}

func (s *shop) starts(d trial.Design) thimble.ID {
	s.t.Helper()
	id, err := s.db.Start(context.Background(), d, "mia", "to see whether the new one is better")
	s.must(err)
	return id
}

func (s *shop) buys(who thimble.SubjectID, pence int64, back bool) {
	s.t.Helper()
	s.placed++
	id, err := thimble.NewID(nil)
	s.must(err)
	drafts, err := s.orders.Draft(context.Background(), []order.Order{{
		ID: id, Subject: who, Number: fmt.Sprint("n", s.placed), PlacedAt: s.time().UTC().Truncate(time.Microsecond), Return: back,
		Lines: []order.Line{{Item: "shirt", Units: 1, Price: thimble.Money{Minor: pence, Currency: "GBP"}}},
	}})
	s.must(err)
	s.must(s.Core.Write(context.Background(), func(tx *sqldb.Tx) error { return s.orders.Add(context.Background(), tx, drafts) }))
}

// decides keeps a decision about a list of items.
func (s *shop) decides(who thimble.SubjectID, placement string, items ...thimble.ItemID) thimble.ID {
	s.t.Helper()
	r := decision.Record{V: decision.Form2, Capability: "recommend", Placement: placement, Subject: who, At: s.time().UTC().Truncate(time.Microsecond),
		Model:  decision.Model{Name: "item-item", Version: 7, SHA256: fmt.Sprintf("%064x", 7)},
		Inputs: []decision.Input{{Category: thimble.PurchaseHistory, Purpose: thimble.PersonalizeContent, Basis: "consent", Cite: "GDPR", Count: 1}},
		Scale:  decision.Scale{Link: decision.Identity, Unit: 1, Value: 1}, Human: &decision.Human{Part: decision.NoHuman}}
	for _, item := range items {
		r.Results = append(r.Results, decision.Result{Item: item, Score: 5, Terms: []decision.Term{{Because: "hat", Share: 5, Weight: 5, Value: 1}}})
	}
	epoch, err := s.Subjects.Epoch(context.Background(), who)
	s.must(err)
	id, err := s.decisions.Keep(context.Background(), r.WithCounterfactual(), [8]byte{}, epoch)
	s.must(err)
	return id
}

// groups counts afresh and returns the groups of an experiment.
func (s *shop) groups(id thimble.ID) []trial.Group {
	s.t.Helper()
	s.must(s.db.Count(context.Background(), id))
	e, err := s.db.Get(context.Background(), id)
	s.must(err)
	return e.Groups
}

func sum(groups []trial.Group, m trial.Measure) (x, y float64, assigned, closed int64) {
	for _, g := range groups {
		x, y, assigned, closed = x+g.Sums[m].X, y+g.Sums[m].Y, assigned+g.Assigned, closed+g.Sums[m].N
	}
	return x, y, assigned, closed
}

// changes writes past the store.
func (s *shop) changes(statement string) {
	s.t.Helper()
	s.must(s.Core.Write(context.Background(), func(tx *sqldb.Tx) error {
		n, err := tx.Exec(context.Background(), statement)
		if err == nil && n == 0 {
			s.t.Fatal("nothing was changed")
		}
		return err
	}))
}
