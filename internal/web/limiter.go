package web

import (
	"hash/maphash"
	"net"
	"net/netip"
	"sync"
	"time"
)

// A Limiter says how often something may be done, for each key: a burst at once, then
// one at each interval. It is the generic cell rate algorithm (ITU-T I.371), which
// keeps one instant for each key. Keys are kept as hashes under a seed of this
// process: an address that somebody came from is nowhere in memory.
//
// It forgets a key when it may be used freely again, and when it holds too many keys it
// drops some. So it makes guessing dear, and is not the only bound on it.
type Limiter struct {
	every time.Duration
	burst int
	now   func() time.Time

	mu   sync.Mutex
	seed maphash.Seed
	due  map[uint64]time.Time // when a key's bucket is empty
}

// limiterKeys bounds the memory: about four megabytes.
const limiterKeys = 1 << 16

// NewLimiter returns a limiter that permits burst at once and then one at each
// interval. A nil clock means time.Now.
func NewLimiter(every time.Duration, burst int, now func() time.Time) *Limiter {
	if now == nil {
		now = time.Now
	}
	return &Limiter{every: every, burst: max(burst, 1), now: now, seed: maphash.MakeSeed(), due: map[uint64]time.Time{}}
}

// Allow reports whether the key may do it once more now, and if not, after how long.
func (l *Limiter) Allow(key string) (wait time.Duration, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now, h := l.now(), maphash.String(l.seed, key)
	due, known := l.due[h]
	// A due instant further away than the burst was noted by a clock that ran ahead.
	if !known || due.Before(now) || due.Sub(now) > time.Duration(l.burst)*l.every {
		due = now
	}
	if wait = due.Sub(now) - time.Duration(l.burst-1)*l.every; wait > 0 {
		return wait, false
	}
	l.room(now)
	l.due[h] = due.Add(l.every)
	return 0, true
}

// room makes place for one key more.
func (l *Limiter) room(now time.Time) {
	if len(l.due) < limiterKeys {
		return
	}
	for h, due := range l.due {
		if due.Before(now) {
			delete(l.due, h)
		}
	}
	for h := range l.due {
		if len(l.due) < limiterKeys {
			return
		}
		delete(l.due, h)
	}
}

// Network names the network a request comes from, for a [Limiter]: the whole site of
// an IPv6 address, the neighbours of an IPv4 address. Behind a proxy that [Proxies] does
// not name everybody comes from the proxy.
func Network(remoteAddr string) string {
	host, _, err := net.SplitHostPort(remoteAddr)
	if err != nil {
		host = remoteAddr
	}
	ip, err := netip.ParseAddr(host)
	if err != nil {
		return host
	}
	p := NetworkOf(ip)
	if !p.IsValid() {
		return host
	}
	return p.String()
}

// NetworkOf is [Network] for an address.
func NetworkOf(ip netip.Addr) netip.Prefix {
	ip = ip.Unmap().WithZone("")
	bits := 24
	if ip.Is6() {
		bits = 56
	}
	p, _ := ip.Prefix(bits) // the zero address has none
	return p
}
