package policydb

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"thimble"
	"thimble/internal/ledger"
	"thimble/internal/policy"
	"thimble/internal/sqldb"
)

// accepted is the record of an acceptance: what its leaf commits to.
type accepted struct {
	Accepted string        `json:"accepted"` // the change's ID
	Change   policy.Change `json:"change"`
	Places   []string      `json:"places"`
	Reason   string        `json:"reason"`
	Staff    string        `json:"staff"`
	At       time.Time     `json:"at"`
}

// Reasons are of this many characters.
const shortest, longest = 10, 500

// Accept lets changes through that loosen and wait, and records who did and why. The
// error is of kind thimble.ErrNotFound when one of them does not wait any more, and
// then none is accepted.
func (s *Store) Accept(ctx context.Context, staff, reason string, ids ...string) error {
	reason = strings.TrimSpace(reason)
	switch n := utf8.RuneCountInString(reason); {
	case n < shortest || n > longest:
		return fmt.Errorf("policy: accepting: the reason has %d characters; %d to %d are needed: %w", n, shortest, longest, thimble.ErrInvalid)
	case staff == "":
		return fmt.Errorf("policy: accepting: nobody is signed in: %w", thimble.ErrDenied)
	case len(ids) == 0:
		return fmt.Errorf("policy: accepting: no change was named: %w", thimble.ErrInvalid)
	}
	s.advancing.Lock()
	defer s.advancing.Unlock()
	err := s.db.Write(ctx, func(tx *sqldb.Tx) error {
		st, err := s.standing(ctx, tx)
		if err != nil {
			return err
		}
		pending, err := s.tried(st).Pending(s.Today())
		if err != nil {
			return err
		}
		for _, id := range ids {
			i := slices.IndexFunc(pending, func(w policy.Waiting) bool { return w.ID() == id })
			if i < 0 {
				return fmt.Errorf("a change does not wait, or not any more: %w", thimble.ErrNotFound)
			}
			if err := s.accept(ctx, tx, st.last, pending[i], staff, reason); err != nil {
				return err
			}
		}
		_, err = s.advance(ctx, tx)
		return err
	})
	if err != nil {
		return fmt.Errorf("policy: accepting: %w", err)
	}
	return s.stand(ctx)
}

func (s *Store) accept(ctx context.Context, tx *sqldb.Tx, layer int64, w policy.Waiting, staff, reason string) error {
	at := s.now().UnixMicro()
	record, err := json.Marshal(accepted{Accepted: w.ID(), Change: w.Change, Places: w.Places, Reason: reason, Staff: staff, At: time.UnixMicro(at).UTC()})
	if err != nil {
		return err
	}
	opening, err := s.queue(ctx, tx, at, [32]byte{}, record)
	if err != nil {
		return err
	}
	id, err := thimble.NewID(nil)
	if err != nil {
		return err
	}
	text, err := json.Marshal(w.Change)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `insert into policy_acceptances (id, layer, change_id, change, places, reason, staff, at, opening)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9)`, id, layer, w.ID(), string(text), strings.Join(w.Places, " "), reason, staff, at, opening)
	return err
}

// An Acceptance is a loosening that somebody let through.
type Acceptance struct {
	ID       thimble.ID
	ChangeID string
	Change   policy.Change
	Places   string
	Reason   string
	Staff    string
	At       time.Time
	Opening  ledger.Opening
}

// Acceptances returns the newest.
func (s *Store) Acceptances(ctx context.Context, limit int) (all []Acceptance, err error) {
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		all = nil
		rows, err := tx.Query(ctx, `select id, change_id, change, places, reason, staff, at, opening from policy_acceptances order by at desc, id limit $1`, limit)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var a Acceptance
			var text string
			var at int64
			var opening []byte
			if err := rows.Scan(&a.ID, &a.ChangeID, &text, &a.Places, &a.Reason, &a.Staff, &at, &opening); err != nil {
				return err
			}
			a.At = time.UnixMicro(at).UTC()
			if err := json.Unmarshal([]byte(text), &a.Change); err != nil {
				return err
			}
			if err := a.Opening.UnmarshalBinary(opening); err != nil {
				return err
			}
			all = append(all, a)
		}
		return rows.Err()
	})
	return all, err
}
