package subjectdb

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"thimble"
	"thimble/internal/sqldb"
	"thimble/internal/subject"
)

// A Rotation says what [Store.Rotate] did.
type Rotation struct {
	Resumed   bool // it finished one that was left open, and began none
	Reindexed int  // identifiers that were indexed and marked anew
	Destroyed int  // keys
	// Waiting is how many marks of forgotten people are still under an older key. Only
	// whoever brings the identifier again can make the mark anew, so that key stays
	// until then.
	Waiting int
}

// rotateBatch is how many identifiers are moved in one transaction.
const rotateBatch = 100

// Rotate gives every kind of identifier, and the suppressions, a new index key, moves
// all identifiers to it in small batches while others look them up, and destroys the
// keys that nothing is under any more. What an earlier call left open is finished
// instead. It needs the opener of the Config: an index is made of the value.
func (s *Store) Rotate(ctx context.Context) (r Rotation, err error) {
	if s.cfg.Opener == nil {
		return r, fmt.Errorf("subjectdb: rotating the index keys: no opener was given: %w", thimble.ErrDenied)
	}
	if r.Resumed, err = s.beginRotation(ctx); err != nil {
		return r, wrap("beginning a rotation", err)
	}
	for _, kind := range subject.Kinds() {
		n, err := s.reindex(ctx, kind)
		r.Reindexed += n
		if err != nil {
			return r, wrap("moving identifiers to a new key", err)
		}
	}
	if r.Waiting, err = s.endRotation(ctx); err != nil {
		return r, wrap("ending a rotation", err)
	}
	r.Destroyed, err = s.dropKeys(ctx)
	return r, wrap("destroying old index keys", err)
}

// Rotating reports whether a rotation was begun and not finished.
func (s *Store) Rotating(ctx context.Context) (open bool, err error) {
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		g, err := readGenerations(ctx, tx)
		if err == nil {
			open, err = rotating(ctx, tx, g)
		}
		return err
	})
	return open, wrap("looking for a rotation", err)
}

func rotating(ctx context.Context, tx *sqldb.Tx, g generations) (bool, error) {
	for _, k := range subject.Kinds() {
		if len(g[k]) > 1 {
			return true, nil
		}
	}
	var n int
	err := tx.QueryRow(ctx, `select count(*) from (select 1 from subject_identifiers where mark_gen < $1 limit 1) as old`, g.newest(suppression)).Scan(&n)
	return n > 0, err
}

// beginRotation adds a generation of each kind, all at once, unless a rotation is
// open. From its commit on every look-up asks under both.
func (s *Store) beginRotation(ctx context.Context) (open bool, err error) {
	err = s.db.Write(ctx, func(tx *sqldb.Tx) error {
		g, err := readGenerations(ctx, tx)
		if err != nil {
			return err
		}
		if open, err = rotating(ctx, tx, g); err != nil || open {
			return err
		}
		for _, k := range append(subject.Kinds(), suppression) {
			if _, err := tx.Exec(ctx, `insert into subject_generations (kind, gen) values ($1, $2)`, string(k), g.newest(k)+1); err != nil {
				return err
			}
		}
		return nil
	})
	return open, err
}

// errStuck ends a rotation that cannot go on: the old key stays, and look-ups go on
// asking under both.
var errStuck = fmt.Errorf("some identifiers do not open, because their owners' keys are damaged; mend or erase them, and call again: %w", thimble.ErrUnavailable)

// reindex moves the identifiers of a kind. A pass goes through them in order; who is
// added meanwhile comes under the new key by itself.
func (s *Store) reindex(ctx context.Context, kind subject.Kind) (moved int, err error) {
	for {
		n, left, err := s.reindexPass(ctx, kind)
		moved += n
		if err != nil || left == 0 {
			return moved, err
		}
		if n == 0 {
			return moved, fmt.Errorf("%d of kind %s: %w", left, kind, errStuck)
		}
	}
}

func (s *Store) reindexPass(ctx context.Context, kind subject.Kind) (moved, left int, err error) {
	var after []byte
	for {
		rows, g, err := s.oldRows(ctx, kind, after)
		if err != nil || len(rows) == 0 {
			return moved, left, err
		}
		after = rows[len(rows)-1].blind
		drafts := make([]Draft, 0, len(rows))
		from := make([][]byte, 0, len(rows))
		for _, row := range rows {
			d, err := s.redraft(ctx, kind, row, g)
			if errors.Is(err, thimble.ErrUnavailable) || ctx.Err() != nil {
				return moved, left, errors.Join(err, ctx.Err())
			}
			if err != nil {
				left++ // gone meanwhile, or damaged: the next pass tells
				continue
			}
			drafts, from = append(drafts, d), append(from, row.blind)
		}
		n, err := s.exchange(ctx, drafts, from)
		moved += n
		left += len(drafts) - n
		if err != nil {
			return moved, left, err
		}
	}
}

