package app

import (
	"context"
	"sync/atomic"

	"thimble"
	"thimble/internal/collect"
	"thimble/internal/collect/intake"
	"thimble/internal/retention/retentiondb"
)

// keeping is the door of imports and deliveries: beside the gate it denies what was decided
// not to be kept.
type keeping struct{ *App }

// Collect implements collect.Door.
func (k keeping) Collect(ctx context.Context, p thimble.Purpose, categories ...thimble.Category) error {
	for _, c := range categories {
		if since, refused := k.Retention.Refusals().Of(c); refused {
			return &collect.NotKept{Since: since}
		}
	}
	return k.Gate.Collect(ctx, p, categories...)
}

// notKept is the same for the intake of events, which asks of each.
func (a *App) notKept() func() *intake.NotKeeping {
	type known struct {
		by *retentiondb.Refusals
		is *intake.NotKeeping
	}
	var last atomic.Pointer[known]
	return func() *intake.NotKeeping {
		if a.Retention == nil {
			return nil
		}
		by := a.Retention.Refusals()
		if by == nil || len(*by) == 0 {
			return nil
		}
		if k := last.Load(); k != nil && k.by == by {
			return k.is
		}
		k := &known{by: by, is: &intake.NotKeeping{}}
		for _, r := range *by {
			k.is.Categories = append(k.is.Categories, r.Category)
		}
		last.Store(k)
		return k.is
	}
}
