package ledger_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
	"pgregory.net/rapid"

	"thimble"
	"thimble/internal/ledger"
)

var soak = os.Getenv("THIMBLE_SOAK") != ""

func TestTreeIsThatOfSumdb(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(0, 600).Draw(t, "leaves")
		cut := rapid.IntRange(0, n).Draw(t, "restart after")
		var stored, got []tlog.Hash
		reader := tlog.HashReaderFunc(func(at []int64) (h []tlog.Hash, err error) {
			for _, i := range at {
				h = append(h, stored[i])
			}
			return h, nil
		})
		tree, err := ledger.NewTree(0, nil)
		if err != nil {
			t.Fatal(err)
		}
		for i := range n {
			if i == cut { // the sequencer starts anew from what is stored
				edge, _ := reader.ReadHashes(ledger.Edge(int64(i)))
				if tree, err = ledger.NewTree(int64(i), edge); err != nil {
					t.Fatal(err)
				}
			}
			leaf := fmt.Append(nil, i)
			hashes, err := tlog.StoredHashes(int64(i), leaf, reader)
			if err != nil {
				t.Fatal(err)
			}
			stored = append(stored, hashes...)
			got = tree.Append(got, tlog.RecordHash(leaf))
		}
		root, err := tlog.TreeHash(int64(n), reader)
		if err != nil || !slices.Equal(got, stored) || tree.Head() != (tlog.Tree{N: int64(n), Hash: root}) {
			t.Fatalf("the trees of %d leaves differ", n)
		}
	})
}

func TestSignerIsThatOfSumdb(t *testing.T) {
	s := newMemlog(t, 9).signer
	v, err := note.NewVerifier(s.VerifierKey())
	if err != nil {
		t.Fatal(err)
	}
	text := []byte("text\n")
	sig, err := s.Sign(text)
	if err != nil || v.Name() != s.Name() || v.KeyHash() != s.KeyHash() || !v.Verify(text, sig) {
		t.Errorf("the verifier of sumdb/note refuses our signature: %v", err)
	}
}

func TestLeafHoldsWhatAnyoneMayRead(t *testing.T) {
	e := testEntry(3)
	o, err := ledger.Commit(e, [32]byte{1})
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := ledger.ParseLeaf(o.Leaf)
	if err != nil {
		t.Fatal(err)
	}
	want := ledger.Leaf{Class: e.Class, Hour: e.At.UTC().Truncate(time.Hour), Model: e.Model, Policy: e.Policy, Commitment: leaf.Commitment}
	if diff := cmp.Diff(want, leaf); diff != "" {
		t.Error(diff)
	}
	if len(o.Leaf) != ledger.LeafSize || !bytes.Equal(leaf.Bytes(), o.Leaf) {
		t.Error("a leaf has two spellings")
	}
}

func TestSameRecordTwiceGivesUnrelatedLeaves(t *testing.T) {
	e := testEntry(1)
	a, errA := ledger.Commit(e, [32]byte{1})
	b, errB := ledger.Commit(e, [32]byte{2})
	if errA != nil || errB != nil {
		t.Fatal(errA, errB)
	}
	if bytes.Equal(a.Leaf[ledger.CommitmentAt:], b.Leaf[ledger.CommitmentAt:]) {
		t.Error("the commitment repeats")
	}
}

func TestEntryThatBreaksARuleIsRefused(t *testing.T) {
	good := testEntry(1)
	for name, spoil := range map[string]func(*ledger.Entry){
		"no class":       func(e *ledger.Entry) { e.Class = 0 },
		"unknown class":  func(e *ledger.Entry) { e.Class = 200 },
		"before 1970":    func(e *ledger.Entry) { e.At = time.Unix(-1, 0) },
		"after 9999":     func(e *ledger.Entry) { e.At = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC) },
		"no record":      func(e *ledger.Entry) { e.Record = nil },
		"broken record":  func(e *ledger.Entry) { e.Record = []byte(`{"secret":`) },
		"not UTF-8":      func(e *ledger.Entry) { e.Record = []byte("\"\xff\"") },
		"too big record": func(e *ledger.Entry) { e.Record = []byte(`"` + strings.Repeat("x", ledger.MaxRecord) + `"`) },
	} {
		e := good
		spoil(&e)
		_, err := ledger.Commit(e, [32]byte{})
		if !errors.Is(err, thimble.ErrInvalid) || strings.Contains(fmt.Sprint(err), "secret") {
			t.Errorf("%s: got %v, want kind invalid that repeats nothing", name, err)
		}
	}
}

