package recommend

import (
	"context"
	"fmt"
	"math"

	"thimble"
	"thimble/internal/ml"
)

// A TuneReport says which recipe suits a shop and how that was found.
type TuneReport struct {
	Recipe Recipe  `json:"recipe"` // the start, unless another is significantly better
	Start  float64 `json:"start"`  // mean NDCG@20 of the start on what was held out
	Best   float64 `json:"best"`   // and of the recipe
	Judged int     `json:"judged"` // people with something held out that were asked
	Tried  int     `json:"tried"`  // recipes
	// Errors is by how many standard errors the best recipe tried is above the start,
	// person by person.
	Errors float64 `json:"standard_errors"`
	// Points are all recipes that were tried, in that order: the first is the start.
	Points []TunePoint `json:"points,omitempty"`
	// Split says on what, where that was one instant for all.
	Split Split `json:"split,omitzero"`
}

// A TunePoint is one recipe and how it did on what was held out.
type TunePoint struct {
	Recipe   Recipe  `json:"recipe"`
	NDCG     float64 `json:"ndcg@20"`
	Recall   float64 `json:"recall@20"`
	Coverage float64 `json:"coverage@20"` // share of the items that somebody had that are in some list
	Weights  int     `json:"weights"`
	// Errors is by how many standard errors NDCG is above the start's, person by person.
	Errors float64 `json:"standard_errors"`
}

// A Split is what was learned from and what was judged: months of the first and the last
// order, and the day from which on they are judged.
type Split struct {
	From  string `json:"from"`
	Cut   string `json:"cut"`
	Until string `json:"until"`
}

// A Halved is the history of one person in two parts: what they had before an instant, the
// latest last, with when that was and whether they are trusted, and what they had from then
// on for the first time.
type Halved struct {
	Before History
	After  []thimble.ItemID
}

// Words says it in a sentence.
func (t TuneReport) Words() string {
	if t.Errors < significant {
		return fmt.Sprintf("Of %d recipes none was significantly better for %d people; the recipe is as it was", t.Tried, t.Judged)
	}
	return fmt.Sprintf("Of %d recipes this was the best for %d people, by %.1f standard errors", t.Tried, t.Judged, t.Errors)
}

// significant is how many standard errors a recipe must be better by. Several are
// tried, so two would often be luck.
const significant = 3

// mostJudged bounds the people that each recipe is judged on.
const mostJudged = 20_000

// Tune looks for a recipe that suits a data set better than start does, one
// hyper-parameter at a time over a small grid. It trains on each history without
// its last fifth and judges lists for that fifth. It changes nothing in d; it needs
// as much memory again, and about ten trainings of time. Everybody counts as trusted
// there and of no known time. Who tunes may keep the
// recipe for the next versions: it is a few whole numbers, and not the sort of thing
// that remembers a person.
func Tune(ctx context.Context, start Recipe, d *Dataset, progress func(done, total int)) (TuneReport, error) {
	return tune(ctx, start, d.table.ids, d.histories, progress)
}

// TuneOn is Tune with a split of the caller's: each recipe learns from what came before,
// and is judged on what came after. Before it learns, freeze sets what a recipe has of the
// data that it learns from, such as its epoch and its caps: then decay is tried too. What is
// reported are the recipes before that.
func TuneOn(ctx context.Context, start Recipe, items []thimble.ItemID, people []Halved, freeze func(Recipe, *Dataset) Recipe, progress func(done, total int)) (TuneReport, error) {
	table := newCatalogue(items)
	if err := table.check(); err != nil {
		return TuneReport{Recipe: start}, err
	}
	numbers := func(ids []thimble.ItemID, seen map[int32]bool) (out []int32) {
		for _, id := range ids {
			if i, ok := table.find(id); ok && !seen[i] {
				seen[i], out = true, append(out, i)
			}
		}
		return out
	}
	train, held := make([][]int32, len(people)), make([][]int32, len(people))
	scratch := make([]uint64, bitWords(len(table.ids)))
	for k, p := range people {
		seen := map[int32]bool{}
		train[k] = table.lastDistinct(nil, len(p.Before.Items), len(table.ids), func(n int) thimble.ItemID { return p.Before.Items[n] }, scratch)
		for _, i := range train[k] {
			seen[i] = true
		}
		if len(train[k]) > 0 {
			held[k] = numbers(p.After, seen)
		}
	}
	t := newTuning(table.ids, train, held)
	for k, p := range people {
		t.d.put(evalPerson(k), p.Before)
	}
	t.freeze = freeze
	return search(ctx, start, t, progress)
}

func tune(ctx context.Context, start Recipe, names []thimble.ItemID, histories [][]int32, tell func(done, total int)) (TuneReport, error) {
	train, held := holdOut(histories)
	return search(ctx, start, newTuning(names, train, held), tell)
}

func search(ctx context.Context, start Recipe, t *tuning, tell func(done, total int)) (TuneReport, error) {
	candidates := grid(start, t.freeze != nil)
	total, done := 1, 0
	for _, try := range candidates {
		total += len(try(start))
	}
	var points []TunePoint
	var first []float64
	attempt := func(r Recipe) ([]float64, error) {
		gains, point, err := t.judge(ctx, r)
		if first == nil {
			first = gains
		}
		if point.Errors = standardErrors(first, gains); r != start {
			point.Recipe.Name = tunedName(start.Name)
		}
		points = append(points, point)
		if done++; tell != nil {
			tell(min(done, total), total)
		}
		return gains, err
	}
	if _, err := attempt(start); err != nil {
		return TuneReport{Recipe: start}, err
	}
	best, top := start, first
	for _, variants := range candidates {
		for _, r := range variants(best) {
			gains, err := attempt(r)
			if err != nil {
				return TuneReport{Recipe: start}, err
			}
			if mean(gains) > mean(top) {
				best, top = r, gains
			}
		}
	}
	out := TuneReport{Recipe: start, Start: mean(first), Best: mean(first), Judged: len(first), Tried: done, Errors: standardErrors(first, top), Points: points}
	if out.Errors >= significant {
		out.Recipe, out.Best = best, mean(top)
		out.Recipe.Name = tunedName(start.Name)
	}
	return out, nil
}

