package decisiondb

import (
	"bytes"
	"context"
	"iter"

	"thimble"
	"thimble/internal/ledger"
)

const claimsPage = 500

// Claims are what the decisions say of their leaves. It opens every decision, for an
// audit.
func (s *Store) Claims(ctx context.Context) iter.Seq2[ledger.Claim, error] {
	return func(yield func(ledger.Claim, error) bool) {
		after := thimble.ID{}
		for {
			page, err := s.list(ctx, `where id > $1 order by id limit $2`, after[:], claimsPage)
			if err != nil {
				yield(ledger.Claim{}, err)
				return
			}
			for _, d := range page {
				after = d.ID
				if !yield(s.claim(ctx, d), nil) {
					return
				}
			}
			if len(page) < claimsPage {
				return
			}
		}
	}
}

func (s *Store) claim(ctx context.Context, d Sealed) ledger.Claim {
	c := ledger.Claim{Table: "decision_decisions", Class: ledger.Decision, Subject: d.Subject}
	r, opening, err := open(ctx, s.vault, d)
	c.Opening, c.Err = opening, err
	if err == nil {
		digest := r.Model.Digest()
		c.Rule = ledger.RuleIf(r.Subject == d.Subject && r.Capability == d.Capability && r.At.UnixMicro() == d.At.UnixMicro() &&
			len(d.Model) >= len(digest) && bytes.Equal(d.Model[:len(digest)], digest[:]))
	}
	return c
}
