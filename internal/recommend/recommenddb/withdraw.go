package recommenddb

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"thimble/internal/ledger"
	"thimble/internal/sqldb"
)

// withdrawal is the record of a version that ended: what its leaf commits to.
type withdrawal struct {
	Model     string    `json:"model"`
	Version   int64     `json:"version"`
	SHA256    string    `json:"sha256"`
	Reason    string    `json:"reason"`
	Withdrawn time.Time `json:"withdrawn"`
}

// Withdraw ends the serving version without a successor, and queues the leaf that
// says so, and announces that the replaced files are destroyed, in one transaction.
// Perform the act it returns next; it is nil when nothing is replaced.
func (s *Store) Withdraw(ctx context.Context, reason string, at time.Time, replaced [][sha256.Size]byte) (destroy *ledger.Intent, err error) {
	err = s.db.Write(ctx, func(tx *sqldb.Tx) error {
		destroy = nil
		if err := s.withdraw(ctx, tx, reason, at); err != nil || len(replaced) == 0 {
			return err
		}
		a, err := destruction(replaced)
		if err != nil {
			return err
		}
		i, err := s.ledger.Intend(ctx, tx, a)
		destroy = &i
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("recommend: withdrawing the serving version: %w", err)
	}
	return destroy, nil
}

func (s *Store) withdraw(ctx context.Context, tx *sqldb.Tx, reason string, at time.Time) error {
	v, err := serving(ctx, tx)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err != nil {
		return err
	}
	record, err := json.Marshal(withdrawal{Model: ModelName, Version: v.Number, SHA256: fmt.Sprintf("%x", v.Hash), Reason: reason, Withdrawn: at})
	if err != nil {
		return err
	}
	opening, err := s.ledger.Queue(ctx, tx, ledger.Entry{Class: ledger.Model, At: at, Model: [8]byte(v.Hash[:8]), Record: record})
	if err != nil {
		return err
	}
	kept, err := opening.MarshalBinary() // hashes only: nothing to seal
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `update recommend_versions set serving = 0, withdrawn_at = $1, withdrawal = $2 where version = $3`, at.UnixMicro(), kept, v.Number)
	return err
}

// withdrawalClaims are what the versions that ended say of the leaf of their end.
func (s *Store) withdrawalClaims(ctx context.Context) (claims []ledger.Claim, err error) {
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		claims = nil
		rows, err := tx.Query(ctx, `select version, model, withdrawn_at, withdrawal from recommend_versions where withdrawn_at is not null order by version`)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var number, at int64
			var hash, kept []byte
			if err := rows.Scan(&number, &hash, &at, &kept); err != nil {
				return err
			}
			c := ledger.Claim{Table: "recommend_versions", Class: ledger.Model}
			var w withdrawal
			if c.Err = c.Opening.UnmarshalBinary(kept); c.Err == nil {
				err := json.Unmarshal(c.Opening.Record, &w)
				c.Rule = ledger.RuleIf(err == nil && w.Version == number && w.SHA256 == fmt.Sprintf("%x", hash) && w.Withdrawn.UnixMicro() == at)
			}
			claims = append(claims, c)
		}
		return rows.Err()
	})
	return claims, err
}
