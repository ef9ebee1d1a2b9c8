package plandb

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"thimble"
	"thimble/internal/collect/plan"
	"thimble/internal/ledger"
	"thimble/internal/ledger/ledgerdb"
	"thimble/internal/sqldb"
	"thimble/internal/sqldb/sqldbtest"
)

var moment = time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)

func logOf(t *testing.T, db *sqldb.DB) *ledgerdb.Log {
	t.Helper()
	signer, err := ledger.NewSigner("shop.example/log", make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	return ledgerdb.New(db, signer, ledgerdb.Config{Now: func() time.Time { return moment }})
}

func open(t *testing.T, db *sqldb.DB, l Ledger) *Store {
	t.Helper()
	s, err := Open(t.Context(), db, l, Config{Now: func() time.Time { return moment }, Every: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func each(t *testing.T, f func(t *testing.T, db *sqldb.DB, s *Store)) {
	t.Helper()
	sqldbtest.Each(t, sqldb.Core, func(t *testing.T, db *sqldb.DB) {
		s := open(t, db, logOf(t, db))
		if err := s.Begin(t.Context()); err != nil {
			t.Fatal(err)
		}
		f(t, db, s)
	})
}

var (
	ines = Author{Name: "ines", Accepts: true, Reason: "agreed with the works council"}
	mara = Author{Name: "mara"}
)

// edited returns the text in force with an edit.
func edited(t *testing.T, s *Store, edit func(*plan.Text) error) []byte {
	t.Helper()
	text, err := plan.EditText(s.InForce().Text)
	if err == nil {
		err = edit(text)
	}
	if err != nil {
		t.Fatal(err)
	}
	out, _, err := text.Done()
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func stricter(t *plan.Text) error { return t.Mode("Product Viewed", plan.Block) }
func looser(t *plan.Text) error {
	return t.Put(plan.Where{Event: "Product Viewed"}, plan.Property{Name: "lining", Type: plan.String})
}

// holds checks the invariant: what is in force is what the newest version's text compiles
// to, and each row agrees with its leaf.
func holds(t *testing.T, s *Store) {
	t.Helper()
	all, err := s.Versions(t.Context(), 1)
	if err != nil || len(all) != 1 {
		t.Fatalf("versions: %v, %v", all, err)
	}
	newest, err := s.Version(t.Context(), all[0].Number)
	if err != nil {
		t.Fatal(err)
	}
	p, err := plan.Read(newest.Text)
	if err != nil {
		t.Fatal(err)
	}
	c, err := plan.Compile(p)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(c, s.Compiled()) || s.InForce().Version != all[0].Number {
		t.Fatalf("in force is version %d, the newest is %d, or it compiles otherwise", s.InForce().Version, all[0].Number)
	}
	n := 0
	for claim, err := range s.Claims(t.Context()) {
		if n++; err != nil || claim.Err != nil || claim.Rule != "" {
			t.Fatalf("claim %d: %v %v %q", n, err, claim.Err, claim.Rule)
		}
	}
	if n != all[0].Number {
		t.Fatalf("%d leaves for %d versions", n, all[0].Number)
	}
}

func TestTheFirstStartRecordsThePlanThatShips(t *testing.T) {
	each(t, func(t *testing.T, db *sqldb.DB, s *Store) {
		holds(t, s)
		if err := s.Begin(t.Context()); err != nil {
			t.Fatal(err)
		}
		all, err := s.Versions(t.Context(), 10)
		if err != nil || len(all) != 1 || all[0].Author != "" || string(s.InForce().Text) != string(plan.DefaultText()) {
			t.Errorf("%d versions, %v: want the one that ships, once", len(all), err)
		}
	})
}

func TestAChangeIsInForceAtOnceAndInOtherProcessesSoon(t *testing.T) {
	each(t, func(t *testing.T, db *sqldb.DB, s *Store) {
		other := open(t, db, logOf(t, db))
		ctx, stop := context.WithCancel(t.Context())
		var wait sync.WaitGroup
		wait.Go(func() { _ = other.Run(ctx) })
		defer func() { stop(); wait.Wait() }()

		n, err := s.Save(t.Context(), 1, edited(t, s, stricter), mara)
		if err != nil || n != 2 {
			t.Fatalf("version %d, %v", n, err)
		}
		if m := s.Compiled().Track([]byte("Product Viewed")); m.Mode != plan.Block || s.Compiled().Version != 2 {
			t.Errorf("in force is version %d with mode %s", s.Compiled().Version, m.Mode)
		}
		for other.Compiled().Version != 2 {
			time.Sleep(time.Millisecond)
		}
		holds(t, s)
		holds(t, other)
	})
}

func TestWhatLoosensNeedsSomebodyWhoMayAndWhy(t *testing.T) {
	each(t, func(t *testing.T, db *sqldb.DB, s *Store) {
		text := edited(t, s, looser)
		for _, a := range []Author{mara, {Name: "mara", Reason: "marketing wants it"}, {Name: "ines", Accepts: true}, {Name: "ines", Accepts: true, Reason: "  "}} {
			if _, err := s.Save(t.Context(), 1, text, a); !errors.Is(err, thimble.ErrDenied) {
				t.Errorf("%+v: %v, want it denied", a, err)
			}
		}
		if _, err := s.Save(t.Context(), 1, text, Author{}); !errors.Is(err, thimble.ErrDenied) {
			t.Errorf("of nobody: %v, want it denied", err)
		}
		if _, err := s.Save(t.Context(), 1, text, ines); err != nil {
			t.Fatal(err)
		}
		all, err := s.Versions(t.Context(), 10)
		if err != nil || len(all) != 2 || all[0].Author != "ines" || all[0].Loosens != 2 || all[0].Reason != ines.Reason {
			t.Errorf("%+v, %v: want who accepted what, and why", all, err)
		}
		holds(t, s)
	})
}

func TestTheSecondOfTwoEditorsIsToldWhatTheFirstChanged(t *testing.T) {
	each(t, func(t *testing.T, db *sqldb.DB, s *Store) {
		first, second := edited(t, s, stricter), edited(t, s, func(t *plan.Text) error { return t.Mode("Cart Viewed", plan.Block) })
		if _, err := s.Save(t.Context(), 1, first, mara); err != nil {
			t.Fatal(err)
		}
		_, err := s.Save(t.Context(), 1, second, mara)
		c, ok := errors.AsType[*Conflict](err)
		if !ok || !errors.Is(err, thimble.ErrConflict) {
			t.Fatalf("got %v, want a conflict", err)
		}
		if c.Base != 1 || c.Newest != 2 || len(c.Since) != 2 || c.Since[0].Path != "Product Viewed" {
			t.Errorf("the conflict says %+v", c)
		}
		holds(t, s)
	})
}

func TestOfManyEditorsAtOnceOneWins(t *testing.T) {
	each(t, func(t *testing.T, db *sqldb.DB, s *Store) {
		text := edited(t, s, stricter)
		var wait sync.WaitGroup
		errs := make([]error, 4)
		for i := range errs {
			other := open(t, db, logOf(t, db))
			wait.Go(func() { _, errs[i] = other.Save(t.Context(), 1, text, mara) })
		}
		wait.Wait()
		won := 0
		for _, err := range errs {
			switch {
			case err == nil:
				won++
			case !errors.Is(err, thimble.ErrConflict):
				t.Errorf("got %v, want a conflict", err)
			}
		}
		if err := s.Refresh(t.Context()); err != nil || won != 1 {
			t.Errorf("%d won, %v, want one", won, err)
		}
		holds(t, s)
	})
}

func TestGoingBackIsANewVersion(t *testing.T) {
	each(t, func(t *testing.T, db *sqldb.DB, s *Store) {
		before := string(s.InForce().Text)
		if _, err := s.Save(t.Context(), 1, edited(t, s, looser), ines); err != nil {
			t.Fatal(err)
		}
		old, err := s.Version(t.Context(), 1)
		if err != nil {
			t.Fatal(err)
		}
		text := strings.Replace(string(old.Text), "version: 1", "version: 3", 1)
		if _, err := s.Save(t.Context(), 2, []byte(text), mara); err != nil {
			t.Fatalf("it loosens nothing: %v", err)
		}
		if got := strings.Replace(string(s.InForce().Text), "version: 3", "version: 1", 1); got != before {
			t.Error("the text is not that of before")
		}
		holds(t, s)
	})
}

func TestATextThatIsNoPlanNeverGetsInForce(t *testing.T) {
	many := "version: 2\nuses:\n"
	for i := range plan.MaxClasses + 1 {
		many += fmt.Sprintf("  u%d: {category: user.name, purposes: [analytics]}\n", i)
	}
	many += "events:\n"
	for i := range plan.MaxClasses + 1 {
		many += fmt.Sprintf("  - {name: E%d, use: u%d}\n", i, i)
	}
	each(t, func(t *testing.T, db *sqldb.DB, s *Store) {
		for name, text := range map[string]string{
			"no YAML": "\x00", "nothing": "", "an unknown key": "version: 2\nshoes: 1", "a version too far": strings.Replace(string(plan.DefaultText()), "version: 1", "version: 7", 1),
			"more uses than a mask has bits": many,
		} {
			if _, err := s.Save(t.Context(), 1, []byte(text), ines); !errors.Is(err, thimble.ErrInvalid) {
				t.Errorf("%s: %v, want it refused", name, err)
			}
			if _, err := s.Start(t.Context(), 1, []byte(text), "mara", ""); !errors.Is(err, thimble.ErrInvalid) {
				t.Errorf("%s as a draft: %v, want it refused", name, err)
			}
		}
		holds(t, s)
	})
}

// silent is a ledger that takes no leaf.
type silent struct{}

func (silent) Queue(context.Context, *sqldb.Tx, ledger.Entry) (ledger.Opening, error) {
	return ledger.Opening{}, thimble.ErrUnavailable
}

func TestAProcessThatDiesInAChangeLeavesThePlanOfBefore(t *testing.T) {
	each(t, func(t *testing.T, db *sqldb.DB, s *Store) {
		text := edited(t, s, stricter)
		dying := open(t, db, silent{})
		if _, err := dying.Save(t.Context(), 1, text, mara); !errors.Is(err, thimble.ErrUnavailable) {
			t.Fatalf("without a ledger: %v", err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := s.Save(ctx, 1, text, mara); err == nil {
			t.Fatal("a save whose caller is gone was made")
		}
		for name, s := range map[string]*Store{"the same process": dying, "the next": open(t, db, logOf(t, db))} {
			if s.Compiled().Version != 1 {
				t.Errorf("%s: version %d is in force, want 1", name, s.Compiled().Version)
			}
			holds(t, s)
		}
	})
}

func TestAVersionThatWasAlteredIsRefusedAtTheStartAndNotTakenUp(t *testing.T) {
	each(t, func(t *testing.T, db *sqldb.DB, s *Store) {
		if _, err := s.Save(t.Context(), 1, edited(t, s, stricter), mara); err != nil {
			t.Fatal(err)
		}
		late := open(t, db, logOf(t, db))
		err := db.Write(t.Context(), func(tx *sqldb.Tx) error {
			_, err := tx.Exec(t.Context(), `insert into collect_plans (version, hash, body, author, reason, loosens, at, opening) select 3, hash, 'version: 3', author, reason, 0, at, opening from collect_plans where version = 2`)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := late.Refresh(t.Context()); !errors.Is(err, thimble.ErrInvalid) || late.Compiled().Version != 2 {
			t.Errorf("taken up: %v, version %d", err, late.Compiled().Version)
		}
		if _, err := Open(t.Context(), db, logOf(t, db), Config{}); !errors.Is(err, thimble.ErrInvalid) {
			t.Errorf("the start: %v, want it refused", err)
		}
		found := false
		for claim := range s.Claims(t.Context()) {
			found = found || claim.Rule != ""
		}
		if !found {
			t.Error("the audit does not see it")
		}
	})
}

func TestADraftIsEditedAndDecidedOnce(t *testing.T) {
	each(t, func(t *testing.T, db *sqldb.DB, s *Store) {
		id, err := s.Start(t.Context(), 1, s.InForce().Text, "mara", "for the winter campaign")
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Edit(t.Context(), id, 1, looser); err != nil {
			t.Fatal(err)
		}
		if err := s.Edit(t.Context(), id, 1, stricter); !errors.Is(err, thimble.ErrConflict) {
			t.Errorf("an edit of what somebody else edited: %v", err)
		}
		if err := s.Edit(t.Context(), id, 2, func(t *plan.Text) error { return t.Mode("Order Lost", plan.Warn) }); !errors.Is(err, thimble.ErrNotFound) {
			t.Errorf("an edit of no event: %v", err)
		}
		if s.Compiled().Version != 1 {
			t.Error("a draft is in force")
		}
		if _, err := s.Decide(t.Context(), id, 2, mara); !errors.Is(err, thimble.ErrDenied) {
			t.Errorf("decided by who may not: %v", err)
		}
		if _, err := s.Decide(t.Context(), id, 1, ines); !errors.Is(err, thimble.ErrConflict) {
			t.Errorf("decided as it was not seen: %v", err)
		}
		if n, err := s.Decide(t.Context(), id, 2, ines); n != 2 || err != nil {
			t.Fatalf("version %d, %v", n, err)
		}
		if _, err := s.Decide(t.Context(), id, 2, ines); !errors.Is(err, thimble.ErrConflict) {
			t.Errorf("decided twice: %v", err)
		}
		if err := s.Discard(t.Context(), id, "mara"); !errors.Is(err, thimble.ErrConflict) {
			t.Errorf("discarded after it was decided: %v", err)
		}
		all, err := s.Drafts(t.Context(), 10)
		if err != nil || len(all) != 1 || all[0].State != Decided || all[0].Version != 2 || all[0].Decider != "ines" || all[0].Author != "mara" || len(all[0].Text) != 0 {
			t.Errorf("%+v, %v, want one without its text", all, err)
		}
		holds(t, s)
	})
}

// TestWhateverIsChangedTheNewestTextIsInForce is the invariant under any sequence of
// saves, drafts, refusals, restarts and ways back.
func TestWhateverIsChangedTheNewestTextIsInForce(t *testing.T) {
	const seed = 20261129
	t.Logf("seed %d", seed)
	each(t, func(t *testing.T, db *sqldb.DB, s *Store) {
		r := rand.New(rand.NewPCG(seed, 7))
		var drafts []thimble.ID
		changes := 0
		rounds := 48
		if os.Getenv("THIMBLE_SOAK") != "" {
			rounds = 1000
		}
		for range rounds {
			base := s.InForce().Version - r.IntN(2)
			edit := func(t *plan.Text) error {
				_ = t.Mode([]string{"Product Viewed", "Cart Viewed", "identify"}[r.IntN(3)], []plan.Mode{plan.Block, plan.Omit, plan.Warn}[r.IntN(3)])
				return t.Put(plan.Where{Event: "Order Completed", Within: [][]string{nil, {"products"}}[r.IntN(2)]},
					plan.Property{Name: fmt.Sprintf("p%d", r.IntN(8)), Type: []plan.Type{plan.String, plan.Number, "float"}[r.IntN(3)], Transform: []plan.Transform{plan.Keep, plan.Drop}[r.IntN(2)]})
			}
			who := []Author{mara, ines}[r.IntN(2)]
			var err error
			switch r.IntN(5) {
			case 0:
				s = open(t, db, logOf(t, db))
			case 1:
				var id thimble.ID
				if id, err = s.Start(t.Context(), s.InForce().Version, s.InForce().Text, "mara", ""); err == nil {
					drafts = append(drafts, id)
				}
			case 2:
				if len(drafts) > 0 {
					id := drafts[r.IntN(len(drafts))]
					_ = s.Edit(t.Context(), id, 0, edit)
					_, err = s.Decide(t.Context(), id, 0, who)
				}
			case 3:
				var old *Force
				if old, err = s.Version(t.Context(), 1+r.IntN(s.InForce().Version)); err == nil {
					text, _ := plan.EditText(old.Text)
					text.Number(base + 1)
					out, _, _ := text.Done()
					_, err = s.Save(t.Context(), base, out, who)
				}
			default:
				text, _ := plan.EditText(s.InForce().Text)
				_ = edit(text)
				if out, _, e := text.Done(); e == nil {
					_, err = s.Save(t.Context(), s.InForce().Version, out, who)
				}
			}
			if err != nil && !errors.Is(err, thimble.ErrConflict) && !errors.Is(err, thimble.ErrDenied) && !errors.Is(err, thimble.ErrInvalid) && !errors.Is(err, thimble.ErrNotFound) {
				t.Fatal(err)
			}
			changes = s.InForce().Version
			holds(t, s)
		}
		t.Logf("%d versions", changes)
		if changes < 5 {
			t.Errorf("only %d versions came of %d rounds: the sample shows little", changes, rounds)
		}
	})
}
