package app_test

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"thimble"
	"thimble/internal/gate"
	"thimble/internal/session"
	"thimble/internal/thimbletest"
)

// A jumpy clock goes on as time does, and jumps when it is told.
type jumpy struct{ off atomic.Int64 }

func (j *jumpy) now() time.Time       { return time.Now().Round(0).Add(time.Duration(j.off.Load())) }
func (j *jumpy) jump(d time.Duration) { j.off.Add(int64(d)) }

const day = 24 * time.Hour

func jumps() map[string]time.Duration {
	now := time.Now().UTC()
	until := func(t time.Time) time.Duration { return t.Sub(now) }
	return map[string]time.Duration{
		"a day ahead":            day,
		"a day back":             -day,
		"ten years ahead":        3653 * day,
		"ten years back":         -3653 * day,
		"over the 2038 boundary": until(time.Date(2038, 1, 19, 3, 14, 6, 500_000_000, time.UTC)),
		"onto a leap day":        until(time.Date(2028, 2, 29, 23, 59, 59, 0, time.UTC)),
		"into summer time":       until(time.Date(2027, 3, 28, 0, 59, 59, 0, time.UTC)),
		"a month and a day":      32 * day, // longer than epoch keys live
	}
}

// TestClockThatJumpsLosesNothingAndIsNoticed jumps with a whole installation, there and
// back. What was promised before holds in the wrong time and after it.
func TestClockThatJumpsLosesNothingAndIsNoticed(t *testing.T) {
	for name, by := range jumps() {
		t.Run(name, func(t *testing.T) {
			clock := &jumpy{}
			s := thimbletest.OpenAt(t, map[string]string{"data": filepath.Join(t.TempDir(), "data")}, clock.now)
			ada, bob := s.Subject("ada", thimbletest.Allows(thimble.PersonalizeContent, thimble.TrainAISystem)...), s.Subject("bob")
			s.Buys(ada, "shirt")
			s.Buys(bob, "belt")
			s.Works()
			token, err := s.Sessions.Begin(t.Context(), session.Who{Audience: session.Customer, Subject: ada}, session.UnknownDevice)
			if err != nil {
				t.Fatal(err)
			}
			wantClock(t, s, 0)

			clock.jump(by)
			wantClock(t, s, by)
			rotateTwice(t, s)
			keeps(t, s, ada, bob)
			s.Chooses(bob, thimbletest.Allows(thimble.PersonalizeContent)...)
			s.Chooses(ada, thimbletest.Withdraws(thimble.PersonalizeContent)...)
			if _, err := ask(s, ada, thimble.PersonalizeContent); !errors.Is(err, thimble.ErrDenied) {
				t.Errorf("after a withdrawal in the wrong time the gate says %v", err)
			}
			if _, err := s.Sessions.Session(t.Context(), token, session.Customer); (err == nil) != (by.Abs() < session.Skew) {
				t.Errorf("the session of another time: %v, want it refused", err)
			}
			s.Works()

			clock.jump(-by) // somebody sets it right
			if by > 0 {     // what was written then lies in the future, and says so
				wantClock(t, s, -by)
			}
			rotateTwice(t, s)
			keeps(t, s, ada, bob)
			if _, err := ask(s, ada, thimble.PersonalizeContent); !errors.Is(err, thimble.ErrDenied) {
				t.Errorf("the withdrawal is forgotten when the clock is right again: %v", err)
			}
			s.Chooses(ada, thimbletest.Allows(thimble.PersonalizeContent)...)
			if _, err := ask(s, ada, thimble.PersonalizeContent); err != nil {
				t.Errorf("the last choice does not count, because one of a wrong time is later: %v", err)
			}
			s.Works()
			s.Erase(bob)
			if _, err := ask(s, bob, thimble.LegalObligation); !errors.Is(err, thimble.ErrDenied) && !errors.Is(err, thimble.ErrNotFound) {
				t.Errorf("an erased person's data opens: %v", err)
			}
			if err := s.Ledger.Check(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
}

func ask(s *thimbletest.Shop, who thimble.SubjectID, p thimble.Purpose) (*gate.Grant, error) {
	r := gate.Request{Actor: gate.Actor{Kind: gate.Machine, Name: "recommend"}, Subject: who, Purpose: p, Categories: []thimble.Category{thimble.PurchaseHistory}}
	if p == thimble.LegalObligation {
		r.Actor = gate.Actor{Kind: gate.Customer, Self: who}
	}
	return s.Gate.Open(context.Background(), r)
}

func wantClock(t *testing.T, s *thimbletest.Shop, want time.Duration) {
	t.Helper()
	off, says, err := s.ClockOff(t.Context())
	if err != nil || (off-want).Abs() > 2*time.Hour {
		t.Errorf("the clock is said to be %v ahead (by %q), %v; want about %v", off, says, err, want)
	}
	if (want == 0) != (says == "") {
		t.Errorf("%q says so", says)
	}
}

func rotateTwice(t *testing.T, s *thimbletest.Shop) {
	t.Helper()
	for range 2 { // at the start, and an hour later
		r, err := s.Vault.Rotate(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if r.Destroyed > 0 {
			t.Errorf("one wrong reading of the clock destroyed %d epoch keys", r.Destroyed)
		}
	}
}

// keeps opens everything there is about people.
func keeps(t *testing.T, s *thimbletest.Shop, people ...thimble.SubjectID) {
	t.Helper()
	for _, who := range people {
		orders := 0
		for d, err := range s.Orders.Export(t.Context(), who) {
			if err != nil {
				t.Errorf("%s does not open: %v", d.Name, err)
			}
			orders++
		}
		for _, err := range s.Consent.Export(t.Context(), who) {
			if err != nil {
				t.Errorf("a choice does not open: %v", err)
			}
		}
		if orders == 0 {
			t.Errorf("the orders of %s are lost", strings.TrimPrefix(who.String(), "sub_"))
		}
	}
}
