package app_test

import (
	"testing"

	"thimble"
	"thimble/internal/recommend/suspect"
	"thimble/internal/thimbletest"
)

// suspects leaves a finding to decide about, one whose people are left out, and one that
// was nothing.
func suspects(t *testing.T, s *thimbletest.Shop, who thimble.SubjectID) {
	t.Helper()
	people := []thimble.SubjectID{who}
	_, err := s.App.Suspects.Raise(t.Context(), []suspect.Finding{
		{Kind: suspect.Pull, Item: "85123A", People: people, Trusted: 2, Expected: 1},
		{Kind: suspect.Pull, Item: "71053", People: people, Trusted: 4, Expected: 2},
		{Kind: suspect.Alike, Item: "22423", People: people, Items: 4},
	})
	if err != nil {
		t.Fatal(err)
	}
	all, err := s.App.Suspects.Findings(t.Context(), 3)
	if err != nil || len(all) != 3 {
		t.Fatalf("findings %v, %v", all, err)
	}
	for _, f := range all {
		switch f.Item {
		case "71053":
			err = s.App.Suspects.Quarantine(t.Context(), f.ID, "owner", "all made within one hour")
		case "22423":
			err = s.App.Suspects.Dismiss(t.Context(), f.ID, "owner", "a school class that buys together")
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}
