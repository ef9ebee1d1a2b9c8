package consentdb

import (
	"context"
	"crypto/ed25519"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"thimble"
	"thimble/internal/consent"
	"thimble/internal/consent/till"
	"thimble/internal/sqldb"
)

// A Till is one key of one till.
type Till struct {
	Name, KeyID      string
	Key              ed25519.PublicKey
	Created, Revoked time.Time // Revoked is zero for a key that counts
}

// AddTill lets a till sign batches with a key, and returns the key's id. A till may
// have several, so that one can take over from another. The error is of kind
// ErrConflict for a key it has or had already.
func (s *Store) AddTill(ctx context.Context, name string, key ed25519.PublicKey) (id string, err error) {
	if err := till.CheckName(name); err != nil {
		return "", err
	}
	id = till.KeyID(key)
	err = s.db.Write(ctx, func(tx *sqldb.Tx) error {
		n, err := tx.Exec(ctx, `insert into consent_tills (till, key_id, public_key, created_at, revoked_at) values ($1, $2, $3, $4, 0)
			on conflict do nothing`, name, id, []byte(key), s.now().UnixMicro())
		if err == nil && n == 0 {
			err = fmt.Errorf("the till has or had this key: %w", thimble.ErrConflict)
		}
		return err
	})
	if err != nil {
		return "", fmt.Errorf("consent: adding a key of %s: %w", name, err)
	}
	return id, nil
}

// RevokeTill ends a till's key: what it signs from now on does not count.
func (s *Store) RevokeTill(ctx context.Context, name, id string) error {
	err := s.db.Write(ctx, func(tx *sqldb.Tx) error {
		n, err := tx.Exec(ctx, `update consent_tills set revoked_at = $1 where till = $2 and key_id = $3 and revoked_at = 0`, s.now().UnixMicro(), name, id)
		if err == nil && n == 0 {
			err = fmt.Errorf("no such key that counts: %w", thimble.ErrNotFound)
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("consent: revoking a key of a till: %w", err)
	}
	return nil
}

// Tills lists the keys of all tills.
func (s *Store) Tills(ctx context.Context) (all []Till, err error) {
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		all = nil
		rows, err := tx.Query(ctx, `select till, key_id, public_key, created_at, revoked_at from consent_tills order by till, created_at, key_id`)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var t Till
			var key []byte
			var created, revoked int64
			if err := rows.Scan(&t.Name, &t.KeyID, &key, &created, &revoked); err != nil {
				return err
			}
			t.Key, t.Created, t.Revoked = key, time.UnixMicro(created), stamp(revoked)
			all = append(all, t)
		}
		return rows.Err()
	})
	if err != nil {
		return nil, fmt.Errorf("consent: listing tills: %w", err)
	}
	return all, nil
}

// known loads what a batch is held against.
func (s *Store) known(ctx context.Context, tx *sqldb.Tx, b *till.Batch) (till.Known, error) {
	k := till.Known{Now: s.now()}
	var key []byte
	err := tx.QueryRow(ctx, `select public_key from consent_tills where till = $1 and key_id = $2 and revoked_at = 0`, b.Till, b.Key).Scan(&key)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return k, err
	}
	var n int
	if err := tx.QueryRow(ctx, `select count(*) from consent_batches where till = $1 and sequence = $2`, b.Till, b.Sequence).Scan(&n); err != nil {
		return k, err
	}
	hashes := map[string]bool{b.Notice: true}
	for _, e := range b.Entries {
		hashes[e.Notice] = true
	}
	notices := map[string]consent.Notice{}
	for _, lang := range consent.Langs() {
		n, _, _, _ := consent.In(lang)
		notices[n.Ref().SHA256] = n
	}
	for h := range hashes {
		notice, err := notice(ctx, tx, h)
		if err != nil {
			return k, err
		}
		if notice.Text != "" {
			notices[h] = notice
		}
	}
	k.Key = func(string, string) ed25519.PublicKey { return key }
	k.Used = func(string, int64) bool { return n > 0 }
	k.Notice = func(h string) (consent.Notice, bool) { n, ok := notices[h]; return n, ok }
	return k, nil
}

// notice returns the text of a hash, the zero Notice for one that was never shown.
func notice(ctx context.Context, tx *sqldb.Tx, hash string) (n consent.Notice, err error) {
	h, err := hex.DecodeString(hash)
	if err != nil || hex.EncodeToString(h) != hash {
		return n, nil // one spelling only
	}
	err = tx.QueryRow(ctx, `select lang, version, body from consent_notices where hash = $1`, h).Scan(&n.Lang, &n.Version, &n.Text)
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	return n, err
}
