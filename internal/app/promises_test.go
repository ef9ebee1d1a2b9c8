package app_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"thimble"
	"thimble/internal/consent"
	"thimble/internal/datamap"
	"thimble/internal/decision/decisiondb"
	"thimble/internal/gate"
	"thimble/internal/ledger"
	"thimble/internal/rights"
	"thimble/internal/sqldb"
	"thimble/internal/subject"
	"thimble/internal/thimbletest"
)

const (
	personalize = thimble.PersonalizeContent
	train       = thimble.TrainAISystem
)

// crowd gives the shop people who buy together, so that there is something to learn.
func crowd(s *thimbletest.Shop) {
	for i := range 12 {
		who := s.Subject(fmt.Sprintf("crowd-%d", i), thimbletest.Allows(personalize, train)...)
		s.Buys(who, "shirt", "belt", thimble.ItemID(fmt.Sprintf("extra-%d", i%4)))
		if i%2 == 0 {
			s.Buys(who, "scarf")
		}
	}
}

func TestRefusalShowsThePopularListAtTheNextRequest(t *testing.T) {
	thimbletest.Each(t, func(t *testing.T, s *thimbletest.Shop) {
		crowd(s)
		ada := s.Subject("ada", thimbletest.Allows(personalize)...)
		s.Buys(ada, "shirt")
		s.Works()
		list := s.Sees(ada)
		if !list.Personal || list.Decision.IsZero() || len(list.Entries) == 0 {
			t.Fatalf("allowed: got %+v, want a personal list with a decision", list)
		}
		for _, e := range list.Entries {
			if e.Product.ID == "shirt" {
				t.Error("what was bought is recommended again")
			}
		}

		s.Chooses(ada, thimbletest.Withdraws(personalize)...)

		list = s.Sees(ada)
		if list.Personal || !list.Decision.IsZero() || len(list.Entries) == 0 || !strings.Contains(list.Why, "withdrawn") {
			t.Errorf("withdrawn: got %+v, want the popular list with the reason", list)
		}
	})
}

func TestEveryListHasAReceiptThatVerifiesAndAddsUp(t *testing.T) {
	thimbletest.Each(t, func(t *testing.T, s *thimbletest.Shop) {
		ctx := t.Context()
		crowd(s)
		ada := s.Subject("ada", thimbletest.Allows(personalize)...)
		s.Buys(ada, "shirt", "scarf")
		s.Works()
		list := s.Sees(ada)
		s.Works()

		g, err := s.Gate.Open(ctx, gate.Request{Actor: gate.Actor{Kind: gate.Customer, Self: ada}, Subject: ada,
			Purpose: thimble.LegalObligation, Categories: []thimble.Category{thimble.AutomatedDecision}})
		if err != nil {
			t.Fatal(err)
		}
		sealed, err := s.Decisions.Get(ctx, list.Decision)
		if err != nil {
			t.Fatal(err)
		}
		record, opening, err := decisiondb.Open(ctx, g, sealed)
		if err != nil {
			t.Fatal(err)
		}
		if err := record.Check(); err != nil {
			t.Error(err)
		}
		receipt, err := s.Ledger.Receipt(ctx, opening)
		if err != nil {
			t.Fatal(err)
		}
		text, err := receipt.MarshalText()
		if err != nil {
			t.Fatal(err)
		}
		opened, err := ledger.Verify(text, s.Ledger.VerifierKey())
		if err != nil || opened.Class != ledger.Decision {
			t.Fatalf("Verify = %v, %v", opened.Class, err)
		}
		other, err := ledger.NewSigner("thimble.local/other", make([]byte, 32))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := ledger.Verify(text, other.VerifierKey()); err == nil {
			t.Error("another log's key verifies it")
		}
	})
}

