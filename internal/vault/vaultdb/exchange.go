package vaultdb

import (
	"context"
	"fmt"

	"thimble"
	"thimble/internal/sqldb"
	"thimble/internal/vault"
)

// Exchange implements vault.Store.
func (s *Store) Exchange(ctx context.Context, keys []vault.Exchange) (changed int, err error) {
	if len(keys) == 0 {
		return 0, nil
	}
	err = s.db.Write(ctx, func(tx *sqldb.Tx) error {
		var floor int64
		if err := tx.QueryRow(ctx, `select epoch_floor from vault_installation`).Scan(&floor); err != nil {
			return missing(err)
		}
		for i := range keys {
			if keys[i].Epoch < floor {
				return fmt.Errorf("epoch %d is destroyed: %w", keys[i].Epoch, thimble.ErrConflict)
			}
		}
		exchange := exchangeEach
		if tx.Engine() == sqldb.PostgreSQL {
			exchange = exchangeAll
		}
		changed, err = exchange(ctx, tx, keys)
		return err
	})
	return changed, wrap("replacing keys", err)
}

func exchangeEach(ctx context.Context, tx *sqldb.Tx, keys []vault.Exchange) (changed int, err error) {
	stmt, err := tx.Prepare(ctx, `update vault_keys set month = $1, epoch = $2, wrapped = $3, commitment = $4
		where owner = $5 and class = $6 and chain = $7 and gen = $8 and wrapped = $9`)
	if err != nil {
		return 0, err
	}
	defer stmt.Close()
	for i := range keys {
		k := &keys[i]
		res, err := stmt.ExecContext(ctx, k.Month, k.Epoch, k.Wrapped, k.Commitment,
			k.Owner[:], k.Class, flag(k.Chain), k.Gen, k.Old)
		if err != nil {
			return 0, err
		}
		n, err := res.RowsAffected()
		if err != nil {
			return 0, err
		}
		changed += int(n)
	}
	return changed, nil
}

// exchangeAll does the same in one statement: to a server, the way there and back
// costs more than the change.
func exchangeAll(ctx context.Context, tx *sqldb.Tx, keys []vault.Exchange) (int, error) {
	all := make([]vault.Key, len(keys))
	old := make([][]byte, len(keys))
	for i := range keys {
		all[i], old[i] = keys[i].Key, keys[i].Old
	}
	c := columnsOf(all)
	n, err := tx.Exec(ctx, `update vault_keys k
		set month = n.month, epoch = n.epoch, wrapped = n.wrapped, commitment = n.commitment
		from unnest($1::bigint[], $2::bigint[], $3::bytea[], $4::bytea[], $5::bytea[], $6::text[], $7::bigint[], $8::bigint[], $9::bytea[])
			as n (month, epoch, wrapped, commitment, owner, class, chain, gen, old)
		where k.owner = n.owner and k.class = n.class and k.chain = n.chain and k.gen = n.gen and k.wrapped = n.old`,
		c.months, c.epochs, c.wrapped, c.commitments, c.owners, c.classes, c.chains, c.gens, old)
	return int(n), err
}
