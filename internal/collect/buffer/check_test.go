package buffer

import (
	"encoding/binary"
	"fmt"
	"os"
	"sync"
	"testing"

	"thimble/internal/collect/frame"
)

// check holds what the archive has against what was acknowledged: nothing is
// missing, nothing is there twice, nothing is there that nobody sent.
func (c *trio) check(a *books) {
	c.t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	a.mu.Lock()
	defer a.mu.Unlock()
	batch, lost, total := c.plans[0].Batch, 0, 0
	for id, n := range c.acks {
		for k := range n {
			for i := range batch {
				total++
				if a.kept[keyOf(id, k, i)] == 0 {
					lost++
				}
			}
		}
	}
	twice := 0
	seen := map[frame.Key]bool{}
	for _, k := range a.order {
		if seen[k] {
			twice++
		}
		seen[k] = true
	}
	c.t.Logf("acknowledged %d records, archived %d, known as repeats %d", total, len(a.order), a.repeated)
	if lost > 0 || twice > 0 {
		c.t.Errorf("%d acknowledged records are not archived, %d are twice", lost, twice)
	}
	if total == 0 {
		c.t.Error("nothing was acknowledged: the test proves nothing")
	}
}

func keyOf(client, n, i int) (k frame.Key) {
	binary.BigEndian.PutUint32(k[:], uint32(client)+1)
	binary.BigEndian.PutUint64(k[4:], uint64(n))
	binary.BigEndian.PutUint32(k[12:], uint32(i))
	return k
}

// testLog puts what a node says into the test's log.
type testLog struct {
	t    testing.TB
	mu   sync.Mutex
	tail []byte
}

func (l *testLog) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.tail = append(l.tail, b...)
	l.tail = l.tail[max(0, len(l.tail)-1000):]
	if testing.Verbose() {
		fmt.Fprintf(os.Stderr, "%s", b)
	}
	return len(b), nil
}

// last is what the node said last.
func (l *testLog) last() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return string(l.tail)
}
