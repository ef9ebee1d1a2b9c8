package ml

import (
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func TestPowAgreesWithTheLibrary(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x := rapid.Float64Range(1e-6, 1e12).Draw(t, "x")
		y := rapid.Float64Range(-2, 2).Draw(t, "y")
		got, want := Pow(x, y), math.Pow(x, y)
		if math.Abs(got-want) > 1e-10*want {
			t.Errorf("Pow(%g, %g) = %g, want %g", x, y, got, want)
		}
	})
	for _, x := range []float64{0, -1, math.NaN(), math.Inf(1)} {
		if got := Pow(x, 0.5); !math.IsNaN(got) {
			t.Errorf("Pow(%g, 0.5) = %g, want NaN", x, got)
		}
	}
}

// These bits must come out on every processor.
func TestPowHasGoldenBits(t *testing.T) {
	for _, c := range []struct {
		x, y float64
		want uint64
	}{
		{3, 0.5, 0x3ffbb67ae8584bcd},
		{1e9, -0.3, 0x3f60585e4c78b00b},
		{12345.678, 0.7, 0x4086d9ed51d0aee3},
	} {
		if got := math.Float64bits(Pow(c.x, c.y)); got != c.want {
			t.Errorf("Pow(%g, %g) has bits %#x, want %#x", c.x, c.y, got, c.want)
		}
	}
}

func TestRoundTakesHalvesAwayFromZero(t *testing.T) {
	for v, want := range map[float64]int64{0.5: 1, -0.5: -1, 1.49: 1, -2.5: -3, 0: 0} {
		if got := Round(v); got != want {
			t.Errorf("Round(%g) = %d, want %d", v, got, want)
		}
	}
}

func TestExpandingGivesBackWhatWasCompanded(t *testing.T) {
	for c := -CompandMax; c <= CompandMax; c++ {
		v := float64(Expand(int8(c))) / CompandUnit
		if got := Compand(v); int(got) != c {
			t.Errorf("code %d stands for %g, which has code %d", c, v, got)
		}
	}
	for v, want := range map[float64]int8{7: CompandMax, math.Inf(-1): -CompandMax, math.NaN(): 0, 1e-9: 0} {
		if got := Compand(v); got != want {
			t.Errorf("Compand(%g) = %d, want %d", v, got, want)
		}
	}
}

func TestLargestFindsTheLargest(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		one := rapid.Uint64Range(0, rapid.SampledFrom([]uint64{3, 40, 1 << 60, math.MaxUint64}).Draw(t, "range"))
		keys := rapid.SliceOfN(one, 0, 200).Draw(t, "keys")
		k := rapid.IntRange(0, len(keys)+2).Draw(t, "k")
		want := slices.Clone(keys)
		slices.SortFunc(want, descending)
		var top Top
		top.Reset(k)
		for _, key := range keys {
			top.Push(key)
		}
		n := min(k, len(keys))
		got := Largest(keys, k)
		slices.SortFunc(got, descending)
		if !slices.Equal(got, want[:n]) {
			t.Errorf("selected %v, want %v", got, want[:n])
		}
		if got := top.Sorted(); !slices.Equal(got, want[:n]) {
			t.Errorf("kept %v, want %v", got, want[:n])
		}
	})
}

func TestCoarseStepsFollowTheOrderOfKeys(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := rapid.Uint64().Draw(t, "a"), rapid.Uint64().Draw(t, "b")
		if a, b := min(a, b), max(a, b); coarse(a) > coarse(b) || coarse(b) >= coarseSteps || coarse(a) < 0 {
			t.Errorf("coarse(%d) = %d, coarse(%d) = %d", a, coarse(a), b, coarse(b))
		}
	})
}

func TestTopTellsWhatItWouldNotKeep(t *testing.T) {
	var top Top
	top.Reset(2)
	for i, c := range []struct{ key, floor uint64 }{{5, 0}, {9, 5}, {4, 5}, {7, 7}} {
		if got := top.Push(c.key); got != c.floor {
			t.Errorf("push %d: floor %d, want %d", i, got, c.floor)
		}
	}
	top.Reset(0)
	if got := top.Push(1); got != math.MaxUint64 {
		t.Errorf("floor of nothing = %d, want the largest number", got)
	}
}

// A dense matrix as an operator, for comparison.
type dense [][]float64

func (a dense) Apply(dst, p []float64) {
	for i, row := range a {
		dst[i] = Dot(row, p)
	}
}

func (a dense) Energy(p []float64) float64 {
	q := make([]float64, len(p))
	a.Apply(q, p)
	return Dot(p, q)
}

// A system is a drawn ridge problem over sparse rows.
type system struct {
	weights []uint16
	rows    []GramRow
	diag, b []float64
	matrix  dense
}

