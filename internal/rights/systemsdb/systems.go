package systemsdb

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"thimble"
	"thimble/internal/disclose/wire"
	"thimble/internal/ledger"
	"thimble/internal/rights/cases"
	"thimble/internal/rights/systems"
	"thimble/internal/sqldb"
)

func secretCell(id thimble.ID) thimble.Cell {
	return thimble.Cell{Table: "systems_systems", Column: "secret", Row: id[:], Category: "system"}
}

// Add states a system. A webhook's key is made, and told once; a processor of OpenDSR is
// let in with the credential that it gave. The error is a *systems.FieldError for a rule
// that is broken.
func (s *Store) Add(ctx context.Context, y systems.System, credential thimble.Personal[string], staff string) (systems.System, string, error) {
	secret := credential.Reveal() // to seal it
	err := s.check(y, secret)
	if err == nil && y.Means == systems.Webhook {
		var key wire.SigningKey
		if key, err = wire.NewSecret(nil); err == nil {
			secret = key.Text()
		}
	}
	if err == nil {
		y.ID, err = thimble.NewID(nil)
	}
	var sealed []byte
	if err == nil {
		sealed, err = s.parts.Vault.Seal(ctx, secretCell(y.ID), []byte(secret))
	}
	if err != nil {
		return y, "", wrap("stating a system", err)
	}
	y.CreatedAt = s.now()
	y.ChangedAt = y.CreatedAt
	err = s.db.Write(ctx, func(tx *sqldb.Tx) error {
		if err := s.free(ctx, tx, y); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `insert into systems_systems (id, name, kinds, means, endpoint, names, recipient_id, necessity, days, instructions, secret, ended, created_at, changed_at)
			values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 0, $12, $12)`,
			y.ID, y.Name, kindsText(y.Kinds), string(y.Means), y.Endpoint, string(y.Names), y.Recipient, y.Necessity, y.Days, y.Instructions, sealed, y.CreatedAt.UnixMicro())
		if err != nil {
			return err
		}
		return s.act(ctx, tx, y, "stated", staff)
	})
	return y, secret, wrap("stating a system", err)
}

// check asks the transport about the address.
func (s *Store) check(y systems.System, secret string) error {
	if err := y.Check(); err != nil {
		return err
	}
	if len(secret) > 4096 || strings.ContainsAny(secret, "\r\n") {
		return &systems.FieldError{Field: "credential", Rule: "one line of at most 4096 characters"}
	}
	if y.Means == systems.Person {
		return nil
	}
	if y.Means != systems.Webhook {
		sp := s.speakers[y.Means]
		if sp == nil {
			return &systems.FieldError{Field: "means", Rule: "another: the protocol is not set up"}
		}
		if err := sp.Takes(y); err != nil || y.Means == systems.Framework { // whose address is in its file
			return err
		}
	}
	if err := s.ways.Check(y.Endpoint, Hosts(y)); err != nil {
		return errors.Join(&systems.FieldError{Field: "endpoint", Rule: "an https address on the public internet"}, err)
	}
	return nil
}

// Hosts is the system's list: that of its address, and no other.
func Hosts(y systems.System) []string {
	if u, err := url.Parse(y.Endpoint); err == nil {
		return []string{u.Hostname()}
	}
	return nil
}

func (s *Store) free(ctx context.Context, tx *sqldb.Tx, y systems.System) error {
	var taken int
	err := tx.QueryRow(ctx, `select count(*) from systems_systems where name = $1 and ended = 0 and id <> $2`, y.Name, y.ID).Scan(&taken)
	if err == nil && taken > 0 {
		err = &systems.FieldError{Field: "name", Rule: "a name that no other system has"}
	}
	return err
}

