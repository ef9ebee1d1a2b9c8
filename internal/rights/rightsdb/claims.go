package rightsdb

import (
	"context"
	"encoding/json"
	"errors"
	"iter"

	"thimble/internal/ledger"
	"thimble/internal/rights"
	"thimble/internal/sqldb"
)

// Claims are what the closed requests say of their leaves, and what was destroyed: the
// hashes of the keys of all erased people.
func (s *Store) Claims(ctx context.Context) iter.Seq2[ledger.Claim, error] {
	return func(yield func(ledger.Claim, error) bool) {
		var claims []ledger.Claim
		err := s.db.Read(ctx, func(tx *sqldb.Tx) error {
			claims = nil
			rows, err := tx.Query(ctx, `select kind, report, opening from rights_requests where state <> 'executing' order by at, id`)
			if err != nil {
				return err
			}
			defer rows.Close()
			for rows.Next() {
				var kind rights.Kind
				var report string
				var kept []byte
				if err := rows.Scan(&kind, &report, &kept); err != nil {
					return err
				}
				c := ledger.Claim{Table: "rights_requests", Class: classOf(kind)}
				if c.Err = c.Opening.UnmarshalBinary(kept); c.Err == nil {
					c.Rule = ledger.RuleIf(string(c.Opening.Record) == report)
				}
				claims = append(claims, c)
			}
			if err := errors.Join(rows.Err(), rows.Close()); err != nil {
				return err
			}
			more, err := s.certified(ctx, tx)
			claims = append(claims, more...)
			return err
		})
		ledger.YieldAll(yield, claims, err)
	}
}

// KeyHashes lists the hashes of the keys that erasures report as destroyed.
func (s *Store) KeyHashes(ctx context.Context) (all []string, err error) {
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		all = nil
		rows, err := tx.Query(ctx, `select report from rights_requests where kind = 'erase' and state = 'fulfilled'`)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var text string
			var r rights.Report
			if err := rows.Scan(&text); err != nil {
				return err
			}
			if err := json.Unmarshal([]byte(text), &r); err == nil && r.KeyHash != "" {
				all = append(append(all, r.KeyHash), r.OtherKeys...)
			}
		}
		return rows.Err()
	})
	return all, err
}
