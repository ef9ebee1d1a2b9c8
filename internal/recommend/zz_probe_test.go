package recommend

import (
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"
)

// random 10 % of train is the validation part
func TestProbe(t *testing.T) {
	name := os.Getenv("SET")
	if name == "" {
		t.Skip()
	}
	set := probeSet(t, name)
	rng := rand.New(rand.NewPCG(5, 5))
	tr, va := make([][]int32, len(set.train)), make([][]int32, len(set.train))
	for u, items := range set.train {
		for _, i := range items {
			if rng.IntN(100) < probePct() {
				va[u] = append(va[u], i)
			} else {
				tr[u] = append(tr[u], i)
			}
		}
	}
	if os.Getenv("LAST") != "" {
		tr, va = holdOut(set.train)
	}
	if os.Getenv("ONTEST") != "" {
		tr, va = set.train, set.test
	}
	d := set.dataset(tr)
	for _, cfg := range strings.Split(os.Getenv("CFG"), ";") {
		r := DefaultRecipe()
		if cfg != "" {
			if err := json.Unmarshal([]byte("{"+cfg+"}"), &r); err != nil {
				t.Fatal(err)
			}
		}
		c0 := cpuSeconds()
		t0 := time.Now()
		m, err := Train(t.Context(), r, d, nil)
		if err != nil {
			t.Fatal(err)
		}
		c1 := cpuSeconds()
		w := time.Since(t0)
		var g Metrics
		g.judge(m, set, tr, va)
		fmt.Printf("%-40s R %.4f N %.4f cpu %.2f wall %.2f nnz/item %.1f p50 %.1f p99 %.1f MB %.1f\n", cfg, g.Recall, g.NDCG, c1-c0, w.Seconds(), float64(m.Stats().NonZeros)/float64(len(set.names)), g.ServeP50, g.ServeP99, float64(len(m.encode()))/1e6)
	}
}
func probeSet(t *testing.T, name string) *evalSet {
	var te io.Reader = strings.NewReader("")
	file := map[string]string{"gowalla": "gowalla/train.txt.gz", "beauty": "amazon-sequential/Beauty.txt.gz", "sports": "amazon-sequential/Sports_and_Outdoors.txt.gz", "toys": "amazon-sequential/Toys_and_Games.txt.gz"}[name]
	if name == "gowalla" {
		te = openData(t, "gowalla/test.txt.gz")
	}
	set, err := readEvalSet(openData(t, file), te)
	if err != nil {
		t.Fatal(err)
	}
	return set
}
func probePct() int {
	if os.Getenv("PCT") != "" {
		return 21
	}
	return 10
}
