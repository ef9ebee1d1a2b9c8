package registrydb

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"iter"

	"thimble/internal/ledger"
	"thimble/internal/registry"
	"thimble/internal/sqldb"
)

// Claims are what versions, changes and keys say of their leaves.
func (s *Store) Claims(ctx context.Context) iter.Seq2[ledger.Claim, error] {
	return func(yield func(ledger.Claim, error) bool) {
		changes, err := s.changes(ctx, `order by model, seq`)
		claims := make([]ledger.Claim, 0, len(changes))
		last := map[string]map[int64]registry.Stage{}
		for _, c := range changes {
			claims = append(claims, c.claim())
			if last[c.Model] == nil {
				last[c.Model] = map[int64]registry.Stage{}
			}
			last[c.Model][c.Version] = c.To
		}
		if !ledger.YieldAll(yield, claims, err) {
			return
		}
		all, err := s.read(ctx, `order by v.model, v.version`)
		claims = claims[:0]
		for _, v := range all {
			claims = append(claims, v.claim(last[v.Model][v.Number]))
		}
		if ledger.YieldAll(yield, claims, err) {
			claims, err = s.keyClaims(ctx)
			ledger.YieldAll(yield, claims, err)
		}
	}
}

// claim is the version's; now is the stage of its last change, "" for none.
func (v Version) claim(now registry.Stage) ledger.Claim {
	var r release
	agree := json.Unmarshal(v.Opening.Record, &r) == nil && r.Model == v.Model && r.Version == v.Number &&
		r.SHA256 == hex.EncodeToString(v.Hash[:]) && r.Reason == v.Reason && r.At.UnixMicro() == v.MadeAt.UnixMicro()
	if r.Package != "" {
		agree = agree && r.Package == hex.EncodeToString(v.Package[:]) && r.Signer == v.Signer && r.Card == sum(v.card) && r.Lineage == sum(v.lineage)
		if now == "" {
			now = r.Stage
		}
		agree = agree && now == v.Stage
	} else {
		agree = agree && v.Signer == "" && v.agreesWithOld(r) && (now == "" || now == v.Stage)
	}
	return ledger.Claim{Table: "registry_versions", Class: ledger.Model, Opening: v.Opening, Rule: ledger.RuleIf(agree)}
}

// agreesWithOld holds a version from before packages were signed against its record.
func (v Version) agreesWithOld(r release) bool {
	d := v.Card.Data
	return r.Stats != nil && *r.Stats == oldStats{People: d.People, Items: d.Items, Interactions: d.Interactions, NonZeros: d.Weights} &&
		bytes.Equal(r.Recipe, v.Lineage.Recipe) && v.Package == v.Hash
}

func (c Change) claim() ledger.Claim {
	var r change
	agree := json.Unmarshal(c.Opening.Record, &r) == nil && r.Model == c.Model && r.Version == c.Version
	if r.Withdrawn != nil {
		agree = agree && r.Withdrawn.UnixMicro() == c.At.UnixMicro() && c.From == registry.Champion && c.To == registry.Destroyed && c.By == ""
	} else {
		agree = agree && r.From == c.From && r.To == c.To && r.Reason == c.Reason && r.By == c.By && r.At.UnixMicro() == c.At.UnixMicro()
	}
	return ledger.Claim{Table: "registry_changes", Class: ledger.Model, Opening: c.Opening, Rule: ledger.RuleIf(agree)}
}

func (s *Store) keyClaims(ctx context.Context) (claims []ledger.Claim, err error) {
	var all []SigningKey
	err = s.db.Read(ctx, func(tx *sqldb.Tx) (err error) {
		all, err = keys(ctx, tx)
		return err
	})
	for _, k := range all {
		claims = append(claims, k.claim("made", k.opening))
		if len(k.revocation) > 0 || !k.Revoked.IsZero() {
			claims = append(claims, k.claim("revoked", k.revocation))
		}
	}
	return claims, err
}

func (k SigningKey) claim(step string, opening []byte) ledger.Claim {
	c := ledger.Claim{Table: "registry_keys", Class: ledger.Key}
	var r keyRecord
	if c.Err = c.Opening.UnmarshalBinary(opening); c.Err != nil {
		return c
	}
	at, reason := k.MadeAt, ""
	if step == "revoked" {
		at, reason = k.Revoked, k.Reason
	}
	agree := json.Unmarshal(c.Opening.Record, &r) == nil && r.Key == k.Hint && r.Generation == k.Generation && r.Step == step &&
		r.Reason == reason && r.At.UnixMicro() == at.UnixMicro()
	c.Rule = ledger.RuleIf(agree)
	return c
}
