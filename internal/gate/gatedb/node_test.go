package gatedb_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"thimble"
	"thimble/internal/gate"
	"thimble/internal/gate/gatedb"
	"thimble/internal/sqldb"
	"thimble/internal/sqldb/sqldbtest"
)

// A pair is two processes on one database, as a second handle is.
type pair struct {
	t    *testing.T
	a, b *station
	ada  thimble.SubjectID
}

func pairs(t *testing.T, cfg gatedb.NodeConfig, f func(*testing.T, *pair)) {
	t.Helper()
	sqldbtest.Installations(t, func(t *testing.T, open sqldbtest.Opener) {
		p := &pair{t: t}
		first := open(sqldb.Core)
		second, err := sqldb.Open(t.Context(), first.Config())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = second.Close() }) // a test may have closed it
		for db, s := range map[*sqldb.DB]**station{first: &p.a, second: &p.b} {
			if *s, err = join(t.Context(), db, cfg); err != nil {
				t.Fatal(err)
			}
			node := (*s).node
			t.Cleanup(func() { _ = node.Close(context.Background()) })
		}
		n := &network{station: p.a, t: t}
		p.ada = n.person()
		f(t, p)
	})
}

func (p *pair) grant(s *station) *gate.Grant {
	p.t.Helper()
	g, err := s.gate.Open(p.t.Context(), training(p.ada))
	if err != nil {
		p.t.Fatal(err)
	}
	return g
}

// withdraw is a person's withdrawal at the first process.
func (p *pair) withdraw() error {
	ctx := p.t.Context()
	return p.a.db.Write(ctx, func(tx *sqldb.Tx) error {
		p.a.node.Moving(tx, p.ada)
		if _, err := tx.Exec(ctx, `update subject_subjects set epoch = epoch + 1 where id = $1`, p.ada[:]); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `update consent_state set state = 'withdrawn' where subject_id = $1`, p.ada[:])
		return err
	})
}

func alive(g *gate.Grant) error {
	return g.Output(context.Background(), func(context.Context) error { return nil })
}

// within waits for a condition: on SQLite the other process hears by its heartbeat.
func within(t *testing.T, d time.Duration, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(d); !ok(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not within %s: %s", d, what)
		}
	}
}

func TestAMoveEndsGrantsAndStatesOfEveryProcess(t *testing.T) {
	pairs(t, gatedb.NodeConfig{}, func(t *testing.T, p *pair) {
		here, there := p.grant(p.a), p.grant(p.b)
		if alive(here) != nil || alive(there) != nil {
			t.Fatal("a fresh grant is dead")
		}
		if err := p.withdraw(); err != nil {
			t.Fatal(err)
		}
		if err := alive(here); !errors.Is(err, thimble.ErrDenied) {
			t.Errorf("where it was told: %v", err)
		}
		if p.b.db.Engine() == sqldb.SQLite {
			within(t, 10*time.Second, "a command's change is heard", func() bool { return alive(there) != nil })
		} else if err := alive(there); !errors.Is(err, thimble.ErrDenied) {
			t.Errorf("elsewhere, after the answer: %v", err)
		}
		for _, s := range []*station{p.a, p.b} {
			if v, err := s.gate.Decide(t.Context(), training(p.ada)); err != nil || v.Allowed {
				t.Errorf("the verdict after the withdrawal: %+v, %v", v, err)
			}
		}
	})
}

func TestAMoveCommitsWithItsChangeOrNotAtAll(t *testing.T) {
	pairs(t, gatedb.NodeConfig{}, func(t *testing.T, p *pair) {
		here := p.grant(p.a)
		err := p.a.db.Write(t.Context(), func(tx *sqldb.Tx) error {
			p.a.node.Moving(tx, p.ada)
			return thimble.ErrConflict
		})
		moves := (&network{station: p.a, t: t}).number(`select count(*) from gate_moves`)
		if !errors.Is(err, thimble.ErrConflict) || moves != 0 || alive(here) != nil {
			t.Errorf("a change that failed: %v, %d moves, grant: %v", err, moves, alive(here))
		}
		if err := p.withdraw(); err != nil {
			t.Fatal(err)
		}
		if moves := (&network{station: p.a, t: t}).number(`select count(*) from gate_moves where subject_id = $1`, p.ada[:]); moves != 1 {
			t.Errorf("%d moves were written with the change, want 1", moves)
		}
	})
}

func TestAChangeIsAnsweredWhenTheOutputThatIsUnderWayHasLeft(t *testing.T) {
	pairs(t, gatedb.NodeConfig{}, func(t *testing.T, p *pair) {
		there := p.a
		if p.a.db.Engine() == sqldb.PostgreSQL {
			there = p.b // on another process as well
		}
		g, entered, left := p.grant(there), make(chan struct{}), make(chan time.Time, 1)
		go func() {
			_ = g.Output(context.Background(), func(context.Context) error {
				close(entered)
				time.Sleep(100 * time.Millisecond)
				left <- time.Now()
				return nil
			})
		}()
		<-entered
		err := p.withdraw()
		answered := time.Now()
		if at := <-left; err != nil || answered.Before(at) {
			t.Errorf("answered %s before the output had left: %v", at.Sub(answered), err)
		}
	})
}

