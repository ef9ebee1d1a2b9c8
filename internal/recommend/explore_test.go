package recommend

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"thimble"
	"thimble/internal/ml"
	"time"
)

func slurp(p string) []byte {
	f, err := os.Open(p)
	if err != nil {
		panic(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		panic(err)
	}
	b, err := io.ReadAll(z)
	if err != nil {
		panic(err)
	}
	return b
}

func randomOut(h [][]int32, seed uint64) (train, held [][]int32) {
	rng := rand.New(rand.NewPCG(seed, 1))
	train, held = make([][]int32, len(h)), make([][]int32, len(h))
	for u, items := range h {
		if len(items) < 3 {
			train[u] = items
			continue
		}
		n := max(1, len(items)/5)
		perm := rng.Perm(len(items))
		out := map[int]bool{}
		for _, k := range perm[:n] {
			out[k] = true
		}
		for k, i := range items {
			if out[k] {
				held[u] = append(held[u], i)
			} else {
				train[u] = append(train[u], i)
			}
		}
	}
	return
}

type xset struct {
	name        string
	set         *evalSet
	train, held [][]int32
	d           *Dataset
}

var xcache = map[string]*xset{}

func loadX(name string) *xset {
	if x, ok := xcache[name]; ok {
		return x
	}
	base, mode, _ := strings.Cut(name, ":")
	var set *evalSet
	var err error
	x := &xset{name: name}
	if base == "gowalla" {
		set, err = readEvalSet(bytes.NewReader(slurp("/work/shared/data/gowalla/train.txt.gz")), bytes.NewReader(slurp("/work/shared/data/gowalla/test.txt.gz")))
	} else {
		set, err = readEvalSet(bytes.NewReader(slurp("/work/shared/data/amazon-sequential/"+base+".txt.gz")), strings.NewReader(""))
		if err == nil {
			set.train, set.test = holdOut(set.train)
		}
	}
	if err != nil {
		panic(err)
	}
	x.set = set
	switch mode {
	case "test":
		x.train, x.held = set.train, set.test
	case "last":
		x.train, x.held = holdOut(set.train)
	case "rand":
		x.train, x.held = randomOut(set.train, 5)
	}
	x.d = set.dataset(x.train)
	xcache[name] = x
	return x
}

func xjudge(m *Model, x *xset) (rec, nd float64) {
	var wg sync.WaitGroup
	var mu sync.Mutex
	n := 0
	for w := range 2 {
		wg.Go(func() {
			r0, n0, c := 0.0, 0.0, 0
			for u := w; u < len(x.held); u += 2 {
				if len(x.held[u]) == 0 {
					continue
				}
				var had []int32
				if u < len(x.train) {
					had = x.train[u]
				}
				hist := make([]thimble.Interaction, len(had))
				for k, i := range had {
					hist[k].Item = x.set.names[i]
				}
				q := Query{K: cutoff, NoTerms: true}
				if len(had) > m.recipe.HistoryCap {
					q.Exclude = func(id thimble.ItemID) bool { return slices.Contains(had, m.table.at[id]) }
				}
				var list []int32
				for _, r := range m.ForYou(hist, q) {
					list = append(list, m.table.at[r.Item])
				}
				a, b := score(list, x.held[u])
				r0 += a
				n0 += b
				c++
			}
			mu.Lock()
			rec += r0
			nd += n0
			n += c
			mu.Unlock()
		})
	}
	wg.Wait()
	return rec / float64(n), nd / float64(n)
}

func prunedTo(m *Model, below int) *Model {
	out := &Model{recipe: m.recipe, table: m.table, stats: m.stats, thresholds: m.thresholds, rows: make([][]cell, len(m.rows))}
	out.stats.NonZeros = 0
	for i, row := range m.rows {
		var keep []cell
		for _, c := range row {
			if a := int(c.code()); max(a, -a) >= below {
				keep = append(keep, c)
			}
		}
		out.rows[i] = keep
		out.stats.NonZeros += len(keep)
	}
	return out
}

func TestExplore(t *testing.T) {
	spec := os.Getenv("X_SPEC")
	if spec == "" {
		t.Skip()
	}
	var in struct {
		Sets   []string
		Prune  []int
		Forget int
		Serve  bool
		Base   map[string]any
		Try    []map[string]any
	}
	if err := json.Unmarshal([]byte(spec), &in); err != nil {
		t.Fatal(err)
	}
	for _, name := range in.Sets {
		x := loadX(name)
		for _, try := range in.Try {
			r := DefaultRecipe()
			for _, over := range []map[string]any{in.Base, try} {
				b, _ := json.Marshal(over)
				if err := json.Unmarshal(b, &r); err != nil {
					t.Fatal(err)
				}
			}
			x.d.indexFor(r)
			w, c := time.Now(), cpuSeconds()
			m, err := Train(t.Context(), r, x.d, nil)
			if err != nil {
				t.Fatal(err)
			}
			wall, cpu := time.Since(w).Seconds(), cpuSeconds()-c
			prunes := in.Prune
			if len(prunes) == 0 {
				prunes = []int{r.PruneBelow}
			}
			b, _ := json.Marshal(try)
			for _, p := range prunes {
				pm := prunedTo(m, p)
				rc, nd := xjudge(pm, x)
				fmt.Printf("%-22s %-60s prune %3d  %.4f %.4f  nnz/item %.1f  train %.2fs cpu %.2f\n", name, b, p, rc, nd, float64(pm.stats.NonZeros)/float64(len(pm.rows)), wall, cpu)
			}
			if in.Serve {
				out := Metrics{}
				out.TestSize = len(x.held)
				x.set.test = x.held
				x.set.train = x.train
				pm := prunedTo(m, prunes[len(prunes)-1])
				var cells []float64
				for u, had := range x.train {
					if len(x.held[u]) > 0 {
						n := 0
						for _, i := range had[max(0, len(had)-r.HistoryCap):] {
							n += len(pm.rows[i])
						}
						cells = append(cells, float64(n))
					}
				}
				fmt.Println("cells", percentile(cells, 50), percentile(cells, 90), percentile(cells, 99))
				out.time(pm, x.set)
				fmt.Printf("    bare %.1f %.1f full %.1f %.1f\n", out.RankP50, out.RankP99, out.ServeP50, out.ServeP99)
			}
			if in.Forget > 0 {
				var out Metrics
				out.forget(t.Context(), m, x.set.dataset(x.train), EvalConfig{Forget: in.Forget})
				fmt.Printf("    forget p50 %.1f p95 %.1f cpu %.1f %.1f cols %.0f wrong %d\n", *out.ForgetP50, *out.ForgetP95, *out.ForgetCPU50, *out.ForgetCPU95, *out.ForgetColumns, *out.ForgetMismatches)
			}
		}
	}
	_ = ml.CompandMax
}

func init() {
	if os.Getenv("X_ROUNDS") != "" {
		rounds = 12
	}
}
