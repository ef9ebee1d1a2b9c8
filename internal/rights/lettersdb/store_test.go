package lettersdb_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"thimble"
	"thimble/internal/disclose"
	"thimble/internal/disclose/disclosedb"
	"thimble/internal/holdertest"
	"thimble/internal/policy"
	"thimble/internal/rights/cases"
	"thimble/internal/rights/casesdb"
	"thimble/internal/rights/letters"
	"thimble/internal/rights/lettersdb"
	"thimble/internal/rights/rightsdb"
	"thimble/internal/sqldb"
)

// A desk has cases, the letters about them, and an outbox that says what a test wants said.
type desk struct {
	*holdertest.Kernel
	t       *testing.T
	ahead   time.Duration // of the kernel's clock
	letters *lettersdb.Store
	cases   *casesdb.Store
	runner  lettersdb.Runner
	last    lettersdb.Last
	people  map[thimble.SubjectID][]thimble.SubjectID // who is one person with whom
	gone    []thimble.SubjectID

	// The outbox.
	up   bool
	full error
	sent []disclose.Letter
	said map[thimble.ID]disclosedb.Message
	to   map[thimble.ID]thimble.SubjectID
}

func each(t *testing.T, f func(*testing.T, *desk)) {
	t.Helper()
	holdertest.Each(t, func(t *testing.T, k *holdertest.Kernel) {
		d := &desk{Kernel: k, t: t, people: map[thimble.SubjectID][]thimble.SubjectID{}, up: true, said: map[thimble.ID]disclosedb.Message{}, to: map[thimble.ID]thimble.SubjectID{}}
		d.letters = lettersdb.New(k.Core, d.now, func(ctx context.Context, tx *sqldb.Tx, c cases.Case, e cases.Event) ([]thimble.ID, letters.Why, error) {
			return d.last(ctx, tx, c, e)
		})
		month := func(_ cases.Kind, _ bool, from time.Time, _ policy.History) (cases.Due, error) {
			return cases.Due{By: from.AddDate(0, 1, 0), Rule: "a month"}, nil
		}
		d.cases = casesdb.New(k.Core, casesdb.Parts{Ledger: k.Ledger, Vault: k.Vault, Subjects: k.Subjects, Requests: rightsdb.New(k.Core, k.Ledger, k.Subjects, d.now), Letters: d.letters}, casesdb.Config{
			Now: d.now, Dates: func(context.Context, *sqldb.Tx, thimble.SubjectID, time.Time) (cases.Dates, error) { return month, nil },
			Confirms: func(context.Context, *sqldb.Tx, thimble.SubjectID, cases.Kind, time.Time) (cases.Receipt, error) {
				return cases.Receipt{}, nil
			},
			Mailed: func(context.Context, *sqldb.Tx, thimble.SubjectID) (time.Time, error) { return time.Time{}, nil },
		})
		d.runner = lettersdb.Runner{Store: d.letters, Cases: d.cases, Outbox: d, Addresses: d.addresses, Members: d.members, Facts: letters.Facts{Shop: "the shop", Centre: "https://shop.example/privacy"}}
		f(t, d)
	})
}

func (d *desk) now() time.Time { return d.Now().Add(d.ahead) }

func (d *desk) members(_ context.Context, who thimble.SubjectID) ([]thimble.SubjectID, error) {
	if all := d.people[who]; len(all) > 0 {
		return all, nil
	}
	return []thimble.SubjectID{who}, nil
}

func (d *desk) addresses(_ context.Context, who thimble.SubjectID) (thimble.Grant, []thimble.Personal[string], error) {
	if slices.Contains(d.gone, who) {
		return nil, nil, thimble.ErrNotFound
	}
	return nil, []thimble.Personal[string]{thimble.Hide(who.String() + "@example.org")}, nil
}

// Mails, MailWith, Message, LetterTo and DropLetter make the desk an outbox.
func (d *desk) Mails() bool { return d.up }

func (d *desk) MailWith(ctx context.Context, l disclose.Letter, also func(context.Context, *sqldb.Tx, thimble.ID) error) error {
	if d.full != nil {
		return d.full
	}
	id, err := thimble.NewID(nil)
	if err == nil {
		err = d.Core.Write(ctx, func(tx *sqldb.Tx) error { return also(ctx, tx, id) })
	}
	if err == nil {
		d.sent, d.said[id], d.to[id] = append(d.sent, l), disclosedb.Message{ID: id, State: disclose.Queued}, l.To
	}
	return err
}

