package subjectdb_test

import (
	"strconv"
	"testing"

	"thimble/internal/sqldb"
	"thimble/internal/sqldb/sqldbtest"
	"thimble/internal/subject"
	"thimble/internal/subject/subjectdb"
	"thimble/internal/vault/vaulttest"
)

// BenchmarkImport5000 looks 5,000 new people up, drafts and creates them.
func BenchmarkImport5000(b *testing.B) {
	core := sqldbtest.SQLite(b, sqldb.Core)
	s := subjectdb.New(core, vaulttest.SQLite(b), subjectdb.Config{})
	ids := make([]subject.Identifier, 5000)
	round := 0
	for b.Loop() {
		round++
		for i := range ids {
			ids[i] = mail("p" + strconv.Itoa(round) + "." + strconv.Itoa(i) + "@example.org")
		}
		if _, err := s.FindAll(ctx, ids); err != nil {
			b.Fatal(err)
		}
		if _, err := s.Suppressed(ctx, ids); err != nil {
			b.Fatal(err)
		}
		drafts, err := s.Draft(ctx, ids)
		if err == nil {
			err = core.Write(ctx, func(tx *sqldb.Tx) error {
				for _, d := range drafts {
					if err := s.Create(ctx, tx, d); err != nil {
						return err
					}
				}
				return nil
			})
		}
		if err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(5000*b.N)/b.Elapsed().Seconds(), "people/s")
}

func BenchmarkFindAll5000(b *testing.B) {
	s := subjectdb.New(sqldbtest.SQLite(b, sqldb.Core), vaulttest.SQLite(b), subjectdb.Config{})
	ids := make([]subject.Identifier, 5000)
	for i := range ids {
		ids[i] = mail("p" + strconv.Itoa(i) + "@example.org")
	}
	for b.Loop() {
		if _, err := s.FindAll(ctx, ids); err != nil {
			b.Fatal(err)
		}
	}
}
