package thimble

import (
	"context"
	"iter"
	"time"
)

// A Place is somewhere data about people lies.
type Place struct {
	Kind string // "table", "file", "index" or "memory"
	Name string // a table's name, or a path below the data folder
}

// A Datum is one exported value about a person, ready for that person to read.
type Datum struct {
	Holder   string    `json:"holder"`
	Category Category  `json:"category"`
	Name     string    `json:"name"`
	Value    any       `json:"value"`
	At       time.Time `json:"at,omitzero"`
}

// An Erasure counts what a holder destroyed, and names what it keeps.
type Erasure struct {
	Erased int    `json:"erased"`
	Kept   []Kept `json:"kept,omitempty"`
}

// Kept is what a law tells the shop to keep.
type Kept struct {
	Count int    `json:"count"`
	What  string `json:"what"`
	Law   string `json:"law"`
}

// A Holder is whatever keeps data about people. Access, portability and erasure
// are loops over the holders; a test fails when a place where people's data lies
// belongs to none.
type Holder interface {
	// HolderName is the package's word, such as "order".
	HolderName() string
	// Places lists where the data lies. It does not depend on the data.
	Places() []Place
	// Export yields everything held about s. It writes nothing.
	Export(ctx context.Context, s SubjectID) iter.Seq2[Datum, error]
	// Erase destroys what is held about s. It is idempotent: a second call
	// erases nothing and succeeds.
	Erase(ctx context.Context, s SubjectID) (Erasure, error)
}
