package retentionweb

import (
	"context"
	"strings"
	"time"

	"thimble"
	"thimble/internal/gate/gateweb"
	"thimble/internal/retention/retentiondb"
	"thimble/internal/web"
)

// PortalStore knows how long what somebody has is kept; *retentiondb.Store does.
type PortalStore interface {
	TermsOf(ctx context.Context, who ...thimble.SubjectID) ([]retentiondb.Term, error)
}

// PortalTerms is the table of how long each kind of what is held of a person is kept, and
// what a law keeps beyond that, for the page of everything that is held.
func PortalTerms(store PortalStore, members func(ctx context.Context, who thimble.SubjectID) ([]thimble.SubjectID, error)) func(context.Context, thimble.SubjectID) (web.Table, error) {
	return func(ctx context.Context, who thimble.SubjectID) (web.Table, error) {
		terms, err := termsOf(ctx, store, members, who)
		return termsTable(terms), err
	}
}

// PortalUntil says of each kind of what is held of a person until when it is kept, for the
// first page. What is not in it goes when the person is forgotten.
func PortalUntil(store PortalStore, members func(ctx context.Context, who thimble.SubjectID) ([]thimble.SubjectID, error)) func(context.Context, thimble.SubjectID) (map[thimble.Category]time.Time, error) {
	return func(ctx context.Context, who thimble.SubjectID) (map[thimble.Category]time.Time, error) {
		terms, err := termsOf(ctx, store, members, who)
		until := map[thimble.Category]time.Time{}
		for _, t := range terms {
			if !t.Last.IsZero() {
				until[t.Category] = t.Last
			}
		}
		return until, err
	}
}

func termsOf(ctx context.Context, store PortalStore, members func(ctx context.Context, who thimble.SubjectID) ([]thimble.SubjectID, error), who thimble.SubjectID) ([]retentiondb.Term, error) {
	all, err := members(ctx, who)
	if err != nil {
		return nil, err
	}
	return store.TermsOf(ctx, all...)
}

func termsTable(terms []retentiondb.Term) web.Table {
	t := web.Table{ID: "terms", Caption: "How long it is kept", Note: "All of it goes when you are forgotten, but for what a law has the shop keep.",
		Columns: []web.Column{{Label: "What"}, {Label: "Entries", Kind: web.NumberColumn}, {Label: "Kept until"}, {Label: "A law keeps it"}}}
	for _, one := range terms {
		until := web.Cell{Value: "you are forgotten, or your account ends"}
		if !one.First.IsZero() {
			until = web.Cell{Value: web.Day(one.First), Sub: "the oldest; the newest until " + web.Date(one.Last)}
			if one.First.Equal(one.Last) {
				until.Sub = ""
			}
		}
		t.Rows = append(t.Rows, web.Row{Cells: web.Cells(gateweb.CategoryWords(one.Category), one.Count, until, heldCell(one))})
	}
	return t
}

func heldCell(one retentiondb.Term) web.Cell {
	if len(one.Held) == 0 {
		return web.Cell{Value: "no"}
	}
	var laws []string
	for _, k := range one.Held {
		laws = append(laws, k.Law)
	}
	c := web.Cell{Value: "yes: " + strings.Join(laws, "; "), Sub: "Kept for that law alone, also past its time and when you ask to be forgotten."}
	if !one.HeldUntil.IsZero() {
		c.Sub += " Looked at again on " + web.Date(one.HeldUntil) + "."
	}
	return c
}
