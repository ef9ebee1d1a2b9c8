package subjectdb_test

import (
	"fmt"
	"testing"
	"time"

	"thimble"
	"thimble/internal/sqldb"
	"thimble/internal/subject"
	"thimble/internal/subject/subjectdb"
)

// newcomers drafts n people with a number, an address and a home; every other is grown up.
func (h shop) newcomers(n int) (all []subjectdb.Newcomer) {
	h.t.Helper()
	at := time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)
	ids := make([]subject.Identifier, n)
	for i := range ids {
		ids[i] = subject.Identifier{Kind: subject.Account, Value: thimble.Hide(fmt.Sprintf("K-%d", i))}
	}
	drafts, err := h.s.Draft(ctx, ids)
	if err != nil {
		h.t.Fatal(err)
	}
	for i, d := range drafts {
		more, err := h.s.DraftFor(ctx, d.ID, mail(fmt.Sprintf("k%d@example.org", i)))
		if err != nil {
			h.t.Fatal(err)
		}
		age := &subject.Age{State: subject.AgeAdult, Evidence: "import", At: at}
		if i%2 == 1 {
			age = nil
		}
		one, err := h.s.Newcomer(ctx, d, []subjectdb.Draft{more}, &subject.Residence{Country: "DE", Evidence: "import", At: at}, age)
		if err != nil {
			h.t.Fatal(err)
		}
		all = append(all, one)
	}
	return all
}

func (h shop) createAll(all []subjectdb.Newcomer) error {
	return h.core.Write(ctx, func(tx *sqldb.Tx) error { return h.s.CreateAll(ctx, tx, all) })
}

func (h shop) wantNewcomers(all []subjectdb.Newcomer) {
	h.t.Helper()
	for i, n := range all {
		found, err := h.s.FindAll(ctx, []subject.Identifier{{Kind: subject.Account, Value: thimble.Hide(fmt.Sprintf("K-%d", i))}, mail(fmt.Sprintf("k%d@example.org", i))})
		if err != nil || found[0] != n.ID() || found[1] != n.ID() {
			h.t.Errorf("newcomer %d is %v, %v, want %s", i, found, err, n.ID())
		}
		said := map[string]any{}
		for _, d := range h.export(n.ID()) {
			said[d.Name] = d.Value
		}
		home, _ := said["residence"].(subject.Residence)
		age, grown := said["age"].(subject.Age)
		if home.Country != "DE" || grown != (i%2 == 0) || grown && age.State != subject.AgeAdult || said["account"] != fmt.Sprintf("K-%d", i) {
			h.t.Errorf("newcomer %d is %v", i, said)
		}
	}
}

func TestManyNewcomersAreThereWithAllThatIsKnownOfThem(t *testing.T) {
	each(t, func(h shop) {
		all := h.newcomers(19) // two statements of eight, and a rest
		if err := h.createAll(all); err != nil {
			t.Fatal(err)
		}
		h.wantNewcomers(all)
		if n, err := h.s.Count(ctx); err != nil || n != 19 {
			t.Errorf("%d people, %v", n, err)
		}
	})
}

// Of many newcomers none comes when one of their identifiers is somebody's: whoever brings
// them looks again who is who.
func TestOfManyNewcomersNoneComesWhenOneIsSomebody(t *testing.T) {
	each(t, func(h shop) {
		ada := h.person("k11@example.org")
		wantKind(t, "newcomers with somebody's address", h.createAll(h.newcomers(12)), thimble.ErrConflict)
		if n, err := h.s.Count(ctx); err != nil || n != 1 {
			t.Errorf("%d people, %v, want ada alone", n, err)
		}
		if found, err := h.s.Find(ctx, mail("k11@example.org")); err != nil || found != ada {
			t.Errorf("the address is %s's, %v", found, err)
		}
	})
}

// Those who were drafted before the keys of the indexes moved are found under the new ones.
func TestNewcomersThatWereDraftedBeforeARotationAreFoundAfterIt(t *testing.T) {
	each(t, func(h shop) {
		all := h.newcomers(3)
		if _, err := h.s.Rotate(ctx); err != nil {
			t.Fatal(err)
		}
		if err := h.createAll(all); err != nil {
			t.Fatal(err)
		}
		h.wantNewcomers(all)
	})
}
