package collect_test

import (
	"os"
	"testing"
	"time"

	"thimble/internal/collect"
	"thimble/internal/sqldb"
	"thimble/internal/sqldb/sqldbtest"
)

// BenchmarkImport imports the whole of UCI Online Retail with a real vault on
// SQLite with synchronous=FULL. THIMBLE_FULL_DATA names the file.
func BenchmarkImport(b *testing.B) {
	path := os.Getenv("THIMBLE_FULL_DATA")
	if path == "" {
		b.Skip("THIMBLE_FULL_DATA names no file")
	}
	b.ReportAllocs()
	var rows int64
	for b.Loop() {
		s := newShop(b, sqldbtest.SQLite(b, sqldb.Core), sqldbtest.SQLite(b, sqldb.Keys))
		rows += s.imported(collect.File(path), collect.Options{}).Rows
	}
	b.ReportMetric(float64(rows)/b.Elapsed().Seconds(), "rows/s")
}

func TestTheWholeFileIsImported(t *testing.T) {
	path := os.Getenv("THIMBLE_FULL_DATA")
	if path == "" {
		t.Skip("THIMBLE_FULL_DATA names no file")
	}
	s := newShop(t, sqldbtest.SQLite(t, sqldb.Core), sqldbtest.SQLite(t, sqldb.Keys))
	began := time.Now()
	r := s.imported(collect.File(path), collect.Options{})
	t.Logf("%s: %+v", time.Since(began).Round(time.Millisecond), r.Counts)
	if r.Rows != 541_909 || r.Orders+r.Known == 0 || r.Subjects != 4_372 {
		t.Errorf("got %d rows and %d subjects, want 541,909 and 4,372", r.Rows, r.Subjects)
	}
}
