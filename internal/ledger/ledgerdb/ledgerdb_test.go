package ledgerdb_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"thimble"
	"thimble/internal/ledger"
	"thimble/internal/ledger/ledgerdb"
	"thimble/internal/sqldb"
	"thimble/internal/sqldb/sqldbtest"
)

const origin = "shop.example/ledger"

var seed = bytes.Repeat([]byte{7}, 32)

func signer(tb testing.TB) *ledger.Signer {
	tb.Helper()
	s, err := ledger.NewSigner(origin, seed)
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

// clock is a clock that a test moves.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func newClock() *clock { return &clock{t: time.Date(2026, 11, 22, 9, 30, 0, 0, time.UTC)} }

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

func entry(i int) ledger.Entry {
	return ledger.Entry{
		Class: ledger.Class(1 + i%10), Model: [8]byte{byte(i)}, Policy: [8]byte{1, 2, 3},
		Record: fmt.Appendf(nil, `{"kind":"test","n":%d,"who":"sub_needle_%d"}`, i, i),
	}
}

// queue commits n entries in one transaction.
func queue(tb testing.TB, db *sqldb.DB, l *ledgerdb.Log, from, n int) (openings []ledger.Opening) {
	tb.Helper()
	entries := make([]ledger.Entry, n)
	for i := range entries {
		entries[i] = entry(from + i)
	}
	err := db.Write(context.Background(), func(tx *sqldb.Tx) (err error) {
		openings, err = l.QueueMany(context.Background(), tx, entries)
		return err
	})
	if err != nil {
		tb.Fatal(err)
	}
	return openings
}

// integrate empties the queue, and returns how many leaves each step moved.
func integrate(tb testing.TB, l *ledgerdb.Log) (moved []int) {
	tb.Helper()
	for {
		n, err := l.Integrate(context.Background())
		if err != nil {
			tb.Fatal(err)
		}
		if n == 0 {
			return moved
		}
		moved = append(moved, n)
	}
}

func verified(tb testing.TB, l *ledgerdb.Log, o ledger.Opening) ledger.Opened {
	tb.Helper()
	r, err := l.Receipt(context.Background(), o)
	if err != nil {
		tb.Fatal(err)
	}
	text, err := r.MarshalText()
	if err != nil {
		tb.Fatal(err)
	}
	got, err := ledger.Verify(text, l.VerifierKey())
	if err != nil {
		tb.Fatal(err)
	}
	if !bytes.Equal(got.Record, o.Record) {
		tb.Fatal("the receipt says something else")
	}
	return got
}

func TestCommittedLeafGetsAReceiptThatVerifiesOffline(t *testing.T) {
	sqldbtest.Each(t, sqldb.Core, func(t *testing.T, db *sqldb.DB) {
		l := ledgerdb.New(db, signer(t), ledgerdb.Config{Batch: 100})
		if _, err := l.Checkpoint(t.Context()); !errors.Is(err, thimble.ErrUnavailable) {
			t.Errorf("checkpoint of a log never signed: got %v, want kind unavailable", err)
		}
		var openings []ledger.Opening
		for i, n := range []int{1, 2, 255, 1, 64} {
			openings = append(openings, queue(t, db, l, i*1000, n)...)
		}
		if _, err := l.Receipt(t.Context(), openings[0]); !errors.Is(err, thimble.ErrUnavailable) {
			t.Errorf("receipt before integration: got %v, want kind unavailable", err)
		}

		integrate(t, l)

		if size, err := l.Size(t.Context()); err != nil || size != int64(len(openings)) {
			t.Fatalf("size = %d, %v, want %d", size, err, len(openings))
		}
		for i, o := range openings {
			if got := verified(t, l, o); got.Index != int64(i) || got.Origin != origin {
				t.Fatalf("leaf %d has index %d in %s", i, got.Index, got.Origin)
			}
		}
	})
}

func TestRolledBackLeafIsNotInTheLog(t *testing.T) {
	sqldbtest.Each(t, sqldb.Core, func(t *testing.T, db *sqldb.DB) {
		l := ledgerdb.New(db, signer(t), ledgerdb.Config{})
		var lost ledger.Opening
		stop := errors.New("stop")
		err := db.Write(t.Context(), func(tx *sqldb.Tx) (err error) {
			if lost, err = l.Queue(t.Context(), tx, entry(1)); err != nil {
				return err
			}
			return stop
		})
		if !errors.Is(err, stop) {
			t.Fatal(err)
		}
		kept := queue(t, db, l, 2, 1)[0]

		integrate(t, l)

		verified(t, l, kept)
		if _, err := l.Receipt(t.Context(), lost); !errors.Is(err, thimble.ErrUnavailable) {
			t.Errorf("receipt of a rolled back leaf: got %v, want kind unavailable", err)
		}
	})
}

func TestCheckpointsAreConsistent(t *testing.T) {
	sqldbtest.Each(t, sqldb.Core, func(t *testing.T, db *sqldb.DB) {
		l := ledgerdb.New(db, signer(t), ledgerdb.Config{})
		var heads []ledger.Checkpoint
		for i, n := range []int{1, 1, 5, 249, 1, 300} {
			queue(t, db, l, i*1000, n)
			integrate(t, l)
			head, err := l.Checkpoint(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			heads = append(heads, head)
		}
		for i, old := range heads {
			for _, head := range heads[i:] {
				p, err := l.Consistency(t.Context(), old.Size, head.Size)
				if err != nil {
					t.Fatal(err)
				}
				if err := tlog.CheckTree(p, head.Size, head.Root, old.Size, old.Root); err != nil {
					t.Errorf("%d to %d: %v", old.Size, head.Size, err)
				}
			}
		}
		for _, bad := range [][2]int64{{-1, 5}, {6, 5}, {1, 1 << 40}} {
			if _, err := l.Consistency(t.Context(), bad[0], bad[1]); !errors.Is(err, thimble.ErrInvalid) {
				t.Errorf("consistency %d to %d: got %v, want kind invalid", bad[0], bad[1], err)
			}
		}
	})
}