func (d *desk) Message(_ context.Context, id thimble.ID) (disclosedb.Message, error) {
	return d.said[id], nil
}

func (d *desk) LetterTo(_ context.Context, id thimble.ID) (thimble.SubjectID, error) {
	return d.to[id], nil
}

func (d *desk) DropLetter(_ context.Context, id thimble.ID) error {
	m := d.said[id]
	m.State = disclose.Cancelled
	d.said[id] = m
	return nil
}

// delivers has the outbox say of all messages what became of them.
func (d *desk) delivers(s disclose.State, why string) {
	for id := range d.said {
		if d.said[id].State == disclose.Queued {
			d.said[id] = disclosedb.Message{ID: id, State: s, Why: why, SentAt: d.now()}
		}
	}
}

func (d *desk) must(err error) {
	d.t.Helper()
	if err != nil {
		d.t.Fatal(err)
	}
}

// asks opens a request to no longer have data sold, which nobody has to prove who they are for.
func (d *desk) asks(who thimble.SubjectID, via cases.Via, k cases.Kind) cases.Case {
	d.t.Helper()
	c, err := d.cases.Open(d.t.Context(), asked(who, via, k))
	d.must(err)
	return c
}

func asked(who thimble.SubjectID, via cases.Via, k cases.Kind) casesdb.Asked {
	a := casesdb.Asked{Subject: who, Kind: k, Via: via, By: cases.TheStaff, Staff: "zoe", Words: thimble.Hide("")}
	if via == cases.Centre {
		a.By, a.Staff, a.Proof = cases.ThePerson, "", cases.Session
	}
	return a
}

// runs does what is due so much later, and returns the letters about cases as words.
func (d *desk) runs(later time.Duration, about ...cases.Case) (all []string) {
	d.t.Helper()
	d.ahead += later
	d.must(d.runner.Run(d.t.Context()))
	return d.of(about...)
}

func (d *desk) of(about ...cases.Case) (all []string) {
	d.t.Helper()
	for _, c := range about {
		some, err := d.letters.Of(d.t.Context(), c.ID)
		d.must(err)
		text := ""
		for _, l := range some {
			text += fmt.Sprintf("%s %s %s;", l.Kind, l.State, l.Why)
		}
		all = append(all, text)
	}
	return all
}

func (d *desk) want(when string, got []string, want ...string) {
	d.t.Helper()
	if !slices.Equal(got, want) {
		d.t.Errorf("%s: the letters are %q, want %q", when, got, want)
	}
}

func TestAStepAndItsLetterAreKeptTogetherOrNotAtAll(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		ctx, ada := t.Context(), d.Person(t)
		c := d.asks(ada, cases.Phone, cases.Sale)
		d.want("a step that owes one", d.of(c), "received owed ;")
		d.want("a step whose person saw it", d.of(d.asks(ada, cases.Centre, cases.Port)), "")

		var half cases.Case
		bob := d.Person(t)
		err := d.Core.Write(ctx, func(tx *sqldb.Tx) (err error) {
			if half, err = d.cases.OpenTx(ctx, tx, asked(bob, cases.Phone, cases.Sale)); err == nil {
				err = context.Canceled
			}
			return err
		})
		if !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		d.want("a step that was not kept", d.of(half), "")
		if _, err := d.cases.Get(ctx, half.ID); !errors.Is(err, thimble.ErrNotFound) {
			t.Errorf("the case of that step: %v, want none", err)
		}

		// A step owes one letter: to owe it again is refused, and takes all with it.
		other := d.Person(t)
		err = d.Core.Write(ctx, func(tx *sqldb.Tx) (err error) {
			if half, err = d.cases.OpenTx(ctx, tx, asked(other, cases.Phone, cases.Sale)); err == nil {
				err = d.letters.OweTx(ctx, tx, half, cases.Event{What: cases.Opened, By: cases.TheStaff})
			}
			return err
		})
		if _, got := d.cases.Get(ctx, half.ID); !errors.Is(err, thimble.ErrConflict) || !errors.Is(got, thimble.ErrNotFound) {
			t.Errorf("a letter that is owed twice: %v, and its case: %v", err, got)
		}
	})
}

