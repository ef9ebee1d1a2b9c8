package app_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"thimble"
	"thimble/internal/collect/intake"
	"thimble/internal/collect/segment"
	"thimble/internal/retention"
	"thimble/internal/sqldb"
	"thimble/internal/thimbletest"
)

// was puts the day on which somebody was there last, and when they came to be known, to some
// days ago.
func was(t *testing.T, s *thimbletest.Shop, who thimble.SubjectID, at time.Time) {
	t.Helper()
	err := s.Core.Write(t.Context(), func(tx *sqldb.Tx) error {
		_, err := tx.Exec(t.Context(), `update subject_subjects set created_at = $1, seen_on = $2 where id = $3`, at.UnixMicro(), at.UTC().Truncate(24*time.Hour).UnixMicro(), who[:])
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func seenOn(t *testing.T, s *thimbletest.Shop, who thimble.SubjectID) string {
	t.Helper()
	at, err := s.Subjects.SeenOn(t.Context(), who)
	if err != nil {
		t.Fatal(err)
	}
	return at.Format(time.DateOnly)
}

// Whatever somebody did is a day on which they were there, and stays one when what says so
// is gone.
func TestTheDayOfTheLastVisitOutlastsWhatSaysSo(t *testing.T) {
	thimbletest.Each(t, func(t *testing.T, s *thimbletest.Shop) {
		now := time.Now().UTC().Truncate(time.Microsecond)
		long, lately, today := now.AddDate(-2, 0, 0), now.AddDate(0, -3, 0), now.Format(time.DateOnly)
		ways := map[string]struct {
			does func(who thimble.SubjectID)
			on   string
		}{
			"nothing":              {func(thimble.SubjectID) {}, long.Format(time.DateOnly)},
			"an order":             {func(who thimble.SubjectID) { s.BuysOn(lately, who, "shirt") }, lately.Format(time.DateOnly)},
			"an order dated ahead": {func(who thimble.SubjectID) { s.BuysOn(now.AddDate(3, 0, 0), who, "shirt") }, today},
			"a choice":             {func(who thimble.SubjectID) { s.Chooses(who, thimbletest.Withdraws(thimble.PersonalizeContent)...) }, today},
			"an event":             {func(who thimble.SubjectID) { s.Browses(who, "shirt") }, today},
			"a sign-in":            {func(who thimble.SubjectID) { browse(t, s, who) }, today},
			"an event of which nothing is kept": {func(who thimble.SubjectID) {
				account := "an event of which nothing is kept"
				body := `{"userId":"` + account + `","event":"Product Viewed","messageId":"m-1","properties":{"product_id":"shirt"}}`
				taken, err := s.Intake.Take(t.Context(), intake.Source{Number: 1, Name: "shop", Kind: intake.Server}, segment.Track, []byte(body), intake.Arrival{At: now})
				if err != nil || taken.Kept != 0 || taken.Dropped[intake.Denied] != 1 {
					t.Fatalf("%+v, %v", taken, err)
				}
			}, today},
		}
		people := map[string]thimble.SubjectID{}
		for name, way := range ways {
			people[name] = s.Subject(name)
			was(t, s, people[name], long)
			way.does(people[name])
		}
		daily := func() {
			t.Helper()
			if _, err := s.Retention.Daily(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		daily()
		check := func(when string) {
			t.Helper()
			for name, way := range ways {
				if got := seenOn(t, s, people[name]); got != way.on {
					t.Errorf("%s, with %s: %s, want %s", when, name, got, way.on)
				}
			}
		}
		check("after the run")
		err := s.Core.Write(t.Context(), func(tx *sqldb.Tx) error {
			for _, statement := range []string{`delete from session_sessions`, `delete from order_orders`} {
				if _, err := tx.Exec(t.Context(), statement); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		daily()
		check("when what said so is gone")
	})
}

// Who stays away is told, and forgotten when they stay away still: by erasure, with a
// certificate. Who comes back, in whatever way, is not; nobody is forgotten untold who could
// have been told; and before anything of that, somebody looks.
func TestWhoStaysAwayIsToldAndThenForgotten(t *testing.T) {
	onBoth(t, func(t *testing.T, on ...string) {
		s := writes(t, on...)
		people := map[string]thimble.SubjectID{}
		for name, ago := range map[string]int{"gone": 4 * 365, "back": 4 * 365, "poor": 4 * 365, "browses": 4 * 365, "soon": 3*365 - 4, "here": 1} {
			people[name] = s.Subject(name)
			if name != "poor" {
				mailed(t, s.Shop, people[name], name+"@example.org")
			}
			was(t, s.Shop, people[name], s.now.AddDate(0, 0, -ago))
		}
		s.BuysOn(s.now.AddDate(0, 0, -4*365).Truncate(time.Second), people["gone"], "shirt")
		refused := func(when string, who ...string) {
			t.Helper()
			for name, id := range people {
				p, err := s.Subjects.Person(t.Context(), id)
				if want := slices.Contains(who, name); err != nil || p.Restricted != want {
					t.Errorf("%s, %s is refused %v, want %v, %v", when, name, p.Restricted, want, err)
				}
			}
		}
		run := func() retention.Run {
			t.Helper()
			if _, err := s.Retention.Daily(t.Context()); err != nil {
				t.Fatal(err)
			}
			return runAfter(t, s.Shop, retention.LastSeen)
		}
		letters := func() (all []string) {
			t.Helper()
			for range 2 {
				if err := s.Retention.WriteWarnings(t.Context()); err != nil {
					t.Fatal(err)
				}
				for _, l := range s.post() {
					all = append(all, l[0]+" "+l[1])
				}
				turns(t, s.Shop, &s.now, 0)
			}
			slices.Sort(all)
			return all
		}
		schedules(t, s.Shop, `{"retention":"thimble.retention/v1","rules":[{"category":"*","max":"3y","after":"last_interaction","why":"who does not come back is forgotten"}]}`)
		waits := run()
		if waits.State != retention.Waiting || retention.Sum(waits.Proof.Listed) != 5 {
			t.Fatalf("%s, %+v: of five people the period ends soon, or has ended", waits.State, waits.Proof.Listed)
		}
		refused("before anybody has looked", "gone", "back", "poor", "browses")
		if got := letters(); len(got) != 0 {
			t.Fatalf("before anybody has looked, letters go out: %q", got)
		}
		if err := s.Retention.Confirm(t.Context(), waits.ID, "mia", why); err != nil {
			t.Fatal(err)
		}
		if r := run(); r.State != retention.Done || len(r.Proof.Expired) != 0 || len(r.Proof.Kept) != 1 || r.Proof.Kept[0].N != 4 {
			t.Fatalf("the run before anybody was told: %s, %+v", r.State, r.Proof)
		}
		got := letters()
		due := retention.Soonest(s.now).Format("2 January 2006")
		if len(got) != 4 || !strings.HasPrefix(got[0], "back@example.org Hello") || !strings.Contains(got[0], "On "+due+" we will delete") || !strings.Contains(got[0], "3 years") || !strings.Contains(got[0], "who does not come back is forgotten") {
			t.Fatalf("of %d letters the first says %q", len(got), got[0])
		}
		body := `{"userId":"browses","event":"Product Viewed","messageId":"m-1","properties":{"product_id":"shirt"}}`
		if taken, err := s.Intake.Take(t.Context(), intake.Source{Number: 1, Name: "shop", Kind: intake.Server}, segment.Track, []byte(body), intake.Arrival{At: s.now}); err != nil || taken.Kept != 0 {
			t.Fatalf("%+v, %v", taken, err)
		}
		if err := s.Presence.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		refused("when one browses", "gone", "back", "poor")
		turns(t, s.Shop, &s.now, 1)
		if r := run(); len(r.Proof.Expired) != 0 || r.State != retention.Done {
			t.Fatalf("a day after the letters: %s, %+v", r.State, r.Proof)
		}
		page := browse(t, s.Shop, people["back"]).page("/privacy")
		if !strings.Contains(page, "Good that you are back") || !strings.Contains(page, "You are back: nothing is deleted.") {
			t.Error("the first page does not say to who comes back that nothing is deleted")
		}
		refused("when another signs in", "gone", "poor")
		if page := browse(t, s.Shop, people["here"]).page("/privacy"); !strings.Contains(page, "If you do not come back, we delete your data on") {
			t.Error("the first page does not say what happens to who stays away")
		}
		turns(t, s.Shop, &s.now, 4)
		r := run()
		if r.State != retention.Done || len(r.Proof.Left) != 0 || len(r.Proof.Expired) != 1 || r.Proof.Expired[0] != (retention.Count{Of: "people", N: 2}) {
			t.Fatalf("the run: %s, %+v", r.State, r.Proof)
		}
		for name, id := range people {
			gone, err := s.Subjects.Erased(t.Context(), []thimble.SubjectID{id})
			if want := name == "gone" || name == "poor"; err != nil || (len(gone) == 1) != want {
				t.Errorf("%s: erased %v, want %v, %v", name, len(gone) == 1, want, err)
			}
		}
		if got := letters(); len(got) != 0 {
			t.Errorf("who was told is told again: %q", got)
		}
		var certified int
		err := s.Core.Read(t.Context(), func(tx *sqldb.Tx) error {
			return tx.QueryRow(t.Context(), `select count(*) from rights_certificates`).Scan(&certified)
		})
		if _, certifyErr := s.Desk.Certify(t.Context()); err != nil || certifyErr != nil || certified != 2 {
			t.Errorf("%d certificates, want 2: %v, %v", certified, err, certifyErr)
		}
		auditedRows(t, s.Shop)
	})
}
