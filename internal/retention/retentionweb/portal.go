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

// PortalUntil says of each kind of what is held of a person until when it is kept, and which
// laws keep some of it beyond, for the first page. A kind that is not in it goes when the
// person is forgotten. Title is what a law's pack is called; "" when it is not known.
func PortalUntil(store PortalStore, members func(ctx context.Context, who thimble.SubjectID) ([]thimble.SubjectID, error), title func(pack string) string) func(context.Context, thimble.SubjectID) (map[thimble.Category]time.Time, web.Table, error) {
	return func(ctx context.Context, who thimble.SubjectID) (map[thimble.Category]time.Time, web.Table, error) {
		terms, err := termsOf(ctx, store, members, who)
		until := map[thimble.Category]time.Time{}
		for _, t := range terms {
			if !t.Last.IsZero() {
				until[t.Category] = t.Last
			}
		}
		return until, lawsTable(terms, title), err
	}
}

// lawsTable has a row for each kind that a law keeps beyond its time and beyond a wish to be
// forgotten, and each law that does.
func lawsTable(terms []retentiondb.Term, title func(pack string) string) web.Table {
	t := web.Table{ID: "laws", Caption: "What a law keeps longer", Note: "The shop must keep this for a while, even if you ask to be forgotten. It may use it for that law and for nothing else.",
		Columns: []web.Column{{Label: "What"}, {Label: "Why"}, {Label: "Until"}}}
	for _, one := range terms {
		for _, k := range one.Held {
			what := web.Cell{Value: gateweb.CategoryWords(one.Category)}
			if k.Record == "" { // of a hold that staff opened, nothing else says that it is not all
				what.Sub = "all of it, or a part"
			}
			t.Rows = append(t.Rows, web.Row{Cells: []web.Cell{what, {Value: reasonOf(k), Sub: "The law: " + lawOf(k, title)}, endOf(one, k)}})
		}
	}
	return t
}

// reasonOf says in plain words why a law keeps something.
func reasonOf(k retentiondb.Keeping) string {
	switch k.Record {
	case "":
		return "It may be needed to settle something by law."
	case "invoice":
		return "The tax office may ask to see the bills."
	case "order":
		return "You can still say that a thing you bought is broken."
	}
	return "The law says how long it has to stay."
}

// lawOf is the law's name, with its article.
func lawOf(k retentiondb.Keeping, title func(pack string) string) string {
	pack, cite, ok := strings.Cut(k.Law, ", ")
	if k.Record == "" || !ok {
		return k.Law
	}
	if name := title(pack); name != "" {
		return name + " (" + cite + ")"
	}
	return k.Law
}

// endOf says until when a law keeps something, as far as anybody knows.
func endOf(t retentiondb.Term, k retentiondb.Keeping) web.Cell {
	switch {
	case !k.Until.IsZero() && !t.Last.IsZero() && !k.Until.After(t.Last):
		return web.Cell{Value: web.Day(k.Until), Sub: "The shop itself keeps the newest until " + web.Date(t.Last) + ", unless you are forgotten."}
	case !k.Until.IsZero():
		return web.Cell{Value: web.Day(k.Until), Sub: "Then the newest may go too."}
	case !k.Review.IsZero():
		return web.Cell{Value: "Nobody knows yet", Sub: "Somebody looks again on " + web.Date(k.Review) + "."}
	}
	return web.Cell{Value: "Nobody knows yet"}
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
	var ends, review time.Time
	for _, k := range one.Held {
		laws = append(laws, k.Law)
		if k.Until.After(ends) {
			ends = k.Until
		}
		if k.Review.After(review) {
			review = k.Review
		}
	}
	c := web.Cell{Value: "yes: " + strings.Join(laws, "; "), Sub: "Kept for that law alone, also past its time and when you ask to be forgotten."}
	if !ends.IsZero() {
		c.Sub += " A law’s own time for the newest is over on " + web.Date(ends) + "."
	}
	if !review.IsZero() {
		c.Sub += " Looked at again on " + web.Date(review) + "."
	}
	return c
}
