// Package thimbletest gives tests a whole Thimble in a temporary folder, and words
// to say what its people do.
package thimbletest

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"thimble"
	"thimble/internal/app"
	"thimble/internal/catalog"
	"thimble/internal/consent"
	"thimble/internal/consent/consentdb"
	"thimble/internal/gate"
	"thimble/internal/order"
	"thimble/internal/recommend/lists"
	"thimble/internal/rights"
	"thimble/internal/sqldb"
	"thimble/internal/sqldb/sqldbtest"
	"thimble/internal/staff"
	"thimble/internal/subject"
)

// A Shop is one installation under test.
type Shop struct {
	*app.App
	TB testing.TB

	orders int
}

// New opens an installation in a temporary folder, on SQLite.
func New(tb testing.TB) *Shop {
	tb.Helper()
	return Open(tb, map[string]string{"data": filepath.Join(tb.TempDir(), "data")})
}

// Each runs f as a subtest per engine, on an installation of its own.
func Each(t *testing.T, f func(t *testing.T, s *Shop)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) { f(t, New(t)) })
	t.Run("postgres", func(t *testing.T) {
		url := sqldbtest.Database(t)
		f(t, Open(t, map[string]string{"data": filepath.Join(t.TempDir(), "data"), "database-url": url}))
	})
}

// Open opens an installation with the given settings; opening the same folder
// again is a restart.
func Open(tb testing.TB, settings map[string]string) *Shop {
	tb.Helper()
	return OpenAt(tb, settings, nil)
}

// OpenAt is Open with a clock.
func OpenAt(tb testing.TB, settings map[string]string, now func() time.Time) *Shop {
	tb.Helper()
	cfg, err := app.Load(settings, func(string) string { return "" }, os.DevNull)
	if err != nil {
		tb.Fatal(err)
	}
	cfg.Demo, cfg.Now, cfg.Lease = true, now, 5*time.Second
	cfg.LearnPause = -24 * 365 * time.Hour
	cfg.ListsFresh = 0
	cfg.PasswordCost = staff.Cost{MemoryKiB: 64, Passes: 1, Lanes: 1} // what is tested is not how slow it is
	switch tb.(type) {
	case *testing.T, *testing.B: // a process whose disk is cut begins as an installation does
		Migrated(tb, cfg)
	}
	a, err := app.Open(context.Background(), cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		tb.Fatal(err)
	}
	if err := a.Recover(context.Background()); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := a.Close(); err != nil {
			tb.Errorf("closing: %v", err)
		}
	})
	s := &Shop{App: a, TB: tb}
	s.Employs(app.Owner)
	return s
}

// Migrated lays migrated databases into a folder in which there is no installation yet: what
// the migrations do is not what the tests of an installation show.
func Migrated(tb testing.TB, cfg app.Config) {
	tb.Helper()
	if _, err := os.Stat(filepath.Join(cfg.Data, "core.db")); err == nil || cfg.DatabaseURL != "" {
		return
	}
	keys := filepath.Join(cfg.Data, "keys")
	if err := os.MkdirAll(keys, 0o700); err != nil {
		tb.Fatal(err)
	}
	for _, set := range []string{sqldb.Core, sqldb.Log, sqldb.View} {
		sqldbtest.Migrated(tb, set, filepath.Join(cfg.Data, set+".db"))
	}
	if cfg.KeysURL == "" {
		sqldbtest.Migrated(tb, sqldb.Keys, filepath.Join(keys, "keys.db"))
	}
}

// Employs makes an account of staff with the given roles, or with all of them, whose
// training counts. An account that is there already is left alone.
func (s *Shop) Employs(name string, roles ...staff.Role) {
	s.TB.Helper()
	ctx := context.Background()
	if _, err := s.Staff.Account(ctx, name); err == nil {
		return
	}
	if len(roles) == 0 {
		roles = staff.Roles()
	}
	_, err := s.Staff.Add(ctx, name, roles, staff.CommandLine)
	s.must(err)
	now := time.Now
	if s.Config.Now != nil {
		now = s.Config.Now
	}
	s.must(s.Staff.SetTraining(ctx, name, now().AddDate(1, 0, 0), staff.CommandLine, ""))
}

func (s *Shop) must(err error) {
	s.TB.Helper()
	if err != nil {
		s.TB.Fatal(err)
	}
}

// Subject makes a person with an account and the given choices.
func (s *Shop) Subject(account string, choices ...consent.Choice) thimble.SubjectID {
	s.TB.Helper()
	ctx := context.Background()
	id, err := subject.NewIdentifier(subject.Account, account)
	s.must(err)
	drafts, err := s.Subjects.Draft(ctx, []subject.Identifier{id})
	s.must(err)
	s.must(s.Core.Write(ctx, func(tx *sqldb.Tx) error { return s.Subjects.Create(ctx, tx, drafts[0]) }))
	who := drafts[0].ID
	if len(choices) > 0 {
		s.Chooses(who, choices...)
	}
	return who
}

