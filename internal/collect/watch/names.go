package watch

import (
	"hash/maphash"
	"net/netip"
	"slices"

	"thimble/internal/collect/intake"
	"thimble/internal/collect/plan"
	"thimble/internal/collect/segment"
)

// A name that the plan does not know is shown when so many have sent it. Of a key that is
// public anybody can send anything: one visitor's name, or what they want staff to read,
// comes from few.
const (
	manySenders  = 10
	manyNetworks = 3
)

// maxNames is how many names a source may have on their way to be shown, twice over.
const maxNames = 512

// A name is one that the plan does not know, by a keyed hash: it may be a value, and is not
// held until it is shown.
type name struct {
	event, within string
	hash          uint64
}

// A fame is how a name is shown, and who has sent it: keyed hashes in memory, for as long
// as they are few.
type fame struct {
	shown    string
	settled  bool // it is shown as it will be
	senders  [manySenders]uint64
	networks [manyNetworks]uint64
	s, n     int
}

func (f *fame) add(from sender) (many bool) {
	if f.s < manySenders && from.who != 0 && !slices.Contains(f.senders[:f.s], from.who) {
		f.senders[f.s], f.s = from.who, f.s+1
	}
	if f.n < manyNetworks && !slices.Contains(f.networks[:f.n], from.network) {
		f.networks[f.n], f.n = from.network, f.n+1
	}
	return f.s == manySenders && f.n == manyNetworks
}

// names are those of a source. The newer ones take the place of those that came last
// longest ago, half of them at a time.
type names struct{ newer, older map[name]*fame }

func (n *names) of(k name) *fame {
	f := n.newer[k]
	if f != nil {
		return f
	}
	if f = n.older[k]; f == nil {
		f = &fame{}
	}
	if len(n.newer) >= maxNames || n.newer == nil {
		n.newer, n.older = make(map[name]*fame), n.newer
	}
	n.newer[k] = f
	return f
}

// sent notes that a name came, and returns it as staff may see it: of a trusted source as
// show has it, of others only when many have sent it, and its shape until then.
func (n *names) sent(k name, text []byte, from sender, show func([]byte) string) string {
	f := n.of(k)
	if f.settled {
		return f.shown
	}
	many := from.trusted || f.add(from)
	if many || f.shown == "" {
		clear := show(text)
		if f.shown = clear; !many && clear != plan.Withheld {
			f.shown = plan.Rare(text)
		}
		f.settled = many || clear == plan.Withheld
	}
	return f.shown
}

// A sender is who sent a body, by keyed hashes.
type sender struct {
	trusted      bool // a system of the shop
	who, network uint64
}

// senderOf tells senders apart: a body is one device's, whatever ids its events have.
func (w *Watch) senderOf(from intake.Source, at netip.Addr, b *segment.Body) sender {
	s := sender{trusted: from.Trusted()}
	if s.trusted {
		return s
	}
	if len(b.Events) > 0 {
		id := b.Bytes(b.Events[0].AnonymousID)
		if len(id) == 0 {
			id = b.Bytes(b.Events[0].UserID)
		}
		s.who = maphash.Bytes(w.seed, id)
	}
	bits := 24
	if at = at.Unmap(); at.Is6() {
		bits = 48
	}
	if p, err := at.Prefix(bits); err == nil {
		s.network = maphash.Comparable(w.seed, p)
	}
	return s
}
