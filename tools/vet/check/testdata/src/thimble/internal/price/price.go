// Package price is a capability that helps itself to the vault.
package price

import (
	"context"

	"thimble"
	"thimble/internal/gate"
	"thimble/internal/order"
	keys "thimble/internal/vault" // want "thimble/internal/price is outside the kernel and imports thimble/internal/vault"
)

type opener interface {
	Open(ctx context.Context, c thimble.Cell, sealed []byte) ([]byte, error)
}

type Shop struct {
	vault  *keys.Vault
	opener opener
	gate   *gate.Gate
}

func (s *Shop) Direct(ctx context.Context, c thimble.Cell, b []byte) ([]byte, error) {
	return s.vault.Open(ctx, c, b) // want "a sealed value is opened without a grant"
}

func (s *Shop) ByInterface(ctx context.Context, c thimble.Cell, b []byte) ([]byte, error) {
	return s.opener.Open(ctx, c, b) // want "a sealed value is opened without a grant"
}

func (s *Shop) MethodValue(ctx context.Context, c thimble.Cell, b []byte) ([]byte, error) {
	open := s.vault.Open // want "a sealed value is opened without a grant"
	return open(ctx, c, b)
}

func (s *Shop) MethodExpression(ctx context.Context, c thimble.Cell, b []byte) ([]byte, error) {
	return (*keys.Vault).Open(s.vault, ctx, c, b) // want "a sealed value is opened without a grant" "what opens without a grant is handed on"
}

func (s *Shop) Secret(ctx context.Context) ([]byte, error) {
	return s.vault.Secret(ctx, "signing", 32) // want "a secret of the vault is read outside the kernel"
}

func (s *Shop) Launder() *gate.Gate {
	return wrap(s.vault) // want "what opens without a grant is handed on"
}

func (s *Shop) LaunderTwice() *gate.Gate {
	return wrap(s.opener) // want "what opens without a grant is handed on"
}

func (s *Shop) LaunderInAField() *Shop {
	return &Shop{opener: s.opener} // want "what opens without a grant is handed on"
}

func wrap(o opener) *gate.Gate { return nil }

// look-alike: opened with a grant.
func (s *Shop) Granted(ctx context.Context, r gate.Request, c thimble.Cell, b []byte) ([]byte, error) {
	grant, err := s.gate.Open(ctx, r)
	if err != nil {
		return nil, err
	}
	return grant.Open(ctx, c, b)
}

// look-alike: a grant is handed on.
func (s *Shop) HandsGrant(ctx context.Context, g *gate.Grant, o order.Sealed) (order.Order, error) {
	return order.Open(ctx, g, o)
}

// look-alike: sealing gives nothing away.
func (s *Shop) Seals(ctx context.Context, c thimble.Cell, b []byte) ([]byte, error) {
	return s.vault.Seal(ctx, c, b)
}
