package subjectdb

import (
	"context"
	"fmt"
	"strconv"

	"thimble"
	"thimble/internal/sqldb"
	"thimble/internal/subject"
)

// Find returns the subject with this identifier, or an error of kind
// thimble.ErrNotFound. Of a person with several subjects it is the one that the
// identifier belongs to: what comes by it is kept there.
func (s *Store) Find(ctx context.Context, id subject.Identifier) (thimble.SubjectID, error) {
	found, err := s.FindAll(ctx, []subject.Identifier{id})
	if err != nil {
		return thimble.SubjectID{}, err
	}
	if found[0].IsZero() {
		return thimble.SubjectID{}, fmt.Errorf("subjectdb: no subject with this %s: %w", id.Kind, thimble.ErrNotFound)
	}
	return found[0], nil
}

// FindAll returns the subject of each identifier, the zero id for none. It looks up
// hundreds with each query.
func (s *Store) FindAll(ctx context.Context, ids []subject.Identifier) ([]thimble.SubjectID, error) {
	known, err := normalized(ids)
	if err != nil {
		return nil, err
	}
	found := make([]thimble.SubjectID, len(ids))
	err = s.snapshot(ctx, func(g generations) (func(*sqldb.Tx) error, error) {
		byKind, err := s.lookups(ctx, known, g)
		return func(tx *sqldb.Tx) error {
			clear(found)
			for kind, l := range byKind {
				if err := l.run(ctx, tx, kind, found); err != nil {
					return err
				}
			}
			return nil
		}, err
	})
	if err != nil {
		return nil, wrap("finding subjects", err)
	}
	return found, nil
}

func normalized(ids []subject.Identifier) ([]subject.Identifier, error) {
	known := make([]subject.Identifier, len(ids))
	for i, id := range ids {
		var err error
		if known[i], err = subject.Normalize(id); err != nil {
			return nil, numbered(i, len(ids), err)
		}
	}
	return known, nil
}

// snapshot runs what prepare returns for the generations of keys that its snapshot
// has. They move seldom: the first try holds, but while a rotation begins or ends.
func (s *Store) snapshot(ctx context.Context, prepare func(generations) (func(*sqldb.Tx) error, error)) error {
	for {
		g, err := s.generations(ctx)
		if err != nil {
			return err
		}
		run, err := prepare(g)
		if err != nil {
			return err
		}
		agreed := false
		err = s.db.Read(ctx, func(tx *sqldb.Tx) (err error) {
			if agreed, err = s.agree(ctx, tx, g); err != nil || !agreed {
				return err
			}
			return run(tx)
		})
		if err != nil || agreed {
			return err
		}
	}
}

// lookup is the part of a look-up that is of one kind.
type lookup struct {
	blinds [][]byte
	at     []int // the place of each in the answer; one place may have several
}

func (s *Store) lookups(ctx context.Context, ids []subject.Identifier, g generations) (map[subject.Kind]*lookup, error) {
	byKind := map[subject.Kind]*lookup{}
	for i, id := range ids {
		blinds, err := s.blinds(ctx, id, g)
		if err != nil {
			return nil, err
		}
		l := byKind[id.Kind]
		if l == nil {
			l = &lookup{}
			byKind[id.Kind] = l
		}
		for _, b := range blinds {
			l.blinds, l.at = append(l.blinds, b), append(l.at, i)
		}
	}
	return byKind, nil
}

func (l *lookup) run(ctx context.Context, tx *sqldb.Tx, kind subject.Kind, found []thimble.SubjectID) error {
	return inChunks(l.blinds, func(from int, list string, args []any) error {
		n := len(args)
		rows, err := tx.Query(ctx, `select blind, subject from subject_identifiers
			where blind in (`+list+`) and kind = $`+strconv.Itoa(n+1), append(args, string(kind))...)
		if err != nil {
			return err
		}
		defer rows.Close()
		owners := make(map[string]thimble.SubjectID, n)
		for rows.Next() {
			var blind []byte
			var owner thimble.SubjectID
			if err := rows.Scan(&blind, &owner); err != nil {
				return err
			}
			owners[string(blind)] = owner
		}
		for i := from; i < from+n; i++ {
			if owner, ok := owners[string(l.blinds[i])]; ok {
				found[l.at[i]] = owner
			}
		}
		return rows.Err()
	})
}

