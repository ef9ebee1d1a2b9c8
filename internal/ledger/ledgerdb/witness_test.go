package ledgerdb_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"thimble"
	"thimble/internal/ledger"
	"thimble/internal/ledger/ledgerdb"
	"thimble/internal/ledger/witness"
	"thimble/internal/sqldb"
	"thimble/internal/sqldb/sqldbtest"
)

// ring is a set of real witnesses behind HTTP, and the policy k of n.
type ring struct {
	t       *testing.T
	all     []*witness.Witness
	servers []*httptest.Server
	policy  *ledger.Policy
	clients []ledgerdb.Witness
}

func newRing(t *testing.T, quorum, n int, logs ...*ledger.Signer) *ring {
	t.Helper()
	r := &ring{t: t}
	var watched []ledger.PolicyLog
	for _, l := range logs {
		watched = append(watched, ledger.PolicyLog{Origin: l.Name(), VerifierKey: l.VerifierKey()})
	}
	var text, names strings.Builder
	for i := range n {
		w, err := witness.Open(t.TempDir(), fmt.Sprintf("witness.example/w%d", i), watched, witness.Config{})
		if err != nil {
			t.Fatal(err)
		}
		server := httptest.NewServer(w.Handler())
		t.Cleanup(func() { server.Close(); _ = w.Close() })
		r.all, r.servers = append(r.all, w), append(r.servers, server)
		fmt.Fprintf(&text, "witness w%d %s %s\n", i, w.Key(), server.URL)
		fmt.Fprintf(&names, " w%d", i)
	}
	fmt.Fprintf(&text, "group all %d%s\nquorum all\n", quorum, names.String())
	var err error
	if r.policy, err = ledger.ParsePolicy([]byte(text.String())); err != nil {
		t.Fatal(err)
	}
	clients, err := witness.Clients(r.policy)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range clients {
		r.clients = append(r.clients, c)
	}
	return r
}

func (r *ring) log(db *sqldb.DB, s *ledger.Signer, c *clock, journal *slog.Logger) *ledgerdb.Log {
	return ledgerdb.New(db, s, ledgerdb.Config{Now: c.now, Witnesses: r.clients, Policy: r.policy, Log: journal, Lease: time.Hour})
}

// cosigned says how many witnesses the text of a receipt or checkpoint has.
func (r *ring) cosigned(l *ledgerdb.Log, o ledger.Opening) (ledger.Opened, []ledger.Cosignature) {
	r.t.Helper()
	receipt, err := l.Receipt(r.t.Context(), o)
	if err != nil {
		r.t.Fatal(err)
	}
	text, err := receipt.MarshalText()
	if err != nil {
		r.t.Fatal(err)
	}
	keys := []string{l.VerifierKey()}
	for _, k := range r.policy.Keys() {
		keys = append(keys, k.String())
	}
	opened, err := ledger.Verify(text, keys...)
	if err != nil {
		r.t.Fatal(err)
	}
	return opened, opened.Cosigned
}

