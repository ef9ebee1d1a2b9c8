package gatedb_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"thimble"
	"thimble/internal/consent/consentdb"
	"thimble/internal/gate"
	"thimble/internal/gate/gatedb"
	"thimble/internal/policy"
	"thimble/internal/sqldb"
	"thimble/internal/sqldb/sqldbtest"
	"thimble/internal/subject/subjectdb"
)

// The test binary runs itself again as a process that reads as fast as it can.
const (
	nodeEnv   = "THIMBLE_TEST_GATE_NODE" // its number
	nodeURL   = "THIMBLE_TEST_GATE_URL"
	nodeReads = "THIMBLE_TEST_GATE_READS" // whom it reads
)

func TestMain(m *testing.M) {
	if n := os.Getenv(nodeEnv); n != "" {
		if err := reader(n, os.Getenv(nodeURL), strings.Fields(os.Getenv(nodeReads))); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// quiet is a use log that keeps nothing.
type quiet struct{}

func (quiet) Record(context.Context, gate.Request, gate.Verdict) (thimble.ID, error) {
	return thimble.NewID(nil)
}
func (quiet) Count(gate.Request)          {}
func (quiet) Silent(context.Context) bool { return false }

// A station is one process that judges, over stores that need no keys.
type station struct {
	db    *sqldb.DB
	moves *gate.Moves
	node  *gatedb.Node
	gate  *gate.Gate
}

func join(ctx context.Context, db *sqldb.DB, cfg gatedb.NodeConfig) (*station, error) {
	pack, err := policy.Baseline()
	if err != nil {
		return nil, err
	}
	s := &station{db: db, moves: gate.NewMoves()}
	if s.node, err = gatedb.Join(ctx, db, s.moves, cfg); err != nil {
		return nil, err
	}
	people := subjectdb.New(db, nil, subjectdb.Config{})
	s.gate = gate.New(people, consentdb.New(db, nil, nil, nil, pack, nil), nil, quiet{}, pack, s.moves, nil)
	return s, nil
}

func training(who thimble.SubjectID) gate.Request {
	return gate.Request{Actor: gate.Actor{Kind: gate.Machine, Name: "node"}, Subject: who, Purpose: thimble.TrainAISystem, Categories: []thimble.Category{thimble.PurchaseHistory}}
}

// reader is the other process: it has output about each person, over and over, and
// each output is a row with the database's time. The row is fenced by the lease, as
// output to a database can be: a process that was stopped between its last look and
// the statement must not deceive the test.
func reader(number, url string, tokens []string) error {
	ctx := context.Background()
	db, err := sqldb.Open(ctx, sqldb.Config{Set: sqldb.Core, URL: url})
	if err != nil {
		return err
	}
	s, err := join(ctx, db, gatedb.NodeConfig{})
	if err != nil {
		return err
	}
	go func() { // the parent's end of the pipe closes when it is done, however it ends
		_, _ = bufio.NewReader(os.Stdin).ReadString('\n')
		os.Exit(0)
	}()
	for {
		for _, token := range tokens {
			who, err := thimble.ParseSubjectID(token)
			if err != nil {
				return err
			}
			g, err := s.gate.Open(ctx, training(who))
			if err != nil {
				time.Sleep(time.Millisecond)
				continue
			}
			_ = g.Output(ctx, func(ctx context.Context) error { return s.output(ctx, number, who) })
		}
	}
}

func (s *station) output(ctx context.Context, number string, who thimble.SubjectID) error {
	return s.db.Write(ctx, func(tx *sqldb.Tx) error {
		_, err := tx.Exec(ctx, `insert into test_outputs (node, subject_id, at)
			select $1, $2, t from (select (extract(epoch from clock_timestamp()) * 1000000)::bigint as t) now
			where exists (select 1 from gate_nodes where node = $3 and lease_until > t)`, number, who[:], s.node.ID())
		return err
	})
}

// A network is three processes over one PostgreSQL: this one, where people choose,
// and two that read.
type network struct {
	*station
	t       *testing.T
	people  []thimble.SubjectID
	readers []*exec.Cmd
}

func newNetwork(t *testing.T) *network {
	ctx, url := t.Context(), sqldbtest.Database(t)
	db, err := sqldb.Open(ctx, sqldb.Config{Set: sqldb.Core, URL: url})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	s, err := join(ctx, db, gatedb.NodeConfig{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.node.Close(context.Background()) })
	n := &network{station: s, t: t}
	n.exec(`create table test_outputs (node text not null, subject_id bytea not null, at bigint not null)`)
	tokens := []string{}
	for range 3 {
		who := n.person()
		n.people, tokens = append(n.people, who), append(tokens, who.String())
	}
	for i := range 2 {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%d", nodeEnv, i+1), nodeURL+"="+url, nodeReads+"="+strings.Join(tokens, " "))
		cmd.Stderr = os.Stderr
		in, err := cmd.StdinPipe()
		if err == nil {
			err = cmd.Start()
		}
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = cmd.Process.Signal(syscall.SIGCONT); _ = in.Close(); _ = cmd.Wait() })
		n.readers = append(n.readers, cmd)
	}
	return n
}

