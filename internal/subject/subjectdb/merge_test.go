package subjectdb_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"thimble"
	"thimble/internal/sqldb"
	"thimble/internal/subject"
	"thimble/internal/subject/subjectdb"
)

var byStaff = subject.Evidence{Ground: subject.ByStaff, By: "staff sam", Note: thimble.Hide("same name and street")}

func (h shop) try(f func(tx *sqldb.Tx) error) error { return h.core.Write(ctx, f) }

func (h shop) merge(a, b thimble.SubjectID) subject.Merge {
	h.t.Helper()
	m, err := h.tryMerge(a, b, byStaff)
	if err != nil {
		h.t.Fatal(err)
	}
	return m
}

func (h shop) tryMerge(a, b thimble.SubjectID, e subject.Evidence) (m subject.Merge, err error) {
	err = h.try(func(tx *sqldb.Tx) error {
		m, err = h.s.Link(ctx, tx, a, b, e)
		return err
	})
	return m, err
}

func (h shop) part(id thimble.ID) subjectdb.Parted {
	h.t.Helper()
	var p subjectdb.Parted
	err := h.try(func(tx *sqldb.Tx) (err error) {
		p, err = h.s.Unlink(ctx, tx, id, "staff sam")
		return err
	})
	if err != nil {
		h.t.Fatal(err)
	}
	return p
}

func (h shop) members(id thimble.SubjectID) []thimble.SubjectID {
	h.t.Helper()
	all, err := h.s.Members(ctx, id)
	if err != nil {
		h.t.Fatal(err)
	}
	return all
}

func (h shop) add(id thimble.SubjectID, i subject.Identifier) error {
	d, err := h.s.DraftFor(ctx, id, i)
	if err == nil {
		err = h.try(func(tx *sqldb.Tx) error { return h.s.Add(ctx, tx, d) })
	}
	return err
}

func (h shop) remove(id thimble.SubjectID, i subject.Identifier) error {
	return h.try(func(tx *sqldb.Tx) error { return h.s.Remove(ctx, tx, id, i) })
}

func (h shop) leaves() (n int) {
	h.t.Helper()
	if err := h.core.Read(ctx, func(tx *sqldb.Tx) error {
		return tx.QueryRow(ctx, `select count(*) from ledger_queue`).Scan(&n)
	}); err != nil {
		h.t.Fatal(err)
	}
	return n
}

func TestAMergeIsTheSameInWhicheverOrderTheyAreNamed(t *testing.T) {
	each(t, func(h shop) {
		ada, alias, third := h.person("ada@example.org"), h.person("alias@example.org"), h.person("third@example.org")
		before, _ := h.s.Epoch(ctx, alias)

		m := h.merge(alias, ada)

		if m.Survivor != ada || m.Absorbed != alias {
			h.t.Errorf("survivor %s, want the older %s", m.Survivor, ada)
		}
		if got := h.members(alias); !slices.Equal(got, []thimble.SubjectID{ada, alias}) {
			h.t.Errorf("members = %v, want the canonical first", got)
		}
		if after, _ := h.s.Epoch(ctx, alias); after <= before {
			h.t.Error("the epoch of the absorbed has not moved")
		}
		h.merge(third, alias)
		others := []thimble.SubjectID{alias, third}
		slices.SortFunc(others, func(a, b thimble.SubjectID) int { return strings.Compare(string(a[:]), string(b[:])) })
		if got := h.members(third); !slices.Equal(got, append([]thimble.SubjectID{ada}, others...)) {
			h.t.Errorf("members = %v, want one group of three", got)
		}
		if n := h.leaves(); n != 2 {
			h.t.Errorf("%d leaves, want one for each merge", n)
		}
		if got, err := h.s.Find(ctx, mail("alias@example.org")); err != nil || got != alias {
			h.t.Errorf("the identifier leads to %s, %v, want its own subject: new data stays with it", got, err)
		}
		if n, err := h.s.Count(ctx); err != nil || n != 1 {
			h.t.Errorf("Count = %d, %v, want one person", n, err)
		}
	})
}

