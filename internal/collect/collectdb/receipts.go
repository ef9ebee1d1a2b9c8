package collectdb

import (
	"context"
	"fmt"

	"thimble"
	"thimble/internal/sqldb"
)

// ReceiptsUsed reports whether a till's batch of receipts with the number was recorded.
func (s *Store) ReceiptsUsed(ctx context.Context, till string, sequence int64) (used bool, err error) {
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		var n int
		err := tx.QueryRow(ctx, `select count(*) from collect_receipts where till = $1 and sequence = $2`, till, sequence).Scan(&n)
		used = n > 0
		return err
	})
	if err != nil {
		return false, fmt.Errorf("collect: looking for receipts of %s: %w", till, err)
	}
	return used, nil
}

// UseReceipts notes a batch of receipts whose orders are in. The error is of kind
// ErrConflict when the till has used the number.
func (s *Store) UseReceipts(ctx context.Context, till string, sequence int64, keyID string, digest []byte, receipts int) error {
	err := s.db.Write(ctx, func(tx *sqldb.Tx) error {
		n, err := tx.Exec(ctx, `insert into collect_receipts (till, sequence, key_id, digest, receipts, recorded_at) values ($1, $2, $3, $4, $5, $6)
			on conflict (till, sequence) do nothing`, till, sequence, keyID, digest, receipts, s.now().UnixMicro())
		if err == nil && n == 0 {
			err = fmt.Errorf("the number was used meanwhile: %w", thimble.ErrConflict)
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("collect: noting receipts of %s: %w", till, err)
	}
	return nil
}
