package ledgerdb_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"thimble"
	"thimble/internal/ledger"
	"thimble/internal/ledger/ledgerdb"
	"thimble/internal/sqldb"
	"thimble/internal/sqldb/sqldbtest"
)

func TestStaleHolderCannotIntegrate(t *testing.T) {
	sqldbtest.Installations(t, func(t *testing.T, open sqldbtest.Opener) {
		clock := newClock()
		dbA, dbB := open(sqldb.Core), open(sqldb.Core)
		a := ledgerdb.New(dbA, signer(t), ledgerdb.Config{Now: clock.now})
		b := ledgerdb.New(dbB, signer(t), ledgerdb.Config{Now: clock.now})
		queue(t, dbA, a, 0, 3)
		integrate(t, a)
		if _, err := b.Integrate(t.Context()); !errors.Is(err, ledgerdb.ErrNotHolder) {
			t.Fatalf("second process: got %v, want ErrNotHolder", err)
		}

		clock.pass(4 * time.Second) // a stood still
		queue(t, dbA, a, 3, 3)
		if n, err := b.Integrate(t.Context()); err != nil || n != 3 {
			t.Fatalf("successor moved %d leaves, %v; want 3", n, err)
		}
		queue(t, dbA, a, 6, 1)

		if n, err := a.Integrate(t.Context()); n != 0 || !errors.Is(err, ledgerdb.ErrNotHolder) {
			t.Errorf("stale holder moved %d leaves, %v; want ErrNotHolder", n, err)
		}
		integrate(t, b)
		if err := b.Check(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// TestAStepIsShortUnlessTheQueueIsLong: who queues a leaf waits for a step that is under way.
func TestAStepIsShortUnlessTheQueueIsLong(t *testing.T) {
	sqldbtest.Each(t, sqldb.Core, func(t *testing.T, db *sqldb.DB) {
		l := ledgerdb.New(db, signer(t), ledgerdb.Config{})
		var moved []int
		for _, n := range []int{150, 4096} {
			queue(t, db, l, 0, n)
			moved = append(moved, integrate(t, l)...)
		}
		want := []int{64, 64, 22, 1024, 64}
		if len(moved) < len(want) || !slices.Equal(moved[:len(want)], want) {
			t.Errorf("moved %v leaves, want %v and short steps after it", moved, want)
		}
		if err := l.Check(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestTwoSequencersAndManyWritersMakeOneLog(t *testing.T) {
	sqldbtest.Installations(t, func(t *testing.T, open sqldbtest.Opener) {
		ctx, stop := context.WithCancel(t.Context())
		cfg := ledgerdb.Config{Every: 5 * time.Millisecond, Lease: 20 * time.Millisecond, Batch: 16}
		var logs []*ledgerdb.Log
		var running, writing sync.WaitGroup
		var mu sync.Mutex
		var kept []ledger.Opening
		for p := range 2 {
			db := open(sqldb.Core)
			l := ledgerdb.New(db, signer(t), cfg)
			logs = append(logs, l)
			running.Go(func() {
				if err := l.Run(ctx); err != nil {
					t.Error(err)
				}
			})
			for w := range 3 {
				writing.Go(func() {
					for i := range 40 {
						var o ledger.Opening
						err := db.Write(t.Context(), func(tx *sqldb.Tx) (err error) {
							o, err = l.Queue(t.Context(), tx, entry(p*1000+w*100+i))
							return err
						})
						if errors.Is(err, thimble.ErrConflict) {
							continue
						}
						if err != nil {
							t.Error(err)
							return
						}
						mu.Lock()
						kept = append(kept, o)
						mu.Unlock()
					}
				})
			}
		}
		writing.Wait()
		for _, o := range kept {
			if err := logs[0].Wait(t.Context(), o); err != nil {
				t.Fatal(err)
			}
		}
		stop()
		running.Wait()
		if size, err := logs[1].Size(t.Context()); err != nil || size != int64(len(kept)) {
			t.Errorf("the log has %d leaves, %v; want %d", size, err, len(kept))
		}
		if len(kept) < 230 {
			t.Errorf("only %d of 240 writes got through", len(kept))
		}
		if err := logs[0].Check(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// On PostgreSQL a lower id may commit after a higher one was integrated.
func TestLeafThatCommitsLateIsNotLost(t *testing.T) {
	db, err := sqldb.Open(t.Context(), sqldb.Config{Set: sqldb.Core, URL: sqldbtest.Database(t)})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	l := ledgerdb.New(db, signer(t), ledgerdb.Config{})
	queued, commit := make(chan struct{}), make(chan struct{})
	var late ledger.Opening
	var wg sync.WaitGroup
	wg.Go(func() {
		err := db.Write(t.Context(), func(tx *sqldb.Tx) (err error) {
			late, err = l.Queue(t.Context(), tx, entry(1))
			close(queued)
			<-commit
			return err
		})
		if err != nil {
			t.Error(err)
		}
	})
	<-queued
	early := queue(t, db, l, 2, 1)[0]
	integrate(t, l)
	close(commit)
	wg.Wait()
	integrate(t, l)
	if got := verified(t, l, early); got.Index != 0 {
		t.Errorf("early leaf has index %d, want 0", got.Index)
	}
	if got := verified(t, l, late); got.Index != 1 {
		t.Errorf("late leaf has index %d, want 1", got.Index)
	}
}

func TestWaiterDoesNotWaitForTheTick(t *testing.T) {
	sqldbtest.Each(t, sqldb.Core, func(t *testing.T, db *sqldb.DB) {
		ctx, stop := context.WithCancel(t.Context())
		l := ledgerdb.New(db, signer(t), ledgerdb.Config{Every: time.Hour})
		var running sync.WaitGroup
		running.Go(func() { _ = l.Run(ctx) })
		o := queue(t, db, l, 0, 1)[0]
		limit, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		if err := l.Wait(limit, o); err != nil {
			t.Error(err)
		}
		verified(t, l, o)
		stop()
		running.Wait()

		gone := queue(t, db, l, 1, 1)[0]
		short, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
		defer cancel()
		if err := l.Wait(short, gone); !errors.Is(err, thimble.ErrUnavailable) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("without a sequencer: got %v, want the deadline of kind unavailable", err)
		}
		successor := ledgerdb.New(db, signer(t), ledgerdb.Config{})
		integrate(t, successor) // at once: the lease was given back
		verified(t, successor, gone)
	})
}

func TestLaggingLogIsSilent(t *testing.T) {
	sqldbtest.Each(t, sqldb.Core, func(t *testing.T, db *sqldb.DB) {
		clock := newClock()
		l := ledgerdb.New(db, signer(t), ledgerdb.Config{Now: clock.now})
		queue(t, db, l, 0, 1)
		clock.pass(59 * time.Second)
		if lag, err := l.Lag(t.Context()); err != nil || lag != 59*time.Second || l.Silent(t.Context()) {
			t.Errorf("after 59 s: lag %v, %v, silent %t", lag, err, l.Silent(t.Context()))
		}
		clock.pass(2 * time.Second)
		if !l.Silent(t.Context()) {
			t.Error("after 61 s the log is not silent")
		}
		integrate(t, l)
		clock.pass(time.Second)
		if lag, err := l.Lag(t.Context()); err != nil || lag != 0 || l.Silent(t.Context()) {
			t.Errorf("after integration: lag %v, %v, silent %t", lag, err, l.Silent(t.Context()))
		}
	})
}

func TestLogThatCannotBeReadIsSilent(t *testing.T) {
	db, err := sqldb.Open(t.Context(), sqldb.Config{Set: sqldb.Core, Path: filepath.Join(t.TempDir(), "core.db")})
	if err != nil {
		t.Fatal(err)
	}
	l := ledgerdb.New(db, signer(t), ledgerdb.Config{})
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if !l.Silent(t.Context()) {
		t.Error("a log without its database is not silent")
	}
}

type brokenRand struct{}

func (brokenRand) Read([]byte) (int, error) { return 0, errors.New("no entropy") }

func TestLogThatCannotQueueIsSilentForAWhile(t *testing.T) {
	db, clock := sqldbtest.SQLite(t, sqldb.Core), newClock()
	l := ledgerdb.New(db, signer(t), ledgerdb.Config{Now: clock.now, Rand: brokenRand{}})
	err := db.Write(t.Context(), func(tx *sqldb.Tx) error { _, err := l.Queue(t.Context(), tx, entry(1)); return err })
	if !errors.Is(err, thimble.ErrUnavailable) || !l.Silent(t.Context()) {
		t.Errorf("got %v, silent %t", err, l.Silent(t.Context()))
	}
	clock.pass(6 * time.Second)
	if l.Silent(t.Context()) {
		t.Error("nobody may try again")
	}
}

func TestInvalidEntryDoesNotSilenceTheLog(t *testing.T) {
	db := sqldbtest.SQLite(t, sqldb.Core)
	l := ledgerdb.New(db, signer(t), ledgerdb.Config{})
	err := db.Write(t.Context(), func(tx *sqldb.Tx) error {
		_, err := l.Queue(t.Context(), tx, ledger.Entry{Class: ledger.Consent, Record: []byte("{")})
		return err
	})
	if !errors.Is(err, thimble.ErrInvalid) || l.Silent(t.Context()) {
		t.Errorf("got %v, silent %t; want kind invalid, not silent", err, l.Silent(t.Context()))
	}
}

func TestRecordsAreNowhereInTheFiles(t *testing.T) {
	dir := t.TempDir()
	db, err := sqldb.Open(t.Context(), sqldb.Config{Set: sqldb.Core, Path: filepath.Join(dir, "core.db")})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	l := ledgerdb.New(db, signer(t), ledgerdb.Config{})
	openings := queue(t, db, l, 0, 50)
	integrate(t, l)
	queue(t, db, l, 50, 50)
	found := false
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		found = found || bytes.Contains(b, openings[0].Leaf)
		if bytes.Contains(b, []byte("sub_needle")) {
			t.Errorf("%s contains a record", filepath.Base(file))
		}
		for _, o := range openings {
			if bytes.Contains(b, o.Salt) {
				t.Fatalf("%s contains a salt", filepath.Base(file))
			}
		}
	}
	if !found {
		t.Error("the scan cannot see what is there")
	}
}

func TestGuardsStopMistakes(t *testing.T) {
	sqldbtest.Each(t, sqldb.Core, func(t *testing.T, db *sqldb.DB) {
		l := ledgerdb.New(db, signer(t), ledgerdb.Config{})
		queue(t, db, l, 0, 3)
		integrate(t, l)
		for _, s := range []string{`update ledger_leaves set idx = idx + 10`, `delete from ledger_leaves`, `update ledger_hashes set idx = idx + 10`, `delete from ledger_hashes`} {
			err := db.Write(t.Context(), func(tx *sqldb.Tx) error { _, err := tx.Exec(t.Context(), s); return err })
			if err == nil {
				t.Errorf("%s: went through", s)
			}
		}
	})
}

func TestPageListsTheNewestFirst(t *testing.T) {
	db := sqldbtest.SQLite(t, sqldb.Core)
	l := ledgerdb.New(db, signer(t), ledgerdb.Config{})
	openings := queue(t, db, l, 0, 25)
	integrate(t, l)
	var seen []string
	for before := int64(-1); before != 0; {
		page, err := l.Page(t.Context(), before, 10)
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range page {
			if row.Hash != openings[row.Index].Hash() || row.Class != entry(int(row.Index)).Class {
				t.Fatalf("row %d is another leaf", row.Index)
			}
			seen = append(seen, fmt.Sprint(row.Index))
		}
		before = page[len(page)-1].Index
	}
	if len(seen) != 25 || seen[0] != "24" || seen[24] != "0" {
		t.Errorf("pages list %v", seen)
	}
}