func TestWithdrawnTrainingGivesTheModelThatNeverSawThePerson(t *testing.T) {
	thimbletest.Each(t, func(t *testing.T, s *thimbletest.Shop) {
		crowd(s)
		ada := s.Subject("ada", thimbletest.Allows(train)...)
		s.Buys(ada, "shirt", "extra-1", "extra-2")
		s.Works()
		with, _ := s.Shop.Version()

		s.Chooses(ada, thimbletest.Withdraws(train)...)
		s.Works()
		without, _ := s.Shop.Version()

		never := thimbletest.New(t)
		crowd(never)
		stranger := never.Subject("ada")
		never.Buys(stranger, "shirt", "extra-1", "extra-2")
		never.Works()
		want, _ := never.Shop.Version()
		if with.Hash == want.Hash || without.Hash != want.Hash {
			t.Errorf("with %x, without %x, never %x", with.Hash[:4], without.Hash[:4], want.Hash[:4])
		}
		files, err := s.Files.List()
		if err != nil || len(files) != 1 || [32]byte(files[0]) != without.Package {
			t.Errorf("kept model files: %v, %v, want the serving one only", files, err)
		}
	})
}

func TestAYesToTrainingWaitsForOthersAndANoDoesNot(t *testing.T) {
	thimbletest.Each(t, func(t *testing.T, s *thimbletest.Shop) {
		trained := func() int64 {
			s.Works()
			v, _ := s.Shop.Version()
			return v.Number
		}
		crowd(s)
		bob := s.Subject("bob", thimbletest.Allows(train)...)
		s.Buys(bob, "shirt", "scarf")
		if n := trained(); n != 1 {
			t.Fatalf("%d trainings by the first yeses, want one", n)
		}
		s.Config.LearnPause = time.Hour
		ada := s.Subject("ada", thimbletest.Allows(train)...)
		s.Buys(ada, "shirt", "scarf")
		if n := trained(); n != 1 {
			t.Errorf("%d trainings after another yes, want the first", n)
		}
		s.Chooses(bob, thimbletest.Withdraws(train)...)
		if n := trained(); n != 2 {
			t.Errorf("%d versions after a no, want another at once", n)
		}
	})
}

func TestErasureForgetsEverywhere(t *testing.T) {
	thimbletest.Each(t, func(t *testing.T, s *thimbletest.Shop) {
		ctx := t.Context()
		crowd(s)
		ada := s.Subject("ada-17", thimbletest.Allows(personalize, train)...)
		s.Buys(ada, "shirt", "scarf")
		s.Works()
		s.Sees(ada)
		staff := gate.Request{Actor: gate.Actor{Kind: gate.Staff, Name: "owner"}, Subject: ada, Purpose: thimble.SupportOperations, Categories: []thimble.Category{thimble.PurchaseHistory}}
		if _, err := s.Gate.Open(ctx, staff); err != nil {
			t.Fatal(err)
		}
		s.Works()
		before, _ := s.Shop.Version()
		if a := s.Archive(ada); len(a.Data) < 6 {
			t.Fatalf("only %d values are held", len(a.Data))
		}

		report := s.Erase(ada)

		after, _ := s.Shop.Version()
		if i := slices.IndexFunc(report.Holders, func(l rights.HolderLine) bool { return l.Holder == "subject" }); i < 0 || len(report.Holders[i].Kept) != 1 {
			t.Errorf("the report does not say what is kept of the identifiers: %+v", report.Holders)
		}
		if report.KeyHash == "" || report.Models == nil || report.Models.Before != fmt.Sprintf("%x", before.Hash) || report.Models.After != fmt.Sprintf("%x", after.Hash) || before.Hash == after.Hash {
			t.Errorf("report %+v", report)
		}
		if _, err := s.Gate.Open(ctx, staff); !errors.Is(err, thimble.ErrDenied) {
			t.Errorf("opening afterwards: %v, want a denial", err)
		}
		if _, err := s.Desk.Access(ctx, ada); !errors.Is(err, thimble.ErrNotFound) {
			t.Errorf("access afterwards: %v, want not found", err)
		}
		if _, err := s.Desk.Erase(ctx, ada); !errors.Is(err, thimble.ErrNotFound) {
			t.Errorf("erasing again: %v, want not found", err)
		}
		for table, n := range rowsOf(t, s, ada) {
			if allowed := []string{"subject_subjects", "consent_events"}; !slices.Contains(allowed, table) && n > 0 {
				t.Errorf("%s still has %d rows of the person", table, n)
			}
		}
		id, err := subject.NewIdentifier(subject.Account, "ada-17")
		if err != nil {
			t.Fatal(err)
		}
		if gone, err := s.Subjects.Suppressed(ctx, []subject.Identifier{id}); err != nil || !gone[0] {
			t.Errorf("suppressed %v, %v: an old file would bring the person back", gone, err)
		}
	})
}

