// Package staffdb keeps the accounts of staff, what proves who they are, and the record
// of each change.
package staffdb

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"thimble"
	"thimble/internal/ledger"
	"thimble/internal/session"
	"thimble/internal/sqldb"
	"thimble/internal/staff"
)

// A Ledger queues leaves in the caller's transaction.
type Ledger interface {
	Queue(ctx context.Context, tx *sqldb.Tx, e ledger.Entry) (ledger.Opening, error)
}

// A Vault seals and opens the secrets of the second factor.
type Vault interface {
	thimble.Sealer
	Open(ctx context.Context, c thimble.Cell, sealed []byte) ([]byte, error)
}

// Sessions signs somebody out everywhere, in the caller's transaction.
type Sessions interface {
	RevokeTx(ctx context.Context, tx *sqldb.Tx, who session.Who) error
}

// A Config holds what has a default.
type Config struct {
	Cost staff.Cost       // of the hashes of passwords; staff.DefaultCost when zero
	Now  func() time.Time // time.Now when nil
}

// A Store keeps accounts.
type Store struct {
	db       *sqldb.DB
	ledger   Ledger
	vault    Vault
	sessions Sessions
	cfg      Config
	dummy    string // the hash of a password that nobody has
}

// New returns the store of a core database.
func New(db *sqldb.DB, l Ledger, v Vault, s Sessions, cfg Config) (*Store, error) {
	if cfg.Cost == (staff.Cost{}) {
		cfg.Cost = staff.DefaultCost()
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	dummy, err := staff.Dummy(cfg.Cost)
	if err != nil {
		return nil, err
	}
	return &Store{db: db, ledger: l, vault: v, sessions: s, cfg: cfg, dummy: dummy}, nil
}

const columns = `a.id, a.name, a.roles, a.status, a.trained_until, a.created_at, a.seen_at, a.password <> '',
	(select count(*) from staff_recovery r where r.account_id = a.id and r.used_at is null)`

func scan(r interface{ Scan(...any) error }, more ...any) (a staff.Account, err error) {
	var roles string
	var trained, created, seen int64
	if err := r.Scan(append([]any{&a.ID, &a.Name, &roles, &a.Status, &trained, &created, &seen, &a.HasPassword, &a.CodesLeft}, more...)...); err != nil {
		return a, err
	}
	a.TrainedUntil, a.CreatedAt, a.SeenAt = instant(trained), instant(created), instant(seen)
	if err := json.Unmarshal([]byte(roles), &a.Roles); err != nil {
		return a, fmt.Errorf("the roles of %s are broken: %w", a.ID.Token(staff.IDPrefix), err)
	}
	return a, nil
}

func instant(micro int64) time.Time {
	if micro == 0 {
		return time.Time{}
	}
	return time.UnixMicro(micro).UTC()
}

// Account returns the account of a name, or an error of kind thimble.ErrNotFound.
func (s *Store) Account(ctx context.Context, name string) (a staff.Account, err error) {
	err = s.db.Read(ctx, func(tx *sqldb.Tx) (err error) {
		a, err = account(ctx, tx, name)
		return err
	})
	return a, err
}

func account(ctx context.Context, tx *sqldb.Tx, name string) (staff.Account, error) {
	a, err := scan(tx.QueryRow(ctx, `select `+columns+` from staff_accounts a where a.name = $1`, name))
	if errors.Is(err, sql.ErrNoRows) {
		err = fmt.Errorf("no such account: %w", thimble.ErrNotFound)
	}
	if err != nil {
		return staff.Account{}, fmt.Errorf("staff: reading an account: %w", err)
	}
	return a, nil
}

// Accounts returns all accounts by name, those that have left last.
func (s *Store) Accounts(ctx context.Context) (all []staff.Account, err error) {
	err = s.db.Read(ctx, func(tx *sqldb.Tx) (err error) {
		all = nil
		rows, err := tx.Query(ctx, `select `+columns+` from staff_accounts a order by a.status = 'left', a.name`)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, rows.Close()) }()
		for rows.Next() {
			a, err := scan(rows)
			if err != nil {
				return err
			}
			all = append(all, a)
		}
		return rows.Err()
	})
	if err != nil {
		return nil, fmt.Errorf("staff: listing accounts: %w", err)
	}
	return all, nil
}

// Changes returns what was done to an account, the newest first.
func (s *Store) Changes(ctx context.Context, id thimble.ID, limit int) (all []staff.Change, err error) {
	err = s.db.Read(ctx, func(tx *sqldb.Tx) (err error) {
		all, err = changes(ctx, tx, id, limit)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("staff: reading changes: %w", err)
	}
	return all, nil
}

func changes(ctx context.Context, tx *sqldb.Tx, id thimble.ID, limit int) (all []staff.Change, err error) {
	rows, err := tx.Query(ctx, `select opening from staff_changes where account_id = $1 order by at desc, id limit $2`, id, limit)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var b []byte
		if err := rows.Scan(&b); err != nil {
			return nil, err
		}
		var o ledger.Opening
		if err := o.UnmarshalBinary(b); err != nil {
			return nil, err
		}
		c, err := staff.UnmarshalChange(o.Record)
		if err != nil {
			return nil, err
		}
		all = append(all, c)
	}
	return all, rows.Err()
}

// note queues the leaf of a change and keeps its opening, in the transaction of the change.
func (s *Store) note(ctx context.Context, tx *sqldb.Tx, a staff.Account, c staff.Change) error {
	c.V, c.Account, c.At = 1, a.Name, s.cfg.Now().UTC().Truncate(time.Microsecond)
	if err := c.Check(); err != nil {
		return err
	}
	record, err := c.Marshal()
	if err != nil {
		return err
	}
	o, err := s.ledger.Queue(ctx, tx, ledger.Entry{Class: ledger.System, At: c.At, Record: record})
	if err != nil {
		return err
	}
	opening, err := o.MarshalBinary() // of staff's work; nothing of a customer is in it
	if err != nil {
		return err
	}
	id, err := thimble.NewID(nil)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `insert into staff_changes (id, account_id, at, opening) values ($1, $2, $3, $4)`, id, a.ID, c.At.UnixMicro(), opening)
	return err
}
