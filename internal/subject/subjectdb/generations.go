package subjectdb

import (
	"context"
	"maps"
	"slices"
	"strconv"

	"thimble/internal/sqldb"
	"thimble/internal/subject"
)

// suppression is the kind under which the generations of marks are kept.
const suppression = subject.Kind("suppression")

// generations are the generations of index keys that are asked, by kind, ascending.
// The last one writes. While a kind has two, its identifiers are on their way from
// the one to the other.
type generations map[subject.Kind][]int

func (g generations) newest(k subject.Kind) int { return g[k][len(g[k])-1] }

func (g generations) same(other generations) bool { return maps.EqualFunc(g, other, slices.Equal) }

// readGenerations reads them in the snapshot of the transaction: what was computed
// under others must be computed again, or a look-up would miss who has been moved.
func readGenerations(ctx context.Context, tx *sqldb.Tx) (generations, error) {
	rows, err := tx.Query(ctx, `select kind, gen from subject_generations order by kind, gen`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	g := generations{}
	for rows.Next() {
		var kind subject.Kind
		var gen int
		if err := rows.Scan(&kind, &gen); err != nil {
			return nil, err
		}
		g[kind] = append(g[kind], gen)
	}
	return g, rows.Err()
}

// generations returns those that were asked last; a new process looks first, so that
// it never asks for a key that was destroyed.
func (s *Store) generations(ctx context.Context) (generations, error) {
	if g := s.gens.Load(); g != nil {
		return *g, nil
	}
	var g generations
	err := s.db.Read(ctx, func(tx *sqldb.Tx) (err error) {
		g, err = readGenerations(ctx, tx)
		return err
	})
	if err == nil {
		s.gens.Store(&g)
	}
	return g, err
}

// agree reports whether the transaction sees the generations that were used, and
// takes up those it sees otherwise.
func (s *Store) agree(ctx context.Context, tx *sqldb.Tx, used generations) (bool, error) {
	now, err := readGenerations(ctx, tx)
	if err != nil || now.same(used) {
		return err == nil, err
	}
	s.gens.Store(&now)
	return false, nil
}

// indexName is the name of an index key in the vault. The first generation has the
// name it had before there were others.
func indexName(kind subject.Kind, gen int) string {
	name := "identifier-" + string(kind)
	if kind == suppression {
		name = string(suppression)
	}
	if gen > 1 {
		name += "@" + strconv.Itoa(gen)
	}
	return name
}

// The values are revealed to be hashed under the vault's keys.
func (s *Store) blind(ctx context.Context, id subject.Identifier, gen int) ([]byte, error) {
	return s.keys.Index(ctx, indexName(id.Kind, gen), id.Value.Reveal())
}

func (s *Store) mark(ctx context.Context, id subject.Identifier, gen int) ([]byte, error) {
	return s.keys.Index(ctx, indexName(suppression, gen), string(id.Kind)+"\x00"+id.Value.Reveal())
}

// blinds returns the indexes under all generations that are asked, in their order.
func (s *Store) blinds(ctx context.Context, id subject.Identifier, g generations) ([][]byte, error) {
	all := make([][]byte, len(g[id.Kind]))
	for i, gen := range g[id.Kind] {
		var err error
		if all[i], err = s.blind(ctx, id, gen); err != nil {
			return nil, err
		}
	}
	return all, nil
}
