package collectdb

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"

	"thimble"
	"thimble/internal/sqldb"
)

// A ReceiptBatch is a till's batch of receipts, as far as its number goes.
type ReceiptBatch struct {
	Till     string
	Sequence int64
	KeyID    string
	Digest   []byte // SHA-256 of what was signed
	Receipts int
}

// ReceiptsUsed reports whether the number of a till is used up, or taken by another batch.
func (s *Store) ReceiptsUsed(ctx context.Context, b ReceiptBatch) (used bool, err error) {
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		used, err = receiptsUsed(ctx, tx, b)
		return err
	})
	if err != nil {
		return false, fmt.Errorf("collect: looking for receipts of %s: %w", b.Till, err)
	}
	return used, nil
}

func receiptsUsed(ctx context.Context, tx *sqldb.Tx, b ReceiptBatch) (used bool, err error) {
	var digest []byte
	var open int64
	err = tx.QueryRow(ctx, `select digest, open from collect_receipts where till = $1 and sequence = $2`, b.Till, b.Sequence).Scan(&digest, &open)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	return open == 0 || !bytes.Equal(digest, b.Digest), err
}

// TakeReceipts takes the number of a till for a batch that is about to be imported. The
// same batch has it already when its import was cut off, and then it is not fresh. The error
// is of kind ErrConflict when the number is used up, or another batch has it.
func (s *Store) TakeReceipts(ctx context.Context, b ReceiptBatch) (fresh bool, err error) {
	err = s.db.Write(ctx, func(tx *sqldb.Tx) error {
		n, err := tx.Exec(ctx, `insert into collect_receipts (till, sequence, key_id, digest, receipts, recorded_at, open) values ($1, $2, $3, $4, $5, $6, 1)
			on conflict (till, sequence) do nothing`, b.Till, b.Sequence, b.KeyID, b.Digest, b.Receipts, s.now().UnixMicro())
		if fresh = n > 0; err != nil {
			return err
		}
		used, err := receiptsUsed(ctx, tx, b)
		if err == nil && used {
			err = fmt.Errorf("batch %d of %s was taken meanwhile: %w", b.Sequence, b.Till, thimble.ErrConflict)
		}
		return err
	})
	if err != nil {
		return false, fmt.Errorf("collect: taking the number of receipts of %s: %w", b.Till, err)
	}
	return fresh, nil
}

// UseReceipts notes that the orders of a batch are in: its number is used up.
func (s *Store) UseReceipts(ctx context.Context, b ReceiptBatch) error {
	return s.endReceipts(ctx, b, `update collect_receipts set open = 0, recorded_at = $4 where till = $1 and sequence = $2 and digest = $3 and open = 1`, s.now().UnixMicro())
}

// ReturnReceipts gives a number back of a batch of which nothing came in.
func (s *Store) ReturnReceipts(ctx context.Context, b ReceiptBatch) error {
	return s.endReceipts(ctx, b, `delete from collect_receipts where till = $1 and sequence = $2 and digest = $3 and open = 1`)
}

func (s *Store) endReceipts(ctx context.Context, b ReceiptBatch, query string, more ...any) error {
	err := s.db.Write(ctx, func(tx *sqldb.Tx) error {
		_, err := tx.Exec(ctx, query, append([]any{b.Till, b.Sequence, b.Digest}, more...)...)
		return err
	})
	if err != nil {
		return fmt.Errorf("collect: noting receipts of %s: %w", b.Till, err)
	}
	return nil
}
