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
func since(t *testing.T, r Recipe, all []purchase, from, to, halfLife int) (gains []float64, recall float64) {
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
	if halfLife > 0 {
		r = r.Decayed(Month(all[cut].at), halfLife)
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

// What decay does on the Online Retail set. The half-life is chosen on what was bought
// between three and four fifths of all purchases, and judged on the last fifth. It prints.
func TestWhatDecayDoesOnOnlineRetail(t *testing.T) {
	all := onlineRetail(t)
	r := DefaultRecipe()
	var first, firstOfTest []float64
	for _, halfLife := range []int{0, 1, 2, 3, 6, 12} {
		gains, recall := since(t, r, all, 60, 80, halfLife)
		test, testRecall := since(t, r, all, 80, 100, halfLife)
		if halfLife == 0 {
			first, firstOfTest = gains, test
		}
		t.Logf("half-life %2d months: to choose by ndcg@20 %.4f, recall@20 %.4f, %+.1f standard errors of %d people; judged %.4f, %.4f, %+.1f of %d",
			halfLife, mean(gains), recall, standardErrors(first, gains), len(gains), mean(test), testRecall, standardErrors(firstOfTest, test), len(test))
	}
	if len(first) < 500 || len(firstOfTest) < 500 || mean(first) < 0.02 {
		t.Errorf("%d and %d people were judged, at %.4f: the set was read wrongly", len(first), len(firstOfTest), mean(first))
	}
}