func (n *network) exec(query string, args ...any) {
	n.t.Helper()
	if err := n.db.Write(n.t.Context(), func(tx *sqldb.Tx) error { _, err := tx.Exec(n.t.Context(), query, args...); return err }); err != nil {
		n.t.Fatal(err)
	}
}

func (n *network) person() thimble.SubjectID {
	who, err := thimble.NewSubjectID(nil)
	if err != nil {
		n.t.Fatal(err)
	}
	n.exec(`insert into subject_subjects (id, state, epoch, created_at) values ($1, 'active', 1, 0)`, who[:])
	n.exec(`insert into consent_state (subject_id, purpose, scope, state, seq, at, expires_at) values ($1, $2, '', 'given', 1, 0, 0)`, who[:], string(thimble.TrainAISystem))
	return who
}

// choose changes what a person says, with its move, and returns when the answer was
// given, by the database's clock, and how long it took.
func (n *network) choose(who thimble.SubjectID, state string) (at int64, took time.Duration) {
	n.t.Helper()
	ctx, began := n.t.Context(), time.Now()
	err := n.db.Write(ctx, func(tx *sqldb.Tx) error {
		if _, err := tx.Exec(ctx, `update consent_state set state = $1 where subject_id = $2`, state, who[:]); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `update subject_subjects set epoch = epoch + 1 where id = $1`, who[:])
		n.node.Moving(tx, who)
		return err
	})
	took = time.Since(began)
	if err != nil {
		n.t.Fatal(err)
	}
	return n.number(`select (extract(epoch from clock_timestamp()) * 1000000)::bigint`), took
}

func (n *network) number(query string, args ...any) (v int64) {
	n.t.Helper()
	err := n.db.Read(n.t.Context(), func(tx *sqldb.Tx) error { return tx.QueryRow(n.t.Context(), query, args...).Scan(&v) })
	if err != nil {
		n.t.Fatal(err)
	}
	return v
}

// outputs counts what a reader had about somebody since a moment.
func (n *network) outputs(reader int, who thimble.SubjectID, since int64) int64 {
	n.t.Helper()
	return n.number(`select count(*) from test_outputs where node = $1 and subject_id = $2 and at > $3`, fmt.Sprint(reader+1), who[:], since)
}

// reads waits until a reader has output about somebody again.
func (n *network) reads(reader int, who thimble.SubjectID, since int64) {
	n.t.Helper()
	for deadline := time.Now().Add(30 * time.Second); n.outputs(reader, who, since) == 0; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			n.t.Fatalf("reader %d has no output although the person permits it", reader+1)
		}
	}
}

// silent waits a while and fails when anybody had output since a withdrawal was
// answered.
func (n *network) silent(who thimble.SubjectID, answered int64, what string) {
	n.t.Helper()
	time.Sleep(20 * time.Millisecond)
	for i := range n.readers {
		if late := n.outputs(i, who, answered); late > 0 {
			n.t.Errorf("%s: reader %d had %d outputs after the withdrawal was answered", what, i+1, late)
		}
	}
}

// TestNoUseAfterAnAnsweredWithdrawalOnThreeProcesses withdraws while two other
// processes read as fast as they can; one of them is stopped and resumed, and in the
// end killed, in the middle of it.
func TestNoUseAfterAnAnsweredWithdrawalOnThreeProcesses(t *testing.T) {
	n := newNetwork(t)
	withdrawals := 12
	if os.Getenv("THIMBLE_SOAK") != "" {
		withdrawals = 500
	}
	for i := range n.readers {
		n.reads(i, n.people[0], 0)
	}
	var slowest time.Duration
	for i := range withdrawals {
		who := n.people[i%len(n.people)]
		answered, took := n.choose(who, "withdrawn")
		slowest = max(slowest, took)
		n.silent(who, answered, "both at work")
		since, _ := n.choose(who, "given")
		n.reads(i%len(n.readers), who, since)
	}
	t.Logf("%d withdrawals on three processes, the slowest in force after %s", withdrawals, slowest.Round(time.Millisecond))

	stopped, who := n.readers[1].Process, n.people[0]
	signal := func(s syscall.Signal) {
		if err := stopped.Signal(s); err != nil {
			t.Fatal(err)
		}
	}
	for range 3 {
		signal(syscall.SIGSTOP)
		answered, took := n.choose(who, "withdrawn")
		t.Logf("a stopped process was waited out in %s", took.Round(time.Millisecond))
		signal(syscall.SIGCONT)
		n.silent(who, answered, "one resumed")
		since, _ := n.choose(who, "given")
		n.reads(1, who, since) // it gets its lease back, and may read again
	}
	signal(syscall.SIGKILL)
	answered, took := n.choose(who, "withdrawn")
	t.Logf("a killed process was waited out in %s", took.Round(time.Millisecond))
	n.silent(who, answered, "one killed")
}
