package witness_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
	"pgregory.net/rapid"

	"thimble"
	"thimble/internal/ledger"
	"thimble/internal/ledger/witness"
)

// shop is a log in memory whose operator holds the key and may lie.
type shop struct {
	tb     testing.TB
	signer *ledger.Signer
	hashes []tlog.Hash
	tree   *ledger.Tree
}

func newShop(tb testing.TB, origin string) *shop {
	s, err := ledger.NewSigner(origin, bytes.Repeat([]byte{1}, 32))
	if err != nil {
		tb.Fatal(err)
	}
	return &shop{tb: tb, signer: s, tree: &ledger.Tree{}}
}

// fork is a log by the same key with the first n leaves of s.
func (s *shop) fork(n int64, leaf func(int64) string) *shop {
	f := &shop{tb: s.tb, signer: s.signer, tree: &ledger.Tree{}}
	f.grow(n, leaf)
	return f
}

func (s *shop) grow(to int64, leaf func(int64) string) {
	for i := s.tree.Head().N; i < to; i++ {
		s.hashes = s.tree.Append(s.hashes, tlog.RecordHash([]byte(leaf(i))))
	}
}

func (s *shop) ReadHashes(at []int64) (h []tlog.Hash, err error) {
	for _, i := range at {
		h = append(h, s.hashes[i])
	}
	return h, nil
}

func honest(i int64) string { return fmt.Sprint("leaf ", i) }

func (s *shop) request(old int64) []byte {
	head, err := ledger.SignCheckpoint(s.signer, s.tree.Head())
	if err != nil {
		s.tb.Fatal(err)
	}
	req := ledger.AddCheckpoint{Old: old, Note: head.Note}
	if old > 0 && old < head.Size {
		if req.Proof, err = tlog.ProveTree(head.Size, old, s); err != nil {
			s.tb.Fatal(err)
		}
	}
	body, err := req.MarshalText()
	if err != nil {
		s.tb.Fatal(err)
	}
	return body
}

const origin = "shop.example/ledger"

func open(tb testing.TB, dir string, shops ...*shop) *witness.Witness {
	tb.Helper()
	var logs []ledger.PolicyLog
	for _, s := range shops {
		logs = append(logs, ledger.PolicyLog{Origin: s.signer.Name(), VerifierKey: s.signer.VerifierKey()})
	}
	w, err := witness.Open(dir, "witness.example/w1", logs, witness.Config{Now: func() time.Time { return time.Unix(1679315147, 0) }})
	if err != nil {
		tb.Fatal(err)
	}
	return w
}