func TestOpeningSurvivesItsBinaryForm(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := testEntry(rapid.IntRange(0, 1<<20).Draw(t, "entry"))
		want, err := ledger.Commit(e, [32]byte(rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "salt")))
		if err != nil {
			t.Fatal(err)
		}
		b, err := want.MarshalBinary()
		if err != nil {
			t.Fatal(err)
		}
		var got ledger.Opening
		if err := got.UnmarshalBinary(b); err != nil {
			t.Fatal(err)
		}
		if !cmp.Equal(got, want) || got.Check() != nil || got.Hash() != want.Hash() {
			t.Fatal("the opening changed")
		}
		i := rapid.IntRange(0, len(b)*8-1).Draw(t, "bit")
		b[i/8] ^= 1 << (i % 8)
		// What the commitment does not cover is covered by the leaf's hash.
		if got.UnmarshalBinary(b) == nil && got.Check() == nil && got.Hash() == want.Hash() {
			t.Fatalf("bit %d may change", i)
		}
	})
}

func TestRecordsAreNotPrinted(t *testing.T) {
	e := testEntry(1)
	o, err := ledger.Commit(e, [32]byte{})
	if err != nil {
		t.Fatal(err)
	}
	opened := ledger.Opened{Record: o.Record}
	var w bytes.Buffer
	for _, v := range []any{e, &e, o, &o, opened, &opened, []any{e, o}} {
		fmt.Fprintf(&w, "%v %+v %#v %s %x\n", v, v, v, v, v)
		slog.New(slog.NewJSONHandler(&w, nil)).Info("m", slog.Any("v", v))
		slog.New(slog.NewTextHandler(&w, nil)).Info("m", slog.Any("v", v))
	}
	if s := w.String(); strings.Contains(s, "note") || strings.Contains(s, fmt.Sprintf("%x", "note")) {
		t.Errorf("a record was printed: %s", s)
	}
}

func TestReceiptVerifiesAndSaysWhatHappened(t *testing.T) {
	m := newMemlog(t, 1)
	m.add(70)
	other, err := ledger.NewSigner("other.example", make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	for i := range m.leaves {
		got, err := ledger.Verify(m.receipt(i), other.VerifierKey(), m.signer.VerifierKey())
		if err != nil {
			t.Fatal(err)
		}
		e := testEntry(i)
		want := ledger.Opened{
			Class: e.Class, Hour: e.At.UTC().Truncate(time.Hour), Model: e.Model, Policy: e.Policy, Record: e.Record,
			Index: int64(i), Size: 70, Root: m.tree.Head().Hash, Origin: testOrigin,
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatal(diff)
		}
	}
}

func TestReceiptHasOneSpelling(t *testing.T) {
	texts, _ := receipts(t, 50)
	for _, text := range texts {
		r, err := ledger.ParseReceipt(text)
		if err != nil {
			t.Fatal(err)
		}
		again, err := r.MarshalText()
		if err != nil || !bytes.Equal(again, text) {
			t.Fatal("a receipt changed when it was written again")
		}
	}
}

// Every byte counts: one flipped bit anywhere, and the receipt is refused with
// the name of the check that failed. THIMBLE_SOAK flips every bit of 200 receipts;
// otherwise each receipt has every fourth byte flipped at one bit, beginning with
// another one.
func TestFlippedBitIsRefused(t *testing.T) {
	texts, vkey := receipts(t, 200)
	for r, text := range texts {
		if _, err := ledger.Verify(text, vkey); err != nil {
			t.Fatalf("receipt %d: %v", r, err)
		}
		for i := range text {
			for bit := range 8 {
				if !soak && (i%4 != r%4 || bit != (i/4+r)%8) {
					continue
				}
				text[i] ^= 1 << bit
				if _, err := ledger.Verify(text, vkey); !named(err) {
					t.Fatalf("receipt %d, byte %d, bit %d: got %v, want the check that failed", r, i, bit, err)
				}
				text[i] ^= 1 << bit
			}
		}
	}
}

func named(err error) bool {
	return errors.Is(err, thimble.ErrInvalid) && check(err) != ""
}

// check names the check that an error of Verify is about.
func check(err error) string {
	for name, sentinel := range map[string]error{
		"form": ledger.ErrForm, "opening": ledger.ErrOpening,
		"inclusion": ledger.ErrInclusion, "signature": ledger.ErrSignature,
	} {
		if errors.Is(err, sentinel) {
			return name
		}
	}
	return ""
}

func TestMutatedReceiptIsRefused(t *testing.T) {
	texts, vkey := receipts(t, 20)
	rapid.Check(t, func(t *rapid.T) {
		text := slices.Clone(rapid.SampledFrom(texts).Draw(t, "receipt"))
		from := rapid.IntRange(0, len(text)).Draw(t, "from")
		to := rapid.IntRange(from, min(len(text), from+8)).Draw(t, "to")
		in := rapid.SliceOfN(rapid.OneOf(rapid.Byte(), rapid.SampledFrom([]byte("\n\r =0+A—"))), 0, 8).Draw(t, "in")
		mutant := slices.Concat(text[:from], in, text[to:])
		if _, err := ledger.Verify(mutant, vkey); err == nil && !bytes.Equal(mutant, text) {
			t.Fatal("a changed receipt is accepted")
		}
	})
}

func FuzzParseReceipt(f *testing.F) {
	texts, vkey := receipts(f, 5)
	for _, text := range texts {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		r, err := ledger.ParseReceipt(text)
		if err != nil {
			if !errors.Is(err, ledger.ErrForm) {
				t.Fatalf("%v is not ErrForm", err)
			}
			return
		}
		if again, err := r.MarshalText(); err != nil || !bytes.Equal(again, text) {
			t.Fatal("two spellings of one receipt")
		}
		_, _ = ledger.Verify(text, vkey)
	})
}

