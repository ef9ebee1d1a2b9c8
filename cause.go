package thimble

import "context"

type causeKey struct{}

// WithCause returns a context in which what is done is done because of a request: what a
// holder queues for others then names it, so that it is found again after a crash.
func WithCause(ctx context.Context, request ID) context.Context {
	return context.WithValue(ctx, causeKey{}, request)
}

// CauseOf returns the request because of which something is done; zero for none.
func CauseOf(ctx context.Context) ID {
	id, _ := ctx.Value(causeKey{}).(ID)
	return id
}
