package ledger

import (
	"context"

	"thimble"
)

// Seal seals an opening into a cell of the person it is about: how its owner
// keeps it.
func (o Opening) Seal(ctx context.Context, s thimble.Sealer, c thimble.Cell) ([]byte, error) {
	plain, err := o.MarshalBinary()
	if err != nil {
		return nil, err
	}
	return s.Seal(ctx, c, plain)
}

// An Opener opens sealed cells; a grant is one.
type Opener interface {
	Open(ctx context.Context, c thimble.Cell, sealed []byte) ([]byte, error)
}

// Unseal opens a sealed opening.
func Unseal(ctx context.Context, o Opener, c thimble.Cell, sealed []byte) (Opening, error) {
	plain, err := o.Open(ctx, c, sealed)
	if err != nil {
		return Opening{}, err
	}
	var opening Opening
	return opening, opening.UnmarshalBinary(plain)
}
