package device_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"math"
	"os"
	"strings"
	"testing"
	"time"

	"thimble"
	"thimble/internal/recommend"
	"thimble/internal/recommend/device"
)

// gowalla reads a file of the public set: a line is a user and their items.
func gowalla(t *testing.T, name string) (all [][]thimble.ItemID) {
	t.Helper()
	folder := os.Getenv("THIMBLE_EVAL_DATA")
	if folder == "" {
		t.Skip("set THIMBLE_EVAL_DATA to a folder with public data sets to evaluate on them")
	}
	f, err := os.Open(folder + "/gowalla/" + name)
	if err != nil {
		t.Skip(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(z)
	lines.Buffer(nil, 1<<24)
	for lines.Scan() {
		var items []thimble.ItemID
		for i, word := range strings.Fields(lines.Text()) {
			if i > 0 {
				items = append(items, thimble.ItemID(word))
			}
		}
		all = append(all, items)
	}
	return all
}

// judge is recall and NDCG of lists of 20 by the all-ranking protocol.
func judge(train, test [][]thimble.ItemID, rank func([]thimble.ItemID) []thimble.ItemID) (recall, ndcg float64) {
	users := 0.0
	for u, want := range test {
		if len(want) == 0 || u >= len(train) {
			continue
		}
		hits := map[thimble.ItemID]bool{}
		for _, id := range want {
			hits[id] = true
		}
		n, gain, ideal := 0, 0.0, 0.0
		for k, id := range rank(train[u]) {
			if hits[id] {
				n++
				gain += 1 / math.Log2(float64(k)+2)
			}
		}
		for k := range min(len(hits), 20) {
			ideal += 1 / math.Log2(float64(k)+2)
		}
		users++
		recall += float64(n) / float64(len(hits))
		ndcg += gain / ideal
	}
	return recall / users, ndcg / users
}

// How good and how large files for browsers are on Gowalla, beside the model that they are
// made from. It prints; the bounds are those of the promise: two megabytes on the wire, and
// 97 % of the model's own quality where no pair is left out for having few people behind it.
func TestHowGoodAFileIsOnGowalla(t *testing.T) {
	train, test := gowalla(t, "train.txt.gz"), gowalla(t, "test.txt.gz")
	var items []device.Item
	var ids []thimble.ItemID
	known := map[thimble.ItemID]bool{}
	for _, history := range train {
		for _, id := range history {
			if !known[id] {
				known[id] = true
				items, ids = append(items, device.Item{ID: id}), append(ids, id)
			}
		}
	}
	items = device.Sorted(items)
	data := recommend.NewDataset(ids)
	for u, history := range train {
		if err := data.Put(thimble.SubjectID{byte(u), byte(u >> 8), byte(u >> 16), 1}, recommend.History{Items: history, Trusted: true}); err != nil {
			t.Fatal(err)
		}
	}
	m, err := recommend.Train(t.Context(), recommend.DefaultRecipe(), data, nil)
	if err != nil {
		t.Fatal(err)
	}
	fullRecall, fullNDCG := judge(train, test, func(history []thimble.ItemID) (out []thimble.ItemID) {
		var past []thimble.Interaction
		for _, id := range history {
			past = append(past, thimble.Interaction{Item: id})
		}
		for _, r := range m.ForYou(past, recommend.Query{NoTerms: true}) {
			out = append(out, r.Item)
		}
		return out
	})
	t.Logf("the model that serves: recall %.4f, ndcg %.4f, %d weights", fullRecall, fullNDCG, m.Stats().NonZeros)
	for _, one := range []struct {
		behind, most int
		promise      bool
	}{{1, device.MostCells, true}, {2, device.MostCells, false}, {5, device.MostCells, false}, {device.LeastBehind, device.MostCells, false}} {
		h := head(device.Counted)
		h.Currency, h.Until = "", h.Made.Add(time.Hour)
		f, err := device.New(h, items, device.CountedRows(items, m, data, one.behind, one.most))
		if err != nil {
			t.Fatal(err)
		}
		b := signed(t, f)
		var wire bytes.Buffer
		z := gzip.NewWriter(&wire)
		if _, err := z.Write(b); err != nil || z.Close() != nil {
			t.Fatal(err)
		}
		recall, ndcg := judge(train, test, func(history []thimble.ItemID) (out []thimble.ItemID) {
			for _, r := range f.Rank(history, 20) {
				out = append(out, r.Item)
			}
			return out
		})
		t.Logf("at least %d people behind a pair: %d cells, %d bytes, %d on the wire, recall %.4f (%.1f %%), ndcg %.4f (%.1f %%)",
			one.behind, f.Cells(), len(b), wire.Len(), recall, 100*recall/fullRecall, ndcg, 100*ndcg/fullNDCG)
		if one.promise && (wire.Len() > 2_000_000 || recall < 0.97*fullRecall || ndcg < 0.97*fullNDCG) {
			t.Errorf("want at most 2,000,000 bytes and 97 %% of both")
		}
	}
}
