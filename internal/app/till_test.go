package app_test

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"thimble"
	"thimble/internal/consent"
	"thimble/internal/consent/consentdb"
	"thimble/internal/consent/till"
	"thimble/internal/subject"
	"thimble/internal/thimbletest"
)

var tillKey = ed25519.NewKeyFromSeed(bytes.Repeat([]byte{3}, ed25519.SeedSize))

// closes has the till close a batch.
func closes(t *testing.T, sequence int64, entries ...till.Entry) *till.Batch {
	t.Helper()
	var out bytes.Buffer
	h := till.Header{Till: "till-7", Notice: consent.Current().Ref().SHA256, Sequence: sequence, Created: time.Now()}
	if err := till.Sign(&out, h, entries, tillKey); err != nil {
		t.Fatal(err)
	}
	b, err := till.Read(&out)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func entry(account string, choice consent.State, at time.Time, purposes ...thimble.Purpose) till.Entry {
	return till.Entry{Kind: subject.Account, Value: account, Purposes: purposes, Choice: choice, At: at, Notice: consent.Current().Ref().SHA256}
}

func withTill(t *testing.T, s *thimbletest.Shop) (id string) {
	t.Helper()
	id, err := s.Consent.AddTill(t.Context(), "till-7", tillKey.Public().(ed25519.PublicKey))
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func standing(t *testing.T, s *thimbletest.Shop, who thimble.SubjectID, p thimble.Purpose) consent.Standing {
	t.Helper()
	st, err := s.Consent.Standing(t.Context(), who, p)
	if err != nil {
		t.Fatal(err)
	}
	return st
}

func TestABatchOfATillIsRecordedOnceWithItsProof(t *testing.T) {
	thimbletest.Each(t, func(t *testing.T, s *thimbletest.Shop) {
		withTill(t, s)
		ada, bob := s.Subject("ada"), s.Subject("bob", thimbletest.Allows(train)...)
		then := time.Now().Add(-10 * 24 * time.Hour)
		b := closes(t, 1, entry("ada", consent.Given, then, personalize), entry("bob", consent.Withdrawn, time.Now(), train))

		r, err := s.Consent.RecordBatch(t.Context(), b, s.Subjects)

		if err != nil || r.Recorded != 2 || len(r.Rejects) != 0 {
			t.Fatalf("%+v, %v, want two recorded", r, err)
		}
		st := standing(t, s, ada, personalize)
		if st.State != consent.Given || !st.Expires.Equal(then.UTC().Truncate(time.Microsecond).Add(consent.Lives)) {
			t.Errorf("%+v, want given, living from the day at the till", st)
		}
		if got := standing(t, s, bob, train).State; got != consent.Withdrawn {
			t.Errorf("bob's is %s, want withdrawn", got)
		}
		e := choicesOf(t, s, ada)[0].Event
		if e.By != (consent.By{Actor: "signal:till", Auth: "ed25519"}) || !slices.Contains(e.UI.Path, "till-7") || e.Notice != consent.Current().Ref() {
			t.Errorf("the event does not say where it comes from: %+v", e)
		}
		if _, err := s.Consent.RecordBatch(t.Context(), b, s.Subjects); !errors.Is(err, thimble.ErrConflict) {
			t.Errorf("again: %v, want a conflict", err)
		}
		if n := len(choicesOf(t, s, ada)); n != 1 {
			t.Errorf("%d events after the replay, want 1", n)
		}
	})
}

// Edge cases 3 and 4 of consent races: what arrives late never undoes a later no.
func TestAGrantThatArrivesLateLosesAgainstALaterNo(t *testing.T) {
	thimbletest.Each(t, func(t *testing.T, s *thimbletest.Shop) {
		withTill(t, s)
		ada := s.Subject("ada", thimbletest.Allows(personalize)...)
		at := time.Now().Add(-time.Minute)
		s.Chooses(ada, thimbletest.Withdraws(personalize)...)

		r, err := s.Consent.RecordBatch(t.Context(), closes(t, 1, entry("ada", consent.Given, at, personalize, train)), s.Subjects)

		if err != nil || r.Recorded != 1 || len(r.Rejects) != 1 || !strings.Contains(r.Rejects[0].Rule, "no since") {
			t.Errorf("%+v, %v, want the grant that was withdrawn left out", r, err)
		}
		if got := standing(t, s, ada, personalize).State; got != consent.Withdrawn {
			t.Errorf("state %s, want withdrawn", got)
		}
		old := entry("ada", consent.Given, time.Now().Add(-consent.Lives-time.Hour), train)
		if r, err = s.Consent.RecordBatch(t.Context(), closes(t, 2, old), s.Subjects); err != nil || r.Recorded != 0 || len(r.Rejects) != 1 {
			t.Errorf("a grant that has run out: %+v, %v", r, err)
		}
	})
}

// Edge case 24 of erasure: grants of the forgotten are refused, a no is accepted.
func TestOfTheForgottenATillsYesIsRefusedAndItsNoAccepted(t *testing.T) {
	thimbletest.Each(t, func(t *testing.T, s *thimbletest.Shop) {
		withTill(t, s)
		s.Erase(s.Subject("ada"))
		at := time.Now()

		r, err := s.Consent.RecordBatch(t.Context(), closes(t, 1, entry("ada", consent.Given, at, personalize), entry("ada", consent.Withdrawn, at, train),
			entry("stranger", consent.Given, at, personalize), entry("stranger", consent.Refused, at, train)), s.Subjects)

		if err != nil || r.Recorded != 0 || r.Same != 2 || len(r.Rejects) != 2 ||
			!strings.Contains(r.Rejects[0].Rule, "forgotten") || !strings.Contains(r.Rejects[1].Rule, "nobody") {
			t.Errorf("%+v, %v, want two grants left out and two refusals accepted", r, err)
		}
	})
}

func TestOnlyKeysThatCountSign(t *testing.T) {
	thimbletest.Each(t, func(t *testing.T, s *thimbletest.Shop) {
		ada := s.Subject("ada")
		batch := func(n int64) *till.Batch { return closes(t, n, entry("ada", consent.Given, time.Now(), personalize)) }
		if _, err := s.Consent.RecordBatch(t.Context(), batch(1), s.Subjects); !errors.Is(err, thimble.ErrDenied) {
			t.Errorf("without a key: %v, want denied", err)
		}
		id := withTill(t, s)
		if _, err := s.Consent.AddTill(t.Context(), "till-7", tillKey.Public().(ed25519.PublicKey)); !errors.Is(err, thimble.ErrConflict) {
			t.Errorf("the same key again: %v, want a conflict", err)
		}
		if err := s.Consent.RevokeTill(t.Context(), "till-7", id); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Consent.RecordBatch(t.Context(), batch(1), s.Subjects); !errors.Is(err, thimble.ErrDenied) {
			t.Errorf("with a revoked key: %v, want denied", err)
		}
		if err := s.Consent.RevokeTill(t.Context(), "till-7", id); !errors.Is(err, thimble.ErrNotFound) {
			t.Errorf("revoked again: %v, want not found", err)
		}
		if n := len(choicesOf(t, s, ada)); n != 0 {
			t.Errorf("%d events, want none", n)
		}
		all, err := s.Consent.Tills(t.Context())
		if err != nil || len(all) != 1 || all[0].Revoked.IsZero() || all[0].KeyID != id {
			t.Errorf("tills %+v, %v", all, err)
		}
	})
}

// A signal is recorded once, also when requests race.
func TestASignalOfManyRequestsAtOnceIsRecordedOnce(t *testing.T) {
	thimbletest.Each(t, func(t *testing.T, s *thimbletest.Shop) {
		ada := s.Subject("ada")
		purposes := []thimble.Purpose{"third_party_sharing", "marketing.advertising.third_party"}
		done := make(chan error, 8)
		for range cap(done) {
			go func() {
				_, err := s.Consent.Signal(t.Context(), ada, purposes, consentdb.How{Notice: consent.Notice{Lang: "en", Version: "1", Text: "t"}, By: consent.By{Actor: "signal:gpc"}})
				done <- err
			}()
		}
		for range cap(done) {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
		if n := len(choicesOf(t, s, ada)); n != len(purposes) {
			t.Errorf("%d events, want %d", n, len(purposes))
		}
	})
}
