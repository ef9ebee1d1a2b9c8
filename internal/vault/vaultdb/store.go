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

// Unbacked names the table that belongs in no backup: what is destroyed in it must
// be gone.
const Unbacked = "vault_epochs"

// A Store keeps wrapped keys.
type Store struct{ db *sqldb.DB }

var (
	_ vault.Store  = (*Store)(nil)
	_ vault.Epochs = (*Store)(nil)
)

// New returns a store on the set sqldb.Keys.
func New(db *sqldb.DB) *Store { return &Store{db: db} }

// Install implements vault.Store.
func (s *Store) Install(ctx context.Context, id []byte) (kept []byte, err error) {
	err = s.db.Write(ctx, func(tx *sqldb.Tx) error {
		if _, err := tx.Exec(ctx, `insert into vault_installation (one, id, epoch_floor)
			values (1, $1, 0) on conflict do nothing`, id); err != nil {
			return err
		}
		kept, err = installation(ctx, tx)
		return err
	})
	return kept, wrap("installing", err)
}

// Installation implements vault.Store.
func (s *Store) Installation(ctx context.Context) (id []byte, err error) {
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		id, err = installation(ctx, tx)
		return err
	})
	return id, wrap("reading the installation", err)
}

func installation(ctx context.Context, tx *sqldb.Tx) (id []byte, err error) {
	err = tx.QueryRow(ctx, `select id from vault_installation`).Scan(&id)
	return id, missing(err)
}

// Pulse implements vault.Store.
func (s *Store) Pulse(ctx context.Context) (p vault.Pulse, err error) {
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		return missing(tx.QueryRow(ctx, `select epoch_floor,
			(select coalesce(max(seq), 0) from vault_tombstones),
			(select coalesce(sum(changes), 0) from vault_classes)
			from vault_installation`).Scan(&p.Floor, &p.Shreds, &p.Months))
	})
	return p, wrap("feeling the pulse", err)
}

// Secret implements vault.Store.
func (s *Store) Secret(ctx context.Context, name string) (sealed []byte, err error) {
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		return missing(tx.QueryRow(ctx, `select sealed from vault_secrets where name = $1`, name).Scan(&sealed))
	})
	return sealed, wrap("reading a secret", err)
}

// PutSecret implements vault.Store.
func (s *Store) PutSecret(ctx context.Context, name string, sealed []byte, at time.Time) error {
	return wrap("keeping a secret", s.db.Write(ctx, func(tx *sqldb.Tx) error {
		_, err := tx.Exec(ctx, `insert into vault_secrets (name, sealed, created_at)
			values ($1, $2, $3) on conflict do nothing`, name, sealed, at.UnixMicro())
		return err
	}))
}

// MonthFloor implements vault.Store.
func (s *Store) MonthFloor(ctx context.Context, class string) (month int, err error) {
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		month, err = monthFloor(ctx, tx, class)
		return err
	})
	return month, wrap("reading a class", err)
}

func monthFloor(ctx context.Context, tx *sqldb.Tx, class string) (month int, err error) {
	err = tx.QueryRow(ctx, `select month from vault_classes where class = $1`, class).Scan(&month)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	return month, err
}

// RaiseMonthFloor implements vault.Store.
func (s *Store) RaiseMonthFloor(ctx context.Context, class string, month int) error {
	return wrap("expiring a class", s.db.Write(ctx, func(tx *sqldb.Tx) error {
		_, err := tx.Exec(ctx, `insert into vault_classes (class, month, changes) values ($1, $2, 1)
			on conflict (class) do update set changes = vault_classes.changes + 1,
			month = case when vault_classes.month < excluded.month then excluded.month else vault_classes.month end`,
			class, month)
		return err
	}))
}

func missing(err error) error {
	if errors.Is(err, sql.ErrNoRows) {
		return thimble.ErrNotFound
	}
	return err
}

func wrap(doing string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("vaultdb: %s: %w", doing, err)
}
