package recommend

import (
	"context"
	"io"
	"math"
	"slices"
	"strings"
	"time"

	"thimble"
)

// cutoff is the length of the lists that are judged.
const cutoff = 20

// An EvalConfig says what to evaluate. Train and Test hold a user and their
// items on a line, separated by blanks, oldest first where the order is known.
type EvalConfig struct {
	Train, Test io.Reader
	Recipe      Recipe // the zero recipe means DefaultRecipe
	// Tune chooses hyper-parameters, on a validation part of train.
	Tune bool
	// Forget deletes this many people one by one and then compares with a
	// retrained model.
	Forget int
	// Progress, when not nil, is told how far a stage is.
	Progress func(stage string, done, total int)
}

// Metrics is what an evaluation found, with the keys of `thimble eval`.
type Metrics struct {
	Recall   float64 `json:"recall@20"`
	NDCG     float64 `json:"ndcg@20"`
	Coverage float64 `json:"coverage@20"` // share of train's items that are in some list
	Novelty  float64 `json:"novelty@20"`  // mean bits of surprise of a listed item
	TestSize int     `json:"test_users"`

	TrainSeconds    float64 `json:"train_s"`
	TrainCPUSeconds float64 `json:"train_cpu_s"`
	PeakRSSMB       float64 `json:"peak_rss_mb"` // of the process, so far
	ModelMB         float64 `json:"model_mb"`
	ServeP50        float64 `json:"serve_p50_us"` // ranking with terms, one thread, percentiles over people
	ServeP99        float64 `json:"serve_p99_us"`
	RankP50         float64 `json:"rank_p50_us"` // the same without terms
	RankP99         float64 `json:"rank_p99_us"`

	ForgetP50        *float64 `json:"forget_p50_ms,omitempty"`
	ForgetP95        *float64 `json:"forget_p95_ms,omitempty"`
	ForgetCPU50      *float64 `json:"forget_cpu_p50_ms,omitempty"`
	ForgetCPU95      *float64 `json:"forget_cpu_p95_ms,omitempty"`
	ForgetColumns    *float64 `json:"forget_columns_p50,omitempty"`
	ForgetMismatches *int     `json:"forget_mismatches,omitempty"` // weights and columns that differ

	Recipe    Recipe `json:"recipe"`
	ModelHash string `json:"model_sha256"`
	Stats     Stats  `json:"stats"`
	// ChosenOn says on what the hyper-parameters were chosen. It is never test.
	ChosenOn string `json:"chosen_on"`
}

// Evaluate trains on one file and judges the lists on another by the all-ranking
// protocol of LightGCN (He et al. 2020): all items are ranked except those the
// user has in train; recall@20 is hits over the user's test items, ndcg@20 uses
// binary gains and an ideal list of at most 20; both are means over users with
// test items.
func Evaluate(ctx context.Context, c EvalConfig) (Metrics, error) {
	set, err := readEvalSet(c.Train, c.Test)
	if err != nil {
		return Metrics{}, err
	}
	if c.Recipe == (Recipe{}) {
		c.Recipe = DefaultRecipe()
	}
	out := Metrics{Recipe: c.Recipe, ChosenOn: "nothing: the recipe was given and this run tuned none of it"}
	if c.Tune {
		report, err := tune(ctx, c.Recipe, set.names, set.train, c.stage("tune"))
		if err != nil {
			return out, err
		}
		out.Recipe = report.Recipe
		out.ChosenOn = "a validation part of train: the last fifth of each history; never test. " + report.Words()
	}
	d := set.dataset(set.train)
	if c.Forget > 0 {
		d.Quicken()
	}
	wall, cpu := time.Now(), cpuSeconds()
	m, err := Train(ctx, out.Recipe, d, c.stage("train"))
	if err != nil {
		return out, err
	}
	out.TrainSeconds, out.TrainCPUSeconds = time.Since(wall).Seconds(), cpuSeconds()-cpu
	out.PeakRSSMB = peakRSSMB()
	out.describe(m)
	out.judge(m, set, set.train, set.test)
	out.time(m, set)
	if c.Forget > 0 {
		err = out.forget(ctx, m, d, c)
	}
	return out, err
}

func (c EvalConfig) stage(name string) func(done, total int) {
	if c.Progress == nil {
		return nil
	}
	return func(done, total int) { c.Progress(name, done, total) }
}

func (out *Metrics) describe(m *Model) {
	out.Stats = m.Stats()
	out.ModelMB = float64(len(m.encode())) / 1e6
	out.ModelHash = hexHash(m)
}

