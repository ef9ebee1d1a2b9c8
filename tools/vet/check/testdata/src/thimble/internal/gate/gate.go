package gate

import (
	"context"

	"thimble"
)

type Request struct {
	Subject thimble.SubjectID
	Purpose thimble.Purpose
}

// An Opener is the vault, to the gate: the kernel may.
type Opener interface {
	Open(ctx context.Context, c thimble.Cell, sealed []byte) ([]byte, error)
}

type Gate struct{ vault Opener }

func (g *Gate) Open(ctx context.Context, r Request) (*Grant, error) { return &Grant{g, r}, nil }

type Grant struct {
	gate *Gate
	r    Request
}

func (g *Grant) Subject() thimble.SubjectID { return g.r.Subject }
func (g *Grant) Purpose() thimble.Purpose   { return g.r.Purpose }
func (g *Grant) Open(ctx context.Context, c thimble.Cell, sealed []byte) ([]byte, error) {
	return g.gate.vault.Open(ctx, c, sealed)
}