// The answers are those that c2sp.org/tlog-witness prescribes.
func TestAnswersAreThoseOfTlogWitness(t *testing.T) {
	s, other := newShop(t, origin), newShop(t, "other.example/log")
	s.grow(20, honest)
	other.grow(1, honest)
	w := open(t, t.TempDir(), s)
	defer w.Close()
	server := httptest.NewServer(w.Handler())
	defer server.Close()
	post := func(body []byte) (int, string, string) {
		res, err := http.Post(server.URL+"/add-checkpoint", "", bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		b, _ := io.ReadAll(res.Body)
		return res.StatusCode, res.Header.Get("Content-Type"), string(b)
	}
	is := func(name string, body []byte, want int, size string) {
		t.Helper()
		status, kind, answer := post(body)
		if status != want || want == 409 && (kind != "text/x.tlog.size" || answer != size) {
			t.Errorf("%s: got %d %q %q, want %d %q", name, status, kind, answer, want, size)
		}
	}
	is("an old size that it never saw", s.request(7), 409, "0\n")
	is("the first checkpoint", s.request(0), 200, "")
	is("the same again", s.request(20), 200, "")
	is("an old size below", s.request(0), 409, "20\n")
	is("a rollback", s.fork(10, honest).request(0), 409, "20\n")
	is("old beyond the checkpoint", s.fork(10, honest).request(20), 400, "")
	lies := func(i int64) string { return honest(i) + strings.Repeat("!", int(i/19)) }
	is("another tree of the size", s.fork(20, lies).request(20), 409, "20\n")
	is("a fork that is longer", s.fork(33, lies).request(20), 422, "")
	is("an unknown log", other.request(0), 404, "")
	forged := newShop(t, origin)
	forged.signer, _ = ledger.NewSigner(origin, make([]byte, 32))
	forged.grow(21, honest)
	is("another key", forged.request(20), 403, "")
	s.grow(33, honest)
	good := s.request(20)
	is("a proof that is missing", append([]byte("old 20\n\n"), good[bytes.Index(good, []byte("\n\n"))+2:]...), 422, "")
	is("a proof that is too long", bytes.Replace(good, []byte("\n\n"), []byte("\n"+strings.Repeat("A", 43)+"=\n\n"), 1), 422, "")
	is("no request", []byte("old 020\n\n"), 400, "")
	is("64 hashes", []byte("old 20\n"+strings.Repeat(strings.Repeat("A", 43)+"=\n", 64)+"\n"+string(good[bytes.Index(good, []byte("\n\n"))+2:])), 400, "")
	is("too long", bytes.Repeat([]byte("x"), 1<<17), 400, "")
	is("what extends it", good, 200, "")
	if head, err := w.Head(origin); err != nil || head.Size != 33 {
		t.Errorf("it remembers %d leaves (%v), want 33", head.Size, err)
	}
}

// An implementation we did not write, sumdb/note with the rule of
// c2sp.org/tlog-cosignature beside it, accepts the answer as part of the note.
func TestCosignatureIsANoteSignature(t *testing.T) {
	s := newShop(t, origin)
	s.grow(5, honest)
	w := open(t, t.TempDir(), s)
	defer w.Close()
	line, err := w.Add(t.Context(), s.request(0))
	if err != nil {
		t.Fatal(err)
	}
	head, err := ledger.SignCheckpoint(s.signer, s.tree.Head())
	if err != nil {
		t.Fatal(err)
	}
	n, err := note.Open(append(bytes.Clone(head.Note), line...), note.VerifierList(cosignature{w.Key()}))
	if err != nil || len(n.Sigs) != 1 || n.Sigs[0].Name != "witness.example/w1" {
		t.Errorf("got %v, %v", n, err)
	}
}

// A stored checkpoint is enough: whatever order requests come in, and wherever the
// process ends, no two cosigned checkpoints contradict each other.
func TestNoTwoCosignedCheckpointsContradictEachOther(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		dir := t.TempDir()
		truth := newShop(t, origin)
		truth.grow(64, honest)
		w := open(t, dir, truth)
		defer func() { _ = w.Close() }()
		var cosigned []tlog.Tree
		for range rapid.IntRange(1, 25).Draw(rt, "requests") {
			bend := rapid.Int64Range(0, 64).Draw(rt, "fork at")
			size := rapid.Int64Range(0, 64).Draw(rt, "size")
			old := rapid.Int64Range(0, size).Draw(rt, "old")
			if len(cosigned) > 0 && rapid.Bool().Draw(rt, "knows the size") {
				old = min(size, cosigned[len(cosigned)-1].N)
			}
			f := truth.fork(size, func(i int64) string {
				if i >= bend {
					return fmt.Sprint("lie ", i)
				}
				return honest(i)
			})
			if _, err := w.Add(t.Context(), f.request(old)); err == nil {
				cosigned = append(cosigned, f.tree.Head())
				for _, before := range cosigned {
					if before.N > size || before.N > 0 && f.fork(before.N, honestUntil(bend)).tree.Head() != before {
						rt.Fatalf("cosigned %d leaves after %d", size, before.N)
					}
				}
			}
			if rapid.Bool().Draw(rt, "restart") {
				if err := w.Close(); err != nil {
					rt.Fatal(err)
				}
				w = open(t, dir, truth)
			}
		}
	})
}

func honestUntil(bend int64) func(int64) string {
	return func(i int64) string {
		if i >= bend {
			return fmt.Sprint("lie ", i)
		}
		return honest(i)
	}
}

// Of two forks sent at the same time one is cosigned.
func TestRaceBetweenForksHasOneWinner(t *testing.T) {
	s := newShop(t, origin)
	s.grow(10, honest)
	w := open(t, t.TempDir(), s)
	defer w.Close()
	if _, err := w.Add(t.Context(), s.request(0)); err != nil {
		t.Fatal(err)
	}
	var won sync.Map
	var racing sync.WaitGroup
	for i := range 16 {
		body := s.fork(11, func(n int64) string { return fmt.Sprint(honest(n), strings.Repeat("x", int(n/10)*i)) }).request(10)
		racing.Go(func() {
			if _, err := w.Add(t.Context(), body); err == nil {
				won.Store(i, true)
			}
		})
	}
	racing.Wait()
	n := 0
	won.Range(func(any, any) bool { n++; return true })
	if n != 1 {
		t.Errorf("%d forks were cosigned, want 1", n)
	}
}

