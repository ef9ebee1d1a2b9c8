package retentiondb

import (
	"context"
	"slices"
	"testing"

	"thimble/internal/datamap"
	"thimble/internal/retention"
	"thimble/internal/sqldb"
	"thimble/internal/sqldb/sqldbtest"
)

func TestEveryTableAboutPeopleHasAnAgeOrAReason(t *testing.T) {
	aged, reasons := ages(), ageless()
	for _, table := range datamap.All() {
		if table.Holder == "" {
			continue
		}
		has := slices.ContainsFunc(aged, func(a age) bool { return a.Table == table.Name })
		if why := reasons[table.Name]; has == (why != "") {
			t.Errorf("%s: has an age %t, and a reason for none %q: one of both was expected", table.Name, has, why)
		}
	}
}

func TestTheAgesAreWhatBothEnginesHave(t *testing.T) {
	sqldbtest.Each(t, sqldb.Core, func(t *testing.T, db *sqldb.DB) {
		s := New(db, nil, nil, Config{Key: func(context.Context) ([]byte, error) { return make([]byte, 32), nil }})
		for _, a := range ages() {
			if a.What != "" && !slices.Contains(retention.Holdable(), a.Category) {
				t.Errorf("%s can be held and is not holdable", a.Category)
			}
			if _, err := s.Older(t.Context(), a.Category, s.now()); err != nil {
				t.Error(err)
			}
			if _, _, err := s.list(t.Context(), a.Category, s.now()); err != nil {
				t.Error(err)
			}
		}
		if _, err := s.Holding(t.Context(), [16]byte{1}); err != nil {
			t.Error(err)
		}
	})
}
