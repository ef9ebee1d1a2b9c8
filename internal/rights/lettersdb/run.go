package lettersdb

import (
	"context"
	"errors"
	"slices"
	"time"

	"thimble"
	"thimble/internal/disclose"
	"thimble/internal/disclose/disclosedb"
	"thimble/internal/rights/cases"
	"thimble/internal/rights/casesdb"
	"thimble/internal/rights/letters"
	"thimble/internal/sqldb"
)

// Cases are what letters are about; *casesdb.Store keeps them.
type Cases interface {
	Get(ctx context.Context, id thimble.ID) (cases.Case, error)
	Steps(ctx context.Context, id thimble.ID) ([]casesdb.Kept, error)
	Confirmed(ctx context.Context, id thimble.ID, at time.Time) error
	Offered(ctx context.Context, id thimble.ID) error
}

// An Outbox sends letters; *disclosedb.Store does.
type Outbox interface {
	Mails() bool
	MailWith(ctx context.Context, l disclose.Letter, also func(ctx context.Context, tx *sqldb.Tx, message thimble.ID) error) error
	Message(ctx context.Context, id thimble.ID) (disclosedb.Message, error)
	// LetterTo is whom a letter in it is for; zero for a last letter, and for one that was sent
	// and is kept no more.
	LetterTo(ctx context.Context, id thimble.ID) (thimble.SubjectID, error)
	// DropLetter takes a letter out of it that was not sent yet.
	DropLetter(ctx context.Context, id thimble.ID) error
}

// Addresses opens the e-mail addresses of a person, the oldest first, with the grant that
// opened them. The error is of kind ErrDenied when the gate does not.
type Addresses func(ctx context.Context, who thimble.SubjectID) (thimble.Grant, []thimble.Personal[string], error)

// A Runner writes the letters that are owed, and notes what became of them.
type Runner struct {
	Store     *Store
	Cases     Cases
	Outbox    Outbox
	Addresses Addresses
	// Members are the subjects of a person.
	Members func(ctx context.Context, who thimble.SubjectID) ([]thimble.SubjectID, error)
	// Guardians are those who answer for a person now, and whom letters about a child's
	// requests go to ([letters.Readers]); nil for nobody.
	Guardians func(ctx context.Context, child thimble.SubjectID) ([]thimble.SubjectID, error)
	// Facts are what all letters say of the shop.
	Facts letters.Facts
}

// atOnce bounds how many letters are looked at in one go; the others in the next.
const atOnce = 200

// Run does what is due. A letter that fails stops no other.
func (r Runner) Run(ctx context.Context) (failed error) {
	all, err := r.Store.due(ctx, atOnce)
	if err != nil {
		return err
	}
	for _, e := range all {
		if e.State == letters.Queued {
			err = r.follow(ctx, e)
		} else {
			err = r.write(ctx, e)
		}
		if err != nil && ctx.Err() == nil {
			err = errors.Join(err, r.waits(ctx, e, e.Why)) // the others come first
		}
		failed = errors.Join(failed, err)
	}
	return failed
}

// ends closes a letter that is not sent. What one address may have by now is followed.
func (r Runner) ends(ctx context.Context, e Entry, s letters.State, why letters.Why) error {
	if e.State, e.Why = s, why; len(e.Messages) > 0 {
		e.State, e.Why = letters.Queued, ""
	}
	return r.Store.settle(ctx, e, r.Store.now())
}

// waits has a letter looked at again. One that is still to be written is given up when it is
// too old to say anything; of one on its way the outbox knows.
func (r Runner) waits(ctx context.Context, e Entry, why letters.Why) error {
	now := r.Store.now()
	if e.State == letters.Owed && now.Sub(e.At) >= letters.Patience {
		return r.ends(ctx, e, letters.Unsent, why)
	}
	e.Why = why
	return r.Store.settle(ctx, e, now.Add(letters.Again))
}

func (r Runner) write(ctx context.Context, e Entry) error {
	c, err := r.Cases.Get(ctx, e.Case)
	if err != nil {
		return err
	}
	if len(e.Messages) > 0 { // some addresses have it already, or will
		if _, err := r.beside(ctx, e); err != nil {
			return err
		}
	}
	switch why, err := r.spared(ctx, e, c); {
	case err != nil:
		return err
	case why != "":
		return r.ends(ctx, e, letters.Spared, why)
	case !r.Outbox.Mails():
		return r.waits(ctx, e, letters.NoServer)
	}
	if rests, err := r.rests(ctx, e, c); rests || err != nil {
		return err
	}
	grant, to, err := r.readers(ctx, c, e.Kind)
	switch {
	case errors.Is(err, thimble.ErrNotFound):
		return r.ends(ctx, e, letters.Spared, letters.Nobody)
	case errors.Is(err, thimble.ErrDenied):
		return r.waits(ctx, e, letters.Denied)
	case err != nil:
		return err
	case len(to) == 0:
		return r.ends(ctx, e, letters.Unsent, letters.NoAddress)
	}
	f, err := r.facts(ctx, grant, c, e)
	if err != nil {
		return err
	}
	return r.queue(ctx, e, f, to)
}

// spared says why a letter need not be sent; empty for one that is owed.
func (r Runner) spared(ctx context.Context, e Entry, c cases.Case) (letters.Why, error) {
	switch {
	case c.Subject.IsZero():
		return letters.Nobody, nil
	case e.Kind.Overtaken(c):
		return letters.Overtaken, nil
	case e.Kind == letters.Lapsed && c.Proof == "":
		if unasked, err := r.Store.unasked(ctx, e.Case); unasked || err != nil {
			return letters.Unasked, err
		}
	}
	return "", nil
}