func TestInterruptedErasureIsFinishedByTheNextStart(t *testing.T) {
	dir := map[string]string{"data": t.TempDir()}
	ctx := t.Context()
	s := thimbletest.Open(t, dir)
	crowd(s)
	ada := s.Subject("ada", thimbletest.Allows(personalize, train)...)
	s.Buys(ada, "shirt")
	s.Works()
	for stop := range s.Holders() {
		t.Run(s.Holders()[stop].HolderName(), func(t *testing.T) {
			who := s.Subject(fmt.Sprintf("ada-%d", stop), thimbletest.Allows(personalize, train)...)
			s.Buys(who, "shirt")
			s.Sees(who)
			// The process dies when the holder is asked to erase.
			holders := s.Holders()
			holders[stop] = dead{holders[stop]}
			desk := rights.NewDesk(s.Requests, s.Vault, func() string { return "" }, holders...)
			if _, err := desk.Erase(ctx, who); !errors.Is(err, errDead) {
				t.Fatalf("got %v, want the death", err)
			}

			next := thimbletest.Open(t, dir) // a start that recovers

			if n := rowsOf(t, next, who)["order_orders"]; n != 0 {
				t.Errorf("%d orders are left", n)
			}
			open, err := next.Requests.Open(ctx)
			if err != nil || len(open) != 0 {
				t.Errorf("open requests: %v, %v", open, err)
			}
		})
	}
}

var errDead = errors.New("the process died")

type dead struct{ thimble.Holder }

func (dead) Erase(context.Context, thimble.SubjectID) (thimble.Erasure, error) {
	return thimble.Erasure{}, errDead
}

func (d dead) Export(ctx context.Context, s thimble.SubjectID) iter.Seq2[thimble.Datum, error] {
	return d.Holder.Export(ctx, s)
}

// rowsOf counts a person's rows in every table that the map says is personal.
func rowsOf(t *testing.T, s *thimbletest.Shop, who thimble.SubjectID) map[string]int {
	t.Helper()
	rows := map[string]int{}
	for _, table := range datamap.All() {
		for _, f := range table.Fields {
			if f.Category != thimble.Pseudonym || f.Column == "created_at" {
				continue
			}
			var n int
			err := set(s, table.Set).Read(t.Context(), func(tx *sqldb.Tx) error {
				return tx.QueryRow(t.Context(), `select count(*) from `+table.Name+` where `+f.Column+` = $1`, who[:]).Scan(&n)
			})
			if err != nil {
				t.Fatal(err)
			}
			rows[table.Name] += n
		}
	}
	return rows
}

