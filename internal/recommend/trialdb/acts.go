package trialdb

import (
	"context"
	"fmt"
	"iter"
	"time"

	"thimble"
	"thimble/internal/ledger"
	"thimble/internal/sqldb"
)

// Acts returns what was done about an experiment, the oldest first.
func (s *Store) Acts(ctx context.Context, id thimble.ID) ([]Act, error) {
	return s.acts(ctx, `where trial_id = $1 order by at, id`, id)
}

func (s *Store) acts(ctx context.Context, where string, args ...any) (all []Act, err error) {
	err = s.DB.Read(ctx, func(tx *sqldb.Tx) error {
		all = nil
		rows, err := tx.Query(ctx, `select id, trial_id, act, staff, reason, at, opening from recommend_trial_acts `+where, args...)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var a Act
			var at int64
			var opening []byte
			if err := rows.Scan(&a.ID, &a.Trial, &a.Act, &a.Staff, &a.Reason, &at, &opening); err != nil {
				return err
			}
			a.At = time.UnixMicro(at).UTC()
			_ = a.Opening.UnmarshalBinary(opening) // one that cannot be read is told by the audit
			all = append(all, a)
		}
		return rows.Err()
	})
	if err != nil {
		return nil, fmt.Errorf("trial: reading acts: %w", err)
	}
	return all, nil
}

// Claims are what the acts say of their leaves, for an audit.
func (s *Store) Claims(ctx context.Context) iter.Seq2[ledger.Claim, error] {
	return func(yield func(ledger.Claim, error) bool) {
		claims, err := s.claims(ctx)
		ledger.YieldAll(yield, claims, err)
	}
}

func (s *Store) claims(ctx context.Context) (claims []ledger.Claim, err error) {
	acts, err := s.acts(ctx, `order by at, id`)
	if err != nil {
		return nil, err
	}
	err = s.DB.Read(ctx, func(tx *sqldb.Tx) error {
		claims = nil
		for _, a := range acts {
			said, err := s.said(ctx, tx, a)
			if err != nil {
				return err
			}
			claims = append(claims, ledger.Claim{Table: "recommend_trial_acts", Class: ledger.System, Opening: a.Opening, Rule: ledger.RuleIf(string(said) == string(a.Opening.Record))})
		}
		return nil
	})
	return claims, err
}
