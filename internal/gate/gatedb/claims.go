package gatedb

import (
	"context"
	"encoding/json"
	"iter"
	"slices"
	"strings"
	"time"

	"thimble"
	"thimble/internal/ledger"
	"thimble/internal/sqldb"
)

const claimsPage = 500

// Claims are what the use log says of its leaves: each read by staff of its own, each
// batch of counted uses of the rows it counts, each alarm of its raising and closing. It
// opens every read, for an audit.
func (l *Log) Claims(ctx context.Context, o ledger.Opener) iter.Seq2[ledger.Claim, error] {
	return func(yield func(ledger.Claim, error) bool) {
		after := thimble.ID{}
		for {
			page, err := l.list(ctx, `where id > $1 and length(opening) > 0 order by id limit $2`, after[:], claimsPage)
			if err != nil {
				yield(ledger.Claim{}, err)
				return
			}
			for _, u := range page {
				after = u.ID
				if !yield(claim(ctx, o, u), nil) {
					return
				}
			}
			if len(page) < claimsPage {
				break
			}
		}
		if l.batchClaims(ctx, yield) {
			l.alarmClaims(ctx, yield)
		}
	}
}

func claim(ctx context.Context, o ledger.Opener, u Use) ledger.Claim {
	c := ledger.Claim{Table: "gate_uses", Class: ledger.Access, Subject: u.Subject}
	if c.Opening, c.Err = ledger.Unseal(ctx, o, cell(u.Subject, u.ID), u.sealed); c.Err != nil {
		return c
	}
	var a access
	err := json.Unmarshal(c.Opening.Record, &a)
	cats := make([]string, len(a.Categories))
	for i, cat := range a.Categories {
		cats[i] = string(cat)
	}
	slices.Sort(cats)
	c.Rule = ledger.RuleIf(err == nil && a.Subject == u.Subject && a.Actor == u.Actor && a.Purpose == u.Purpose && u.Uses == 1 &&
		a.At.Equal(u.At) && strings.Join(cats, " ") == strings.Join(u.Categories, " "))
	return c
}

// counted is what the rows of one batch add up to.
type counted struct{ rows, uses int64 }

// batchClaims holds each batch against the rows of its moment. Rows of people who were
// erased since are gone: what is left is at most what was counted, and exactly that when no
// row is gone.
func (l *Log) batchClaims(ctx context.Context, yield func(ledger.Claim, error) bool) bool {
	var claims []ledger.Claim
	err := l.db.Read(ctx, func(tx *sqldb.Tx) error {
		claims = nil
		sums, err := sumUses(ctx, tx)
		if err != nil {
			return err
		}
		rows, err := tx.Query(ctx, `select at, uses, opening from gate_batches order by at, id`)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var at, uses int64
			var kept []byte
			if err := rows.Scan(&at, &uses, &kept); err != nil {
				return err
			}
			c := ledger.Claim{Table: "gate_batches", Class: ledger.UseBatch}
			var b batch
			if c.Err = c.Opening.UnmarshalBinary(kept); c.Err == nil {
				err := json.Unmarshal(c.Opening.Record, &b)
				c.Rule = ledger.RuleIf(err == nil && b.At.Equal(time.UnixMicro(at)) && b.Uses == uses)
			}
			sum := sums[at]
			delete(sums, at)
			if c.Rule == "" && c.Err == nil && (sum.uses > b.Uses || sum.rows > int64(b.Groups) || sum.rows == int64(b.Groups) && sum.uses != b.Uses) {
				claims = append(claims, ledger.Claim{Table: "gate_uses", Rule: "the rows of a batch do not add up to what its leaf commits to"})
			}
			claims = append(claims, c)
		}
		for range sums {
			claims = append(claims, ledger.Claim{Table: "gate_uses", Rule: "counted uses are in no batch"})
		}
		return rows.Err()
	})
	return ledger.YieldAll(yield, claims, err)
}

func sumUses(ctx context.Context, tx *sqldb.Tx) (map[int64]counted, error) {
	rows, err := tx.Query(ctx, `select at, count(*), sum(uses) from gate_uses where length(opening) = 0 group by at`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	sums := map[int64]counted{}
	for rows.Next() {
		var at int64
		var c counted
		if err := rows.Scan(&at, &c.rows, &c.uses); err != nil {
			return nil, err
		}
		sums[at] = c
	}
	return sums, rows.Err()
}

// alarmClaims holds each alarm against its leaves.
func (l *Log) alarmClaims(ctx context.Context, yield func(ledger.Claim, error) bool) bool {
	var claims []ledger.Claim
	err := l.db.Read(ctx, func(tx *sqldb.Tx) error {
		claims = nil
		rows, err := tx.Query(ctx, `select id, kind, actor_kind, actor, hour, closed_by, opening, closing from gate_alarms order by raised_at, id`)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var id thimble.ID
			var want alarmed
			var hour int64
			var by string
			var opening, closing []byte
			if err := rows.Scan(&id, &want.Alarm, &want.Kind, &want.Actor, &hour, &by, &opening, &closing); err != nil {
				return err
			}
			c := ledger.Claim{Table: "gate_alarms", Class: ledger.System}
			var raised alarmed
			if c.Err = c.Opening.UnmarshalBinary(opening); c.Err == nil {
				err := json.Unmarshal(c.Opening.Record, &raised)
				want.Hour, want.Why = raised.Hour, raised.Why // the sentence grows with the alarm
				c.Rule = ledger.RuleIf(err == nil && raised == want && raised.Hour.UnixMicro() == hour)
			}
			claims = append(claims, c)
			if closing == nil {
				continue
			}
			c = ledger.Claim{Table: "gate_alarms", Class: ledger.System}
			var found looked
			if c.Err = c.Opening.UnmarshalBinary(closing); c.Err == nil {
				err := json.Unmarshal(c.Opening.Record, &found)
				c.Rule = ledger.RuleIf(err == nil && found == looked{Alarm: id.Token(AlarmPrefix), By: by})
			}
			claims = append(claims, c)
		}
		return rows.Err()
	})
	return ledger.YieldAll(yield, claims, err)
}
