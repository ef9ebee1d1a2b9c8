package recommend

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"

	"thimble"
	"thimble/internal/ml"
)

// Train computes the model of a data set under a recipe, on all processors that
// GOMAXPROCS allows. progress, when not nil, is told how many of the columns are
// done, from one goroutine at a time. The result depends on the recipe, the item
// table and the histories alone.
func Train(ctx context.Context, recipe Recipe, d *Dataset, progress func(done, total int)) (*Model, error) {
	if err := recipe.Check(); err != nil {
		return nil, err
	}
	x := d.indexFor(recipe)
	if err := x.check(); err != nil {
		return nil, err
	}
	if err := d.table.check(); err != nil {
		return nil, err
	}
	all := make([]int32, len(d.table.ids))
	for j := range all {
		all[j] = int32(j)
	}
	popular := popularityOf(recipe, x)
	solved, err := solveColumns(ctx, recipe, x, popular, task{items: all, quick: d.begin(recipe, popular)}, progress)
	if err != nil {
		d.quick.outdated()
		return nil, err
	}
	return newModel(recipe, d, nil, solved), nil
}

// check refuses what would overflow the fixed-point sums.
func (x *index) check() error {
	if len(x.degree) > maxItems {
		return fmt.Errorf("recommend: %d items, at most %d fit: %w", len(x.degree), maxItems, thimble.ErrInvalid)
	}
	for _, n := range x.degree {
		if n >= ml.MaxGramDegree {
			return fmt.Errorf("recommend: an item has more customers than a model can count: %w", thimble.ErrInvalid)
		}
	}
	return nil
}

// Solved columns, by position in the list that was asked for.
type solvedColumns struct {
	items   []int32
	columns []column
}

// batch is how many columns a worker takes at a time.
const batch = 32

// A task is the columns to solve. Where some are light, the trail is what moved of them.
type task struct {
	items []int32
	light []bool // item → whether its column is light; nil when none is
	// before is the model in which light columns have the neighbours and thresholds that they keep.
	before *Model
	trail  trail
	quick  *quick // nil when nothing is kept
}

func solveColumns(ctx context.Context, r Recipe, x *index, popular *popularity, of task, progress func(done, total int)) (solvedColumns, error) {
	items := of.items
	out := solvedColumns{items: items, columns: make([]column, len(items))}
	report := newReporter(len(items), progress)
	parallel(len(items), batch, func() func(lo, hi int) {
		w := &worker{solver: newSolver(r, x, popular, of)}
		return func(lo, hi int) {
			if ctx.Err() != nil {
				return
			}
			for k := lo; k < hi; k++ {
				out.columns[k] = w.column(items[k])
			}
			report.add(hi - lo)
		}
	})
	if err := ctx.Err(); err != nil {
		return out, fmt.Errorf("recommend: solving %d columns: %w", len(items), err)
	}
	return out, nil
}

// parallel cuts n things into pieces and hands them to as many workers as
// GOMAXPROCS allows; start is called once for each worker.
func parallel(n, piece int, start func() func(lo, hi int)) {
	var next atomic.Int64
	var wg sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), (n+piece-1)/piece) {
		wg.Go(func() {
			work := start()
			for {
				lo := int(next.Add(int64(piece))) - piece
				if lo >= n {
					return
				}
				work(lo, min(lo+piece, n))
			}
		})
	}
	wg.Wait()
}

// A worker keeps its columns' cells in blocks, so that a model costs a few
// allocations and not one for each column.
type worker struct {
	solver *solver
	block  []cell
}

const blockCells = 1 << 16

func (w *worker) column(j int32) column {
	if need := w.solver.popular.room[j]; cap(w.block)-len(w.block) < need {
		w.block = make([]cell, 0, max(blockCells, need))
	}
	from := len(w.block)
	c := w.solver.solve(w.block[from:from], j)
	w.block = w.block[:from+len(c.cells)]
	c.cells = c.cells[:len(c.cells):len(c.cells)]
	return c
}

// A reporter counts finished columns for a progress callback.
type reporter struct {
	mu          sync.Mutex
	done, total int
	tell        func(done, total int)
}

func newReporter(total int, tell func(done, total int)) *reporter {
	return &reporter{total: total, tell: tell}
}

func (r *reporter) add(n int) {
	if r.tell == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.done += n
	r.tell(r.done, r.total)
}
