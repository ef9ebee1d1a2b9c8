package trial_test

import (
	"encoding/binary"
	"errors"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"thimble"
	"thimble/internal/recommend/trial"
)

func exp(x float64) float64 { return math.Exp(x) }

func near(got, want, within float64) bool { return math.Abs(got-want) <= within }

func design() trial.Design {
	return trial.Design{
		Name: "challenger on the first page", Placements: []string{"home-page"},
		Variants: []trial.Variant{{Name: "as it is", Serve: trial.Champion, Share: 5000}, {Name: "new", Serve: trial.Challenger, Share: 5000}},
		Primary:  trial.Revenue, Guards: []trial.Measure{trial.Clicks}, Window: 7, MinDays: 14, MaxDays: 60, MinPeople: 1000, CapMinor: 50_000, Currency: "GBP",
	}
}

func person(n int) (who thimble.SubjectID) {
	binary.BigEndian.PutUint64(who[:], uint64(n)+1)
	return who
}

func TestAPersonIsAlwaysInTheSameGroup(t *testing.T) {
	d := design()
	d.Variants[0].Share, d.Variants[1].Share = 3000, 1000
	counts := map[int]int{}
	moved, outside := 0, 0
	for n := range 20_000 {
		got := trial.Assign([]byte("key"), thimble.ID{1}, person(n), d.Variants)
		counts[got]++
		if again := trial.Assign([]byte("key"), thimble.ID{1}, person(n), d.Variants); again != got {
			t.Fatalf("person %d is in group %d and then in %d", n, got, again)
		}
		if trial.Assign([]byte("key"), thimble.ID{2}, person(n), d.Variants) != got {
			moved++
		}
		if trial.Assign([]byte("another"), thimble.ID{1}, person(n), d.Variants) != got {
			outside++
		}
	}
	for group, want := range map[int]float64{0: 6000, 1: 2000, trial.None: 12_000} {
		if !near(float64(counts[group]), want, 4*math.Sqrt(want)) {
			t.Errorf("group %d has %d people, want about %v", group, counts[group], want)
		}
	}
	if moved < 5000 || outside < 5000 {
		t.Errorf("another experiment moves %d, another key %d of 20,000: groups can be told from outside", moved, outside)
	}
}

func TestADesignThatCouldSayNothingIsRefused(t *testing.T) {
	if err := design().Check(); err != nil {
		t.Fatal(err)
	}
	for name, one := range map[string]struct {
		change func(*trial.Design)
		field  string
	}{
		"no name":                 {func(d *trial.Design) { d.Name = " " }, "name"},
		"no placement":            {func(d *trial.Design) { d.Placements = nil }, "placements"},
		"a placement twice":       {func(d *trial.Design) { d.Placements = []string{"a", "a"} }, "placements"},
		"one variant":             {func(d *trial.Design) { d.Variants = d.Variants[:1] }, "variants"},
		"two that are the same":   {func(d *trial.Design) { d.Variants[1].Serve = trial.Champion }, "variants"},
		"more than everybody":     {func(d *trial.Design) { d.Variants[0].Share = 5001 }, "shares"},
		"a large holdout":         {func(d *trial.Design) { d.Variants[1].Serve = trial.Popular; d.Variants[1].Share = 1001 }, "shares"},
		"lots too often":          {func(d *trial.Design) { d.Variants[1].Explore = &trial.Exploration{PerMille: 101, Among: 5} }, "explore"},
		"lots among too many":     {func(d *trial.Design) { d.Variants[1].Explore = &trial.Exploration{PerMille: 10, Among: 51} }, "explore"},
		"revenue without a cap":   {func(d *trial.Design) { d.CapMinor = 0 }, "cap"},
		"revenue in no currency":  {func(d *trial.Design) { d.Currency = "pounds" }, "currency"},
		"the primary as a guard":  {func(d *trial.Design) { d.Guards = []trial.Measure{trial.Revenue} }, "measures"},
		"shorter than a person":   {func(d *trial.Design) { d.MinDays = 6 }, "min_days"},
		"ends before anybody has": {func(d *trial.Design) { d.MaxDays = 7 }, "max_days"},
		"too few people":          {func(d *trial.Design) { d.MinPeople = 99 }, "min_people"},
	} {
		d := design()
		one.change(&d)
		fault, ok := errors.AsType[*trial.Fault](d.Check())
		if !ok || fault.Field != one.field || !errors.Is(fault, thimble.ErrInvalid) {
			t.Errorf("%s: %v, want a fault of %s", name, d.Check(), one.field)
		}
	}
}

