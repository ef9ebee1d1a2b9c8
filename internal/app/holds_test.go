package app_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"thimble"
	"thimble/internal/retention"
	"thimble/internal/rights"
	"thimble/internal/thimbletest"
)

func holds(t *testing.T, s *thimbletest.Shop, who thimble.SubjectID) retention.Hold {
	t.Helper()
	h, err := s.Retention.Open(t.Context(), retention.Hold{Subject: who, Categories: []thimble.Category{thimble.PurchaseHistory}, Law: "GDPR Art. 17(3)(e)",
		Reason: "a claim about parcels is before the court", Review: time.Now().AddDate(0, 6, 0)}, "mia")
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func releases(t *testing.T, s *thimbletest.Shop, h retention.Hold) {
	t.Helper()
	if err := s.Retention.AskRelease(t.Context(), h.ID, "mia", why); err != nil {
		t.Fatal(err)
	}
	if err := s.Retention.Release(t.Context(), h.ID, "mia", why); !errors.Is(err, thimble.ErrDenied) {
		t.Errorf("one member of staff released it alone: %v", err)
	}
	if err := s.Retention.Release(t.Context(), h.ID, "nia", why); err != nil {
		t.Fatal(err)
	}
	if err := s.Retention.Release(t.Context(), h.ID, "nia", why); !errors.Is(err, thimble.ErrConflict) {
		t.Errorf("it was released twice: %v", err)
	}
}

func TestAHoldKeepsExactlyWhatIsHeldAndItsReleaseErasesTheRest(t *testing.T) {
	thimbletest.Each(t, func(t *testing.T, s *thimbletest.Shop) {
		ctx := t.Context()
		crowd(s)
		ada := s.Subject("ada", thimbletest.Allows(personalize, train)...)
		s.Buys(ada, "shirt", "scarf")
		s.Browses(ada, "shirt")
		s.Works()
		s.Sees(ada)
		h := holds(t, s, ada)
		for _, d := range exported(t, s.Retention, ada) {
			if d.Name != "hold" {
				t.Errorf("the person reads %q", d.Name)
			}
		}
		report := s.Erase(ada)
		if !report.Held || report.KeyHash != "" {
			t.Fatalf("the report does not say that something is held: %+v", report)
		}
		rows := rowsOf(t, s, ada)
		for _, table := range []string{"decision_decisions", "gate_uses", "session_sessions", "consent_state"} {
			if rows[table] > 0 {
				t.Errorf("%s has %d rows, though orders alone are held", table, rows[table])
			}
		}
		if ordersOf(t, s, ada) != 1 {
			t.Fatal("the order that is held is gone")
		}
		// Their keys live, so that nothing of the log may be left to them.
		err := s.Timeline.Parts(ctx, time.Now().Add(time.Hour), func(who thimble.SubjectID, c thimble.Category, _ []byte) error {
			if who == ada {
				t.Errorf("the log has %s of who was erased, though orders alone are held", c)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if n, err := s.Desk.Certify(ctx); err != nil || n != 0 {
			t.Errorf("%d certificates of an erasure that is not done: %v", n, err)
		}
		// What is held is used for what the law obliges to, and for nothing else.
		r := contractUse
		r.Subject = ada
		if _, err := s.Gate.Open(ctx, r); !errors.Is(err, thimble.ErrDenied) {
			t.Errorf("%v: the gate gives what is held for a contract", err)
		}
		r.Purpose = thimble.LegalObligation
		if _, err := s.Gate.Open(ctx, r); err != nil {
			t.Errorf("%v: the gate refuses what is held for the law", err)
		}

		releases(t, s, h)

		for table, n := range rowsOf(t, s, ada) {
			if table != "subject_subjects" && table != "consent_events" && n > 0 {
				t.Errorf("%s has %d rows after the release", table, n)
			}
		}
		if n, err := s.Retention.Waiting(ctx); err != nil || n != 0 {
			t.Errorf("%d erasures wait: %v", n, err)
		}
		certifiedOnce(t, s)
		auditedRows(t, s)
	})
}

// Events cannot be held record by record: that is said when a hold is opened, and not
// found out when one is needed.
func TestAHoldOnEventsIsRefusedAndSaysWhatToDo(t *testing.T) {
	for _, c := range []thimble.Category{"user.behavior.browsing_history", "user.behavior"} {
		h := retention.Hold{Categories: []thimble.Category{thimble.PurchaseHistory, c}, Law: "GDPR Art. 17(3)(e)", Reason: "a claim about parcels is before the court", Review: time.Now().AddDate(0, 6, 0)}
		if err := h.Check(time.Now()); !errors.Is(err, thimble.ErrInvalid) || !strings.Contains(err.Error(), "take a copy") {
			t.Errorf("%s: %v", c, err)
		}
	}
}

func TestAHoldDuringAnErasureIsRefusedAndOneOfNothingKeepsNobody(t *testing.T) {
	s := thimbletest.New(t)
	ada, bob := s.Subject("ada"), s.Subject("bob")
	s.Buys(ada, "shirt")
	if _, err := s.Requests.Begin(t.Context(), rights.Request{Subject: ada, Kind: rights.Erase}); err != nil {
		t.Fatal(err)
	}
	for name, who := range map[string]thimble.SubjectID{"a person's": ada, "everybody's": {}} {
		_, err := s.Retention.Open(t.Context(), retention.Hold{Subject: who, Categories: []thimble.Category{thimble.PurchaseHistory}, Law: "GDPR Art. 17(3)(e)",
			Reason: "a claim about parcels is before the court", Review: time.Now().AddDate(0, 6, 0)}, "mia")
		if !errors.Is(err, thimble.ErrConflict) {
			t.Errorf("%s hold was opened within an erasure: %v", name, err)
		}
	}
	holds(t, s, bob) // of whom nothing is held
	if report := s.Erase(bob); report.Held || report.KeyHash == "" {
		t.Errorf("a hold that keeps nothing kept a person: %+v", report)
	}
	if all, err := s.Retention.Holds(t.Context(), 10); err != nil || len(all) != 1 || all[0].State != retention.Released || !all[0].Subject.IsZero() {
		t.Errorf("%v: %+v, want that the hold ended and leads to nobody", err, all)
	}
}

func TestAMergeTakesAHoldAlong(t *testing.T) {
	s := thimbletest.New(t)
	ada, ida := s.Subject("ada"), s.Subject("ida")
	s.Buys(ida, "shirt")
	holds(t, s, ada)
	m := s.Join(ada, ida)
	s.Works()
	if kept, err := s.Retention.Holding(t.Context(), ida); err != nil || len(kept) != 1 {
		t.Errorf("%v: %+v, want that the hold keeps what is of either", err, kept)
	}
	s.Part(m)
	s.Works()
	if kept, err := s.Retention.Holding(t.Context(), ida); err != nil || len(kept) != 0 {
		t.Errorf("%v: %+v, want that it keeps again what is of whom it was opened for", err, kept)
	}
}

func TestAnErasureOfWhomARecordIsHeldIsTakenUpAfterACrash(t *testing.T) {
	s := thimbletest.New(t)
	ada := s.Subject("ada")
	s.Buys(ada, "shirt")
	h := holds(t, s, ada)
	holders := s.Holders()
	holders[4] = dead{holders[4]}
	crashing := rights.NewDesk(s.Requests, s.Vault, func() string { return "" }, holders...).With(rights.Config{Holds: s.Retention})
	if _, err := crashing.Erase(t.Context(), ada); !errors.Is(err, errDead) {
		t.Fatal(err)
	}
	if n, err := s.Retention.Waiting(t.Context()); err != nil || n != 1 {
		t.Fatalf("%d erasures wait: %v", n, err)
	}
	if _, err := s.Desk.Resume(t.Context()); err != nil {
		t.Fatal(err)
	}
	if ordersOf(t, s, ada) != 1 {
		t.Fatal("the order that is held is gone")
	}
	releases(t, s, h)
	if ordersOf(t, s, ada) != 0 {
		t.Error("the order is still there")
	}

	// Released between the crash and the start that takes the erasure up.
	bob := s.Subject("bob")
	s.Buys(bob, "shirt")
	h = holds(t, s, bob)
	if _, err := crashing.Erase(t.Context(), bob); !errors.Is(err, errDead) {
		t.Fatal(err)
	}
	if err := s.Retention.AskRelease(t.Context(), h.ID, "mia", why); err != nil {
		t.Fatal(err)
	}
	if err := s.Retention.Release(t.Context(), h.ID, "nia", why); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Desk.Resume(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := rowsOf(t, s, bob)["order_orders"]; n != 0 {
		t.Errorf("%d orders are left", n)
	}
	certifiedOnce(t, s)
}

func TestAHoldThatMustNotBeToldOfIsNeitherExportedNorNamed(t *testing.T) {
	s := thimbletest.New(t)
	ada := s.Subject("ada")
	s.Buys(ada, "shirt")
	_, err := s.Retention.Open(t.Context(), retention.Hold{Subject: ada, Categories: []thimble.Category{thimble.PurchaseHistory}, Law: "§ 100 StPO", Secret: "§ 101 StPO",
		Reason: "an order of a court is in the safe", Review: time.Now().AddDate(0, 6, 0)}, "mia")
	if err != nil {
		t.Fatal(err)
	}
	if all := exported(t, s.Retention, ada); len(all) != 0 {
		t.Errorf("the person reads %+v", all)
	}
	report := s.Erase(ada)
	record, err := report.Marshal()
	if err != nil || !report.Held || strings.Contains(string(record), "StPO") {
		t.Errorf("%v: the report names the law: %s", err, record)
	}
}
