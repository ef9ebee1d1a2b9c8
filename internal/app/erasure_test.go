package app_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"thimble"
	"thimble/internal/decision"
	"thimble/internal/gate"
	"thimble/internal/rights"
	"thimble/internal/session"
	"thimble/internal/sqldb"
	"thimble/internal/thimbletest"
)

func TestNothingIsWrittenAboutAnErasedPersonAnyMore(t *testing.T) {
	thimbletest.Each(t, func(t *testing.T, s *thimbletest.Shop) {
		ctx := t.Context()
		ada := s.Subject("ada", thimbletest.Allows(personalize)...)
		epoch, err := s.Subjects.Epoch(ctx, ada)
		if err != nil {
			t.Fatal(err)
		}
		use := gate.Request{Actor: gate.Actor{Kind: gate.Staff, Name: "owner"}, Subject: ada, Purpose: thimble.SupportOperations, Categories: []thimble.Category{thimble.PurchaseHistory}}
		s.Uses.Count(use) // counted before, written after
		s.Erase(ada)
		s.Uses.Count(use)
		if err := s.Uses.Flush(ctx); err != nil {
			t.Error(err)
		}
		late := map[string]error{}
		_, late["staff read"] = s.Uses.Record(ctx, use, gate.Verdict{})
		_, late["session"] = s.Sessions.Begin(ctx, session.Who{Audience: session.Customer, Subject: ada}, session.UnknownDevice)
		_, late["link"] = s.Sessions.Link(ctx, session.Who{Audience: session.Customer, Subject: ada})
		_, late["decision"] = s.Decisions.Keep(ctx, decision.Record{V: 1, Capability: "recommend", Subject: ada, At: time.Now(),
			Inputs: []decision.Input{{Category: thimble.PurchaseHistory}}}, [8]byte{}, epoch)
		_, late["access"] = s.Requests.Begin(ctx, rights.Request{Subject: ada, Kind: rights.Access})
		for what, err := range late {
			if !errors.Is(err, thimble.ErrNotFound) {
				t.Errorf("%s: %v, want not found", what, err)
			}
		}
		for table, n := range rowsOf(t, s, ada) {
			if table != "subject_subjects" && table != "consent_events" && n > 0 {
				t.Errorf("%s has %d rows of the person", table, n)
			}
		}
	})
}

func TestDecisionOfAPersonWhoChangedTheirMindIsNotKept(t *testing.T) {
	s := thimbletest.New(t)
	ada := s.Subject("ada", thimbletest.Allows(personalize)...)
	epoch, err := s.Subjects.Epoch(t.Context(), ada)
	if err != nil {
		t.Fatal(err)
	}
	s.Chooses(ada, thimbletest.Withdraws(personalize)...)
	_, err = s.Decisions.Keep(t.Context(), decision.Record{V: 1, Capability: "recommend", Subject: ada, At: time.Now(),
		Inputs: []decision.Input{{Category: thimble.PurchaseHistory}}}, [8]byte{}, epoch)
	if !errors.Is(err, thimble.ErrDenied) {
		t.Errorf("got %v, want a denial", err)
	}
}

func TestErasureGoesOnWhenTheCallerGoesAway(t *testing.T) {
	s := thimbletest.New(t)
	crowd(s)
	ada := s.Subject("ada", thimbletest.Allows(personalize, train)...)
	s.Buys(ada, "shirt")
	s.Works()
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Desk.Erase(gone, ada); err != nil {
		t.Fatal(err)
	}
	for table, n := range rowsOf(t, s, ada) {
		if table != "subject_subjects" && table != "consent_events" && n > 0 {
			t.Errorf("%s has %d rows of the person", table, n)
		}
	}
}

func TestErasureLeftOpenByAnErrorIsTakenUpByTheNextCall(t *testing.T) {
	s := thimbletest.New(t)
	crowd(s)
	ada := s.Subject("ada", thimbletest.Allows(personalize, train)...)
	s.Buys(ada, "shirt")
	s.Works()
	// The person looks at their data, and the request is cut off.
	if _, err := s.Requests.Begin(t.Context(), rights.Request{Subject: ada, Kind: rights.Access}); err != nil {
		t.Fatal(err)
	}
	before, _ := s.Shop.Version()
	holders := s.Holders()
	holders[3] = dead{holders[3]}
	if _, err := rights.NewDesk(s.Requests, s.Vault, func() string { return "noted before" }, holders...).Erase(t.Context(), ada); !errors.Is(err, errDead) {
		t.Fatal(err)
	}
	report := s.Erase(ada)
	if !report.Resumed || report.Models == nil || report.Models.Before != "noted before" {
		t.Errorf("the report forgot what was before: %+v", report.Models)
	}
	if after, _ := s.Shop.Version(); after.Hash == before.Hash {
		t.Error("the model is the one that knew the person")
	}
	if n := rowsOf(t, s, ada)["rights_requests"]; n != 0 {
		t.Errorf("%d requests still name the person", n)
	}
}

func TestConsentThatRanOutIsNoticed(t *testing.T) {
	s := thimbletest.New(t)
	s.Subject("ada", thimbletest.Allows(train)...)
	since := time.Now().Add(-time.Minute)
	ask := func() bool {
		expired, err := s.Consent.Expired(t.Context(), train, since)
		if err != nil {
			t.Fatal(err)
		}
		return expired
	}
	if ask() {
		t.Fatal("a fresh consent has run out")
	}
	err := s.Core.Write(t.Context(), func(tx *sqldb.Tx) error {
		_, err := tx.Exec(t.Context(), `update consent_state set expires_at = $1`, time.Now().Add(-time.Second).UnixMicro())
		return err
	})
	if err != nil || !ask() {
		t.Errorf("a consent that ran out a second ago is not noticed: %v", err)
	}
}

func TestRequestIsClosedOnceAndRetryingLeavesReadersAlone(t *testing.T) {
	thimbletest.Each(t, func(t *testing.T, s *thimbletest.Shop) {
		ctx := t.Context()
		ada := s.Subject("ada")
		reading, err := s.Requests.Begin(ctx, rights.Request{Subject: ada, Kind: rights.Access})
		if err != nil {
			t.Fatal(err)
		}
		if n, err := s.Desk.Retry(ctx); n != 0 || err != nil {
			t.Errorf("retrying closed %d requests, %v, while the reader reads", n, err)
		}
		size := func() int64 {
			s.Works()
			n, err := s.Ledger.Size(ctx)
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
		before := size()
		if err := s.Requests.Finish(ctx, reading); err != nil {
			t.Fatal(err)
		}
		if err := s.Requests.Finish(ctx, reading); !errors.Is(err, thimble.ErrConflict) {
			t.Errorf("closing again: %v, want a conflict", err)
		}
		if after := size(); after != before+1 {
			t.Errorf("one request has %d leaves", after-before)
		}
	})
}
