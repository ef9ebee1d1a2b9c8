package consentdb

import (
	"context"
	"fmt"
	"time"

	"thimble"
	"thimble/internal/consent"
	"thimble/internal/sqldb"
)

// Standings returns where a person stands on every purpose they said something
// about.
func (s *Store) Standings(ctx context.Context, who thimble.SubjectID) ([]consent.Standing, error) {
	var all []consent.Standing
	err := s.db.Read(ctx, func(tx *sqldb.Tx) error {
		all = nil
		rows, err := tx.Query(ctx, `select purpose, state, seq, at, expires_at from consent_state where subject_id = $1 order by purpose`, who)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var st consent.Standing
			var at, expires int64
			if err := rows.Scan(&st.Purpose, &st.State, &st.Seq, &at, &expires); err != nil {
				return err
			}
			st.At, st.Expires = time.UnixMicro(at), stamp(expires)
			all = append(all, st)
		}
		return rows.Err()
	})
	if err != nil {
		return nil, fmt.Errorf("consent: standings of %s: %w", who, err)
	}
	return all, nil
}
