package rightsdb

import (
	"context"
	"fmt"
	"slices"
	"time"

	"thimble"
	"thimble/internal/sqldb"
)

// Erase implements thimble.Holder: requests are unlinked from the person, but for
// the erasure itself, which is unlinked when it is done.
func (s *Store) Erase(ctx context.Context, who thimble.SubjectID) (thimble.Erasure, error) {
	var n int64
	err := s.db.Write(ctx, func(tx *sqldb.Tx) (err error) {
		n, err = tx.Exec(ctx, `update rights_requests set subject_id = null where subject_id = $1 and (state <> 'executing' or kind <> 'erase')`, who)
		if err == nil {
			err = forgetOther(ctx, tx, who)
		}
		if err == nil {
			var tickets int64
			tickets, err = tx.Exec(ctx, `delete from rights_tickets where subject_id = $1`, who)
			n += tickets
		}
		return err
	})
	if err != nil {
		return thimble.Erasure{}, fmt.Errorf("rights: erasing a person: %w", err)
	}
	return thimble.Erasure{Erased: int(n)}, nil
}

// forgetOther takes a person out of the open requests of others.
func forgetOther(ctx context.Context, tx *sqldb.Tx, who thimble.SubjectID) error {
	open, err := list(ctx, tx, `where others is not null and kind <> 'erase'`)
	if err != nil {
		return err
	}
	for _, r := range open {
		left := slices.DeleteFunc(slices.Clone(r.Others), func(s thimble.SubjectID) bool { return s == who })
		if len(left) == len(r.Others) {
			continue
		}
		if _, err := tx.Exec(ctx, `update rights_requests set others = $1 where id = $2`, joined(left), r.ID); err != nil {
			return err
		}
	}
	return nil
}

// Expire implements thimble.Holder: requests of before that are done are unlinked
// from whose they were. That they were made and answered stays, without a person.
func (s *Store) Expire(ctx context.Context, c thimble.Category, before time.Time) (e thimble.Erasure, err error) {
	if !thimble.PrivacyPreferences.Within(c) {
		return e, nil
	}
	e.Erased, err = s.db.Drain(ctx, `update rights_requests set subject_id = null where id in (
		select id from rights_requests where at < $1 and subject_id is not null and state <> 'executing' limit 1000)`, before.UnixMicro())
	if err != nil {
		return e, fmt.Errorf("rights: expiring requests: %w", err)
	}
	tickets, err := s.db.Drain(ctx, `delete from rights_tickets where digest in (select digest from rights_tickets where at < $1 limit 1000)`, before.UnixMicro())
	if err != nil {
		return e, fmt.Errorf("rights: expiring tickets: %w", err)
	}
	e.Erased += tickets
	var open int
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		return tx.QueryRow(ctx, `select count(*) from rights_requests
			where at < $1 and subject_id is not null and state = 'executing'`, before.UnixMicro()).Scan(&open)
	})
	if err != nil {
		return e, fmt.Errorf("rights: counting requests that are open: %w", err)
	}
	if open > 0 {
		e.Kept = []thimble.Kept{{Count: open, What: "requests that are not answered yet", Law: "GDPR Art. 12(3)"}}
	}
	return e, nil
}
