package agentsdb

import (
	"context"
	"crypto/ed25519"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"thimble"
	"thimble/internal/ledger"
	"thimble/internal/rights/agents"
	"thimble/internal/sqldb"
)

// A Ledger queues leaves in the caller's transaction.
type Ledger interface {
	Queue(ctx context.Context, tx *sqldb.Tx, e ledger.Entry) (ledger.Opening, error)
}

// Config is what a store needs to know of the rest.
type Config struct {
	// Callable says whether an address may be called; nil: none may.
	Callable func(address string) error
	Now      func() time.Time // nil means time.Now
}

// A Store keeps agents.
type Store struct {
	db     *sqldb.DB
	ledger Ledger
	cfg    Config
}

// New returns the store of a core database.
func New(db *sqldb.DB, l Ledger, cfg Config) *Store {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return &Store{db, l, cfg}
}

func (s *Store) now() time.Time { return s.cfg.Now().UTC().Truncate(time.Microsecond) }

// Add enters agents, all of them or none. One that is there with the same key and name is
// left as it is. The error is a *agents.FieldError for what somebody typed, of kind
// ErrConflict for an id that has another key.
func (s *Store) Add(ctx context.Context, all []agents.Agent, staff string) (added int, err error) {
	for _, a := range all {
		err := a.Check()
		if err == nil && a.Callback != "" && (s.cfg.Callable == nil || s.cfg.Callable(a.Callback) != nil) {
			err = &agents.FieldError{Field: "callback", Rule: "an https address on the public internet, or nothing,"}
		}
		if err != nil {
			return 0, err
		}
	}
	err = s.db.Write(ctx, func(tx *sqldb.Tx) error {
		added = 0
		for _, a := range all {
			there, err := get(ctx, tx, a.ID)
			switch {
			case err == nil && there.Key.Equal(a.Key):
				continue
			case err == nil:
				return errors.Join(&agents.FieldError{Field: "id", Rule: "an id that no agent with another key has"}, thimble.ErrConflict)
			case !errors.Is(err, thimble.ErrNotFound):
				return err
			}
			if err := s.add(ctx, tx, a, staff); err != nil {
				return err
			}
			added++
		}
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("agents: entering: %w", err)
	}
	return added, nil
}

func (s *Store) add(ctx context.Context, tx *sqldb.Tx, a agents.Agent, staff string) error {
	now := s.now()
	_, err := tx.Exec(ctx, `insert into agents_agents (id, name, verify_key, web, assurance, callback, state, added_at, changed_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $8)`,
		a.ID, a.Name, []byte(a.Key), a.Web, a.Assurance, a.Callback, string(agents.Active), now.UnixMicro())
	if err != nil {
		return err
	}
	a.State = agents.Active
	return s.act(ctx, tx, a, agents.Entered, staff, now)
}

// Do suspends, resumes or ends an agent. With the end its tokens go.
func (s *Store) Do(ctx context.Context, id string, what agents.Act, staff string) error {
	err := s.db.Write(ctx, func(tx *sqldb.Tx) error {
		a, err := get(ctx, tx, id)
		if err != nil {
			return err
		}
		if a.State, err = a.State.After(what); err != nil {
			return err
		}
		now := s.now()
		if _, err := tx.Exec(ctx, `update agents_agents set state = $2, changed_at = $3 where id = $1`, id, string(a.State), now.UnixMicro()); err != nil {
			return err
		}
		if a.State == agents.Ended {
			if _, err := tx.Exec(ctx, `delete from agents_tokens where agent_id = $1`, id); err != nil {
				return err
			}
		}
		return s.act(ctx, tx, a, what, staff, now)
	})
	if err != nil {
		return fmt.Errorf("agents: %w", err)
	}
	return nil
}

// acted is the record of an act.
type acted struct {
	V        int        `json:"v"`
	Act      agents.Act `json:"act"`
	Agent    string     `json:"agent"`
	Name     string     `json:"name"`
	Key      string     `json:"verify_key"`
	Callback string     `json:"callback,omitempty"`
	Staff    string     `json:"staff"`
	At       time.Time  `json:"at"`
}

func said(a agents.Agent, what agents.Act, staff string, at time.Time) ([]byte, error) {
	return json.Marshal(acted{1, what, a.ID, a.Name, agents.KeyText(a.Key), a.Callback, staff, at})
}

func (s *Store) act(ctx context.Context, tx *sqldb.Tx, a agents.Agent, what agents.Act, staff string, at time.Time) error {
	if staff == "" {
		return fmt.Errorf("nobody is signed in: %w", thimble.ErrDenied)
	}
	record, err := said(a, what, staff, at)
	if err != nil {
		return err
	}
	opening, err := s.queue(ctx, tx, ledger.System, at, record)
	if err != nil {
		return err
	}
	id, err := thimble.NewID(nil)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `insert into agents_acts (id, agent_id, act, staff, at, opening) values ($1, $2, $3, $4, $5, $6)`, id, a.ID, string(what), staff, at.UnixMicro(), opening)
	return err
}

