package app_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"thimble"
	"thimble/internal/disclose"
	"thimble/internal/disclose/disclosedb"
	"thimble/internal/rights/cases"
	"thimble/internal/rights/casesdb"
	"thimble/internal/rights/letters"
	"thimble/internal/rights/lettersdb"
	"thimble/internal/sqldb"
)

// A halfway outbox takes one letter and no other, and says of it what a test wants said.
type halfway struct {
	lettersdb.Outbox
	taken int
	says  func(disclosedb.Message, error) (disclosedb.Message, error)
}

func (h *halfway) MailWith(ctx context.Context, l disclose.Letter, also func(context.Context, *sqldb.Tx, thimble.ID) error) error {
	if h.taken++; h.taken > 1 {
		return fmt.Errorf("no mail server: %w", thimble.ErrUnavailable)
	}
	return h.Outbox.MailWith(ctx, l, also)
}

func (h *halfway) Message(ctx context.Context, id thimble.ID) (disclosedb.Message, error) {
	return h.says(h.Outbox.Message(ctx, id))
}

func TestWhatOneAddressHasIsFollowedWhateverBecomesOfTheOthers(t *testing.T) {
	s := writes(t)
	ada := s.Subject("ada")
	outbox := &halfway{Outbox: s.Disclose}
	r := lettersdb.Runner{Store: s.Letters, Cases: s.Cases, Outbox: outbox, Addresses: func(context.Context, thimble.SubjectID) (thimble.Grant, []thimble.Personal[string], error) {
		return nil, []thimble.Personal[string]{thimble.Hide("ada@example.org"), thimble.Hide("ada@work.example")}, nil
	}}
	c := s.asks(casesdb.Asked{Subject: ada, Kind: cases.Sale, Via: cases.Phone, By: cases.TheStaff, Staff: "zoe"})
	state := func(as disclose.State, why string, err error) func(disclosedb.Message, error) (disclosedb.Message, error) {
		return func(m disclosedb.Message, _ error) (disclosedb.Message, error) {
			m.State, m.Why = as, why
			return m, err
		}
	}
	for _, step := range []struct {
		later time.Duration
		says  func(disclosedb.Message, error) (disclosedb.Message, error)
		fails bool
		want  string
	}{
		{0, nil, false, "received owed no-mail-server"}, // one address has it
		{letters.Patience, nil, false, "received queued"},
		{time.Minute, state("", "", thimble.ErrUnavailable), true, "received queued"},
		{letters.Again + time.Minute, state(disclose.Blocked, "suspended", nil), false, "received queued suspended"},
		{time.Minute, state(disclose.Delivered, "kept-here", nil), false, "received sent kept-here"},
	} {
		s.later(step.later)
		outbox.says = step.says
		if err := r.Run(t.Context()); (err != nil) != step.fails {
			t.Fatalf("before %q: %v", step.want, err)
		}
		if got := s.of(c); len(got) != 1 || got[0] != step.want {
			t.Errorf("%v, want %s", got, step.want)
		}
	}
	if c, err := s.Cases.Get(t.Context(), c.ID); err != nil || !c.Receipt.At.IsZero() {
		t.Errorf("a letter that stayed here confirmed it at %s, %v", c.Receipt.At, err)
	}
	// Of two that write the same letter at once, one does.
	c = s.asks(casesdb.Asked{Subject: ada, Kind: cases.ShareAds, Via: cases.Phone, By: cases.TheStaff, Staff: "zoe"})
	before := s.waiting()
	other := r
	other.Outbox = s.Disclose
	r.Outbox = &overtaken{Outbox: s.Disclose, by: other}
	if err := r.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := s.of(c); got[0] != "received queued" || s.waiting() != before+2 {
		t.Errorf("%v, with %d messages for two addresses", got, s.waiting()-before)
	}
}

// An overtaken outbox lets somebody else go first.
type overtaken struct {
	lettersdb.Outbox
	by   lettersdb.Runner
	once sync.Once
}

func (o *overtaken) MailWith(ctx context.Context, l disclose.Letter, also func(context.Context, *sqldb.Tx, thimble.ID) error) (err error) {
	if o.once.Do(func() { err = o.by.Run(ctx) }); err != nil {
		return err
	}
	return o.Outbox.MailWith(ctx, l, also)
}

// waiting is how many messages the outbox has still to send.
func (w *writer) waiting() int {
	w.t.Helper()
	n, err := w.Disclose.Waits(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	return n
}
