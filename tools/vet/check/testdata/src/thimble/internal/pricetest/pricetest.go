// Package pricetest helps tests: it may look into the vault.
package pricetest

import (
	"context"

	"thimble"
	"thimble/internal/vault"
)

func Peek(ctx context.Context, v *vault.Vault, c thimble.Cell, b []byte) ([]byte, error) {
	return v.Open(ctx, c, b)
}
