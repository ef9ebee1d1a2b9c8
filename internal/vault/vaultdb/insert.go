package vaultdb

import (
	"context"
	"database/sql"
	"fmt"

	"thimble"
	"thimble/internal/sqldb"
	"thimble/internal/vault"
)

// Insert implements vault.Store.
func (s *Store) Insert(ctx context.Context, keys []vault.Guarded) (added int, err error) {
	err = s.db.Write(ctx, func(tx *sqldb.Tx) error {
		if err := checkFloors(ctx, tx, keys); err != nil {
			return err
		}
		insert := insertEach
		if tx.Engine() == sqldb.PostgreSQL {
			insert = insertAll
		}
		added, err = insert(ctx, tx, keys)
		return err
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

var (
	errShredded = fmt.Errorf("an owner was shredded: %w", thimble.ErrDenied)
	errNoBase   = fmt.Errorf("an owner has no base key: %w", thimble.ErrNotFound)
)

func insertEach(ctx context.Context, tx *sqldb.Tx, keys []vault.Guarded) (added int, err error) {
	in, err := prepareInsert(ctx, tx)
	if err != nil {
		return 0, err
	}
	defer in.close()
	for i := range keys {
		n, err := in.insert(ctx, &keys[i])
		if err != nil {
			return 0, err
		}
		added += n
	}
	return added, nil
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
			return 0, errShredded
		}
	}
	if k.NeedsBase {
		if err := in.base.QueryRowContext(ctx, k.Owner[:]).Scan(&n); err != nil {
			return 0, err
		}
		if n == 0 {
			return 0, errNoBase
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

// insertAll does the same in three statements: to a server, the way there and back
// costs more than the change.
func insertAll(ctx context.Context, tx *sqldb.Tx, keys []vault.Guarded) (int, error) {
	var marks, needy [][]byte
	all := make([]vault.Key, len(keys))
	created := make([]int64, len(keys))
	for i := range keys {
		k := &keys[i]
		if k.Mark != nil {
			marks = append(marks, k.Mark)
		}
		if k.NeedsBase {
			needy = append(needy, k.Owner[:])
		}
		all[i], created[i] = k.Key, k.CreatedAt.UnixMicro()
	}
	var buried, lacking int
	if err := tx.QueryRow(ctx, `select count(*) from vault_tombstones where mark = any($1::bytea[])`, marks).Scan(&buried); err != nil {
		return 0, err
	}
	if buried > 0 {
		return 0, errShredded
	}
	if err := tx.QueryRow(ctx, `select count(*) from unnest($1::bytea[]) as n (owner)
		where not exists (select 1 from vault_keys k where k.owner = n.owner and k.class = '')`, needy).Scan(&lacking); err != nil {
		return 0, err
	}
	if lacking > 0 {
		return 0, errNoBase
	}
	c := columnsOf(all)
	n, err := tx.Exec(ctx, `insert into vault_keys (`+columns+`)
		select * from unnest($1::bytea[], $2::text[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bytea[], $8::bytea[], $9::bigint[])
		on conflict do nothing`, c.owners, c.classes, c.chains, c.gens, c.months, c.epochs, c.wrapped, c.commitments, created)
	return int(n), err
}

// keyColumns are the columns of many keys, as PostgreSQL's arrays want them.
type keyColumns struct {
	owners, wrapped, commitments [][]byte
	classes                      []string
	chains, gens, months, epochs []int64
}

func columnsOf(keys []vault.Key) (c keyColumns) {
	for i := range keys {
		k := &keys[i]
		c.owners, c.classes = append(c.owners, k.Owner[:]), append(c.classes, k.Class)
		c.chains, c.gens = append(c.chains, flag(k.Chain)), append(c.gens, int64(k.Gen))
		c.months, c.epochs = append(c.months, int64(k.Month)), append(c.epochs, k.Epoch)
		c.wrapped, c.commitments = append(c.wrapped, k.Wrapped), append(c.commitments, k.Commitment)
	}
	return c
}
