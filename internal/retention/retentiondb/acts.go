package retentiondb

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"strings"
	"time"
	"unicode/utf8"

	"thimble"
	"thimble/internal/ledger"
	"thimble/internal/sqldb"
)

// An Act is what staff or the program did about a document, a hold, a run or a proposal.
type Act struct {
	About  string    `json:"about"` // a token, or the version of a document
	Act    string    `json:"act"`
	Staff  string    `json:"staff,omitempty"` // "" for the program
	Detail string    `json:"detail"`          // what it commits to, or why; no customer is in it
	At     time.Time `json:"at"`
}

// act writes an act down, with its leaf.
func (s *Store) act(ctx context.Context, tx *sqldb.Tx, a Act) error {
	id, err := thimble.NewID(nil)
	if err != nil {
		return err
	}
	a.At = s.now()
	record, err := json.Marshal(a)
	if err != nil {
		return err
	}
	opened, err := s.ledger.Queue(ctx, tx, ledger.Entry{Class: ledger.System, At: a.At, Record: record})
	if err != nil {
		return err
	}
	opening, err := opened.MarshalBinary() // nothing to seal
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `insert into retention_acts (id, about, act, staff, detail, at, opening) values ($1, $2, $3, $4, $5, $6, $7)`,
		id, a.About, a.Act, a.Staff, a.Detail, a.At.UnixMicro(), opening)
	return err
}

// Acts returns the newest acts.
func (s *Store) Acts(ctx context.Context, limit int) (all []Act, err error) {
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		all = nil
		rows, err := tx.Query(ctx, `select about, act, staff, detail, at from retention_acts order by at desc, id limit $1`, limit)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var a Act
			var at int64
			if err := rows.Scan(&a.About, &a.Act, &a.Staff, &a.Detail, &at); err != nil {
				return err
			}
			a.At = instant(at)
			all = append(all, a)
		}
		return rows.Err()
	})
	if err != nil {
		return nil, fmt.Errorf("retention: reading acts: %w", err)
	}
	return all, nil
}

// Claims are what acts and runs say of their leaves, for an audit.
func (s *Store) Claims(ctx context.Context) iter.Seq2[ledger.Claim, error] {
	return func(yield func(ledger.Claim, error) bool) {
		var claims []ledger.Claim
		err := s.db.Read(ctx, func(tx *sqldb.Tx) error {
			claims = nil
			acts, err := actClaims(ctx, tx)
			if err != nil {
				return err
			}
			runs, err := runClaims(ctx, tx)
			claims = append(acts, runs...)
			return err
		})
		if err != nil {
			err = fmt.Errorf("retention: reading what has a leaf: %w", err)
		}
		ledger.YieldAll(yield, claims, err)
	}
}

func actClaims(ctx context.Context, tx *sqldb.Tx) (claims []ledger.Claim, err error) {
	rows, err := tx.Query(ctx, `select about, act, staff, detail, at, opening from retention_acts order by at, id`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var a Act
		var at int64
		var opening []byte
		if err := rows.Scan(&a.About, &a.Act, &a.Staff, &a.Detail, &at, &opening); err != nil {
			return nil, err
		}
		a.At = instant(at)
		record, err := json.Marshal(a)
		claims = append(claims, ledger.Held("retention_acts", ledger.System, opening, record, err))
	}
	return claims, rows.Err()
}

func runClaims(ctx context.Context, tx *sqldb.Tx) (claims []ledger.Claim, err error) {
	rows, err := tx.Query(ctx, `select proof, opening from retention_runs where state in ('done', 'red') order by at, id`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var proof string
		var opening []byte
		if err := rows.Scan(&proof, &opening); err != nil {
			return nil, err
		}
		claims = append(claims, ledger.Held("retention_runs", ledger.Erasure, opening, []byte(proof), nil))
	}
	return claims, rows.Err()
}

// reasoned returns a reason of staff as it is kept. Nothing is done with a wave of the hand.
func reasoned(staff, reason string) (string, error) {
	reason = strings.TrimSpace(reason)
	switch n := utf8.RuneCountInString(reason); {
	case staff == "":
		return "", fmt.Errorf("retention: a member of staff was expected: %w", thimble.ErrDenied)
	case n < 10 || n > 500 || !utf8.ValidString(reason):
		return "", fmt.Errorf("retention: reason: 10 to 500 characters were expected: %w", thimble.ErrInvalid)
	}
	return reason, nil
}
