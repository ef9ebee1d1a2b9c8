package intake

import (
	"net/netip"
	"time"

	"thimble/internal/collect/segment"
)

// A Kind says where a source's key lies.
type Kind string

// The kinds of source. The key of a browser or an app is public: it may write, and
// nothing it claims of who somebody is counts.
const (
	Server  Kind = "server"
	Browser Kind = "browser"
	App     Kind = "app"
)

// A Source is where events come from.
type Source struct {
	Number uint32
	Name   string
	Kind   Kind
	// Consents says that the source asks people for their consent, so that what its
	// events say of that is taken down; of any other source it only narrows.
	Consents bool
}

// Trusted reports whether ids and orders count as the source says them.
func (s Source) Trusted() bool { return s.Kind == Server }

// An Arrival is what a door knows of a request.
type Arrival struct {
	At      time.Time
	GPC     []string   // the values of the header Sec-GPC
	Address netip.Addr // whose country is looked up; written nowhere
}

// A Drop says why something was not kept.
type Drop string

// The reasons.
const (
	Unplanned Drop = "unplanned" // the event is not in the plan
	Denied    Drop = "denied"    // no permitted purpose needs it
	Nobody    Drop = "nobody"    // of somebody unknown who permits nothing; it was counted
	Repeated  Drop = "repeated"  // it came before
	Broken    Drop = "broken"    // a rule of the wire or of the plan refused it
	Gone      Drop = "gone"      // of somebody who was forgotten
	NotKept   Drop = "not-kept"  // it was decided that nothing of its category is kept
)

// A Taken says what became of a body.
type Taken struct {
	Events  int // in the body
	Kept    int
	Dropped map[Drop]int
}

// A Teller hears of each body that was taken. It keeps nothing of b, which is wiped
// after, nor of the address, but hashes in memory that nobody else can make, and does not
// block.
type Teller interface {
	Tell(s Source, a Arrival, t Taken, b *segment.Body)
}