func (s *Store) queue(ctx context.Context, tx *sqldb.Tx, c ledger.Class, at time.Time, record []byte) ([]byte, error) {
	o, err := s.ledger.Queue(ctx, tx, ledger.Entry{Class: c, At: at, Record: record})
	if err != nil {
		return nil, err
	}
	return o.MarshalBinary()
}

const agentColumns = `select id, name, verify_key, web, assurance, callback, state, added_at, changed_at from agents_agents `

func scan(row interface{ Scan(...any) error }) (a agents.Agent, err error) {
	var key []byte
	var added, changed int64
	err = row.Scan(&a.ID, &a.Name, &key, &a.Web, &a.Assurance, &a.Callback, &a.State, &added, &changed)
	a.Key, a.Added, a.Changed = ed25519.PublicKey(key), time.UnixMicro(added).UTC(), time.UnixMicro(changed).UTC()
	return a, err
}

func get(ctx context.Context, tx *sqldb.Tx, id string) (agents.Agent, error) {
	a, err := scan(tx.QueryRow(ctx, agentColumns+`where id = $1`, id))
	if errors.Is(err, sql.ErrNoRows) {
		err = thimble.ErrNotFound
	}
	return a, err
}

// Get returns an agent. The error is of kind ErrNotFound when there is none.
func (s *Store) Get(ctx context.Context, id string) (a agents.Agent, err error) {
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		a, err = get(ctx, tx, id)
		return err
	})
	if err != nil {
		return a, fmt.Errorf("agents: reading one: %w", err)
	}
	return a, nil
}

// List returns all agents, by name.
func (s *Store) List(ctx context.Context) (all []agents.Agent, err error) {
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		all = nil
		rows, err := tx.Query(ctx, agentColumns+`order by name, id`)
		if err != nil {
			return err
		}
		defer rows.Close()
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
		return nil, fmt.Errorf("agents: listing: %w", err)
	}
	return all, nil
}

// A Past is an act of staff that was done.
type Past struct {
	Act   agents.Act
	Staff string
	At    time.Time
}

// Acts returns what staff did to an agent, the newest first.
func (s *Store) Acts(ctx context.Context, id string) (all []Past, err error) {
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		all = nil
		rows, err := tx.Query(ctx, `select act, staff, at from agents_acts where agent_id = $1 order by at desc, id limit 200`, id)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var p Past
			var at int64
			if err := rows.Scan(&p.Act, &p.Staff, &at); err != nil {
				return err
			}
			p.At = time.UnixMicro(at).UTC()
			all = append(all, p)
		}
		return rows.Err()
	})
	if err != nil {
		return nil, fmt.Errorf("agents: reading acts: %w", err)
	}
	return all, nil
}
