package lists

import (
	"context"
	"crypto/sha256"
	"iter"
	"log/slog"
	"time"

	"thimble"
	"thimble/internal/blob"
	"thimble/internal/catalog"
	"thimble/internal/decision"
	"thimble/internal/gate"
	"thimble/internal/ledger"
	"thimble/internal/order"
	"thimble/internal/recommend/recommenddb"
)

// A Gate judges requests and gives grants.
type Gate interface {
	Decide(ctx context.Context, r gate.Request) (gate.Verdict, error)
	Open(ctx context.Context, r gate.Request) (*gate.Grant, error)
	Scan(ctx context.Context, a gate.Actor, p thimble.Purpose, categories ...thimble.Category) iter.Seq2[*gate.Grant, error]
	Cohort(a gate.Actor, p thimble.Purpose, categories ...thimble.Category) *gate.Cohort
}

// Orders reads people's orders, sealed.
type Orders interface {
	Of(ctx context.Context, s thimble.SubjectID, limit int) ([]order.Sealed, error)
}

// A Catalog knows the items.
type Catalog interface {
	Get(ctx context.Context, ids ...thimble.ItemID) (map[thimble.ItemID]catalog.Product, error)
	IDs(ctx context.Context, k catalog.Kind) ([]thimble.ItemID, error)
	Popular(ctx context.Context, w catalog.Window, limit int, skip ...catalog.Kind) ([]catalog.Ranked, error)
}

// Decisions keeps records.
type Decisions interface {
	Keep(ctx context.Context, r decision.Record, policy [8]byte, epoch int64) (thimble.ID, error)
}

// Versions keeps which model serves.
type Versions interface {
	Keep(ctx context.Context, hash [sha256.Size]byte, keep func(ledger.Intent) error) error
	Release(ctx context.Context, v recommenddb.Version, keep ledger.Intent, replaced [][sha256.Size]byte) (recommenddb.Version, *ledger.Intent, error)
	Destroy(ctx context.Context, i ledger.Intent, destroy func(context.Context, [sha256.Size]byte) error) error
	Performers(destroy func(context.Context, [sha256.Size]byte) error) map[string]ledger.Performer
	Serving(ctx context.Context) (recommenddb.Version, error)
	Withdraw(ctx context.Context, reason string, at time.Time, replaced [][sha256.Size]byte) (*ledger.Intent, error)
}

// Files keeps model files.
type Files interface {
	Put(ctx context.Context, content []byte) (blob.Hash, error)
	Get(ctx context.Context, h blob.Hash) ([]byte, error)
	Delete(ctx context.Context, h blob.Hash) error
	List() ([]blob.Hash, error)
}

// Deps are what a shop's lists are made of.
type Deps struct {
	Gate      Gate
	Orders    Orders
	Catalog   Catalog
	Decisions Decisions
	Versions  Versions
	Files     Files
	Log       *slog.Logger
	Now       func() time.Time
	// Ask has a training done soon, however often it fails; nil trains at once.
	Ask func(ctx context.Context, reason string) error
}
