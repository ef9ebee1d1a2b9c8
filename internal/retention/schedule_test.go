package retention_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"thimble"
	"thimble/internal/datamap"
	"thimble/internal/policy"
	"thimble/internal/policy/calendar"
	"thimble/internal/retention"
)

var now = time.Date(2026, 11, 30, 9, 30, 0, 0, time.UTC)

func span(n int, u calendar.Unit) calendar.Span { return calendar.Span{N: n, Unit: u} }

func rule(c thimble.Category, p thimble.Purpose, s calendar.Span, name string) retention.Rule {
	return retention.Rule{Category: c, Purpose: p, Span: s, After: retention.Collected, Source: retention.Source{Kind: retention.Operator, Name: name}}
}

func TestTheStricterPeriodWinsForEachPurposeAndTheLastPurposeEndsTheRecord(t *testing.T) {
	uses := []thimble.Purpose{thimble.EssentialService, thimble.PersonalizeContent}
	s := retention.Compose(thimble.PurchaseHistory, uses, []retention.Rule{
		rule("user.behavior", thimble.PersonalizeContent, span(13, calendar.Months), "longer"),
		rule(thimble.PurchaseHistory, thimble.PersonalizeContent, span(90, calendar.Days), "shorter"),
		rule("*", "", span(3, calendar.Years), "everything"),
	})
	if got := s.UsableSince(thimble.PersonalizeContent, now); !got.Equal(time.Date(2026, 9, 1, 0, 0, 0, 0, time.UTC)) {
		t.Errorf("personalisation since %s, want 90 days", got)
	}
	if got := s.Before(now); s.Ends.Source.Name != "everything" || !got.Equal(time.Date(2023, 11, 30, 0, 0, 0, 0, time.UTC)) {
		t.Errorf("the record ends by %+v before %s, want three years of the contract", s.Ends, got)
	}
	if lost := s.Uses[1].Lost; len(lost) != 2 || lost[0].Source.Name != "longer" {
		t.Errorf("lost: %+v, want both that ask for less, the stricter first", lost)
	}
}

func TestAPurposeWithoutAPeriodKeepsTheRecordAsLongAsThePerson(t *testing.T) {
	uses := []thimble.Purpose{thimble.EssentialService, thimble.PersonalizeContent}
	s := retention.Compose(thimble.PurchaseHistory, uses, []retention.Rule{rule(thimble.PurchaseHistory, thimble.PersonalizeContent, span(0, calendar.Days), "none")})
	if s.Ends != nil || !s.Before(now).IsZero() {
		t.Errorf("it ends by %+v, but the contract has no period", s.Ends)
	}
}

func TestAFloorOfALawIsShownBesideTheCeilingItContradicts(t *testing.T) {
	floor := rule(thimble.PurchaseHistory, "", span(8, calendar.Years), "de.tax")
	floor.Record = "invoice"
	s := retention.Compose(thimble.PurchaseHistory, []thimble.Purpose{thimble.EssentialService}, []retention.Rule{rule("*", "", span(2, calendar.Years), "short"), floor})
	won, ok := s.Conflict(now)
	if !ok || won.Record != "invoice" || s.Ends.Source.Name != "short" {
		t.Errorf("conflict %v with %+v, ends by %+v", ok, won, s.Ends)
	}
	if got := retention.FloorFrom(now, floor.Span); !got.Equal(time.Date(2018, 1, 1, 0, 0, 0, 0, time.UTC)) {
		t.Errorf("kept since %s, want the whole year of 2018: the period runs from the year's end", got)
	}
}

func drawRule(d *rapid.T) retention.Rule {
	r := retention.Rule{
		Category: rapid.SampledFrom([]thimble.Category{"*", "user", "user.behavior", thimble.PurchaseHistory, thimble.AutomatedDecision}).Draw(d, "category"),
		Purpose:  rapid.SampledFrom([]thimble.Purpose{"", thimble.EssentialService, thimble.PersonalizeContent, thimble.TrainAISystem, "personalize"}).Draw(d, "purpose"),
		Span:     span(rapid.IntRange(0, 40).Draw(d, "n"), rapid.SampledFrom([]calendar.Unit{calendar.Days, calendar.Months, calendar.Years}).Draw(d, "unit")),
		After:    rapid.SampledFrom([]retention.Clock{retention.Collected, retention.Collected, retention.PurposeEnd, retention.LastSeen}).Draw(d, "after"),
		Source:   retention.Source{Kind: retention.Law, Name: rapid.StringMatching(`[a-c]`).Draw(d, "name")},
	}
	if rapid.IntRange(0, 4).Draw(d, "floor") == 0 {
		r.Record, r.After = "invoice", retention.Collected
	}
	return r
}

