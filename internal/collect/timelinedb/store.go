package timelinedb

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"thimble"
	"thimble/internal/collect"
	"thimble/internal/collect/frame"
	"thimble/internal/collect/framedb"
	"thimble/internal/gate"
	"thimble/internal/order"
	"thimble/internal/sqldb"
	"thimble/internal/subject"
)

// Log is the log of events: framedb does.
type Log interface {
	// After returns frames behind one, in their order, at most limit.
	After(ctx context.Context, seq int64, limit int) ([]frame.Frame, error)
	// Follow is After for who follows the log as it grows, whatever snapshot ctx has. Nothing
	// in the frames is to be changed.
	Follow(ctx context.Context, seq int64, limit int) ([]frame.Frame, error)
	// At returns the frames of these numbers, in the order in which they are named.
	At(ctx context.Context, seqs ...int64) ([]frame.Frame, error)
	// Behind tells how much follows a frame.
	Behind(ctx context.Context, seq int64) (framedb.Behind, error)
	// Unreadable returns the numbers of frames that were found to be so.
	Unreadable(ctx context.Context) ([]int64, error)
	// Mended says that frames can be read again, and that this is dealt with.
	Mended(ctx context.Context, seqs ...int64) error
}

// A Rewriter writes frames again: framedb does.
type Rewriter interface {
	// Rewrite writes a frame again without the records that keep refuses, in whose places
	// are empty ones, and without the parts that keep takes from those that it keeps. When
	// it returns, what was left out is nowhere in the files. It returns how many records
	// were left out.
	Rewrite(ctx context.Context, seq int64, keep func(i int, r *frame.Record) bool) (removed int, err error)
}

// Gate judges, and gives grants.
type Gate interface {
	Open(ctx context.Context, r gate.Request) (*gate.Grant, error)
	// Decide answers a request and records nothing.
	Decide(ctx context.Context, r gate.Request) (gate.Verdict, error)
}

// People knows who is there: subjectdb does.
type People interface {
	// Missing returns those who are not there, be it that they were erased.
	Missing(ctx context.Context, ids []thimble.SubjectID) ([]thimble.SubjectID, error)
	// Members returns all subjects of a person.
	Members(ctx context.Context, s thimble.SubjectID) ([]thimble.SubjectID, error)
	// Person returns the same with whether their data is restricted.
	Person(ctx context.Context, s thimble.SubjectID) (subject.Person, error)
}

// Orders takes orders down: collectdb does.
type Orders interface {
	// Sell writes the sales whose number no order has, and what also writes, in one
	// transaction. The error is of kind ErrConflict when somebody was erased meanwhile.
	Sell(ctx context.Context, sales []collect.Sale, also func(context.Context, *sqldb.Tx) error) (kept int, err error)
}

// Ordered returns a person's orders, sealed: orderdb does.
type Ordered interface {
	Of(ctx context.Context, who thimble.SubjectID, limit int) ([]order.Sealed, error)
}

// Deps are what the store is made of.
type Deps struct {
	Log        Log
	Rewriter   Rewriter // nil: nothing is compacted, and nothing expires
	View, Core *sqldb.DB
	Gate       Gate
	Keys       thimble.Sealer
	People     People

	Orders  Orders  // nil: events make no orders
	Ordered Ordered // with Orders
	// Trusted reports whether the source of a number may speak of orders.
	Trusted func(ctx context.Context, source uint32) (bool, error)

	// MostBehind is how many records that are not indexed yet a read goes through; 0 means
	// 50,000.
	MostBehind int

	// Pressed reports whether others needed the machine more since it was asked: steps of the
	// view rest then. Nil: they never do.
	Pressed func() bool

	Now    func() time.Time // nil means time.Now
	Logger *slog.Logger     // nil means silence
}

// A Store builds and reads what is behind the log.
type Store struct {
	Deps

	taste, visits, speech *uses
	service               *uses // of orders
	listeners             []*uses
	followers             []*follower
	view                  *follower
	window                window
	id                    thimble.ID // of this process, for leases

	mu      sync.Mutex
	changed map[thimble.SubjectID]struct{} // whose months are to be built again
	stirred chan struct{}
}

// New returns the store.
func New(d Deps) (*Store, error) {
	if d.Now == nil {
		d.Now = time.Now
	}
	if d.Pressed == nil {
		d.Pressed = func() bool { return false }
	}
	if d.Logger == nil {
		d.Logger = slog.New(slog.DiscardHandler)
	}
	if d.MostBehind == 0 {
		d.MostBehind = mostBehind
	}
	if d.Trusted == nil {
		d.Trusted = func(context.Context, uint32) (bool, error) { return false, nil }
	}
	s := &Store{Deps: d, changed: map[thimble.SubjectID]struct{}{}, stirred: make(chan struct{}, 1)}
	var err error
	if s.id, err = thimble.NewID(nil); err != nil {
		return nil, err
	}
	s.taste = s.use("interactions", thimble.PersonalizeContent, browsing, searching, thimble.PurchaseHistory)
	s.visits = s.use("visits", analytics, browsing, searching, thimble.PurchaseHistory, returning, thimble.Country)
	s.speech = s.use("language", functional, language)
	s.service = s.use("orders", thimble.EssentialService, saleCategories...)
	s.view = &follower{name: "view", store: s, db: d.View, table: "collect_cursors", most: viewBatch, take: s.build}
	s.followers = append(s.followers, s.view)
	if d.Orders != nil {
		s.followers = append(s.followers, &follower{name: "orders", store: s, db: d.Core, table: "collect_positions", most: viewBatch, take: s.sell})
	}
	return s, nil
}

// The categories that are read beside those of the vocabulary, and the purposes.
const (
	browsing  thimble.Category = "user.behavior.browsing_history"
	searching thimble.Category = "user.behavior.search_history"
	returning thimble.Category = "thimble.returns_behaviour"
	language  thimble.Category = "user.demographic.language"

	analytics  thimble.Purpose = "analytics"
	functional thimble.Purpose = "functional.service"
)
