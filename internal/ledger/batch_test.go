package ledger_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"thimble"
	"thimble/internal/ledger"
)

// batch adds the root of n entries to the log, and returns their openings and leaves.
func (m *memlog) batch(n int) (openings []ledger.Opening, leaves []byte, root ledger.Opening) {
	m.tb.Helper()
	commit := func(e ledger.Entry) ledger.Opening {
		var salt [ledger.SaltSize]byte
		_, _ = m.rnd.Read(salt[:])
		o, err := ledger.Commit(e, salt)
		if err != nil {
			m.tb.Fatal(err)
		}
		return o
	}
	for i := range n {
		o := commit(testEntry(i))
		openings, leaves = append(openings, o), append(leaves, o.Leaf...)
	}
	record, err := ledger.BatchRoot(leaves)
	if err != nil {
		m.tb.Fatal(err)
	}
	root = commit(ledger.Entry{Class: ledger.Batch, At: time.Unix(1_795_000_000, 0), Record: record})
	m.openings = append(m.openings, root)
	m.push(root.Leaf)
	return openings, leaves, root
}

// batched is the receipt of leaf i of the last batch.
func (m *memlog) batched(openings []ledger.Opening, leaves []byte, root ledger.Opening, i int) []byte {
	m.tb.Helper()
	path, err := ledger.ProveBatch(leaves, int64(i), root)
	if err != nil {
		m.tb.Fatal(err)
	}
	o := openings[i]
	o.Batch = path
	at := len(m.leaves) - 1
	proof, err := tlog.ProveRecord(int64(len(m.leaves)), int64(at), m)
	if err != nil {
		m.tb.Fatal(err)
	}
	text, err := (&ledger.Receipt{Opening: o, Index: int64(at), Proof: proof, Note: m.head().Note}).MarshalText()
	if err != nil {
		m.tb.Fatal(err)
	}
	return text
}

// batchReceipts are receipts out of batches and logs of many sizes.
func batchReceipts(tb testing.TB, n int) (texts [][]byte, vkey string) {
	m := newMemlog(tb, 1)
	for i := range n {
		m.add(i % 5)
		openings, leaves, root := m.batch(1 + (i*i)%300)
		texts = append(texts, m.batched(openings, leaves, root, (i*7)%len(openings)))
	}
	return texts, m.signer.VerifierKey()
}

// batchVectors are receipts out of a batch that each verifier must judge alike.
func batchVectors(t *testing.T) []vector {
	m := newMemlog(t, 1)
	m.add(20)
	openings, leaves, root := m.batch(130)
	vkey := m.signer.VerifierKey()
	good := m.batched(openings, leaves, root, 77)
	edit, with := editor(t, good)
	head, plain, _ := strings.Cut(string(good), "\n\n")
	small := newMemlog(t, 1)
	small.add(20)
	others, otherLeaves, otherRoot := small.batch(100)
	foreign := small.batched(others, otherLeaves, otherRoot, 77)
	_, otherPlain, _ := strings.Cut(string(foreign), "\n\n")
	notBatch := m.receipt(3)
	return []vector{
		{"out of a batch", good, vkey, "ok"},
		{"the batch's root alone", []byte(plain), vkey, "ok"},
		{"batch header in the place of the plain one", edit("c2sp.org/tlog-proof", "thimble/batch-proof"), vkey, "form"},
		{"batch proof without a receipt", []byte(head + "\n\n"), vkey, "form"},
		{"batch proof twice", []byte(head + "\n\n" + string(good)), vkey, "form"},
		{"another place in the batch", edit("index 77", "index 76"), vkey, "inclusion"},
		{"a place outside of the batch", edit("index 77", "index 130"), vkey, "inclusion"},
		{"another record in the batch", with(func(r *ledger.Receipt) { r.Opening.Record = []byte(`{"n":0}`) }), vkey, "opening"},
		{"another leaf of the batch", with(func(r *ledger.Receipt) {
			r.Opening.Leaf, r.Opening.Salt, r.Opening.Record = openings[5].Leaf, openings[5].Salt, openings[5].Record
		}), vkey, "inclusion"},
		{"proof in the batch too short", with(func(r *ledger.Receipt) { r.Opening.Batch.Proof = r.Opening.Batch.Proof[1:] }), vkey, "inclusion"},
		{"another batch's root", []byte(head + "\n\n" + otherPlain), vkey, "inclusion"},
		{"under a leaf that is no batch", []byte(head + "\n\n" + string(notBatch)), vkey, "inclusion"},
		{"out of another log's batch", good, newMemlog(t, 2).signer.VerifierKey(), "signature"},
	}
}