// An oldRow is an identifier under a key of an earlier generation.
type oldRow struct {
	blind  []byte
	owner  thimble.SubjectID
	sealed []byte
}

func (s *Store) oldRows(ctx context.Context, kind subject.Kind, after []byte) (all []oldRow, g generations, err error) {
	if after == nil {
		after = []byte{}
	}
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		all = nil
		if g, err = readGenerations(ctx, tx); err != nil {
			return err
		}
		rows, err := tx.Query(ctx, `select blind, subject, sealed from subject_identifiers
			where kind = $1 and blind > $2 and (gen < $3 or mark_gen < $4) order by blind limit $5`,
			string(kind), after, g.newest(kind), g.newest(suppression), rotateBatch)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var r oldRow
			if err := rows.Scan(&r.blind, &r.owner, &r.sealed); err != nil {
				return err
			}
			all = append(all, r)
		}
		return rows.Err()
	})
	return all, g, err
}

// redraft opens an identifier and seals it for its new place.
func (s *Store) redraft(ctx context.Context, kind subject.Kind, row oldRow, g generations) (Draft, error) {
	plain, err := s.cfg.Opener.Open(ctx, identifierCell(row.owner, kind, row.blind), row.sealed)
	if err != nil {
		return Draft{}, err
	}
	defer clear(plain)
	return s.draft(ctx, row.owner, subject.Identifier{Kind: kind, Value: thimble.Hide(string(plain))}, g)
}

// exchange moves identifiers that are still where they were. One that was removed
// meanwhile stays removed.
func (s *Store) exchange(ctx context.Context, drafts []Draft, from [][]byte) (moved int, err error) {
	if len(drafts) == 0 {
		return 0, nil
	}
	err = s.db.Write(ctx, func(tx *sqldb.Tx) error {
		moved = 0
		if agreed, err := s.agree(ctx, tx, drafts[0].under); err != nil || !agreed {
			return err
		}
		for i, d := range drafts {
			n, err := tx.Exec(ctx, `update subject_identifiers set blind = $1, sealed = $2, mark = $3, gen = $4, mark_gen = $5
				where kind = $6 and blind = $7 and subject = $8`, d.blind(), d.sealed, d.mark,
				d.under.newest(d.id.Kind), d.under.newest(suppression), string(d.id.Kind), from[i], d.ID[:])
			if err != nil {
				return err
			}
			moved += int(n)
		}
		return nil
	})
	return moved, err
}

// endRotation takes back the generations that nothing is under, and returns how many
// marks still need an older one.
func (s *Store) endRotation(ctx context.Context) (waiting int, err error) {
	err = s.db.Write(ctx, func(tx *sqldb.Tx) error {
		g, err := readGenerations(ctx, tx)
		if err != nil {
			return err
		}
		for _, k := range subject.Kinds() {
			if _, err := tx.Exec(ctx, `delete from subject_generations where kind = $1 and gen < $2
				and not exists (select 1 from subject_identifiers i where i.kind = $1 and i.gen = subject_generations.gen)`,
				string(k), g.newest(k)); err != nil {
				return err
			}
		}
		if _, err := tx.Exec(ctx, `delete from subject_generations where kind = $1 and gen < $2
			and not exists (select 1 from subject_suppressions s where s.gen = subject_generations.gen)
			and not exists (select 1 from subject_identifiers i where i.mark_gen = subject_generations.gen)`,
			string(suppression), g.newest(suppression)); err != nil {
			return err
		}
		return tx.QueryRow(ctx, `select count(*) from subject_suppressions where gen < $1`, g.newest(suppression)).Scan(&waiting)
	})
	return waiting, err
}

// dropKeys destroys the keys of generations that are asked no more, also those that
// an earlier call did not come to.
func (s *Store) dropKeys(ctx context.Context) (dropped int, err error) {
	var g generations
	if err := s.db.Read(ctx, func(tx *sqldb.Tx) error {
		g, err = readGenerations(ctx, tx)
		return err
	}); err != nil {
		return 0, err
	}
	s.gens.Store(&g)
	for _, k := range append(subject.Kinds(), suppression) {
		for gen := 1; gen < g.newest(k); gen++ {
			if slices.Contains(g[k], gen) {
				continue
			}
			if err := s.keys.DropIndex(ctx, indexName(k, gen)); err != nil {
				return dropped, err
			}
			dropped++
		}
	}
	return dropped, nil
}