func TestToOweALetterCostsTheSameForSomebodyAndForNobody(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		counts, kept := map[int64]bool{}, map[string]bool{}
		for _, who := range []thimble.SubjectID{d.Person(t), {}} {
			id, err := thimble.NewID(nil)
			d.must(err)
			c := cases.Case{ID: id, Subject: who, Kind: cases.Sale, Via: cases.System, Steps: 1}
			c.Last = d.now()
			ctx, n := sqldb.Counted(t.Context())
			d.must(d.Core.Write(ctx, func(tx *sqldb.Tx) error {
				n.Store(0)
				return d.letters.OweTx(ctx, tx, c, cases.Event{What: cases.Opened, By: cases.TheProgram})
			}))
			counts[n.Load()], kept[d.of(c)[0]] = true, true
		}
		if len(counts) != 1 || !counts[1] || len(kept) != 1 || !kept["received owed ;"] {
			t.Errorf("statements %v, letters %v: want one of each, and the same", counts, kept)
		}
	})
}

func TestWhatOthersPassOnIsWrittenAboutOnceADayToAPersonOfTwoSubjects(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		ada, too := d.Person(t), d.Person(t)
		d.people[ada] = []thimble.SubjectID{ada, too}
		d.people[too] = d.people[ada]
		first := d.asks(ada, cases.System, cases.Sale)
		d.ahead += time.Second
		second := d.asks(too, cases.System, cases.Sale)
		d.want("the first day", d.runs(time.Minute, first, second), "received queued ;", "received owed just-sent;")
		d.want("while one is on its way", d.runs(letters.Again, first, second), "received queued ;", "received owed just-sent;")
		d.delivers(disclose.Delivered, "")
		d.want("when it was sent", d.runs(time.Minute, first, second), "received sent ;", "received owed just-sent;")
		d.want("an hour later", d.runs(letters.Again+time.Minute, first, second), "received sent ;", "received owed just-sent;")
		d.want("somebody else on that day", d.runs(0, d.asks(d.Person(t), cases.System, cases.Sale)), "received queued ;")
		d.want("what staff entered on that day", d.runs(0, d.asks(too, cases.Phone, cases.ShareAds)), "received queued ;")
		d.want("the next day", d.runs(letters.Rest, first, second), "received sent ;", "received queued ;")
		if len(d.sent) != 4 {
			t.Errorf("%d letters were sent, want 4", len(d.sent))
		}
		d.delivers(disclose.Delivered, "")
		late := d.asks(ada, cases.System, cases.ShareAds)
		for range 4 { // each day another comes before it
			d.runs(time.Minute)
			d.must(d.Core.Write(t.Context(), func(tx *sqldb.Tx) error {
				_, err := tx.Exec(t.Context(), `update letters_letters set sent_at = $1 where state = 'sent' and case_id = $2`, d.now().UnixMicro(), second.ID)
				return err
			}))
			d.runs(letters.Rest - time.Hour)
		}
		d.want("after three days in which others were first", d.runs(0, late), "received spared just-sent;")
	})
}

