// Package app makes the vault: it may.
package app

import (
	"context"

	"thimble"
	"thimble/internal/vault"
)

func Keys(ctx context.Context) ([]byte, error) { return vault.New().Secret(ctx, "signing", 32) }

type laws struct{ vault *vault.Vault }

// home is excepted: no grant can be given before it has answered.
func (l laws) home(ctx context.Context, c thimble.Cell, sealed []byte) ([]byte, error) {
	return l.vault.Open(ctx, c, sealed)
}

// App is where stores are opened.
type App struct{ vault *vault.Vault }

// openTastes is excepted: what is handed on is opened to be obeyed.
func (a App) openTastes() func(context.Context, thimble.Cell, []byte) ([]byte, error) {
	return a.vault.Open
}