func publish(t *testing.T, l *ledgerdb.Log) {
	t.Helper()
	if _, err := l.Publish(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func states(t *testing.T, l *ledgerdb.Log) (all []ledgerdb.WitnessState) {
	t.Helper()
	status, err := l.Witnesses(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range status {
		all = append(all, s.State)
	}
	return all
}

func TestCheckpointAndReceiptsCarryTheQuorum(t *testing.T) {
	sqldbtest.Each(t, sqldb.Core, func(t *testing.T, db *sqldb.DB) {
		r, c := newRing(t, 2, 3, signer(t)), newClock()
		l := r.log(db, signer(t), c, nil)
		first := queue(t, db, l, 0, 20)[7]
		integrate(t, l)
		if head, err := l.Published(t.Context()); err != nil || bytes.Count(head.Note, []byte("— ")) != 1 {
			t.Errorf("before the first quorum: %s, %v", head.Note, err)
		}

		publish(t, l)

		head, err := l.Published(t.Context())
		if err != nil || head.Size != 20 || bytes.Count(head.Note, []byte("— ")) != 4 {
			t.Errorf("published: %s, %v", head.Note, err)
		}
		if opened, by := r.cosigned(l, first); opened.Size != 20 || len(by) != 3 {
			t.Errorf("receipt: %d cosignatures of %d leaves", len(by), opened.Size)
		}
		// A leaf that the witnesses have not seen is proven by the log alone.
		later := queue(t, db, l, 20, 1)[0]
		integrate(t, l)
		if opened, by := r.cosigned(l, later); opened.Size != 21 || len(by) != 0 {
			t.Errorf("new leaf: %d cosignatures of %d leaves", len(by), opened.Size)
		}
		if opened, by := r.cosigned(l, first); opened.Size != 20 || len(by) != 3 {
			t.Errorf("old leaf: %d cosignatures of %d leaves", len(by), opened.Size)
		}
		// One witness is gone: two of three are enough. Two are gone: the published
		// checkpoint stays, and nothing waits for them.
		r.servers[0].Close()
		publish(t, l)
		if _, by := r.cosigned(l, later); len(by) != 2 {
			t.Errorf("two of three: %d cosignatures", len(by))
		}
		r.servers[1].Close()
		c.pass(2 * time.Minute)
		queue(t, db, l, 21, 1)
		integrate(t, l)
		publish(t, l)
		if head, err := l.Published(t.Context()); err != nil || head.Size != 21 {
			t.Errorf("one of three: %d leaves are published (%v), want 21", head.Size, err)
		}
		if got := fmt.Sprint(states(t, l)); got != "[absent absent cosigned]" {
			t.Errorf("states = %s", got)
		}
		if l.Silent(t.Context()) {
			t.Error("the log is silent because witnesses are away")
		}
	})
}

// journal collects what is logged at error.
func journal(w *bytes.Buffer) *slog.Logger {
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: slog.LevelError}))
}

// A database put back from a backup and continued signs a second history. The witnesses
// notice at once, before a leaf is added and after; a new epoch is the way out.
func TestContinuingAfterARollbackIsRefusedAndANewEpochIsNot(t *testing.T) {
	sqldbtest.Each(t, sqldb.Core, func(t *testing.T, db *sqldb.DB) {
		next, err := ledger.NewSigner(origin+"/2", bytes.Repeat([]byte{9}, 32))
		if err != nil {
			t.Fatal(err)
		}
		r, c := newRing(t, 2, 2, signer(t), next), newClock()
		l := r.log(db, signer(t), c, nil)
		kept := queue(t, db, l, 0, 10)[3]
		integrate(t, l)
		publish(t, l)
		backup, err := l.Checkpoint(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		lost := queue(t, db, l, 10, 5)[0]
		integrate(t, l)
		publish(t, l)
		oldReceipt, err := l.Receipt(t.Context(), lost)
		if err != nil {
			t.Fatal(err)
		}
		oldText, err := oldReceipt.MarshalText()
		if err != nil {
			t.Fatal(err)
		}
		witnessed, err := r.all[0].Head(origin)
		if err != nil || witnessed.Size != 15 {
			t.Fatal(witnessed, err)
		}

		restore(t, db, backup)
		var alarm bytes.Buffer
		again := r.log(db, signer(t), c, journal(&alarm))
		integrate(t, again)
		publish(t, again)
		if got := fmt.Sprint(states(t, again)); got != "[refused refused]" || strings.Count(alarm.String(), "level=ERROR") != 2 {
			t.Fatalf("after the restore: %s, %s", got, alarm.String())
		}
		queue(t, db, again, 100, 30) // it overtakes the tree that was witnessed
		integrate(t, again)
		c.pass(2 * time.Minute)
		publish(t, again)
		if got := fmt.Sprint(states(t, again)); got != "[refused refused]" {
			t.Errorf("after it has overtaken: %s", got)
		}

		restore(t, db, backup)
		queued := queue(t, db, again, 200, 1)[0] // it waits when the epoch begins
		first, err := ledgerdb.OpenEpoch(t.Context(), db, signer(t), next, witnessed.Note, ledgerdb.Config{Now: c.now})
		if err != nil {
			t.Fatal(err)
		}
		new := r.log(db, next, c, nil)
		integrate(t, new)
		publish(t, new)
		if got := fmt.Sprint(states(t, new)); got != "[cosigned cosigned]" {
			t.Errorf("in the new epoch: %s", got)
		}
		opened, by := r.cosigned(new, first)
		if opened.Index != 0 || opened.Class != ledger.System || len(by) != 2 || !bytes.Contains(opened.Record, []byte(`"size":15`)) || opened.Origin != origin+"/2" {
			t.Errorf("first leaf: %d of %s, %d cosignatures, %s", opened.Index, opened.Origin, len(by), opened.Record)
		}
		if opened, _ := r.cosigned(new, queued); opened.Index != 1 {
			t.Errorf("what was queued has index %d, want 1", opened.Index)
		}
		epochHolds(t, db, new, kept, oldText)
		// The old log's process goes on no more.
		if _, err := r.log(db, signer(t), c, nil).Checkpoint(t.Context()); !errors.Is(err, ledgerdb.ErrAltered) {
			t.Errorf("the old log under its old key: got %v, want ErrAltered", err)
		}
	})
}

// epochHolds checks what must be true of old leaves after an epoch began.
func epochHolds(t *testing.T, db *sqldb.DB, l *ledgerdb.Log, kept ledger.Opening, oldText []byte) {
	t.Helper()
	old := signer(t).VerifierKey()
	if _, err := ledger.Verify(oldText, old); err != nil {
		t.Errorf("a receipt from before: %v", err)
	}
	receipt, err := l.Receipt(t.Context(), kept)
	if err != nil {
		t.Fatal(err)
	}
	text, err := receipt.MarshalText()
	if err != nil {
		t.Fatal(err)
	}
	if got, err := ledger.Verify(text, old); err != nil || got.Origin != origin || got.Index != 3 {
		t.Errorf("a new receipt of an old leaf: %v, %v", got, err)
	}
	if _, err := ledger.Verify(text, l.VerifierKey()); !errors.Is(err, ledger.ErrSignature) {
		t.Errorf("the new key on an old receipt: got %v, want ErrSignature", err)
	}
	if err := l.Check(t.Context()); err != nil {
		t.Error(err)
	}
	a, err := ledger.NewAuditor(nil, l.VerifierKey())
	if err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		queue(t, db, l, 300+i*300, 300)
		integrate(t, l)
		if err := a.Audit(t.Context(), fetch(l)); err != nil {
			t.Fatal(err)
		}
	}
	if page, err := l.Page(t.Context(), -1, 5); err != nil || len(page) != 5 || page[0].Index != a.Seen().Size-1 {
		t.Errorf("page: %v, %v", page, err)
	}
	if page, err := l.Page(t.Context(), 3, 5); err != nil || len(page) != 3 {
		t.Errorf("the last page has leaves of the epoch before: %v, %v", page, err)
	}
	ended, err := l.EndedEpochs(t.Context())
	if err != nil || len(ended) != 1 || ended[0].Size != 10 || ended[0].VerifierKey != old || ended[0].Next.Check() != nil {
		t.Errorf("ended epochs: %v, %v", ended, err)
	}
	if n, err := ledgerdb.Epoch(t.Context(), db); err != nil || n != 2 {
		t.Errorf("epoch = %d, %v", n, err)
	}
	if err := l.Check(t.Context()); err != nil {
		t.Error(err)
	}
}

