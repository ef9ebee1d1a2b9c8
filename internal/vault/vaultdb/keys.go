package vaultdb

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"thimble"
	"thimble/internal/sqldb"
	"thimble/internal/vault"
)

const columns = `owner, class, chain, gen, month, epoch, wrapped, commitment, created_at`

func scanKeys(rows *sql.Rows, err error) (keys []vault.Key, _ error) {
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var k vault.Key
		var owner []byte
		var chain, created int64
		if err := rows.Scan(&owner, &k.Class, &chain, &k.Gen, &k.Month, &k.Epoch, &k.Wrapped, &k.Commitment, &created); err != nil {
			return nil, err
		}
		if len(owner) != len(k.Owner) {
			return nil, fmt.Errorf("an owner of 16 bytes was expected: %w", thimble.ErrDenied)
		}
		k.Owner, k.Chain, k.CreatedAt = thimble.SubjectID(owner), chain == 1, time.UnixMicro(created).UTC()
		keys = append(keys, k)
	}
	return keys, rows.Err()
}

func flag(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// Keys implements vault.Store.
func (s *Store) Keys(ctx context.Context, owner thimble.SubjectID, class string, chain bool) (keys []vault.Key, err error) {
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		keys, err = scanKeys(tx.Query(ctx, `select `+columns+` from vault_keys
			where owner = $1 and class = $2 and chain = $3 order by gen desc`, owner[:], class, flag(chain)))
		return err
	})
	return keys, wrap("reading keys", err)
}

// Batch implements vault.Store.
func (s *Store) Batch(ctx context.Context, epoch int64, after vault.Cursor, limit int) (keys []vault.Key, err error) {
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		keys, err = scanKeys(tx.Query(ctx, `select `+columns+` from vault_keys
			where (owner, class, chain, gen) > ($1, $2, $3, $4) and epoch <> $5
			order by owner, class, chain, gen limit $6`, after.Owner[:], after.Class, flag(after.Chain), begun(after), epoch, limit))
		return err
	})
	return keys, wrap("reading a batch of keys", err)
}

// Chains implements vault.Store.
func (s *Store) Chains(ctx context.Context, class string, before int, after vault.Cursor, limit int) (keys []vault.Key, err error) {
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		keys, err = scanKeys(tx.Query(ctx, `select `+columns+` from vault_keys
			where (owner, class, chain, gen) > ($1, $2, $3, $4) and class = $5 and chain = 1 and month < $6
			order by owner, class, chain, gen limit $7`, after.Owner[:], after.Class, flag(after.Chain), begun(after), class, before, limit))
		return err
	})
	return keys, wrap("reading chains", err)
}

// begun returns the cursor's generation; generations start at 1, so that 0 is
// before the first key.
func begun(c vault.Cursor) int {
	if c.Begun {
		return c.Gen
	}
	return 0
}

// Insert implements vault.Store.
func (s *Store) Insert(ctx context.Context, keys []vault.Guarded) (added int, err error) {
	err = s.db.Write(ctx, func(tx *sqldb.Tx) error {
		added = 0
		if err := checkFloors(ctx, tx, keys); err != nil {
			return err
		}
		in, err := prepareInsert(ctx, tx)
		if err != nil {
			return err
		}
		defer in.close()
		for i := range keys {
			n, err := in.insert(ctx, &keys[i])
			if err != nil {
				return err
			}
			added += n
		}
		return nil
	})
	return added, wrap("adding keys", err)
}

// checkFloors refuses what a rotation or an expiry destroys at the same time.
func checkFloors(ctx context.Context, tx *sqldb.Tx, keys []vault.Guarded) error {
	var floor int64
	if err := tx.QueryRow(ctx, `select epoch_floor from vault_installation`).Scan(&floor); err != nil {
		return missing(err)
	}
	months := map[string]int{}
	for i := range keys {
		k := &keys[i]
		if k.Epoch < floor {
			return fmt.Errorf("epoch %d is destroyed: %w", k.Epoch, thimble.ErrConflict)
		}
		if !k.Chain {
			continue
		}
		month, known := months[k.Class]
		if !known {
			var err error
			if month, err = monthFloor(ctx, tx, k.Class); err != nil {
				return err
			}
			months[k.Class] = month
		}
		if k.Month < month {
			return fmt.Errorf("months of class %s have expired: %w", k.Class, thimble.ErrConflict)
		}
	}
	return nil
}

type inserter struct{ key, buried, base *sql.Stmt }

func prepareInsert(ctx context.Context, tx *sqldb.Tx) (in inserter, err error) {
	for _, p := range []struct {
		stmt  **sql.Stmt
		query string
	}{
		{&in.key, `insert into vault_keys (` + columns + `) values ($1, $2, $3, $4, $5, $6, $7, $8, $9) on conflict do nothing`},
		{&in.buried, `select count(*) from vault_tombstones where mark = $1`},
		{&in.base, `select count(*) from vault_keys where owner = $1 and class = ''`},
	} {
		if *p.stmt, err = tx.Prepare(ctx, p.query); err != nil {
			in.close()
			return in, err
		}
	}
	return in, nil
}

func (in *inserter) close() {
	for _, s := range []*sql.Stmt{in.key, in.buried, in.base} {
		if s != nil {
			s.Close()
		}
	}
}

func (in *inserter) insert(ctx context.Context, k *vault.Guarded) (int, error) {
	var n int
	if k.Mark != nil {
		if err := in.buried.QueryRowContext(ctx, k.Mark).Scan(&n); err != nil {
			return 0, err
		}
		if n > 0 {
			return 0, fmt.Errorf("the owner was shredded: %w", thimble.ErrDenied)
		}
	}
	if k.NeedsBase {
		if err := in.base.QueryRowContext(ctx, k.Owner[:]).Scan(&n); err != nil {
			return 0, err
		}
		if n == 0 {
			return 0, fmt.Errorf("the owner has no base key: %w", thimble.ErrNotFound)
		}
	}
	res, err := in.key.ExecContext(ctx, k.Owner[:], k.Class, flag(k.Chain), k.Gen, k.Month, k.Epoch,
		k.Wrapped, k.Key.Commitment, k.CreatedAt.UnixMicro())
	if err != nil {
		return 0, err
	}
	added, err := res.RowsAffected()
	return int(added), err
}

// Exchange implements vault.Store.
func (s *Store) Exchange(ctx context.Context, keys []vault.Exchange) (changed int, err error) {
	if len(keys) == 0 {
		return 0, nil
	}
	err = s.db.Write(ctx, func(tx *sqldb.Tx) error {
		changed = 0
		var floor int64
		if err := tx.QueryRow(ctx, `select epoch_floor from vault_installation`).Scan(&floor); err != nil {
			return missing(err)
		}
		stmt, err := tx.Prepare(ctx, `update vault_keys set month = $1, epoch = $2, wrapped = $3, commitment = $4
			where owner = $5 and class = $6 and chain = $7 and gen = $8 and wrapped = $9`)
		if err != nil {
			return err
		}
		defer stmt.Close()
		for i := range keys {
			k := &keys[i]
			if k.Epoch < floor {
				return fmt.Errorf("epoch %d is destroyed: %w", k.Epoch, thimble.ErrConflict)
			}
			res, err := stmt.ExecContext(ctx, k.Month, k.Epoch, k.Wrapped, k.Commitment,
				k.Owner[:], k.Class, flag(k.Chain), k.Gen, k.Old)
			if err != nil {
				return err
			}
			n, err := res.RowsAffected()
			if err != nil {
				return err
			}
			changed += int(n)
		}
		return nil
	})
	return changed, wrap("replacing keys", err)
}
