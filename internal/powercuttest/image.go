package powercuttest

import (
	"fmt"
	"iter"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// An Image is the folder as a disk may hold it after a cut.
type Image struct {
	Number int
	Model  Model
	Cut    int      // how many operations had been made
	Said   []string // the lines printed before the cut

	Files   map[string][]byte // by path below the folder
	Folders []string
	Lost    []string // what of each file was kept, for whoever looks for the cause
}

// String names the image in a message.
func (i Image) String() string {
	return fmt.Sprintf("image %d (model %s, cut after operation %d, %d lines said; %s)", i.Number, i.Model, i.Cut, len(i.Said), strings.Join(i.Lost, ", "))
}

// Save writes the image into a new folder.
func (i Image) Save(folder string) error {
	for _, name := range append([]string{"."}, i.Folders...) {
		if err := os.MkdirAll(filepath.Join(folder, name), 0o700); err != nil {
			return err
		}
	}
	for name, content := range i.Files {
		if err := os.WriteFile(filepath.Join(folder, name), content, 0o600); err != nil {
			return err
		}
	}
	return nil
}

// Images cuts the power n times and yields what the disk may hold, in the order
// of the cuts. Half of the cuts follow close upon a printed line. The same
// operations and seed give the same images.
func Images(ops []Op, m Model, seed uint64, n int) iter.Seq[Image] {
	return func(yield func(Image) bool) {
		chance := rand.New(rand.NewPCG(seed, uint64(m)))
		cuts := cutPoints(ops, chance, n)
		d, said := newDisk(m), ""
		number := 0
		for at := range len(ops) + 1 {
			for ; number < len(cuts) && cuts[number] == at; number++ {
				image := d.image(chance)
				image.Number, image.Cut, image.Said = number, at, lines(said)
				if !yield(image) {
					return
				}
			}
			if at == len(ops) || number == len(cuts) {
				return
			}
			if ops[at].Kind == Said {
				said += ops[at].Text
			}
			d.apply(ops[at])
		}
	}
}

// lines are the whole lines of a text.
func lines(text string) []string {
	all := strings.Split(text, "\n")
	return all[:len(all)-1]
}

func cutPoints(ops []Op, chance *rand.Rand, n int) []int {
	var said []int
	for i, o := range ops {
		if o.Kind == Said {
			said = append(said, i)
		}
	}
	cuts := make([]int, n)
	for i := range cuts {
		cuts[i] = chance.IntN(len(ops) + 1)
		if i%2 == 1 && len(said) > 0 {
			cuts[i] = min(said[chance.IntN(len(said))]+1+chance.IntN(4), len(ops))
		}
	}
	slices.Sort(cuts)
	return cuts
}

// An outcome decides what the cut took.
type outcome struct {
	chance *rand.Rand
	model  Model
	names  map[int]map[string]int // of the folders whose names were not all kept
	until  int                    // under Journal: the last change that is there
}

// image draws one of the states in which the disk may be.
func (d *disk) image(chance *rand.Rand) Image {
	o := outcome{chance: chance, model: d.model, names: map[int]map[string]int{}, until: d.seq}
	kept := d.settleNames(&o)
	image := Image{Model: d.model, Files: map[string][]byte{}}
	if len(d.names) > 0 {
		image.Lost = append(image.Lost, fmt.Sprintf("%d of %d names", kept, len(d.names)))
	}
	d.walk(&o, root, "", &image)
	return image
}

// settleNames decides which changes of names are there, and how many.
func (d *disk) settleNames(o *outcome) (kept int) {
	few := func(n int) int { // none, all or some of n
		switch o.chance.IntN(3) {
		case 0:
			return 0
		case 1:
			return n
		}
		return o.chance.IntN(n + 1)
	}
	if d.model == Journal {
		o.until = d.committed + few(d.seq-d.committed)
	}
	left := map[int]int{} // under Folders: how many more of each folder
	for _, r := range d.names {
		if d.model == Journal {
			if r.seq > o.until {
				break
			}
		} else {
			if _, asked := left[r.op.Dir]; !asked {
				all := 0
				for _, other := range d.names {
					if other.op.Dir == r.op.Dir {
						all++
					}
				}
				left[r.op.Dir] = few(all)
			}
			if left[r.op.Dir]--; left[r.op.Dir] < 0 {
				continue
			}
		}
		if o.names[r.op.Dir] == nil {
			o.names[r.op.Dir] = maps.Clone(d.nodes[r.op.Dir].entries)
		}
		enter(o.names[r.op.Dir], r.op)
		kept++
	}
	return kept
}

// walk collects what can be reached by its name.
func (d *disk) walk(o *outcome, folder int, path string, image *Image) {
	names := o.names[folder]
	if names == nil {
		names = d.nodes[folder].entries
	}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		n, below := d.nodes[names[name]], filepath.Join(path, name)
		if n.folder {
			image.Folders = append(image.Folders, below)
			d.walk(o, names[name], below, image)
			continue
		}
		content, how := n.settle(o)
		image.Files[below] = content
		if how != "" {
			image.Lost = append(image.Lost, below+": "+how)
		}
	}
}

