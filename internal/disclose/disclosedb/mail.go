package disclosedb

import (
	"context"
	"fmt"

	"thimble"
	"thimble/internal/disclose"
	"thimble/internal/disclose/wire"
	"thimble/internal/gate"
	"thimble/internal/sqldb"
)

// MailServer is the id of the built-in recipient that carries letters.
var MailServer = thimble.ID{'t', 'h', 'i', 'm', 'b', 'l', 'e', ' ', 'm', 'a', 'i', 'l'}

// The fields of a letter, as the built-in agreement names them.
const (
	AddressField = "address"
	TextField    = "letter"
	// ReasonField is a reason that a law has the person told, as it was written.
	ReasonField = "reason"
)

// Mail queues a letter to one person, with its leaf. The gate is asked as for any other
// disclosure; Purpose is one that the built-in agreement names. Without a mail server
// the error is of kind ErrUnavailable, unless letters are kept for a page.
func (s *Store) Mail(ctx context.Context, l disclose.Letter) error { return s.MailWith(ctx, l, nil) }

// Mails reports whether letters go anywhere: to a mail server, or to a page of the console.
func (s *Store) Mails() bool { return s.cfg.Relay != nil || s.cfg.KeepLetters }

// MailWith is Mail, and does something more in the transaction that queues the letter.
func (s *Store) MailWith(ctx context.Context, l disclose.Letter, also func(ctx context.Context, tx *sqldb.Tx, message thimble.ID) error) error {
	if s.cfg.Relay == nil && !s.cfg.KeepLetters {
		return fmt.Errorf("disclose: no mail server is configured (smtp-url): %w", thimble.ErrUnavailable)
	}
	if l.Fields == nil {
		l.Fields = letterFields
	}
	m, r, a, err := s.begin(ctx, Disclosure{Recipient: MailServer, Purpose: l.Purpose, Fields: l.Fields})
	if err != nil {
		return err
	}
	m.Kind, m.MediaType, m.AckWithin = disclose.LetterMessage, "message/rfc822", 0
	grants, err := s.ask(ctx, m, r, &a.Agreement, l.To)
	if err != nil {
		return fmt.Errorf("disclose: a letter: %w", err)
	}
	p := &person{who: l.To, grant: grants[0]}
	// Sealed under the person's key in the next step.
	p.part.Letter = sealedLetter(l)
	if err := s.commit(m, r, a, p); err != nil {
		return err
	}
	n, err := s.queuePeople(ctx, m, r, []*person{p}, func(ctx context.Context, tx *sqldb.Tx) error {
		if also == nil {
			return nil
		}
		return also(ctx, tx, m.ID)
	})
	if err == nil && n == 0 {
		err = fmt.Errorf("the person's choices have changed: %w", thimble.ErrDenied)
	}
	if err != nil {
		return fmt.Errorf("disclose: queueing a letter: %w", err)
	}
	s.hurry()
	return nil
}

// letter hands a letter to the mail server.
func (s *Store) letter(ctx context.Context, m Message, to going) (result, error) {
	l := to.part.Letter
	if l == nil {
		return result{}, fmt.Errorf("the letter is missing: %w", thimble.ErrInvalid)
	}
	if s.cfg.Relay == nil {
		if !s.cfg.KeepLetters {
			return result{state: disclose.Retrying, why: "no-mail-server"}, nil
		}
		return result{state: disclose.Delivered, why: keptHere}, nil
	}
	return s.post(ctx, m, *l), nil
}

// post hands a letter to the mail server.
func (s *Store) post(ctx context.Context, m Message, l disclose.SealedLetter) result {
	s.pause("sending")
	return judged(m, s.ways.Mail(ctx, *s.cfg.Relay, wire.Letter{
		ID: m.ID, Disclosure: m.Disclosure, From: s.cfg.From, To: thimble.Hide(l.To), Subject: thimble.Hide(l.Subject),
		Text: thimble.Hide(l.Text), HTML: thimble.Hide(l.HTML), Unsubscribe: thimble.Hide(l.Unsubscribe),
	}))
}

var letterFields = []string{AddressField, TextField}

// sealedLetter is a letter as it is sealed, until the mail server has it.
func sealedLetter(l disclose.Letter) *disclose.SealedLetter {
	// Each value is revealed to be sealed, until the mail server has it.
	return &disclose.SealedLetter{To: l.Address.Reveal(), Subject: l.Subject, Text: l.Text.Reveal(), HTML: l.HTML.Reveal(), Unsubscribe: l.Unsubscribe.Reveal()}
}

// KeepsLetters reports whether letters stay here for lack of a mail server.
func (s *Store) KeepsLetters() bool { return s.cfg.Relay == nil && s.cfg.KeepLetters }

// KeptLetters are the newest letters that stayed here for lack of a mail server, sealed.
func (s *Store) KeptLetters(ctx context.Context, limit int) ([]Disclosed, error) {
	if !s.KeepsLetters() {
		return nil, fmt.Errorf("disclose: letters are not kept here: %w", thimble.ErrNotFound)
	}
	return s.listed(ctx, `where m.kind = 'letter' and m.state = 'delivered' and p.part is not null order by p.at desc, p.message_id limit $1`, limit)
}

// OpenLetter opens a letter that stayed here.
func (s *Store) OpenLetter(ctx context.Context, g thimble.Grant, d Disclosed) (thimble.Personal[disclose.SealedLetter], error) {
	held, err := s.held(ctx, d.Message.ID)
	if err == nil && len(held) != 1 {
		err = fmt.Errorf("disclose: the letter is gone: %w", thimble.ErrNotFound)
	}
	if err != nil {
		return thimble.Personal[disclose.SealedLetter]{}, err
	}
	return openLetter(ctx, g, d.Message, held[0])
}

// Waits reports whether any messages are not settled, for tests and shutdown.
func (s *Store) Waits(ctx context.Context) (n int, err error) {
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		return tx.QueryRow(ctx, `select count(*) from disclose_messages where state in ('queued', 'sending', 'retrying')`).Scan(&n)
	})
	return n, err
}

var _ Gate = (*gate.Gate)(nil)

// LetterTo is whom a letter is for; zero for a last letter, and for one that was sent and is
// kept no more.
func (s *Store) LetterTo(ctx context.Context, id thimble.ID) (who thimble.SubjectID, err error) {
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		all, err := sqldb.Column[thimble.SubjectID](ctx, tx, `select subject_id from disclose_people where message_id = $1 and subject_id is not null`, id)
		if len(all) == 1 {
			who = all[0]
		}
		return err
	})
	if err != nil {
		return who, fmt.Errorf("disclose: whom a letter is for: %w", err)
	}
	return who, nil
}

// DropLetter takes a letter out of the outbox that need not be sent any more. One that is
// being sent, or was, stays as it is.
func (s *Store) DropLetter(ctx context.Context, id thimble.ID) error {
	err := s.db.Write(ctx, func(tx *sqldb.Tx) error {
		n, err := tx.Exec(ctx, `update disclose_messages set state = 'cancelled', why = 'not-owed-any-more' where id = $1 and state in ('queued', 'retrying', 'blocked')`, id)
		if err != nil || n == 0 {
			return err
		}
		return s.settlePeople(ctx, tx, Message{ID: id, Kind: disclose.LetterMessage}, result{state: disclose.Cancelled})
	})
	if err != nil {
		return fmt.Errorf("disclose: dropping %s: %w", id.Token(disclose.MessagePrefix), err)
	}
	return nil
}
