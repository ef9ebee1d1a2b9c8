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

	"github.com/google/go-cmp/cmp"

	"thimble"
	"thimble/internal/order"
	"thimble/internal/rights"
	"thimble/internal/rights/rightsdb"
	"thimble/internal/session"
	"thimble/internal/sqldb"
	"thimble/internal/thimbletest"
)

// links merges people in memory, as the store of subjects does in its tables.
type links struct {
	s   *thimbletest.Shop
	all map[thimble.ID]thimble.Merge
}

func (l *links) Members(_ context.Context, who thimble.SubjectID) ([]thimble.SubjectID, error) {
	for _, m := range l.all {
		if m.Absorbed == who && m.Until.IsZero() {
			who = m.Survivor
		}
	}
	members := []thimble.SubjectID{who}
	for _, m := range l.all {
		if m.Survivor == who && m.Until.IsZero() {
			members = append(members, m.Absorbed)
		}
	}
	return members, nil
}

func (l *links) Merge(ctx context.Context, survivor, absorbed thimble.SubjectID, _ string) (thimble.Merge, error) {
	id, err := thimble.NewID(nil)
	if err != nil {
		return thimble.Merge{}, err
	}
	m := thimble.Merge{ID: id, Survivor: survivor, Absorbed: absorbed, At: time.Now().UTC()}
	l.all[id] = m
	return m, l.touch(ctx, m)
}

func (l *links) Unmerge(ctx context.Context, id thimble.ID) (thimble.Merge, error) {
	m, ok := l.all[id]
	if !ok {
		return m, fmt.Errorf("merge: %w", thimble.ErrNotFound)
	}
	if m.Until.IsZero() {
		m.Until = time.Now().UTC()
		l.all[id] = m
	}
	return m, l.touch(ctx, m)
}

func (l *links) touch(ctx context.Context, m thimble.Merge) error {
	return l.s.Core.Write(ctx, func(tx *sqldb.Tx) error {
		for _, who := range []thimble.SubjectID{m.Survivor, m.Absorbed} {
			if _, err := l.s.Subjects.Touch(ctx, tx, who); err != nil {
				return err
			}
		}
		return nil
	})
}

// merging gives a shop links, and a desk that knows them.
func merging(s *thimbletest.Shop, holders ...thimble.Holder) (*links, *rights.Desk) {
	l := &links{s: s, all: map[thimble.ID]thimble.Merge{}}
	return l, deskOver(s, l, holders...)
}

func deskOver(s *thimbletest.Shop, l *links, holders ...thimble.Holder) *rights.Desk {
	s.Shop.People = l
	if len(holders) == 0 {
		holders = s.Holders()
	}
	model := func() string { v, _ := s.Shop.Version(); return fmt.Sprintf("%x", v.Hash) }
	return rights.NewDesk(s.Requests, s.Vault, model, holders...).With(rights.Config{People: l, Links: l, Snapshots: s.Core})
}

// An interloper writes when somebody reads.
type interloper struct {
	thimble.Holder
	write func()
}

func (i interloper) Export(ctx context.Context, s thimble.SubjectID) iter.Seq2[thimble.Datum, error] {
	i.write()
	return i.Holder.Export(ctx, s)
}

func TestAnArchiveShowsOneStateWhileOthersWrite(t *testing.T) {
	thimbletest.Each(t, func(t *testing.T, s *thimbletest.Shop) {
		crowd(s)
		ada := s.Subject("ada", thimbletest.Allows(personalize, train)...)
		s.Buys(ada, "shirt")
		s.Works()
		s.Sees(ada)
		s.Archive(ada) // the day's request is in it from here on
		want := s.Archive(ada)
		holders := s.Holders()
		for i := range holders { // each holder is asked after something was written for all
			holders[i] = interloper{holders[i], func() {
				s.Buys(ada, "scarf")
				s.Chooses(ada, thimbletest.Allows(personalize)...)
				s.Sees(ada)
				if _, err := s.Shop.Train(t.Context(), "in between", nil); err != nil {
					t.Error(err)
				}
			}}
		}
		got, err := rights.NewDesk(s.Requests, s.Vault, nil, holders...).With(rights.Config{Snapshots: s.Core}).Access(t.Context(), ada)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want.Data, got.Data); diff != "" {
			t.Errorf("before (-) and while others wrote (+):\n%s", diff)
		}
		if !strings.HasPrefix(got.Snapshot.Name, "snap_") || got.Snapshot.Name == want.Snapshot.Name || got.Report.Snapshot == nil {
			t.Errorf("the archives do not name their snapshots: %v, %v", want.Snapshot, got.Snapshot)
		}
		for _, d := range got.Data {
			if d.At.After(got.Snapshot.At) {
				t.Errorf("%s of %s is younger than the snapshot of %s", d.Name, d.At, got.Snapshot.At)
			}
		}
		if now := s.Archive(ada); len(now.Data) <= len(got.Data) {
			t.Error("nothing was written in between: the test shows nothing")
		}
	})
}