// rests puts a letter off while its person has got enough of the sort, and reports whether it
// did. The question whether it was them is asked as long as it is open; what only tells of
// something is given up when it is old.
func (r Runner) rests(ctx context.Context, e Entry, c cases.Case) (bool, error) {
	if !e.Kind.Limited(c) || len(e.Messages) > 0 {
		return false, nil
	}
	members, err := r.Members(ctx, c.Subject)
	if err != nil {
		return false, err
	}
	until, err := r.Store.rests(ctx, e, members)
	if err != nil || until.IsZero() {
		return false, err
	}
	if e.Kind != letters.Identity && r.Store.now().Sub(e.At) >= letters.Patience {
		return true, r.ends(ctx, e, letters.Spared, letters.JustSent)
	}
	e.Why = letters.JustSent
	return true, r.Store.settle(ctx, e, until)
}

// facts are what a letter is written from: the step that owes it, and what was written there.
func (r Runner) facts(ctx context.Context, g thimble.Grant, c cases.Case, e Entry) (letters.Facts, error) {
	steps, err := r.Cases.Steps(ctx, c.ID)
	at := slices.IndexFunc(steps, func(k casesdb.Kept) bool { return k.N == e.Step })
	if err == nil && at < 0 {
		err = thimble.ErrNotFound
	}
	if err != nil {
		return letters.Facts{}, err
	}
	f := r.Facts
	f.Case, f.Step = c, steps[at].Step
	answer, err := r.guardians(ctx, c)
	f.Guarded = len(answer) > 0
	if err != nil {
		return f, err
	}
	if e.Kind.HasReason() {
		f.Reason, err = casesdb.WordsOf(ctx, g, steps[at])
	}
	return f, err
}

// queue hands a letter to the outbox, once for each address. One that it does not take now
// is offered again, to the addresses that are left.
func (r Runner) queue(ctx context.Context, e Entry, f letters.Facts, all []reader) error {
	fields := []string{disclosedb.AddressField, disclosedb.TextField}
	queuedFor, err := r.queued(ctx, e)
	if err != nil {
		return err
	}
	for _, to := range all {
		if queuedFor[to.who] > 0 { // its addresses are always in one order
			queuedFor[to.who]--
			continue
		}
		f.Guardian = to.guardian
		text := letters.Write(e.Kind, f)
		l := disclose.Letter{To: to.who, Address: to.address, Purpose: thimble.LegalObligation, Fields: fields, Subject: text.Subject, Text: text.Body}
		if e.Kind.HasReason() && !to.guardian {
			l.Fields = append(fields[:len(fields):len(fields)], disclosedb.ReasonField)
		}
		var queued thimble.ID
		err := r.Outbox.MailWith(ctx, l, func(ctx context.Context, tx *sqldb.Tx, message thimble.ID) error {
			queued = message
			return r.Store.queuedTx(ctx, tx, e, message)
		})
		switch {
		case errors.Is(err, errTaken):
			return nil
		case errors.Is(err, thimble.ErrNotFound) && !to.guardian:
			return r.ends(ctx, e, letters.Spared, letters.Nobody)
		case to.guardian && (errors.Is(err, thimble.ErrDenied) || errors.Is(err, thimble.ErrNotFound)):
			continue // it keeps it from nobody else
		case errors.Is(err, thimble.ErrDenied):
			return r.waits(ctx, e, letters.Denied)
		case errors.Is(err, thimble.ErrUnavailable):
			return r.waits(ctx, e, letters.NoServer)
		case err != nil:
			return err
		}
		e.Messages = append(e.Messages, queued)
	}
	if len(e.Messages) == 0 {
		return r.waits(ctx, e, letters.Denied)
	}
	e.State, e.Why = letters.Queued, ""
	return r.Store.settle(ctx, e, r.Store.now())
}

// follow notes what the outbox did with a letter: it is sent once one address has it that it
// was owed to.
func (r Runner) follow(ctx context.Context, e Entry) error {
	open := false
	beside, err := r.beside(ctx, e)
	if err != nil {
		return err
	}
	for _, id := range e.Messages {
		m, err := r.Outbox.Message(ctx, id)
		if err != nil {
			return err
		}
		owed := !slices.Contains(beside.none, id)
		switch m.State {
		case disclose.Delivered, disclose.Acknowledged:
			switch {
			case owed && (e.State != letters.Sent || m.SentAt.Before(e.Sent)):
				e.State, e.Why, e.Sent = letters.Sent, letters.Why(m.Why), m.SentAt
			case !owed && e.Sent.IsZero():
				e.Sent = m.SentAt // somebody has it, which counts against what they get
			}
		case disclose.Queued, disclose.Sending, disclose.Retrying, disclose.Blocked:
			open = true
		default:
			if e.State != letters.Sent {
				e.Why = letters.Why(m.Why)
			}
		}
		if open && e.State != letters.Sent {
			e.Why = letters.Why(m.Why)
		}
	}
	switch {
	case e.State == letters.Sent && e.Why == letters.KeptHere:
		// It lies here: nobody was told anything.
	case e.State == letters.Sent:
		if err := r.told(ctx, e); err != nil {
			return err
		}
		if open && beside.some {
			e.State = letters.Queued // whom the others answer for may change while it is on its way
		}
	case !open:
		e.State = letters.Unsent
		if len(beside.none) == len(e.Messages) && e.Why == "" {
			e.Why = letters.NoAddress // those whom it is owed to have none
		}
	}
	return r.Store.settle(ctx, e, r.Store.now().Add(followEvery))
}

// told notes that who asked was told. Each letter names its request: whoever has one knows
// that it came.
func (r Runner) told(ctx context.Context, e Entry) error {
	if err := r.Cases.Confirmed(ctx, e.Case, e.Sent); err != nil || e.Kind != letters.Ready {
		return err
	}
	return r.Cases.Offered(ctx, e.Case)
}
