package subjectdb

import (
	"context"
	"fmt"

	"thimble"
	"thimble/internal/sqldb"
	"thimble/internal/subject"
)

// A Newcomer is somebody new with all that is known of them, sealed: for imports, which
// bring many at once.
type Newcomer struct {
	drafts         []Draft // the first one made them
	residence, age []byte
}

// ID is the subject that they will be.
func (n Newcomer) ID() thimble.SubjectID { return n.drafts[0].ID }

// Newcomer prepares somebody new from their first draft, of [Store.Draft], and the others,
// of [Store.DraftFor]: at most one identifier of each kind. Home and age may be nil. Call
// it outside the transaction that calls [Store.CreateAll].
func (s *Store) Newcomer(ctx context.Context, first Draft, more []Draft, home *subject.Residence, age *subject.Age) (n Newcomer, err error) {
	n.drafts = append([]Draft{first}, more...)
	if home != nil {
		if n.residence, err = sealed(ctx, s.keys, subject.ResidenceCell(first.ID), home); err != nil {
			return n, wrap("sealing the residence of a person", err)
		}
	}
	if age != nil {
		if n.age, err = sealed(ctx, s.keys, subject.AgeCell(first.ID), age); err != nil {
			return n, wrap("sealing the age of a person", err)
		}
	}
	return n, nil
}

func sealed(ctx context.Context, keys Keys, c thimble.Cell, v interface {
	Validate() error
	Bytes() ([]byte, error)
}) ([]byte, error) {
	if err := v.Validate(); err != nil {
		return nil, err
	}
	plain, err := v.Bytes()
	if err != nil {
		return nil, err
	}
	return keys.Seal(ctx, c, plain)
}

// CreateAll adds newcomers in the caller's transaction, with few statements for many. The
// error is of kind thimble.ErrConflict when one of their identifiers is somebody's already;
// then the transaction cannot go on, and whoever calls looks again who is who.
func (s *Store) CreateAll(ctx context.Context, tx *sqldb.Tx, all []Newcomer) error {
	doing := fmt.Sprintf("creating %d subjects", len(all))
	if len(all) == 0 {
		return nil
	}
	now, err := readGenerations(ctx, tx)
	if err != nil {
		return wrap(doing, err)
	}
	var people, identifiers [][]any
	for _, n := range all {
		for _, d := range n.drafts {
			if len(d.blinds) > 1 || !now.same(d.under) { // the keys of indexes are on their way to others
				return wrap(doing, s.createEach(ctx, tx, all))
			}
			identifiers = append(identifiers, []any{string(d.id.Kind), d.blind(), d.ID[:], d.sealed, d.mark, d.createdAt.UnixMicro(), d.under.newest(d.id.Kind), d.under.newest(suppression)})
		}
		first := n.drafts[0]
		people = append(people, []any{first.ID[:], "active", 1, first.createdAt.UnixMicro(), seenDay(first.createdAt), n.residence, n.age})
	}
	added, err := tx.InsertMany(ctx, `insert into subject_identifiers (kind, blind, subject, sealed, mark, created_at, gen, mark_gen)`, `on conflict do nothing`, identifiers)
	if err == nil && added < int64(len(identifiers)) {
		err = errTaken
	}
	if err == nil {
		_, err = tx.InsertMany(ctx, `insert into subject_subjects (id, state, epoch, created_at, seen_on, residence, age)`, "", people)
	}
	return wrap(doing, err)
}

// createEach is CreateAll while a rotation is under way.
func (s *Store) createEach(ctx context.Context, tx *sqldb.Tx, all []Newcomer) error {
	for _, n := range all {
		if err := s.Create(ctx, tx, n.drafts[0]); err != nil {
			return err
		}
		for _, d := range n.drafts[1:] {
			if err := s.claim(ctx, tx, d); err != nil {
				return err
			}
		}
		if _, err := tx.Exec(ctx, `update subject_subjects set residence = $1, age = $2 where id = $3`, n.residence, n.age, n.drafts[0].ID[:]); err != nil {
			return err
		}
	}
	return nil
}
