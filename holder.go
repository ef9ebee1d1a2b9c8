package thimble

import (
	"context"
	"iter"
	"time"
)

// A Place is somewhere data about people lies.
type Place struct {
	Kind string // one of the kinds below
	Name string // a table's name, a pattern of paths below the data folder, or where in memory
}

// The kinds of place.
const (
	TablePlace  = "table"  // a table of a database
	FilePlace   = "file"   // files below the data folder: a pattern of package path
	IndexPlace  = "index"  // a search index, on disk or in memory
	StreamPlace = "stream" // a log of events or a queue outside the databases
	MemoryPlace = "memory" // what a process keeps, named by type and field
)

// A Datum is one exported value about a person, ready for that person to read.
type Datum struct {
	Holder   string    `json:"holder"`
	Category Category  `json:"category"`
	Name     string    `json:"name"`
	Value    any       `json:"value"`
	At       time.Time `json:"at,omitzero"`
	// Ref tells it from others of its name, for a [Correction]; "" where there is one, or
	// nothing can be corrected. It says nothing about the value.
	Ref string `json:"-"`
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

// A Merge says that two subjects are one person. It is a link: what is kept about
// either stays theirs, and who reads about the person reads about all its members.
type Merge struct {
	ID       ID        `json:"id"`
	Survivor SubjectID `json:"survivor"`
	Absorbed SubjectID `json:"absorbed"`
	At       time.Time `json:"at"`             // since when they are one
	Until    time.Time `json:"until,omitzero"` // when it was undone; zero while it stands
}

// During reports whether an instant lies within the merge.
func (m Merge) During(at time.Time) bool {
	return !at.Before(m.At) && (m.Until.IsZero() || at.Before(m.Until))
}

// A Holder is whatever keeps data about people. Access, portability, erasure,
// retention, restriction, objection and identity are loops over the holders; a test
// fails when a place where people's data lies belongs to none. Package holdertest
// has the suite that every holder passes.
//
// Each verb that changes something is idempotent, and may be called again after it
// was interrupted anywhere. None touches what is held about anybody else.
type Holder interface {
	// HolderName is the package's word, such as "order".
	HolderName() string
	// Places lists where the data lies. It does not depend on the data.
	Places() []Place
	// Export yields everything held about s, at the snapshot that the context was
	// taken at if it was. It writes nothing.
	Export(ctx context.Context, s SubjectID) iter.Seq2[Datum, error]
	// Erase destroys what is held about s. A second call erases nothing and succeeds.
	Erase(ctx context.Context, s SubjectID) (Erasure, error)
	// Expire destroys what is held of a category, and of its parts, from before an
	// instant, of everybody. What it may not destroy it names as kept, with the law.
	Expire(ctx context.Context, c Category, before time.Time) (Erasure, error)
	// Restrict sets on that what is held about s is kept and no more used
	// (GDPR Art. 18), or lifts that. The gate has refused, or permits again, before
	// it is called.
	Restrict(ctx context.Context, s SubjectID, on bool) error
	// Object ends the use of what is held about s for a purpose (GDPR Art. 21), and
	// undoes what it was used for.
	Object(ctx context.Context, s SubjectID, p Purpose) error
	// Merge has the holder take two subjects for one person; the link stands already.
	Merge(ctx context.Context, m Merge) error
	// Unmerge has it take them for two again, and destroy what it made of both as if
	// they were one; the link is cut already. What is exported of either holds nothing
	// of the other. Who was of their person besides is named in later calls in the place
	// of the absorbed: what was made of any of them was made of all. Either may be
	// nobody, who was erased meanwhile.
	Unmerge(ctx context.Context, m Merge) error
}

// Static is for a holder of records that are kept as they are, and read with a grant
// only. It has nothing to do when
//
//   - the person's data is restricted, or they object: the gate gives no grant;
//   - two subjects are one person, or two again: the rows stay each one's own.
//
// A holder that makes something of what it reads, such as a model, has; so has one
// that itself writes something about a merged person, such as a decision.
type Static struct{}

// Restrict implements Holder: the gate refuses.
func (Static) Restrict(context.Context, SubjectID, bool) error { return nil }

// Object implements Holder: the gate refuses.
func (Static) Object(context.Context, SubjectID, Purpose) error { return nil }

// Merge implements Holder: a merge is a link that this holder does not read.
func (Static) Merge(context.Context, Merge) error { return nil }

// Unmerge implements Holder: nothing was made of both.
func (Static) Unmerge(context.Context, Merge) error { return nil }
