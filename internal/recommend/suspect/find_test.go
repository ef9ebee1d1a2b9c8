package suspect

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"thimble"
)

func person(n int) (p thimble.SubjectID) {
	binary.BigEndian.PutUint64(p[8:], uint64(n)+1)
	return p
}

func item(n int) thimble.ItemID { return thimble.ItemID(fmt.Sprintf("sku-%03d", n)) }

type someone struct {
	n       int
	items   []thimble.ItemID
	trusted bool
}

// town is so many people who buy at random, popular items more often; a fifth of them
// is not trusted.
func town(n int) []someone {
	rng := rand.New(rand.NewPCG(7, 7))
	var out []someone
	for p := range n {
		s := someone{n: p, trusted: rng.IntN(5) > 0}
		for range 3 + rng.IntN(10) {
			u := rng.Float64()
			s.items = append(s.items, item(int(u*u*300)))
		}
		out = append(out, s)
	}
	return out
}

// gang is accounts that push an item beside popular ones.
func gang(from, n, target int) []someone {
	rng := rand.New(rand.NewPCG(8, uint64(from)))
	var out []someone
	for p := from; p < from+n; p++ {
		s := someone{n: p, items: []thimble.ItemID{item(target)}}
		for range 8 {
			s.items = append(s.items, item(rng.IntN(20)))
		}
		out = append(out, s)
	}
	return out
}

func find(all []someone) []Finding {
	s := NewSearch()
	for _, one := range all {
		s.Add(person(one.n), one.items, one.trusted)
	}
	return s.Find()
}

func TestATownWithoutAGangHasNoSuspects(t *testing.T) {
	if got := find(town(3000)); len(got) != 0 {
		t.Errorf("findings = %v, want none", got)
	}
}

func TestThoseWhoPushAnItemAreFoundAndWhoHasTheirCoverIsNot(t *testing.T) {
	got := find(append(town(3000), gang(5000, 60, 299)...))
	if len(got) != 1 || got[0].Kind != Pull || got[0].Item != item(299) {
		t.Fatalf("findings = %v, want one of %s", got, item(299))
	}
	genuine := slices.DeleteFunc(slices.Clone(got[0].People), func(p thimble.SubjectID) bool {
		return binary.BigEndian.Uint64(p[8:]) > 5000
	})
	if n := len(got[0].People) - len(genuine); n != 60 || len(genuine) > 6 {
		t.Errorf("%d of the gang's 60 and %d others are suspects", n, len(genuine))
	}
}

func TestTwoGangsAreTwoFindings(t *testing.T) {
	all := append(append(town(3000), gang(5000, 60, 299)...), gang(6000, 40, 298)...)
	got := find(all)
	if len(got) != 2 || got[0].Item != item(299) || got[1].Item != item(298) {
		t.Errorf("findings = %v, want the larger gang's first", got)
	}
}

func TestAccountsWithTheVerySameItemsAreFound(t *testing.T) {
	all := town(3000)
	for p := 5000; p < 5006; p++ {
		all = append(all, someone{n: p, items: []thimble.ItemID{item(11), item(4), item(9), item(30)}})
	}
	got := find(all)
	if len(got) != 1 || got[0].Kind != Alike || len(got[0].People) != 6 || got[0].Items != 4 {
		t.Fatalf("findings = %v, want six that are alike", got)
	}
	if want := "6 accounts that are not trusted have the very same 4 items."; got[0].Reason() != want {
		t.Errorf("reason = %q, want %q", got[0].Reason(), want)
	}
}

func TestWhoIsTrustedIsNeverASuspect(t *testing.T) {
	all := town(3000)
	for _, one := range gang(5000, 60, 299) {
		one.trusted = true
		all = append(all, one)
	}
	if got := find(all); len(got) != 0 {
		t.Errorf("findings = %v, want none", got)
	}
}

func TestFindingsDoNotDependOnTheOrderOfPeople(t *testing.T) {
	all := append(append(town(2000), gang(5000, 60, 299)...), gang(6000, 40, 298)...)
	want := find(all)
	rand.New(rand.NewPCG(3, 3)).Shuffle(len(all), func(a, b int) { all[a], all[b] = all[b], all[a] })
	if diff := cmp.Diff(find(all), want); diff != "" {
		t.Errorf("another order gives other findings:\n%s", diff)
	}
}

