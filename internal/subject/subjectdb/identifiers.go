package subjectdb

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"thimble"
	"thimble/internal/sqldb"
	"thimble/internal/subject"
)

// Find returns the subject with this identifier, or an error of kind
// thimble.ErrNotFound.
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
	byKind := map[subject.Kind]*lookup{}
	for i, id := range ids {
		n, err := subject.Normalize(id)
		if err != nil {
			return nil, numbered(i, len(ids), err)
		}
		blind, err := s.blind(ctx, n)
		if err != nil {
			return nil, wrap("indexing an identifier", err)
		}
		l := byKind[n.Kind]
		if l == nil {
			l = &lookup{}
			byKind[n.Kind] = l
		}
		l.blinds, l.at = append(l.blinds, blind), append(l.at, i)
	}
	found := make([]thimble.SubjectID, len(ids))
	err := s.db.Read(ctx, func(tx *sqldb.Tx) error {
		clear(found)
		for kind, l := range byKind {
			if err := l.run(ctx, tx, kind, found); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, wrap("finding subjects", err)
	}
	return found, nil
}

// lookup is the part of a look-up that is of one kind.
type lookup struct {
	blinds [][]byte
	at     []int // the place of each in the answer
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
			found[l.at[i]] = owners[string(l.blinds[i])]
		}
		return rows.Err()
	})
}

// The values are revealed to be hashed under the vault's keys.
func (s *Store) blind(ctx context.Context, id subject.Identifier) ([]byte, error) {
	return s.keys.Index(ctx, "identifier-"+string(id.Kind), id.Value.Reveal())
}

func (s *Store) mark(ctx context.Context, id subject.Identifier) ([]byte, error) {
	return s.keys.Index(ctx, "suppression", string(id.Kind)+"\x00"+id.Value.Reveal())
}

// numbered says which of several identifiers is meant.
func numbered(i, n int, err error) error {
	if n == 1 {
		return err
	}
	return fmt.Errorf("subjectdb: identifier %d of %d: %w", i+1, n, err)
}

// A Draft is a person with a key, who is not there yet.
type Draft struct {
	ID        thimble.SubjectID
	kind      subject.Kind
	blind     []byte
	mark      []byte
	sealed    []byte
	createdAt time.Time
}

// Draft prepares one new person for each identifier: it draws ids, makes their keys
// in one transaction of the vault, and seals the identifiers. Call it outside the
// core transaction that calls [Store.Create]. It does not look whether somebody has
// the identifier already; Create does.
func (s *Store) Draft(ctx context.Context, ids []subject.Identifier) ([]Draft, error) {
	drafts := make([]Draft, len(ids))
	known := make([]subject.Identifier, len(ids))
	owners := make([]thimble.SubjectID, len(ids))
	for i, id := range ids {
		var err error
		if known[i], err = subject.Normalize(id); err != nil {
			return nil, numbered(i, len(ids), err)
		}
		if owners[i], err = thimble.NewSubjectID(s.cfg.Rand); err != nil {
			return nil, err
		}
	}
	if len(ids) == 0 {
		return drafts, nil
	}
	if err := s.keys.Ensure(ctx, owners...); err != nil {
		return nil, wrap("drafting", err)
	}
	for i := range drafts {
		var err error
		if drafts[i], err = s.draft(ctx, owners[i], known[i]); err != nil {
			return nil, wrap("drafting", err)
		}
	}
	return drafts, nil
}

func (s *Store) draft(ctx context.Context, owner thimble.SubjectID, id subject.Identifier) (d Draft, err error) {
	d = Draft{ID: owner, kind: id.Kind, createdAt: s.cfg.Now()}
	if d.blind, err = s.blind(ctx, id); err != nil {
		return d, err
	}
	if d.mark, err = s.mark(ctx, id); err != nil {
		return d, err
	}
	d.sealed, err = s.keys.Seal(ctx, identifierCell(owner, d.kind, d.blind), []byte(id.Value.Reveal()))
	return d, err
}

