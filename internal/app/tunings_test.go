package app_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"thimble"
	"thimble/internal/app"
	"thimble/internal/recommend/tunedb"
	"thimble/internal/session"
	"thimble/internal/staff"
	"thimble/internal/thimbletest"
)

// seasons has so many people buy in one season, and something new in the next.
func seasons(s *thimbletest.Shop, from, people int) {
	allows := thimbletest.Allows(thimble.TrainAISystem, thimble.PersonalizeContent)
	for i := from; i < from+people; i++ {
		who, kind := s.Subject(fmt.Sprint("season-", i), allows...), i%4
		s.BuysOn(time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC), who, thimble.ItemID(fmt.Sprintf("K%d-A", kind)), thimble.ItemID(fmt.Sprintf("K%d-%d", kind, i%3)), "BAG", "CARD")
		s.BuysOn(time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC), who, thimble.ItemID(fmt.Sprintf("K%d-%d", kind, (i+1)%3)))
	}
}

func TestTheOwnerTriesRecipesAndChoosesOneForTheNextTraining(t *testing.T) {
	thimbletest.Each(t, func(t *testing.T, s *thimbletest.Shop) {
		s.Employs("ada-min", staff.Admin)
		s.Employs("mia", staff.Marketing)
		enter := frontDoor(t, s)
		const path = "/console/recommendations/tuning"
		as := func(name, method, path string, form url.Values) (int, string, string) {
			code, to, body := enter("thimble_staff", session.Who{Audience: session.Staff, Staff: name}).do(method, path, form)
			return code, to, body
		}
		says := func(what, body string, all ...string) {
			t.Helper()
			for _, text := range all {
				if !strings.Contains(body, text) {
					t.Errorf("%s lacks %q", what, text)
				}
			}
		}
		seasons(s, 0, 40)
		s.Works()
		_, _, body := as("ada-min", http.MethodGet, path, nil)
		says("the page before", body, "Nothing was tried yet", "the recipe that ships")
		try := func() string {
			if code, to, _ := as("ada-min", http.MethodPost, path, nil); code != http.StatusSeeOther || to != path+"?done=asked" {
				t.Fatalf("asking: %d to %q", code, to)
			}
			_, _, waiting := as("ada-min", http.MethodGet, path, nil)
			says("while it waits", waiting, "Recipes tried", `hx-trigger="every 3s"`)
			s.Works()
			_, _, after := as("ada-min", http.MethodGet, path, nil)
			return after
		}
		says("with too few people", try(), "gave no measure", "it takes 100 people")

		seasons(s, 40, 70)
		s.Works()
		body = try()
		says("with enough", body, "NDCG@20", "The validation split: each recipe learned from orders from 2026-01 until the day before 2026-06-01", "110 of the same people", "suggested", "steps 4")
		all, err := s.Tunings.List(t.Context(), 1)
		if err != nil || all[0].State != tunedb.Done {
			t.Fatalf("%+v, %v", all, err)
		}

		if code, _, _ := as("mia", http.MethodPost, path, nil); code != http.StatusForbidden {
			t.Errorf("marketing tries recipes: %d", code)
		}
		choice := url.Values{"tuning": {all[0].ID.Token(tunedb.TuningPrefix)}, "recipe": {"2"}, "reason": {"four steps did better here"}, "sure": {"1"}}
		for name, change := range map[string][2]string{"no recipe": {"recipe", ""}, "one that is not there": {"recipe", "99"}, "no reason": {"reason", "better"}, "not sure": {"sure", ""}} {
			form := url.Values{}
			for k, v := range choice {
				form[k] = v
			}
			form.Set(change[0], change[1])
			if code, _, body := as("ada-min", http.MethodPost, path+"/choose", form); code != http.StatusUnprocessableEntity || !strings.Contains(body, "Choose a recipe") {
				t.Errorf("%s: %d", name, code)
			}
		}
		if code, to, _ := as("ada-min", http.MethodPost, path+"/choose", choice); code != http.StatusSeeOther || to != path+"?done=chosen" {
			t.Fatalf("choosing: %d to %q", code, to)
		}
		_, _, body = as("ada-min", http.MethodGet, path, nil)
		says("after the choice", body, "steps 4", "four steps did better here", "ada-min", "made by the recipe that ships")
		as("ada-min", http.MethodPost, "/console/recommendations/train", nil)
		s.Works()
		_, _, body = as("ada-min", http.MethodGet, path, nil)
		says("after the training", body, "made by choice 1 of ada-min")
		_, _, body = as("ada-min", http.MethodGet, "/console/recommendations", nil)
		says("the page of the model", body, "ada-min, choice 1", path)
		if done, err := s.Audit(t.Context()); err != nil || len(done.Findings) != 0 {
			t.Errorf("the audit: %+v, %v", done.Findings, err)
		}
	})
}

// What a stop interrupts is done again, and what has ended is not.
func TestATuningThatHasEndedIsNotDoneAgain(t *testing.T) {
	s := thimbletest.New(t)
	id, err := s.Tunings.Start(t.Context(), app.Owner)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Tunings.Refuse(t.Context(), id, "somebody ended it"); err != nil {
		t.Fatal(err)
	}
	s.Works() // its job
	if all, err := s.Tunings.List(t.Context(), 1); err != nil || all[0].Why != "somebody ended it" {
		t.Errorf("%+v, %v", all, err)
	}
}
