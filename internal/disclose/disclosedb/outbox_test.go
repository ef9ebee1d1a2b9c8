package disclosedb_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"thimble"
	"thimble/internal/disclose"
	"thimble/internal/disclose/disclosedb"
	"thimble/internal/disclose/wire"
	"thimble/internal/holdertest"
	"thimble/internal/ledger"
	"thimble/internal/subject"
)

func TestAMessageCarriesAgreedFieldsUnderAPseudonymAndNoneBeside(t *testing.T) {
	holdertest.Each(t, func(t *testing.T, k *holdertest.Kernel) {
		s := newShop(t, k, disclosedb.Config{})
		to, _ := s.recipient(current)
		ada := k.Person(t)
		id := s.mustSend(to, ada)
		s.step()
		if got := s.state(id); got != disclose.Delivered {
			t.Fatalf("the message is %s, want delivered", got)
		}
		body := string(s.ways.got[0].Body.Reveal())
		lines := strings.Split(strings.TrimSpace(body), "\n")
		if len(lines) != 2 {
			t.Fatalf("got %d lines, want a head and a row", len(lines))
		}
		var row map[string]any
		s.must(json.Unmarshal([]byte(lines[1]), &row))
		if row["placed"] != "2026-11-22" || row["secret"] != nil || len(row) != 4 {
			t.Errorf("the row has %v, want person, order, placed to the day, and lines", row)
		}
		if strings.Contains(body, ada.String()) || strings.Contains(body, "10sub_") {
			t.Error("the message names the person or the order as we do")
		}
		who, err := s.store.Whose(t.Context(), to, row["person"].(string))
		if err != nil || who != ada {
			t.Errorf("the pseudonym is whose: %v, %v", who, err)
		}
		other, _ := s.recipient(current)
		if _, err := s.store.Whose(t.Context(), other, row["person"].(string)); !errors.Is(err, thimble.ErrNotFound) {
			t.Errorf("another recipient asks whose a pseudonym is: %v, want not found", err)
		}
	})
}

func TestNothingIsSentThatTheAgreementDoesNotPermit(t *testing.T) {
	holdertest.Each(t, func(t *testing.T, k *holdertest.Kernel) {
		s := newShop(t, k, disclosedb.Config{})
		ada := k.Person(t)
		for want, text := range map[disclose.Refusal]string{
			disclose.AgreementEnded:    fulfilment("2026-01-01", "2026-11-22", "2028-01-01"),
			disclose.NotYetEffective:   fulfilment("2026-11-23", "2028-01-01", "2028-01-01"),
			disclose.AssessmentExpired: fulfilment("2026-01-01", "2028-01-01", "2026-11-22"),
		} {
			to, _ := s.recipient(text)
			_, err := s.send(to, ada)
			if e, ok := errors.AsType[*disclose.Refused](err); !ok || e.Why != want || !errors.Is(err, thimble.ErrDenied) {
				t.Errorf("got %v, want %s", err, want)
			}
		}
		to, _ := s.recipient(current)
		_, err := s.store.Send(t.Context(), disclosedb.Disclosure{Recipient: to, Purpose: thimble.PersonalizeContent, Subjects: []thimble.SubjectID{ada}})
		if e, ok := errors.AsType[*disclose.Refused](err); !ok || e.Why != disclose.PurposeNotAgreed {
			t.Errorf("another purpose: got %v", err)
		}
		s.must(s.store.Suspend(t.Context(), to, "ada", "they had a breach"))
		if _, err := s.send(to, ada); !errors.Is(err, thimble.ErrDenied) {
			t.Errorf("to a suspended recipient: got %v", err)
		}
	})
}

func TestWhoeverChangesTheirMindWhileAMessageWaitsIsTakenOut(t *testing.T) {
	holdertest.Each(t, func(t *testing.T, k *holdertest.Kernel) {
		s := newShop(t, k, disclosedb.Config{})
		to, _ := s.recipient(current)
		ada, eve, gone := k.Person(t), k.Person(t), k.Person(t)
		id := s.mustSend(to, ada, eve, gone)
		s.restrict(eve, true)
		if _, err := k.Subjects.Erase(t.Context(), gone); err != nil {
			t.Fatal(err)
		}
		s.step()
		if got := strings.Count(string(s.ways.got[0].Body.Reveal()), `"person"`); got != 1 || s.state(id) != disclose.Delivered {
			t.Errorf("%d people were sent, the message is %s", got, s.state(id))
		}
		want := map[thimble.SubjectID]disclose.Whereabouts{ada: disclose.Sent, eve: disclose.NotSent, gone: disclose.NotSent}
		for who, w := range want {
			all, err := s.store.Of(t.Context(), who, 10)
			if err != nil || len(all) != 1 || all[0].State != w {
				t.Errorf("%v has %d entries, %v; want one that is %s", who, len(all), err, w)
			}
		}
		alone := s.mustSend(to, ada)
		s.restrict(ada, true)
		s.step()
		if got := s.message(alone); got.State != disclose.Cancelled || got.Why != "nobody-permits" || len(s.ways.got) != 1 {
			t.Errorf("the message is %s (%s), %d were sent", got.State, got.Why, len(s.ways.got))
		}
	})
}

