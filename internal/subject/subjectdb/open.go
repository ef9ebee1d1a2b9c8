package subjectdb

import (
	"context"
	"fmt"

	"thimble"
	"thimble/internal/sqldb"
	"thimble/internal/subject"
)

// IdentifiersTx opens the identifiers of a subject, for who has to tell a system outside
// whom a request is about. Nothing else asks it: others read through a grant.
func (s *Store) IdentifiersTx(ctx context.Context, tx *sqldb.Tx, id thimble.SubjectID) ([]subject.Identifier, error) {
	if s.cfg.Opener == nil {
		return nil, fmt.Errorf("subjectdb: opening identifiers: no opener was given: %w", thimble.ErrDenied)
	}
	sealed, err := sealedIdentifiers(ctx, tx, id)
	all := make([]subject.Identifier, 0, len(sealed))
	for _, i := range sealed {
		plain, openErr := s.cfg.Opener.Open(ctx, i.Cell, i.Sealed)
		if openErr != nil {
			err = openErr
			break
		}
		all = append(all, subject.Identifier{Kind: i.Kind, Value: thimble.Hide(string(plain))})
	}
	return all, wrap("opening the identifiers of a person", err)
}
