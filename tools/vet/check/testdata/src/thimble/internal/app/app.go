// Package app makes the vault: it may.
package app

import (
	"context"

	"thimble/internal/vault"
)

func Keys(ctx context.Context) ([]byte, error) { return vault.New().Secret(ctx, "signing", 32) }
