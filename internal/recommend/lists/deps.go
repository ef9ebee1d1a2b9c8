package lists

import (
	"context"
	"iter"
	"log/slog"
	"time"

	"thimble"
	"thimble/internal/catalog"
	"thimble/internal/consent"
	"thimble/internal/decision"
	"thimble/internal/gate"
	"thimble/internal/ledger"
	"thimble/internal/order"
	"thimble/internal/recommend/arrange"
	"thimble/internal/registry"
	"thimble/internal/registry/registrydb"
)

// A Gate judges requests and gives grants.
type Gate interface {
	Decide(ctx context.Context, r gate.Request) (gate.Verdict, error)
	Open(ctx context.Context, r gate.Request) (*gate.Grant, error)
	Scan(ctx context.Context, a gate.Actor, p thimble.Purpose, categories ...thimble.Category) iter.Seq2[*gate.Grant, error]
	Consent(ctx context.Context, r gate.Request) (consent.Standing, error)
	Cohort(a gate.Actor, p thimble.Purpose, categories ...thimble.Category) *gate.Cohort
}

// Orders reads people's orders, sealed.
type Orders interface {
	Of(ctx context.Context, s thimble.SubjectID, limit int) ([]order.Sealed, error)
	// After returns people's orders behind a batch and an id of it that were placed since an
	// instant, in the order in which they were recorded, at most limit.
	After(ctx context.Context, batch int64, id thimble.ID, placed time.Time, limit int) ([]order.Sealed, error)
	// LastBatch is the number of the last batch of orders that was recorded.
	LastBatch(ctx context.Context) (int64, error)
}

// Events reads what people did with products, as far as a grant reaches.
type Events interface {
	Touched(ctx context.Context, g thimble.Grant) ([]Touch, error)
}

// A Catalog knows the items.
type Catalog interface {
	Get(ctx context.Context, ids ...thimble.ItemID) (map[thimble.ItemID]catalog.Product, error)
	IDs(ctx context.Context, k catalog.Kind) ([]thimble.ItemID, error)
	Popular(ctx context.Context, w catalog.Window, limit int, skip ...catalog.Kind) ([]catalog.Ranked, error)
	LatestDay(ctx context.Context) (int64, error)
	All(ctx context.Context) ([]catalog.Product, error)
	Levels(ctx context.Context) (map[thimble.ItemID]int64, error)
	// Mark changes when anything of that does.
	Mark(ctx context.Context) (int64, error)
}

// Decisions keeps records.
type Decisions interface {
	Keep(ctx context.Context, r decision.Record, policy [8]byte, epoch int64) (thimble.ID, error)
	// Overturned reports whether a review found a list of a model wrong.
	Overturned(ctx context.Context, who thimble.SubjectID, capability string, model []byte) (bool, error)
}

// Models keeps versions of the model with their files; *registrydb.Shelf does.
type Models interface {
	Champion(ctx context.Context, model string) (registrydb.Version, error)
	Version(ctx context.Context, model string, number int64) (registrydb.Version, error)
	Kept(ctx context.Context, model string) ([]registrydb.Version, error)
	Line(ctx context.Context, model string) (registrydb.Line, error)
	Reserve(ctx context.Context, model string, n int64) (int64, error)
	Make(ctx context.Context, v registrydb.Version, c registry.Card, l registry.Lineage, weights []byte) (registrydb.Made, error)
	Release(ctx context.Context, r registrydb.Release, made []registrydb.Made) (*ledger.Intent, error)
	Destroy(ctx context.Context, i *ledger.Intent) error
	Performers() map[string]ledger.Performer
	Open(ctx context.Context, v registrydb.Version) (registry.Package, error)
	Withdraw(ctx context.Context, model string, o registrydb.Order) error
	Rollback(ctx context.Context, model string, o registrydb.Order) (registrydb.Version, error)
	Promote(ctx context.Context, model string, number int64, to registry.Stage, o registrydb.Order) error
	Revoke(ctx context.Context, model string, number int64, o registrydb.Order) (*ledger.Intent, error)
	RevokeKey(ctx context.Context, hint string, o registrydb.Order) (*ledger.Intent, error)
}

// People knows who is one person: *subjectdb.Store does.
type People interface {
	// Members returns the subjects of a person, the canonical one first; of one who was
	// erased, that one.
	Members(ctx context.Context, s thimble.SubjectID) ([]thimble.SubjectID, error)
}

// Leaving keeps who may be in a model that is kept and is to be looked at again.
type Leaving interface {
	// Waiting returns rows, at most limit, and the turn: how often rows were deleted.
	Waiting(ctx context.Context, limit int) (turn int64, all []Leaver, err error)
	// Settled deletes rows, and returns the turn after it.
	Settled(ctx context.Context, all []Leaver) (turn int64, err error)
	// Of returns since when a person waits; zero is not.
	Of(ctx context.Context, who thimble.SubjectID) (since time.Time, err error)
	// Erase deletes the rows of a person.
	Erase(ctx context.Context, who thimble.SubjectID) error
}

// Deps are what a shop's lists are made of.
type Deps struct {
	Gate      Gate
	Orders    Orders
	Events    Events  // nil: lists are made from orders alone
	Journal   Journal // nil: versions learn from orders alone
	Catalog   Catalog
	Decisions Decisions
	Models    Models
	Tastes    Tastes // nil: nobody can say anything
	People    People
	Leaving   Leaving
	Suspects  Suspects // nil: nobody is suspected
	Log       *slog.Logger
	Now       func() time.Time
	// Experiments say who sees which list; nil is none.
	Experiments Experiments
	// Recipes knows which recipe new versions are made by; nil is the one that ships.
	Recipes Recipes
	// Rules are the shop's own; nil is none.
	Rules func(ctx context.Context) (arrange.Rules, error)
	// Fresh is how long a change of the catalogue may take to reach lists; at 0 it is
	// asked for each list.
	Fresh time.Duration
	Code  string // the version of the program; a lineage names it
	// UsableSince is since when something must have been collected to be used for a purpose;
	// nil, or zero, when nothing bounds that.
	UsableSince func(c thimble.Category, p thimble.Purpose) time.Time
	// Ask has a training done soon, however often it fails; nil trains at once.
	Ask func(ctx context.Context, reason string) error
}
