package retention

import (
	"encoding/hex"

	"golang.org/x/mod/sumdb/tlog"
)

// A Tree makes the root over leaves as they come (RFC 6962 section 2.1). It keeps one hash
// for each bit of their number.
type Tree struct {
	peaks []tlog.Hash // of complete trees, the largest first
	n     int64
}

// Add appends a leaf.
func (t *Tree) Add(leaf []byte) {
	h := tlog.RecordHash(leaf)
	for n := t.n; n&1 == 1; n >>= 1 {
		last := len(t.peaks) - 1
		h = tlog.NodeHash(t.peaks[last], h)
		t.peaks = t.peaks[:last]
	}
	t.peaks, t.n = append(t.peaks, h), t.n+1
}

// Len is how many leaves there are.
func (t *Tree) Len() int64 { return t.n }

// Root is the root in hexadecimal; "" without a leaf.
func (t *Tree) Root() string {
	if len(t.peaks) == 0 {
		return ""
	}
	h := t.peaks[len(t.peaks)-1]
	for i := len(t.peaks) - 2; i >= 0; i-- {
		h = tlog.NodeHash(t.peaks[i], h)
	}
	return hex.EncodeToString(h[:])
}
