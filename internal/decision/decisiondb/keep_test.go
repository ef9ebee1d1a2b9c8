package decisiondb_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"thimble"
	"thimble/internal/decision"
	"thimble/internal/decision/decisiondb"
	"thimble/internal/decision/decisiontest"
	"thimble/internal/holdertest"
	"thimble/internal/ledger"
	"thimble/internal/sqldb"
)

// A shop is a store with people about whom things are decided.
type shop struct {
	*holdertest.Kernel
	tb     testing.TB
	store  *decisiondb.Store
	people []thimble.SubjectID
	rng    *rand.Rand
}

func newShop(tb testing.TB, k *holdertest.Kernel, people int) *shop {
	tb.Helper()
	s := &shop{Kernel: k, tb: tb, store: decisiondb.New(k.Core, k.Ledger, k.Vault, k.Subjects), rng: rand.New(rand.NewPCG(1, 0))}
	for range people {
		s.people = append(s.people, k.Person(tb))
	}
	return s
}

func (s *shop) epoch(who thimble.SubjectID) int64 {
	s.tb.Helper()
	epoch, err := s.Subjects.Epoch(context.Background(), who)
	if err != nil {
		s.tb.Fatal(err)
	}
	return epoch
}

func (s *shop) list(who thimble.SubjectID) decision.Record {
	r := decisiontest.List(s.rng, 3, 4)
	r.Subject, r.At = who, s.Now()
	return r
}

// together keeps decisions at once: a writer holds the database until all of them wait.
func (s *shop) together(records []decision.Record, epochs []int64) (ids []thimble.ID, errs []error) {
	s.tb.Helper()
	ids, errs = make([]thimble.ID, len(records)), make([]error, len(records))
	var all sync.WaitGroup
	for i, r := range records {
		all.Go(func() { ids[i], errs[i] = s.store.Keep(context.Background(), r, [8]byte{1}, epochs[i]) })
	}
	all.Wait()
	return ids, errs
}

// sequence moves what is queued into the tree.
func (s *shop) sequence() {
	s.tb.Helper()
	for {
		n, err := s.Ledger.Integrate(context.Background())
		if err != nil {
			s.tb.Fatal(err)
		}
		if n == 0 {
			return
		}
	}
}

func (s *shop) receipt(id thimble.ID) ([]byte, error) {
	d, err := s.store.Get(context.Background(), id)
	if err != nil {
		return nil, err
	}
	_, opening, err := decisiondb.Open(context.Background(), opener{s.Vault, d.Subject}, d)
	if err != nil {
		return nil, err
	}
	r, err := s.Ledger.Receipt(context.Background(), opening)
	if err != nil {
		return nil, err
	}
	return r.MarshalText()
}

func (s *shop) findings() []ledger.Finding {
	s.tb.Helper()
	none := func(context.Context, thimble.SubjectID) (bool, error) { return false, nil }
	_, found, err := s.Ledger.Compare(context.Background(), s.store.Claims(context.Background()), none, ledger.Batch)
	if err != nil {
		s.tb.Fatal(err)
	}
	return found
}

func TestDecisionsThatComeTogetherShareALeafAndEachHasAReceiptOfItsOwn(t *testing.T) {
	holdertest.Each(t, func(t *testing.T, k *holdertest.Kernel) {
		s := newShop(t, k, 5)
		const n = 200
		records, epochs := make([]decision.Record, n), make([]int64, n)
		for i := range n {
			who := s.people[i%len(s.people)]
			records[i], epochs[i] = s.list(who), s.epoch(who)
		}
		ids, errs := s.together(records, epochs)
		if err := errors.Join(errs...); err != nil {
			t.Fatal(err)
		}
		s.sequence()
		size, err := k.Ledger.Size(t.Context())
		if err != nil || size >= n/2 {
			t.Errorf("%d decisions are %d leaves, %v: they shared none", n, size, err)
		}
		batched := 0
		for i, id := range ids {
			text, err := s.receipt(id)
			if err != nil {
				t.Fatal(err)
			}
			opened, err := ledger.Verify(text, k.Ledger.VerifierKey())
			if err != nil || opened.Class != ledger.Decision {
				t.Fatalf("receipt %d: %v, %v", i, opened.Class, err)
			}
			if want, _ := records[i].Marshal(); string(opened.Record) != string(want) {
				t.Fatalf("receipt %d is of another decision", i)
			}
			if opened.Batch != nil {
				batched++
			}
		}
		t.Logf("%d decisions, %d in batches, %d leaves", n, batched, size)
		if found := s.findings(); len(found) > 0 {
			t.Errorf("the audit finds %v", found)
		}
	})
}

