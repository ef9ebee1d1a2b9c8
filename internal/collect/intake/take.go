package intake

import (
	"context"
	"crypto/rand"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"thimble"
	"thimble/internal/collect/frame"
	"thimble/internal/collect/plan"
	"thimble/internal/collect/segment"
	"thimble/internal/consent/signal"
	"thimble/internal/gate"
)

// Plans has the plan that is in force.
type Plans interface {
	Compiled() *plan.Compiled
}

// A Gate makes doors; *gate.Gate does.
type Gate interface {
	Door(uses ...gate.DoorUse) (*gate.Door, error)
}

// A Vault seals; *vault.Vault does.
type Vault interface {
	// Prepare looks up, or makes, the keys of a class and a date for owners.
	Prepare(ctx context.Context, class string, at time.Time, owners ...thimble.SubjectID) (thimble.Seals, error)
}

// A Log keeps records; framedb does.
type Log interface {
	// Append makes records durable, and leaves out those that came before. It keeps
	// nothing of them after it returned.
	Append(ctx context.Context, records []frame.Record) (frame.Appended, error)
	Seen(key frame.Key) bool
}

// Deps are what an Intake works with.
type Deps struct {
	Plans  Plans
	Gate   Gate
	Vault  Vault
	Log    Log
	People People
	// Consents takes down what sources that ask for consent say; nil for nothing.
	Consents Consents
	// Secret is the key of what is known to have come before: 32 bytes, the same for as
	// long as the log is kept.
	Secret []byte
	// Countries knows where an address is; nil knows no country.
	Countries Countries
	// Teller hears of each body; nil for nobody.
	Teller Teller
	// Categories are the purposes behind the categories of consent objects; nil means
	// [signal.DefaultCategories].
	Categories signal.Categories
	Now        func() time.Time // nil means time.Now
	// Here hears of whom each body is about, also when nothing of it is kept; nil for nobody.
	// It does not block, and keeps nothing of the list.
	Here func(who ...thimble.SubjectID)
	// NotKept returns what was decided not to be kept; nil, and a function that is nil, for
	// nothing.
	NotKept func() *NotKeeping
}

// An Intake takes bodies. It is safe for concurrent use.
type Intake struct {
	deps     Deps
	running  atomic.Pointer[running]
	changing sync.Mutex
	keys     *keyring
	who      *identities
	budget   *budget
	under    atomic.Int64 // bodies that are being taken
	peak     atomic.Int64 // the most of them since it was asked
	joins    joins
}

// running is what belongs to one plan.
type running struct {
	plan    *plan.Compiled
	door    *gate.Door
	signals *readings
	shut    atomic.Pointer[shut]
	work    sync.Pool
}

// New returns an Intake. The error is of kind thimble.ErrInvalid for a secret that is
// not of 32 bytes.
func New(d Deps) (*Intake, error) {
	if d.Now == nil {
		d.Now = time.Now
	}
	if d.Categories == nil {
		d.Categories = signal.DefaultCategories()
	}
	if len(d.Secret) != 32 {
		return nil, fmt.Errorf("intake: the secret of repeats: 32 bytes were expected: %w", thimble.ErrInvalid)
	}
	return &Intake{deps: d, keys: newKeyring(d.Secret), who: newIdentities(identityLimit), budget: newBudget(newPerHour), joins: newJoins()}, nil
}

// current returns what belongs to the plan in force.
func (in *Intake) current() (*running, error) {
	now := in.deps.Plans.Compiled()
	if r := in.running.Load(); r != nil && r.plan == now {
		return r, nil
	}
	in.changing.Lock()
	defer in.changing.Unlock()
	if r := in.running.Load(); r != nil && r.plan == now {
		return r, nil
	}
	uses := make([]gate.DoorUse, len(now.Classes))
	for i, u := range now.Classes {
		uses[i] = gate.DoorUse{Category: u.Category, Purposes: u.Purposes}
	}
	door, err := in.deps.Gate.Door(uses...)
	if err != nil {
		// A plan is checked before it is in force, so that this is no sender's fault.
		return nil, fmt.Errorf("intake: the tracking plan: %v (%w)", err, thimble.ErrUnavailable)
	}
	r := &running{plan: now, door: door, signals: newReadings(door, in.deps.Categories, in.deps.Now)}
	r.work.New = func() any { return newWork(in, r) }
	in.running.Store(r)
	return r, nil
}

// pressing is how many bodies at once say that more comes than is taken as it comes.
const pressing = 20

// Pressed reports whether so many bodies were being taken at once, since it was asked the
// last time, that what can wait should.
func (in *Intake) Pressed() bool { return in.peak.Swap(in.under.Load()) >= pressing }

// enter counts a body that is being taken, until what it returns is called.
func (in *Intake) enter() (leave func()) {
	n := in.under.Add(1)
	for p := in.peak.Load(); n > p && !in.peak.CompareAndSwap(p, n); p = in.peak.Load() {
	}
	return func() { in.under.Add(-1) }
}

// Take keeps what is permitted of a body that came from a source to the path of a call.
// When it returns without an error, what it kept is durable. The error is of kind
// thimble.ErrInvalid when the body cannot be read at all, and of kind
// thimble.ErrUnavailable when it should be sent again later; nothing was kept then, or
// what was is known when it comes again.
func (in *Intake) Take(ctx context.Context, src Source, call segment.Call, body []byte, a Arrival) (Taken, error) {
	defer in.enter()()
	r, err := in.current()
	if err != nil {
		return Taken{}, err
	}
	if err := r.door.Ready(ctx); err != nil {
		return Taken{}, fmt.Errorf("intake: %w", err)
	}
	w := r.work.Get().(*work)
	defer func() {
		w.forget()
		r.work.Put(w)
	}()
	b, err := w.reader.Read(body, call, segment.Arrival{At: a.At, Random: random})
	if err != nil {
		return Taken{}, err
	}
	defer b.Forget()
	w.begin(ctx, src, b, a)
	if err := w.take(); err != nil {
		return Taken{}, err
	}
	w.here()
	t := w.taken()
	if in.deps.Teller != nil {
		in.deps.Teller.Tell(src, a, t, b)
	}
	return t, nil
}

func random(b []byte) {
	_, _ = rand.Read(b) // it never fails
}