func TestEveryPlaceOfPeoplesDataBelongsToAHolder(t *testing.T) {
	s := thimbletest.New(t)
	claimed := map[string]string{}
	for _, h := range s.Desk.Holders() {
		for _, p := range h.Places() {
			if p.Kind == "table" {
				claimed[p.Name] = h.HolderName()
			}
		}
	}
	for _, table := range datamap.All() {
		if table.Personal() && claimed[table.Name] != table.Holder {
			t.Errorf("%s is personal and held by %q, the map says %q", table.Name, claimed[table.Name], table.Holder)
		}
		if !table.Personal() && claimed[table.Name] != "" {
			t.Errorf("%s is claimed by %s, and the map says nothing in it is personal", table.Name, claimed[table.Name])
		}
	}
	// A column that names a person makes a table personal, whatever the map says.
	for _, db := range s.Sets() {
		tables, err := db.Tables(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, table := range tables {
			for _, c := range table.Columns {
				if (c == "subject_id" || c == "subject" || c == "owner") && claimed[table.Name] == "" {
					t.Errorf("%s.%s names a person, and no holder claims the table", table.Name, c)
				}
			}
		}
	}
}

// TestNoSequenceOfEventsOpensDataThatIsNotPermitted holds the gate against a naive
// model of what a person said.
func TestNoSequenceOfEventsOpensDataThatIsNotPermitted(t *testing.T) {
	s := thimbletest.New(t)
	ctx := t.Context()
	n := 0
	rapid.Check(t, func(t *rapid.T) {
		n++
		who := s.Subject(fmt.Sprintf("person-%d", n))
		said := map[thimble.Purpose]consent.State{}
		erased := false
		var grants []*gate.Grant
		for range rapid.IntRange(1, 12).Draw(t, "steps") {
			p := rapid.SampledFrom([]thimble.Purpose{personalize, train}).Draw(t, "purpose")
			switch rapid.IntRange(0, 5).Draw(t, "step") {
			case 0, 1:
				state := rapid.SampledFrom([]consent.State{consent.Given, consent.Refused, consent.Withdrawn}).Draw(t, "state")
				choices := []consent.Choice{{Purpose: p, State: state}}
				if erased {
					continue
				}
				s.Chooses(who, choices...)
				said[p] = state
				for _, g := range grants {
					if err := g.Live(ctx); !errors.Is(err, thimble.ErrDenied) {
						t.Fatalf("a grant from before the choice lives: %v", err)
					}
				}
				grants = nil
			case 2:
				if rapid.IntRange(0, 9).Draw(t, "erase") == 0 && !erased {
					s.Erase(who)
					erased = true
				}
			default:
				r := gate.Request{Actor: gate.Actor{Kind: gate.Machine, Name: "test"}, Subject: who, Purpose: p, Categories: []thimble.Category{thimble.PurchaseHistory}}
				g, err := s.Gate.Open(ctx, r)
				if want := said[p] == consent.Given && !erased; (err == nil) != want {
					t.Fatalf("opening for %s: %v; the person said %q, erased %t", p, err, said[p], erased)
				}
				if err == nil {
					grants = append(grants, g)
				}
			}
		}
	})
}

func TestGrantOpensNothingElse(t *testing.T) {
	s := thimbletest.New(t)
	ctx := t.Context()
	ada, bob := s.Subject("ada", thimbletest.Allows(personalize)...), s.Subject("bob", thimbletest.Allows(personalize)...)
	s.Buys(ada, "shirt")
	s.Buys(bob, "belt")
	g, err := s.Gate.Open(ctx, gate.Request{Actor: gate.Actor{Kind: gate.Machine, Name: "test"}, Subject: ada, Purpose: personalize, Categories: []thimble.Category{thimble.PurchaseHistory}})
	if err != nil {
		t.Fatal(err)
	}
	adas, err := s.Orders.Of(ctx, ada, 0)
	if err != nil || len(adas) != 1 {
		t.Fatal(adas, err)
	}
	if _, err := g.Open(ctx, adas[0].Cell(), adas[0].Body); err != nil {
		t.Fatal(err)
	}
	bobs, err := s.Orders.Of(ctx, bob, 0)
	if err != nil || len(bobs) != 1 {
		t.Fatal(bobs, err)
	}
	if _, err := g.Open(ctx, bobs[0].Cell(), bobs[0].Body); !errors.Is(err, thimble.ErrDenied) {
		t.Errorf("another person's order: %v, want a denial", err)
	}
	swapped := bobs[0].Cell()
	swapped.Owner = ada
	if _, err := g.Open(ctx, swapped, bobs[0].Body); !errors.Is(err, thimble.ErrDenied) {
		t.Errorf("another person's order under one's own name: %v, want a denial", err)
	}
	ids, err := s.Subjects.Identifiers(ctx, ada)
	if err != nil || len(ids) != 1 {
		t.Fatal(ids, err)
	}
	if _, err := g.Open(ctx, ids[0].Cell, ids[0].Sealed); !errors.Is(err, thimble.ErrDenied) {
		t.Errorf("a category that was not asked for: %v, want a denial", err)
	}
	s.Chooses(ada, thimbletest.Withdraws(personalize)...)
	if _, err := g.Open(ctx, adas[0].Cell(), adas[0].Body); !errors.Is(err, thimble.ErrDenied) {
		t.Errorf("after the withdrawal: %v, want a denial", err)
	}
}

func TestStaffReadIsALeafThatThePersonCanCheck(t *testing.T) {
	s := thimbletest.New(t)
	ctx := t.Context()
	ada := s.Subject("ada")
	_, err := s.Gate.Open(ctx, gate.Request{Actor: gate.Actor{Kind: gate.Staff, Name: "owner"}, Subject: ada, Purpose: thimble.SupportOperations, Categories: []thimble.Category{thimble.PurchaseHistory}})
	if err != nil {
		t.Fatal(err)
	}
	s.Works()
	own, err := s.Gate.Open(ctx, gate.Request{Actor: gate.Actor{Kind: gate.Customer, Self: ada}, Subject: ada, Purpose: thimble.LegalObligation, Categories: []thimble.Category{thimble.AccessRecord}})
	if err != nil {
		t.Fatal(err)
	}
	uses, err := s.Uses.Of(ctx, ada, 10)
	if err != nil || len(uses) != 1 || uses[0].Actor != "owner" || !uses[0].Receipted() {
		t.Fatalf("uses %+v, %v", uses, err)
	}
	opening, err := uses[0].Opening(ctx, own)
	if err != nil {
		t.Fatal(err)
	}
	receipt, err := s.Ledger.Receipt(ctx, opening)
	if err != nil {
		t.Fatal(err)
	}
	text, err := receipt.MarshalText()
	if err != nil {
		t.Fatal(err)
	}
	if o, err := ledger.Verify(text, s.Ledger.VerifierKey()); err != nil || o.Class != ledger.Access || !strings.Contains(string(o.Record), `"actor":"owner"`) {
		t.Errorf("Verify = %v, %s, %v", o.Class, o.Record, err)
	}
}

func TestConsentEventsCannotBeChangedInTheDatabase(t *testing.T) {
	thimbletest.Each(t, func(t *testing.T, s *thimbletest.Shop) {
		ada := s.Subject("ada", thimbletest.Allows(personalize)...)
		for _, stmt := range []string{
			`update consent_events set at = 0`, `delete from consent_events`,
			`update consent_events set body = $1`,
		} {
			err := s.Core.Write(t.Context(), func(tx *sqldb.Tx) error {
				var args []any
				if strings.Contains(stmt, "$1") {
					args = append(args, []byte("x"))
				}
				_, err := tx.Exec(t.Context(), stmt, args...)
				return err
			})
			if err == nil {
				t.Errorf("%s succeeded", stmt)
			}
		}
		g, err := s.Gate.Open(t.Context(), gate.Request{Actor: gate.Actor{Kind: gate.Customer, Self: ada}, Subject: ada, Purpose: thimble.LegalObligation, Categories: []thimble.Category{thimble.PrivacyPreferences}})
		if err != nil {
			t.Fatal(err)
		}
		history, err := s.Consent.History(t.Context(), g)
		if err != nil || len(history) != 1 || consent.Fold([]consent.Event{history[0].Event}, time.Now())[personalize] != consent.Given {
			t.Errorf("history %v, %v", history, err)
		}
	})
}
