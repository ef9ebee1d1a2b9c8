package subjectdb

import (
	"context"
	"errors"
	"fmt"
	"time"

	"thimble"
	"thimble/internal/sqldb"
	"thimble/internal/subject"
)

// numbered says which of several identifiers is meant.
func numbered(i, n int, err error) error {
	if n == 1 {
		return err
	}
	return fmt.Errorf("subjectdb: identifier %d of %d: %w", i+1, n, err)
}

// A Draft is an identifier, sealed for its owner, that is not there yet: of a new
// person ([Store.Draft]) or one more of somebody who is there ([Store.DraftFor]).
type Draft struct {
	ID        thimble.SubjectID
	id        subject.Identifier
	under     generations // of the keys below
	blinds    [][]byte    // under each generation that is asked, the one that writes last
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
	known, err := normalized(ids)
	if err != nil {
		return nil, err
	}
	owners := make([]thimble.SubjectID, len(ids))
	for i := range ids {
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
	g, err := s.generations(ctx)
	if err != nil {
		return nil, wrap("drafting", err)
	}
	for i := range drafts {
		if drafts[i], err = s.draft(ctx, owners[i], known[i], g); err != nil {
			return nil, wrap("drafting", err)
		}
	}
	return drafts, nil
}

// DraftFor prepares one more identifier for somebody who is there, for [Store.Add].
func (s *Store) DraftFor(ctx context.Context, owner thimble.SubjectID, id subject.Identifier) (Draft, error) {
	known, err := subject.Normalize(id)
	if err != nil {
		return Draft{}, err
	}
	g, err := s.generations(ctx)
	if err != nil {
		return Draft{}, wrap("drafting an identifier of a person", err)
	}
	d, err := s.draft(ctx, owner, known, g)
	return d, wrap("drafting an identifier of a person", err)
}

func (s *Store) draft(ctx context.Context, owner thimble.SubjectID, id subject.Identifier, g generations) (d Draft, err error) {
	d = Draft{ID: owner, id: id, under: g, createdAt: s.cfg.Now()}
	if d.blinds, err = s.blinds(ctx, id, g); err != nil {
		return d, err
	}
	if d.mark, err = s.mark(ctx, id, g.newest(suppression)); err != nil {
		return d, err
	}
	d.sealed, err = s.keys.Seal(ctx, identifierCell(owner, id.Kind, d.blind()), []byte(id.Value.Reveal()))
	return d, err
}

// blind is the index that is written.
func (d Draft) blind() []byte { return d.blinds[len(d.blinds)-1] }

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
	if err := s.claim(ctx, tx, d); err != nil {
		return wrap("creating a subject", err)
	}
	_, err := tx.Exec(ctx, `insert into subject_subjects (id, state, epoch, created_at, seen_on)
		values ($1, 'active', 1, $2, $3)`, d.ID[:], d.createdAt.UnixMicro(), seenDay(d.createdAt))
	return wrap("creating a subject", err)
}

// Add gives a person who is there one more identifier. The error is of kind
// thimble.ErrConflict when somebody has it already, or when the person has as many
// of the kind as are allowed. One that is theirs already stays.
func (s *Store) Add(ctx context.Context, tx *sqldb.Tx, d Draft) error {
	doing := "adding an identifier to " + d.ID.String()
	if _, err := s.Alive(ctx, tx, d.ID); err != nil {
		return wrap(doing, err)
	}
	err := s.claim(ctx, tx, d)
	if errors.Is(err, errTaken) {
		if owner, ownErr := s.owner(ctx, tx, d); ownErr != nil || owner == d.ID {
			return wrap(doing, ownErr)
		}
	}
	if err != nil {
		return wrap(doing, err)
	}
	var n int
	if err := tx.QueryRow(ctx, `select count(*) from subject_identifiers where subject = $1 and kind = $2`, d.ID[:], string(d.id.Kind)).Scan(&n); err != nil {
		return wrap(doing, err)
	}
	if most := s.cfg.Limits.subject(d.id.Kind); n > most {
		// Added and counted in one transaction, which the caller now gives up or
		// which goes on without it.
		if _, err := tx.Exec(ctx, `delete from subject_identifiers where kind = $1 and blind = $2`, string(d.id.Kind), d.blind()); err != nil {
			return wrap(doing, err)
		}
		return fmt.Errorf("subjectdb: %s: at most %d of kind %s are kept; remove one that is no longer theirs first: %w", doing, most, d.id.Kind, thimble.ErrConflict)
	}
	_, err = s.Touch(ctx, tx, d.ID)
	return err
}