// TestTheIntervalHasTheKnownWidth: numbers worked out by hand from the theorem.
func TestTheIntervalHasTheKnownWidth(t *testing.T) {
	var a, b trial.Sums
	for n := range 1000 { // half bought for 10: mean 5, variance 25 · 1000/999
		a.Add(int64(n%2)*10, 1)
		b.Add(int64(n%2)*10+1, 1)
	}
	i := trial.Compare(a, b, 0.05, 2000)
	se := math.Sqrt(2 * 25.0 / 999)
	// -2 ln 0.05 = 5.99146, ln of it 1.79033, rho² = 8.78179/2000, t = 9.78179,
	// √(2·9.78179/8.78179 · ln(√9.78179/0.05)) = √(2.22774 · 4.13600) = 3.03546
	if !near(i.Diff, 1, 1e-9) || !near(i.SE, se, 1e-9) || !near(i.High-i.Diff, 3.03546*se, 1e-4) || !near(i.Diff-i.Low, i.High-i.Diff, 1e-9) {
		t.Errorf("got %+v, want 1 ± 3.03546 · %v", i, se)
	}
}

// TestTheDeltaMethodIsTheLinearOne: of a ratio, the variance is that of what each person
// differs from the ratio.
func TestTheDeltaMethodIsTheLinearOne(t *testing.T) {
	var s trial.Sums
	xs, ys := []int64{1, 0, 3, 2, 5, 0}, []int64{10, 2, 9, 11, 20, 8}
	for i := range xs {
		s.Add(xs[i], ys[i])
	}
	rate, mean, sum := 11.0/60, 10.0, 0.0
	for i := range xs {
		off := (float64(xs[i]) - rate*float64(ys[i])) / mean
		sum += off * off
	}
	if !near(s.Rate(), rate, 1e-12) || !near(s.Variance(), sum/5/6, 1e-15) {
		t.Errorf("rate %v variance %v, want %v and %v", s.Rate(), s.Variance(), rate, sum/5/6)
	}
}

func TestFewPeopleAndEqualPeopleGiveNoInterval(t *testing.T) {
	var few, same trial.Sums
	for n := range 49 {
		few.Add(int64(n), 1)
	}
	for range 100 {
		same.Add(3, 1)
	}
	for name, i := range map[string]trial.Interval{"few": trial.Compare(few, few, 0.05, 100), "nobody": trial.Compare(trial.Sums{}, trial.Sums{}, 0.05, 100), "all the same": trial.Compare(same, same, 0.05, 100)} {
		if i.Known() || i.Above() || i.Below() {
			t.Errorf("%s: %+v, want no interval", name, i)
		}
	}
}

func TestThePlannerAndItsInverseAgree(t *testing.T) {
	for _, people := range []int64{500, 5000, 80_000} {
		diff := trial.Detectable(people, 4200, trial.Alpha)
		if got := trial.Needed(diff, 4200, trial.Alpha); !near(float64(got), float64(people), 1+float64(people)/1000) {
			t.Errorf("%d people find %v, and that needs %d", people, diff, got)
		}
	}
}

func TestLotsAreDrawnWithTheChanceThatIsRecorded(t *testing.T) {
	e := trial.Exploration{PerMille: 100, Among: 4}
	r := rand.New(rand.NewPCG(seed, 5))
	const draws = 200_000
	seen, chance := map[int]int{}, map[int]float64{}
	for range draws {
		p := e.Pick(10, r.Int64N)
		seen[p.Candidate]++
		chance[p.Candidate] = float64(p.Parts) / float64(p.Of)
	}
	sum := 0.0
	for c, p := range chance {
		sum += p
		if !near(float64(seen[c]), draws*p, 5*math.Sqrt(draws*p)) {
			t.Errorf("candidate %d was drawn %d times of %d, its propensity is %v (seed %d)", c, seen[c], draws, p, seed)
		}
	}
	if len(chance) != 4 || !near(sum, 1, 1e-12) || !near(chance[0], 0.925, 1e-12) {
		t.Errorf("chances %v sum to %v, want 0.925 and three of 0.025", chance, sum)
	}
	if p := e.Pick(1, r.Int64N); p != (trial.Pick{Parts: 1, Of: 1}) {
		t.Errorf("with one candidate nothing is drawn: %+v", p)
	}
}

// group has n people of whom each k-th buys for spent.
func group(n, k int, spent int64) (g trial.Group) {
	for i := range n {
		p := trial.Person{Shown: 10, Clicked: 1, Closed: true}
		if i%k == 0 {
			p.Orders, p.Revenue = 1, spent
		}
		g.Count(p, 50_000)
	}
	return g
}

func TestNothingIsConcludedBeforeWhatWasFixed(t *testing.T) {
	d, day := design(), 24*time.Hour
	far := []trial.Group{group(2000, 5, 5000), group(2000, 5, 9000)}
	for name, one := range map[string]struct {
		groups  []trial.Group
		ran     time.Duration
		verdict string
	}{
		"all is reached":     {far, 14 * day, "better"},
		"a day too early":    {far, 13 * day, "not yet"},
		"a person too few":   {[]trial.Group{far[0], group(999, 5, 9000)}, 14 * day, "not yet"},
		"groups are uneven":  {[]trial.Group{far[0], group(1200, 5, 9000)}, 14 * day, "not yet"},
		"the other is worse": {[]trial.Group{far[1], far[0]}, 14 * day, "worse"},
		"both are alike":     {[]trial.Group{far[0], far[0]}, 14 * day, "no difference seen"},
	} {
		r := d.Judge(one.groups, one.ran)
		if got := r.Verdict(d, r.Compared[0]); got != one.verdict || (r.Early != "") != (one.verdict == "not yet") {
			t.Errorf("%s: %q, early %q, want %q", name, got, r.Early, one.verdict)
		}
	}
}