func TestLooksOfOneDayAreOneRequest(t *testing.T) {
	thimbletest.Each(t, func(t *testing.T, s *thimbletest.Shop) {
		ctx, now := t.Context(), time.Date(2026, 11, 22, 23, 0, 0, 0, time.UTC)
		requests := rightsdb.New(s.Core, s.Ledger, s.Subjects, func() time.Time { return now })
		desk := rights.NewDesk(requests, s.Vault, nil, append(s.Holders()[:6:6], requests)...)
		ada, bob := s.Subject("ada"), s.Subject("bob")
		asked := func() int {
			all, err := requests.List(ctx, 100)
			if err != nil {
				t.Fatal(err)
			}
			return len(all)
		}
		var first string
		for range 3 {
			a, err := desk.Access(ctx, ada)
			if err != nil {
				t.Fatal(err)
			}
			if first == "" {
				first = a.Report.Request
			}
			if a.Report.Request != first {
				t.Errorf("a second look of the day is request %s, want %s", a.Report.Request, first)
			}
		}
		if _, err := desk.Look(ctx, ada, "order"); err != nil || asked() != 1 {
			t.Errorf("%d requests after three looks of one person and one at a part, %v, want 1", asked(), err)
		}
		if _, err := desk.Look(ctx, ada, "nobody"); !errors.Is(err, thimble.ErrNotFound) {
			t.Errorf("looking into an unknown holder: %v, want not found", err)
		}
		if _, err := desk.Access(ctx, bob); err != nil || asked() != 2 {
			t.Errorf("%d requests after another person's look, %v, want 2", asked(), err)
		}
		now = now.Add(time.Hour) // the next day
		if _, err := desk.Access(ctx, ada); err != nil || asked() != 3 {
			t.Errorf("%d requests on the next day, %v, want 3", asked(), err)
		}
	})
}

func TestEachVerbReachesEveryHolderAndIsALeaf(t *testing.T) {
	thimbletest.Each(t, func(t *testing.T, s *thimbletest.Shop) {
		ctx := t.Context()
		_, desk := merging(s)
		crowd(s)
		ada, eve := someone(t, s, "ada"), someone(t, s, "eve")
		var merged rights.Report
		for _, step := range []struct {
			name string
			do   func() (rights.Report, error)
		}{
			{"restrict", func() (rights.Report, error) { return desk.Restrict(ctx, ada, true) }},
			{"lift", func() (rights.Report, error) { return desk.Restrict(ctx, ada, false) }},
			{"object", func() (rights.Report, error) { return desk.Object(ctx, ada, train) }},
			{"merge", func() (r rights.Report, err error) {
				merged, err = desk.Merge(ctx, ada, eve, "same e-mail address")
				return merged, err
			}},
			{"unmerge", func() (rights.Report, error) {
				id, err := thimble.ParseID(rights.MergePrefix, merged.Link)
				if err != nil {
					return rights.Report{}, err
				}
				return desk.Unmerge(ctx, id)
			}},
			{"expire", func() (rights.Report, error) { return desk.Expire(ctx, "user", time.Now().Add(-time.Second)) }},
		} {
			s.Works()
			before, err := s.Ledger.Size(ctx)
			if err != nil {
				t.Fatal(err)
			}
			r, err := step.do()
			if err != nil {
				t.Fatalf("%s: %v", step.name, err)
			}
			if len(r.Holders) != len(s.Holders()) || string(r.Kind) != step.name || r.Refused != "" {
				t.Errorf("%s: the report is %+v", step.name, r)
			}
			id, err := thimble.ParseID(rights.TokenPrefix, r.Request)
			if err != nil {
				t.Fatal(err)
			}
			o, err := s.Requests.Opening(ctx, id)
			if err != nil {
				t.Fatal(err)
			}
			for _, who := range []thimble.SubjectID{ada, eve} {
				if strings.Contains(string(o.Record), who.String()) {
					t.Errorf("%s: the leaf's record names a person", step.name)
				}
			}
			s.Works()
			if after, err := s.Ledger.Size(ctx); err != nil || after <= before {
				t.Errorf("%s: no leaf was added, %v", step.name, err)
			}
		}
		if open, err := s.Requests.Open(ctx); err != nil || len(open) != 0 {
			t.Errorf("open requests: %v, %v", open, err)
		}
	})
}

