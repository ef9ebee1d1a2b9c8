package suspect

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

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
