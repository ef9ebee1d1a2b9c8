package thimble

import (
	"context"
	"time"
)

// A Cell is the one place a sealed value belongs to. It is the associated data
// of the seal, so that a ciphertext moved to another cell does not open.
type Cell struct {
	Owner    SubjectID // whose key seals it; the zero owner is the installation
	Table    string
	Column   string
	Row      []byte // the row's primary key, canonical bytes
	Category Category
	// Class is the retention class whose key seals the value; "" is the person's
	// base class, which lives as long as the person does.
	Class string
	// At dates the value. A class that expires by month seals it with that month's
	// link of the key chain; the zero time is for values that do not expire so.
	At time.Time
}

// A Sealer seals values. It is how a package keeps what it may not read.
type Sealer interface {
	Seal(ctx context.Context, c Cell, plain []byte) ([]byte, error)
}

// Seals seal many cells of one class and month, for owners whose keys were looked up at once.
type Seals interface {
	// Append appends to dst what Seal returns for a cell of the n-th owner.
	Append(dst []byte, n int, c *Cell, plain []byte) ([]byte, error)
}

// A Grant opens one person's cells for one purpose. The gate gives it; it dies
// when what allowed it changes.
type Grant interface {
	// Subject is the person's canonical subject.
	Subject() SubjectID
	// Members are all subjects of the person, the canonical one first. Whoever reads
	// a person's data reads that of all of them.
	Members() []SubjectID
	Purpose() Purpose
	// Open returns the plain value of a sealed cell, or an error of kind ErrDenied
	// when the cell is another person's, of a category that was not asked for,
	// or the grant has died.
	Open(ctx context.Context, c Cell, sealed []byte) ([]byte, error)
}
