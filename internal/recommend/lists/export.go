package lists

import (
	"context"
	"fmt"

	"thimble"
	"thimble/internal/recommend"
)

// Model returns the model that serves; nil when none does, or while somebody who has left
// is not taken out of it yet.
func (s *Shop) Model(ctx context.Context) (*recommend.Model, error) {
	now, err := s.shows(ctx)
	if err != nil || now == nil || len(now.stale) > 0 {
		return nil, err
	}
	return now.model, nil
}

// Publish has something leave that is made of the histories of everybody who permits
// training. It is made first, and made anew without whoever changes their mind meanwhile;
// then, while nobody's change of mind is answered, leave lets it go.
func (s *Shop) Publish(ctx context.Context, make func(context.Context, *recommend.Dataset) error, leave func(context.Context) error) error {
	last, err := s.Orders.LastBatch(ctx)
	if err != nil {
		return err
	}
	products, err := s.products(ctx)
	if err != nil {
		return err
	}
	// Of orders alone: anybody can send events, and the caps that bound whoever is not trusted
	// let one person in when another leaves, which is more than the noise of an export covers.
	of := newSet(products, last, 0, recommend.Recipe{})
	data, err := s.gather(ctx, nil, of)
	if err != nil {
		return fmt.Errorf("recommend: gathering: %w", err)
	}
	if err := make(ctx, of.data); err != nil {
		return err
	}
	return data.people.Publish(ctx, func(ctx context.Context, left []thimble.SubjectID) error {
		data.forget(left)
		return make(ctx, of.data)
	}, leave)
}
