package ledger

import (
	"math/bits"

	"golang.org/x/mod/sumdb/tlog"
)

// A Tree is the right edge of the log's tree: enough to append to it. The
// sequencer loads it from the stored hashes at [Edge], appends a batch, and
// stores what Append returned.
type Tree struct {
	size  int64
	right []tlog.Hash // roots of the complete subtrees, widest first
}

// Edge returns the storage indexes (tlog.StoredHashIndex) of the hashes from which
// [NewTree] makes a tree of the given size.
func Edge(size int64) []int64 {
	var at []int64
	for rest, start := size, int64(0); rest > 0; {
		level := bits.Len64(uint64(rest)) - 1
		at = append(at, tlog.StoredHashIndex(level, start>>level))
		start += 1 << level
		rest -= 1 << level
	}
	return at
}

// NewTree makes a tree of the given size from the hashes at [Edge].
func NewTree(size int64, edge []tlog.Hash) (*Tree, error) {
	if size < 0 || bits.OnesCount64(uint64(size)) != len(edge) {
		return nil, invalid("a tree of %d leaves cannot have an edge of %d hashes", size, len(edge))
	}
	return &Tree{size: size, right: append([]tlog.Hash(nil), edge...)}, nil
}

// Append adds a leaf to the tree and to stored the hashes it completes, in the
// order of their storage indexes: those run on without a gap from
// tlog.StoredHashCount of the size before.
func (t *Tree) Append(stored []tlog.Hash, leaf tlog.Hash) []tlog.Hash {
	h := leaf
	stored = append(stored, h)
	for n := t.size; n&1 == 1; n >>= 1 {
		last := len(t.right) - 1
		h = tlog.NodeHash(t.right[last], h)
		t.right = t.right[:last]
		stored = append(stored, h)
	}
	t.right = append(t.right, h)
	t.size++
	return stored
}

// Head returns size and root (RFC 6962 section 2.1).
func (t *Tree) Head() tlog.Tree {
	if t.size == 0 {
		empty, _ := tlog.TreeHash(0, nil) // reads nothing and cannot fail
		return tlog.Tree{Hash: empty}
	}
	h := t.right[len(t.right)-1]
	for i := len(t.right) - 2; i >= 0; i-- {
		h = tlog.NodeHash(t.right[i], h)
	}
	return tlog.Tree{N: t.size, Hash: h}
}
