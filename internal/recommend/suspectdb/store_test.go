package suspectdb_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"thimble"
	"thimble/internal/holdertest"
	"thimble/internal/recommend/suspect"
	"thimble/internal/recommend/suspectdb"
	"thimble/internal/sqldb"
)

const note = "they all came within one hour"

// A desk is a store that counts the trainings it asks for.
type desk struct {
	*suspectdb.Store
	asked int
}

func open(k *holdertest.Kernel) *desk {
	d := &desk{}
	d.Store = suspectdb.New(k.Core, k.Ledger, suspectdb.Config{
		Now: k.Now,
		Alive: func(ctx context.Context, tx *sqldb.Tx, who thimble.SubjectID) error {
			_, err := k.Subjects.Alive(ctx, tx, who)
			return err
		},
		Changed: func(context.Context, *sqldb.Tx) error { d.asked++; return nil },
	})
	return d
}

func pull(item thimble.ItemID, people ...thimble.SubjectID) suspect.Finding {
	return suspect.Finding{Kind: suspect.Pull, Item: item, People: people, Trusted: 2, Expected: 1}
}

// raise keeps a finding and returns it as it is kept.
func (d *desk) raise(t testing.TB, f suspect.Finding) suspectdb.Found {
	t.Helper()
	if _, err := d.Raise(t.Context(), []suspect.Finding{f}); err != nil {
		t.Fatal(err)
	}
	for _, got := range d.list(t) {
		if got.Item == f.Item {
			return got
		}
	}
	t.Fatalf("no finding of %s", f.Item)
	return suspectdb.Found{}
}