// Change states a system anew. How it is told stays: that is another system.
func (s *Store) Change(ctx context.Context, y systems.System, credential thimble.Personal[string], staff string) error {
	old, err := s.System(ctx, y.ID)
	if err != nil {
		return err
	}
	secret := credential.Reveal() // to seal it
	if y.Means = old.Means; old.Ended {
		return wrap("changing a system", fmt.Errorf("it has ended: %w", thimble.ErrConflict))
	}
	if err := s.check(y, secret); err != nil {
		return wrap("changing a system", err)
	}
	var sealed []byte
	if secret != "" && y.Means == systems.Processor {
		if sealed, err = s.parts.Vault.Seal(ctx, secretCell(y.ID), []byte(secret)); err != nil {
			return wrap("changing a system", err)
		}
	}
	err = s.db.Write(ctx, func(tx *sqldb.Tx) error {
		if err := s.free(ctx, tx, y); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `update systems_systems set name = $2, kinds = $3, endpoint = $4, names = $5, recipient_id = $6, necessity = $7, days = $8, instructions = $9, changed_at = $10 where id = $1`,
			y.ID, y.Name, kindsText(y.Kinds), y.Endpoint, string(y.Names), y.Recipient, y.Necessity, y.Days, y.Instructions, s.now().UnixMicro())
		if err == nil && sealed != nil {
			_, err = tx.Exec(ctx, `update systems_systems set secret = $2 where id = $1`, y.ID, sealed)
		}
		if err != nil {
			return err
		}
		return s.act(ctx, tx, y, "changed", staff)
	})
	return wrap("changing a system", err)
}

// NewSecret gives a system another key for its webhooks, which is told once.
func (s *Store) NewSecret(ctx context.Context, id thimble.ID, staff string) (string, error) {
	y, err := s.System(ctx, id)
	if err == nil && (y.Means != systems.Webhook || y.Ended) {
		err = fmt.Errorf("it gets no webhooks: %w", thimble.ErrConflict)
	}
	var key wire.SigningKey
	if err == nil {
		key, err = wire.NewSecret(nil)
	}
	var sealed []byte
	if err == nil {
		sealed, err = s.parts.Vault.Seal(ctx, secretCell(id), []byte(key.Text()))
	}
	if err == nil {
		err = s.db.Write(ctx, func(tx *sqldb.Tx) error {
			if _, err := tx.Exec(ctx, `update systems_systems set secret = $2, changed_at = $3 where id = $1`, id, sealed, s.now().UnixMicro()); err != nil {
				return err
			}
			return s.act(ctx, tx, y, "key replaced", staff)
		})
	}
	return key.Text(), wrap("replacing a key", err)
}

// End says that a system holds nothing any more. It takes part in nothing from now on; what
// it was asked for and has not done cannot be told any more, and somebody sees to it.
func (s *Store) End(ctx context.Context, id thimble.ID, staff string) error {
	y, err := s.System(ctx, id)
	if err == nil {
		err = s.db.Write(ctx, func(tx *sqldb.Tx) error {
			n, err := tx.Exec(ctx, `update systems_systems set ended = 1, changed_at = $2 where id = $1 and ended = 0`, id, s.now().UnixMicro())
			if err != nil {
				return err
			}
			if n == 0 {
				return fmt.Errorf("it has ended: %w", thimble.ErrConflict)
			}
			open, err := list(ctx, tx, `where system_id = $1 and state in ('to_be_told', 'told', 'acknowledged', 'overdue')`, id)
			for _, t := range open {
				if err == nil {
					_, err = s.happen(ctx, tx, t, systems.Event{What: systems.HasVanished, Why: "system-ended"}, cases.TheStaff)
				}
			}
			if err != nil {
				return err
			}
			return s.act(ctx, tx, y, "ended", staff)
		})
	}
	return wrap("ending a system", err)
}

func kindsText(all []cases.Kind) string {
	words := make([]string, len(all))
	for i, k := range all {
		words[i] = string(k)
	}
	return strings.Join(words, " ")
}

const systemColumns = `select id, name, kinds, means, endpoint, names, recipient_id, necessity, days, instructions, ended, created_at, changed_at from systems_systems `

func stated(ctx context.Context, tx *sqldb.Tx, where string, args ...any) (all []systems.System, err error) {
	rows, err := tx.Query(ctx, systemColumns+where, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var y systems.System
		var kinds string
		var ended, created, changed int64
		if err := rows.Scan(&y.ID, &y.Name, &kinds, &y.Means, &y.Endpoint, &y.Names, &y.Recipient, &y.Necessity, &y.Days, &y.Instructions, &ended, &created, &changed); err != nil {
			return nil, err
		}
		for k := range strings.FieldsSeq(kinds) {
			y.Kinds = append(y.Kinds, cases.Kind(k))
		}
		y.Ended, y.CreatedAt, y.ChangedAt = ended != 0, instant(created), instant(changed)
		all = append(all, y)
	}
	return all, rows.Err()
}

