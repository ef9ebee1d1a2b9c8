package app_test

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"thimble"
	"thimble/internal/collect"
	"thimble/internal/collect/table"
	"thimble/internal/gate"
	"thimble/internal/recommend/suspect"
	"thimble/internal/recommend/taste"
	"thimble/internal/recommend/tastedb"
	"thimble/internal/recommend/trial"
	"thimble/internal/retention"
	"thimble/internal/rights/cases"
	"thimble/internal/rights/casesdb"
	"thimble/internal/rights/rightsweb"
	"thimble/internal/rights/systems"
	"thimble/internal/session"
	"thimble/internal/staff"
	"thimble/internal/thimbletest"
)

// someone is a person of whom every holder keeps something.
func someone(t *testing.T, s *thimbletest.Shop, account string) thimble.SubjectID {
	t.Helper()
	ctx := t.Context()
	compares(t, s)
	who := s.Subject(account, thimbletest.Allows(personalize, train, trial.Analytics)...)
	s.Buys(who, "shirt", "scarf")
	s.Works()
	if list := s.Sees(who); !list.Personal {
		t.Fatal("no decision was made")
	}
	if _, err := s.Sessions.Begin(ctx, session.Who{Audience: session.Customer, Subject: who}, session.UnknownDevice); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Gate.Open(ctx, gate.Request{Actor: gate.Actor{Kind: gate.Staff, Name: "owner"}, Subject: who, Purpose: thimble.SupportOperations, Categories: []thimble.Category{thimble.PurchaseHistory}}); err != nil {
		t.Fatal(err)
	}
	all, err := s.Staff.Accounts(ctx)
	if err != nil {
		t.Fatal(err)
	}
	name := fmt.Sprintf("nia-%d", len(all)) // each breaks the glass for one person at a time
	s.Employs(name)
	if _, err := s.Glass.Break(ctx, name, who, staff.IncidentGlass, thimble.Hide("their parcels go to another address")); err != nil {
		t.Fatal(err)
	}
	imports(t, s, "Customer ID,Name\n"+account+",Name of "+account+"\n")
	s.Browses(who, "shirt")
	s.Discloses(who)
	if _, err := s.Tastes.Say(ctx, who, tastedb.Said{Choices: []taste.Choice{{Kind: taste.Less, Item: "shirt"}}}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.App.Suspects.Raise(ctx, []suspect.Finding{{Kind: suspect.Pull, Item: thimble.ItemID(fmt.Sprint("pushed-", len(all))), People: []thimble.SubjectID{who}, Trusted: 2, Expected: 1}}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Cases.Open(ctx, casesdb.Asked{Subject: who, Kind: cases.Complain, Via: cases.Centre, Proof: cases.Session, By: cases.ThePerson, Words: thimble.Hide("nobody answers")}); err != nil {
		t.Fatal(err)
	}
	takesPart(t, s, who)
	if _, err := s.Retention.Open(ctx, retention.Hold{Subject: who, Categories: []thimble.Category{"user.content.public"}, Law: "GDPR Art. 17(3)(e)",
		Reason: "reviews that nobody has written yet", Review: time.Now().AddDate(0, 1, 0)}, "mia"); err != nil {
		t.Fatal(err)
	}
	s.Archive(who)
	s.Works()
	return who
}

// takesPart has a system outside asked for a correction, which somebody makes there.
func takesPart(t *testing.T, s *thimbletest.Shop, who thimble.SubjectID) {
	t.Helper()
	_, _, err := s.Systems.Add(t.Context(), systems.System{Name: "Till", Kinds: []cases.Kind{cases.Rectify}, Means: systems.Person, Names: systems.Account, Days: 7, Instructions: "Correct it there."}, thimble.Hide(""), "zoe")
	if err != nil && !errors.Is(err, thimble.ErrInvalid) { // it is stated once
		t.Fatal(err)
	}
	c, err := s.Cases.Open(t.Context(), casesdb.Asked{Subject: who, Kind: cases.Rectify, Via: cases.Centre, Proof: cases.Session, By: cases.ThePerson})
	if err == nil {
		_, err = s.Cases.Accept(t.Context(), c.ID, cases.TheStaff, "zoe")
	}
	if err != nil {
		t.Fatal(err)
	}
}

// compares has an experiment run where lists are seen, once.
func compares(t *testing.T, s *thimbletest.Shop) {
	t.Helper()
	_, err := s.Trials.Start(t.Context(), trial.Design{
		Name: "a drawn entry", Placements: []string{"test"}, Primary: trial.Buyers, Window: 7, MinDays: 7, MaxDays: 14, MinPeople: 100,
		Variants: []trial.Variant{{Name: "by lots", Serve: trial.Champion, Share: 5000, Explore: &trial.Exploration{PerMille: 1, Among: 2}}, {Name: "as it is", Serve: trial.Champion, Share: 5000}},
	}, "mia", "to see")
	if err != nil && !errors.Is(err, thimble.ErrConflict) {
		t.Fatal(err)
	}
}

// imports brings customers with a name.
func imports(t *testing.T, s *thimbletest.Shop, content string) {
	t.Helper()
	m := table.Mapping{Kind: string(collect.Customers), Form: table.Plain(), Columns: map[string]string{"account": "Customer ID", "name": "Name"}}
	src := collect.Source{Name: "customers.csv", Open: func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(content)), nil }}
	if r, err := s.Import(t.Context(), collect.Customers, src, collect.Options{Map: &m}); err != nil || r.Written != 1 {
		t.Fatal(err, r.Counts)
	}
}

