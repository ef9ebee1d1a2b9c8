package staffdb

import (
	"context"
	"encoding/json"
	"errors"
	"iter"

	"thimble"
	"thimble/internal/ledger"
	"thimble/internal/sqldb"
	"thimble/internal/staff"
)

// Claims are what changes of accounts, confirmed roles and broken glass say of their leaves,
// for an audit. It opens every reason.
func (s *Store) Claims(ctx context.Context) iter.Seq2[ledger.Claim, error] {
	return func(yield func(ledger.Claim, error) bool) {
		for _, claims := range []func(context.Context, *sqldb.Tx) ([]ledger.Claim, error){s.changeClaims, s.reviewClaims, s.glassClaims} {
			var all []ledger.Claim
			err := s.db.Read(ctx, func(tx *sqldb.Tx) (err error) {
				all, err = claims(ctx, tx)
				return err
			})
			if !ledger.YieldAll(yield, all, err) || err != nil {
				return
			}
		}
	}
}

func (s *Store) changeClaims(ctx context.Context, tx *sqldb.Tx) ([]ledger.Claim, error) {
	return plainClaims(ctx, tx, "staff_changes", func(record []byte, name string, at int64) bool {
		c, err := staff.UnmarshalChange(record)
		return err == nil && c.Account == name && c.At.UnixMicro() == at
	})
}

func (s *Store) reviewClaims(ctx context.Context, tx *sqldb.Tx) ([]ledger.Claim, error) {
	return plainClaims(ctx, tx, "staff_reviews", func(record []byte, name string, at int64) bool {
		var r Review
		return json.Unmarshal(record, &r) == nil && r.Account == name && r.At.UnixMicro() == at
	})
}

// plainClaims are those of a table whose openings are not sealed: of staff's work.
func plainClaims(ctx context.Context, tx *sqldb.Tx, table string, agrees func(record []byte, name string, at int64) bool) (claims []ledger.Claim, err error) {
	rows, err := tx.Query(ctx, `select t.opening, t.at, a.name from `+table+` t join staff_accounts a on a.id = t.account_id order by t.at, t.id`)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var kept []byte
		var at int64
		var name string
		if err := rows.Scan(&kept, &at, &name); err != nil {
			return nil, err
		}
		c := ledger.Claim{Table: table, Class: ledger.System}
		if c.Err = c.Opening.UnmarshalBinary(kept); c.Err == nil {
			c.Rule = ledger.RuleIf(agrees(c.Opening.Record, name, at))
		}
		claims = append(claims, c)
	}
	return claims, rows.Err()
}

func (s *Store) glassClaims(ctx context.Context, tx *sqldb.Tx) (claims []ledger.Claim, err error) {
	all, err := glasses(ctx, tx, `order by at, id`)
	if err != nil {
		return nil, err
	}
	for _, g := range all {
		var opening, review []byte
		if err := tx.QueryRow(ctx, `select opening, review from staff_glass where id = $1`, g.ID).Scan(&opening, &review); err != nil {
			return nil, err
		}
		claims = append(claims, s.glassClaim(ctx, g, "opening", opening, func(r staff.GlassRecord) bool {
			return r.What == "broken" && r.By == g.Account && r.At.Equal(g.At)
		}))
		if g.ReviewedBy != "" {
			claims = append(claims, s.glassClaim(ctx, g, "review", review, func(r staff.GlassRecord) bool {
				return r.What == "reviewed" && r.By == g.ReviewedBy && r.At.Equal(g.ReviewedAt) && r.Fine == g.Fine
			}))
		}
	}
	return claims, nil
}

func (s *Store) glassClaim(ctx context.Context, g staff.Glass, column string, sealed []byte, agrees func(staff.GlassRecord) bool) ledger.Claim {
	c := ledger.Claim{Table: "staff_glass", Class: ledger.Access, Subject: g.Subject}
	if c.Opening, c.Err = ledger.Unseal(ctx, s.vault, glassCell(column, g.Subject, g.ID), sealed); c.Err != nil {
		return c
	}
	var r staff.GlassRecord
	err := json.Unmarshal(c.Opening.Record, &r)
	c.Rule = ledger.RuleIf(err == nil && r.Account == g.Account && r.Subject == g.Subject && r.Kind == g.Kind && agrees(r))
	return c
}

var _ thimble.Holder = (*GlassStore)(nil)
