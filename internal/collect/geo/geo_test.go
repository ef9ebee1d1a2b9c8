package geo

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"

	"thimble"
)

func table(t testing.TB, text string) *Table {
	t.Helper()
	read, err := Read(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return read
}

func of(t *Table, a string) string {
	c, ok := t.Of(netip.MustParseAddr(a))
	if !ok {
		return "-"
	}
	return string(c[:])
}

func TestTheCommonFormsSayTheSame(t *testing.T) {
	for name, text := range map[string]string{
		"first and last":      "192.0.2.0,192.0.2.255,DE\n198.51.100.0,198.51.100.127,FR\n2001:db8::,2001:db8:0:ffff:ffff:ffff:ffff:ffff,GB\n",
		"quoted, with names":  `"192.0.2.0","192.0.2.255","DE","Germany"` + "\r\n" + `"198.51.100.0","198.51.100.127","FR","France"` + "\r\n" + `"2001:db8::","2001:db8:0:ffff:ffff:ffff:ffff:ffff","GB","United Kingdom"`,
		"numbers":             "\"3221225984\",\"3221226239\",\"DE\",\"Germany\"\n3325256704,3325256831,FR\n42540766411282592856903984951653826560,42540766411283801782723599580828532735,GB\n",
		"mapped numbers":      "281473902969344,281473902969599,DE\n281474007000064,281474007000191,FR\n2001:db8::,2001:db8:0:ffff:ffff:ffff:ffff:ffff,GB\n",
		"numbers of IPv6":     "0,281470681743359,-\n281470681743360,281473902969343,-\n281473902969344,281473902969599,DE\n281474007000064,281474007000191,FR\n42540766411282592856903984951653826560,42540766411283801782723599580828532735,GB\n",
		"networks and a head": "network,country,continent\n192.0.2.0/24,DE,EU\n198.51.100.0/25,FR,EU\n2001:db8::/48,GB,EU\n",
		"in any order":        "# a note\n\n2001:db8::/48,GB\n198.51.100.0/25,FR\n192.0.2.128/25,DE\n192.0.2.0/25,DE\n",
		"of no country":       "0.0.0.0,192.0.1.255,-\n192.0.2.0/24,DE\n198.51.100.0/25,FR\n198.51.100.128/25,ZZ\n2001:db8::/48,GB\n",
	} {
		for _, packed := range []bool{false, true} {
			in := []byte(text)
			if packed {
				var b bytes.Buffer
				w := gzip.NewWriter(&b)
				_, _ = w.Write(in)
				_ = w.Close()
				in = b.Bytes()
			}
			got, err := Read(bytes.NewReader(in))
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			for a, want := range map[string]string{
				"192.0.1.255": "-", "192.0.2.0": "DE", "192.0.2.255": "DE", "192.0.3.0": "-", "198.51.100.127": "FR", "198.51.100.128": "-", "::ffff:192.0.2.7": "DE",
				"2001:db7:ffff:ffff:ffff:ffff:ffff:ffff": "-", "2001:db8::": "GB", "2001:db8:0:ffff:ffff:ffff:ffff:ffff": "GB", "2001:db8:1::": "-", "255.255.255.255": "-", "0.0.0.0": "-",
			} {
				if c := of(got, a); c != want {
					t.Errorf("%s: %s is in %s, want %s", name, a, c, want)
				}
			}
		}
	}
}

func TestAWrongLineIsNamedAndNothingIsLoaded(t *testing.T) {
	for text, names := range map[string]string{
		"":                                      "none",
		"192.0.2.0/24,DE\nx,y,FR":               "line 2",
		"192.0.2.0/24,DE\n192.0.2.9,1.1.1.1,FR": "line 2",
		"192.0.2.0/24,DE\n10.0.0.0/8":           "line 2",
		"192.0.2.0/24,Germany":                  "none",
		"2001:db8::1,192.0.2.1,DE\n2001:db8::1,192.0.2.1,DE": "line 2",
		"10.0.0.0/8,DE\n192.0.2.0/24,de":                     "line 2",
		"192.0.2.0/24,DE\n192.0.2.9,192.0.2.9,FR":            "overlaps that of line 1",
		"2001:db8::/32,DE\n2001:db8::/48,FR":                 "overlaps that of line 1",
		"1,2,DE\n3," + strings.Repeat("9", 40) + ",DE":       "line 2",
		"1.1.1.1,1.1.1.2,DE," + strings.Repeat("x", 2000):    "at most",
		"\x1f\x8bxx": "unpacking",
	} {
		got, err := Read(strings.NewReader(text))
		if got != nil || !errors.Is(err, thimble.ErrInvalid) || !strings.Contains(fmt.Sprint(err), names) {
			t.Errorf("%.40q: %v, want an error with %q", text, err, names)
		}
	}
}

func TestNoTableKnowsNoAddress(t *testing.T) {
	var none *Table
	if c, ok := none.Of(netip.MustParseAddr("192.0.2.1")); ok {
		t.Errorf("found %s", c)
	}
	if c, ok := table(t, "192.0.2.0/24,DE").Of(netip.Addr{}); ok {
		t.Errorf("no address is in %s", c)
	}
}

// TestLookUpsAreThoseOfAWalkOverTheLines draws tables, and addresses at and beside
// their edges.
func TestLookUpsAreThoseOfAWalkOverTheLines(t *testing.T) {
	const seed = 11
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, seed))
	rounds := 300
	if os.Getenv("THIMBLE_SOAK") != "" {
		rounds = 30_000
	}
	for range rounds {
		var spans []span
		var text strings.Builder
		a := netip.AddrFrom4([4]byte{byte(r.IntN(2)), 0, 0, 0})
		six := r.IntN(2) == 0
		if six {
			a = netip.AddrFrom16([16]byte{0: 0x20, 15: byte(r.IntN(3))})
		}
		for range 1 + r.IntN(30) {
			for range r.IntN(3) {
				a = a.Next()
			}
			s := span{first: a, country: code{'A', byte('A' + r.IntN(3))}}
			for range r.IntN(4) {
				a = a.Next()
			}
			s.last = a
			a = a.Next()
			spans = append(spans, s)
			fmt.Fprintf(&text, "%s,%s,%s\n", s.first, s.last, s.country[:])
		}
		lines := strings.Split(strings.TrimSpace(text.String()), "\n")
		r.Shuffle(len(lines), func(i, j int) { lines[i], lines[j] = lines[j], lines[i] })
		got := table(t, strings.Join(lines, "\n"))
		for at, n := spans[0].first, 0; n < 300; at, n = at.Next(), n+1 {
			want := "-"
			if i := slices.IndexFunc(spans, func(s span) bool { return !at.Less(s.first) && !s.last.Less(at) }); i >= 0 {
				want = string(spans[i].country[:])
			}
			if c := of(got, at.String()); c != want {
				t.Fatalf("%s\n%s is in %s, want %s", text.String(), at, c, want)
			}
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte("192.0.2.0/24,DE\n2001:db8::/48,GB"))
	f.Add([]byte("\"16777216\",\"16777471\",\"US\""))
	f.Add([]byte("network,country\n::/0,DE"))
	f.Add([]byte("0.0.0.0/0,DE\n::/1,FR"))
	f.Fuzz(func(t *testing.T, text []byte) {
		got, err := Read(bytes.NewReader(text))
		if err != nil {
			if !errors.Is(err, thimble.ErrInvalid) {
				t.Fatalf("an error of no kind: %v", err)
			}
			return
		}
		if !slices.IsSorted(got.starts4) || len(got.countries) != len(got.starts4)+len(got.starts6) {
			t.Fatal("the table is out of order")
		}
		for _, a := range []string{"0.0.0.0", "192.0.2.1", "255.255.255.255", "::", "2001:db8::1", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"} {
			of(got, a)
		}
	})
}

// BenchmarkOf is one look-up among 600,000 ranges.
func BenchmarkOf(b *testing.B) {
	var text strings.Builder
	for i := range 600_000 {
		n := uint32(i) * 7000
		fmt.Fprintf(&text, "%d,%d,%c%c\n", n, n+6000, 'A'+i%26, 'A'+i/26%26)
	}
	t := table(b, text.String())
	r := rand.New(rand.NewPCG(1, 1))
	b.ReportAllocs()
	for b.Loop() {
		n := r.Uint32()
		t.Of(netip.AddrFrom4([4]byte{byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)}))
	}
	b.ReportMetric(float64(len(t.starts4)*6)/(1<<20), "MiB")
}