func (s *shop) restrict(who thimble.SubjectID, on bool) {
	s.tb.Helper()
	s.must(s.write(func(tx *tx) error { return s.Subjects.SetRestricted(s.tb.Context(), tx, who, on) }))
}

func TestAnAgreementThatEndsWhileAMessageWaitsCancelsIt(t *testing.T) {
	holdertest.Each(t, func(t *testing.T, k *holdertest.Kernel) {
		s := newShop(t, k, disclosedb.Config{})
		to, _ := s.recipient(fulfilment("2026-01-01", "2027-01-01", "2028-01-01"))
		id := s.mustSend(to, k.Person(t))
		s.agree(to, fulfilment("2026-01-01", "2026-11-20", "2028-01-01")) // tighter: in force at once
		s.step()
		if got := s.message(id); got.State != disclose.Cancelled || got.Why != string(disclose.AgreementEnded) || s.ways.calls != 0 {
			t.Errorf("the message is %s (%s) after %d calls", got.State, got.Why, s.ways.calls)
		}
	})
}

func TestALooserAgreementWaitsForASecondMemberOfStaff(t *testing.T) {
	holdertest.Each(t, func(t *testing.T, k *holdertest.Kernel) {
		s := newShop(t, k, disclosedb.Config{})
		to, _ := s.recipient(fulfilment("2026-01-01", "2027-01-01", "2028-01-01"))
		signed, err := s.store.Submit(t.Context(), to, current, "ada")
		if err != nil || signed.State != disclose.Waiting || len(signed.Loosens) != 1 {
			t.Fatalf("got %s, loosens %q, %v", signed.State, signed.Loosens, err)
		}
		if err := s.store.Accept(t.Context(), signed.ID, "ada", "I think it is fine"); !errors.Is(err, thimble.ErrDenied) {
			t.Errorf("accepted by the one who submitted it: %v", err)
		}
		s.must(s.store.Accept(t.Context(), signed.ID, "grace", "the contract was read"))
		if err := s.store.Accept(t.Context(), signed.ID, "grace", "the contract was read"); !errors.Is(err, thimble.ErrConflict) {
			t.Errorf("accepted twice: %v", err)
		}
		all, err := s.store.Agreements(t.Context(), to)
		if err != nil || len(all) != 2 || all[0].State != disclose.InForce || all[1].State != disclose.Superseded {
			t.Errorf("got %v, %v", all, err)
		}
	})
}

func TestAFailedTryIsRepeatedUnderOneIDUntilItIsDeadAndSentAgainByHand(t *testing.T) {
	holdertest.Each(t, func(t *testing.T, k *holdertest.Kernel) {
		s := newShop(t, k, disclosedb.Config{Schedule: wire.Schedule{First: 10 * time.Millisecond, Factor: 1, Horizon: 25 * time.Millisecond}})
		to, _ := s.recipient(current)
		ada := k.Person(t)
		s.ways.outcome = func(int) wire.Outcome { return wire.Outcome{State: wire.Retry, Why: wire.AnswerSlow} }
		id := s.mustSend(to, ada)
		for range 20 {
			s.step()
			s.wait(4 * time.Millisecond)
		}
		m := s.message(id)
		if m.State != disclose.Dead || m.Why != string(wire.AnswerSlow) || m.Tries < 2 {
			t.Fatalf("the message is %s (%s) after %d tries", m.State, m.Why, m.Tries)
		}
		if all, _ := s.store.Of(t.Context(), ada, 1); all[0].State != disclose.MaybeSent {
			t.Errorf("the person is %s; bytes went out, so want maybe-sent", all[0].State)
		}
		s.ways.outcome = nil
		s.must(s.store.Again(t.Context(), id))
		s.step()
		if got := s.state(id); got != disclose.Delivered {
			t.Errorf("sent again it is %s", got)
		}
		if all, _ := s.store.Of(t.Context(), ada, 1); all[0].State != disclose.Sent {
			t.Errorf("sent again the person is %s", all[0].State)
		}
		for _, m := range s.ways.got {
			if m.ID != id {
				t.Errorf("a try had the id %v, want %v", m.ID, id)
			}
		}
		if err := s.store.Again(t.Context(), id); !errors.Is(err, thimble.ErrConflict) {
			t.Errorf("a delivered message is sent again: %v", err)
		}
		tries, err := s.store.Tries(t.Context(), id)
		if err != nil || int64(len(tries)) != m.Tries+1 {
			t.Errorf("%d tries are written down, %v", len(tries), err)
		}
	})
}

