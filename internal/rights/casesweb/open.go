package casesweb

import (
	"context"
	"slices"
	"time"

	"thimble"
	"thimble/internal/rights/cases"
	"thimble/internal/web"
)

// PortalOpen lists what somebody asked for and has no answer to yet, for the first page of
// the privacy centre; a table without rows for nothing.
func PortalOpen(s Store, now func() time.Time) func(ctx context.Context, who thimble.SubjectID) (web.Table, error) {
	return func(ctx context.Context, who thimble.SubjectID) (web.Table, error) {
		all, err := s.Of(ctx, who, shown)
		t := listed(slices.DeleteFunc(all, func(c cases.Case) bool { return c.State.Final() }), now())
		t.ID, t.Caption, t.HideCaption, t.Empty = "open", "What I asked for", false, nil
		return t, err
	}
}
