package ledger_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"thimble/internal/ledger"
)

// memlog is a log in memory, for testing the formats without a database.
type memlog struct {
	tb       testing.TB
	signer   *ledger.Signer
	rnd      *rand.ChaCha8
	openings []ledger.Opening
	leaves   [][]byte
	hashes   []tlog.Hash
	tree     *ledger.Tree
}

const testOrigin = "shop.example/ledger"

func newMemlog(tb testing.TB, seed uint64) *memlog {
	tb.Helper()
	var key [32]byte
	binary.BigEndian.PutUint64(key[:], seed)
	s, err := ledger.NewSigner(testOrigin, key[:])
	if err != nil {
		tb.Fatal(err)
	}
	tree, err := ledger.NewTree(0, nil)
	if err != nil {
		tb.Fatal(err)
	}
	return &memlog{tb: tb, signer: s, rnd: rand.NewChaCha8(key), tree: tree}
}

// testEntry is an entry whose record has no fixed length.
func testEntry(i int) ledger.Entry {
	return ledger.Entry{
		Class: ledger.Class(1 + i%10), At: time.Unix(1_795_000_000+int64(i)*997, 0),
		Model: [8]byte{0xaa, byte(i)}, Policy: [8]byte{0xbb},
		Record: fmt.Appendf(nil, `{"kind":%q,"n":%d,"note":"naïve %*d"}`, ledger.Class(1+i%10), i, i%7, i),
	}
}

func (m *memlog) add(n int) {
	m.tb.Helper()
	for range n {
		var salt [ledger.SaltSize]byte
		_, _ = m.rnd.Read(salt[:])
		o, err := ledger.Commit(testEntry(len(m.leaves)), salt)
		if err != nil {
			m.tb.Fatal(err)
		}
		m.openings = append(m.openings, o)
		m.push(o.Leaf)
	}
}

func (m *memlog) push(leaf []byte) {
	m.leaves = append(m.leaves, leaf)
	m.hashes = m.tree.Append(m.hashes, tlog.RecordHash(leaf))
}

func (m *memlog) ReadHashes(at []int64) ([]tlog.Hash, error) {
	var hashes []tlog.Hash
	for _, i := range at {
		hashes = append(hashes, m.hashes[i])
	}
	return hashes, nil
}

func (m *memlog) head() ledger.Checkpoint {
	m.tb.Helper()
	head, err := ledger.SignCheckpoint(m.signer, m.tree.Head())
	if err != nil {
		m.tb.Fatal(err)
	}
	return head
}

func (m *memlog) receipt(i int) []byte {
	m.tb.Helper()
	proof, err := tlog.ProveRecord(int64(len(m.leaves)), int64(i), m)
	if err != nil {
		m.tb.Fatal(err)
	}
	text, err := (&ledger.Receipt{Opening: m.openings[i], Index: int64(i), Proof: proof, Note: m.head().Note}).MarshalText()
	if err != nil {
		m.tb.Fatal(err)
	}
	return text
}

// fetch serves the log as tlog-tiles.
func (m *memlog) fetch(_ context.Context, path string) ([]byte, error) {
	if path == "checkpoint" {
		return m.head().Note, nil
	}
	t, err := ledger.ParseTilePath(path)
	if err != nil {
		return nil, err
	}
	if t.L == ledger.EntriesLevel {
		first := int(t.N << t.H)
		if first+t.W > len(m.leaves) {
			return nil, fmt.Errorf("leaves %d to %d are missing", first, first+t.W)
		}
		return ledger.Bundle(m.leaves[first : first+t.W]), nil
	}
	return tlog.ReadTileData(t, m)
}

// receipts returns n receipts out of logs of many sizes.
func receipts(tb testing.TB, n int) (texts [][]byte, vkey string) {
	m := newMemlog(tb, 1)
	for len(texts) < n {
		m.add(1 + len(texts)%9)
		texts = append(texts, m.receipt((len(texts)*31)%len(m.leaves)))
	}
	return texts, m.signer.VerifierKey()
}
