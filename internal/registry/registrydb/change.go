package registrydb

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"thimble"
	"thimble/internal/ledger"
	"thimble/internal/registry"
	"thimble/internal/sqldb"
)

// An Order is what somebody wants done with a version, and why.
type Order struct {
	Reason string
	By     string // a name of the staff; "" for the program itself
}

// maxReason bounds a reason, in bytes.
const maxReason = 500

// Check refuses an order without a reason. The error is of kind ErrInvalid.
func (o Order) Check() error {
	if o.Reason == "" || len(o.Reason) > maxReason {
		return fmt.Errorf("registry: reason: 1 to %d bytes are expected: %w", maxReason, thimble.ErrInvalid)
	}
	return nil
}

// A Change is one change of a version's stage.
type Change struct {
	Model    string
	Version  int64
	From, To registry.Stage
	Order
	At      time.Time
	Opening ledger.Opening
}

// change is the record of one: what its leaf commits to.
type change struct {
	Model   string         `json:"model"`
	Version int64          `json:"version"`
	SHA256  string         `json:"sha256"` // of the weights
	From    registry.Stage `json:"from"`
	To      registry.Stage `json:"to"`
	Reason  string         `json:"reason"`
	By      string         `json:"by,omitempty"`
	At      time.Time      `json:"at"`
	// Withdrawn stands in the records of before stages, instead of the last four.
	Withdrawn *time.Time `json:"withdrawn,omitempty"`
}

// move changes the stage of a version, and queues the leaf that says so.
func (s *Store) move(ctx context.Context, tx *sqldb.Tx, v Version, to registry.Stage, o Order, at time.Time) error {
	if err := registry.Move(v.Stage, to); err != nil {
		return err
	}
	at = at.UTC().Truncate(time.Microsecond)
	record, err := json.Marshal(change{Model: v.Model, Version: v.Number, SHA256: hex.EncodeToString(v.Hash[:]), From: v.Stage, To: to, Reason: o.Reason, By: o.By, At: at})
	if err != nil {
		return err
	}
	opening, err := s.ledger.Queue(ctx, tx, ledger.Entry{Class: ledger.Model, At: at, Model: [8]byte(v.Hash[:8]), Record: record})
	if err != nil {
		return err
	}
	kept, err := opening.MarshalBinary() // hashes only: nothing to seal
	if err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, `insert into registry_changes (model, version, from_stage, to_stage, reason, actor, at, seq, opening)
		values ($1, $2, $3, $4, $5, $6, $7, (select coalesce(max(seq), 0) + 1 from registry_changes where model = $1), $8)`,
		v.Model, v.Number, string(v.Stage), string(to), o.Reason, o.By, at.UnixMicro(), kept); err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `update registry_versions set stage = $1 where model = $2 and version = $3`, string(to), v.Model, v.Number)
	return err
}

// Changes returns the newest changes of a model's versions.
func (s *Store) Changes(ctx context.Context, model string, limit int) ([]Change, error) {
	return s.changes(ctx, `where model = $1 order by seq desc limit $2`, model, limit)
}

func (s *Store) changes(ctx context.Context, where string, args ...any) (all []Change, err error) {
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		all = nil
		rows, err := tx.Query(ctx, `select model, version, from_stage, to_stage, reason, actor, at, opening from registry_changes `+where, args...)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var c Change
			var at int64
			var opening []byte
			if err := rows.Scan(&c.Model, &c.Version, &c.From, &c.To, &c.Reason, &c.By, &at, &opening); err != nil {
				return err
			}
			c.At = time.UnixMicro(at).UTC()
			if err := c.Opening.UnmarshalBinary(opening); err != nil {
				return err
			}
			all = append(all, c)
		}
		return rows.Err()
	})
	return all, err
}

// promote makes a version the champion. The one before is retired first, as there is
// never a second. A version that is held is not replaced by a training by itself.
func (s *Store) promote(ctx context.Context, tx *sqldb.Tx, v Version, o Order, held bool) error {
	at := s.now()
	before, err := query(ctx, tx, `where v.model = $1 and v.stage = 'champion'`, v.Model)
	if err != nil {
		return err
	}
	for _, b := range before {
		if b.Number == v.Number {
			return fmt.Errorf("registry: version %d serves already: %w", v.Number, thimble.ErrConflict)
		}
		if err := s.move(ctx, tx, b, registry.Retired, o, at); err != nil {
			return err
		}
	}
	if err := s.move(ctx, tx, v, registry.Champion, o, at); err != nil {
		return err
	}
	return hold(ctx, tx, v.Model, held)
}

