package gatedb_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"thimble"
	"thimble/internal/gate"
	"thimble/internal/gate/gatedb"
	"thimble/internal/sqldb"
	"thimble/internal/thimbletest"
)

// opened has an actor open people's orders for support.
func opened(t *testing.T, s *thimbletest.Shop, a gate.Actor, people ...thimble.SubjectID) {
	t.Helper()
	for _, who := range people {
		if _, err := s.Gate.Open(t.Context(), gate.Request{Actor: a, Subject: who, Purpose: thimble.SupportOperations, Categories: []thimble.Category{thimble.PurchaseHistory}}); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Uses.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func crowd(s *thimbletest.Shop, n int) (people []thimble.SubjectID) {
	for i := range n {
		people = append(people, s.Subject(fmt.Sprint("account-", i)))
	}
	slices.SortFunc(people, func(a, b thimble.SubjectID) int { return slices.Compare(a[:], b[:]) })
	return people
}

var owner, till = gate.Actor{Kind: gate.Staff, Name: "owner"}, gate.Actor{Kind: gate.Client, Name: "till"}

func TestTheReachNamesEverybodyWhoseDataCouldHaveBeenSeen(t *testing.T) {
	thimbletest.Each(t, func(t *testing.T, s *thimbletest.Shop) {
		people := crowd(s, 7)
		opened(t, s, owner, people[:3]...)
		opened(t, s, till, people[2:]...)
		opened(t, s, till, people[2:]...)
		now := time.Now()
		for _, c := range []struct {
			name   string
			q      gatedb.Query
			people int
			reads  int64
		}{
			{"everything", gatedb.Query{}, 7, 13},
			{"one of the staff", gatedb.Query{Kind: gate.Staff, Actor: "owner"}, 3, 3},
			{"a stolen key", gatedb.Query{Kind: gate.Client, Actor: "till", From: now.Add(-time.Hour), To: now.Add(time.Minute)}, 5, 10},
			{"before it was stolen", gatedb.Query{Kind: gate.Client, Actor: "till", To: now.Add(-time.Hour)}, 0, 0},
			{"who keeps orders", gatedb.Query{Holder: "order"}, 7, 13},
			{"who keeps sessions", gatedb.Query{Holder: "session"}, 0, 0},
			{"a name that is a pattern", gatedb.Query{Holder: "%"}, 0, 0},
			{"an actor nobody knows", gatedb.Query{Actor: "nobody"}, 0, 0},
		} {
			r, err := s.Uses.Reach(t.Context(), c.q, thimble.SubjectID{}, 100)
			if err != nil || r.People != c.people || r.Reads != c.reads || len(r.Touched) != c.people || r.More {
				t.Errorf("%s: %d people, %d reads, %d named, %v; want %d and %d", c.name, r.People, r.Reads, len(r.Touched), err, c.people, c.reads)
			}
		}
		var paged []thimble.SubjectID
		for after, more := (thimble.SubjectID{}), true; more; {
			r, err := s.Uses.Reach(t.Context(), gatedb.Query{}, after, 2)
			if err != nil {
				t.Fatal(err)
			}
			for _, p := range r.Touched {
				paged, after = append(paged, p.Subject), p.Subject
			}
			more = r.More
		}
		if !slices.Equal(paged, people) {
			t.Errorf("page by page: %v, want %v", paged, people)
		}
	})
}

func alarms(t *testing.T, s *thimbletest.Shop) []gatedb.Raised {
	t.Helper()
	all, err := s.Uses.Alarms(t.Context(), 100)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestABulkReadRaisesOneAlarm(t *testing.T) {
	thimbletest.Each(t, func(t *testing.T, s *thimbletest.Shop) {
		limits := gate.Limits{Bulk: map[gate.Kind]int{gate.Staff: 5}}
		people := crowd(s, 7)
		opened(t, s, owner, people[:5]...)
		if n, err := s.Uses.Watch(t.Context(), limits); err != nil || n != 0 {
			t.Fatalf("five people: %d alarms, %v", n, err)
		}
		opened(t, s, owner, people[5])
		if n, err := s.Uses.Watch(t.Context(), limits); err != nil || n != 1 {
			t.Fatalf("six people: %d alarms, %v, want one", n, err)
		}
		opened(t, s, owner, people[6])
		if n, err := s.Uses.Watch(t.Context(), limits); err != nil || n != 0 {
			t.Errorf("a seventh: %d more alarms, %v, want none", n, err)
		}
		all := alarms(t, s)
		if len(all) != 1 || all[0].Alarm.Kind != gate.BulkRead || all[0].Alarm.Hour.People != 7 || !all[0].Open {
			t.Errorf("alarms = %+v, want one that has grown to 7 people", all)
		}
	})
}

func TestOpeningAMadeUpPersonRaisesAnAlarmAtOnce(t *testing.T) {
	thimbletest.Each(t, func(t *testing.T, s *thimbletest.Shop) {
		canary := s.Subject("100001")
		err := s.Core.Write(t.Context(), func(tx *sqldb.Tx) error { return s.Uses.Plant(t.Context(), tx, canary) })
		if err != nil {
			t.Fatal(err)
		}
		opened(t, s, owner, s.Subject("ada"))
		opened(t, s, gate.Actor{Kind: gate.Machine, Name: "recommend"}, canary) // works through everybody
		if all := alarms(t, s); len(all) != 0 {
			t.Fatalf("alarms = %+v before anybody looked", all)
		}
		opened(t, s, owner, canary)
		opened(t, s, till, canary)
		all := alarms(t, s)
		if len(all) != 2 || all[0].Alarm.Kind != gate.CanaryRead || all[1].Alarm.Kind != gate.CanaryRead {
			t.Errorf("alarms = %+v, want one for the owner and one for the till", all)
		}
	})
}

func TestNobodyClosesAnAlarmAboutThemselves(t *testing.T) {
	thimbletest.Each(t, func(t *testing.T, s *thimbletest.Shop) {
		opened(t, s, owner, crowd(s, 3)...)
		if _, err := s.Uses.Watch(t.Context(), gate.Limits{Bulk: map[gate.Kind]int{gate.Staff: 2}}); err != nil {
			t.Fatal(err)
		}
		id := alarms(t, s)[0].ID
		const found = "a mailing to those who bought the shirt"
		for _, c := range []struct {
			name, staff, note string
			id                thimble.ID
			want              error
		}{
			{"themselves", "owner", found, id, thimble.ErrDenied},
			{"without saying why", "officer", "ok", id, thimble.ErrInvalid},
			{"an alarm that is not there", "officer", found, thimble.ID{1}, thimble.ErrNotFound},
			{"somebody else", "officer", found, id, nil},
			{"twice", "officer", found, id, thimble.ErrConflict},
		} {
			if err := s.Uses.CloseAlarm(context.Background(), c.id, c.staff, c.note); !errors.Is(err, c.want) {
				t.Errorf("%s: %v, want %v", c.name, err, c.want)
			}
		}
		if a := alarms(t, s)[0]; a.Open || a.ClosedBy != "officer" || a.Note != found || a.ClosedAt.IsZero() {
			t.Errorf("closed: %+v", a)
		}
	})
}

func TestTheAuditHoldsAlarmsAgainstTheirLeaves(t *testing.T) {
	thimbletest.Each(t, func(t *testing.T, s *thimbletest.Shop) {
		opened(t, s, owner, crowd(s, 3)...)
		if _, err := s.Uses.Watch(t.Context(), gate.Limits{Bulk: map[gate.Kind]int{gate.Staff: 2}}); err != nil {
			t.Fatal(err)
		}
		if err := s.Uses.CloseAlarm(t.Context(), alarms(t, s)[0].ID, "officer", "a mailing to three people"); err != nil {
			t.Fatal(err)
		}
		s.Works()
		if a, err := s.Audit(t.Context()); err != nil || len(a.Findings) != 0 {
			t.Fatalf("an untouched installation: %+v, %v", a.Findings, err)
		}
		err := s.Core.Write(t.Context(), func(tx *sqldb.Tx) error {
			_, err := tx.Exec(t.Context(), `update gate_alarms set actor = 'somebody else'`)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		if a, err := s.Audit(t.Context()); err != nil || len(a.Findings) != 1 || a.Findings[0].Table != "gate_alarms" {
			t.Errorf("an alarm that names somebody else: %+v, %v, want one finding", a.Findings, err)
		}
	})
}

func TestOfAMadeUpPersonWhoIsForgottenNothingIsLeft(t *testing.T) {
	thimbletest.Each(t, func(t *testing.T, s *thimbletest.Shop) {
		if err := s.PlantCanary(t.Context()); err != nil {
			t.Fatal(err)
		}
		people, err := s.Subjects.Page(t.Context(), thimble.SubjectID{}, 10)
		if err != nil || len(people) != 1 {
			t.Fatalf("%v, %v, want one made-up person", people, err)
		}
		s.Erase(people[0])
		if n, err := s.Uses.Canaries(t.Context()); err != nil || n != 0 {
			t.Errorf("%d made-up people are left, %v", n, err)
		}
	})
}