// An output that does not stop is the one thing that a change cannot end: then the
// person is not told that it is in force.
func TestAChangeThatCannotBeInForceIsNotAnsweredAsIfItWere(t *testing.T) {
	pairs(t, gatedb.NodeConfig{Settle: 2 * gate.Grace}, func(t *testing.T, p *pair) {
		g, entered, release, told := p.grant(p.a), make(chan struct{}), make(chan struct{}), make(chan struct{})
		done := make(chan error, 1)
		go func() {
			done <- g.Output(context.Background(), func(ctx context.Context) error {
				close(entered)
				<-ctx.Done()
				close(told)
				<-release
				return ctx.Err()
			})
		}()
		<-entered
		if err := p.withdraw(); !errors.Is(err, thimble.ErrUnavailable) {
			t.Errorf("answered with %v, want that it is not in force yet", err)
		}
		<-told
		close(release)
		if err := <-done; !errors.Is(err, thimble.ErrDenied) {
			t.Errorf("the output was ended with %v, want a denial", err)
		}
		if v, err := p.a.gate.Decide(t.Context(), training(p.ada)); err != nil || v.Allowed {
			t.Errorf("the change is not durable: %+v, %v", v, err)
		}
	})
}

func TestAProcessWithoutItsDatabaseDeniesAndTellsItsOutputsToStop(t *testing.T) {
	pairs(t, gatedb.NodeConfig{Every: 50 * time.Millisecond, Lease: 600 * time.Millisecond, Margin: 200 * time.Millisecond}, func(t *testing.T, p *pair) {
		g, entered, told := p.grant(p.b), make(chan struct{}), make(chan struct{})
		go func() {
			_ = g.Output(context.Background(), func(ctx context.Context) error {
				close(entered)
				<-ctx.Done()
				close(told)
				return ctx.Err()
			})
		}()
		<-entered
		_ = p.b.db.Close() // the network is gone
		select {
		case <-told:
		case <-time.After(20 * time.Second):
			t.Fatal("an output goes on without a lease")
		}
		if err := alive(g); !errors.Is(err, thimble.ErrDenied) {
			t.Errorf("a grant without a lease: %v", err)
		}
		v, err := p.b.gate.Decide(t.Context(), training(p.ada))
		if err != nil || v.Allowed || v.Why == "" {
			t.Errorf("a verdict without a lease: %+v, %v", v, err)
		}
		began := time.Now()
		if err := p.withdraw(); err != nil {
			t.Errorf("a process that is gone was not waited out: %v", err)
		}
		t.Logf("withdrawn in %s while the other process was gone", time.Since(began).Round(time.Millisecond))
	})
}

// The explorer found that a renewal on its way could bring a lease back to life
// after a change had been answered without it.
func TestALeaseThatRanOutIsTakenAfreshAndNotRenewed(t *testing.T) {
	pairs(t, gatedb.NodeConfig{Every: time.Hour}, func(t *testing.T, p *pair) {
		if p.a.db.Engine() == sqldb.SQLite {
			t.Skip("one process serves on SQLite: there is no lease to run out")
		}
		g, n := p.grant(p.a), &network{station: p.a, t: t}
		n.exec(`update gate_nodes set lease_until = 1 where node = $1`, p.a.node.ID())
		within(t, 10*time.Second, "the local lease ends", func() bool { return !p.a.node.Live(time.Now()) })
		if err := p.a.node.Renew(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := alive(g); !errors.Is(err, thimble.ErrDenied) {
			t.Errorf("a grant of the lost lease: %v", err)
		}
		if err := alive(p.grant(p.a)); err != nil {
			t.Errorf("a grant of the new lease: %v", err)
		}
	})
}

func TestEverybodyMovesAtOnceWhenAPackChanges(t *testing.T) {
	pairs(t, gatedb.NodeConfig{}, func(t *testing.T, p *pair) {
		here, there := p.grant(p.a), p.grant(p.b)
		err := p.a.db.Write(t.Context(), func(tx *sqldb.Tx) error { p.a.node.Moving(tx, thimble.SubjectID{}); return nil })
		if err != nil || alive(here) == nil {
			t.Errorf("where it was told: %v, %v", err, alive(here))
		}
		within(t, 10*time.Second, "the other process hears of the pack", func() bool { return alive(there) != nil })
	})
}

func TestAProcessThatLeavesIsNotWaitedFor(t *testing.T) {
	pairs(t, gatedb.NodeConfig{Lease: time.Minute, Margin: time.Second}, func(t *testing.T, p *pair) {
		if err := p.b.node.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		if err := p.withdraw(); err != nil || time.Since(began) > 30*time.Second {
			t.Errorf("withdrawn in %s, %v", time.Since(began), err)
		}
		if v, _ := p.b.gate.Decide(t.Context(), training(p.ada)); v.Allowed {
			t.Error("a process that has left judges")
		}
	})
}
