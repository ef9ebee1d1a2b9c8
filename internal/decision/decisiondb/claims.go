package decisiondb

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"iter"

	"thimble"
	"thimble/internal/ledger"
	"thimble/internal/sqldb"
)

const (
	claimsPage   = 500
	batchesPage  = 50
	batchesKnown = 256 // while claims are made
)

// A batch is what is kept of decisions that were committed together.
type batch struct {
	id     []byte
	size   int64
	gone   int64
	here   int64 // rows that are there
	leaves []byte
	root   ledger.Opening
}

const selectBatch = `select b.id, b.size, b.gone, b.leaves, b.opening, (select count(*) from decision_decisions d where d.batch = b.id) from decision_batches b `

// batch returns a batch by its id.
func (s *Store) batch(ctx context.Context, id []byte) (batch, error) {
	all, err := s.batches(ctx, `where b.id = $1`, id)
	if err == nil && len(all) == 0 {
		err = fmt.Errorf("it is gone: %w", thimble.ErrNotFound)
	}
	if err != nil {
		return batch{}, err
	}
	return all[0], nil
}

func (s *Store) batches(ctx context.Context, where string, args ...any) (all []batch, err error) {
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		all = nil
		rows, err := tx.Query(ctx, selectBatch+where, args...)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			b, err := scanBatch(rows)
			if err != nil {
				return err
			}
			all = append(all, b)
		}
		return rows.Err()
	})
	return all, err
}

func scanBatch(rows *sql.Rows) (b batch, err error) {
	var opening []byte
	if err = rows.Scan(&b.id, &b.size, &b.gone, &b.leaves, &opening, &b.here); err == nil {
		// One that cannot be read is told as a finding: it opens nothing.
		_ = b.root.UnmarshalBinary(opening)
	}
	return b, err
}

// Claims are what the decisions say of their leaves, the batches of theirs, and the
// reviews of theirs. It opens every decision, for an audit.
func (s *Store) Claims(ctx context.Context) iter.Seq2[ledger.Claim, error] {
	return func(yield func(ledger.Claim, error) bool) {
		_ = s.decisionClaims(ctx, yield) && s.batchClaims(ctx, yield) && s.stepClaims(ctx, yield)
	}
}

func (s *Store) decisionClaims(ctx context.Context, yield func(ledger.Claim, error) bool) bool {
	after, known := thimble.ID{}, map[string]batch{}
	for {
		page, err := s.list(ctx, `where id > $1 order by id limit $2`, after[:], claimsPage)
		if err != nil {
			return yield(ledger.Claim{}, err)
		}
		for _, d := range page {
			after = d.ID
			c, err := s.claim(ctx, d, known)
			if !yield(c, err) {
				return false
			}
		}
		if len(page) < claimsPage {
			return true
		}
	}
}

func (s *Store) claim(ctx context.Context, d Sealed, known map[string]batch) (ledger.Claim, error) {
	c := ledger.Claim{Table: "decision_decisions", Class: ledger.Decision, Subject: d.Subject}
	r, opening, err := open(ctx, s.vault, d)
	c.Opening, c.Err = opening, err
	if err != nil {
		return c, nil
	}
	digest := r.Model.Digest()
	c.Rule = ledger.RuleIf(r.Subject == d.Subject && r.Capability == d.Capability && r.At.UnixMicro() == d.At.UnixMicro() && r.Kind() == d.About &&
		len(d.Model) >= len(digest) && bytes.Equal(d.Model[:len(digest)], digest[:]))
	if d.batch == nil {
		return c, nil
	}
	b, ok := known[string(d.batch)]
	if !ok {
		if b, err = s.batch(ctx, d.batch); err != nil && !errors.Is(err, thimble.ErrNotFound) {
			return c, err
		}
		if len(known) >= batchesKnown {
			clear(known)
		}
		known[string(d.batch)] = b
	}
	c.Within = true
	if at := d.place * ledger.LeafSize; c.Rule == "" && (at < 0 || at+ledger.LeafSize > int64(len(b.leaves)) || !bytes.Equal(b.leaves[at:at+ledger.LeafSize], opening.Leaf)) {
		c.Rule = "the decision is not the leaf of its batch"
	}
	return c, nil
}

// batchClaims holds each batch against its root, and counts its decisions.
func (s *Store) batchClaims(ctx context.Context, yield func(ledger.Claim, error) bool) bool {
	after := []byte{}
	for {
		page, err := s.batches(ctx, `where b.id > $1 order by b.id limit $2`, after, batchesPage)
		if err != nil {
			return yield(ledger.Claim{}, err)
		}
		for _, b := range page {
			after = b.id
			if !yield(b.claim(), nil) {
				return false
			}
		}
		if len(page) < batchesPage {
			return true
		}
	}
}

func (b batch) claim() ledger.Claim {
	c := ledger.Claim{Table: "decision_batches", Class: ledger.Batch, Opening: b.root}
	record, err := ledger.BatchRoot(b.leaves)
	switch {
	case err != nil || !bytes.Equal(record, b.root.Record) || b.size*ledger.LeafSize != int64(len(b.leaves)):
		c.Rule = "the leaves of the batch are not those of its root"
	case b.here+b.gone != b.size:
		c.Rule = "decisions of the batch were deleted, and by nobody who may"
	}
	return c
}