func TestBadRequestsAreRefusedBeforeAnythingIsKept(t *testing.T) {
	s := thimbletest.New(t)
	ctx := t.Context()
	_, desk := merging(s)
	ada := s.Subject("ada")
	for name, try := range map[string]struct {
		do   func() (rights.Report, error)
		kind error
	}{
		"an objection to the contract": {func() (rights.Report, error) { return desk.Object(ctx, ada, thimble.EssentialService) }, thimble.ErrInvalid},
		"an expiry of nothing":         {func() (rights.Report, error) { return desk.Expire(ctx, "", time.Now()) }, thimble.ErrInvalid},
		"an expiry of the future": {func() (rights.Report, error) {
			return desk.Expire(ctx, thimble.PurchaseHistory, time.Now().Add(time.Hour))
		}, thimble.ErrInvalid},
		"a merge with oneself":        {func() (rights.Report, error) { return desk.Merge(ctx, ada, ada, "") }, thimble.ErrInvalid},
		"a merge where nobody merges": {func() (rights.Report, error) { return s.Desk.Merge(ctx, ada, thimble.SubjectID{1}, "") }, thimble.ErrUnavailable},
		"a restriction of nobody":     {func() (rights.Report, error) { return desk.Restrict(ctx, thimble.SubjectID{1}, true) }, thimble.ErrNotFound},
		"an undoing of no merge":      {func() (rights.Report, error) { return desk.Unmerge(ctx, thimble.ID{}) }, thimble.ErrInvalid},
	} {
		if _, err := try.do(); !errors.Is(err, try.kind) {
			t.Errorf("%s: %v, want kind %q", name, err, try.kind)
		}
	}
	if all, err := s.Requests.List(ctx, 10); err != nil || len(all) != 0 {
		t.Errorf("%d requests were kept, %v", len(all), err)
	}
	// An undoing that the links refuse is kept as refused, and not tried for ever.
	if _, err := desk.Unmerge(ctx, thimble.ID{7}); !errors.Is(err, thimble.ErrNotFound) {
		t.Errorf("undoing an unknown merge: %v, want not found", err)
	}
	if all, err := s.Requests.List(ctx, 10); err != nil || len(all) != 1 || all[0].State != rights.Refused {
		t.Errorf("requests: %+v, %v, want one refused", all, err)
	}
}

