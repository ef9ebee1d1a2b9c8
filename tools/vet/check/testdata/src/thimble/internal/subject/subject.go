package subject

import "thimble"

type Identifier struct {
	Kind  string
	Value thimble.Personal[string]
}

type Residence struct{ Country string }

type SealedIdentifier struct {
	Cell   thimble.Cell
	Sealed []byte
}
