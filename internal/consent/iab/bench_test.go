package iab_test

import (
	"strings"
	"syscall"
	"testing"
	"time"

	"thimble/internal/consent/iab/gpp"
	"thimble/internal/consent/iab/tcf"
)

// naive reads a TC string bit by bit into a slice of booleans, and the vendors into
// maps: the obvious way, and what the fast one is compared with. It checks nothing.
type naive struct {
	bits []bool
	at   int
}

func open(segment string) *naive {
	n := &naive{}
	for _, c := range segment {
		v := strings.IndexRune("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", c)
		for i := 5; i >= 0; i-- {
			n.bits = append(n.bits, v>>i&1 == 1)
		}
	}
	return n
}

func (n *naive) int(bits int) (v int) {
	for range bits {
		v <<= 1
		if n.bits[n.at] {
			v |= 1
		}
		n.at++
	}
	return v
}

func (n *naive) flags(count int) map[int]bool {
	all := map[int]bool{}
	for i := 1; i <= count; i++ {
		if n.int(1) == 1 {
			all[i] = true
		}
	}
	return all
}

func (n *naive) vendors() map[int]bool {
	top := n.int(16)
	if n.int(1) == 0 {
		return n.flags(top)
	}
	all := map[int]bool{}
	for range n.int(12) {
		group := n.int(1) == 1
		first := n.int(16)
		last := first
		if group {
			last = n.int(16)
		}
		for id := first; id <= last; id++ {
			all[id] = true
		}
	}
	return all
}

func naiveTC(text string) (sets []map[int]bool) {
	segments := strings.Split(text, ".")
	n := open(segments[0])
	for _, bits := range []int{6, 36, 36, 12, 12, 6, 6, 6, 12, 6, 1, 1} {
		n.int(bits)
	}
	sets = append(sets, n.flags(12), n.flags(24), n.flags(24))
	n.int(13)
	sets = append(sets, n.vendors(), n.vendors())
	for range n.int(12) {
		n.int(8)
		for range n.int(12) {
			if n.int(1) == 1 {
				n.int(16)
			}
			n.int(16)
		}
	}
	for _, s := range segments[1:] {
		n := open(s)
		if n.int(3) < 3 {
			sets = append(sets, n.vendors())
		}
	}
	return sets
}

// aboutAThousand is the string a site with all vendors of the list makes under TCF
// 2.3: consents as a bit field of 1,100 vendors, all disclosed.
func aboutAThousand(b *testing.B) string {
	b.Helper()
	m := draws(seed)
	s := m.tc()
	s.Restrictions, s.Publisher, s.HasAllowed, s.Allowed = nil, nil, false, nil
	s.VendorConsents, s.VendorInterests = m.field(1100), m.field(1100)
	s.HasDisclosed, s.Disclosed = true, m.field(1100)
	text, err := s.Encode()
	if err != nil {
		b.Fatal(err)
	}
	return text
}

// used is the processor time that this process took: on a machine that others use
// too, the clock says more about them.
func used() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// A reading takes at most 2 µs of a core. Run with -bench Decode; the ratio is of
// the same run.
func BenchmarkDecode(b *testing.B) {
	plain := "COyiILmOyiILmADACHENAPCAAAAAAAAAAAAAE5QBgALgAqgD8AQACSwEygJyAAAAAA"
	for name, text := range map[string]string{"vendors-1100": aboutAThousand(b), "ranges": plain} {
		b.Run(name, func(b *testing.B) {
			start := used()
			const rounds = 2000
			for range rounds {
				naiveTC(text)
			}
			slow := float64(used()-start) / rounds
			b.ReportAllocs()
			start = used()
			for b.Loop() {
				if _, err := tcf.Decode(text); err != nil {
					b.Fatal(err)
				}
			}
			fast := float64(used()-start) / float64(b.N)
			b.ReportMetric(fast, "cpu-ns/op")
			b.ReportMetric(slow, "naive-cpu-ns/op")
			b.ReportMetric(slow/fast, "naive/ours")
		})
	}
	const national = "DBABLA~BVVqAAAAAAAA.YA"
	b.Run("gpp-usnat", func(b *testing.B) {
		b.ReportAllocs()
		start := used()
		defer func() { b.ReportMetric(float64(used()-start)/float64(b.N), "cpu-ns/op") }()
		for b.Loop() {
			if _, err := gpp.Decode(national); err != nil {
				b.Fatal(err)
			}
		}
	})
}