func TestWhatNeverLeftIsSaidToHaveNotAndSentAgainToHave(t *testing.T) {
	holdertest.Each(t, func(t *testing.T, k *holdertest.Kernel) {
		s := newShop(t, k, disclosedb.Config{})
		to, _ := s.recipient(current)
		ada := k.Person(t)
		id := s.mustSend(to, ada)
		s.ways.outcome = func(int) wire.Outcome { return wire.Outcome{State: wire.Permanent, Why: wire.Unreachable} }
		s.step()
		where := func() disclose.Whereabouts {
			all, err := s.store.Of(t.Context(), ada, 1)
			s.must(err)
			return all[0].State
		}
		if got := where(); got != disclose.NotSent || s.state(id) != disclose.Dead {
			t.Errorf("without a byte the person is %s, the message %s", got, s.state(id))
		}
		s.ways.outcome = nil
		s.must(s.store.Again(t.Context(), id))
		s.step()
		if got := where(); got != disclose.Sent {
			t.Errorf("sent again the person is %s", got)
		}
	})
}

func TestARecipientThatSaysItIsGoneGetsNothingMoreUntilItIsTakenUpAgain(t *testing.T) {
	holdertest.Each(t, func(t *testing.T, k *holdertest.Kernel) {
		s := newShop(t, k, disclosedb.Config{})
		to, _ := s.recipient(current)
		one, two := s.mustSend(to, k.Person(t)), s.mustSend(to, k.Person(t))
		s.ways.outcome = func(int) wire.Outcome { return wire.Outcome{State: wire.Permanent, Why: wire.Gone, Status: 410} }
		s.step()
		s.step()
		states := map[disclose.State]int{s.state(one): 1}
		states[s.state(two)]++
		if states[disclose.Dead] != 1 || states[disclose.Blocked] != 1 {
			t.Errorf("the messages are %v, want one dead and one blocked", states)
		}
		s.ways.outcome = nil
		s.must(s.store.Resume(t.Context(), to, "ada", "they moved to a new address"))
		s.step()
		if len(s.ways.got) != 2 {
			t.Errorf("%d were sent, want the blocked one as well", len(s.ways.got))
		}
	})
}

const confirming = "acknowledge: 1h\n"

func TestAConfirmationIsExpectedInTimeAndMustBeSigned(t *testing.T) {
	holdertest.Each(t, func(t *testing.T, k *holdertest.Kernel) {
		s := newShop(t, k, disclosedb.Config{})
		to, key := s.recipient(current + confirming)
		id := s.mustSend(to, k.Person(t))
		s.ways.outcome = func(int) wire.Outcome {
			return wire.Outcome{State: wire.Delivered, Status: 200, Ack: thimble.Hide(json.RawMessage(`{"acknowledged":"msg_00000000000000000000000000"}`))}
		}
		s.step()
		if m := s.message(id); m.State != disclose.Delivered || m.Why != "confirms-another" {
			t.Fatalf("a confirmation of another message makes it %s (%s)", m.State, m.Why)
		}
		body := []byte(`{"acknowledged":"` + id.Token("msg") + `"}`)
		other, err := wire.NewSecret(nil)
		s.must(err)
		signed := func(key wire.SigningKey) http.Header {
			h, err := wire.Sign("ack-1", k.Now(), body, key)
			s.must(err)
			return h
		}
		for what, head := range map[string]http.Header{"with another key": signed(other), "without a signature": {}} {
			if err := s.store.Acknowledge(t.Context(), to, head, body); !errors.Is(err, thimble.ErrDenied) {
				t.Errorf("%s: %v", what, err)
			}
		}
		head := signed(key)
		for range 2 {
			s.must(s.store.Acknowledge(t.Context(), to, head, body))
		}
		if got := s.state(id); got != disclose.Acknowledged {
			t.Errorf("the message is %s", got)
		}
		unsent := s.mustSend(to, k.Person(t))
		body = []byte(`{"acknowledged":"` + unsent.Token("msg") + `"}`)
		if err := s.store.Acknowledge(t.Context(), to, signed(key), body); !errors.Is(err, thimble.ErrDenied) {
			t.Errorf("a message that was not sent is confirmed: %v", err)
		}
	})
}

