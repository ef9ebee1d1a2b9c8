package holdertest_test

import (
	"context"
	"iter"
	"maps"
	"slices"
	"testing"
	"time"

	"thimble"
	"thimble/internal/holdertest"
	"thimble/internal/session"
	"thimble/internal/session/sessiondb"
	"thimble/internal/sqldb"
	"thimble/internal/sqldb/sqldbtest"
)

type everybody struct{}

func (everybody) Alive(context.Context, *sqldb.Tx, thimble.SubjectID) (int64, error) { return 0, nil }

// fixture is a good holder: the store of sessions.
func fixture(db *sqldb.DB) (holdertest.Fixture, *sessiondb.Store) {
	clock := holdertest.NewClock()
	s := sessiondb.New(db, everybody{}, clock.Now)
	keep := func(tb testing.TB, who thimble.SubjectID) []string {
		if _, err := s.Begin(tb.Context(), session.Who{Audience: session.Customer, Subject: who}, session.UnknownDevice); err != nil {
			tb.Fatal(err)
		}
		return nil
	}
	return holdertest.Fixture{
		Holder: s, Core: db, Tick: clock.Tick, Keep: keep,
		Person: func(tb testing.TB) thimble.SubjectID {
			who, err := thimble.NewSubjectID(nil)
			if err != nil {
				tb.Fatal(err)
			}
			return who
		},
		Terms:    map[thimble.Category]holdertest.Term{thimble.Credentials: holdertest.Expires},
		WhileOne: func(tb testing.TB, who thimble.SubjectID) { keep(tb, who) }, Trace: holdertest.Gone,
	}, s
}

// The bad holders, each against one promise.
type (
	lazyUnmerge  struct{ thimble.Holder }
	forgetful    struct{ thimble.Holder } // a restriction loses data
	sloppyErase  struct{ thimble.Holder } // it says so, and does nothing
	greedyErase  struct{ *sessiondb.Store }
	lazyExpire   struct{ thimble.Holder }
	greedyExpire struct{ thimble.Holder }
	noPlace      struct{ thimble.Holder }
	noSnapshot   struct{ thimble.Holder }
	writesExport struct{ *sessiondb.Store }
	moves        struct{ thimble.Holder } // a merge moves rows
)

func (lazyUnmerge) Unmerge(context.Context, thimble.Merge) error { return nil }

func (h forgetful) Restrict(ctx context.Context, s thimble.SubjectID, on bool) error {
	_, err := h.Erase(ctx, s)
	return err
}

func (sloppyErase) Erase(context.Context, thimble.SubjectID) (thimble.Erasure, error) {
	return thimble.Erasure{Erased: 1}, nil
}

func (h greedyErase) Erase(ctx context.Context, s thimble.SubjectID) (thimble.Erasure, error) {
	if _, err := h.Store.Expire(ctx, thimble.Credentials, time.Now().AddDate(9, 0, 0)); err != nil {
		return thimble.Erasure{}, err
	}
	return h.Store.Erase(ctx, s)
}

func (lazyExpire) Expire(context.Context, thimble.Category, time.Time) (thimble.Erasure, error) {
	return thimble.Erasure{}, nil
}

func (h greedyExpire) Expire(ctx context.Context, c thimble.Category, before time.Time) (thimble.Erasure, error) {
	return h.Holder.Expire(ctx, c, before.AddDate(1, 0, 0))
}

func (noPlace) Places() []thimble.Place { return []thimble.Place{{Kind: "somewhere"}} }

func (h noSnapshot) Export(_ context.Context, s thimble.SubjectID) iter.Seq2[thimble.Datum, error] {
	return h.Holder.Export(context.Background(), s)
}

func (h writesExport) Export(ctx context.Context, s thimble.SubjectID) iter.Seq2[thimble.Datum, error] {
	if _, err := h.Link(context.Background(), session.Who{Audience: session.Customer, Subject: s}); err != nil {
		return func(yield func(thimble.Datum, error) bool) { yield(thimble.Datum{}, err) }
	}
	return h.Store.Export(ctx, s)
}

func (h moves) Merge(ctx context.Context, m thimble.Merge) error {
	_, err := h.Erase(ctx, m.Absorbed)
	return err
}

const (
	atPlaces   = "its places are named and in the map"
	atExport   = "an export is whole and the same twice and writes nothing"
	atSnapshot = "an export at a snapshot shows nothing that came later"
	atRestrict = "a restriction loses nothing"
	atMerge    = "a merge moves nothing and its undoing leaves each with their own"
	atErase    = "an erasure destroys once"
	atExpire   = "what expires goes and nothing else"
)

func TestAGoodHolderPassesAndABadOneIsFoundOut(t *testing.T) {
	for name, try := range map[string]struct {
		bad func(*sessiondb.Store) thimble.Holder
		at  string // the promise that it breaks
	}{
		"a good one":                   {func(s *sessiondb.Store) thimble.Holder { return s }, ""},
		"undoing a merge does nothing": {func(s *sessiondb.Store) thimble.Holder { return lazyUnmerge{s} }, atMerge},
		"a merge moves rows":           {func(s *sessiondb.Store) thimble.Holder { return moves{s} }, atMerge},
		"a restriction loses data":     {func(s *sessiondb.Store) thimble.Holder { return forgetful{s} }, atRestrict},
		"an erasure does nothing":      {func(s *sessiondb.Store) thimble.Holder { return sloppyErase{s} }, atErase},
		"an erasure takes everybody":   {func(s *sessiondb.Store) thimble.Holder { return greedyErase{s} }, atErase},
		"nothing expires":              {func(s *sessiondb.Store) thimble.Holder { return lazyExpire{s} }, atExpire},
		"too much expires":             {func(s *sessiondb.Store) thimble.Holder { return greedyExpire{s} }, atExpire},
		"its place is unknown":         {func(s *sessiondb.Store) thimble.Holder { return noPlace{s} }, atPlaces},
		"it exports past the snapshot": {func(s *sessiondb.Store) thimble.Holder { return noSnapshot{s} }, atSnapshot},
		"its export writes":            {func(s *sessiondb.Store) thimble.Holder { return writesExport{s} }, atExport},
	} {
		t.Run(name, func(t *testing.T) {
			f, s := fixture(sqldbtest.SQLite(t, sqldb.Core))
			f.Holder = try.bad(s)
			found := holdertest.Judge(t, f)
			if _, ok := found[try.at]; ok != (try.at != "") || try.at == "" && len(found) > 0 {
				t.Errorf("found %v, want it found out at %q", slices.Collect(maps.Keys(found)), try.at)
			}
		})
	}
}

func TestAFixtureThatLeavesOutACategoryIsFoundOut(t *testing.T) {
	f, _ := fixture(sqldbtest.SQLite(t, sqldb.Core))
	f.Terms = nil
	if found := holdertest.Judge(t, f); len(found[atExport]) == 0 {
		t.Error("nobody notices that it is not said how long credentials are kept")
	}
}