func drawSystem(t *rapid.T) *system {
	n, columns := rapid.IntRange(1, 8).Draw(t, "rows"), rapid.IntRange(1, 30).Draw(t, "columns")
	s := &system{matrix: make(dense, n)}
	for range columns {
		s.weights = append(s.weights, uint16(rapid.IntRange(1, 4096).Draw(t, "weight")))
	}
	for range n {
		row := rapid.SliceOfDistinct(rapid.Int32Range(0, int32(columns-1)), func(u int32) int32 { return u }).Draw(t, "row")
		slices.Sort(row)
		s.rows = append(s.rows, GramRow{
			Columns: row,
			Pad:     rapid.Int64Range(0, 1000).Draw(t, "pad"),
			Ridge:   rapid.Float64Range(1, 1e5).Draw(t, "ridge"),
		})
		s.b = append(s.b, rapid.Float64Range(0, 1e5).Draw(t, "b"))
	}
	for i := range n {
		s.matrix[i] = make([]float64, n)
		for j := range n {
			for _, u := range s.rows[i].Columns {
				if slices.Contains(s.rows[j].Columns, u) {
					s.matrix[i][j] += float64(s.weights[u])
				}
			}
		}
		s.rows[i].Degree = s.matrix[i][i] + float64(s.rows[i].Pad)
		s.matrix[i][i] = s.rows[i].Degree + s.rows[i].Ridge
		s.diag = append(s.diag, s.matrix[i][i])
	}
	return s
}

func (s *system) gram() *Gram {
	g := NewGram(NewWeights(s.weights))
	g.Restrict(s.rows, len(s.rows))
	return g
}

func TestGramAppliesTheMatrixItDoesNotBuild(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawSystem(t)
		s.isAppliedBy(t, s.gram())
	})
}

// isAppliedBy fails when an operator is not the system's matrix, and returns what it makes of b.
func (s *system) isAppliedBy(t *rapid.T, op Operator) []float64 {
	got, want := make([]float64, len(s.b)), make([]float64, len(s.b))
	p := slices.Clone(s.b)
	for range 2 { // twice, to find what a call leaves behind
		op.Apply(got, p)
		s.matrix.Apply(want, p) // of the rounded p
		for i := range want {
			if math.Abs(got[i]-want[i]) > 1e-9*(1+math.Abs(want[i])) {
				t.Fatalf("A·p = %v, want %v", got, want)
			}
		}
	}
	if got, want := op.Energy(p), s.matrix.Energy(p); math.Abs(got-want) > 1e-9*(1+want) {
		t.Errorf("energy = %g, want %g", got, want)
	}
	return got
}

func TestGramDoesNotDependOnTheOrderOfColumns(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawSystem(t)
		x, y := make([]float64, len(s.b)), make([]float64, len(s.b))
		var cg CG
		cg.Solve(s.gram(), s.diag, s.b, x, Steps{Most: 3})
		to := rapid.Permutation(numbers(len(s.weights))).Draw(t, "order")
		weights := slices.Clone(s.weights)
		for u, v := range to {
			s.weights[v] = weights[u]
		}
		for k, row := range s.rows {
			var columns []int32
			for _, u := range row.Columns {
				columns = append(columns, to[u])
			}
			slices.Sort(columns)
			s.rows[k].Columns = columns
		}
		cg.Solve(s.gram(), s.diag, s.b, y, Steps{Most: 3})
		if !slices.Equal(x, y) {
			t.Errorf("%v in one order, %v in another", x, y)
		}
	})
}

func TestHeavierColumnsCountMoreInWhateverOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, factor := drawSystem(t), rapid.Float64Range(0, 5).Draw(t, "factor")
		var more []GramColumn
		for u, w := range s.weights {
			if rapid.Bool().Draw(t, "more") {
				c := GramColumn{Weight: int64(w)}
				for k, row := range s.rows {
					if slices.Contains(row.Columns, int32(u)) {
						c.Rows = append(c.Rows, int32(k))
					}
				}
				more = append(more, c)
				for _, k := range c.Rows {
					for _, l := range c.Rows {
						s.matrix[k][l] += float64(factor * float64(w))
					}
				}
			}
		}
		var h Heavier
		g := s.gram()
		set := func(columns []GramColumn) {
			h.Begin(g, g, factor)
			for _, c := range columns {
				for _, k := range c.Rows {
					h.Row(k)
				}
				h.Add(uint16(c.Weight))
			}
		}
		set(more)
		got := s.isAppliedBy(t, &h)
		set(rapid.Permutation(more).Draw(t, "order"))
		if other := s.isAppliedBy(t, &h); !slices.Equal(got, other) {
			t.Errorf("%v in one order, %v in another", got, other)
		}
	})
}

func numbers(n int) (all []int32) {
	for i := range n {
		all = append(all, int32(i))
	}
	return all
}

