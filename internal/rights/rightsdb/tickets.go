package rightsdb

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"iter"
	"time"

	"thimble"
	"thimble/internal/sqldb"
)

// ticketsAtOnce bounds how many tickets somebody may hold: who asks for more loses the oldest.
const ticketsAtOnce = 5

// Issue keeps the digest of a ticket with which a person takes everything along, once, until
// an instant.
func (s *Store) Issue(ctx context.Context, who thimble.SubjectID, digest [sha256.Size]byte, until time.Time) error {
	err := s.db.Write(ctx, func(tx *sqldb.Tx) error {
		if _, err := s.subjects.Alive(ctx, tx, who); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `delete from rights_tickets where subject_id = $1 and digest not in (
			select digest from rights_tickets where subject_id = $1 order by until desc, digest limit $2)`, who, ticketsAtOnce-1); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `insert into rights_tickets (digest, subject_id, at, until) values ($1, $2, $3, $4)`, digest[:], who, s.now().UnixMicro(), until.UnixMicro())
		return err
	})
	if err != nil {
		return fmt.Errorf("rights: issuing a ticket: %w", err)
	}
	return nil
}

// Redeem takes a person's ticket. The error is of kind ErrNotFound when it was used, is of
// somebody else, or was not used in time: which of them is not said.
func (s *Store) Redeem(ctx context.Context, who thimble.SubjectID, digest [sha256.Size]byte) error {
	var until int64
	err := s.db.Write(ctx, func(tx *sqldb.Tx) error {
		return tx.QueryRow(ctx, `delete from rights_tickets where digest = $1 and subject_id = $2 returning until`, digest[:], who).Scan(&until)
	})
	if errors.Is(err, sql.ErrNoRows) || err == nil && until <= s.now().UnixMicro() {
		return fmt.Errorf("rights: the ticket was used already, or too late: %w", thimble.ErrNotFound)
	}
	if err != nil {
		return fmt.Errorf("rights: taking a ticket: %w", err)
	}
	return nil
}

// Sweep deletes the tickets that nobody came with in time. It runs now and then.
func (s *Store) Sweep(ctx context.Context) error {
	_, err := s.db.Drain(ctx, `delete from rights_tickets where digest in (select digest from rights_tickets where until <= $1 limit 1000)`, s.now().UnixMicro())
	if err != nil {
		return fmt.Errorf("rights: deleting tickets that are too late: %w", err)
	}
	return nil
}

func (s *Store) exportTickets(ctx context.Context, who thimble.SubjectID) iter.Seq2[thimble.Datum, error] {
	return func(yield func(thimble.Datum, error) bool) {
		var all []int64
		err := s.db.Read(ctx, func(tx *sqldb.Tx) (err error) {
			all, err = sqldb.Column[int64](ctx, tx, `select at from rights_tickets where subject_id = $1 order by at`, who)
			return err
		})
		if err != nil {
			yield(thimble.Datum{}, fmt.Errorf("rights: exporting tickets: %w", err))
			return
		}
		for _, at := range all {
			d := thimble.Datum{Holder: s.HolderName(), Category: thimble.PrivacyPreferences, Name: "ticket", Value: "to take everything along, once", At: time.UnixMicro(at).UTC()}
			if !yield(d, nil) {
				return
			}
		}
	}
}
