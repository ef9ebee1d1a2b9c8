package ledger_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"thimble/internal/ledger"
)

func TestHonestLogPassesEveryAudit(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		m := newMemlog(t, 1)
		a, err := ledger.NewAuditor(nil, m.signer.VerifierKey())
		if err != nil {
			rt.Fatal(err)
		}
		for range rapid.IntRange(1, 6).Draw(rt, "audits") {
			m.add(rapid.SampledFrom([]int{0, 1, 3, 100, 255, 256, 300}).Draw(rt, "leaves"))
			audit := a.Audit
			if rapid.Bool().Draw(rt, "all") {
				audit = a.AuditAll
			}
			if err := audit(context.Background(), m.fetch); err != nil {
				rt.Fatal(err)
			}
			if a.Seen().Tree() != m.tree.Head() {
				rt.Fatal("the auditor remembers another tree")
			}
			if rapid.Bool().Draw(rt, "restart") {
				if a, err = ledger.NewAuditor(a.Seen().Note, m.signer.VerifierKey()); err != nil {
					rt.Fatal(err)
				}
			}
		}
	})
}

// rebuild makes the log an operator would who holds the key: other leaves, with
// every hash and signature right.
func (m *memlog) rebuild(leaves [][]byte) *memlog {
	fork := newMemlog(m.tb, 1)
	for _, leaf := range leaves {
		fork.push(leaf)
	}
	return fork
}

// An operator with the log's key alters what an auditor has seen, in any way, and
// signs the result.
func TestEveryAlterationOfSeenLeavesIsEvidence(t *testing.T) {
	tries := 300
	if soak {
		tries = 10_000
	}
	m := newMemlog(t, 1)
	m.add(700)
	r := rand.New(rand.NewPCG(3, 4))
	for range tries {
		seen := 1 + r.IntN(600)
		a := seeing(t, m, seen)
		leaves := slices.Clone(m.leaves[:seen+r.IntN(100)])
		i := r.IntN(seen)
		want := ledger.ErrForked
		switch r.IntN(4) {
		case 0: // edit
			leaves[i] = slices.Clone(leaves[i])
			leaves[i][6+r.IntN(48)] ^= 1 << r.IntN(8)
		case 1: // delete
			if leaves = slices.Delete(leaves, i, i+1); len(leaves) < seen {
				want = ledger.ErrRolledBack
			}
		case 2: // reorder
			j := r.IntN(len(leaves))
			if i == j {
				continue
			}
			leaves[i], leaves[j] = leaves[j], leaves[i]
		case 3: // truncate
			leaves, want = leaves[:i], ledger.ErrRolledBack
		}
		fork := m.rebuild(leaves)
		err := a.Audit(t.Context(), fork.fetch)
		evidence, ok := errors.AsType[*ledger.Evidence](err)
		if !ok || !errors.Is(err, want) {
			t.Fatalf("seen %d, shown %d leaves: got %v, want %v", seen, len(leaves), err, want)
		}
		for _, signed := range [][]byte{evidence.Seen, evidence.Shown} {
			if _, err := ledger.OpenCheckpoint(signed, m.signer.VerifierKey()); err != nil {
				t.Fatalf("the evidence is not signed: %v", err)
			}
		}
		if a.Seen().Size != int64(seen) {
			t.Fatal("the auditor believed it")
		}
	}
}

// seeing returns an auditor that has seen the first n leaves of m.
func seeing(t *testing.T, m *memlog, n int) *ledger.Auditor {
	t.Helper()
	a, err := ledger.NewAuditor(nil, m.signer.VerifierKey())
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Audit(t.Context(), m.rebuild(m.leaves[:n]).fetch); err != nil {
		t.Fatal(err)
	}
	return a
}

// Someone without the key alters leaves, seen ones or new ones.
func TestLeavesThatWereNotSignedAreEvidence(t *testing.T) {
	m := newMemlog(t, 1)
	m.add(600)
	a := seeing(t, m, 500)
	shown := *m
	for _, i := range []int{0, 255, 256, 499, 500, 512, 599} {
		shown.leaves = slices.Clone(m.leaves)
		shown.leaves[i] = m.leaves[(i+1)%600]
		if err := a.AuditAll(t.Context(), shown.fetch); !errors.Is(err, ledger.ErrAltered) {
			t.Errorf("leaf %d, whole audit: got %v, want ErrAltered", i, err)
		}
		if i < 500 {
			continue // seen before: an audit of the new leaves does not look at it again
		}
		if err := a.Audit(t.Context(), shown.fetch); !errors.Is(err, ledger.ErrAltered) {
			t.Errorf("leaf %d: got %v, want ErrAltered", i, err)
		}
	}
}

func TestCheckpointOfAnotherKeyIsRefused(t *testing.T) {
	m := newMemlog(t, 1)
	m.add(10)
	a := seeing(t, m, 5)
	forged := newMemlog(t, 2) // the same name, another key
	forged.add(10)
	if err := a.Audit(t.Context(), forged.fetch); !errors.Is(err, ledger.ErrSignature) {
		t.Errorf("got %v, want ErrSignature", err)
	}
	if _, err := ledger.Verify(forged.receipt(3), m.signer.VerifierKey()); !errors.Is(err, ledger.ErrSignature) {
		t.Errorf("got %v, want ErrSignature", err)
	}
	if _, err := ledger.Verify(m.receipt(3)); !errors.Is(err, ledger.ErrSignature) {
		t.Errorf("without a key: got %v, want ErrSignature", err)
	}
}

func TestFailingNetworkIsNoEvidence(t *testing.T) {
	m := newMemlog(t, 1)
	m.add(10)
	a := seeing(t, m, 5)
	down := errors.New("down")
	for _, path := range []string{"checkpoint", "tile/entries/000.p/10", "tile/0/000.p/10"} {
		err := a.Audit(t.Context(), func(ctx context.Context, p string) ([]byte, error) {
			if p == path {
				return nil, down
			}
			return m.fetch(ctx, p)
		})
		if _, ok := errors.AsType[*ledger.Evidence](err); ok || !errors.Is(err, down) {
			t.Errorf("%s: got %v, want the network's error", path, err)
		}
	}
}

// A damaged tile is no fork: nobody is accused of what the leaves disprove.
func TestDamagedTileIsNotCalledAFork(t *testing.T) {
	m := newMemlog(t, 1)
	m.add(600)
	a := seeing(t, m, 500)
	err := a.Audit(t.Context(), func(ctx context.Context, path string) ([]byte, error) {
		b, err := m.fetch(ctx, path)
		if path == "tile/1/000.p/2" {
			b = slices.Clone(b)
			b[5] ^= 1
		}
		return b, err
	})
	if !errors.Is(err, ledger.ErrAltered) || errors.Is(err, ledger.ErrForked) {
		t.Errorf("got %v, want ErrAltered", err)
	}
}
