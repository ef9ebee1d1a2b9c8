package retention_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"thimble/internal/policy/calendar"
	"thimble/internal/retention"
)

func unseenRule(n int, u calendar.Unit, law bool) retention.Rule {
	r := retention.Rule{Category: "*", After: retention.LastSeen, Span: span(n, u), Source: retention.Source{Kind: retention.Operator, Name: "version 1", Cite: "who does not come back"}}
	if law {
		r.Source = retention.Source{Kind: retention.Law, Name: "in.dpdp.large", Cite: "rule 8(1), Third Schedule"}
	}
	return r
}

// Each rule of a clock is executed, for whose law it is; those that say the same of the same
// people are one, and where a rule was met does not matter.
func TestEveryRuleOfAClockOfPeopleIsThere(t *testing.T) {
	rapid.Check(t, func(d *rapid.T) {
		var rules []retention.Rule
		for range rapid.IntRange(0, 8).Draw(d, "rules") {
			r := unseenRule(rapid.IntRange(1, 3).Draw(d, "n"), calendar.Years, rapid.Bool().Draw(d, "law"))
			r.After = rapid.SampledFrom([]retention.Clock{retention.LastSeen, retention.PurposeEnd, retention.Collected}).Draw(d, "after")
			rules = append(rules, r)
		}
		want := map[string]bool{}
		for _, r := range rules {
			if r.After != retention.Collected {
				want[string(r.After)+" "+r.Key()] = true
			}
		}
		got := retention.Clocked([]retention.Schedule{retention.Compose("user.name", nil, rules), retention.Compose("user.behavior", nil, rules)})
		for i, r := range got {
			if !want[string(r.After)+" "+r.Key()] {
				d.Fatalf("%s %s is there twice, or was never said", r.After, r.Key())
			}
			delete(want, string(r.After)+" "+r.Key())
			if i > 0 && got[i-1].After == r.After && got[i-1].Span.Compare(r.Span) > 0 {
				d.Fatalf("%s comes before %s", got[i-1].Key(), r.Key())
			}
		}
		if len(want) > 0 {
			d.Fatalf("not there: %v", want)
		}
	})
}

// Who is forgotten is told a day that comes true: it is the first on which their period is
// over, and never less than 48 hours after a letter that is sent within a day.
func TestTheDayThatIsToldIsTheFirstOnWhichThePeriodIsOver(t *testing.T) {
	rapid.Check(t, func(d *rapid.T) {
		seen := time.UnixMicro(rapid.Int64Range(0, 4e15).Draw(d, "seen")).UTC().Truncate(24 * time.Hour)
		r := unseenRule(rapid.IntRange(1, 60).Draw(d, "n"), rapid.SampledFrom([]calendar.Unit{calendar.Days, calendar.Months, calendar.Years}).Draw(d, "unit"), true)
		if rapid.Bool().Draw(d, "a law of later") {
			r.Since = seen.AddDate(0, 0, rapid.IntRange(-900, 900).Draw(d, "since"))
		}
		over := func(at time.Time) bool {
			before := r.Unseen(at)
			return !before.IsZero() && !seen.Add(24*time.Hour).After(before)
		}
		due := retention.DueOn(seen, r, seen) // it is looked at in good time
		if soonest := retention.Soonest(seen); due.Equal(soonest) {
			if !over(due) && !r.Since.After(seen) {
				d.Fatalf("%s after %s is not over on %s", r.Span, seen, due)
			}
		} else if !over(due) || over(due.Add(-time.Hour)) {
			d.Fatalf("%s after %s, since %s: %s is not the first day on which it is over", r.Span, seen, r.Since, due)
		}
		now := seen.AddDate(rapid.IntRange(0, 9).Draw(d, "years later"), 0, 0).Add(time.Duration(rapid.IntRange(0, 1439).Draw(d, "minute")) * time.Minute)
		if due := retention.DueOn(seen, r, now); due.Sub(now.Add(24*time.Hour)) < retention.Notice {
			d.Fatalf("on %s the day that is told is %s", now, due)
		}
	})
}

// DPDP Rules 2025, Third Schedule: three years from the last visit "or the commencement of
// the rules, whichever is latest".
func TestALawsPeriodDoesNotBeginBeforeTheLaw(t *testing.T) {
	r := unseenRule(3, calendar.Years, true)
	r.Since = time.Date(2027, 5, 13, 0, 0, 0, 0, time.UTC)
	if at := r.Unseen(time.Date(2030, 5, 13, 12, 0, 0, 0, time.UTC)); !at.IsZero() {
		t.Errorf("on the last day of the first three years everybody from before %s would be forgotten", at)
	}
	if at := r.Unseen(time.Date(2030, 5, 14, 12, 0, 0, 0, time.UTC)); !at.Equal(time.Date(2027, 5, 14, 0, 0, 0, 0, time.UTC)) {
		t.Errorf("a day later it is who was there before %s", at)
	}
}
