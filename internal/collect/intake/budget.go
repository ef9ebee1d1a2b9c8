package intake

import (
	"sync"
	"time"
)

// A budget bounds how many people each source makes in an hour. What was not used
// comes back evenly.
type budget struct {
	perHour int
	mu      sync.Mutex
	left    map[uint32]allowance
}

type allowance struct {
	n  float64
	at time.Time
}

func newBudget(perHour int) *budget { return &budget{perHour: perHour, left: map[uint32]allowance{}} }

// take returns how many of those that are asked for may be made.
func (b *budget) take(source uint32, asked int, now time.Time) int {
	if asked == 0 {
		return 0
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	most := float64(b.perHour)
	a, known := b.left[source]
	if !known {
		a = allowance{most, now}
	}
	if passed := now.Sub(a.at); passed > 0 {
		a.n, a.at = min(most, a.n+passed.Hours()*most), now
	}
	n := min(asked, int(a.n))
	a.n -= float64(n)
	b.left[source] = a
	return n
}
