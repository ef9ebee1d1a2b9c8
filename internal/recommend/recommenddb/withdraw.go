package recommenddb

import (
	"context"
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
// says so, in one transaction. When none serves it does nothing.
func (s *Store) Withdraw(ctx context.Context, reason string, at time.Time) error {
	err := s.db.Write(ctx, func(tx *sqldb.Tx) error {
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
	})
	if err != nil {
		return fmt.Errorf("recommend: withdrawing the serving version: %w", err)
	}
	return nil
}