func TestAShopWhereNobodyIsTrustedYetHasNothingToCompareWith(t *testing.T) {
	all := append(town(1000), gang(5000, 60, 299)...)
	for k := range all {
		all[k].trusted = false
	}
	if got := find(all); len(got) != 0 {
		t.Errorf("findings = %v, want none", got)
	}
	if got := find(nil); len(got) != 0 {
		t.Errorf("of nobody: %v, want none", got)
	}
}

func TestAReasonIsCountsAndNamesNobody(t *testing.T) {
	got := find(append(town(3000), gang(5000, 60, 299)...))[0]
	if !strings.Contains(got.Reason(), "people who had sku-299 are not trusted, where one expects") {
		t.Errorf("reason = %q", got.Reason())
	}
	for _, p := range got.People {
		if strings.Contains(got.Reason(), p.String()) {
			t.Error("the reason names a suspect")
		}
	}
}

// came is when people of a town come, one after the other over so many days, and how long they
// are seen.
func came(s *Search, all []someone, days int, seed uint64) {
	rng := rand.New(rand.NewPCG(seed, 5))
	for _, one := range all {
		first := noon.AddDate(0, 0, rng.IntN(days))
		s.AddFrom(person(one.n), one.items, one.trusted, first, first.AddDate(0, 0, rng.IntN(30)))
	}
}

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// Where nobody is trusted only the days tell.
func TestAGangThatComesWithinDaysIsFoundWhereNobodyIsTrusted(t *testing.T) {
	young := town(1000)
	for k := range young {
		young[k].trusted = false
	}
	s := NewSearch()
	came(s, young, 60, 1)
	came(s, gang(5000, 30, 299), 3, 2)
	got := s.Find()
	if len(got) != 1 || got[0].Kind != Pull || got[0].Item != item(299) || got[0].Days == 0 || got[0].Days > 3 {
		t.Fatalf("findings = %+v, want one burst of %s", got, item(299))
	}
	wrong := 0
	for _, p := range got[0].People {
		if binary.BigEndian.Uint64(p[8:]) <= 5000 {
			wrong++
		}
	}
	if len(got[0].People)-wrong != 30 || wrong > 1 {
		t.Errorf("%d of the gang's 30 and %d others are suspects", len(got[0].People)-wrong, wrong)
	}
	if want := "accounts that are not trusted and had sku-299 came, or were last here, within 3 days of each other, where one expects"; !strings.Contains(got[0].Reason(), want) {
		t.Errorf("reason = %q", got[0].Reason())
	}
}

// Accounts that were made over months and strike within a day: the last day tells.
func TestAGangThatWasHereLastOnOneDayIsFound(t *testing.T) {
	young := town(1000)
	for k := range young {
		young[k].trusted = false
	}
	s := NewSearch()
	came(s, young, 60, 1)
	rng := rand.New(rand.NewPCG(4, 4))
	for _, one := range gang(5000, 30, 299) {
		s.AddFrom(person(one.n), one.items, false, noon.AddDate(0, 0, rng.IntN(60)), noon.AddDate(0, 0, 70))
	}
	if got := s.Find(); len(got) != 1 || got[0].Item != item(299) || got[0].Days != 1 || len(got[0].People) < 30 {
		t.Errorf("findings = %+v, want one burst of %s", got, item(299))
	}
}

func TestATownThatComesOverWeeksHasNoBursts(t *testing.T) {
	for seed := range uint64(5) {
		for _, nobody := range []bool{false, true} {
			all := town(1500)
			for k := range all {
				all[k].trusted = all[k].trusted && !nobody
			}
			s := NewSearch()
			came(s, all, 90, seed)
			if got := s.Find(); len(got) != 0 {
				t.Errorf("seed %d, nobody trusted %v: findings = %+v, want none", seed, nobody, got)
			}
		}
	}
}

// Everybody came on one day, as on the day of an import.
func TestWhereEverybodyCameAtOnceADayTellsNothing(t *testing.T) {
	all := town(1000)
	s := NewSearch()
	for _, one := range all {
		s.AddFrom(person(one.n), one.items, one.trusted, noon, noon)
	}
	if got := s.Find(); len(got) != 0 {
		t.Errorf("findings = %+v, want none", got)
	}
}
