package vaultdb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"thimble"
	"thimble/internal/sqldb"
	"thimble/internal/vault"
)

// Shred implements vault.Store.
func (s *Store) Shred(ctx context.Context, owner thimble.SubjectID, mark []byte, hash func([]vault.Key) [32]byte) (dead []vault.Key, stone vault.Tombstone, err error) {
	err = s.db.Write(ctx, func(tx *sqldb.Tx) error {
		if dead, err = takeKeys(ctx, tx, owner); err != nil {
			return err
		}
		stone, err = tombstone(ctx, tx, mark)
		if err == nil || !errors.Is(err, thimble.ErrNotFound) {
			return err // the first destruction's hash stays
		}
		stone = vault.Tombstone{Mark: mark, KeyHash: hash(dead)}
		return putTombstone(ctx, tx, &stone)
	})
	return dead, stone, wrap("shredding", err)
}

func takeKeys(ctx context.Context, tx *sqldb.Tx, owner thimble.SubjectID) ([]vault.Key, error) {
	dead, err := scanKeys(tx.Query(ctx, `select `+columns+` from vault_keys
		where owner = $1 order by class, chain, gen`, owner[:]))
	if err != nil {
		return nil, err
	}
	_, err = tx.Exec(ctx, `delete from vault_keys where owner = $1`, owner[:])
	return dead, err
}

func tombstone(ctx context.Context, tx *sqldb.Tx, mark []byte) (t vault.Tombstone, err error) {
	t.Mark = mark
	var hash []byte
	err = tx.QueryRow(ctx, `select seq, key_hash from vault_tombstones where mark = $1`, mark).Scan(&t.Seq, &hash)
	copy(t.KeyHash[:], hash)
	return t, missing(err)
}

func putTombstone(ctx context.Context, tx *sqldb.Tx, t *vault.Tombstone) error {
	return tx.QueryRow(ctx, `insert into vault_tombstones (mark, seq, key_hash)
		values ($1, (select coalesce(max(seq), 0) + 1 from vault_tombstones), $2) returning seq`,
		t.Mark, t.KeyHash[:]).Scan(&t.Seq)
}

// Tombstones implements vault.Store.
func (s *Store) Tombstones(ctx context.Context, seq int64, limit int) (stones []vault.Tombstone, err error) {
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		stones = nil
		rows, err := tx.Query(ctx, `select seq, mark, key_hash from vault_tombstones where seq > $1 order by seq limit $2`, seq, limit)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var t vault.Tombstone
			var hash []byte
			if err := rows.Scan(&t.Seq, &t.Mark, &hash); err != nil {
				return err
			}
			copy(t.KeyHash[:], hash)
			stones = append(stones, t)
		}
		return rows.Err()
	})
	return stones, wrap("listing tombstones", err)
}

// Bury implements vault.Store.
func (s *Store) Bury(ctx context.Context, stones []vault.Tombstone) error {
	return wrap("adding tombstones", s.db.Write(ctx, func(tx *sqldb.Tx) error {
		for _, t := range stones {
			_, err := tombstone(ctx, tx, t.Mark)
			if errors.Is(err, thimble.ErrNotFound) {
				err = putTombstone(ctx, tx, &t)
			}
			if err != nil {
				return err
			}
		}
		return nil
	}))
}

// Discard implements vault.Store.
func (s *Store) Discard(ctx context.Context, owners []thimble.SubjectID) (gone []vault.Key, err error) {
	err = s.db.Write(ctx, func(tx *sqldb.Tx) error {
		gone = nil
		for _, o := range owners {
			keys, err := takeKeys(ctx, tx, o)
			if err != nil {
				return err
			}
			gone = append(gone, keys...)
		}
		return nil
	})
	return gone, wrap("discarding keys", err)
}

// Owners implements vault.Store.
func (s *Store) Owners(ctx context.Context, after thimble.SubjectID, older time.Time, limit int) (owners []thimble.SubjectID, err error) {
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		rows, err := tx.Query(ctx, `select distinct owner from vault_keys
			where owner > $1 and class = '' and created_at < $2 order by owner limit $3`, after[:], older.UnixMicro(), limit)
		owners, err = scanOwners(rows, err)
		return err
	})
	return owners, wrap("listing owners", err)
}

func scanOwners(rows *sql.Rows, err error) (owners []thimble.SubjectID, _ error) {
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var owner []byte
		if err := rows.Scan(&owner); err != nil {
			return nil, err
		}
		if len(owner) != len(thimble.SubjectID{}) {
			return nil, fmt.Errorf("an owner of 16 bytes was expected: %w", thimble.ErrDenied)
		}
		owners = append(owners, thimble.SubjectID(owner))
	}
	return owners, rows.Err()
}