var errTaken = fmt.Errorf("somebody has this identifier already: %w", thimble.ErrConflict)

// claim inserts the identifier unless somebody has it under any generation.
func (s *Store) claim(ctx context.Context, tx *sqldb.Tx, d Draft) error {
	d, err := s.current(ctx, tx, d)
	if err != nil {
		return err
	}
	for _, old := range d.blinds[:len(d.blinds)-1] {
		var n int
		if err := tx.QueryRow(ctx, `select count(*) from subject_identifiers where kind = $1 and blind = $2`, string(d.id.Kind), old).Scan(&n); err != nil {
			return err
		}
		if n > 0 {
			return errTaken
		}
	}
	n, err := tx.Exec(ctx, `insert into subject_identifiers (kind, blind, subject, sealed, mark, created_at, gen, mark_gen)
		values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict do nothing`, string(d.id.Kind), d.blind(), d.ID[:], d.sealed, d.mark,
		d.createdAt.UnixMicro(), d.under.newest(d.id.Kind), d.under.newest(suppression))
	if err == nil && n == 0 {
		err = errTaken
	}
	return err
}

// current returns the draft under the generations of the transaction.
func (s *Store) current(ctx context.Context, tx *sqldb.Tx, d Draft) (Draft, error) {
	agreed, err := s.agree(ctx, tx, d.under)
	if err != nil || agreed {
		return d, err
	}
	now, err := readGenerations(ctx, tx)
	if err != nil {
		return d, err
	}
	again, err := s.draft(ctx, d.ID, d.id, now)
	again.createdAt = d.createdAt
	return again, err
}

// owner returns who has the drafted identifier.
func (s *Store) owner(ctx context.Context, tx *sqldb.Tx, d Draft) (owner thimble.SubjectID, err error) {
	if d, err = s.current(ctx, tx, d); err != nil {
		return owner, err
	}
	found := make([]thimble.SubjectID, 1)
	l := &lookup{blinds: d.blinds, at: make([]int, len(d.blinds))}
	err = l.run(ctx, tx, d.id.Kind, found)
	return found[0], err
}

// Remove takes an identifier from a person who no longer has it: an address they
// left, a number that is somebody else's now. It leads to nobody then, or to whoever
// claims it next. The error is of kind thimble.ErrNotFound when it is not theirs.
func (s *Store) Remove(ctx context.Context, tx *sqldb.Tx, from thimble.SubjectID, id subject.Identifier) error {
	const doing = "removing an identifier of a person"
	known, err := subject.Normalize(id)
	if err != nil {
		return err
	}
	g, err := readGenerations(ctx, tx)
	if err != nil {
		return wrap(doing, err)
	}
	blinds, err := s.blinds(ctx, known, g)
	if err != nil {
		return wrap(doing, err)
	}
	var n int64
	for _, b := range blinds {
		gone, err := tx.Exec(ctx, `delete from subject_identifiers where kind = $1 and blind = $2 and subject = $3`, string(known.Kind), b, from[:])
		if err != nil {
			return wrap(doing, err)
		}
		n += gone
	}
	if n == 0 {
		return fmt.Errorf("subjectdb: %s: they have no such %s: %w", doing, known.Kind, thimble.ErrNotFound)
	}
	_, err = s.Touch(ctx, tx, from)
	return err
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
	return all, wrap("reading the identifiers of a person", err)
}

func sealedIdentifiers(ctx context.Context, tx *sqldb.Tx, id thimble.SubjectID) (all []SealedIdentifier, _ error) {
	rows, err := tx.Query(ctx, `select kind, blind, sealed, created_at from subject_identifiers
		where subject = $1 order by kind, created_at, blind`, id[:])
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
