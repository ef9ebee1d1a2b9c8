package subjectdb

import (
	"context"
	"time"

	"thimble"
	"thimble/internal/sqldb"
	"thimble/internal/subject"
)

// Expire implements thimble.Holder. Who somebody is, is kept as long as anything
// else of theirs is: by itself only that a device is shared expires.
func (s *Store) Expire(ctx context.Context, c thimble.Category, before time.Time) (thimble.Erasure, error) {
	if !subject.Device.Category().Within(c) {
		return thimble.Erasure{}, nil
	}
	n, err := s.unshare(ctx, before)
	return thimble.Erasure{Erased: n}, err
}

// Restrict implements thimble.Holder: it sets the state that the gate reads.
func (s *Store) Restrict(ctx context.Context, who thimble.SubjectID, on bool) error {
	return s.db.Write(ctx, func(tx *sqldb.Tx) error { return s.SetRestricted(ctx, tx, who, on) })
}

// Object implements thimble.Holder. It has nothing to do: identifiers serve to know
// the person again, which an objection needs as well.
func (s *Store) Object(context.Context, thimble.SubjectID, thimble.Purpose) error { return nil }

// Merge implements thimble.Holder. It has nothing to do: the store's own verb has
// made the link.
func (s *Store) Merge(context.Context, thimble.Merge) error { return nil }

// Unmerge implements thimble.Holder. It has nothing to do: the store's own verb has
// cut the link.
func (s *Store) Unmerge(context.Context, thimble.Merge) error { return nil }