// A tuning is histories without their ends, and the ends.
type tuning struct {
	set         *evalSet
	train, held [][]int32
	d           *Dataset
	popularity  []int
	freeze      func(Recipe, *Dataset) Recipe // nil: the data says neither who is trusted nor when anybody was there
}

func newTuning(names []thimble.ItemID, train, held [][]int32) *tuning {
	t := &tuning{set: &evalSet{names: names}, train: train, held: held, popularity: make([]int, len(names))}
	for _, items := range train {
		for _, i := range items {
			t.popularity[i]++
		}
	}
	t.d = t.set.dataset(t.train)
	judged := 0
	for _, held := range t.held {
		judged += min(len(held), 1)
	}
	// Every n-th person is asked, so that the same people are for each recipe.
	step, seen := judged/mostJudged+1, 0
	for user, held := range t.held {
		if seen += min(len(held), 1); seen%step != 0 {
			t.held[user] = nil
		}
	}
	return t
}

// learn trains on what is not held out. The caps on people who are not trusted are for a
// data set that says who is, and decay for one that says when anybody was there.
func (t *tuning) learn(ctx context.Context, r Recipe) (*Model, error) {
	if t.freeze != nil {
		return Train(ctx, t.freeze(r, t.d), t.d, nil)
	}
	r.UntrustedCap, r.UntrustedFloor, r.UntrustedMilli, r.TrustedBefore = 0, 0, 0, 0
	r.DecayEpoch, r.HalfLife = 0, 0
	return Train(ctx, r, t.d, nil)
}

// judge returns the NDCG of each person asked, and the measures of all.
func (t *tuning) judge(ctx context.Context, r Recipe) (gains []float64, p TunePoint, err error) {
	p.Recipe = r
	m, err := t.learn(ctx, r)
	if err != nil {
		return nil, p, err
	}
	listed, gains := make([]bool, len(t.set.names)), []float64{}
	t.set.eachAsk(m, t.train, t.held, func(user int, history []thimble.Interaction, q Query) {
		list := m.numbers(m.ForYou(history, q))
		recall, ndcg := score(list, t.held[user])
		gains, p.Recall = append(gains, ndcg), p.Recall+recall
		for _, i := range list {
			listed[i] = true
		}
	})
	p.NDCG, p.Recall = mean(gains), p.Recall/float64(max(len(gains), 1))
	p.Coverage, p.Weights = coverage(listed, t.popularity), m.stats.NonZeros
	return gains, p, nil
}

// tunedName is the name of a recipe that was found by tuning another.
func tunedName(name string) string { return name[:min(len(name), 58)] + "-tuned" }

func mean(values []float64) float64 {
	sum := 0.0
	for _, v := range values {
		sum += v
	}
	return sum / float64(max(len(values), 1))
}

// standardErrors returns by how many standard errors b's mean is above a's, pair by
// pair; 0 when they do not differ.
func standardErrors(a, b []float64) float64 {
	n, sum, squares := float64(len(a)), 0.0, 0.0
	for k := range a {
		d := b[k] - a[k]
		sum += d
		squares += d * d
	}
	variance := (squares - sum*sum/n) / (n - 1)
	if n < 2 || !(variance > 0) {
		return 0
	}
	return sum / n / math.Sqrt(variance/n)
}

// grid returns, for each hyper-parameter, the variants of a recipe to try: that of decay for
// data with times.
func grid(start Recipe, timed bool) []func(Recipe) []Recipe {
	vary := func(values []int, set func(*Recipe, int)) func(Recipe) []Recipe {
		return func(r Recipe) []Recipe {
			var out []Recipe
			for _, v := range values {
				next := r
				if set(&next, v); next != r {
					out = append(out, next)
				}
			}
			return out
		}
	}
	all := []func(Recipe) []Recipe{
		vary([]int{start.Steps, min(2*start.Steps, 100)}, func(r *Recipe, v int) { r.Steps = v }),
		vary([]int{300, 500}, func(r *Recipe, v int) { r.AlphaMilli = v }),
		vary([]int{15_000, 25_000, 40_000}, func(r *Recipe, v int) { r.LambdaMilli = v }),
		vary([]int{0, 100}, func(r *Recipe, v int) { r.EtaMilli = v }),
		vary([]int{max(start.K/2, 1), start.K, min(2*start.K, ml.MaxGramBound)}, func(r *Recipe, v int) { r.K = v }),
		vary([]int{0, 200}, func(r *Recipe, v int) { r.KeepLeast = v }),
	}
	if timed {
		all = append(all, vary([]int{0, 1, 2, 6}, func(r *Recipe, v int) { r.HalfLife = v }))
	}
	return all
}

// holdOut splits each history of at least three items: the last fifth, but at
// least one item, is held out. When a file is in order of time this is the
// future.
func holdOut(histories [][]int32) (train, held [][]int32) {
	train, held = make([][]int32, len(histories)), make([][]int32, len(histories))
	for user, items := range histories {
		cut := len(items)
		if cut >= 3 {
			cut -= max(1, cut/5)
		}
		train[user], held[user] = items[:cut], items[cut:]
	}
	return train, held
}
