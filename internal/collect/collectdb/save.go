package collectdb

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"

	"thimble"
	"thimble/internal/collect"
	"thimble/internal/sqldb"
)

// save writes the plan in one transaction.
func (r *run) save(ctx context.Context, p *plan) error {
	for _, who := range p.needs {
		if !who.kept.Load() {
			r.settle(p, false)
			return fmt.Errorf("collect: the batch names a person of another that was not written: %w", thimble.ErrConflict)
		}
	}
	err := r.db.Write(ctx, func(tx *sqldb.Tx) error { return r.write(ctx, tx, p) })
	r.settle(p, err == nil)
	if err != nil {
		return fmt.Errorf("collect: writing lines %d to %d: %w", p.batch.From+1, p.batch.To, err)
	}
	return nil
}

// settle says whether the people of the plan are there now. They are found in the
// database then; a plan that began before still holds them as its needs.
func (r *run) settle(p *plan, kept bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for account, who := range p.makes {
		who.kept.Store(kept)
		if r.coming[account] == who {
			delete(r.coming, account)
		}
	}
}

func (r *run) write(ctx context.Context, tx *sqldb.Tx, p *plan) error {
	at, err := r.due(ctx, tx, p.batch)
	if err != nil {
		return err
	}
	if err := r.writePeople(ctx, tx, p); err != nil {
		return err
	}
	if err := r.parts.Orders.Add(ctx, tx, p.orders); err != nil {
		return err
	}
	if err := r.parts.Catalogue.Upsert(ctx, tx, p.products); err != nil {
		return err
	}
	if err := r.parts.Catalogue.AddDemand(ctx, tx, p.demand); err != nil {
		return err
	}
	if err := r.reject(ctx, tx, at, p.batch.Rejects); err != nil {
		return err
	}
	return r.advance(ctx, tx, at, p.batch, p.add)
}

// due returns how far the import is when the batch is what comes next.
func (r *run) due(ctx context.Context, tx *sqldb.Tx, b collect.Batch) (Import, error) {
	at, err := state(ctx, tx, r.id)
	if err == nil && !r.feed && (at.Finished || at.Line > b.From) {
		err = fmt.Errorf("another importer has written up to line %d: %w", at.Line, thimble.ErrConflict)
	}
	return at, err
}

func (r *run) writePeople(ctx context.Context, tx *sqldb.Tx, p *plan) error {
	if err := r.parts.People.CreateAll(ctx, tx, p.newcomers); err != nil {
		return err
	}
	// Somebody who was erased since the plan was made must not get orders again.
	for _, who := range sorted(slices.Values(p.owners)) {
		if _, err := r.parts.People.Touch(ctx, tx, who); err != nil {
			if errors.Is(err, thimble.ErrNotFound) {
				err = fmt.Errorf("%w (%w)", err, thimble.ErrConflict)
			}
			return err
		}
	}
	return nil
}

// sorted makes all writers lock in one order.
func sorted(ids iter.Seq[thimble.SubjectID]) []thimble.SubjectID {
	return slices.SortedFunc(ids, func(a, b thimble.SubjectID) int { return bytes.Compare(a[:], b[:]) })
}

// reject lists rows until the import has its first thousand.
func (r *run) reject(ctx context.Context, tx *sqldb.Tx, at Import, rejects []collect.Reject) error {
	if r.feed && len(rejects) > 0 {
		rejects = []collect.Reject{{Line: at.Line + 1, Reason: rejects[0].Reason}}
	}
	had := at.Counts.Rejected
	room := max(0, collect.KeptRejects-had)
	for chunk := range slices.Chunk(rejects[:min(room, int64(len(rejects)))], 32) {
		values := make([]string, len(chunk))
		args := []any{r.id}
		for i, reject := range chunk {
			values[i] = fmt.Sprintf("($1,$%d,$%d)", len(args)+1, len(args)+2)
			args = append(args, reject.Line, string(reject.Reason))
		}
		query := `insert into collect_rejects (import_id, line, reason) values ` + strings.Join(values, ",")
		if _, err := tx.Exec(ctx, query, args...); err != nil {
			return err
		}
	}
	return nil
}

// advance moves the import to the end of the batch.
func (r *run) advance(ctx context.Context, tx *sqldb.Tx, at Import, b collect.Batch, c collect.Counts) error {
	had := at.Counts
	sum := maps.Clone(c.Reasons)
	for reason, n := range had.Reasons {
		sum[reason] += n
	}
	reasons, err := json.Marshal(sum)
	if err != nil {
		return err
	}
	had.Add(c.More)
	more, err := json.Marshal(had.More)
	if err != nil {
		return err
	}
	state := "running"
	if b.Last {
		state = "finished"
	}
	if r.feed {
		state, b.To = "running", at.Line+1
	}
	_, err = tx.Exec(ctx, `update collect_imports set line = $2, state = $3, reasons = $4, updated_at = $5,
		row_count = row_count + $6, orders = orders + $7, returns = returns + $8, guests = guests + $9, known = known + $10,
		suppressed = suppressed + $11, subjects = subjects + $12, no_country = no_country + $13, rejected = rejected + $14, more = $15
		where id = $1`,
		r.id, b.To, state, string(reasons), r.now().UnixMicro(),
		c.Rows, c.Orders, c.Returns, c.Guests, c.Known, c.Suppressed, c.Subjects, c.NoCountry, c.Rejected, string(more))
	return err
}