// Promote moves a version to a stage: to challenger, back to shadow, or to champion, by
// which the present champion is retired.
func (s *Store) Promote(ctx context.Context, model string, number int64, to registry.Stage, o Order) error {
	if to != registry.Challenger && to != registry.Shadow && to != registry.Champion {
		return fmt.Errorf("registry: stage: shadow, challenger or champion is expected: %w", thimble.ErrInvalid)
	}
	return s.order(ctx, o, "promoting", func(tx *sqldb.Tx) error {
		v, err := found(query(ctx, tx, `where v.model = $1 and v.version = $2`, model, number))
		if err != nil {
			return err
		}
		if to != registry.Champion {
			return s.move(ctx, tx, v, to, o, s.now())
		}
		return s.promote(ctx, tx, v, o, false)
	})
}

// Rollback makes the newest version that was retired the champion again, and holds it:
// a training by itself derives it anew and does not replace it. The error is of kind
// ErrNotFound when there is none to go back to.
func (s *Store) Rollback(ctx context.Context, model string, o Order) (v Version, err error) {
	err = s.order(ctx, o, "rolling back", func(tx *sqldb.Tx) error {
		if v, err = found(query(ctx, tx, `where v.model = $1 and v.stage = 'retired' order by v.version desc limit 1`, model)); err != nil {
			return err
		}
		return s.promote(ctx, tx, v, o, true)
	})
	v.Stage = registry.Champion
	return v, err
}

func (s *Store) order(ctx context.Context, o Order, verb string, do func(*sqldb.Tx) error) error {
	if err := o.Check(); err != nil {
		return err
	}
	if err := s.db.Write(ctx, do); err != nil {
		return fmt.Errorf("registry: %s: %w", verb, err)
	}
	return nil
}

func found(all []Version, err error) (Version, error) {
	if err == nil && len(all) == 0 {
		err = fmt.Errorf("there is no such version: %w", thimble.ErrNotFound)
	}
	if err != nil {
		return Version{}, err
	}
	return all[0], nil
}

func hold(ctx context.Context, tx *sqldb.Tx, model string, on bool) error {
	held := 0
	if on {
		held = 1
	}
	_, err := tx.Exec(ctx, `update registry_models set held = $1 where model = $2`, held, model)
	return err
}

// end moves versions to a stage without a file, and announces that the files are
// destroyed.
func (s *Store) end(ctx context.Context, tx *sqldb.Tx, all []Version, to registry.Stage, o Order, files [][sha256.Size]byte) (*ledger.Intent, error) {
	model := ""
	for _, v := range all {
		if err := s.move(ctx, tx, v, to, o, s.now()); err != nil {
			return nil, err
		}
		model, files = v.Model, append(files, v.Package)
	}
	if err := raiseFloor(ctx, tx, model); err != nil {
		return nil, err
	}
	return s.destruction(ctx, tx, files)
}

// raiseFloor raises a model's floor to the oldest version that is kept, or above all.
func raiseFloor(ctx context.Context, tx *sqldb.Tx, model string) error {
	_, err := tx.Exec(ctx, `update registry_models set floor = f.floor from (
		select m.model, coalesce((select min(v.version) from registry_versions v where v.model = m.model and `+keptStages+`), m.latest + 1) as floor
		from registry_models m where m.model = $1) f where registry_models.model = f.model and registry_models.floor < f.floor`, model)
	return err
}

// Revoke ends a version for good, and announces that its file is destroyed: perform the
// act that it returns.
func (s *Store) Revoke(ctx context.Context, model string, number int64, o Order) (destroy *ledger.Intent, err error) {
	err = s.order(ctx, o, "revoking", func(tx *sqldb.Tx) error {
		v, err := found(query(ctx, tx, `where v.model = $1 and v.version = $2`, model, number))
		if err != nil {
			return err
		}
		destroy, err = s.end(ctx, tx, []Version{v}, registry.Revoked, o, nil)
		return err
	})
	return destroy, err
}

// Withdraw ends every version of a model that is kept, without a successor, and
// announces that its files and the given ones are destroyed. The act is nil when there
// is nothing to destroy.
func (s *Store) Withdraw(ctx context.Context, model string, o Order, files [][sha256.Size]byte) (destroy *ledger.Intent, err error) {
	err = s.order(ctx, o, "withdrawing", func(tx *sqldb.Tx) error {
		kept, err := query(ctx, tx, `where v.model = $1 and `+keptStages, model)
		if err != nil {
			return err
		}
		destroy, err = s.end(ctx, tx, kept, registry.Destroyed, o, files)
		return err
	})
	return destroy, err
}