// What the disk does not take is not cosigned, and the witness goes on from what it had.
func TestFullDiskMeansNoCosignature(t *testing.T) {
	s := newShop(t, origin)
	s.grow(3, honest)
	dir := t.TempDir()
	w := open(t, dir, s)
	defer w.Close()
	if _, err := w.Add(t.Context(), s.request(0)); err != nil {
		t.Fatal(err)
	}
	notes, err := filepath.Glob(filepath.Join(dir, "*.note"))
	if err != nil || len(notes) != 1 {
		t.Fatal(notes, err)
	}
	if err := os.Mkdir(notes[0]+".new", 0o700); err != nil { // nothing can be written there
		t.Fatal(err)
	}
	s.grow(9, honest)
	if _, err := w.Add(t.Context(), s.request(3)); !errors.Is(err, thimble.ErrUnavailable) {
		t.Errorf("got %v, want kind unavailable", err)
	}
	if head, _ := w.Head(origin); head.Size != 3 {
		t.Errorf("it remembers %d leaves, want 3", head.Size)
	}
	if err := os.Remove(notes[0] + ".new"); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Add(t.Context(), s.request(3)); err != nil {
		t.Error(err)
	}
}

func TestAlteredFolderKeepsTheWitnessFromStarting(t *testing.T) {
	s := newShop(t, origin)
	s.grow(300, honest)
	dir := t.TempDir()
	w := open(t, dir, s)
	if _, err := witness.Open(dir, "x", nil, witness.Config{}); !errors.Is(err, thimble.ErrConflict) {
		t.Errorf("second process: got %v, want kind conflict", err)
	}
	if _, err := w.Add(t.Context(), s.request(0)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	logs := []ledger.PolicyLog{{Origin: origin, VerifierKey: s.signer.VerifierKey()}}
	notes, _ := filepath.Glob(filepath.Join(dir, "*.note"))
	good, err := os.ReadFile(notes[0])
	if err != nil {
		t.Fatal(err)
	}
	body := bytes.Index(good, []byte("\n\n"))
	for range 300 {
		bad := bytes.Clone(good)
		bad[rand.IntN(body)] ^= 1 << rand.IntN(8)
		if err := os.WriteFile(notes[0], bad, 0o600); err != nil {
			t.Fatal(err)
		}
		if w, err := witness.Open(dir, "witness.example/w1", logs, witness.Config{}); err == nil {
			_ = w.Close()
			t.Fatalf("it starts with %q", bad[:body])
		}
	}
	if err := os.WriteFile(notes[0], good, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(dir, "key")); err != nil {
		t.Fatal(err)
	}
	if _, err := witness.Open(dir, "witness.example/w1", logs, witness.Config{}); !errors.Is(err, thimble.ErrDenied) {
		t.Errorf("with a lost key: got %v, want kind denied", err)
	}
}

func BenchmarkAdd(b *testing.B) {
	s := newShop(b, origin)
	w := open(b, b.TempDir(), s)
	defer w.Close()
	b.ReportAllocs()
	for b.Loop() {
		old := s.tree.Head().N
		s.grow(old+100, honest)
		if _, err := w.Add(b.Context(), s.request(old)); err != nil {
			b.Fatal(err)
		}
	}
}

// cosignature verifies as c2sp.org/tlog-cosignature says, written anew.
type cosignature struct{ ledger.CosignerKey }

func (c cosignature) KeyHash() uint32 {
	var h uint32
	_, _ = fmt.Sscanf(strings.Split(c.String(), "+")[1], "%08x", &h)
	return h
}

func (c cosignature) Verify(msg, sig []byte) bool {
	raw, err := base64.StdEncoding.DecodeString(strings.SplitN(c.String(), "+", 3)[2])
	if err != nil || len(sig) != 72 {
		return false
	}
	at := binary.BigEndian.Uint64(sig)
	return at == 1679315147 && ed25519.Verify(raw[1:], fmt.Appendf(nil, "cosignature/v1\ntime %d\n%s", at, msg), sig[8:])
}
