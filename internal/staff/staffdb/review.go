package staffdb

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"thimble"
	"thimble/internal/ledger"
	"thimble/internal/sqldb"
	"thimble/internal/staff"
)

// ReviewEvery is how often somebody looks at whether an account still needs its roles
// (ISO/IEC 27002:2022, 5.18).
const ReviewEvery = 90 * 24 * time.Hour

// A Review is the record that somebody found the roles of an account right.
type Review struct {
	V       int          `json:"v"`
	Account string       `json:"account"`
	Roles   []staff.Role `json:"roles"`
	By      string       `json:"by"`
	Note    string       `json:"note"`
	At      time.Time    `json:"at"`
}

// Confirm records that somebody has looked at the roles of an account and found them right.
// Nobody confirms their own.
func (s *Store) Confirm(ctx context.Context, name, by, note string) error {
	now := s.cfg.Now().UTC().Truncate(time.Microsecond)
	err := s.db.Write(ctx, func(tx *sqldb.Tx) error {
		a, err := account(ctx, tx, name)
		switch {
		case err != nil:
			return err
		case name == by:
			return fmt.Errorf("somebody else has to look at your roles: %w", thimble.ErrDenied)
		case !a.Usable():
			return fmt.Errorf("the account is %s: %w", a.Status, thimble.ErrConflict)
		}
		record, err := json.Marshal(Review{V: 1, Account: name, Roles: a.Roles, By: by, Note: note, At: now})
		if err != nil {
			return err
		}
		o, err := s.ledger.Queue(ctx, tx, ledger.Entry{Class: ledger.System, At: now, Record: record})
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
		_, err = tx.Exec(ctx, `insert into staff_reviews (id, account_id, at, opening) values ($1, $2, $3, $4)`, id, a.ID, now.UnixMicro(), opening)
		return err
	})
	if err != nil {
		return fmt.Errorf("staff: confirming roles: %w", err)
	}
	return nil
}

// Reviewed returns the last confirmation of each account that has one, by the account's id.
func (s *Store) Reviewed(ctx context.Context) (last map[thimble.ID]Review, err error) {
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		last = map[thimble.ID]Review{}
		rows, err := tx.Query(ctx, `select account_id, opening from staff_reviews order by at, id`)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var id thimble.ID
			var b []byte
			if err := rows.Scan(&id, &b); err != nil {
				return err
			}
			var o ledger.Opening
			var r Review
			if err := o.UnmarshalBinary(b); err != nil {
				return err
			}
			if err := json.Unmarshal(o.Record, &r); err != nil {
				return err
			}
			last[id] = r
		}
		return rows.Err()
	})
	if err != nil {
		return nil, fmt.Errorf("staff: reading reviews: %w", err)
	}
	return last, nil
}

// Due reports whether somebody has to look at an account's roles: nobody did in ninety days,
// or they are others since.
func Due(a staff.Account, last Review, now time.Time) bool {
	if last.V == 0 {
		return now.Sub(a.CreatedAt) > ReviewEvery
	}
	return now.Sub(last.At) > ReviewEvery || !slices.Equal(last.Roles, a.Roles)
}
