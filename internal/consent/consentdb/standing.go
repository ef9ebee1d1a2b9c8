package consentdb

import (
	"context"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"thimble"
	"thimble/internal/consent"
	"thimble/internal/sqldb"
)

// Standing returns what answers a use for a purpose that names no brand, channel,
// feature or signal; the zero Standing where the person has said nothing.
func (s *Store) Standing(ctx context.Context, who thimble.SubjectID, p thimble.Purpose) (consent.Standing, error) {
	return s.StandingFor(ctx, who, p, consent.Scope{})
}

// StandingFor returns what answers a use of a scope for a purpose.
func (s *Store) StandingFor(ctx context.Context, who thimble.SubjectID, p thimble.Purpose, q consent.Scope) (consent.Standing, error) {
	all, err := s.Standings(ctx, who, p)
	st := consent.Decide(all, q, s.now())
	st.Purpose = p
	return st, err
}

// Standings returns all that a subject has said about a purpose, or, when none is named,
// about all of them: one standing for each scope, in order of purpose and Seq.
func (s *Store) Standings(ctx context.Context, who thimble.SubjectID, about ...thimble.Purpose) (all []consent.Standing, err error) {
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		all, err = standingsTx(ctx, tx, who, about...)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("consent: standing of a person: %w", err)
	}
	return all, nil
}

// StandingTx is Standing in the caller's transaction; it fills in st of st.Purpose and
// st.Scope.
func (s *Store) StandingTx(ctx context.Context, tx *sqldb.Tx, who thimble.SubjectID, st *consent.Standing) error {
	all, err := standingsTx(ctx, tx, who, st.Purpose)
	decided := consent.Decide(all, st.Scope, s.now())
	decided.Purpose = st.Purpose
	*st = decided
	return err
}

func standingsTx(ctx context.Context, tx *sqldb.Tx, who thimble.SubjectID, about ...thimble.Purpose) (all []consent.Standing, _ error) {
	where, args := `subject_id = $1`, []any{who}
	if len(about) > 0 {
		where, args = where+` and purpose = $2`, append(args, string(about[0]))
	}
	rows, err := tx.Query(ctx, `select purpose, scope, state, seq, at, expires_at, notice from consent_state
		where `+where+` order by purpose, seq`, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var st consent.Standing
		var scope string
		var at, expires int64
		var notice []byte
		if err := rows.Scan(&st.Purpose, &scope, &st.State, &st.Seq, &at, &expires, &notice); err != nil {
			return nil, err
		}
		if st.Scope, err = consent.ParseScope(scope); err != nil {
			return nil, err
		}
		st.At, st.Expires, st.Notice = time.UnixMicro(at), stamp(expires), hex.EncodeToString(notice)
		all = append(all, st)
	}
	return all, rows.Err()
}

// exactTx fills in what was said for exactly st's purpose and scope.
func exactTx(ctx context.Context, tx *sqldb.Tx, who thimble.SubjectID, st *consent.Standing) error {
	var at, expires int64
	err := tx.QueryRow(ctx, `select state, seq, at, expires_at from consent_state where subject_id = $1 and purpose = $2 and scope = $3`,
		who, string(st.Purpose), st.Scope.String()).Scan(&st.State, &st.Seq, &at, &expires)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	st.At, st.Expires = time.UnixMicro(at), stamp(expires)
	return err
}
