package registrytest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"sync"
	"testing"

	"thimble"
	"thimble/internal/registry"
)

// A World is a model with people, as a test made it. The first Known people were learned
// from; a world that is made again is equal but for the ids.
type World struct {
	registry.Forgetter
	People []thimble.SubjectID
	// Leave has people gone from where the model's data comes from, as the holders before
	// the model do; nil where the model itself keeps the data.
	Leave func(tb testing.TB, people ...thimble.SubjectID)
	// Kept are the weights of every version that is kept, and, for each, those of a
	// training from nothing of who is there now, under that version's recipe and window.
	Kept func(tb testing.TB) (kept, anew [][]byte)
	// Serving are the weights that serve; nil for none.
	Serving func(tb testing.TB) []byte
	// Recover does what the next start does after a crash; nil for nothing.
	Recover func(tb testing.TB)
}

// Run holds a model to the contract. New makes a world of at least three people, each of
// whom changes the weights.
func Run(t *testing.T, fresh func(tb testing.TB) *World) {
	t.Helper()
	for _, p := range promises {
		t.Run(p.name, func(t *testing.T) { p.check(t, fresh) })
	}
}

var promises = []struct {
	name  string
	check func(tb testing.TB, fresh func(tb testing.TB) *World)
}{
	{"it says how it forgets and how long that takes", says},
	{"every version that is kept equals the one trained without them", equals},
	{"the order of forgetting does not matter", orderless},
	{"a stranger changes nothing", stranger},
	{"forgetting twice is forgetting once", twice},
	{"forgetting that was interrupted anywhere is finished by the next call", interrupted},
}

func says(tb testing.TB, fresh func(tb testing.TB) *World) {
	if err := fresh(tb).Forgets().Check(); err != nil {
		tb.Error(err)
	}
}

// forget takes people out, and holds what is returned against what serves.
func (w *World) forget(tb testing.TB, people ...thimble.SubjectID) {
	tb.Helper()
	was := sumOf(w.Serving(tb))
	if w.Leave != nil {
		w.Leave(tb, people...)
	}
	before, after, err := w.Forget(context.Background(), people...)
	if err != nil {
		tb.Fatalf("forgetting: %v", err)
	}
	if is := sumOf(w.Serving(tb)); before != was || after != is {
		tb.Errorf("it says %x before and %x after, and served %x and %x", before[:4], after[:4], was[:4], is[:4])
	}
	w.clean(tb)
}

func sumOf(weights []byte) (sum [sha256.Size]byte) {
	if weights != nil {
		sum = sha256.Sum256(weights)
	}
	return sum
}

// clean holds each version that is kept against a training without who left.
func (w *World) clean(tb testing.TB) {
	tb.Helper()
	kept, anew := w.Kept(tb)
	if len(kept) != len(anew) || len(kept) == 0 {
		tb.Fatalf("%d versions are kept, and %d were trained anew", len(kept), len(anew))
	}
	for i := range kept {
		if !bytes.Equal(kept[i], anew[i]) {
			tb.Errorf("kept version %d of %d is not the one trained without them: %x, want %x", i+1, len(kept), sumOf(kept[i]), sumOf(anew[i]))
		}
	}
}

func equals(tb testing.TB, fresh func(tb testing.TB) *World) {
	w := fresh(tb)
	w.clean(tb)
	for _, who := range w.People[:3] {
		before := w.Serving(tb)
		w.forget(tb, who)
		if bytes.Equal(before, w.Serving(tb)) {
			tb.Error("the world's person changed nothing: this proves nothing")
		}
	}
}

func orderless(tb testing.TB, fresh func(tb testing.TB) *World) {
	var ends [][]byte
	for _, plan := range [][][]int{{{0}, {1}}, {{1}, {0}}, {{0, 1}}, {{1, 0}}} {
		w := fresh(tb)
		for _, step := range plan {
			var people []thimble.SubjectID
			for _, i := range step {
				people = append(people, w.People[i])
			}
			w.forget(tb, people...)
		}
		ends = append(ends, w.Serving(tb))
	}
	for i, end := range ends {
		if !bytes.Equal(end, ends[0]) {
			tb.Errorf("order %d gives %x, the first %x", i+1, sumOf(end), sumOf(ends[0]))
		}
	}
}

func stranger(tb testing.TB, fresh func(tb testing.TB) *World) {
	w := fresh(tb)
	id, err := thimble.NewID(nil)
	if err != nil {
		tb.Fatal(err)
	}
	kept, _ := w.Kept(tb)
	before, after, err := w.Forget(context.Background(), thimble.SubjectID(id))
	if err != nil || before != after {
		tb.Errorf("%x before, %x after: %v", before[:4], after[:4], err)
	}
	same(tb, w, kept)
}

func twice(tb testing.TB, fresh func(tb testing.TB) *World) {
	w := fresh(tb)
	w.forget(tb, w.People[0])
	kept, _ := w.Kept(tb)
	w.forget(tb, w.People[0])
	same(tb, w, kept)
}

func same(tb testing.TB, w *World, want [][]byte) {
	tb.Helper()
	got, _ := w.Kept(tb)
	if fmt.Sprint(sums(got)) != fmt.Sprint(sums(want)) {
		tb.Errorf("it keeps %x, want %x", sums(got), sums(want))
	}
}

func sums(all [][]byte) (out [][sha256.Size]byte) {
	for _, one := range all {
		out = append(out, sumOf(one))
	}
	return out
}

// interrupted forgets people under contexts that die later and later.
func interrupted(tb testing.TB, fresh func(tb testing.TB) *World) {
	cut := 0
	for n := 0; ; n += 1 + n/step() {
		w := fresh(tb)
		who := w.People[0]
		if w.Leave != nil {
			w.Leave(tb, who)
		}
		ctx := &dying{Context: context.Background(), left: n, done: make(chan struct{})}
		_, _, err := w.Forget(ctx, who)
		if err == nil && !ctx.over() {
			break
		}
		if err == nil {
			w.clean(tb) // done in spite of it
			continue
		}
		cut++
		if w.Recover != nil {
			w.Recover(tb)
		}
		w.forget(tb, who)
		if tb.Failed() {
			tb.Fatalf("interrupted at question %d", n)
		}
	}
	if cut == 0 {
		tb.Error("it cannot be interrupted: it never asks its context")
	}
}

// step is by what part of themselves the moments of interruption grow apart.
func step() int {
	if os.Getenv("THIMBLE_SOAK") != "" {
		return 1 << 30
	}
	return 2
}

// A dying context ends when it is asked for the n-th time whether it has.
type dying struct {
	context.Context
	mu   sync.Mutex
	left int
	done chan struct{}
	dead bool
}

func (d *dying) ask() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.left--; d.left < 0 && !d.dead {
		d.dead = true
		close(d.done)
	}
}

func (d *dying) over() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.dead
}

// Done implements context.Context.
func (d *dying) Done() <-chan struct{} {
	d.ask()
	return d.done
}

// Err implements context.Context.
func (d *dying) Err() error {
	d.ask()
	if d.over() {
		return context.Canceled
	}
	return nil
}
