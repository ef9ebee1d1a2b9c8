package subjectdb

import (
	"context"
	"fmt"
	"slices"
	"time"

	"thimble"
	"thimble/internal/sqldb"
	"thimble/internal/subject"
)

// Relate keeps that two people have to do with each other, each part sealed for its
// own person. A second relation of the same two replaces the first. The error is of
// kind thimble.ErrConflict when they are one person.
func (s *Store) Relate(ctx context.Context, tx *sqldb.Tx, r subject.Relation) error {
	if err := r.Validate(); err != nil {
		return err
	}
	if r.At.IsZero() {
		r.At = s.cfg.Now()
	}
	const doing = "relating two people"
	from, err := alivePerson(ctx, tx, r.From)
	if err == nil {
		_, err = alivePerson(ctx, tx, r.To)
	}
	if err == nil && slices.Contains(from.IDs(), r.To) {
		err = fmt.Errorf("they are one person: %w", thimble.ErrConflict)
	}
	if err != nil {
		return wrap(doing, err)
	}
	fromPart, toPart := r.Parts()
	for _, side := range []struct {
		of, other thimble.SubjectID
		part      subject.Part
	}{{r.From, r.To, fromPart}, {r.To, r.From, toPart}} {
		plain, err := side.part.Bytes()
		if err != nil {
			return wrap(doing, err)
		}
		sealed, err := s.keys.Seal(ctx, subject.RelationCell(side.of, side.other), plain)
		if err != nil {
			return wrap(doing, err)
		}
		if _, err := tx.Exec(ctx, `insert into subject_relations (subject, other, at, sealed) values ($1, $2, $3, $4)
			on conflict (subject, other) do update set at = excluded.at, sealed = excluded.sealed`,
			side.of[:], side.other[:], r.At.UnixMicro(), sealed); err != nil {
			return wrap(doing, err)
		}
	}
	return nil
}

// Unrelate ends the relation of two people. The error is of kind
// thimble.ErrNotFound when there is none.
func (s *Store) Unrelate(ctx context.Context, tx *sqldb.Tx, a, b thimble.SubjectID) error {
	n, err := tx.Exec(ctx, `delete from subject_relations where subject = $1 and other = $2 or subject = $2 and other = $1`, a[:], b[:])
	if err == nil && n == 0 {
		err = thimble.ErrNotFound
	}
	return wrap("ending the relation of two people", err)
}

// A SealedRelation is one person's part in a relation, with its cell for a grant.
type SealedRelation struct {
	Other  thimble.SubjectID
	Cell   thimble.Cell
	Sealed []byte
	At     time.Time
}

// Relations returns a subject's parts in its relations.
func (s *Store) Relations(ctx context.Context, of thimble.SubjectID) (all []SealedRelation, err error) {
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		all, err = readRelations(ctx, tx, of)
		return err
	})
	return all, wrap("reading the relations of a person", err)
}

func readRelations(ctx context.Context, tx *sqldb.Tx, of thimble.SubjectID) (all []SealedRelation, _ error) {
	rows, err := tx.Query(ctx, `select other, at, sealed from subject_relations where subject = $1 order by other`, of[:])
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var r SealedRelation
		var at int64
		if err := rows.Scan(&r.Other, &at, &r.Sealed); err != nil {
			return nil, err
		}
		r.At, r.Cell = time.UnixMicro(at).UTC(), subject.RelationCell(of, r.Other)
		all = append(all, r)
	}
	return all, rows.Err()
}

// apart refuses two groups of which two are known to be different people.
func apart(ctx context.Context, tx *sqldb.Tx, a, b []thimble.SubjectID) error {
	for _, id := range a {
		related, err := readRelations(ctx, tx, id)
		if err != nil {
			return err
		}
		for _, r := range related {
			if slices.Contains(b, r.Other) {
				return subject.Refuse("they are related, and so two people; end the relation first if that was a mistake", thimble.ErrConflict)
			}
		}
	}
	return nil
}

// GuardiansTx are those who answer for somebody by a relation that stands, for who writes
// letters about a child's requests: nothing else asks it. It opens the child's parts with the
// opener of the Config; without one it is denied.
func (s *Store) GuardiansTx(ctx context.Context, tx *sqldb.Tx, child ...thimble.SubjectID) (all []thimble.SubjectID, err error) {
	if s.cfg.Opener == nil {
		return nil, fmt.Errorf("subjectdb: who answers for somebody: no opener was given: %w", thimble.ErrDenied)
	}
	const doing = "reading who answers for somebody"
	for _, of := range child {
		related, err := readRelations(ctx, tx, of)
		if err != nil {
			return nil, wrap(doing, err)
		}
		for _, r := range related {
			plain, err := s.cfg.Opener.Open(ctx, r.Cell, r.Sealed)
			var part subject.Part
			if err == nil {
				part, err = subject.ParsePart(plain)
			}
			if err != nil {
				return nil, wrap(doing, err)
			}
			if part.Kind == subject.Guardian && !part.Answers() && !slices.Contains(all, r.Other) {
				all = append(all, r.Other)
			}
		}
	}
	return all, nil
}