func TestNobodyCountsMoreThanTheCap(t *testing.T) {
	var g trial.Group
	g.Count(trial.Person{Closed: true, Orders: 3, Revenue: 9_000_000, Shown: 2, Clicked: 1000}, 50_000)
	g.Count(trial.Person{Closed: true, Revenue: -4000}, 50_000) // more came back than was bought
	g.Count(trial.Person{Shown: 5, Clicked: 5}, 50_000)         // their days are not over
	if s := g.Sums[trial.Revenue]; s.X != 50_000 || s.N != 2 || g.Assigned != 3 {
		t.Errorf("revenue %+v of %d, want 50000 of 2 of 3", s, g.Assigned)
	}
	if s := g.Sums[trial.Clicks]; s.X != 2 || s.Y != 2 {
		t.Errorf("clicks %+v: more were clicked than shown", s)
	}
}

func TestTheValueIsTheDifferenceToTheHoldout(t *testing.T) {
	d := design()
	d.Variants = []trial.Variant{{Name: "popular", Serve: trial.Popular, Share: 1000}, {Name: "for you", Serve: trial.Champion, Share: 9000}}
	groups := []trial.Group{group(1000, 5, 5000), group(9000, 5, 6000)}
	v, ok := d.Value(d.Judge(groups, 60*24*time.Hour), 30_000)
	if mid, low, high := v.Total(); !ok || !near(v.PerPerson, 200, 1e-9) || !near(mid, 6_000_000, 1e-6) || low >= mid || high <= mid {
		t.Errorf("got %+v, %v", v, ok)
	}
	if _, ok := d.Value(d.Judge(groups, time.Hour), 30_000); ok {
		t.Error("a value is told before anything may be concluded")
	}
	d.Variants[0].Serve = trial.Challenger
	if _, ok := d.Value(d.Judge(groups, 60*24*time.Hour), 30_000); ok {
		t.Error("a value is told without a holdout")
	}
}

// days are rates of 35 days before today, with n lists a day.
func days(r *rand.Rand, n int64, p func(age int) float64) (all []trial.Day, today time.Time) {
	today = time.Date(2026, 11, 30, 9, 0, 0, 0, time.UTC)
	for age := trial.WatchDays; age >= 1; age-- {
		d := trial.Day{Day: today.Truncate(24*time.Hour).AddDate(0, 0, -age), Shown: n}
		for range n {
			if r.Float64() < p(age) {
				d.Clicked++
			}
		}
		all = append(all, d)
	}
	return all, today
}

func TestADropIsToldFromNoise(t *testing.T) {
	r := rand.New(rand.NewPCG(seed, 6))
	noisy := func(r *rand.Rand) func(int) float64 { // days differ by a fifth by themselves
		rates := make([]float64, trial.WatchDays+1)
		for i := range rates {
			rates[i] = 0.05 * exp(0.2*r.NormFloat64())
		}
		return func(age int) float64 { return rates[age] }
	}
	calm, loud, found := 0, 0, 0
	const runs = 400
	for range runs {
		if d := trial.Watch(days(r, 800, func(int) float64 { return 0.05 })); d.Fell {
			calm++
		}
		if d := trial.Watch(days(r, 800, noisy(r))); d.Fell {
			loud++
		}
		if d := trial.Watch(days(r, 800, func(age int) float64 { return map[bool]float64{true: 0.03, false: 0.05}[age <= 4] })); d.Fell && strings.Contains(d.Words(), "fell from") {
			found++
		}
	}
	t.Logf("weeks called a drop: %d of %d calm ones, %d of %d in which days differ by a fifth, %d of %d with a drop by two fifths for four days (seed %d)", calm, runs, loud, runs, found, runs, seed)
	if calm > runs*5/100 || loud > runs*8/100 || found < runs*95/100 {
		t.Errorf("calm %d, loud %d, found %d of %d (seed %d)", calm, loud, found, runs, seed)
	}
}

func TestTooLittleToLearnFromIsNoAlarm(t *testing.T) {
	r := rand.New(rand.NewPCG(seed, 7))
	all, today := days(r, 20, func(age int) float64 { return map[bool]float64{true: 0, false: 0.05}[age <= 7] })
	for name, some := range map[string][]trial.Day{"few clicks": all, "few days": all[20:], "none": nil} {
		if d := trial.Watch(some, today); d.Enough || d.Fell {
			t.Errorf("%s: %+v", name, d)
		}
	}
}

func TestAWorseVersionIsToldFromOneMeasuredOnOthers(t *testing.T) {
	if trial.Worse(0.20, 500, 0.18, 500) || !trial.Worse(0.20, 5000, 0.17, 5000) || trial.Worse(0.2, 0, 0.1, 5000) || trial.Worse(0.1, 5000, 0.2, 5000) {
		t.Error("a fall of 0.02 on 500 people is noise, one of 0.03 on 5,000 is none")
	}
}
