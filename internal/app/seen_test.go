package app_test

import (
	"testing"
	"time"

	"thimble"
	"thimble/internal/collect/intake"
	"thimble/internal/collect/segment"
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