// Suppressed reports, for each identifier, whether a person with it was forgotten.
// Lists from outside are to be held against it before anybody is created. A mark of
// an old generation is made anew when it is met, because only whoever brings the
// identifier can.
func (s *Store) Suppressed(ctx context.Context, ids []subject.Identifier) ([]bool, error) {
	known, err := normalized(ids)
	if err != nil {
		return nil, err
	}
	var marks [][]byte // each identifier under each generation, the newest last
	var per int
	found := map[string]bool{}
	err = s.snapshot(ctx, func(g generations) (func(*sqldb.Tx) error, error) {
		var err error
		per = len(g[suppression])
		marks, err = s.marks(ctx, known, g)
		return func(tx *sqldb.Tx) error {
			clear(found)
			return findMarks(ctx, tx, marks, found)
		}, err
	})
	if err != nil {
		return nil, wrap("looking for suppressions", err)
	}
	suppressed := make([]bool, len(ids))
	var renew [][2][]byte
	for i := range ids {
		newest := marks[i*per+per-1]
		for _, m := range marks[i*per : (i+1)*per] {
			if found[string(m)] {
				suppressed[i] = true
				if string(m) != string(newest) {
					renew = append(renew, [2][]byte{m, newest})
				}
			}
		}
	}
	return suppressed, wrap("renewing marks", s.renew(ctx, renew))
}

// SuppressedTx is [Store.Suppressed] in the caller's transaction, for whoever makes a
// person or gives an identifier there. It renews nothing.
func (s *Store) SuppressedTx(ctx context.Context, tx *sqldb.Tx, ids []subject.Identifier) ([]bool, error) {
	const doing = "looking for suppressions"
	known, err := normalized(ids)
	if err != nil {
		return nil, err
	}
	g, err := readGenerations(ctx, tx)
	if err != nil {
		return nil, wrap(doing, err)
	}
	marks, err := s.marks(ctx, known, g)
	if err != nil {
		return nil, wrap(doing, err)
	}
	found := map[string]bool{}
	if err := findMarks(ctx, tx, marks, found); err != nil {
		return nil, wrap(doing, err)
	}
	suppressed := make([]bool, len(ids))
	for i, m := range marks {
		if found[string(m)] {
			suppressed[i/len(g[suppression])] = true
		}
	}
	return suppressed, nil
}

// Suppress notes that whoever has one of the identifiers was forgotten, in the caller's
// transaction: somebody who is to be forgotten before they ever came here. Who has one is
// not touched.
func (s *Store) Suppress(ctx context.Context, tx *sqldb.Tx, ids ...subject.Identifier) error {
	const doing = "noting who is forgotten"
	known, err := normalized(ids)
	if err != nil {
		return err
	}
	g, err := readGenerations(ctx, tx)
	if err != nil {
		return wrap(doing, err)
	}
	for _, id := range known {
		gen := g.newest(suppression)
		mark, err := s.mark(ctx, id, gen)
		if err == nil {
			_, err = tx.Exec(ctx, `insert into subject_suppressions (mark, gen) values ($1, $2) on conflict do nothing`, mark, gen)
		}
		if err != nil {
			return wrap(doing, err)
		}
	}
	return nil
}

func (s *Store) marks(ctx context.Context, ids []subject.Identifier, g generations) ([][]byte, error) {
	all := make([][]byte, 0, len(ids)*len(g[suppression]))
	for _, id := range ids {
		for _, gen := range g[suppression] {
			m, err := s.mark(ctx, id, gen)
			if err != nil {
				return nil, err
			}
			all = append(all, m)
		}
	}
	return all, nil
}

func findMarks(ctx context.Context, tx *sqldb.Tx, marks [][]byte, found map[string]bool) error {
	return inChunks(marks, func(_ int, list string, args []any) error {
		rows, err := tx.Query(ctx, `select mark from subject_suppressions where mark in (`+list+`)`, args...)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var mark []byte
			if err := rows.Scan(&mark); err != nil {
				return err
			}
			found[string(mark)] = true
		}
		return rows.Err()
	})
}

// renew replaces marks of old generations. In between, one that a rotation has
// ended is left as it is: the next sighting tries again.
func (s *Store) renew(ctx context.Context, pairs [][2][]byte) error {
	if len(pairs) == 0 {
		return nil
	}
	used, err := s.generations(ctx)
	if err != nil {
		return err
	}
	return s.db.Write(ctx, func(tx *sqldb.Tx) error {
		if agreed, err := s.agree(ctx, tx, used); err != nil || !agreed {
			return err
		}
		for _, p := range pairs {
			n, err := tx.Exec(ctx, `delete from subject_suppressions where mark = $1`, p[0])
			if err == nil && n > 0 {
				_, err = tx.Exec(ctx, `insert into subject_suppressions (mark, gen) values ($1, $2) on conflict do nothing`, p[1], used.newest(suppression))
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
}