// What differs is how long it takes: a narrow span or a wide one, the matrix built or not.
func TestEachWayToApplyAMatrixGivesTheSameBits(t *testing.T) {
	var cg CG
	gathered := 0
	rapid.Check(t, func(t *rapid.T) {
		s := drawSystem(t)
		steps, last := rapid.IntRange(1, 5).Draw(t, "steps"), rapid.SampledFrom([]float64{0, 0.4}).Draw(t, "last")
		crowded := rapid.SampledFrom([]float64{0, 1.5}).Draw(t, "crowded")
		want, got := make([]float64, len(s.b)), make([]float64, len(s.b))
		cg.Solve(s.gram(), s.diag, s.b, want, Steps{Most: steps, Last: last, Crowded: crowded})
		g := s.gram()
		g.weights.classify()
		g.span = rapid.IntRange(1, len(s.weights)).Draw(t, "span")
		var built Gathered
		for range 2 { // twice, to find what a call leaves behind
			cg.Solve(g, s.diag, s.b, got, Steps{Most: steps, Last: last, Crowded: crowded})
			if !slices.Equal(got, want) {
				t.Fatalf("in spans of %d: %v, want %v", g.span, got, want)
			}
			if !built.Gather(g, 1000) {
				continue
			}
			gathered++
			cg.Solve(&built, s.diag, s.b, got, Steps{Most: steps, Last: last, Crowded: crowded})
			if !slices.Equal(got, want) {
				t.Fatalf("gathered: %v, want %v", got, want)
			}
		}
	})
	if gathered == 0 {
		t.Error("no matrix was built: the test proves nothing of it")
	}
}

// A matrix is not built where that takes longer, also when this shows on the way.
func TestAMatrixIsBuiltWhereThatTakesLess(t *testing.T) {
	weights := make([]uint16, 1000)
	for u := range weights {
		weights[u] = uint16(1 + u) // more than there are classes for
	}
	shared := func(rows, columns int) []GramRow {
		all := make([]GramRow, rows)
		for k := range all {
			all[k].Columns = numbers(columns)
			for u := range columns {
				all[k].Degree += float64(weights[u])
			}
			all[k].Ridge = 1
		}
		return all
	}
	for name, c := range map[string]struct {
		rows, columns, applications int
		built                       bool
	}{
		"applied once": {4, 1000, 1, false}, "few rows with many columns": {4, 1000, 60, true}, "many rows with few columns": {200, 10, 6, false},
		"everybody meets everybody": {100, 1000, 6, false}, "and it is applied often": {100, 1000, 1000, true},
	} {
		g := NewGram(NewWeights(weights))
		g.Restrict(shared(c.rows, c.columns), c.rows)
		p := make([]float64, c.rows)
		for k := range p {
			p[k] = 1 / float64(1+k)
		}
		want, got := make([]float64, c.rows), make([]float64, c.rows)
		g.Apply(want, slices.Clone(p))
		var built Gathered
		if built.Gather(g, c.applications) != c.built {
			t.Errorf("%s: built = %v", name, !c.built)
			continue
		}
		if g.Apply(got, slices.Clone(p)); !slices.Equal(got, want) {
			t.Errorf("%s: %v afterwards, want %v", name, got, want)
		}
		if c.built {
			if built.Apply(got, slices.Clone(p)); !slices.Equal(got, want) {
				t.Errorf("%s: %v built, want %v", name, got, want)
			}
		}
	}
}

func TestConjugateGradientsSolveTheSystem(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawSystem(t)
		x, back := make([]float64, len(s.b)), make([]float64, len(s.b))
		var cg CG
		cg.Solve(s.matrix, s.diag, s.b, x, Steps{Most: 4 * len(s.b)})
		s.matrix.Apply(back, x)
		for i := range back {
			if math.Abs(back[i]-s.b[i]) > 1e-6*(1+math.Sqrt(Dot(s.b, s.b))) {
				t.Fatalf("A·x = %v, want %v", back, s.b)
			}
		}
	})
}

func TestLastStepCanHaveAFixedLength(t *testing.T) {
	a := dense{{2, 0}, {0, 4}}
	x := make([]float64, 2)
	var cg CG
	cg.Solve(a, []float64{2, 4}, []float64{2, 4}, x, Steps{Most: 1, Last: 0.5})
	if want := []float64{0.5, 0.5}; !slices.Equal(x, want) {
		t.Errorf("x = %v, want %v", x, want)
	}
}

func TestWhereRowsShareTheirColumnsOneStepMoreIsTaken(t *testing.T) {
	solve := func(rows int, steps Steps) ([]float64, int) {
		all := make([]GramRow, rows)
		weights, diag, b := []uint16{3, 5}, make([]float64, rows), make([]float64, rows)
		for k := range all {
			all[k] = GramRow{Columns: []int32{0, 1}, Degree: 8, Ridge: float64(k)}
			diag[k], b[k] = 8+float64(k), 8
		}
		g, x := NewGram(NewWeights(weights)), make([]float64, rows)
		g.Restrict(all, rows)
		var cg CG
		return x, cg.Solve(g, diag, b, x, steps)
	}
	for rows, crowded := range map[int]bool{2: false, 3: false, 12: true, 40: true} {
		most := 2
		if crowded {
			most++
		}
		want, often := solve(rows, Steps{Most: most, Last: .4})
		if got, applied := solve(rows, Steps{Most: 2, Last: .4, Crowded: 6}); applied != often || !slices.Equal(got, want) {
			t.Errorf("%d rows: %v after %d applications, want %v after %d", rows, got, applied, want, often)
		}
		if _, applied := solve(rows, Steps{Most: 1, Last: .4, Crowded: 6}); applied != 0 {
			t.Errorf("%d rows: one step of fixed length applied the matrix %d times", rows, applied)
		}
	}
}
