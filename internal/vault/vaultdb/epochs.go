package vaultdb

import (
	"context"

	"thimble/internal/sqldb"
	"thimble/internal/vault"
)

// Epochs implements vault.Epochs.
func (s *Store) Epochs(ctx context.Context) (all []vault.Epoch, err error) {
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		all = nil
		rows, err := tx.Query(ctx, `select number, day, wrapped, commitment from vault_epochs order by number`)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var e vault.Epoch
			if err := rows.Scan(&e.Number, &e.Day, &e.Wrapped, &e.Commitment); err != nil {
				return err
			}
			all = append(all, e)
		}
		return rows.Err()
	})
	return all, wrap("listing epochs", err)
}

// PutEpoch implements vault.Epochs.
func (s *Store) PutEpoch(ctx context.Context, e vault.Epoch) error {
	return wrap("keeping an epoch", s.db.Write(ctx, func(tx *sqldb.Tx) error {
		_, err := tx.Exec(ctx, `insert into vault_epochs (number, day, wrapped, commitment)
			values ($1, $2, $3, $4) on conflict do nothing`, e.Number, e.Day, e.Wrapped, e.Commitment)
		return err
	}))
}

// ReplaceEpoch implements vault.Epochs.
func (s *Store) ReplaceEpoch(ctx context.Context, e vault.Epoch) error {
	return wrap("replacing an epoch", s.db.Write(ctx, func(tx *sqldb.Tx) error {
		_, err := tx.Exec(ctx, `update vault_epochs set wrapped = $1 where number = $2 and commitment = $3`,
			e.Wrapped, e.Number, e.Commitment)
		return err
	}))
}

// DestroyEpochs implements vault.Epochs.
func (s *Store) DestroyEpochs(ctx context.Context, below int64) error {
	return wrap("destroying epochs", s.db.Write(ctx, func(tx *sqldb.Tx) error {
		_, err := tx.Exec(ctx, `delete from vault_epochs where number < $1`, below)
		return err
	}))
}

// RaiseFloor implements vault.Store.
func (s *Store) RaiseFloor(ctx context.Context, floor int64) (left int, err error) {
	err = s.db.Write(ctx, func(tx *sqldb.Tx) error {
		if err := tx.QueryRow(ctx, `select count(*) from vault_keys where epoch < $1`, floor).Scan(&left); err != nil || left > 0 {
			return err
		}
		_, err := tx.Exec(ctx, `update vault_installation set epoch_floor = $1 where epoch_floor < $1`, floor)
		return err
	})
	return left, wrap("raising the floor", err)
}
