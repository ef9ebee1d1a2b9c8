// Package apikeydb keeps the keys to the API in the core database.
//
// It promises what package apikey does. No row of it is about a person.
package apikeydb

import (
	"context"
	"crypto/subtle"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"thimble"
	"thimble/internal/apikey"
	"thimble/internal/sqldb"
)

// A Store keeps keys.
type Store struct {
	db  *sqldb.DB
	now func() time.Time
}

// New returns the store of a core database. A nil clock means time.Now.
func New(db *sqldb.DB, now func() time.Time) *Store {
	if now == nil {
		now = time.Now
	}
	return &Store{db: db, now: now}
}

// Create makes a key and returns its text, which nobody can get again. The error
// is apikey.ErrName, apikey.ErrScopes or apikey.ErrTaken for what a person typed.
func (s *Store) Create(ctx context.Context, name string, scopes []apikey.Scope) (text string, k apikey.Key, err error) {
	if k, err = apikey.New(name, scopes, s.now().UTC().Truncate(time.Microsecond)); err != nil {
		return "", apikey.Key{}, err
	}
	if k.ID, err = thimble.NewID(nil); err != nil {
		return "", apikey.Key{}, err
	}
	if text, err = apikey.NewText(nil); err != nil {
		return "", apikey.Key{}, err
	}
	hash, err := apikey.Hash(text)
	if err != nil {
		return "", apikey.Key{}, err
	}
	k.Hint = apikey.Hint(text)
	if err = s.db.Write(ctx, func(tx *sqldb.Tx) error { return insert(ctx, tx, k, hash) }); err != nil {
		return "", apikey.Key{}, fmt.Errorf("apikey: making a key: %w", err)
	}
	return text, k, nil
}

func insert(ctx context.Context, tx *sqldb.Tx, k apikey.Key, hash []byte) error {
	var n int
	// Revoked keys count: the use log has their names.
	if err := tx.QueryRow(ctx, `select count(*) from apikey_keys where name = $1`, k.Name).Scan(&n); err != nil {
		return err
	}
	if n > 0 {
		return apikey.ErrTaken
	}
	_, err := tx.Exec(ctx, `insert into apikey_keys (id, hash, hint, name, scopes, created_at) values ($1, $2, $3, $4, $5, $6)`,
		k.ID, hash, k.Hint, k.Name, join(k.Scopes), k.Created.UnixMicro())
	return err
}

// Revoke ends a key at once and for good; ending it again changes nothing. The
// error is of kind ErrNotFound when there is no such key.
func (s *Store) Revoke(ctx context.Context, id thimble.ID) error {
	err := s.db.Write(ctx, func(tx *sqldb.Tx) error {
		n, err := tx.Exec(ctx, `update apikey_keys set revoked_at = coalesce(revoked_at, $1) where id = $2`, s.now().UnixMicro(), id)
		if err == nil && n == 0 {
			err = thimble.ErrNotFound
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("apikey: revoking %s: %w", id.Token(apikey.TokenPrefix), err)
	}
	return nil
}

const columns = `select id, name, scopes, hint, created_at, used_at, revoked_at, hash from apikey_keys `

// List returns all keys, revoked ones too, the newest first.
func (s *Store) List(ctx context.Context) ([]apikey.Key, error) {
	var all []apikey.Key
	err := s.db.Read(ctx, func(tx *sqldb.Tx) error {
		all = nil
		rows, err := tx.Query(ctx, columns+`order by created_at desc, id`)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			k, _, err := scan(rows)
			if err != nil {
				return err
			}
			all = append(all, k)
		}
		return rows.Err()
	})
	if err != nil {
		return nil, fmt.Errorf("apikey: listing: %w", err)
	}
	return all, nil
}

// Get returns one key; the error is of kind ErrNotFound when there is none.
func (s *Store) Get(ctx context.Context, id thimble.ID) (apikey.Key, error) {
	k, _, err := s.find(ctx, `where id = $1`, id)
	if errors.Is(err, sql.ErrNoRows) {
		err = thimble.ErrNotFound
	}
	if err != nil {
		return apikey.Key{}, fmt.Errorf("apikey: %s: %w", id.Token(apikey.TokenPrefix), err)
	}
	return k, nil
}

// resolution keeps a read of the API from being a write of the database.
const resolution = time.Minute

// Check returns the key that a text is, when it may do what needs the scope. The
// error is apikey.ErrMisspelt, apikey.ErrUnknown or apikey.ErrScope.
func (s *Store) Check(ctx context.Context, text string, scope apikey.Scope) (apikey.Key, error) {
	hash, err := apikey.Hash(text)
	if err != nil {
		return apikey.Key{}, err
	}
	k, stored, err := s.find(ctx, `where hash = $1`, hash)
	if errors.Is(err, sql.ErrNoRows) {
		stored, err = make([]byte, len(hash)), nil
	}
	if err != nil {
		return apikey.Key{}, fmt.Errorf("apikey: checking a key: %w", err)
	}
	// The index has compared hashes, whose timing tells nothing of the text. The
	// second comparison takes the same time for a key that never was, and makes
	// both refusals one.
	same := subtle.ConstantTimeCompare(stored, hash) == 1
	if !same || !k.Revoked.IsZero() {
		return apikey.Key{}, apikey.ErrUnknown
	}
	if !k.Allows(scope) {
		return apikey.Key{}, fmt.Errorf("%w: %s", apikey.ErrScope, scope)
	}
	return k, s.used(ctx, k)
}

func (s *Store) used(ctx context.Context, k apikey.Key) error {
	now := s.now()
	if now.Sub(k.Used) < resolution {
		return nil
	}
	err := s.db.Write(ctx, func(tx *sqldb.Tx) error {
		_, err := tx.Exec(ctx, `update apikey_keys set used_at = $1 where id = $2 and (used_at is null or used_at <= $3)`,
			now.UnixMicro(), k.ID, now.Add(-resolution).UnixMicro())
		return err
	})
	if err != nil {
		return fmt.Errorf("apikey: noting the use of %s: %w", k.ID.Token(apikey.TokenPrefix), err)
	}
	return nil
}

func (s *Store) find(ctx context.Context, where string, arg any) (k apikey.Key, hash []byte, err error) {
	found := false
	err = s.db.Ask(ctx, func(rows sqldb.Row) (err error) {
		found = true
		k, hash, err = scan(rows)
		return err
	}, columns+where, arg)
	if err == nil && !found {
		err = sql.ErrNoRows
	}
	return k, hash, err
}

func scan(row interface{ Scan(...any) error }) (k apikey.Key, hash []byte, err error) {
	var scopes string
	var created int64
	var used, revoked sql.NullInt64
	if err := row.Scan(&k.ID, &k.Name, &scopes, &k.Hint, &created, &used, &revoked, &hash); err != nil {
		return apikey.Key{}, nil, err
	}
	for word := range strings.FieldsSeq(scopes) {
		k.Scopes = append(k.Scopes, apikey.Scope(word))
	}
	k.Created, k.Used, k.Revoked = time.UnixMicro(created).UTC(), instant(used), instant(revoked)
	return k, hash, nil
}

func instant(us sql.NullInt64) time.Time {
	if !us.Valid {
		return time.Time{}
	}
	return time.UnixMicro(us.Int64).UTC()
}

func join(scopes []apikey.Scope) string {
	words := make([]string, len(scopes))
	for i, s := range scopes {
		words[i] = string(s)
	}
	return strings.Join(words, " ")
}
