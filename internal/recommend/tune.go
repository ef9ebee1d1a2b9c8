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

func tune(ctx context.Context, start Recipe, names []thimble.ItemID, histories [][]int32, tell func(done, total int)) (TuneReport, error) {
	t := newTuning(names, histories)
	candidates := grid(start)
	total, done := 1, 0
	for _, try := range candidates {
		total += len(try(start))
	}
	attempt := func(r Recipe) ([]float64, error) {
		gains, err := t.judge(ctx, r)
		if done++; tell != nil {
			tell(min(done, total), total)
		}
		return gains, err
	}
	first, err := attempt(start)
	if err != nil {
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
	out := TuneReport{Recipe: start, Start: mean(first), Best: mean(first), Judged: len(first), Tried: done, Errors: standardErrors(first, top)}
	if out.Errors >= significant {
		out.Recipe, out.Best = best, mean(top)
		out.Recipe.Name = start.Name[:min(len(start.Name), 58)] + "-tuned"
	}
	return out, nil
}

// A tuning is histories without their ends, and the ends.
type tuning struct {
	set         *evalSet
	train, held [][]int32
	d           *Dataset
}

func newTuning(names []thimble.ItemID, histories [][]int32) *tuning {
	t := &tuning{set: &evalSet{names: names}}
	t.train, t.held = holdOut(histories)
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
// data set that says who is; nor does this one say when anybody was there.
func (t *tuning) learn(ctx context.Context, r Recipe) (*Model, error) {
	r.UntrustedCap, r.UntrustedFloor, r.UntrustedMilli, r.TrustedBefore = 0, 0, 0, 0
	r.DecayEpoch, r.HalfLife = 0, 0
	return Train(ctx, r, t.d, nil)
}

// judge returns the NDCG of each person asked.
func (t *tuning) judge(ctx context.Context, r Recipe) ([]float64, error) {
	m, err := t.learn(ctx, r)
	if err != nil {
		return nil, err
	}
	var gains []float64
	t.set.eachAsk(m, t.train, t.held, func(user int, history []thimble.Interaction, q Query) {
		_, ndcg := score(m.numbers(m.ForYou(history, q)), t.held[user])
		gains = append(gains, ndcg)
	})
	return gains, nil
}

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

// grid returns, for each hyper-parameter, the variants of a recipe to try.
func grid(start Recipe) []func(Recipe) []Recipe {
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
	return []func(Recipe) []Recipe{
		vary([]int{start.Steps, min(2*start.Steps, 100)}, func(r *Recipe, v int) { r.Steps = v }),
		vary([]int{300, 500}, func(r *Recipe, v int) { r.AlphaMilli = v }),
		vary([]int{15_000, 25_000, 40_000}, func(r *Recipe, v int) { r.LambdaMilli = v }),
		vary([]int{0, 100}, func(r *Recipe, v int) { r.EtaMilli = v }),
		vary([]int{max(start.K/2, 1), start.K, min(2*start.K, ml.MaxGramBound)}, func(r *Recipe, v int) { r.K = v }),
	}
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
