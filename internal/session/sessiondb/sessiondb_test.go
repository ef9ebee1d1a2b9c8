package sessiondb_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"thimble"
	"thimble/internal/session"
	"thimble/internal/session/sessiondb"
	"thimble/internal/sqldb"
	"thimble/internal/sqldb/sqldbtest"
)

func each(t *testing.T, f func(t *testing.T, s *sessiondb.Store, pass func(time.Duration))) {
	sqldbtest.Each(t, sqldb.Core, func(t *testing.T, db *sqldb.DB) {
		now := time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)
		f(t, sessiondb.New(db, everybody{}, func() time.Time { return now }), func(d time.Duration) { now = now.Add(d) })
	})
}

// everybody exists.
type everybody struct{}

func (everybody) Alive(context.Context, *sqldb.Tx, thimble.SubjectID) (int64, error) { return 0, nil }

var ada = session.Who{Audience: session.Customer, Subject: thimble.SubjectID{1}}

func signIn(t *testing.T, s *sessiondb.Store, who session.Who) string {
	t.Helper()
	token, err := s.Link(t.Context(), who)
	if err != nil {
		t.Fatal(err)
	}
	cookie, got, err := s.Redeem(t.Context(), token, who.Audience)
	if err != nil || got != who {
		t.Fatalf("Redeem = %v, %v", got, err)
	}
	return cookie
}

func TestLinkWorksOnce(t *testing.T) {
	each(t, func(t *testing.T, s *sessiondb.Store, _ func(time.Duration)) {
		token, err := s.Link(t.Context(), ada)
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := s.Redeem(t.Context(), token, session.Staff); !errors.Is(err, thimble.ErrDenied) {
			t.Errorf("at the other door: got %v, want a denial", err)
		}
		if _, _, err := s.Redeem(t.Context(), token, session.Customer); err != nil {
			t.Fatal(err)
		}
		if _, _, err := s.Redeem(t.Context(), token, session.Customer); !errors.Is(err, thimble.ErrDenied) {
			t.Errorf("the second time: got %v, want a denial", err)
		}
	})
}

func TestLinkExpires(t *testing.T) {
	each(t, func(t *testing.T, s *sessiondb.Store, pass func(time.Duration)) {
		token, err := s.Link(t.Context(), ada)
		if err != nil {
			t.Fatal(err)
		}
		pass(session.LinkLives)
		if _, _, err := s.Redeem(t.Context(), token, session.Customer); !errors.Is(err, thimble.ErrDenied) {
			t.Errorf("got %v, want a denial", err)
		}
	})
}

func TestSessionEndsWhenIdleAndWhenOld(t *testing.T) {
	each(t, func(t *testing.T, s *sessiondb.Store, pass func(time.Duration)) {
		rests, stays := signIn(t, s, ada), signIn(t, s, ada)
		for range int(session.CustomerWhole/session.CustomerIdle) * 2 {
			if who, err := s.Who(t.Context(), stays, session.Customer); err != nil || who != ada {
				t.Fatalf("Who = %v, %v, want the customer", who, err)
			}
			pass(session.CustomerIdle / 2)
		}
		for _, cookie := range []string{rests, stays, "", "forged"} {
			if _, err := s.Who(t.Context(), cookie, session.Customer); !errors.Is(err, thimble.ErrDenied) {
				t.Errorf("got %v, want a denial", err)
			}
		}
	})
}

func TestSignedOutCookieIsNobodys(t *testing.T) {
	each(t, func(t *testing.T, s *sessiondb.Store, _ func(time.Duration)) {
		cookie := signIn(t, s, ada)
		if _, err := s.Who(t.Context(), cookie, session.Staff); !errors.Is(err, thimble.ErrDenied) {
			t.Errorf("at the staff's door: got %v, want a denial", err)
		}
		if err := s.End(t.Context(), cookie); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Who(t.Context(), cookie, session.Customer); !errors.Is(err, thimble.ErrDenied) {
			t.Errorf("got %v, want a denial", err)
		}
	})
}

func TestErasedCustomerIsSignedOutEverywhereAndOthersAreNot(t *testing.T) {
	each(t, func(t *testing.T, s *sessiondb.Store, _ func(time.Duration)) {
		bob := session.Who{Audience: session.Customer, Subject: thimble.SubjectID{2}}
		first, second, others := signIn(t, s, ada), signIn(t, s, ada), signIn(t, s, bob)
		for _, want := range []int{4, 0} { // two links, two sessions
			if got, err := s.Erase(t.Context(), ada.Subject); err != nil || got.Erased != want {
				t.Errorf("Erase = %+v, %v, want %d", got, err, want)
			}
		}
		for _, cookie := range []string{first, second} {
			if _, err := s.Who(t.Context(), cookie, session.Customer); !errors.Is(err, thimble.ErrDenied) {
				t.Errorf("got %v, want a denial", err)
			}
		}
		if _, err := s.Who(t.Context(), others, session.Customer); err != nil {
			t.Errorf("the other customer: %v", err)
		}
	})
}
