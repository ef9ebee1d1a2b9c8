package casesdb_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"thimble/internal/rights/cases"
	"thimble/internal/rights/casesdb"
	"thimble/internal/sqldb"
	"thimble/internal/sqldb/sqldbtest"
)

// million is how many requests a shop has that never deletes any.
const million = 1_000_000

// BenchmarkAPageOfAMillion turns the pages of a desk with a million requests, half of them
// open: 101 of them at a time, from the start and from anywhere in the middle.
func BenchmarkAPageOfAMillion(b *testing.B) {
	db := sqldbtest.SQLite(b, sqldb.Core)
	err := db.Write(b.Context(), func(tx *sqldb.Tx) error {
		_, err := tx.Exec(b.Context(), `with recursive n(i) as (select 1 union all select i + 1 from n where i < $1)
			insert into cases_requests (id, subject_id, kind, state, via, at, due_at, closed_at, staff, refuser, steps, facts)
			select randomblob(16), randomblob(16), 'access', case when i % 2 then 'fulfilled' else 'received' end, 'portal',
				$2 + i * 1000000, $2 + i * 1000000 + abs(random() % 2592000) * 1000000, case when i % 2 then $2 + i * 1000000 + abs(random() % 2592000) * 1000000 end, '', '', 1, '{}' from n`,
			million, time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).UnixMicro())
		return err
	})
	if err != nil {
		b.Fatal(err)
	}
	s := casesdb.New(db, casesdb.Parts{}, casesdb.Config{})
	middle := casesdb.Place{At: time.Date(2026, 1, 6, 0, 0, 0, 0, time.UTC)}
	for name, read := range map[string]func(context.Context) ([]cases.Case, error){
		"open":          func(ctx context.Context) ([]cases.Case, error) { return s.Queue(ctx, casesdb.Place{}, 101) },
		"open, midst":   func(ctx context.Context) ([]cases.Case, error) { return s.Queue(ctx, middle, 101) },
		"closed":        func(ctx context.Context) ([]cases.Case, error) { return s.Closed(ctx, casesdb.Place{}, 101) },
		"closed, midst": func(ctx context.Context) ([]cases.Case, error) { return s.Closed(ctx, middle, 101) },
		"counts for tile": func(ctx context.Context) ([]cases.Case, error) {
			_, _, err := s.Counts(ctx)
			return make([]cases.Case, 101), err
		},
	} {
		b.Run(name, func(b *testing.B) {
			took := make([]time.Duration, 0, b.N)
			for b.Loop() {
				begin := time.Now()
				all, err := read(b.Context())
				took = append(took, time.Since(begin))
				if err != nil || len(all) != 101 {
					b.Fatalf("%d cases, %v", len(all), err)
				}
			}
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
		})
	}
}
