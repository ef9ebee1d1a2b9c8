package holdertest

import (
	"sync"
	"testing"
	"time"

	"thimble"
	"thimble/internal/sqldb"
)

// A Term says how long a holder keeps a category.
type Term int

// The terms.
const (
	// Expires is what goes when its time has come.
	Expires Term = iota + 1
	// KeptByLaw does not go: the holder names the law.
	KeptByLaw
	// Lasts has no time of its own: it goes with the person.
	Lasts
)

// A Trace is what stays of what a holder wrote about two people while they were
// taken for one.
type Trace int

// The traces.
const (
	// Nothing: both are exactly as before.
	Nothing Trace = iota
	// Both keep what was written of them, each without the other's name.
	Both
	// Gone: what both had of the holder goes as well, like sessions.
	Gone
)

// A Fixture is a holder on trial.
type Fixture struct {
	Holder     thimble.Holder
	Core, Keys *sqldb.DB // those in which its tables lie
	Log, View  *sqldb.DB

	// Person makes somebody of whom the holder keeps nothing yet.
	Person func(tb testing.TB) thimble.SubjectID
	// Keep has the holder keep something about a person, dated now. It returns what an
	// export of it must contain.
	Keep func(tb testing.TB, who thimble.SubjectID) []string
	// Tick lets time pass, and returns an instant between before and after.
	Tick func(tb testing.TB) time.Time

	// Terms has each category that the holder exports.
	Terms map[thimble.Category]Term
	// Silent says that the holder has nothing that a person could read.
	Silent bool
	// Stays are tables in which rows of an erased person stay, and lead to nobody.
	Stays []string

	// WhileOne has the holder write what it writes about somebody who is one person
	// with another; nil when it writes nothing of its own accord.
	WhileOne func(tb testing.TB, who thimble.SubjectID)
	Trace    Trace

	// Restricts says that the holder is the one that keeps who is restricted, and
	// exports it.
	Restricts bool

	// Objects is a purpose that can be objected to, and Used reports whether the
	// holder lets what it keeps be used for it. A nil Used means that the holder is
	// not asked.
	Objects thimble.Purpose
	Used    func(tb testing.TB, who thimble.SubjectID) bool

	// Derived is given for a holder that keeps only what it makes from others.
	Derived *Derived
}

// Derived is what the suite needs of a holder that keeps only what it makes from
// what others hold. The functions do to the others what the desk does before it asks
// the holder.
type Derived struct {
	// State is what the holder keeps, such as a model's hash.
	State    func(tb testing.TB) string
	Erase    func(tb testing.TB, who thimble.SubjectID)
	Expire   func(tb testing.TB, c thimble.Category, before time.Time)
	Restrict func(tb testing.TB, who thimble.SubjectID, on bool)
	Object   func(tb testing.TB, who thimble.SubjectID, p thimble.Purpose)
	Merge    func(tb testing.TB, m thimble.Merge)
	Unmerge  func(tb testing.TB, m thimble.Merge)
	// Settle does the work that the holder has asked for.
	Settle func(tb testing.TB)
	// Anew has it made from what the others hold now, so that each promise is tried
	// from a clean state, whatever a bad holder has left.
	Anew func(tb testing.TB)
}

// A Clock stands still until it is told to go on.
type Clock struct {
	mu sync.Mutex
	at time.Time
}

// NewClock returns a clock at a fixed instant.
func NewClock() *Clock { return &Clock{at: time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)} }

// Now is the clock's time.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

// Tick is for [Fixture.Tick].
func (c *Clock) Tick(testing.TB) time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(2 * time.Millisecond)
	return c.at.Add(-time.Millisecond)
}

// WallTick is Fixture.Tick for stores that live by the machine's clock.
func WallTick(testing.TB) time.Time {
	time.Sleep(2 * time.Millisecond)
	at := time.Now()
	time.Sleep(2 * time.Millisecond)
	return at
}
