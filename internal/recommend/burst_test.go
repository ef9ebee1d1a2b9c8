package recommend

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"thimble"
	"thimble/internal/recommend/suspect"
)

// A buyer is somebody of the Online Retail set until a day, and whether they are trusted by the
// rule of the lists: they came in a month before the last.
type buyer struct {
	items       []thimble.ItemID
	first, last time.Time
	trusted     bool
}

func buyersUntil(all []purchase, day time.Time) []buyer {
	at, out := map[string]int{}, []buyer{}
	for _, p := range all {
		if !p.at.Before(day) {
			break
		}
		n, ok := at[p.who]
		if !ok {
			n = len(out)
			at[p.who], out = n, append(out, buyer{first: p.at, trusted: Month(p.at) < Month(day)-1})
		}
		out[n].items, out[n].last = append(out[n].items, p.item), p.at
	}
	return out
}

// pushers are made-up accounts that come within some days of the last month, with an item that few
// had and others as an attack of a kind has them.
func pushers(rng *rand.Rand, town []buyer, kind string, n, days int, day time.Time) (out []buyer, target thimble.ItemID) {
	count, pairs := map[thimble.ItemID]int{}, []thimble.ItemID{}
	for _, b := range town {
		pairs = append(pairs, b.items...)
		for _, i := range b.items {
			count[i]++
		}
	}
	items := make([]thimble.ItemID, 0, len(count))
	for i := range count {
		items = append(items, i)
	}
	slices.SortFunc(items, func(a, b thimble.ItemID) int {
		if count[a] != count[b] {
			return count[b] - count[a]
		}
		if a < b {
			return -1
		}
		return 1
	})
	var cold []thimble.ItemID
	for _, i := range items {
		if count[i] >= 3 && count[i] <= 12 {
			cold = append(cold, i)
		}
	}
	target = cold[rng.IntN(len(cold))]
	begin := day.AddDate(0, 0, -days-rng.IntN(25))
	for range n {
		b := buyer{items: []thimble.ItemID{target}, first: begin.Add(time.Duration(rng.IntN(24*days)) * time.Hour)}
		b.last = b.first
		for k := range 12 {
			from := items
			switch {
			case kind == "average":
				from = pairs
			case kind == "popular":
				from = items[:50]
			case kind == "bandwagon" && k%2 == 0:
				from = items[:10]
			}
			b.items = append(b.items, from[rng.IntN(len(from))])
		}
		out = append(out, b)
	}
	return out, target
}

// found counts who is suspected, with the days of accounts and without.
func found(town, gang []buyer, timed bool) (wrong, right int) {
	s, aged := suspect.NewSearch(), 0
	for _, b := range town {
		if b.trusted {
			aged++
		}
	}
	noAge := 2*aged < len(town) // where the lists do not look
	for n, b := range slices.Concat(town, gang) {
		first, last := b.first, b.last
		if !timed {
			first, last = time.Time{}, time.Time{}
		}
		s.AddFrom(evalPerson(n), b.items, b.trusted && !noAge, first, last)
	}
	genuine := map[thimble.SubjectID]bool{}
	for n := range town {
		genuine[evalPerson(n)] = true
	}
	for _, f := range s.Find() {
		for _, p := range f.People {
			if genuine[p] {
				wrong++
			} else {
				right++
			}
		}
	}
	return wrong, right
}

// What the days of accounts add to what gives them away, on the Online Retail set until some
// days, trusted by the rule of the lists. It prints.
func TestWhatBurstsShowOnOnlineRetail(t *testing.T) {
	all := onlineRetail(t)
	const seed = 41
	rng := rand.New(rand.NewPCG(seed, 0))
	t.Logf("seed %d", seed)
	sizes := []int{10, 20, 50}
	type tally struct{ plain, timed, of, wrong int }
	sums := map[string]*tally{}
	for _, until := range []string{"2010-12-20", "2011-01-01", "2011-01-20", "2011-03-01", "2011-06-01", "2011-09-01", "2011-12-01"} {
		day, err := time.Parse(time.DateOnly, until)
		if err != nil {
			t.Fatal(err)
		}
		town := buyersUntil(all, day)
		plain, _ := found(town, nil, false)
		timed, _ := found(town, nil, true)
		trusted := 0
		for _, b := range town {
			if b.trusted {
				trusted++
			}
		}
		t.Logf("until %s: %d people, %d trusted; suspected without days %d, with %d", until, len(town), trusted, plain, timed)
		for _, kind := range []string{"random", "average", "popular"} {
			for _, n := range sizes {
				for _, days := range []int{1, 7, 21} {
					gang, _ := pushers(rng, town, kind, n, days, day)
					_, before := found(town, gang, false)
					wrong, after := found(town, gang, true)
					age := "grown"
					if 2*trusted < len(town) {
						age = "young"
					}
					key := fmt.Sprintf("%s shop, %2d accounts within %2d days", age, n, days)
					if sums[key] == nil {
						sums[key] = &tally{}
					}
					s := sums[key]
					s.plain, s.timed, s.of, s.wrong = s.plain+before, s.timed+after, s.of+n, s.wrong+wrong-timed
				}
			}
		}
	}
	keys := make([]string, 0, len(sums))
	for k := range sums {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	for _, k := range keys {
		s := sums[k]
		t.Logf("%s: found without days %.3f, with %.3f of %d accounts; %d genuine people more suspected", k, float64(s.plain)/float64(s.of), float64(s.timed)/float64(s.of), s.of, s.wrong)
	}
	if s := sums["grown shop, 10 accounts within  1 days"]; s == nil || s.timed <= s.plain {
		t.Errorf("of gangs of a day no more are found with days than without: %+v", s)
	}
}
