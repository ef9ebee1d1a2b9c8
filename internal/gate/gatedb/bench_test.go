package gatedb_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"thimble"
	"thimble/internal/api/apitest"
	"thimble/internal/consent"
	"thimble/internal/gate/gatedb"
	"thimble/internal/sqldb"
	"thimble/internal/sqldb/sqldbtest"
)

// percentiles reports how long calls took, in milliseconds.
func percentiles(b *testing.B, took []time.Duration, unit string) (median float64) {
	slices.Sort(took)
	at := func(p int) float64 { return float64(took[(len(took)-1)*p/100].Microseconds()) / 1000 }
	b.ReportMetric(at(50), "p50-ms-"+unit)
	b.ReportMetric(at(99), "p99-ms-"+unit)
	return at(50)
}

// BenchmarkWithdrawalInProcess is one choice of a person on SQLite, from the call to
// its answer: the event, its leaf and its move are durable, grants are dead, outputs
// have ended. Beside it the least a durable write can take: one row, one commit.
func BenchmarkWithdrawalInProcess(b *testing.B) {
	k := apitest.NewKernel(b)
	ada := k.Person("A-1")
	var bare, took []time.Duration
	for i := range 100 {
		began := time.Now()
		err := k.Core.Write(context.Background(), func(tx *sqldb.Tx) error {
			_, err := tx.Exec(context.Background(), `update gate_clock set tick = $1 where id = 1`, i)
			return err
		})
		if err != nil {
			b.Fatal(err)
		}
		bare = append(bare, time.Since(began))
	}
	states := []consent.State{consent.Given, consent.Withdrawn}
	for i := 0; b.Loop(); i++ {
		began := time.Now()
		k.Chooses(ada, thimble.TrainAISystem, states[i%2])
		took = append(took, time.Since(began))
	}
	naive := percentiles(b, bare, "bare-commit")
	b.ReportMetric(percentiles(b, took, "in-force")/naive, "x-bare-commit")
}

// BenchmarkWithdrawalAcrossProcesses is a withdrawal on PostgreSQL while two others
// hold leases, from the call to its answer. The naive way is to wait until every
// lease has run out: a second.
func BenchmarkWithdrawalAcrossProcesses(b *testing.B) {
	ctx, url := context.Background(), sqldbtest.Database(b)
	var all []*station
	for range 3 {
		db, err := sqldb.Open(ctx, sqldb.Config{Set: sqldb.Core, URL: url})
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { _ = db.Close() })
		s, err := join(ctx, db, gatedb.NodeConfig{})
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { _ = s.node.Close(ctx) })
		all = append(all, s)
	}
	var took []time.Duration
	for b.Loop() {
		began := time.Now()
		err := all[0].db.Write(ctx, func(tx *sqldb.Tx) error { all[0].node.Moving(tx, thimble.SubjectID{1}); return nil })
		if err != nil {
			b.Fatal(err)
		}
		took = append(took, time.Since(began))
	}
	b.ReportMetric(1000/percentiles(b, took, "in-force"), "x-waiting-out")
}
