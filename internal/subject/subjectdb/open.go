package subjectdb

import (
	"context"
	"fmt"
	"slices"

	"thimble"
	"thimble/internal/sqldb"
	"thimble/internal/subject"
)

// IdentifiersTx opens the identifiers of the subjects of a person, the oldest first, for who
// has to tell a system outside whom a request is about, or writes to somebody as they are
// erased. Nothing else asks it: others read through a grant.
func (s *Store) IdentifiersTx(ctx context.Context, tx *sqldb.Tx, ids ...thimble.SubjectID) ([]subject.Identifier, error) {
	if s.cfg.Opener == nil {
		return nil, fmt.Errorf("subjectdb: opening identifiers: no opener was given: %w", thimble.ErrDenied)
	}
	var sealed []SealedIdentifier
	for _, id := range ids {
		some, err := sealedIdentifiers(ctx, tx, id)
		if err != nil {
			return nil, wrap("reading the identifiers of a person", err)
		}
		sealed = append(sealed, some...)
	}
	slices.SortStableFunc(sealed, func(a, b SealedIdentifier) int { return a.CreatedAt.Compare(b.CreatedAt) })
	all := make([]subject.Identifier, 0, len(sealed))
	for _, i := range sealed {
		plain, err := s.cfg.Opener.Open(ctx, i.Cell, i.Sealed)
		if err != nil {
			return nil, wrap("opening the identifiers of a person", err)
		}
		all = append(all, subject.Identifier{Kind: i.Kind, Value: thimble.Hide(string(plain))})
	}
	return all, nil
}
