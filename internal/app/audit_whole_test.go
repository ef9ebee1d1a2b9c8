package app_test

import (
	"testing"
	"time"

	"thimble"
	"thimble/internal/consent"
	"thimble/internal/gate"
	"thimble/internal/rights"
	"thimble/internal/sqldb"
	"thimble/internal/thimbletest"
)

// honest has an installation do everything that leaves leaves: choices of every scope, a
// merge and its end, restriction, objection, expiry, the erasure of somebody with two
// accounts, a request that is refused, a model that is withdrawn, alarms.
func honest(t *testing.T, s *thimbletest.Shop) (ada thimble.SubjectID) {
	t.Helper()
	ctx := t.Context()
	ada, _ = busy(t, s)
	s.Chooses(ada,
		consent.Choice{Purpose: personalize, State: consent.Refused, Scope: consent.Scope{Signal: "returns"}},
		consent.Choice{Purpose: personalize, State: consent.Given},
		consent.Choice{Purpose: train, State: consent.Given, Scope: consent.Scope{Brand: "north"}})
	s.Chooses(ada, consent.Choice{Purpose: personalize, State: consent.Withdrawn})
	one, other := someone(t, s, "one"), someone(t, s, "other")
	s.Join(one, other)
	s.Works()
	s.Erase(other)
	if _, err := s.Desk.Expire(ctx, thimble.PurchaseHistory, time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)); err != nil {
		t.Fatal(err)
	}
	// A request whose person is erased before it is executed is refused.
	gone := s.Subject("gone")
	if _, err := s.Requests.Begin(ctx, rights.Request{Kind: rights.Restrict, Subject: gone}); err != nil {
		t.Fatal(err)
	}
	s.Erase(gone)
	if _, err := s.Desk.Retry(ctx); err != nil {
		t.Fatal(err)
	}
	if err := s.App.Shop.Withdraw(ctx, "a test"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Uses.Watch(ctx, gate.Limits{Bulk: map[gate.Kind]int{gate.Staff: 1}}); err != nil {
		t.Fatal(err)
	}
	s.Works()
	return ada
}

func TestTheAuditOfAnHonestInstallationFindsNothing(t *testing.T) {
	thimbletest.Each(t, func(t *testing.T, s *thimbletest.Shop) {
		honest(t, s)
		all, err := s.Requests.List(t.Context(), 100)
		if err != nil {
			t.Fatal(err)
		}
		states := map[rights.State]int{}
		for _, r := range all {
			states[r.State]++
		}
		if states[rights.Refused] == 0 || states[rights.Executing] > 0 {
			t.Errorf("requests by state: %v, want some refused and none open", states)
		}
		a, err := s.Audit(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range a.Findings {
			t.Errorf("%s: %s (%d rows)", f.Table, f.Rule, f.Rows)
		}
	})
}

func TestTheAuditFindsAChangedChoiceOfANarrowScope(t *testing.T) {
	thimbletest.Each(t, func(t *testing.T, s *thimbletest.Shop) {
		ada := s.Subject("ada", thimbletest.Allows(personalize)...)
		s.Chooses(ada, consent.Choice{Purpose: personalize, State: consent.Refused, Scope: consent.Scope{Signal: "returns"}})
		s.Works()
		err := s.Core.Write(t.Context(), func(tx *sqldb.Tx) error {
			_, err := tx.Exec(t.Context(), `update consent_state set scope = 'signal=orders' where scope <> ''`)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		if a, err := s.Audit(t.Context()); err != nil || len(a.Findings) != 1 || a.Findings[0].Table != "consent_state" {
			t.Errorf("findings: %+v, %v, want one about consent_state", a.Findings, err)
		}
	})
}
