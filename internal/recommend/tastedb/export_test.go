package tastedb

import (
	"context"

	"thimble"
	"thimble/internal/recommend/taste"
)

// Standing returns where one subject stands, without a grant.
func (s *Store) Standing(ctx context.Context, who thimble.SubjectID) (taste.State, error) {
	return s.member(ctx, who)
}
