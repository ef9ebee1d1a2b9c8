package powercuttest

import "slices"

// A Model says what orders the changes of names; see the package comment.
type Model uint8

// The models.
const (
	Journal Model = iota
	Folders
)

// String returns the model's name.
func (m Model) String() string { return [...]string{"journal", "folders"}[m] }

// A disk is what is certainly kept, and what came later.
type disk struct {
	model Model
	nodes map[int]*node
	names []renamed // that may be lost, in order
	// seq counts the changes of names and lengths; up to committed they are kept.
	seq, committed int
}

type renamed struct {
	op  Op
	seq int
}

type node struct {
	folder  bool
	entries map[string]int // of a folder: the kept names
	content []byte         // of a file: the kept bytes
	size    int64          // with what may be lost
	later   []change       // what may be lost, in order
	touched int            // the journal when it was last changed
	grown   int            // the journal when its length last changed
}

type change struct {
	op   Op
	seq  int  // of a truncation: its place in the journal
	kept bool // it is certain, but stands behind one that is not
}

func newDisk(m Model) *disk {
	return &disk{model: m, nodes: map[int]*node{root: {folder: true, entries: map[string]int{}}}}
}

// apply takes up an operation: it may be lost until a sync.
func (d *disk) apply(o Op) {
	switch o.Kind {
	case Name:
		d.seq++
		if o.Made {
			n := &node{folder: o.Folder}
			if o.Folder {
				n.entries = map[string]int{}
			}
			d.nodes[o.Node] = n
		}
		for _, n := range []*node{d.nodes[o.Dir], d.nodes[o.Node]} {
			n.touched, n.grown = d.seq, d.seq
		}
		d.names = append(d.names, renamed{o, d.seq})
	case Truncate:
		d.seq++
		n := d.nodes[o.Node]
		n.size, n.touched, n.grown = o.Size, d.seq, d.seq
		n.later = append(n.later, change{op: o, seq: d.seq})
	case Write:
		n := d.nodes[o.Node]
		n.touched = d.seq // its time of change is in the journal
		if end := o.At + int64(len(o.Data)); end > n.size {
			n.size, n.grown = end, d.seq
		}
		n.later = append(n.later, change{op: o})
	case Sync:
		d.sync(o)
	}
}

// sync keeps what had returned when the sync began.
func (d *disk) sync(o Op) {
	n := d.nodes[o.Node]
	for i := range n.later {
		n.later[i].kept = n.later[i].kept || n.later[i].op.Ended < o.Began
	}
	n.fold()
	if d.model == Folders {
		d.keepNames(func(r renamed) bool { return r.op.Dir == o.Node && r.op.Ended < o.Began })
		return
	}
	d.commit(d.upTo(n, o))
}

// upTo returns the last change of the journal that a sync commits: not one that
// was under way when it began, nor those behind it.
func (d *disk) upTo(n *node, o Op) int {
	last := n.touched
	if o.DataOnly {
		last = n.grown
	}
	for _, r := range d.names {
		if r.op.Ended >= o.Began {
			last = min(last, r.seq-1)
		}
	}
	for _, n := range d.nodes {
		for _, c := range n.later {
			if c.op.Kind == Truncate && c.op.Ended >= o.Began {
				last = min(last, c.seq-1)
			}
		}
	}
	return last
}

func (d *disk) commit(upTo int) {
	d.committed = max(d.committed, upTo)
	d.keepNames(func(r renamed) bool { return r.seq <= d.committed })
	for _, n := range d.nodes {
		n.keepTruncates(d.committed)
	}
}

func (d *disk) keepNames(kept func(renamed) bool) {
	d.names = slices.DeleteFunc(d.names, func(r renamed) bool {
		if !kept(r) {
			return false
		}
		enter(d.nodes[r.op.Dir].entries, r.op)
		return true
	})
}

func enter(names map[string]int, o Op) {
	for _, e := range o.Entries {
		if e.Node == 0 {
			delete(names, e.Name)
		} else {
			names[e.Name] = e.Node
		}
	}
}

func (n *node) keepTruncates(committed int) {
	for i, c := range n.later {
		if c.op.Kind == Truncate && c.seq <= committed {
			n.later[i].kept = true
		}
	}
	n.fold()
}

// fold moves what is certain into the content.
func (n *node) fold() {
	for len(n.later) > 0 && n.later[0].kept {
		n.content = put(n.content, n.later[0].op, nil)
		n.later = n.later[1:]
	}
}

const sector = 512

// put returns the content after an operation, of which only the sectors count that
// only names; a nil only names all.
func put(content []byte, o Op, only func(sector int64) bool) []byte {
	if o.Kind == Truncate {
		return resize(content, o.Size)
	}
	for at, rest := o.At, o.Data; len(rest) > 0; {
		n := min(int64(len(rest)), sector-at%sector)
		if only == nil || only(at/sector) {
			if int64(len(content)) < at+n {
				content = resize(content, at+n)
			}
			copy(content[at:], rest[:n])
		}
		at, rest = at+n, rest[n:]
	}
	return content
}

func resize(content []byte, size int64) []byte {
	if size <= int64(len(content)) {
		return content[:size]
	}
	return append(content, make([]byte, size-int64(len(content)))...)
}
