package vault

import "context"

// A Root wraps epoch keys. It is the one secret that is not in a database: a
// sealed file, a key management service, a plug-in.
//
// Both methods answer with an error of kind thimble.ErrUnavailable when the same
// call may succeed later, and of kind thimble.ErrDenied when the key is another
// one or destroyed, or the associated data differs.
type Root interface {
	Wrap(ctx context.Context, plain, aad []byte) ([]byte, error)
	Unwrap(ctx context.Context, wrapped, aad []byte) ([]byte, error)
}

// An Epoch is a wrapped epoch key.
type Epoch struct {
	Number     int64  // 1, 2, 3, …: the newest wraps new keys
	Day        int64  // when it was made, in days since 1970 (UTC)
	Wrapped    []byte // by the root
	Commitment []byte // 16 bytes that fit one key only
}

// Epochs keeps the wrapped epoch keys. They belong in no backup: what is
// destroyed here must be gone.
type Epochs interface {
	// Epochs returns all of them, the oldest first.
	Epochs(ctx context.Context) ([]Epoch, error)
	// PutEpoch keeps e durably, unless its number is taken: then it does nothing.
	PutEpoch(ctx context.Context, e Epoch) error
	// ReplaceEpoch keeps another wrapping of the same key, for a new root.
	ReplaceEpoch(ctx context.Context, e Epoch) error
	// DestroyEpochs removes those below number, durably.
	DestroyEpochs(ctx context.Context, below int64) error
}
