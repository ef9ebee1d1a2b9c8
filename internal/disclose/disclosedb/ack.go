package disclosedb

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"thimble"
	"thimble/internal/disclose"
	"thimble/internal/disclose/wire"
	"thimble/internal/sqldb"
)

// Acknowledge takes a recipient's signed confirmation of a message, such as comes in at
// the address for confirmations. A second one changes nothing. Whatever is wrong with
// the signature, the recipient or the message is of kind ErrDenied, without saying which.
func (s *Store) Acknowledge(ctx context.Context, recipient thimble.ID, head http.Header, body []byte) error {
	key, err := s.signingKey(ctx, recipient)
	if errors.Is(err, thimble.ErrUnavailable) {
		return err // it is to be said again
	}
	if err == nil {
		_, err = wire.Verify(head, body, s.now(), key)
	}
	var said disclose.Acknowledgement
	var id thimble.ID
	if err == nil {
		err = json.Unmarshal(body, &said)
	}
	if err == nil {
		id, err = thimble.ParseID(disclose.MessagePrefix, said.Acknowledged)
	}
	if err != nil {
		return fmt.Errorf("disclose: a confirmation was not taken: %w", thimble.ErrDenied)
	}
	return s.acknowledge(ctx, recipient, id)
}

func (s *Store) acknowledge(ctx context.Context, recipient, id thimble.ID) error {
	err := s.db.Write(ctx, func(tx *sqldb.Tx) error {
		now := s.now().UnixMicro()
		// A recipient may confirm what we have not heard of yet: its answer was lost. What
		// no try has begun to send it cannot have.
		n, err := tx.Exec(ctx, `update disclose_messages set state = 'acknowledged', why = '', acked_at = $3, sent_at = case when sent_at = 0 then $3 else sent_at end
			where id = $1 and recipient_id = $2 and tries > 0 and state in ('sending', 'retrying', 'blocked', 'delivered', 'overdue', 'dead')`, id, recipient, now)
		if err != nil {
			return err
		}
		if n == 0 {
			var known int
			if err := tx.QueryRow(ctx, `select count(*) from disclose_messages where id = $1 and recipient_id = $2 and state = 'acknowledged'`, id, recipient).Scan(&known); err != nil || known == 1 {
				return err
			}
			return thimble.ErrDenied
		}
		if _, err := tx.Exec(ctx, `update disclose_people set state = 'sent' where message_id = $1 and state in ('going', 'maybe-sent')`, id); err != nil {
			return err
		}
		return destroy(ctx, tx, id)
	})
	if err != nil {
		return fmt.Errorf("disclose: confirming %s: %w", id.Token(disclose.MessagePrefix), err)
	}
	return nil
}
