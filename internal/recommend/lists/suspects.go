package lists

import (
	"context"
	"log/slog"

	"thimble"
	"thimble/internal/recommend/suspect"
)

// Suspects keeps who looks as if they were made to push an item, and who is left out of
// learning by somebody's decision; *suspectdb.Store does.
type Suspects interface {
	LeftOut(ctx context.Context) (people map[thimble.SubjectID]bool, revision int64, err error)
	Raise(ctx context.Context, all []suspect.Finding) (fresh int, err error)
}

// leftOut returns who is not learned from, and the revision of that list.
func (s *Shop) leftOut(ctx context.Context) (map[thimble.SubjectID]bool, int64, error) {
	if s.Suspects == nil {
		return nil, 0, nil
	}
	return s.Suspects.LeftOut(ctx)
}

// look has the detector read what a version was made from, once that serves. A failure is logged: what
// it would find is found by the next training, and the caps hold meanwhile.
func (s *Shop) look(ctx context.Context, l line) {
	if s.Suspects == nil {
		return
	}
	search := suspect.NewSearch()
	for who, h := range l.set.data.All() {
		when := l.set.spans[who]
		search.AddFrom(who, h.Items, l.recipe.Trusts(h), when.from, when.to)
	}
	if _, err := s.Suspects.Raise(ctx, search.Find()); err != nil {
		s.Log.ErrorContext(ctx, "suspect accounts were not looked for", slog.String("cause", err.Error()))
	}
}
