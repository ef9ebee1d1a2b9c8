package recommend

import "context"

// tune searches a small grid, one hyper-parameter at a time, for the best
// NDCG@20 on the last fifth of each history of train. Test is not looked at.
func tune(ctx context.Context, c EvalConfig, set *evalSet) (Recipe, error) {
	train, held := holdOut(set.train)
	d := set.dataset(train)
	best, score := c.Recipe, -1.0
	candidates := grid(best)
	total := 1
	for _, try := range candidates {
		total += len(try(best))
	}
	done, tell := 0, c.stage("tune")
	attempt := func(r Recipe) error {
		m, err := Train(ctx, r, d, nil)
		if err != nil {
			return err
		}
		var got Metrics
		got.judge(m, set, train, held)
		if got.NDCG > score {
			best, score = r, got.NDCG
		}
		if done++; tell != nil {
			tell(done, total)
		}
		return nil
	}
	if err := attempt(best); err != nil {
		return best, err
	}
	for _, variants := range candidates {
		for _, r := range variants(best) {
			if err := attempt(r); err != nil {
				return best, err
			}
		}
	}
	best.Name = c.Recipe.Name + "-tuned"
	return best, nil
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
		vary([]int{start.Steps, 2 * start.Steps}, func(r *Recipe, v int) { r.Steps = v }),
		vary([]int{300, 500}, func(r *Recipe, v int) { r.AlphaMilli = v }),
		vary([]int{20_000, 35_000, 60_000}, func(r *Recipe, v int) { r.LambdaMilli = v }),
		vary([]int{0, 100}, func(r *Recipe, v int) { r.EtaMilli = v }),
		vary([]int{100, 200, 400}, func(r *Recipe, v int) { r.K = v }),
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