func exported(t *testing.T, h thimble.Holder, who thimble.SubjectID) (all []thimble.Datum) {
	t.Helper()
	for d, err := range h.Export(t.Context(), who) {
		if err != nil {
			t.Fatalf("%s: %v", h.HolderName(), err)
		}
		all = append(all, d)
	}
	return all
}

// TestEveryHolderKeepsTheContract runs each holder through what thimble.Holder
// promises, on a person of whom all of them keep something.
func TestEveryHolderKeepsTheContract(t *testing.T) {
	thimbletest.Each(t, func(t *testing.T, s *thimbletest.Shop) {
		crowd(s)
		bob := someone(t, s, "bob")
		for i, h := range s.Desk.Holders() {
			t.Run(h.HolderName(), func(t *testing.T) { contract(t, s, h, someone(t, s, fmt.Sprintf("ada-%d", i)), bob) })
		}
	})
}

func contract(t *testing.T, s *thimbletest.Shop, h thimble.Holder, ada, bob thimble.SubjectID) {
	ctx := t.Context()
	if len(h.Places()) == 0 {
		t.Error("it keeps data nowhere")
	}
	bobs := exported(t, h, bob)
	before := rowsOf(t, s, ada)
	data := exported(t, h, ada)
	if len(data) == 0 && h.HolderName() != "vault" { // a key is nothing to read
		t.Error("it exports nothing of a person of whom it keeps something")
	}
	for _, d := range data {
		if d.Holder != h.HolderName() || d.Category == "" || d.Name == "" || d.Value == nil {
			t.Errorf("an exported value lacks holder, category, name or value: %+v", d)
		}
	}
	if diff := cmp.Diff(data, exported(t, h, ada)); diff != "" {
		t.Errorf("two exports differ:\n%s", diff)
	}
	if diff := cmp.Diff(before, rowsOf(t, s, ada)); diff != "" {
		t.Errorf("the export wrote:\n%s", diff)
	}
	first, err := h.Erase(ctx, ada)
	if err != nil {
		t.Fatal(err)
	}
	_, derived := h.(interface{ Derived() })
	if first.Erased == 0 && !derived {
		t.Error("it erased nothing")
	}
	if again, err := h.Erase(ctx, ada); err != nil || again.Erased != 0 {
		t.Errorf("erasing again: %+v, %v, want nothing erased", again, err)
	}
	if h.HolderName() == "vault" {
		return // without keys nothing of the person opens
	}
	if diff := cmp.Diff(bobs, exported(t, h, bob)); diff != "" && !derived {
		t.Errorf("another person's data changed:\n%s", diff)
	}
}

func TestEveryHolderHasWordsForThePersonItKeepsSomethingOf(t *testing.T) {
	for _, h := range thimbletest.New(t).Holders() {
		if !rightsweb.Knows(h.HolderName()) {
			t.Errorf("the page says nothing of what %s keeps", h.HolderName())
		}
	}
}