func TestWhoIsRefusedInABatchDoesNotKeepTheOthersOut(t *testing.T) {
	holdertest.Each(t, func(t *testing.T, k *holdertest.Kernel) {
		s := newShop(t, k, 3)
		gone, changed, stays := s.people[0], s.people[1], s.people[2]
		var records []decision.Record
		var epochs []int64
		for i := range 60 {
			who := s.people[i%3]
			records, epochs = append(records, s.list(who)), append(epochs, s.epoch(who))
		}
		if _, err := k.Subjects.Erase(t.Context(), gone); err != nil {
			t.Fatal(err)
		}
		if err := k.Core.Write(t.Context(), func(tx *sqldb.Tx) error { _, err := k.Subjects.Touch(t.Context(), tx, changed); return err }); err != nil {
			t.Fatal(err)
		}
		ids, errs := s.together(records, epochs)
		for i, err := range errs {
			want := map[thimble.SubjectID]error{gone: thimble.ErrNotFound, changed: thimble.ErrDenied, stays: nil}[records[i].Subject]
			if !errors.Is(err, want) {
				t.Errorf("decision %d: got %v, want %v", i, err, want)
			}
			if _, getErr := s.store.Get(t.Context(), ids[i]); (getErr == nil) != (want == nil) {
				t.Errorf("decision %d is there: %v, its error %v", i, getErr == nil, err)
			}
		}
		s.sequence()
		if found := s.findings(); len(found) > 0 {
			t.Errorf("the audit finds %v", found)
		}
	})
}

func TestErasureAndExpiryLeaveTheOthersOfABatchProvable(t *testing.T) {
	holdertest.Each(t, func(t *testing.T, k *holdertest.Kernel) {
		s := newShop(t, k, 2)
		records, epochs := make([]decision.Record, 40), make([]int64, 40)
		for i := range records {
			records[i], epochs[i] = s.list(s.people[i%2]), s.epoch(s.people[i%2])
		}
		ids, errs := s.together(records, epochs)
		if err := errors.Join(errs...); err != nil {
			t.Fatal(err)
		}
		s.sequence()
		if done, err := s.store.Erase(t.Context(), s.people[0]); err != nil || done.Erased != 20 {
			t.Fatalf("erased %d, %v", done.Erased, err)
		}
		for i, id := range ids {
			if _, err := s.receipt(id); (err == nil) != (i%2 == 1) {
				t.Errorf("receipt %d: %v", i, err)
			}
		}
		if found := s.findings(); len(found) > 0 {
			t.Errorf("after an erasure the audit finds %v", found)
		}
		k.Tick(t)
		if done, err := s.store.Expire(t.Context(), thimble.AutomatedDecision, k.Now().AddDate(1, 0, 0)); err != nil || done.Erased != 20 {
			t.Fatalf("expired %d, %v", done.Erased, err)
		}
		if found := s.findings(); len(found) > 0 {
			t.Errorf("after an expiry the audit finds %v", found)
		}
	})
}

func TestADecisionAboutARouteOrAPriceIsKeptUnderNobodysKey(t *testing.T) {
	holdertest.Each(t, func(t *testing.T, k *holdertest.Kernel) {
		s := newShop(t, k, 0)
		r := decisiontest.Scored(s.rng, 3)
		r.Subject, r.About = thimble.SubjectID{}, &decision.About{Kind: decision.Price, ID: "85123A"}
		id, err := s.store.Keep(t.Context(), r, [8]byte{}, 0)
		if err != nil {
			t.Fatal(err)
		}
		s.sequence()
		if _, err := s.receipt(id); err != nil {
			t.Error(err)
		}
		if d, err := s.store.Get(t.Context(), id); err != nil || d.About != decision.Price || !d.Subject.IsZero() {
			t.Errorf("got %+v, %v", d, err)
		}
	})
}

