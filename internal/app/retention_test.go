package app_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"thimble"
	"thimble/internal/gate"
	"thimble/internal/policy/calendar"
	"thimble/internal/retention"
	"thimble/internal/retention/retentiondb"
	"thimble/internal/rights"
	"thimble/internal/thimbletest"
)

const threeYears = `{"retention":"thimble.retention/v1","rules":[{"category":"user.behavior.purchase_history","max":"3y","why":"what a claim needs"}]}`

const why = "a reason that somebody can check"

func schedules(t *testing.T, s *thimbletest.Shop, document string) retentiondb.Version {
	t.Helper()
	now, err := s.Retention.Current(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	v, err := s.Retention.Change(t.Context(), now.Version, document, "mia", why)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func daily(t *testing.T, s *thimbletest.Shop) []retention.Run {
	t.Helper()
	done, err := s.App.ExpireDue(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return done
}

// ago is an instant some years back.
func ago(years int) time.Time {
	return time.Now().UTC().Truncate(time.Microsecond).AddDate(-years, 0, 0)
}

// runOf is the newest run of orders.
func runOf(t *testing.T, s *thimbletest.Shop) retention.Run {
	t.Helper()
	all, err := s.Retention.Runs(t.Context(), 100)
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(all, func(r retention.Run) bool { return r.Category == thimble.PurchaseHistory })
	if i < 0 {
		t.Fatalf("there is no run of orders among %d", len(all))
	}
	return all[i]
}

func ordersOf(t *testing.T, s *thimbletest.Shop, who thimble.SubjectID) int {
	t.Helper()
	all, err := s.Orders.Of(t.Context(), who, 0)
	if err != nil {
		t.Fatal(err)
	}
	return len(all)
}

func TestWhatIsOlderThanItsScheduleExpiresAndTheRunProvesIt(t *testing.T) {
	thimbletest.Each(t, func(t *testing.T, s *thimbletest.Shop) {
		ada := s.Subject("ada")
		s.BuysOn(ago(4), ada, "shirt")
		s.BuysOn(ago(1), ada, "scarf")
		schedules(t, s, threeYears)

		// The first run reaches further than time has passed: a person is asked.
		if done := daily(t, s); slices.ContainsFunc(done, func(r retention.Run) bool { return r.Category == thimble.PurchaseHistory }) {
			t.Fatal("the first run asked nobody")
		}
		waits := runOf(t, s)
		if waits.State != retention.Waiting || waits.Why == "" || retention.Sum(waits.Proof.Listed) != 1 || ordersOf(t, s, ada) != 2 {
			t.Fatalf("%+v, and %d orders", waits, ordersOf(t, s, ada))
		}
		if err := s.Retention.Confirm(t.Context(), waits.ID, "mia", why); err != nil {
			t.Fatal(err)
		}
		daily(t, s)

		r := runOf(t, s)
		if r.State != retention.Done || r.By != "mia" || len(r.Proof.Left) != 0 || r.Proof.Root == "" || ordersOf(t, s, ada) != 1 {
			t.Fatalf("%+v, and %d orders", r, ordersOf(t, s, ada))
		}
		if len(r.Proof.Expired) != 1 || r.Proof.Expired[0] != (retention.Count{Of: "order", N: 1}) || r.Proof.Source.Name != "version 1" {
			t.Errorf("expired %+v by %+v", r.Proof.Expired, r.Proof.Source)
		}
		// Nothing else happens the same day, and the audit finds each leaf.
		if done := daily(t, s); len(done) != 0 {
			t.Errorf("it ran again: %+v", done)
		}
		auditedRows(t, s)
		if _, err := s.Retention.Opening(t.Context(), r.ID); err != nil {
			t.Error(err)
		}
	})
}

// auditedRows fails on anything that an audit of the rows finds.
func auditedRows(t *testing.T, s *thimbletest.Shop) {
	t.Helper()
	s.Works()
	if _, err := s.Ledger.Integrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	a, err := s.Audit(t.Context())
	if err != nil || len(a.Findings) > 0 {
		t.Errorf("%v: the audit found %+v", err, a.Findings)
	}
}

func TestARunThatIsStoppedGoesOnAndOneThatLeavesSomethingIsRed(t *testing.T) {
	s := thimbletest.New(t)
	ada := s.Subject("ada")
	s.BuysOn(ago(4), ada, "shirt")
	schedules(t, s, threeYears)
	broken := errors.New("the power went")
	fail := true
	store := retentiondb.New(s.Core, s.Ledger, s.Subjects, retentiondb.Config{
		Key: func(context.Context) ([]byte, error) { return make([]byte, 32), nil },
		Expire: func(ctx context.Context, c thimble.Category, before time.Time) (done retentiondb.Expired, err error) {
			if fail && c == thimble.PurchaseHistory {
				return done, broken
			}
			_, err = s.Desk.Expire(ctx, c, before)
			return done, err
		},
		Erase: func(context.Context, thimble.SubjectID) error { return nil },
	})
	if _, err := store.Daily(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := store.Confirm(t.Context(), runOf(t, s).ID, "mia", why); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Daily(t.Context()); !errors.Is(err, broken) {
		t.Fatal(err)
	}
	stopped := runOf(t, s)
	if stopped.State != retention.Listed || stopped.Proof.Root == "" || ordersOf(t, s, ada) != 1 {
		t.Fatalf("%+v", stopped)
	}
	fail = false
	if _, err := store.Daily(t.Context()); err != nil {
		t.Fatal(err)
	}
	if r := runOf(t, s); r.State != retention.Done || !r.Proof.Resumed || r.Proof.Root != stopped.Proof.Root || ordersOf(t, s, ada) != 0 {
		t.Errorf("%+v, want the root of before it was stopped", r)
	}

	// A holder that says it is done and is not.
	s.BuysOn(ago(4), ada, "shirt")
	lying := retentiondb.New(s.Core, s.Ledger, s.Subjects, retentiondb.Config{
		Now: func() time.Time { return time.Now().AddDate(0, 0, 1) }, Key: func(context.Context) ([]byte, error) { return make([]byte, 32), nil },
		Expire: func(context.Context, thimble.Category, time.Time) (retentiondb.Expired, error) {
			return retentiondb.Expired{Holders: []retention.Count{{Of: "order", N: 1}}}, nil
		},
		Erase: func(context.Context, thimble.SubjectID) error { return nil },
	})
	if _, err := lying.Daily(t.Context()); err != nil {
		t.Fatal(err)
	}
	if r := runOf(t, s); r.State != retention.Red || retention.Sum(r.Proof.Left) != 1 {
		t.Errorf("%+v, want red: what is older is still there", r)
	}
}

func TestAClockThatJumpsByYearsDestroysNothing(t *testing.T) {
	shift := time.Duration(0)
	s := thimbletest.OpenAt(t, map[string]string{"data": t.TempDir()}, func() time.Time { return time.Now().Add(shift) })
	ada := s.Subject("ada")
	schedules(t, s, threeYears)
	daily(t, s)
	s.Buys(ada, "shirt")
	shift = 9 * 365 * 24 * time.Hour
	if done := daily(t, s); len(done) != 0 || ordersOf(t, s, ada) != 1 {
		t.Fatalf("%+v ran under a clock that is wrong", done)
	}
	// Also when nothing contradicts the clock, such as after a start.
	if _, err := s.Retention.Daily(t.Context()); err != nil {
		t.Fatal(err)
	}
	if r := runOf(t, s); r.State != retention.Waiting || ordersOf(t, s, ada) != 1 {
		t.Errorf("%+v, want that a person is asked", r)
	}
}

func TestOrdersPastAPurposesPeriodAreNotUsedForItAndStay(t *testing.T) {
	s := thimbletest.New(t)
	ada := s.Subject("ada", thimbletest.Allows(personalize)...)
	s.BuysOn(ago(2), ada, "shirt")
	schedules(t, s, `{"retention":"thimble.retention/v1","rules":[{"category":"user.behavior.purchase_history","purpose":"personalize.content.profiled","max":"1y","why":"tastes change"}]}`)
	daily(t, s)
	want := retention.Before(time.Now(), mustSpan(t, "1y"))
	if got := s.Retention.UsableSince(thimble.PurchaseHistory, personalize); !got.Equal(want) {
		t.Errorf("usable since %s, want %s", got, want)
	}
	if got := s.Retention.UsableSince(thimble.PurchaseHistory, train); !got.IsZero() {
		t.Errorf("learning is bounded too: %s", got)
	}
	if list := s.Sees(ada); list.Personal {
		t.Error("a list was made of an order that is too old for lists")
	}
	if ordersOf(t, s, ada) != 1 {
		t.Error("the order is gone, though the contract has no period")
	}
}

var contractUse = gate.Request{Actor: gate.Actor{Kind: gate.Machine, Name: "test"}, Purpose: thimble.EssentialService, Categories: []thimble.Category{thimble.PurchaseHistory}}

// certifiedOnce wants one certificate: of the erasure that was done in full.
func certifiedOnce(t *testing.T, s *thimbletest.Shop) {
	t.Helper()
	all, err := s.Requests.List(t.Context(), 100)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range all {
		if r.Kind != rights.Erase {
			continue
		}
		if _, err := s.Requests.Certificate(t.Context(), r.ID); (err == nil) == r.Report.Held {
			t.Errorf("held %v, certificate: %v", r.Report.Held, err)
		}
	}
}

func TestHeldOrdersDoNotExpireAndALawsShortestPeriodKeepsThemForItAlone(t *testing.T) {
	s := thimbletest.Open(t, map[string]string{"data": t.TempDir(), "establishment": "DE"})
	ctx := t.Context()
	ada, bob := s.Subject("ada"), s.Subject("bob", thimbletest.Allows(personalize)...)
	s.BuysOn(ago(12), ada, "shirt")
	s.BuysOn(ago(12), bob, "shirt")
	s.BuysOn(ago(4), bob, "scarf")
	holds(t, s, ada)
	schedules(t, s, threeYears)
	daily(t, s)
	waits := runOf(t, s)
	if waits.State != retention.Waiting || !strings.Contains(waits.Why, "invoice") {
		t.Fatalf("it does not ask where the law's record is kept: %+v", waits)
	}
	schedules(t, s, threeYears[:len(threeYears)-1]+`,"kept_here":["invoice"]}`)
	daily(t, s)
	if err := s.Retention.Confirm(ctx, runOf(t, s).ID, "mia", why); err != nil {
		t.Fatal(err)
	}
	daily(t, s)
	r := runOf(t, s)
	if r.State != retention.Done || ordersOf(t, s, ada) != 1 || ordersOf(t, s, bob) != 1 || len(r.Proof.Kept) != 2 {
		t.Fatalf("%+v; %d and %d orders", r, ordersOf(t, s, ada), ordersOf(t, s, bob))
	}
	if list := s.Sees(bob); list.Personal {
		t.Error("what the tax law keeps was used for a list")
	}
	// Being forgotten leaves the invoice, until the law's time is over.
	if report := s.Erase(bob); !report.Held || ordersOf(t, s, bob) != 1 {
		t.Errorf("the invoice is gone: %+v", report)
	}
	schedules(t, s, threeYears)
	daily(t, s)
	if ordersOf(t, s, bob) != 0 {
		t.Error("the law keeps nothing here any more, and the erasure was not done")
	}
}

func TestWhatNobodyReadsIsProposedAndAPersonDecides(t *testing.T) {
	s := thimbletest.New(t)
	ada := s.Subject("ada")
	s.Buys(ada, "shirt")
	used := []retentiondb.Read{{Category: thimble.PurchaseHistory, Holder: "order", At: time.Now()}}
	store := retentiondb.New(s.Core, s.Ledger, s.Subjects, retentiondb.Config{
		Key: func(context.Context) ([]byte, error) { return make([]byte, 32), nil },
		Expire: func(context.Context, thimble.Category, time.Time) (retentiondb.Expired, error) {
			return retentiondb.Expired{}, nil
		},
		Reads: func(context.Context) ([]retentiondb.Read, time.Time, error) {
			return used, time.Now().Add(-2 * retentiondb.Unread), nil
		},
	})
	if _, err := store.Daily(t.Context()); err != nil {
		t.Fatal(err)
	}
	all, err := store.Proposals(t.Context())
	if err != nil || !slices.ContainsFunc(all, func(p retentiondb.Proposal) bool { return p.Category == "user.name" && p.State == "open" }) {
		t.Fatalf("%v: %+v, want that names are proposed", err, all)
	}
	if slices.ContainsFunc(all, func(p retentiondb.Proposal) bool {
		return p.Category == thimble.PurchaseHistory && p.Holder == "order" || p.Category == thimble.PrivacyPreferences
	}) {
		t.Errorf("%+v: what is read, or kept for a law, is proposed", all)
	}
	if err := store.Accept(t.Context(), "user.name", "imports", "mia", "short"); !errors.Is(err, thimble.ErrInvalid) {
		t.Errorf("accepted without a reason: %v", err)
	}
	if err := store.Accept(t.Context(), "user.name", "imports", "mia", why); err != nil {
		t.Fatal(err)
	}
	if err := store.Decline(t.Context(), "user.name", "imports", "nia", why); !errors.Is(err, thimble.ErrConflict) {
		t.Errorf("decided twice: %v", err)
	}
	v, err := store.Current(t.Context())
	if err != nil || len(v.Rules) != 1 || v.Rules[0].Max != "0d" || v.Rules[0].Category != "user.name" {
		t.Errorf("%v: the document has %+v", err, v.Rules)
	}
	auditedRows(t, s)
}

func mustSpan(t *testing.T, text string) calendar.Span {
	t.Helper()
	s, err := calendar.ParseSpan(text)
	if err != nil {
		t.Fatal(err)
	}
	return s
}