func TestEveryLeafOfABatchIsProvenAndNoOther(t *testing.T) {
	for size := 1; size <= 130; size += 1 + size/9 {
		openings, leaves, root := newMemlog(t, uint64(size)).batch(size)
		for i, o := range openings {
			path, err := ledger.ProveBatch(leaves, int64(i), root)
			if err != nil || path.Check(o) != nil {
				t.Fatalf("leaf %d of %d: %v, %v", i, size, err, path.Check(o))
			}
			if j := (i * 31) % size; j != i && path.Check(openings[j]) == nil {
				t.Fatalf("the place of leaf %d of %d proves leaf %d", i, size, j)
			}
		}
	}
}

func TestABatchThatIsNoneIsRefused(t *testing.T) {
	for _, leaves := range [][]byte{nil, make([]byte, ledger.LeafSize-1), make([]byte, ledger.LeafSize*(ledger.MaxBatch+1))} {
		if _, err := ledger.BatchRoot(leaves); !errors.Is(err, thimble.ErrInvalid) {
			t.Errorf("%d bytes: %v", len(leaves), err)
		}
	}
	if _, err := ledger.ProveBatch(make([]byte, ledger.LeafSize), 1, ledger.Opening{}); !errors.Is(err, thimble.ErrInvalid) {
		t.Errorf("a leaf outside: %v", err)
	}
}

func TestAFlippedBitOfABatchReceiptIsRefused(t *testing.T) {
	n := 20
	if soak {
		n = 200
	}
	texts, vkey := batchReceipts(t, n)
	flips := 0
	for r, good := range texts {
		opened, err := ledger.Verify(good, vkey)
		if err != nil || opened.Batch == nil {
			t.Fatalf("receipt %d: %v, batch %v", r, err, opened.Batch)
		}
		for i := range good {
			bad := bytes.Clone(good)
			bad[i] ^= 1 << ((i + r) % 8)
			flips++
			if _, err := ledger.Verify(bad, vkey); !errors.Is(err, thimble.ErrInvalid) {
				t.Fatalf("receipt %d, byte %d: %v", r, i, err)
			}
		}
	}
	t.Logf("%d flips refused", flips)
}

func TestTheBrowserRefusesFlippedBitsOfBatchReceipts(t *testing.T) {
	node, err := exec.LookPath("node")
	if err != nil {
		if os.Getenv("THIMBLE_REQUIRE_NODE") == "1" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	n, stride := 12, 8
	if soak {
		n = 200
	}
	if soak || os.Getenv("THIMBLE_REQUIRE_NODE") == "1" {
		stride = 1
	}
	texts, vkey := batchReceipts(t, n)
	path, err := filepath.Abs(verifier)
	if err != nil {
		t.Fatal(err)
	}
	in, err := json.Marshal(map[string]any{"vkey": vkey, "receipts": texts, "cases": batchVectors(t), "every": soak, "stride": stride})
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), node, "testdata/verify_test.mjs", path)
	cmd.Stdin = bytes.NewReader(in)
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Accepted, Flips int
		Wrong           []string
	}
	if err := json.Unmarshal(out, &got); err != nil {
		t.Fatal(err)
	}
	if got.Accepted != n || len(got.Wrong) > 0 {
		t.Errorf("%d of %d receipts accepted; wrong: %q", got.Accepted, n, got.Wrong[:min(10, len(got.Wrong))])
	}
	t.Logf("%d flips refused", got.Flips)
}