// restore makes the database what it was at a checkpoint.
func restore(t *testing.T, db *sqldb.DB, head ledger.Checkpoint) {
	t.Helper()
	drops := []string{`drop trigger if exists ledger_leaves_delete`, `drop trigger if exists ledger_hashes_delete`}
	if db.Engine() == sqldb.PostgreSQL {
		drops = []string{`drop trigger if exists ledger_leaves_keep on ledger_leaves`, `drop trigger if exists ledger_hashes_keep on ledger_hashes`}
	}
	alter(t, db, drops...)
	alter(t, db, `delete from ledger_queue`, fmt.Sprintf(`delete from ledger_leaves where idx >= %d`, head.Size),
		fmt.Sprintf(`delete from ledger_hashes where idx >= %d`, 18), // StoredHashCount(10)
		fmt.Sprintf(`update ledger_state set size = %d, note = '%s'`, head.Size, head.Note),
		`update ledger_cosigned set size = 0, note = ''`, `delete from ledger_witnesses`, `update ledger_lease set lease_until = 0`)
}

func TestEpochIsNotOpenedInDoubt(t *testing.T) {
	sqldbtest.Each(t, sqldb.Core, func(t *testing.T, db *sqldb.DB) {
		l := ledgerdb.New(db, signer(t), ledgerdb.Config{})
		queue(t, db, l, 0, 3)
		integrate(t, l)
		named := func(name string) *ledger.Signer {
			s, err := ledger.NewSigner(name, seed)
			if err != nil {
				t.Fatal(err)
			}
			return s
		}
		open := func(old ledgerdb.VerifierKeyed, next ledgerdb.Signer, witnessed []byte) error {
			_, err := ledgerdb.OpenEpoch(t.Context(), db, old, next, witnessed, ledgerdb.Config{})
			return err
		}
		if err := open(signer(t), named(origin+"/2"), nil); !errors.Is(err, ledgerdb.ErrNotHolder) {
			t.Errorf("while another process sequences: got %v, want ErrNotHolder", err)
		}
		alter(t, db, `update ledger_lease set lease_until = 0`)
		if err := open(signer(t), named(origin), nil); !errors.Is(err, thimble.ErrInvalid) {
			t.Errorf("the same name: got %v, want kind invalid", err)
		}
		if err := open(signer(t), named(origin+"/3"), nil); !errors.Is(err, thimble.ErrInvalid) {
			t.Errorf("a number left out: got %v, want kind invalid", err)
		}
		foreign, err := ledger.SignCheckpoint(named("other.example"), (&ledger.Tree{}).Head())
		if err != nil {
			t.Fatal(err)
		}
		if err := open(signer(t), named(origin+"/2"), foreign.Note); !errors.Is(err, ledger.ErrSignature) {
			t.Errorf("a checkpoint of another log: got %v, want ErrSignature", err)
		}
		if err := open(named("other.example"), named(origin+"/2"), nil); !errors.Is(err, ledgerdb.ErrAltered) {
			t.Errorf("another log's key: got %v, want ErrAltered", err)
		}
		if n, err := ledgerdb.Epoch(t.Context(), db); err != nil || n != 1 {
			t.Errorf("epoch = %d, %v; nothing was to be opened", n, err)
		}
	})
}

