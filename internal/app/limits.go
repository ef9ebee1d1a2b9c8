package app

import (
	"context"
	"errors"

	"thimble"
	"thimble/internal/rights/cases"
)

// limitCase puts the limit into force that somebody asked for with a correction.
func (a *App) limitCase(ctx context.Context, c cases.Case) error {
	opened, err := a.Cases.Limit(ctx, c.ID)
	if err == nil {
		_, err = a.takeCase(ctx, opened)
	}
	return err
}

// LimitCases puts limits into force that a crash kept from it, and lifts those whose case
// ended long enough ago.
func (a *App) LimitCases(ctx context.Context) (failed error) {
	begin, end, err := a.Cases.Limits(ctx)
	if err != nil {
		return err
	}
	for _, c := range begin {
		failed = errors.Join(failed, a.limitCase(ctx, c))
	}
	for _, c := range end {
		opened, err := a.Cases.Unlimit(ctx, c.ID)
		if err == nil {
			_, err = a.takeCase(ctx, opened)
		}
		if err != nil && !errors.Is(err, thimble.ErrConflict) {
			failed = errors.Join(failed, err)
		}
	}
	return failed
}
