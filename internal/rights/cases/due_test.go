package cases

import (
	"strings"
	"testing"
	"time"

	"thimble/internal/policy"
)

func lawOf(t *testing.T, place string, at time.Time) (law, general *policy.Law) {
	t.Helper()
	all, err := policy.Shipped()
	if err != nil {
		t.Fatal(err)
	}
	q := policy.Question{At: at}
	if place != "" {
		q.Residences = []policy.Residence{{Place: place, Evidence: policy.Declared}}
	}
	if law, err = all.Law(q); err != nil {
		t.Fatal(err)
	}
	q.Residences = []policy.Residence{{Place: "DE", Evidence: policy.Declared}}
	if general, err = all.Law(q); err != nil {
		t.Fatal(err)
	}
	return law, general
}

func TestTheDateIsThatOfTheLawOfWhereThePersonLives(t *testing.T) {
	at := time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)
	for name, try := range map[string]struct {
		place  string
		kind   Kind
		appeal bool
		last   string // the first instant that is too late
		says   string
	}{
		"a month in Germany":                         {"DE", Access, false, "2026-12-02T23:00:00Z", "Art. 15, 12(3)"},
		"for what is a part of access":               {"DE", Categories, false, "2026-12-02T23:00:00Z", "the date for access"},
		"fifteen days where nothing is known":        {"", Erase, false, "2026-11-17T00:00:00Z", "LGPD"},
		"at once for a withdrawal":                   {"DE", Withdraw, false, "2026-11-02T09:00:00Z", "Art. 7(3)"},
		"the GDPR's month where a law has no number": {"DE", Complain, false, "2026-12-02T23:00:00Z", "sets no date for complain"},
		"an appeal under a law that knows none":      {"DE", Erase, true, "2026-12-02T23:00:00Z", "Art. 17"},
	} {
		law, general := lawOf(t, try.place, at)
		d, err := Deadlines(law, general)(try.kind, try.appeal, at, policy.History{})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got := d.By.UTC().Format(time.RFC3339); got != try.last || !strings.Contains(d.Rule, try.says) || d.Law == "" {
			t.Errorf("%s: due %s by %q of %q, want %s by %q", name, got, d.Rule, d.Law, try.last, try.says)
		}
	}
}

func TestUnderTwoLawsTheStricterDateCounts(t *testing.T) {
	at := time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)
	german, general := lawOf(t, "DE", at)
	brazilian, _ := lawOf(t, "BR", at)
	one, err := Deadlines(german, general)(Access, false, at, policy.History{})
	if err != nil {
		t.Fatal(err)
	}
	both, err := Deadlines(policy.Join(german, brazilian), general)(Access, false, at, policy.History{Told: at.AddDate(0, 0, 1)})
	if err != nil || !both.By.Before(one.By) || !strings.Contains(both.Rule, "br.lgpd") {
		t.Errorf("under both laws due %s by %q, %v, want the earlier of Brazil", both.By, both.Rule, err)
	}
	if both.Extended || len(both.Void) == 0 {
		t.Errorf("an extension that one law does not know: %+v, want it void, and said", both)
	}
}

func TestAWaitForWhoAsksCountsOnlyWhereTheLawSaysSo(t *testing.T) {
	at := time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)
	stop := policy.History{Stops: []policy.Standstill{{Reason: IdentityDoubt, From: at.AddDate(0, 0, 1), Until: at.AddDate(0, 0, 11)}}}
	for place, moves := range map[string]bool{"DE": true, "US-CA": false} {
		law, general := lawOf(t, place, at)
		dates := Deadlines(law, general)
		plain, err := dates(Access, false, at, policy.History{})
		if err != nil {
			t.Fatal(err)
		}
		waited, err := dates(Access, false, at, stop)
		if err != nil || waited.By.After(plain.By) != moves || !moves && len(waited.Void) == 0 {
			t.Errorf("%s: due %s, and after ten days of waiting %s (void %q, %v)", place, plain.By, waited.By, waited.Void, err)
		}
	}
}

func TestWhoMovesKeepsTheDateOfTheLawTheyAskedUnder(t *testing.T) {
	at := time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)
	brazilian, general := lawOf(t, "BR", at)
	german, _ := lawOf(t, "DE", at)
	c, err := Open(Access, Centre, nil, at, Deadlines(brazilian, general))
	if err != nil {
		t.Fatal(err)
	}
	moved, err := c.Next(Event{What: Prolonged, At: at.AddDate(0, 0, 1), Said: true}, Deadlines(german, general))
	if err != nil || !moved.Due.Equal(c.Due) || moved.Extended || len(moved.Void) == 0 {
		t.Errorf("after moving to Germany due %s, extended %v, void %q, %v, want %s to stand", moved.Due, moved.Extended, moved.Void, err, c.Due)
	}
	c, err = Open(Access, Centre, nil, at, Deadlines(german, general))
	if err != nil {
		t.Fatal(err)
	}
	moved, err = c.Next(Event{What: Questioned, At: at.AddDate(0, 0, 1), Said: true}, Deadlines(brazilian, general))
	if err != nil || !moved.Due.Before(c.Due) {
		t.Errorf("after moving to Brazil due %s, %v, want it earlier than %s", moved.Due, err, c.Due)
	}
}