func TestALetterIsTriedForThreeDaysAndThenOfferedToStaff(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		ctx := t.Context()
		d.up = false
		c := d.asks(d.Person(t), cases.Phone, cases.Sale)
		d.want("without a mail server", d.runs(0, c), "received owed no-mail-server;")
		d.up, d.full = true, fmt.Errorf("the outbox: %w", thimble.ErrUnavailable)
		d.want("before its hour is over", d.runs(letters.Again/2, c), "received owed no-mail-server;")
		d.want("with an outbox that takes nothing", d.runs(letters.Again, c), "received owed no-mail-server;")
		d.full = fmt.Errorf("the gate: %w", thimble.ErrDenied)
		d.want("when the gate says no", d.runs(letters.Again, c), "received owed not-opened;")
		if err := d.letters.Again(ctx, c.ID, 1); !errors.Is(err, thimble.ErrConflict) {
			t.Errorf("one that is still tried is written anew: %v", err)
		}
		d.want("after three days", d.runs(letters.Patience, c), "received unsent not-opened;")
		d.want("for good", d.runs(letters.Patience, c), "received unsent not-opened;")

		d.full = nil
		d.must(d.letters.Again(ctx, c.ID, 1))
		d.want("written anew", d.runs(0, c), "received queued ;")
		d.delivers(disclose.Dead, "no-such-mailbox")
		d.want("when the outbox gave up", d.runs(time.Minute, c), "received unsent no-such-mailbox;")

		d.must(d.letters.Again(ctx, c.ID, 1))
		d.runs(0)
		d.delivers(disclose.Delivered, "")
		d.want("when the mail server has it", d.runs(time.Minute, c), "received sent ;")
		if got, err := d.cases.Get(ctx, c.ID); err != nil || got.Receipt.At.IsZero() {
			t.Errorf("the request is confirmed at %v, %v", got.Receipt.At, err)
		}
		if err := d.letters.Again(ctx, c.ID, 1); !errors.Is(err, thimble.ErrConflict) {
			t.Errorf("one that was sent is written anew: %v", err)
		}
	})
}

func TestTheLastLetterIsQueuedAsTheErasureBeginsAndNobodyIsWrittenToAfterIt(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		ctx, ada := t.Context(), d.Person(t)
		waits := d.asks(ada, cases.Phone, cases.Sale)
		erase := func(who thimble.SubjectID) cases.Case {
			a := asked(who, cases.Phone, cases.Erase)
			a.Proof = cases.Session
			c, err := d.cases.Open(ctx, a)
			d.must(err)
			return c
		}
		c := erase(ada)
		d.last = func(context.Context, *sqldb.Tx, cases.Case, cases.Event) ([]thimble.ID, letters.Why, error) {
			return nil, "", thimble.ErrUnavailable
		}
		if _, err := d.cases.Accept(ctx, c.ID, cases.TheStaff, "zoe"); !errors.Is(err, thimble.ErrUnavailable) {
			t.Fatalf("the last letter cannot be queued, and the answer is %v", err)
		}
		if got, err := d.cases.Get(ctx, c.ID); err != nil || got.State != cases.Received {
			t.Errorf("an erasure whose last letter cannot be queued is %s, %v", got.State, err)
		}
		message, err := thimble.NewID(nil)
		d.must(err)
		d.said[message] = disclosedb.Message{ID: message, State: disclose.Queued}
		d.last = func(_ context.Context, _ *sqldb.Tx, of cases.Case, e cases.Event) ([]thimble.ID, letters.Why, error) {
			if of.Subject != ada || e.What != cases.Accepted {
				t.Errorf("the last letter is asked for of %v at %s", of.Subject == ada, e.What)
			}
			return []thimble.ID{message}, "", nil
		}
		_, err = d.cases.Accept(ctx, c.ID, cases.TheStaff, "zoe")
		d.must(err)
		d.gone = append(d.gone, ada)
		d.want("as it begins", d.of(c), "received owed ;farewell queued ;")
		d.want("who is gone", d.runs(0, waits, c), "received spared nobody;", "received spared nobody;farewell queued ;")
		d.delivers(disclose.Delivered, "")
		d.want("when the mail server has it", d.runs(time.Minute, c), "received spared nobody;farewell sent ;")
		if len(d.sent) != 0 {
			t.Errorf("%d letters went to somebody who is gone", len(d.sent))
		}

		// Who has no address gets none, and nobody can write it later: the address is gone.
		d.last = func(context.Context, *sqldb.Tx, cases.Case, cases.Event) ([]thimble.ID, letters.Why, error) {
			return nil, letters.NoAddress, nil
		}
		mute := erase(d.Person(t))
		mute, err = d.cases.Accept(ctx, mute.ID, cases.TheStaff, "zoe")
		d.must(err)
		d.want("without an address", d.of(mute), "received owed ;farewell unsent no-address;")
		if err := d.letters.Again(ctx, mute.ID, mute.Steps); !errors.Is(err, thimble.ErrConflict) {
			t.Errorf("a last letter is written anew: %v", err)
		}
		// Of nobody there is nobody to write to.
		d.want("a request of nobody", d.runs(0, d.asks(thimble.SubjectID{}, cases.System, cases.Sale)), "received spared nobody;")
	})
}
