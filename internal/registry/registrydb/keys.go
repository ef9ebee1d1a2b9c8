package registrydb

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"thimble"
	"thimble/internal/ledger"
	"thimble/internal/registry"
	"thimble/internal/sqldb"
)

// A SigningKey is a key that has signed packages.
type SigningKey struct {
	Hint       string
	PEM        string
	Generation int64
	MadeAt     time.Time
	Revoked    time.Time // zero: it counts
	Reason     string    // of the revocation

	opening, revocation []byte
}

// keyRecord is what the leaf of a key and that of its revocation commit to.
type keyRecord struct {
	Key        string    `json:"model_key"`
	Generation int64     `json:"generation"`
	Step       string    `json:"step"` // made, revoked
	Reason     string    `json:"reason,omitempty"`
	By         string    `json:"by,omitempty"`
	At         time.Time `json:"at"`
}

func (s *Store) keyLeaf(ctx context.Context, tx *sqldb.Tx, r keyRecord) ([]byte, error) {
	record, err := json.Marshal(r)
	if err != nil {
		return nil, err
	}
	o, err := s.ledger.Queue(ctx, tx, ledger.Entry{Class: ledger.Key, At: r.At, Record: record})
	if err != nil {
		return nil, err
	}
	return o.MarshalBinary()
}

// noteKey writes down a key when it signs for the first time.
func (s *Store) noteKey(ctx context.Context, tx *sqldb.Tx, k registry.Key, generation int64) error {
	var n, revoked int64
	if err := tx.QueryRow(ctx, `select count(*), coalesce(max(revoked_at), 0) from registry_keys where hint = $1`, k.Hint()).Scan(&n, &revoked); err != nil {
		return err
	}
	if revoked > 0 {
		return fmt.Errorf("the key was revoked meanwhile: %w", thimble.ErrConflict)
	}
	if n > 0 {
		return nil
	}
	at := s.now().UTC().Truncate(time.Microsecond)
	opening, err := s.keyLeaf(ctx, tx, keyRecord{Key: k.Hint(), Generation: generation, Step: "made", At: at})
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `insert into registry_keys (hint, pem, generation, made_at, opening, revoked_at, reason, revocation) values ($1, $2, $3, $4, $5, 0, '', $6)`,
		k.Hint(), string(k.PEM()), generation, at.UnixMicro(), opening, []byte{})
	return err
}

// Keys returns the keys that have signed, the newest first.
func (s *Store) Keys(ctx context.Context) (all []SigningKey, err error) {
	err = s.db.Read(ctx, func(tx *sqldb.Tx) (err error) {
		all, err = keys(ctx, tx)
		return err
	})
	return all, err
}

func keys(ctx context.Context, tx *sqldb.Tx) (all []SigningKey, err error) {
	rows, err := tx.Query(ctx, `select hint, pem, generation, made_at, opening, revoked_at, reason, revocation from registry_keys order by generation desc`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var k SigningKey
		var made, revoked int64
		if err := rows.Scan(&k.Hint, &k.PEM, &k.Generation, &made, &k.opening, &revoked, &k.Reason, &k.revocation); err != nil {
			return nil, err
		}
		k.MadeAt = time.UnixMicro(made).UTC()
		if revoked > 0 {
			k.Revoked = time.UnixMicro(revoked).UTC()
		}
		all = append(all, k)
	}
	return all, rows.Err()
}

// RevokeKey has a key count no more, revokes every kept version that it has signed, and
// announces that their files are destroyed. The next training signs with another key.
func (s *Store) RevokeKey(ctx context.Context, hint string, o Order) (destroy *ledger.Intent, err error) {
	err = s.order(ctx, o, "revoking a key", func(tx *sqldb.Tx) error {
		destroy = nil
		all, err := keys(ctx, tx)
		if err != nil {
			return err
		}
		var key *SigningKey
		for _, k := range all {
			if k.Hint == hint {
				key = &k
			}
		}
		if key == nil {
			return fmt.Errorf("there is no such key: %w", thimble.ErrNotFound)
		}
		if !key.Revoked.IsZero() {
			return fmt.Errorf("it is revoked already: %w", thimble.ErrConflict)
		}
		at := s.now().UTC().Truncate(time.Microsecond)
		opening, err := s.keyLeaf(ctx, tx, keyRecord{Key: hint, Generation: key.Generation, Step: "revoked", Reason: o.Reason, By: o.By, At: at})
		if err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `update registry_keys set revoked_at = $1, reason = $2, revocation = $3 where hint = $4`, at.UnixMicro(), o.Reason, opening, hint); err != nil {
			return err
		}
		signed, err := query(ctx, tx, `where v.signer = $1 and `+keptStages, hint)
		if err != nil || len(signed) == 0 {
			return err
		}
		destroy, err = s.end(ctx, tx, signed, registry.Revoked, o, nil)
		return err
	})
	return destroy, err
}
