package app

import (
	"context"
	"errors"

	"thimble"
	"thimble/internal/rights"
	"thimble/internal/rights/cases"
)

// limitCase puts the limit into force that somebody asked for with a correction.
func (a *App) limitCase(ctx context.Context, c cases.Case) error {
	opened, err := a.Cases.Limit(ctx, c.ID)
	if err != nil {
		return err
	}
	return a.takeCase(ctx, opened)
}

// LimitCases puts limits into force that a crash kept from it, and lifts those of which the
// person knew for long enough that they end.
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
			err = a.takeCase(ctx, opened)
		}
		if err != nil && !errors.Is(err, thimble.ErrConflict) {
			failed = errors.Join(failed, err)
		}
	}
	return failed
}

// takeCase has the desk do what a case has begun, and closes it.
func (a *App) takeCase(ctx context.Context, c cases.Case) error {
	ctx = context.WithoutCancel(ctx) // a closed window does not stop it half-way
	ids := make([]thimble.ID, 0, len(c.Work))
	for _, w := range c.Work {
		id, err := thimble.ParseID(rights.TokenPrefix, w.Ref)
		if err != nil {
			return err
		}
		ids = append(ids, id)
	}
	if len(ids) == 0 {
		return nil
	}
	if err := a.Desk.Take(ctx, ids...); err != nil {
		return err
	}
	_, err := a.Cases.Finish(ctx, c)
	return err
}