// Privacy case 35.
func TestUnmergeRestoresBothExactly(t *testing.T) {
	each(t, func(h shop) {
		ada, bob, cy := h.person("ada@example.org"), h.person("bob@example.org"), h.person("cy@example.org")
		h.live(ada, "FR")
		h.live(bob, "DE")
		first := h.merge(ada, bob)
		whole := map[thimble.SubjectID][]thimble.Datum{ada: h.export(ada), bob: h.export(bob), cy: h.export(cy)}
		second := h.merge(cy, bob) // said of bob, so it goes with bob

		p := h.part(first.ID)

		if !slices.Equal(p.Left, []thimble.SubjectID{ada}) || !slices.Equal(p.Right, []thimble.SubjectID{bob, cy}) {
			h.t.Errorf("parted into %v and %v", p.Left, p.Right)
		}
		if !slices.Equal(h.members(cy), []thimble.SubjectID{bob, cy}) {
			h.t.Errorf("the later link is gone: %v", h.members(cy))
		}
		if p.Opening.Record == nil {
			h.t.Error("nothing opens the leaf of the end")
		}
		h.part(second.ID)
		third := h.merge(ada, bob)
		again := map[thimble.SubjectID][]thimble.Datum{ada: h.export(ada), bob: h.export(bob), cy: h.export(cy)}
		h.part(third.ID)
		for id := range whole {
			if alone := h.members(id); len(alone) != 1 {
				h.t.Errorf("%s is still joined: %v", id, alone)
			}
			if len(again[id]) != len(whole[id]) {
				h.t.Errorf("joined anew, the export of %s has %d values, want %d", id, len(again[id]), len(whole[id]))
			}
		}
		for _, d := range h.export(ada) {
			if d.Name == "joined with another account" || d.Value == "bob@example.org" {
				h.t.Errorf("the export of ada holds %v after the end of the merge", d)
			}
		}
	})
}

func TestExportsAreTheSameBeforeAMergeAndAfterItsEnd(t *testing.T) {
	each(t, func(h shop) {
		ada, bob := h.person("ada@example.org"), h.person("bob@example.org")
		h.live(ada, "FR")
		want := [][]thimble.Datum{h.export(ada), h.export(bob)}
		m := h.merge(ada, bob)
		if joined := h.export(bob); len(joined) != len(want[1])+1 {
			h.t.Errorf("a joined person's export has %d values, want the merge in it", len(joined))
		}
		h.part(m.ID)
		if diff := cmp.Diff(want, [][]thimble.Datum{h.export(ada), h.export(bob)}); diff != "" {
			h.t.Errorf("changed:\n%s", diff)
		}
	})
}

func TestAMergeIsRefusedWithAReason(t *testing.T) {
	each(t, func(h shop) {
		ada, bob, child, gone := h.person("ada@example.org"), h.person("bob@example.org"), h.person("child@example.org"), h.person("gone@example.org")
		if _, err := h.s.Erase(ctx, gone); err != nil {
			h.t.Fatal(err)
		}
		h.merge(ada, bob)
		if err := h.try(func(tx *sqldb.Tx) error {
			return h.s.Relate(ctx, tx, subject.Relation{From: bob, To: child, Kind: subject.Guardian})
		}); err != nil {
			h.t.Fatal(err)
		}
		device := byStaff
		device.Ground = subject.ByDevice
		nobody := byStaff
		nobody.By = ""
		for _, c := range []struct {
			name string
			a, b thimble.SubjectID
			e    subject.Evidence
			kind error
			says string
		}{
			{"with itself", ada, ada, byStaff, thimble.ErrConflict, "one person already"},
			{"again", bob, ada, byStaff, thimble.ErrConflict, "one person already"},
			{"one erased", ada, gone, byStaff, thimble.ErrNotFound, "erased"},
			{"one unknown", thimble.SubjectID{9}, ada, byStaff, thimble.ErrNotFound, "unknown"},
			{"along a relation of another member", ada, child, byStaff, thimble.ErrConflict, "related"},
			{"by a device", ada, child, device, thimble.ErrInvalid, "device"},
			{"by nobody", ada, child, nobody, thimble.ErrInvalid, "by"},
		} {
			if _, err := h.tryMerge(c.a, c.b, c.e); !errors.Is(err, c.kind) || !strings.Contains(err.Error(), c.says) {
				h.t.Errorf("%s: %v, want %q of kind %q", c.name, err, c.says, c.kind)
			}
		}
		if n := h.leaves(); n != 1 {
			h.t.Errorf("%d leaves, want that of the one merge", n)
		}
	})
}