// settle decides what of a file is there.
func (n *node) settle(o *outcome) (content []byte, how string) {
	content = slices.Clone(n.content)
	if len(n.later) == 0 {
		return content, ""
	}
	possible := n.possible(o)
	kept, how := o.writes(possible)
	for i, c := range possible {
		if c.kept || c.op.Kind == Truncate {
			content = put(content, c.op, nil)
		} else {
			content = put(content, c.op, kept(i))
		}
	}
	return content, fmt.Sprintf("%s of %d changes", how, len(n.later))
}

// possible are the changes up to the first truncation that is not there.
func (n *node) possible(o *outcome) []change {
	for i, c := range n.later {
		if c.op.Kind != Truncate || c.kept {
			continue
		}
		if o.model == Journal && c.seq > o.until || o.model == Folders && o.chance.IntN(2) == 0 {
			return n.later[:i]
		}
	}
	return n.later
}

// writes decides which sectors of which write are there.
func (o *outcome) writes(possible []change) (kept func(i int) func(int64) bool, how string) {
	all := func(int64) bool { return true }
	none := func(int64) bool { return false }
	few := func(k int, next func(int64) bool) func(int) func(int64) bool {
		return func(i int) func(int64) bool {
			switch {
			case i < k:
				return all
			case i == k:
				return next
			}
			return none
		}
	}
	k := o.chance.IntN(len(possible) + 1)
	switch o.chance.IntN(5) {
	case 0:
		return few(0, none), "nothing"
	case 1:
		return few(len(possible), none), "all"
	case 2:
		return few(k, none), fmt.Sprintf("the first %d", k)
	case 3:
		piece := none
		if k < len(possible) {
			piece = o.piece(possible[k].op)
		}
		return few(k, piece), fmt.Sprintf("the first %d and a piece", k)
	}
	drawn := map[int64]int{}
	return func(i int) func(int64) bool { return o.sectors(drawn, i, len(possible)) }, "sectors"
}

// sectors keeps for each sector the first few of the changes: a disk writes what
// the sector held when its turn came.
func (o *outcome) sectors(drawn map[int64]int, i, n int) func(int64) bool {
	return func(s int64) bool {
		limit, known := drawn[s]
		if !known {
			limit = o.chance.IntN(n + 1)
			if o.chance.IntN(2) == 0 {
				limit = n * o.chance.IntN(2)
			}
			drawn[s] = limit
		}
		return i < limit
	}
}

// piece keeps the first sectors of one write.
func (o *outcome) piece(op Op) func(int64) bool {
	if len(op.Data) == 0 {
		return func(int64) bool { return false }
	}
	first, last := op.At/sector, (op.At+int64(len(op.Data))-1)/sector
	end := first + o.chance.Int64N(last-first+1)
	return func(s int64) bool { return s < end }
}
