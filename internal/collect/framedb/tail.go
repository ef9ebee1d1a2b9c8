package framedb

import (
	"bytes"
	"sync"

	"thimble/internal/collect/frame"
)

// tailBytes bounds the newest frames that are kept at hand.
const tailBytes = 32 << 20

// A tail holds the newest frames that this process has made durable, one behind the other,
// so that who follows the log does not read each of them from the database again.
type tail struct {
	mu    sync.Mutex
	kept  []*recent
	bytes int
}

// A recent frame is decoded once, for all who read it.
type recent struct {
	seq     int64
	encoded []byte
	decode  func() (frame.Frame, error)
}

// add takes the bytes of the frame that follows. They are copied.
func (t *tail) add(seq int64, encoded []byte) {
	r := &recent{seq: seq, encoded: bytes.Clone(encoded)}
	r.decode = sync.OnceValues(func() (frame.Frame, error) { return frame.Decode(r.encoded) })
	t.mu.Lock()
	defer t.mu.Unlock()
	if n := len(t.kept); n > 0 && t.kept[n-1].seq+1 != seq {
		t.drop(n) // another process wrote between
	}
	t.kept, t.bytes = append(t.kept, r), t.bytes+len(encoded)
	old := 0
	for size := t.bytes; size > tailBytes && old < len(t.kept); old++ {
		size -= len(t.kept[old].encoded)
	}
	t.drop(old)
}

// drop forgets the n oldest.
func (t *tail) drop(n int) {
	for _, r := range t.kept[:n] {
		t.bytes -= len(r.encoded)
	}
	rest := copy(t.kept, t.kept[n:])
	clear(t.kept[rest:])
	t.kept = t.kept[:rest]
}

// forget forgets all, because one of them is another now.
func (t *tail) forget() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.drop(len(t.kept))
}

// after returns what follows a frame, at most limit frames and about maxRead bytes; nothing when
// that is not at hand.
func (t *tail) after(seq int64, limit int) []*recent {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.kept) == 0 || seq+1 < t.kept[0].seq || seq+1 > t.kept[len(t.kept)-1].seq {
		return nil
	}
	first := int(seq + 1 - t.kept[0].seq)
	until, size := first, 0
	for until < len(t.kept) && until-first < limit && (until == first || size+len(t.kept[until].encoded) <= maxRead) {
		size += len(t.kept[until].encoded)
		until++
	}
	return append([]*recent(nil), t.kept[first:until]...)
}