func TestMergesKeepToTheLimits(t *testing.T) {
	each(t, func(h shop) {
		s := subjectdb.New(h.core, h.v, subjectdb.Config{Opener: h.v, Ledger: h.log, Limits: subjectdb.Limits{Members: 3, Person: map[subject.Kind]int{subject.Email: 3}}})
		h.s = s
		var all []thimble.SubjectID
		for _, name := range []string{"a", "b", "c", "d"} {
			all = append(all, h.person(name+"@example.org"))
		}
		h.merge(all[0], all[1])
		h.merge(all[1], all[2])
		_, err := h.tryMerge(all[0], all[3], byStaff)
		wantKind(h.t, "a fourth member", err, thimble.ErrConflict)
		if err := h.add(all[3], mail("d2@example.org")); err != nil {
			h.t.Fatal(err)
		}
		if err := h.add(all[3], mail("d3@example.org")); err != nil {
			h.t.Fatal(err)
		}
		e := h.person("e@example.org")
		_, err = h.tryMerge(e, all[3], byStaff)
		wantKind(h.t, "a fourth address", err, thimble.ErrConflict)
		if err == nil || !strings.Contains(err.Error(), "identifiers of kind email") {
			h.t.Errorf("the error does not name the limit: %v", err)
		}
	})
}

// Privacy case 40.
func TestARecycledNumberLeadsToItsNewOwnerOnly(t *testing.T) {
	each(t, func(h shop) {
		phone, err := subject.NewIdentifier(subject.Phone, "+44 20 7946 0018")
		if err != nil {
			h.t.Fatal(err)
		}
		ada, bob := h.person("ada@example.org"), h.person("bob@example.org")
		if err := h.add(ada, phone); err != nil {
			h.t.Fatal(err)
		}
		wantKind(h.t, "claiming what somebody has", h.add(bob, phone), thimble.ErrConflict)
		if err := h.add(ada, phone); err != nil {
			h.t.Errorf("adding what is theirs: %v", err)
		}
		wantKind(h.t, "removing another's", h.remove(bob, phone), thimble.ErrNotFound)

		if err := h.remove(ada, phone); err != nil {
			h.t.Fatal(err)
		}
		_, err = h.s.Find(ctx, phone)
		wantKind(h.t, "finding by a number that was left", err, thimble.ErrNotFound)
		if err := h.add(bob, phone); err != nil {
			h.t.Fatal(err)
		}

		if got, err := h.s.Find(ctx, phone); err != nil || got != bob {
			h.t.Errorf("the number leads to %s, %v, want its new owner", got, err)
		}
		if data := h.export(bob); len(data) != 4 {
			h.t.Errorf("export of the new owner = %v", data)
		}
		if h.suppressedBy(phone) {
			h.t.Error("who left a number counts as forgotten")
		}
	})
}

func (h shop) suppressedBy(id subject.Identifier) bool {
	h.t.Helper()
	got, err := h.s.Suppressed(ctx, []subject.Identifier{id})
	if err != nil {
		h.t.Fatal(err)
	}
	return got[0]
}

func TestASubjectHasAsManyIdentifiersAsAreAllowed(t *testing.T) {
	each(t, func(h shop) {
		ada := h.person("ada0@example.org")
		for i := 1; i < 5; i++ {
			if err := h.add(ada, mail("ada"+string(rune('0'+i))+"@example.org")); err != nil {
				h.t.Fatal(err)
			}
		}
		wantKind(h.t, "a sixth address", h.add(ada, mail("ada5@example.org")), thimble.ErrConflict)
		if _, err := h.s.Find(ctx, mail("ada5@example.org")); !errors.Is(err, thimble.ErrNotFound) {
			h.t.Errorf("the refused address leads somewhere: %v", err)
		}
	})
}

// Privacy case 37.
func TestRelatedPeopleStayTwoAndLearnNothingOfEachOther(t *testing.T) {
	each(t, func(h shop) {
		ada, aunt := h.person("ada@example.org"), h.person("aunt@example.org")
		relate := func() error {
			return h.try(func(tx *sqldb.Tx) error {
				return h.s.Relate(ctx, tx, subject.Relation{From: ada, To: aunt, Kind: subject.Recipient})
			})
		}
		if err := relate(); err != nil {
			h.t.Fatal(err)
		}
		for id, as := range map[thimble.SubjectID]string{ada: "sends presents", aunt: "receives presents"} {
			i := slices.IndexFunc(h.export(id), func(d thimble.Datum) bool { return d.Name == "related" })
			if i < 0 {
				h.t.Fatalf("%s is not told", as)
			}
			if part := h.export(id)[i].Value.(subject.Part); part.As != as || part.Kind != subject.Recipient {
				h.t.Errorf("part = %+v, want %q", part, as)
			}
		}
		if _, err := h.s.Erase(ctx, aunt); err != nil {
			h.t.Fatal(err)
		}
		if got, err := h.s.Relations(ctx, ada); err != nil || len(got) != 0 {
			h.t.Errorf("the relation to an erased person stays: %v, %v", got, err)
		}
		wantKind(h.t, "relating to somebody erased", relate(), thimble.ErrNotFound)
	})
}

