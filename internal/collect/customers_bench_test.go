package collect_test

import (
	"fmt"
	"io"
	"os"
	"strings"
	"testing"

	"thimble/internal/collect"
	"thimble/internal/sqldb"
	"thimble/internal/sqldb/sqldbtest"
)

// peakRSS reads how much memory the process had at most, in MB; 0 where that is not told.
func peakRSS() (mb float64) {
	b, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	for line := range strings.SplitSeq(string(b), "\n") {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			var kb float64
			if _, err := fmt.Sscan(rest, &kb); err == nil {
				return kb / 1024
			}
		}
	}
	return 0
}

// BenchmarkImportCustomers imports generated customers; THIMBLE_ROWS says how many, and
// by default it is a sample.
func BenchmarkImportCustomers(b *testing.B) {
	n := 10_000
	if s := os.Getenv("THIMBLE_ROWS"); s != "" {
		if _, err := fmt.Sscan(s, &n); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportAllocs()
	for b.Loop() {
		s := newShop(b, sqldbtest.SQLite(b, sqldb.Core), sqldbtest.SQLite(b, sqldb.Keys))
		src := collect.Source{Name: "customers.csv", Open: func() (io.ReadCloser, error) { return io.NopCloser(&generated{n: n}), nil }}
		r, err := s.brings(collect.Customers, src, collect.Answers{}, 0)
		if err != nil || r.Written != int64(n) {
			b.Fatal(err, r.Counts)
		}
	}
	b.ReportMetric(float64(n*b.N)/b.Elapsed().Seconds(), "rows/s")
	b.ReportMetric(peakRSS(), "peak-MB")
}

// generated is a file of n customers that is never whole in memory.
type generated struct {
	n, at int
	rest  string
}

func (g *generated) Read(p []byte) (int, error) {
	if g.rest == "" {
		switch {
		case g.at > g.n:
			return 0, io.EOF
		case g.at == 0:
			g.rest = "Customer ID,Email,Phone,Name,Country,Birthday\n"
		default:
			g.rest = fmt.Sprintf("%d,customer-%d@example.org,+4915%09d,Name %d,DE,1980-01-%02d\n", g.at, g.at, g.at, g.at, g.at%28+1)
		}
		g.at++
	}
	n := copy(p, g.rest)
	g.rest = g.rest[n:]
	return n, nil
}