// slow is a witness that never answers.
type slow struct{ ledgerdb.Witness }

func (slow) Add(ctx context.Context, _ ledger.AddCheckpoint) ([]byte, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

// Witnesses are never on the path of a commit: leaves become provable at once while one
// hangs, and a shutdown does not wait for it.
func TestHangingWitnessHoldsUpNothing(t *testing.T) {
	db := sqldbtest.SQLite(t, sqldb.Core)
	r := newRing(t, 1, 2, signer(t))
	l := ledgerdb.New(db, signer(t), ledgerdb.Config{
		Every: 10 * time.Millisecond, Policy: r.policy, Witnesses: []ledgerdb.Witness{slow{r.clients[0]}, r.clients[1]},
	})
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { _ = l.Run(ctx) })
	began := time.Now()
	for i := range 20 {
		if err := l.Wait(ctx, queue(t, db, l, i, 1)[0]); err != nil {
			t.Fatal(err)
		}
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("20 leaves took %s", took)
	}
	for { // the other one's quorum is published while the first hangs
		if head, err := l.Published(ctx); err == nil && bytes.Count(head.Note, []byte("— ")) == 2 {
			break
		}
		if time.Since(began) > 9*time.Second {
			t.Fatal("no quorum was published")
		}
		time.Sleep(10 * time.Millisecond)
	}
	began = time.Now()
	stop()
	running.Wait()
	if took := time.Since(began); took > 2*time.Second {
		t.Errorf("the shutdown took %s", took)
	}
}

// What is kept elsewhere must reach a checkpoint before a witness sees it.
func TestNoWitnessIsAskedBeforeWhatIsToComeBeforehand(t *testing.T) {
	s := signer(t)
	r, db, c := newRing(t, 1, 1, s), sqldbtest.SQLite(t, sqldb.Core), newClock()
	var before error
	calls := 0
	l := ledgerdb.New(db, s, ledgerdb.Config{Now: c.now, Witnesses: r.clients, Policy: r.policy, Lease: time.Hour,
		Beforehand: func(context.Context) error { calls++; return before }})
	before = errors.New("the other disk is away")
	queue(t, db, l, 0, 1)
	integrate(t, l)
	if _, err := l.Publish(t.Context()); !errors.Is(err, before) || calls != 1 {
		t.Errorf("publishing: %v after %d calls, want what came beforehand", err, calls)
	}
	if all, err := l.Witnesses(t.Context()); err != nil || all[0].Size != 0 {
		t.Errorf("the witness has seen %+v, %v, want nothing", all, err)
	}
	before = nil
	if _, err := l.Publish(t.Context()); err != nil || calls != 2 {
		t.Errorf("publishing again: %v after %d calls", err, calls)
	}
	if all, err := l.Witnesses(t.Context()); err != nil || all[0].Size != 1 {
		t.Errorf("the witness has seen %+v, %v, want one entry", all, err)
	}
}