func TestACallWhoseTimeIsOverLeavesTheOthersAlone(t *testing.T) {
	holdertest.Each(t, func(t *testing.T, k *holdertest.Kernel) {
		s := newShop(t, k, 1)
		who := s.people[0]
		epoch := s.epoch(who)
		var records []decision.Record
		for range 50 {
			records = append(records, s.list(who))
		}
		ids, errs := make([]thimble.ID, len(records)), make([]error, len(records))
		var all sync.WaitGroup
		for i, r := range records {
			all.Go(func() {
				ctx, cancel := context.WithCancel(context.Background())
				if i%2 == 0 {
					cancel()
				}
				defer cancel()
				ids[i], errs[i] = s.store.Keep(ctx, r, [8]byte{}, epoch)
			})
		}
		all.Wait()
		for i, err := range errs {
			if i%2 == 1 && err != nil {
				t.Errorf("decision %d: %v", i, err)
			}
			if err == nil {
				if _, err := s.store.Get(t.Context(), ids[i]); err != nil {
					t.Errorf("an acknowledged decision is missing: %v", err)
				}
			}
		}
		s.sequence()
		if found := s.findings(); len(found) > 0 {
			t.Errorf("the audit finds %v", found)
		}
	})
}

func TestAnAlteredBatchIsFound(t *testing.T) {
	attacks := map[string]struct {
		do    string
		finds string
	}{
		"edit a root":        {`update decision_batches set opening = (select o.opening from decision_batches o where o.id <> decision_batches.id limit 1)`, "not those of its root"},
		"drop a leaf":        {`update decision_batches set leaves = substr(leaves, 1, length(leaves) - 54), size = size - 1`, "not those of its root"},
		"drop a decision":    {`delete from decision_decisions where place = 1`, "deleted"},
		"swap two":           {`update decision_decisions set place = 1 - place where place < 2 and batch is not null`, "not the leaf of its batch"},
		"move to another":    {`update decision_decisions set batch = (select id from decision_batches order by id desc limit 1) where batch is not null`, "not the leaf of its batch"},
		"drop a whole batch": {`delete from decision_batches`, "of class batch has no row"},
		"take out of it":     {`update decision_decisions set batch = null where place = 2`, "leaf is not in the log"},
	}
	holdertest.Each(t, func(t *testing.T, k *holdertest.Kernel) {
		s := newShop(t, k, 2)
		for range 2 {
			records, epochs := make([]decision.Record, 40), make([]int64, 40)
			for i := range records {
				records[i], epochs[i] = s.list(s.people[i%2]), s.epoch(s.people[i%2])
			}
			if _, errs := s.together(records, epochs); errors.Join(errs...) != nil {
				t.Fatal(errs)
			}
		}
		s.sequence()
		for _, table := range []string{"decision_decisions", "decision_batches"} {
			s.sql(`create table kept_` + table + ` as select * from ` + table)
		}
		for name, attack := range attacks {
			if found := s.findings(); len(found) > 0 {
				t.Fatalf("before %q: %v", name, found)
			}
			s.sql(attack.do)
			if found := s.findings(); !slices.ContainsFunc(found, func(f ledger.Finding) bool { return strings.Contains(f.Rule, attack.finds) }) {
				t.Errorf("%s: found %v, want %q", name, found, attack.finds)
			}
			for _, table := range []string{"decision_decisions", "decision_batches"} {
				s.sql(`delete from `+table, `insert into `+table+` select * from kept_`+table)
			}
		}
	})
}

func (s *shop) sql(statements ...string) {
	s.tb.Helper()
	err := s.Core.Write(context.Background(), func(tx *sqldb.Tx) error {
		for _, text := range statements {
			if _, err := tx.Exec(context.Background(), text); err != nil {
				return fmt.Errorf("%s: %w", text, err)
			}
		}
		return nil
	})
	if err != nil {
		s.tb.Fatal(err)
	}
}

// opener lends a test the vault as a grant.
type opener struct {
	decisiondb.Vault
	who thimble.SubjectID
}

// Subject implements thimble.Grant.
func (o opener) Subject() thimble.SubjectID { return o.who }

// Members implements thimble.Grant.
func (o opener) Members() []thimble.SubjectID { return []thimble.SubjectID{o.who} }

// Purpose implements thimble.Grant.
func (o opener) Purpose() thimble.Purpose { return thimble.LegalObligation }