// Allows are the choices that allow the purposes.
func Allows(purposes ...thimble.Purpose) (choices []consent.Choice) {
	for _, p := range purposes {
		choices = append(choices, consent.Choice{Purpose: p, State: consent.Given})
	}
	return choices
}

// Withdraws are the choices that withdraw the purposes.
func Withdraws(purposes ...thimble.Purpose) (choices []consent.Choice) {
	for _, p := range purposes {
		choices = append(choices, consent.Choice{Purpose: p, State: consent.Withdrawn})
	}
	return choices
}

// Chooses records choices of a person.
func (s *Shop) Chooses(who thimble.SubjectID, choices ...consent.Choice) []consentdb.Recorded {
	s.TB.Helper()
	r, err := s.Consent.Record(context.Background(), who, choices, consentdb.How{
		Notice: consent.Current(), UI: consent.UI{Component: "test"}, By: consent.By{Actor: "subject", Auth: "session"},
	})
	s.must(err)
	return r
}

// Join makes two people one, and Part makes them two again. The holders are told when
// the shop next [Shop.Works].
func (s *Shop) Join(one, other thimble.SubjectID) thimble.Merge {
	s.TB.Helper()
	m, err := s.Subjects.Join(context.Background(), one, other, subject.Evidence{Ground: subject.ByStaff, By: "staff mara", Note: thimble.Hide("she said so")})
	s.must(err)
	return m
}

// Part ends a merge.
func (s *Shop) Part(m thimble.Merge) {
	s.TB.Helper()
	_, err := s.Subjects.Part(context.Background(), m.ID, "staff mara")
	s.must(err)
}

// lately is noon, the day before yesterday.
var lately = time.Now().UTC().Truncate(24 * time.Hour).Add(-36 * time.Hour)

// Lately is when a shop's n-th order was placed, some seconds after noon of the day before
// yesterday: a shop of tests is young on whatever day it is tested, and what was bought in it
// is of one month.
func Lately(n int) time.Time { return lately.Add(time.Duration(n) * time.Second) }

// Buys gives a person an order of the items, which the catalogue gets to know.
func (s *Shop) Buys(who thimble.SubjectID, items ...thimble.ItemID) {
	s.TB.Helper()
	s.BuysOn(Lately(s.orders+1), who, items...)
}

// BuysOn is Buys on a day.
func (s *Shop) BuysOn(at time.Time, who thimble.SubjectID, items ...thimble.ItemID) {
	s.TB.Helper()
	s.orders++
	s.OrdersAs(fmt.Sprintf("test-%d", s.orders), at, who, items...)
}

// OrdersAs is BuysOn with a number of the order.
func (s *Shop) OrdersAs(number string, at time.Time, who thimble.SubjectID, items ...thimble.ItemID) {
	s.TB.Helper()
	ctx := context.Background()
	id, err := thimble.NewID(nil)
	s.must(err)
	o := order.Order{ID: id, Subject: who, Number: number, PlacedAt: at, Country: "GB"}
	var products []catalog.Product
	var demand []catalog.Demand
	price := thimble.Money{Minor: 250, Currency: "GBP"}
	for _, item := range items {
		o.Lines = append(o.Lines, order.Line{Item: item, Units: 1, Price: price})
		products = append(products, catalog.Product{ID: item, Name: "ITEM " + string(item), Kind: catalog.Goods, Price: price, Category: "other", UpdatedAt: at})
		demand = append(demand, catalog.Demand{Item: item, Day: catalog.Day(at), Orders: 1, Units: 1})
	}
	drafts, err := s.Orders.Draft(ctx, []order.Order{o})
	s.must(err)
	s.must(s.Core.Write(ctx, func(tx *sqldb.Tx) error {
		if err := s.Catalog.Upsert(ctx, tx, products); err != nil {
			return err
		}
		if err := s.Catalog.AddDemand(ctx, tx, demand); err != nil {
			return err
		}
		return s.Orders.Add(ctx, tx, drafts)
	}))
}

// Works does all waiting requests and jobs, and integrates the ledger.
func (s *Shop) Works() {
	s.TB.Helper()
	ctx := context.Background()
	_, err := s.Desk.Retry(ctx)
	s.must(err)
	for worked := true; worked; {
		worked, err = s.Jobs.Step(ctx)
		s.must(err)
	}
	s.must(s.Uses.Flush(ctx))
	_, err = s.Ledger.Integrate(ctx)
	s.must(err)
}

// Sees returns the list a person is shown at the storefront.
func (s *Shop) Sees(who thimble.SubjectID) lists.List {
	s.TB.Helper()
	l, err := s.App.Shop.ForYou(context.Background(), gate.Actor{Kind: gate.Machine, Name: "recommend"}, who, "test", 10)
	s.must(err)
	return l
}

// Archive returns everything held about a person.
func (s *Shop) Archive(who thimble.SubjectID) rights.Archive {
	s.TB.Helper()
	a, err := s.Desk.Access(context.Background(), who)
	s.must(err)
	return a
}

// Erase forgets a person.
func (s *Shop) Erase(who thimble.SubjectID) rights.Report {
	s.TB.Helper()
	r, err := s.Desk.Erase(context.Background(), who)
	s.must(err)
	return r
}
