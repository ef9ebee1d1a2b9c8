package sqldb

import (
	"context"
	"sync/atomic"
)

type counted struct{}

// Counted returns a context in which statements are counted, for a test that shows that two
// ways, such as that of somebody and that of nobody, ask the same number of questions.
func Counted(ctx context.Context) (context.Context, *atomic.Int64) {
	n := new(atomic.Int64)
	return context.WithValue(ctx, counted{}, n), n
}

func count(ctx context.Context) {
	if n, ok := ctx.Value(counted{}).(*atomic.Int64); ok {
		n.Add(1)
	}
}