func TestAnotherSourceNeverLengthensAnythingAndTheOrderOfSourcesDoesNotMatter(t *testing.T) {
	uses := []thimble.Purpose{thimble.EssentialService, thimble.PersonalizeContent, thimble.TrainAISystem}
	rapid.Check(t, func(d *rapid.T) {
		rules := rapid.SliceOfN(rapid.Custom(drawRule), 0, 8).Draw(d, "rules")
		one := drawRule(d)
		less := retention.Compose(thimble.PurchaseHistory, uses, rules)
		more := retention.Compose(thimble.PurchaseHistory, uses, append(slices.Clone(rules), one))
		if more.Before(now).Before(less.Before(now)) {
			d.Fatalf("with %+v what goes is of before %s, and was of before %s", one, more.Before(now), less.Before(now))
		}
		for _, p := range uses {
			if more.UsableSince(p, now).Before(less.UsableSince(p, now)) {
				d.Fatalf("with %+v %s may use more than before", one, p)
			}
		}
		if !one.Floor() && len(more.Floors) != len(less.Floors) {
			d.Fatalf("%+v is no floor and made one", one)
		}
		if less.Ends != nil && less.Ends.Source.Name == "" {
			d.Fatal("a result names no source")
		}
		shuffled := rapid.Permutation(rules).Draw(d, "shuffled")
		if diff := cmp.Diff(less, retention.Compose(thimble.PurchaseHistory, uses, shuffled)); diff != "" {
			d.Fatalf("the order of sources matters: %s", diff)
		}
	})
}

func TestADayLastsUntilItsMidnightAndAMonthsEndIsClamped(t *testing.T) {
	for _, c := range []struct {
		s    calendar.Span
		want string
	}{{span(0, calendar.Days), "2026-11-30T00:00:00Z"}, {span(30, calendar.Days), "2026-10-31T00:00:00Z"}, {span(9, calendar.Months), "2026-02-28T00:00:00Z"},
		{span(3, calendar.Years), "2023-11-30T00:00:00Z"}, {span(48, calendar.Hours), "2026-11-28T09:00:00Z"}} {
		if got := retention.Before(now, c.s).Format(time.RFC3339); got != c.want {
			t.Errorf("%s: %s, want %s", c.s, got, c.want)
		}
	}
}

func TestTheLawsAndTheMapAreSources(t *testing.T) {
	library, err := policy.Shipped()
	if err != nil {
		t.Fatal(err)
	}
	tax, err := library.Pack("de.tax")
	if err != nil {
		t.Fatal(err)
	}
	large, err := library.Pack("in.dpdp.large")
	if err != nil {
		t.Fatal(err)
	}
	rules := retention.OfLaw(policy.LawOf(calendar.On(time.Date(2027, 12, 1, 0, 0, 0, 0, time.UTC), time.UTC), tax, large))
	rules = append(rules, retention.OfMap(datamap.Entries(datamap.All()))...)
	plan := retention.Plan(datamap.Entries(datamap.All()), rules)
	find := func(c thimble.Category) retention.Schedule {
		i := slices.IndexFunc(plan, func(s retention.Schedule) bool { return s.Category == c })
		if i < 0 {
			t.Fatalf("there is no schedule of %s", c)
		}
		return plan[i]
	}
	orders := find(thimble.PurchaseHistory)
	if len(orders.Floors) != 1 || orders.Floors[0].Source.Cite == "" || orders.Floors[0].Span != span(8, calendar.Years) {
		t.Errorf("floors of orders: %+v", orders.Floors)
	}
	if len(orders.Shown) == 0 || orders.Shown[0].After != retention.LastSeen {
		t.Errorf("the law's period from the last visit is not shown: %+v", orders.Shown)
	}
	device := find("user.device.device_id")
	if device.Ends == nil || device.Ends.Source.Kind != retention.Map || device.Ends.Span != span(400, calendar.Days) {
		t.Errorf("devices end by %+v, want the map's 400 days", device.Ends)
	}
}

