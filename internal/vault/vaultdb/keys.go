package vaultdb

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strconv"
	"strings"
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
		if err := scanKey(rows, &keys); err != nil {
			return nil, err
		}
	}
	return keys, rows.Err()
}

func scanKey(row sqldb.Row, into *[]vault.Key) error {
	var k vault.Key
	var owner []byte
	var chain, created int64
	if err := row.Scan(&owner, &k.Class, &chain, &k.Gen, &k.Month, &k.Epoch, &k.Wrapped, &k.Commitment, &created); err != nil {
		return err
	}
	if len(owner) != len(k.Owner) {
		return fmt.Errorf("an owner of 16 bytes was expected: %w", thimble.ErrDenied)
	}
	k.Owner, k.Chain, k.CreatedAt = thimble.SubjectID(owner), chain == 1, time.UnixMicro(created).UTC()
	*into = append(*into, k)
	return nil
}

func flag(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// Keys implements vault.Store.
func (s *Store) Keys(ctx context.Context, owner thimble.SubjectID, class string, chain bool) (keys []vault.Key, err error) {
	keys, err = s.look(ctx, owner, class, chain)
	return keys, wrap("reading keys", err)
}

const keysOf = `select gen, month, epoch, wrapped, commitment, created_at from vault_keys
	where owner = $1 and class = $2 and chain = $3 order by gen desc`

// look runs for each key that is not cached. It is no transaction: one statement sees
// all that was committed before it, so a key that was shredded by whichever process is
// not found from the moment Shred returns.
func (s *Store) look(ctx context.Context, owner thimble.SubjectID, class string, chain bool) (keys []vault.Key, err error) {
	err = s.db.Ask(ctx, func(row sqldb.Row) error {
		k := vault.Key{Owner: owner, Class: class, Chain: chain}
		var created int64
		err := row.Scan(&k.Gen, &k.Month, &k.Epoch, &k.Wrapped, &k.Commitment, &created)
		k.CreatedAt = time.UnixMicro(created).UTC()
		keys = append(keys, k)
		return err
	}, keysOf, owner[:], class, flag(chain))
	return keys, err
}

// atOnce is how many owners one statement asks for; fewer than few are asked for one by one.
const (
	atOnce = 100
	few    = 4
)

var keysOfMany = `select ` + columns + ` from vault_keys where owner in (` + placeholders(atOnce) + `) and class = $1 and chain = $2 order by owner, gen desc`

// placeholders are those of n owners behind two other values.
func placeholders(n int) string {
	all := make([]string, n)
	for i := range all {
		all[i] = "$" + strconv.Itoa(i+3)
	}
	return strings.Join(all, ", ")
}

// KeysOf implements vault.Store. Each statement sees all that was committed before it, as
// that of Keys does.
func (s *Store) KeysOf(ctx context.Context, owners []thimble.SubjectID, class string, chain bool) (keys []vault.Key, err error) {
	for some := range slices.Chunk(owners, atOnce) {
		if len(some) < few {
			for _, o := range some {
				found, err := s.look(ctx, o, class, chain)
				if err != nil {
					return nil, wrap("reading the keys of several", err)
				}
				keys = append(keys, found...)
			}
			continue
		}
		args := make([]any, 0, atOnce+2)
		args = append(args, class, flag(chain))
		for i := range atOnce {
			args = append(args, some[min(i, len(some)-1)][:])
		}
		err := s.db.Ask(ctx, func(row sqldb.Row) error { return scanKey(row, &keys) }, keysOfMany, args...)
		if err != nil {
			return nil, wrap("reading the keys of several", err)
		}
	}
	return keys, nil
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