func TestErasingAMemberPartsTheOthersFromIt(t *testing.T) {
	each(t, func(h shop) {
		a, b, c, d := h.person("a@example.org"), h.person("b@example.org"), h.person("c@example.org"), h.person("d@example.org")
		h.merge(a, b)
		h.merge(b, c)
		h.merge(c, d)

		if _, err := h.s.Erase(ctx, b); err != nil {
			h.t.Fatal(err)
		}

		if !slices.Equal(h.members(a), []thimble.SubjectID{a}) || !slices.Equal(h.members(d), []thimble.SubjectID{c, d}) {
			h.t.Errorf("left are %v and %v", h.members(a), h.members(d))
		}
		if links, err := h.s.Merges(ctx, d); err != nil || len(links) != 1 {
			h.t.Errorf("links = %v, %v, want the one of c and d", links, err)
		}
	})
}

func TestAMergeOpensUnderItsOwnPersonsKey(t *testing.T) {
	each(t, func(h shop) {
		ada, bob := h.person("ada@example.org"), h.person("bob@example.org")
		h.merge(ada, bob)
		links, err := h.s.Merges(ctx, bob)
		if err != nil || len(links) != 1 {
			h.t.Fatal(links, err)
		}
		r, opening, err := links[0].Open(ctx, grant{h.v, ada})
		if err != nil || r.Note != "same name and street" || r.By != "staff sam" || opening.Record == nil {
			h.t.Errorf("record %+v, %v", r, err)
		}
		if strings.Contains(string(links[0].Sealed), "street") {
			h.t.Error("the evidence is not sealed")
		}
	})
}

func TestUnknownIsNotAdult(t *testing.T) {
	each(t, func(h shop) {
		ada := h.person("ada@example.org")
		open := func() subject.Age {
			sealed, err := h.s.Age(ctx, ada)
			if err != nil {
				h.t.Fatal(err)
			}
			age, err := subject.OpenAge(ctx, grant{h.v, ada}, ada, sealed)
			if err != nil {
				h.t.Fatal(err)
			}
			return age
		}
		if a := open(); a.State != subject.AgeUnknown || a.Adult() || a.Minor() {
			h.t.Errorf("age of somebody of whom nothing is known: %+v", a)
		}
		before, _ := h.s.Epoch(ctx, ada)
		set := func(a subject.Age) error {
			return h.try(func(tx *sqldb.Tx) error { return h.s.SetAge(ctx, tx, ada, a) })
		}
		if err := set(subject.Age{State: subject.AgeMinor, Evidence: "declared", At: time.Now()}); err != nil {
			h.t.Fatal(err)
		}
		if after, _ := h.s.Epoch(ctx, ada); !open().Minor() || after != before+1 {
			h.t.Errorf("age %+v, epoch %d after %d", open(), after, before)
		}
		wantKind(h.t, "an age that is none", set(subject.Age{State: "old", Evidence: "declared"}), thimble.ErrInvalid)
		wantKind(h.t, "without evidence", set(subject.Age{State: subject.AgeAdult}), thimble.ErrInvalid)
	})
}

func TestOneRestrictedMemberRestrictsThePerson(t *testing.T) {
	each(t, func(h shop) {
		ada, bob := h.person("ada@example.org"), h.person("bob@example.org")
		m := h.merge(ada, bob)
		if err := h.try(func(tx *sqldb.Tx) error { return h.s.SetRestricted(ctx, tx, bob, true) }); err != nil {
			h.t.Fatal(err)
		}
		if p, err := h.s.Person(ctx, ada); err != nil || !p.Restricted {
			h.t.Errorf("person %+v, %v, want restricted", p, err)
		}
		h.part(m.ID)
		if p, err := h.s.Person(ctx, ada); err != nil || p.Restricted {
			h.t.Errorf("person %+v, %v, want as before the merge", p, err)
		}
	})
}