// Systems are all that were stated, by name, those that have ended last.
func (s *Store) Systems(ctx context.Context) (all []systems.System, err error) {
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		all, err = stated(ctx, tx, `order by ended, name, id`)
		return err
	})
	return all, wrap("reading systems", err)
}

// System returns one.
func (s *Store) System(ctx context.Context, id thimble.ID) (systems.System, error) {
	var all []systems.System
	err := s.db.Read(ctx, func(tx *sqldb.Tx) (err error) {
		all, err = stated(ctx, tx, `where id = $1`, id)
		return err
	})
	if err == nil && len(all) == 0 {
		err = fmt.Errorf("%s: %w", id.Token(systems.SystemPrefix), thimble.ErrNotFound)
	}
	if err != nil {
		return systems.System{}, wrap("reading a system", err)
	}
	return all[0], nil
}

func (s *Store) secret(ctx context.Context, id thimble.ID) (string, error) {
	var sealed []byte
	err := s.db.Read(ctx, func(tx *sqldb.Tx) error {
		return tx.QueryRow(ctx, `select secret from systems_systems where id = $1`, id).Scan(&sealed)
	})
	if errors.Is(err, sql.ErrNoRows) {
		err = thimble.ErrNotFound
	}
	var plain []byte
	if err == nil {
		plain, err = s.parts.Vault.Open(ctx, secretCell(id), sealed)
	}
	return string(plain), wrap("opening a key", err)
}

// An Act is what a member of staff did about a system.
type Act struct {
	System thimble.ID
	Act    string
	Staff  string
	At     time.Time
}

// acted is what the leaf of an act commits to.
type acted struct {
	V      int       `json:"v"`
	Act    string    `json:"act"`
	System string    `json:"system"`
	Name   string    `json:"name"`
	Kinds  string    `json:"kinds"`
	Means  string    `json:"means"`
	Names  string    `json:"names"`
	Days   int       `json:"days"`
	Staff  string    `json:"staff"`
	At     time.Time `json:"at"`
}

func (s *Store) act(ctx context.Context, tx *sqldb.Tx, y systems.System, what, staff string) error {
	return s.note(ctx, tx, y.ID, acted{1, what, y.ID.Token(systems.SystemPrefix), y.Name, kindsText(y.Kinds), string(y.Means), string(y.Names), y.Days, staff, s.now()})
}

// NoteTx keeps what a member of staff did about somebody else outside, such as a controller,
// with its leaf.
func (s *Store) NoteTx(ctx context.Context, tx *sqldb.Tx, id thimble.ID, prefix, name, act, staff string) error {
	return s.note(ctx, tx, id, acted{V: 1, Act: act, System: id.Token(prefix), Name: name, Staff: staff, At: s.now()})
}

func (s *Store) note(ctx context.Context, tx *sqldb.Tx, of thimble.ID, a acted) error {
	record, err := json.Marshal(a)
	if err != nil {
		return err
	}
	opening, err := s.parts.Ledger.Queue(ctx, tx, ledger.Entry{Class: ledger.System, At: a.At, Record: record})
	if err != nil {
		return err
	}
	kept, err := opening.MarshalBinary()
	if err != nil {
		return err
	}
	id, err := thimble.NewID(nil)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `insert into systems_acts (id, system_id, act, staff, at, opening) values ($1, $2, $3, $4, $5, $6)`, id, of, a.Act, a.Staff, a.At.UnixMicro(), kept)
	return err
}

// Acts returns what staff did about a system, the newest first.
func (s *Store) Acts(ctx context.Context, id thimble.ID, limit int) (all []Act, err error) {
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		all = nil
		rows, err := tx.Query(ctx, `select act, staff, at from systems_acts where system_id = $1 order by at desc, id limit $2`, id, limit)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			a := Act{System: id}
			var at int64
			if err := rows.Scan(&a.Act, &a.Staff, &at); err != nil {
				return err
			}
			a.At = instant(at)
			all = append(all, a)
		}
		return rows.Err()
	})
	return all, wrap("reading acts", err)
}