func FuzzTilePath(f *testing.F) {
	f.Add("tile/0/x001/234.p/5")
	f.Add("tile/entries/000")
	f.Fuzz(func(t *testing.T, path string) {
		tile, err := ledger.ParseTilePath(path)
		if err == nil && ledger.TilePath(tile) != path {
			t.Fatalf("%q and %q are one tile", path, ledger.TilePath(tile))
		}
	})
}

// A verifier we did not write, built on sumdb alone, accepts our receipts.
func TestReceiptIsATlogProof(t *testing.T) {
	texts, vkey := receipts(t, 10)
	v, err := note.NewVerifier(vkey)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range texts {
		r, err := ledger.ParseReceipt(text)
		if err != nil {
			t.Fatal(err)
		}
		_, signed, _ := bytes.Cut(text, []byte("\n\n"))
		n, err := note.Open(signed, note.VerifierList(v))
		if err != nil {
			t.Fatal(err)
		}
		var size int64
		var root string
		if _, err := fmt.Sscanf(strings.TrimPrefix(n.Text, testOrigin), "\n%d\n%s\n", &size, &root); err != nil {
			t.Fatal(err)
		}
		h, err := tlog.ParseHash(root)
		if err != nil {
			t.Fatal(err)
		}
		if err := tlog.CheckRecord(r.Proof, size, h, r.Index, tlog.RecordHash(r.Opening.Leaf)); err != nil {
			t.Error(err)
		}
	}
}

func TestReceiptStaysSmall(t *testing.T) {
	o, err := ledger.Commit(ledger.Entry{Class: ledger.Decision, At: time.Unix(0, 0), Record: bytes.Repeat([]byte("1"), 200)}, [32]byte{})
	if err != nil {
		t.Fatal(err)
	}
	// A name as long as an installation's.
	signer, err := ledger.NewSigner("thimble.local/log/0123456789abcdef", make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	head, err := ledger.SignCheckpoint(signer, tlog.Tree{N: 1e9})
	if err != nil {
		t.Fatal(err)
	}
	var by []ledger.Cosignature
	for i := range 3 {
		c, err := ledger.NewCosigner(fmt.Sprintf("witness.example/w%d", i), bytes.Repeat([]byte{byte(i)}, 32))
		if err != nil {
			t.Fatal(err)
		}
		sigs, err := ledger.Cosignatures(head, c.Cosign(head, time.Unix(1e9, 0)), c.Key())
		if err != nil {
			t.Fatal(err)
		}
		by = append(by, sigs...)
	}
	r := &ledger.Receipt{Opening: o, Index: 1e9 - 1, Proof: make(tlog.RecordProof, 30), Note: head.Note}
	text, err := r.MarshalText()
	if err != nil || len(text) > 2048 {
		t.Errorf("a receipt out of 10^9 leaves has %d bytes (%v), want at most 2048", len(text), err)
	}
	// Thirty hashes and four signatures take 1,850 bytes by themselves; the record comes on
	// top, in base64.
	r.Note = head.WithCosignatures(by).Note
	if n := len(r.Bare()); n > 2048 {
		t.Errorf("with three cosignatures the proof has %d bytes, want at most 2048", n)
	} else {
		whole, _ := r.MarshalText() // as above
		t.Logf("with three cosignatures: the proof %d bytes, with a record of 200 bytes %d", n, len(whole))
	}
}
