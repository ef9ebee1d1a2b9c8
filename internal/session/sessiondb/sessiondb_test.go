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
	cookie, got, err := s.Redeem(t.Context(), token, who.Audience, session.UnknownDevice)
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
		if _, _, err := s.Redeem(t.Context(), token, session.Staff, session.UnknownDevice); !errors.Is(err, thimble.ErrDenied) {
			t.Errorf("at the other door: got %v, want a denial", err)
		}
		if _, _, err := s.Redeem(t.Context(), token, session.Customer, session.UnknownDevice); err != nil {
			t.Fatal(err)
		}
		if _, _, err := s.Redeem(t.Context(), token, session.Customer, session.UnknownDevice); !errors.Is(err, thimble.ErrDenied) {
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
		if _, _, err := s.Redeem(t.Context(), token, session.Customer, session.UnknownDevice); !errors.Is(err, thimble.ErrDenied) {
			t.Errorf("got %v, want a denial", err)
		}
	})
}

func TestSessionEndsWhenIdleAndWhenOld(t *testing.T) {
	each(t, func(t *testing.T, s *sessiondb.Store, pass func(time.Duration)) {
		rests, stays := signIn(t, s, ada), signIn(t, s, ada)
		for range int(session.CustomerWhole/session.CustomerIdle) * 2 {
			if who, err := s.Session(t.Context(), stays, session.Customer); err != nil || who.Who != ada {
				t.Fatalf("Who = %v, %v, want the customer", who, err)
			}
			pass(session.CustomerIdle / 2)
		}
		for _, cookie := range []string{rests, stays, "", "forged"} {
			if _, err := s.Session(t.Context(), cookie, session.Customer); !errors.Is(err, thimble.ErrDenied) {
				t.Errorf("got %v, want a denial", err)
			}
		}
	})
}

func TestSignedOutCookieIsNobodys(t *testing.T) {
	each(t, func(t *testing.T, s *sessiondb.Store, _ func(time.Duration)) {
		cookie := signIn(t, s, ada)
		if _, err := s.Session(t.Context(), cookie, session.Staff); !errors.Is(err, thimble.ErrDenied) {
			t.Errorf("at the staff's door: got %v, want a denial", err)
		}
		if err := s.End(t.Context(), cookie); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Session(t.Context(), cookie, session.Customer); !errors.Is(err, thimble.ErrDenied) {
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
			if _, err := s.Session(t.Context(), cookie, session.Customer); !errors.Is(err, thimble.ErrDenied) {
				t.Errorf("got %v, want a denial", err)
			}
		}
		if _, err := s.Session(t.Context(), others, session.Customer); err != nil {
			t.Errorf("the other customer: %v", err)
		}
	})
}

func TestSessionsAreListedAndEndedOneByOne(t *testing.T) {
	each(t, func(t *testing.T, s *sessiondb.Store, pass func(time.Duration)) {
		bob := session.Who{Audience: session.Customer, Subject: thimble.SubjectID{2}}
		phone := begin(t, s, ada, "Firefox on Android")
		pass(2 * time.Minute)
		desk, others := begin(t, s, ada, "Firefox on Linux"), begin(t, s, bob, "Chrome on Windows")

		all, err := s.List(t.Context(), ada)
		if err != nil || len(all) != 2 || all[0].Device != "Firefox on Linux" || all[1].Device != "Firefox on Android" {
			t.Fatalf("List = %v, %v, want both of Ada's, the last seen first", all, err)
		}
		theirs, err := s.List(t.Context(), bob)
		if err != nil || len(theirs) != 1 {
			t.Fatalf("List = %v, %v", theirs, err)
		}
		if err := s.Revoke(t.Context(), ada, theirs[0].ID); !errors.Is(err, thimble.ErrNotFound) {
			t.Errorf("ending another's session: %v, want that it is not found", err)
		}
		if err := s.Revoke(t.Context(), ada, all[1].ID); err != nil {
			t.Fatal(err)
		}
		signedIn(t, s, map[string]bool{phone: false, desk: true, others: true})
		if err := s.RevokeAll(t.Context(), ada, thimble.ID{}); err != nil {
			t.Fatal(err)
		}
		signedIn(t, s, map[string]bool{desk: false, others: true})
	})
}

func TestAllOthersCanBeEndedAtOnceWithTheirLinks(t *testing.T) {
	each(t, func(t *testing.T, s *sessiondb.Store, _ func(time.Duration)) {
		mara := session.Who{Audience: session.Staff, Staff: "mara"}
		here, there := begin(t, s, mara, "a"), begin(t, s, mara, "b")
		ivo := begin(t, s, session.Who{Audience: session.Staff, Staff: "ivo"}, "c")
		waiting, err := s.Link(t.Context(), mara)
		if err != nil {
			t.Fatal(err)
		}
		mine, err := s.Session(t.Context(), here, session.Staff)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.RevokeAll(t.Context(), mara, mine.ID); err != nil {
			t.Fatal(err)
		}
		for cookie, want := range map[string]bool{here: true, there: false, ivo: true} {
			if _, err := s.Session(t.Context(), cookie, session.Staff); (err == nil) != want {
				t.Errorf("signed in: %v, want %t", err, want)
			}
		}
		if _, _, err := s.Redeem(t.Context(), waiting, session.Staff, "d"); !errors.Is(err, thimble.ErrDenied) {
			t.Errorf("a link from before: %v, want a denial", err)
		}
	})
}

func TestAProofIsRememberedWithTheSession(t *testing.T) {
	each(t, func(t *testing.T, s *sessiondb.Store, pass func(time.Duration)) {
		cookie := begin(t, s, ada, "a")
		first, err := s.Session(t.Context(), cookie, session.Customer)
		if err != nil || !first.Raised.Equal(first.Created) {
			t.Fatalf("coming in is a proof: %v, %v", first, err)
		}
		pass(time.Hour)
		if err := s.Raise(t.Context(), cookie); err != nil {
			t.Fatal(err)
		}
		if again, err := s.Session(t.Context(), cookie, session.Customer); err != nil || again.Raised.Sub(first.Raised) != time.Hour {
			t.Errorf("after an hour and a proof: %v, %v", again.Raised, err)
		}
	})
}

func begin(t *testing.T, s *sessiondb.Store, who session.Who, device string) string {
	t.Helper()
	cookie, err := s.Begin(t.Context(), who, device)
	if err != nil {
		t.Fatal(err)
	}
	return cookie
}

func signedIn(t *testing.T, s *sessiondb.Store, cookies map[string]bool) {
	t.Helper()
	for cookie, want := range cookies {
		if _, err := s.Session(t.Context(), cookie, session.Customer); (err == nil) != want {
			t.Errorf("signed in: %v, want %t", err, want)
		}
	}
}
