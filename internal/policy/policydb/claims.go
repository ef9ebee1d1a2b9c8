package policydb

import (
	"context"
	"encoding/json"
	"iter"
	"math"
	"reflect"
	"strings"

	"thimble/internal/ledger"
	"thimble/internal/sqldb"
)

// Claims are what layers, acceptances and reviews say of their leaves, for an audit.
func (s *Store) Claims(ctx context.Context) iter.Seq2[ledger.Claim, error] {
	return func(yield func(ledger.Claim, error) bool) {
		for _, claims := range []func(context.Context) ([]ledger.Claim, error){s.layerClaims, s.acceptanceClaims, s.reviewClaims} {
			all, err := claims(ctx)
			if !ledger.YieldAll(yield, all, err) || err != nil {
				return
			}
		}
	}
}

func (s *Store) layerClaims(ctx context.Context) (claims []ledger.Claim, err error) {
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		claims = nil
		all, err := layers(ctx, tx, "")
		var before *layer
		for i := range all {
			l := &all[i]
			c := ledger.Claim{Table: "policy_layers", Class: ledger.System}
			if c.Err = c.Opening.UnmarshalBinary(l.opening); c.Err == nil {
				record, err := recordOf(*l, before)
				c.Rule = ledger.RuleIf(err == nil && string(record) == string(c.Opening.Record))
			}
			claims = append(claims, c)
			before = l
		}
		return err
	})
	return claims, err
}

func (s *Store) acceptanceClaims(ctx context.Context) (claims []ledger.Claim, err error) {
	all, err := s.Acceptances(ctx, math.MaxInt32)
	for _, a := range all {
		var r accepted
		err := json.Unmarshal(a.Opening.Record, &r)
		agree := err == nil && r.Accepted == a.ChangeID && reflect.DeepEqual(r.Change, a.Change) && strings.Join(r.Places, " ") == a.Places &&
			r.Reason == a.Reason && r.Staff == a.Staff && r.At.Equal(a.At)
		claims = append(claims, ledger.Claim{Table: "policy_acceptances", Class: ledger.System, Opening: a.Opening, Rule: ledger.RuleIf(agree)})
	}
	return claims, err
}

func (s *Store) reviewClaims(ctx context.Context) (claims []ledger.Claim, err error) {
	all, err := s.Reviews(ctx)
	for _, r := range all {
		record, err := r.record()
		claims = append(claims, ledger.Claim{Table: "policy_reviews", Class: ledger.System, Opening: r.Opening, Rule: ledger.RuleIf(err == nil && string(record) == string(r.Opening.Record))})
	}
	return claims, err
}
