// Package ddrfdb keeps which requests to delete were passed on by other firms, and opens
// their cases. Package ddrf is the format. No row of it is about a person: no identifier is
// kept, and no token but that of the firm that the person asked first, which the case has,
// sealed, until it is passed on.
package ddrfdb

import (
	"context"
	"crypto/sha256"
	"fmt"
	"time"

	"thimble"
	"thimble/internal/rights/cases"
	"thimble/internal/rights/casesdb"
	"thimble/internal/rights/ddrf"
	"thimble/internal/sqldb"
)

// Cases opens cases; *casesdb.Store does.
type Cases interface {
	PassedTx(ctx context.Context, tx *sqldb.Tx, a casesdb.Asked, digest [32]byte, chain thimble.Personal[string]) (cases.Case, error)
}

// A Store keeps what was received.
type Store struct {
	db    *sqldb.DB
	cases Cases
	now   func() time.Time
}

// New returns the store of a core database.
func New(db *sqldb.DB, c Cases, now func() time.Time) *Store {
	if now == nil {
		now = time.Now
	}
	return &Store{db, c, now}
}

// kept is longer than any request is taken for.
const kept = 2 * ddrf.MaxIDAge

// Receive opens a case for a verified request about somebody, the zero id for nobody. The
// same request again opens none. The error is ddrf.Reused for another with its number.
func (s *Store) Receive(ctx context.Context, c ddrf.Chain, rqJWT string, who thimble.SubjectID) error {
	mark, digest := sha256.Sum256([]byte(c.Requester+"\x00"+c.ID)), sha256.Sum256([]byte(rqJWT))
	now := s.now()
	err := s.db.Write(ctx, func(tx *sqldb.Tx) error {
		if _, err := tx.Exec(ctx, `delete from ddrf_received where at < $1`, now.Add(-kept).UnixMicro()); err != nil {
			return err
		}
		var before int
		if err := tx.QueryRow(ctx, `select count(*) from ddrf_received where mark = $1 and digest = $2`, mark[:], digest[:]).Scan(&before); err != nil || before > 0 {
			return err
		}
		chain := ddrf.IDToken(rqJWT)
		if who.IsZero() {
			chain = "" // of somebody who is not known nothing goes on, and nothing is kept
		}
		opened, err := s.cases.PassedTx(ctx, tx, casesdb.Asked{Subject: who, Agency: cases.Agency{Agent: c.Requester, AgentName: c.Requester}}, digest, thimble.Hide(chain))
		if err != nil {
			return err
		}
		n, err := tx.Exec(ctx, `insert into ddrf_received (mark, digest, requester, first, case_id, at) values ($1, $2, $3, $4, $5, $6) on conflict (mark) do nothing`,
			mark[:], digest[:], c.Requester, c.First, opened.ID, now.UnixMicro())
		if err == nil && n == 0 {
			err = ddrf.Reused // and the case is not opened either
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("ddrf: receiving a request: %w", err)
	}
	return nil
}
