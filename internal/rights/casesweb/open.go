package casesweb

import (
	"context"
	"time"

	"thimble"
	"thimble/internal/rights/cases"
	"thimble/internal/web"
)

// An OpenStore lists the requests of somebody that are open, the newest first.
type OpenStore interface {
	OpenOf(ctx context.Context, who thimble.SubjectID, limit int) ([]cases.Case, error)
}

// PortalOpen lists what somebody asked for and has no answer to yet, for the first page of
// the privacy centre; a table without rows for nothing.
func PortalOpen(s OpenStore, now func() time.Time) func(ctx context.Context, who thimble.SubjectID) (web.Table, error) {
	return func(ctx context.Context, who thimble.SubjectID) (web.Table, error) {
		all, err := s.OpenOf(ctx, who, shown)
		t := listed(all, now())
		t.ID, t.Caption, t.HideCaption, t.Empty = "open", "What I asked for", false, nil
		return t, err
	}
}