// judge fills in the quality.
func (out *Metrics) judge(m *Model, set *evalSet, train, test [][]int32) {
	popularity := make([]int, len(set.names))
	people := 0
	for _, items := range train {
		people += min(len(items), 1)
		for _, i := range items {
			popularity[i]++
		}
	}
	listed := make([]bool, len(set.names))
	entries, surprise := 0, 0.0
	out.Recall, out.NDCG, out.TestSize = 0, 0, 0
	set.eachAsk(m, train, test, func(user int, history []thimble.Interaction, q Query) {
		list := m.ForYou(history, q)
		recall, ndcg := score(m.numbers(list), test[user])
		out.Recall += recall
		out.NDCG += ndcg
		out.TestSize++
		for _, j := range m.numbers(list) {
			listed[j] = true
			entries++
			surprise += math.Log2(float64(people) / float64(max(popularity[j], 1)))
		}
	})
	n := float64(max(out.TestSize, 1))
	out.Recall, out.NDCG = out.Recall/n, out.NDCG/n
	out.Novelty = surprise / float64(max(entries, 1))
	out.Coverage = coverage(listed, popularity)
}

// eachAsk calls f for each user with test items, with the history to rank from and
// a query that masks all of their train items. The history is valid until f returns, and its
// ids were read just before, as from a store.
func (s *evalSet) eachAsk(m *Model, train, test [][]int32, f func(user int, history []thimble.Interaction, q Query)) {
	var history []thimble.Interaction
	for user, wanted := range test {
		if len(wanted) == 0 {
			continue
		}
		var had []int32
		if user < len(train) {
			had = train[user]
		}
		history = history[:0]
		for _, i := range had {
			history = append(history, thimble.Interaction{Item: thimble.ItemID(strings.Clone(string(s.names[i])))})
		}
		q := Query{K: cutoff, NoTerms: true}
		if len(had) > m.recipe.HistoryCap {
			q.Exclude = func(id thimble.ItemID) bool {
				j, ok := m.table.find(id)
				return ok && slices.Contains(had, j)
			}
		}
		f(user, history, q)
	}
}

// numbers returns a list's items as numbers of the table.
func (m *Model) numbers(list []Ranked) []int32 {
	out := make([]int32, len(list))
	for k, r := range list {
		out[k], _ = m.table.find(r.Item)
	}
	return out
}

// rounds is how often everybody is ranked for the times; the quickest counts,
// because what comes on top is other work of the machine.
const rounds = 3

// time fills in the serving times.
func (out *Metrics) time(m *Model, set *evalSet) {
	bare, full := make([]float64, 0, out.TestSize), make([]float64, 0, out.TestSize)
	for round := range rounds {
		place := 0
		keep := func(times []float64, start time.Time) []float64 {
			took := float64(time.Since(start).Nanoseconds()) / 1e3
			if round == 0 {
				return append(times, took)
			}
			times[place] = min(times[place], took)
			return times
		}
		set.eachAsk(m, set.train, set.test, func(_ int, history []thimble.Interaction, q Query) {
			start := time.Now()
			m.ForYou(history, q)
			bare = keep(bare, start)
			q.NoTerms = false
			start = time.Now()
			m.ForYou(history, q)
			full = keep(full, start)
			place++
		})
	}
	out.RankP50, out.RankP99 = percentile(bare, 50), percentile(bare, 99)
	out.ServeP50, out.ServeP99 = percentile(full, 50), percentile(full, 99)
}

// score returns recall and NDCG of a list.
func score(list, wanted []int32) (recall, ndcg float64) {
	hits, gain, ideal := 0, 0.0, 0.0
	for place, j := range list {
		if slices.Contains(wanted, j) {
			hits++
			gain += 1 / math.Log2(float64(place+2))
		}
	}
	for place := range min(len(wanted), cutoff) {
		ideal += 1 / math.Log2(float64(place+2))
	}
	return float64(hits) / float64(len(wanted)), gain / ideal
}

func coverage(listed []bool, popularity []int) float64 {
	known, shown := 0, 0
	for i, n := range popularity {
		if n == 0 {
			continue
		}
		known++
		if listed[i] {
			shown++
		}
	}
	return float64(shown) / float64(max(known, 1))
}

// percentile returns the value below which p of 100 values lie; 0 of nothing.
func percentile(values []float64, p int) float64 {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	return sorted[min(len(sorted)*p/100, len(sorted)-1)]
}