func (d *desk) list(t testing.TB) []suspectdb.Found {
	t.Helper()
	all, err := d.Findings(t.Context(), 100)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func (d *desk) leftOut(t testing.TB) (map[thimble.SubjectID]bool, int64) {
	t.Helper()
	people, revision, err := d.LeftOut(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return people, revision
}

func TestNobodyIsLeftOutBeforeAPersonDecides(t *testing.T) {
	holdertest.Each(t, func(t *testing.T, k *holdertest.Kernel) {
		d, a, b := open(k), k.Person(t), k.Person(t)
		f := d.raise(t, pull("ring", a, b))
		if people, revision := d.leftOut(t); len(people) != 0 || revision != 0 || d.asked != 0 {
			t.Errorf("found: %d people are left out by revision %d, %d trainings; want none", len(people), revision, d.asked)
		}

		if err := d.Quarantine(t.Context(), f.ID, "mara", note); err != nil {
			t.Fatal(err)
		}
		if people, revision := d.leftOut(t); !people[a] || !people[b] || revision != 1 || d.asked != 1 {
			t.Errorf("quarantined: %v are left out by revision %d, %d trainings; want two, 1 and 1", people, revision, d.asked)
		}

		if err := d.Release(t.Context(), f.ID, "noor", "they wrote: a school class"); err != nil {
			t.Fatal(err)
		}
		if people, revision := d.leftOut(t); len(people) != 0 || revision != 2 || d.asked != 2 {
			t.Errorf("released: %v are left out by revision %d, %d trainings; want nobody, 2 and 2", people, revision, d.asked)
		}
		got := d.list(t)[0]
		if got.State != suspectdb.Released || got.DecidedBy != "noor" || got.People != 0 || got.Accounts != 2 {
			t.Errorf("finding = %+v, want released by noor, of 2 accounts, naming nobody", got)
		}
	})
}

func TestEachDecisionHasALeafThatNamesNobody(t *testing.T) {
	holdertest.Each(t, func(t *testing.T, k *holdertest.Kernel) {
		d, a := open(k), k.Person(t)
		before := leaves(t, k)
		f := d.raise(t, pull("ring", a))
		if err := d.Quarantine(t.Context(), f.ID, "mara", note); err != nil {
			t.Fatal(err)
		}
		if err := d.Release(t.Context(), f.ID, "mara", note); err != nil {
			t.Fatal(err)
		}
		if got := leaves(t, k) - before; got != 3 {
			t.Errorf("%d leaves, want 3", got)
		}
		if strings.Contains(f.Why, a.String()) {
			t.Error("the reason names the suspect")
		}
	})
}

// leaves counts those that are queued: nothing integrates them here.
func leaves(t testing.TB, k *holdertest.Kernel) (n int) {
	t.Helper()
	err := k.Core.Read(t.Context(), func(tx *sqldb.Tx) error {
		return tx.QueryRow(t.Context(), `select count(*) from ledger_queue`).Scan(&n)
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestEachLeafHasARowAlsoWhenAFindingHasGrownAndWasTakenBack(t *testing.T) {
	holdertest.Each(t, func(t *testing.T, k *holdertest.Kernel) {
		d, a, b := open(k), k.Person(t), k.Person(t)
		before := leaves(t, k)
		f := d.raise(t, pull("ring", a))
		if _, err := d.Raise(t.Context(), []suspect.Finding{pull("ring", a, b)}); err != nil {
			t.Fatal(err)
		}
		if err := d.Quarantine(t.Context(), f.ID, "mara", note); err != nil {
			t.Fatal(err)
		}
		if err := d.Release(t.Context(), f.ID, "noor", note); err != nil {
			t.Fatal(err)
		}
		claims := 0
		for c, err := range d.Claims(t.Context()) {
			if err != nil || c.Rule != "" {
				t.Errorf("claim %d: %q, %v", claims, c.Rule, err)
			}
			claims++
		}
		if made := leaves(t, k) - before; claims != 3 || made != 3 {
			t.Errorf("%d claims of %d leaves, want 3 of 3", claims, made)
		}
	})
}

func TestWhatWasDismissedIsRaisedAgainOnlyWhenItHasDoubled(t *testing.T) {
	holdertest.Each(t, func(t *testing.T, k *holdertest.Kernel) {
		d := open(k)
		var crowd []thimble.SubjectID
		for range 4 {
			crowd = append(crowd, k.Person(t))
		}
		f := d.raise(t, pull("ring", crowd[:2]...))
		if err := d.Dismiss(t.Context(), f.ID, "mara", note); err != nil {
			t.Fatal(err)
		}
		if people, revision := d.leftOut(t); len(people) != 0 || revision != 0 || d.asked != 0 {
			t.Errorf("dismissed: %v are left out by revision %d, %d trainings; want nothing", people, revision, d.asked)
		}
		d.raise(t, pull("ring", crowd[:3]...))
		if got := len(d.list(t)); got != 1 {
			t.Errorf("%d findings after one more account, want the dismissed one only", got)
		}
		d.raise(t, pull("ring", crowd...))
		if all := d.list(t); len(all) != 2 || all[0].State != suspectdb.Open || all[0].People != 4 {
			t.Errorf("findings = %+v, want a new one of four", all)
		}
	})
}

func TestAnOpenFindingFollowsWhatIsFound(t *testing.T) {
	holdertest.Each(t, func(t *testing.T, k *holdertest.Kernel) {
		d, a, b := open(k), k.Person(t), k.Person(t)
		d.raise(t, pull("ring", a))
		d.raise(t, pull("ring", b))
		if all := d.list(t); len(all) != 1 || all[0].People != 1 || all[0].Accounts != 1 {
			t.Errorf("findings = %+v, want one of one account", all)
		}
	})
}

func TestADecisionNeedsANoteAndAStateToDecideAbout(t *testing.T) {
	holdertest.Each(t, func(t *testing.T, k *holdertest.Kernel) {
		d := open(k)
		f := d.raise(t, pull("ring", k.Person(t)))
		if err := d.Quarantine(t.Context(), f.ID, "mara", "bad"); !errors.Is(err, thimble.ErrInvalid) {
			t.Errorf("without a note: error %v, want invalid", err)
		}
		if err := d.Release(t.Context(), f.ID, "mara", note); !errors.Is(err, thimble.ErrConflict) {
			t.Errorf("releasing what is open: error %v, want a conflict", err)
		}
		if err := d.Quarantine(t.Context(), thimble.ID{1}, "mara", note); !errors.Is(err, thimble.ErrNotFound) {
			t.Errorf("of no finding: error %v, want not found", err)
		}
	})
}

func TestTheStoreKeepsTheContractOfHolders(t *testing.T) {
	holdertest.Each(t, func(t *testing.T, k *holdertest.Kernel) {
		d := open(k)
		keep := func(tb testing.TB, who thimble.SubjectID) []string {
			f := d.raise(tb, pull(thimble.ItemID("ring "+who.String()[4:12]), who))
			if err := d.Quarantine(tb.Context(), f.ID, "mara", note); err != nil {
				tb.Fatal(err)
			}
			return []string{"left_out_of_learning", "are not trusted"}
		}
		holdertest.Run(t, holdertest.Fixture{
			Holder: d.Store, Core: k.Core, Tick: k.Tick, Person: k.Person, Keep: keep,
			Terms: map[thimble.Category]holdertest.Term{thimble.PurchaseHistory: holdertest.Lasts},
		})
	})
}
