package disclosedb

import (
	"context"
	"encoding/json"
	"fmt"

	"thimble"
	"thimble/internal/disclose"
	"thimble/internal/sqldb"
)

// LastLetterTx queues a letter to somebody who is being erased, in the transaction that
// begins it: their address is still there, and the message names nobody. What is sealed is
// destroyed when the mail server has it, and when it could not be sent; in between it lies
// here for as long as the schedule tries. Without a mail server the error is of kind
// ErrUnavailable: such a letter is not kept for a page.
//
// It is owed (GDPR Art. 12(3)), so the gate is not asked: the person has just asked for the
// erasure that it tells of. The agreement is asked, as for all letters.
func (s *Store) LastLetterTx(ctx context.Context, tx *sqldb.Tx, l disclose.Letter) (thimble.ID, error) {
	m := Message{Recipient: MailServer, Kind: disclose.LastLetter, Purpose: thimble.LegalObligation, Fields: letterFields, MediaType: "message/rfc822", CreatedAt: s.now()}
	if s.cfg.Relay == nil {
		return m.ID, fmt.Errorf("disclose: no mail server is configured (smtp-url): %w", thimble.ErrUnavailable)
	}
	r, err := s.recipient(ctx, tx, MailServer)
	if err != nil {
		return m.ID, err
	}
	signed, err := inForce(ctx, tx, MailServer)
	if err != nil {
		return m.ID, err
	}
	var a *disclose.Agreement
	if signed != nil {
		a = &signed.Agreement
	}
	if no := a.Permits(r, disclose.Request{Purpose: m.Purpose, Fields: m.Fields}, s.now()); no != "" {
		return m.ID, &disclose.Refused{Why: no}
	}
	m.Agreement, m.Categories = signed.ID, a.Categories(m.Fields)
	if m.ID, err = thimble.NewID(nil); err == nil {
		m.Disclosure, err = thimble.NewID(nil)
	}
	if err != nil {
		return m.ID, err
	}
	body, err := json.Marshal(sealedLetter(l))
	if err != nil {
		return m.ID, err
	}
	if err := s.queueBareTx(ctx, tx, m, r, signed, body); err != nil {
		return m.ID, fmt.Errorf("disclose: queueing a last letter: %w", err)
	}
	s.hurry()
	return m.ID, nil
}

// lastLetter hands a last letter to the mail server. One that may not go now is not kept
// until it may.
func (s *Store) lastLetter(ctx context.Context, m Message, body []byte) (result, error) {
	var l disclose.SealedLetter
	if json.Unmarshal(body, &l) != nil { // the cause may quote it
		return result{}, fmt.Errorf("the letter cannot be read: %w", thimble.ErrInvalid)
	}
	if s.cfg.Relay == nil {
		return result{state: disclose.Cancelled, why: "no-mail-server"}, nil
	}
	return s.post(ctx, m, l), nil
}