func TestADocumentIsReadStrictly(t *testing.T) {
	good := `{"retention":"thimble.retention/v1","rules":[{"category":"user.behavior.purchase_history","max":"3y","why":"what a claim needs"}],"kept_here":["invoice"]}`
	d, err := retention.ParseDocument([]byte(good))
	if err != nil || len(d.Bounds(4)) != 1 || d.Bounds(4)[0].Source.Name != "version 4" {
		t.Fatalf("%v: %+v", err, d)
	}
	for name, text := range map[string]string{
		"an unknown key":      `{"retention":"thimble.retention/v1","rule":[]}`,
		"a key twice":         `{"retention":"thimble.retention/v1","rules":[],"rules":[]}`,
		"another format":      `{"retention":"v2","rules":[]}`,
		"an unknown category": `{"retention":"thimble.retention/v1","rules":[{"category":"user.nothing","max":"3y","why":"because"}]}`,
		"an unknown purpose":  `{"retention":"thimble.retention/v1","rules":[{"category":"user.name","purpose":"fun","max":"3y","why":"because"}]}`,
		"no period":           `{"retention":"thimble.retention/v1","rules":[{"category":"user.name","max":"soon","why":"because"}]}`,
		"business days":       `{"retention":"thimble.retention/v1","rules":[{"category":"user.name","max":"10bd","why":"because"}]}`,
		"no reason":           `{"retention":"thimble.retention/v1","rules":[{"category":"user.name","max":"3y","why":""}]}`,
		"the same twice":      `{"retention":"thimble.retention/v1","rules":[{"category":"user.name","max":"3y","why":"because"},{"category":"user.name","max":"2y","why":"because"}]}`,
		"something behind it": good + "x",
	} {
		if _, err := retention.ParseDocument([]byte(text)); !errors.Is(err, thimble.ErrInvalid) {
			t.Errorf("%s: %v, want invalid", name, err)
		}
	}
}

func FuzzParseDocument(f *testing.F) {
	f.Add([]byte(`{"retention":"thimble.retention/v1","rules":[{"category":"user.name","max":"3y","why":"because"}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		d, err := retention.ParseDocument(text)
		if err != nil {
			return
		}
		again, err := d.Text()
		if err != nil {
			t.Fatal(err)
		}
		if second, err := retention.ParseDocument([]byte(again)); err != nil || len(second.Rules) != len(d.Rules) {
			t.Errorf("%s does not come back: %v", again, err)
		}
	})
}

func TestARunThatReachesFurtherThanTimeHasPassedWaits(t *testing.T) {
	day := 24 * time.Hour
	for _, c := range []struct {
		name         string
		before, last time.Time
		planned      int64
		waits        bool
	}{
		{"the next day", now, now.Add(-day), 10, false},
		{"a week without a server", now, now.Add(-7 * day), 10, false},
		{"a clock of years ahead", now.AddDate(9, 0, 0), now, 10, true},
		{"a first run", now, time.Time{}, 1, true},
		{"a first run of nothing", now, time.Time{}, 0, false},
		{"a clock of years ahead, and nothing there", now.AddDate(9, 0, 0), now, 0, false},
	} {
		if got := retention.Asks(c.before, c.last, c.planned); (got != "") != c.waits {
			t.Errorf("%s: %q", c.name, got)
		}
	}
}

func TestTheDayOnWhichSomethingGoesIsTheFirstOnWhichItIsOlder(t *testing.T) {
	rapid.Check(t, func(d *rapid.T) {
		at := time.UnixMicro(rapid.Int64Range(0, 4e15).Draw(d, "at")).UTC()
		s := span(rapid.IntRange(0, 200).Draw(d, "n"), rapid.SampledFrom([]calendar.Unit{calendar.Days, calendar.Months, calendar.Years}).Draw(d, "unit"))
		goes := retention.After(at, s)
		if !retention.Before(goes, s).After(at) || retention.Before(goes.Add(-time.Hour), s).After(at) {
			d.Fatalf("of %s, %s goes on %s, not on the first day on which it is older", at, s, goes)
		}
	})
}

func TestARecordIsKeptForALawUntilTheDayOnWhichItIsOld(t *testing.T) {
	rapid.Check(t, func(d *rapid.T) {
		at := time.UnixMicro(rapid.Int64Range(0, 4e15).Draw(d, "at")).UTC()
		s := span(rapid.IntRange(0, 200).Draw(d, "n"), rapid.SampledFrom([]calendar.Unit{calendar.Hours, calendar.Days, calendar.Months, calendar.Years}).Draw(d, "unit"))
		over := retention.FloorUntil(at, s)
		if !retention.FloorFrom(over, s).After(at) || retention.FloorFrom(over.Add(-time.Hour), s).After(at) {
			d.Fatalf("of %s, %s is over on %s, not when the law lets go of it", at, s, over)
		}
	})
}