func TestARestrictionAndItsEndDoNotCross(t *testing.T) {
	s := thimbletest.New(t)
	ctx := t.Context()
	ada := s.Subject("ada")
	if _, err := s.Requests.Begin(ctx, rights.Request{Subject: ada, Kind: rights.Restrict}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Desk.Restrict(ctx, ada, false); !errors.Is(err, thimble.ErrConflict) {
		t.Errorf("lifting a restriction that is not done yet: %v, want a conflict", err)
	}
	if n, err := s.Desk.Retry(ctx); n != 1 || err != nil {
		t.Fatalf("retrying finished %d, %v", n, err)
	}
	if _, err := s.Desk.Restrict(ctx, ada, false); err != nil {
		t.Error(err)
	}
}

func TestErasingAPersonErasesAllTheirMembers(t *testing.T) {
	thimbletest.Each(t, func(t *testing.T, s *thimbletest.Shop) {
		ctx := t.Context()
		_, desk := merging(s)
		crowd(s)
		ada, eve := someone(t, s, "ada"), someone(t, s, "eve")
		if _, err := desk.Merge(ctx, ada, eve, "same e-mail address"); err != nil {
			t.Fatal(err)
		}
		both, err := desk.Access(ctx, eve)
		if err != nil {
			t.Fatal(err)
		}
		if text := fmt.Sprint(both.Data); !strings.Contains(text, ada.String()) || !strings.Contains(text, eve.String()) {
			t.Error("the archive of one lacks what is held about the other")
		}
		report, err := desk.Erase(ctx, eve) // whichever of the two is named
		if err != nil {
			t.Fatal(err)
		}
		if len(report.OtherKeys) != 1 || report.OtherKeys[0] == report.KeyHash {
			t.Errorf("the keys of two are destroyed, and the report says %q and %q", report.KeyHash, report.OtherKeys)
		}
		for _, who := range []thimble.SubjectID{ada, eve} {
			for table, n := range rowsOf(t, s, who) {
				if !slices.Contains([]string{"subject_subjects", "consent_events"}, table) && n > 0 {
					t.Errorf("%s still has %d rows of %s", table, n, who)
				}
			}
		}
	})
}

// shown is what is exported of a person, but for the record of who looked, of their
// own requests, and of sessions, which end.
func shown(t *testing.T, s *thimbletest.Shop, who thimble.SubjectID) map[string][]thimble.Datum {
	t.Helper()
	all := map[string][]thimble.Datum{}
	for _, h := range []thimble.Holder{s.Subjects, s.Consent, s.Orders, s.Decisions} {
		all[h.HolderName()] = exported(t, h, who)
	}
	return all
}

func TestUndoingAMergeLeavesNothingLearnedWithTheWrongPerson(t *testing.T) {
	thimbletest.Each(t, func(t *testing.T, s *thimbletest.Shop) {
		ctx := t.Context()
		_, desk := merging(s)
		crowd(s)
		ada := s.Subject("ada", thimbletest.Allows(personalize, train)...)
		eve := s.Subject("eve", thimbletest.Allows(personalize, train)...)
		s.Buys(ada, "shirt", "extra-1")
		s.Buys(eve, "scarf", "extra-2")
		s.Works()
		s.Sees(ada)
		adas, eves := shown(t, s, ada), shown(t, s, eve)
		before, _ := s.Shop.Version()

		r, err := desk.Merge(ctx, ada, eve, "same e-mail address")
		if err != nil {
			t.Fatal(err)
		}
		s.Works()
		merged, _ := s.Shop.Version()
		if merged.Hash == before.Hash || merged.Stats.People != before.Stats.People-1 {
			t.Errorf("two who are one count as %d people, before %d", merged.Stats.People, before.Stats.People)
		}
		one := s.Sees(ada)
		if len(exported(t, s.Decisions, ada)) != len(adas["decision"])+1 || one.Decision.IsZero() {
			t.Fatal("nothing was decided about the person: the test shows nothing")
		}
		cookie, err := s.Sessions.Begin(ctx, session.Who{Audience: session.Customer, Subject: eve})
		if err != nil {
			t.Fatal(err)
		}
		id, err := thimble.ParseID(rights.MergePrefix, r.Link)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := desk.Unmerge(ctx, id); err != nil {
			t.Fatal(err)
		}

		if diff := cmp.Diff(adas, shown(t, s, ada)); diff != "" {
			t.Errorf("of ada, before (-) and after (+):\n%s", diff)
		}
		if diff := cmp.Diff(eves, shown(t, s, eve)); diff != "" {
			t.Errorf("of eve, before (-) and after (+):\n%s", diff)
		}
		if after, _ := s.Shop.Version(); after.Hash != before.Hash {
			t.Error("the model is not the one that knew two people, byte for byte")
		}
		if _, err := s.Sessions.Who(ctx, cookie, session.Customer); !errors.Is(err, thimble.ErrDenied) {
			t.Errorf("a session of the time they were one: %v, want none", err)
		}
		for who, other := range map[thimble.SubjectID]thimble.SubjectID{ada: eve, eve: ada} {
			a, err := desk.Access(ctx, who)
			if err != nil || strings.Contains(fmt.Sprint(a.Data), other.String()) {
				t.Errorf("the archive of one holds the other, %v", err)
			}
		}
	})
}

// A mortal holder dies when it is told of a merge, or of its undoing.
type mortal struct{ thimble.Holder }

func (mortal) Merge(context.Context, thimble.Merge) error   { return errDead }
func (mortal) Unmerge(context.Context, thimble.Merge) error { return errDead }

func TestAMergeAndItsUndoingThatACrashInterruptsAreFinishedByTheNextStart(t *testing.T) {
	s := thimbletest.New(t)
	ctx := t.Context()
	crowd(s)
	_, desk := merging(s)
	for i, h := range s.Holders() {
		t.Run(h.HolderName(), func(t *testing.T) {
			ada, eve := s.Subject(fmt.Sprintf("ada-%d", i), thimbletest.Allows(personalize, train)...), s.Subject(fmt.Sprintf("eve-%d", i), thimbletest.Allows(personalize, train)...)
			s.Buys(ada, "shirt")
			s.Buys(eve, "scarf")
			s.Works()
			two, _ := s.Shop.Version()
			holders := s.Holders()
			holders[i] = mortal{holders[i]}
			l, dying := merging(s, holders...)
			desk = deskOver(s, l)
			if _, err := dying.Merge(ctx, ada, eve, "same e-mail address"); !errors.Is(err, errDead) {
				t.Fatalf("got %v, want the death", err)
			}
			if n, err := desk.Resume(ctx); n != 1 || err != nil {
				t.Fatalf("the next start finished %d, %v", n, err)
			}
			s.Works()
			if one, _ := s.Shop.Version(); one.Stats.People != two.Stats.People-1 {
				t.Errorf("the two count as two after the merge was finished")
			}
			s.Sees(ada)
			var id thimble.ID
			for id = range l.all {
			}
			if _, err := dying.Unmerge(ctx, id); !errors.Is(err, errDead) {
				t.Fatalf("got %v, want the death", err)
			}
			if n, err := desk.Resume(ctx); n != 1 || err != nil {
				t.Fatalf("the next start finished %d, %v", n, err)
			}
			if after, _ := s.Shop.Version(); after.Hash != two.Hash || len(exported(t, s.Decisions, ada)) != 0 {
				t.Error("something that was learned of both is left")
			}
		})
	}
}

func TestAMergeThatEndedBeforeItsLinkIsNotedIsJudgedByTheLinks(t *testing.T) {
	s := thimbletest.New(t)
	ctx := t.Context()
	l, desk := merging(s)
	ada, eve, bob := s.Subject("ada"), s.Subject("eve"), s.Subject("bob")
	for _, other := range []thimble.SubjectID{eve, bob} {
		if _, err := s.Requests.Begin(ctx, rights.Request{Kind: rights.Merge, Subject: ada, Others: []thimble.SubjectID{other}}); err != nil {
			t.Fatal(err)
		}
	}
	m, err := l.Merge(ctx, ada, eve, "") // the one link was made, the other was not
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Requests.Begin(ctx, rights.Request{Kind: rights.Unmerge, Report: rights.Report{Link: m.ID.Token(rights.MergePrefix)}}); err != nil {
		t.Fatal(err)
	}
	if n, err := desk.Resume(ctx); n != 3 || err != nil {
		t.Fatalf("finished %d, %v", n, err)
	}
	all, err := s.Requests.List(ctx, 10)
	if err != nil {
		t.Fatal(err)
	}
	var states []string
	for _, r := range all {
		states = append(states, string(r.Kind)+" "+string(r.State))
	}
	slices.Sort(states)
	if diff := cmp.Diff([]string{"merge fulfilled", "merge refused", "unmerge fulfilled"}, states); diff != "" {
		t.Error(diff)
	}
	if members, _ := l.Members(ctx, ada); len(members) != 1 {
		t.Error("the interrupted undoing did not cut the link")
	}
}

// broken orders cannot be read, so that no training succeeds.
type broken struct{}

func (broken) Of(context.Context, thimble.SubjectID, int) ([]order.Sealed, error) {
	return nil, fmt.Errorf("the disk is on strike: %w", thimble.ErrUnavailable)
}

func TestATrainingThatKeepsFailingKeepsNoErasureOpenAndNoStartFromServing(t *testing.T) {
	thimbletest.Each(t, func(t *testing.T, s *thimbletest.Shop) {
		ctx := t.Context()
		crowd(s)
		ada := s.Subject("ada", thimbletest.Allows(personalize, train)...)
		bob := s.Subject("bob", thimbletest.Allows(personalize, train)...)
		s.Buys(ada, "shirt", "scarf")
		s.Buys(bob, "belt")
		s.Works()
		orders, before := s.Shop.Orders, modelOf(s)
		s.Shop.Orders = broken{}

		report := s.Erase(ada)

		if report.Models == nil || report.Models.Before != before || report.Models.After != "" {
			t.Errorf("the report says of the models: %+v, want none after", report.Models)
		}
		files, err := s.Files.List()
		if _, serves := s.Shop.Version(); serves || err != nil || len(files) != 0 {
			t.Errorf("a model that knew the person is left: %t, %v, %v", serves, files, err)
		}
		if all, err := s.Versions.List(ctx, 1); err != nil || all[0].Serving || all[0].Withdrawn.IsZero() {
			t.Errorf("the version is not withdrawn: %+v, %v", all, err)
		}
		if err := s.Recover(ctx); err != nil {
			t.Errorf("the next start does not serve: %v", err)
		}
		if popular, err := s.Shop.Popular(ctx, 3); err != nil || len(popular.Entries) == 0 {
			t.Errorf("no popular list: %v", err)
		}

		s.Shop.Orders = orders
		s.Works() // the job that was asked for

		if list := s.Sees(bob); !list.Personal {
			t.Errorf("after the strike: %q, want a personal list", list.Why)
		}
	})
}

func modelOf(s *thimbletest.Shop) string {
	v, _ := s.Shop.Version()
	return fmt.Sprintf("%x", v.Hash)
}
