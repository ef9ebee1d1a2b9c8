package recommend

import (
	"compress/gzip"
	"encoding/csv"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"thimble"
)

// A purchase is a line of the Online Retail set.
type purchase struct {
	who  string
	item thimble.ItemID
	at   time.Time
}

// onlineRetail reads the set's purchases, the oldest first: no cancellations, and no lines
// without a customer.
func onlineRetail(t *testing.T) (all []purchase) {
	t.Helper()
	folder := os.Getenv("THIMBLE_EVAL_DATA")
	if folder == "" {
		t.Skip("set THIMBLE_EVAL_DATA to a folder with public data sets to evaluate on them")
	}
	f, err := os.Open(folder + "/online-retail/online_retail.csv.gz")
	if err != nil {
		t.Skip(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(z).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rows[1:] {
		at, err := time.Parse(time.DateTime, r[4])
		if err != nil {
			t.Fatal(err)
		}
		if r[6] == "" || strings.HasPrefix(r[3], "-") {
			continue
		}
		all = append(all, purchase{r[6], thimble.ItemID(r[1]), at})
	}
	slices.SortStableFunc(all, func(a, b purchase) int { return a.at.Compare(b.at) })
	return all
}

// since judges a recipe that learned from what was bought before a share of all purchases,
// by what the same people bought for the first time from then until another.
func since(t *testing.T, r Recipe, all []purchase, from, to int) (gains []float64, recall float64) {
	t.Helper()
	s := &evalSet{users: map[string]int32{}, items: map[string]int32{}}
	cut, end := len(all)*from/100, len(all)*to/100
	var last []int
	for _, p := range all[:cut] {
		user, item := number(s.users, []byte(p.who)), number(s.items, []byte(p.item))
		if int(item) == len(s.names) {
			s.names = append(s.names, p.item)
		}
		if int(user) == len(s.train) {
			s.train, s.test, last = append(s.train, nil), append(s.test, nil), append(last, 0)
		}
		s.train[user] = append(slices.DeleteFunc(s.train[user], func(i int32) bool { return i == item }), item)
		last[user] = Month(p.at)
	}
	for _, p := range all[cut:end] {
		user, here := s.users[p.who]
		item, known := s.items[string(p.item)]
		if here && known && !slices.Contains(s.train[user], item) && !slices.Contains(s.test[user], item) {
			s.test[user] = append(s.test[user], item)
		}
	}
	s.sortItems()
	d := NewDataset(s.names)
	for user, items := range s.train {
		ids := make([]thimble.ItemID, len(items))
		for k, i := range items {
			ids[k] = s.names[i]
		}
		if err := d.Put(evalPerson(user), History{Items: ids, Epoch: last[user], Trusted: true}); err != nil {
			t.Fatal(err)
		}
	}
	if r.HalfLife > 0 && r.DecayEpoch == 0 {
		r.DecayEpoch = d.LatestEpoch(10)
	}
	m, err := Train(t.Context(), r, d, nil)
	if err != nil {
		t.Fatal(err)
	}
	s.eachAsk(m, s.train, s.test, func(user int, history []thimble.Interaction, q Query) {
		one, ndcg := score(m.numbers(m.ForYou(history, q)), s.test[user])
		gains, recall = append(gains, ndcg), recall+one
	})
	return gains, recall / float64(max(1, len(gains)))
}

// What decay does on the Online Retail set. Half-life and floor are chosen on what was bought
// between three and four fifths of all purchases, and judged on the last fifth. Each is
// judged once more as at the worst: everybody is at the floor, because the epoch is years
// later. It prints.
func TestWhatDecayDoesOnOnlineRetail(t *testing.T) {
	all := onlineRetail(t)
	plain := DefaultRecipe()
	plain.HalfLife, plain.MostHalvings = 0, 0
	first, _ := since(t, plain, all, 60, 80)
	firstOfTest, _ := since(t, plain, all, 80, 100)
	t.Logf("no decay: ndcg@20 to choose by %.4f of %d people; judged %.4f of %d", mean(first), len(first), mean(firstOfTest), len(firstOfTest))
	for _, most := range []int{1, 2, 3, 0} {
		for _, halfLife := range []int{1, 2, 3, 6} {
			r := plain
			r.HalfLife, r.MostHalvings = halfLife, most
			gains, _ := since(t, r, all, 60, 80)
			test, _ := since(t, r, all, 80, 100)
			t.Logf("at most %d times, half-life %d months: to choose by %.4f, %+.1f standard errors; judged %.4f, %+.1f",
				most, halfLife, mean(gains), standardErrors(first, gains), mean(test), standardErrors(firstOfTest, test))
		}
		r := plain
		r.HalfLife, r.MostHalvings, r.DecayEpoch = 1, most, Month(all[len(all)-1].at)+12*15
		gains, _ := since(t, r, all, 60, 80)
		test, _ := since(t, r, all, 80, 100)
		t.Logf("at most %d times, everybody: %.4f, %+.1f; judged %.4f, %+.1f",
			most, mean(gains), standardErrors(first, gains), mean(test), standardErrors(firstOfTest, test))
	}
	if len(first) < 500 || len(firstOfTest) < 500 || mean(first) < 0.02 {
		t.Errorf("%d and %d people were judged, at %.4f: the set was read wrongly", len(first), len(firstOfTest), mean(first))
	}
}