func TestAnErasureIsToldToWhoeverHasSomethingAndToNobodyElse(t *testing.T) {
	holdertest.Each(t, func(t *testing.T, k *holdertest.Kernel) {
		s := newShop(t, k, disclosedb.Config{})
		has, _ := s.recipient(current)
		never, _ := s.recipient(current)
		ada := k.Person(t)
		s.mustSend(has, ada)
		s.step()
		sent := string(s.ways.got[0].Body.Reveal())
		s.mustSend(never, ada) // not tried yet
		s.must(s.store.End(t.Context(), s.agreement(has), "ada", "the contract has run out"))
		if _, err := k.Subjects.Erase(t.Context(), ada); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if _, err := s.store.Erase(t.Context(), ada); err != nil {
				t.Fatal(err)
			}
		}
		for s.step() {
		}
		if len(s.ways.got) != 2 {
			t.Fatalf("%d messages left, want the data and one notice", len(s.ways.got))
		}
		notice := string(s.ways.got[1].Body.Reveal())
		_, rest, _ := strings.Cut(sent, `"person":"`)
		pseudonym, _, _ := strings.Cut(rest, `"`)
		if !strings.Contains(notice, `"kind":"erase"`) || !strings.Contains(notice, pseudonym) {
			t.Errorf("the notice is %s, want it to name %s", notice, pseudonym)
		}
		all, err := s.store.SentTo(t.Context(), has, 10)
		if err != nil || all[0].Kind != disclose.EraseMessage && all[1].Kind != disclose.EraseMessage {
			t.Errorf("got %v, %v", all, err)
		}
	})
}

func (s *shop) agreement(of thimble.ID) thimble.ID {
	s.tb.Helper()
	all, err := s.store.Agreements(s.tb.Context(), of)
	s.must(err)
	return all[0].ID
}

func TestEachPersonHasAReceiptThatVerifiesAndTheAuditFindsNothing(t *testing.T) {
	holdertest.Each(t, func(t *testing.T, k *holdertest.Kernel) {
		s := newShop(t, k, disclosedb.Config{})
		to, _ := s.recipient(current)
		ada, eve := k.Person(t), k.Person(t)
		s.mustSend(to, ada, eve)
		_, err := k.Ledger.Integrate(t.Context())
		s.must(err)
		all, err := s.store.Of(t.Context(), ada, 10)
		s.must(err)
		r, opening, err := disclosedb.Open(t.Context(), own{k.Vault, ada}, all[0])
		s.must(err)
		receipt, err := k.Ledger.Receipt(t.Context(), opening)
		s.must(err)
		text, err := receipt.MarshalText()
		s.must(err)
		opened, err := ledger.Verify(text, k.Ledger.VerifierKey())
		if err != nil || opened.Class != ledger.Disclosure || r.Recipient.Name != "Parcels 1" || r.Subject != ada.String() {
			t.Errorf("got %v of %v, %v", opened.Class, r, err)
		}
		for c, err := range s.store.Claims(t.Context()) {
			if err != nil || c.Err != nil || c.Rule != "" || c.Opening.Check() != nil {
				t.Errorf("a claim of %s: %v, %v, %q", c.Table, err, c.Err, c.Rule)
			}
		}
	})
}

func TestASaleIsImpossibleWithoutAnAnswerToSelling(t *testing.T) {
	holdertest.Each(t, func(t *testing.T, k *holdertest.Kernel) {
		s := newShop(t, k, disclosedb.Config{})
		for _, act := range []string{"sale", "share"} {
			to, _ := s.recipient(strings.Replace(current, "act: process", "act: "+act, 1))
			r, err := s.send(to, k.Person(t))
			if err != nil || !r.Message.IsZero() || r.Refused != 1 {
				t.Errorf("%s without an answer: %+v, %v", act, r, err)
			}
		}
	})
}

func TestTwoAccountsOfOnePersonStayTwoToARecipient(t *testing.T) {
	holdertest.Each(t, func(t *testing.T, k *holdertest.Kernel) {
		s := newShop(t, k, disclosedb.Config{})
		to, _ := s.recipient(current)
		ada, eve := k.Person(t), k.Person(t)
		if _, err := k.Subjects.Join(t.Context(), ada, eve, subject.Evidence{Ground: subject.ByStaff, By: "ada"}); err != nil {
			t.Fatal(err)
		}
		s.mustSend(to, ada, eve)
		s.step()
		body := string(s.ways.got[0].Body.Reveal())
		words := map[string]bool{}
		for _, part := range strings.Split(body, `"person":"`)[1:] {
			word, _, _ := strings.Cut(part, `"`)
			words[word] = true
		}
		if len(words) != 2 {
			t.Errorf("%d pseudonyms for two accounts: the recipient learns that they are one", len(words))
		}
	})
}
