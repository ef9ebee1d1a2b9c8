package vault

import (
	"context"

	"thimble"
)

type Vault struct{}

func New() *Vault { return &Vault{} }

func (v *Vault) Open(ctx context.Context, c thimble.Cell, sealed []byte) ([]byte, error) {
	return sealed, nil
}

func (v *Vault) Seal(ctx context.Context, c thimble.Cell, plain []byte) ([]byte, error) {
	return plain, nil
}

func (v *Vault) Secret(ctx context.Context, name string, n int) ([]byte, error) { return nil, nil }