func identifierCell(owner thimble.SubjectID, kind subject.Kind, blind []byte) thimble.Cell {
	row := append([]byte(kind), 0)
	return thimble.Cell{
		Owner: owner, Table: "subject_identifiers", Column: "sealed", Row: append(row, blind...), Category: kind.Category(),
	}
}

// Create adds a drafted person within the caller's core transaction. When somebody
// has the identifier already, the error is of kind thimble.ErrConflict, nothing is
// added, and the transaction can go on.
func (s *Store) Create(ctx context.Context, tx *sqldb.Tx, d Draft) error {
	at := d.createdAt.UnixMicro()
	n, err := tx.Exec(ctx, `insert into subject_identifiers (kind, blind, subject, sealed, mark, created_at)
		values ($1, $2, $3, $4, $5, $6) on conflict do nothing`, string(d.kind), d.blind, d.ID[:], d.sealed, d.mark, at)
	if err != nil {
		return wrap("creating a subject", err)
	}
	if n == 0 {
		return fmt.Errorf("subjectdb: somebody has this %s already: %w", d.kind, thimble.ErrConflict)
	}
	_, err = tx.Exec(ctx, `insert into subject_subjects (id, state, epoch, created_at)
		values ($1, 'active', 1, $2)`, d.ID[:], at)
	return wrap("creating a subject", err)
}

// A SealedIdentifier is an identifier as it is stored, with its cell for a grant.
type SealedIdentifier struct {
	Kind      subject.Kind
	Cell      thimble.Cell
	Sealed    []byte
	CreatedAt time.Time
}

// Identifiers returns the sealed identifiers of a subject.
func (s *Store) Identifiers(ctx context.Context, id thimble.SubjectID) (all []SealedIdentifier, err error) {
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		all, err = sealedIdentifiers(ctx, tx, id)
		return err
	})
	return all, wrap("reading the identifiers of "+id.String(), err)
}

func sealedIdentifiers(ctx context.Context, tx *sqldb.Tx, id thimble.SubjectID) (all []SealedIdentifier, _ error) {
	rows, err := tx.Query(ctx, `select kind, blind, sealed, created_at from subject_identifiers
		where subject = $1 order by kind, blind`, id[:])
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var i SealedIdentifier
		var blind []byte
		var at int64
		if err := rows.Scan(&i.Kind, &blind, &i.Sealed, &at); err != nil {
			return nil, err
		}
		i.Cell, i.CreatedAt = identifierCell(id, i.Kind, blind), time.UnixMicro(at).UTC()
		all = append(all, i)
	}
	return all, rows.Err()
}

// Suppressed reports, for each identifier, whether a person with it was forgotten.
// Lists from outside are to be held against it before anybody is created.
func (s *Store) Suppressed(ctx context.Context, ids []subject.Identifier) ([]bool, error) {
	marks := make([][]byte, len(ids))
	for i, id := range ids {
		n, err := subject.Normalize(id)
		if err != nil {
			return nil, numbered(i, len(ids), err)
		}
		if marks[i], err = s.mark(ctx, n); err != nil {
			return nil, wrap("hashing an identifier", err)
		}
	}
	suppressed := make([]bool, len(ids))
	err := s.db.Read(ctx, func(tx *sqldb.Tx) error {
		clear(suppressed)
		return inChunks(marks, func(from int, list string, args []any) error {
			rows, err := tx.Query(ctx, `select mark from subject_suppressions where mark in (`+list+`)`, args...)
			if err != nil {
				return err
			}
			defer rows.Close()
			found := map[string]bool{}
			for rows.Next() {
				var mark []byte
				if err := rows.Scan(&mark); err != nil {
					return err
				}
				found[string(mark)] = true
			}
			for i := from; i < from+len(args); i++ {
				suppressed[i] = found[string(marks[i])]
			}
			return rows.Err()
		})
	})
	if err != nil {
		return nil, wrap("looking for suppressions", err)
	}
	return suppressed, nil
}
