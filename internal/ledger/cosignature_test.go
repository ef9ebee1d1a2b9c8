package ledger_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"thimble"
	"thimble/internal/ledger"
)

func cosigners(tb testing.TB, n int) (all []*ledger.Cosigner) {
	tb.Helper()
	for i := range n {
		c, err := ledger.NewCosigner(fmt.Sprintf("witness.example/w%d", i+1), bytes.Repeat([]byte{byte(i + 1)}, 32))
		if err != nil {
			tb.Fatal(err)
		}
		all = append(all, c)
	}
	return all
}

// cosign adds cosignatures to a receipt.
func cosign(tb testing.TB, text []byte, by ...*ledger.Cosigner) []byte {
	tb.Helper()
	r, err := ledger.ParseReceipt(text)
	if err != nil {
		tb.Fatal(err)
	}
	_, head, err := ledger.ParseAddCheckpoint(append([]byte("old 0\n\n"), r.Note...))
	if err != nil {
		tb.Fatal(err)
	}
	var sigs []ledger.Cosignature
	for i, c := range by {
		got, err := ledger.Cosignatures(head, c.Cosign(head, time.Unix(1_795_000_000+int64(i), 0)), c.Key())
		if err != nil || len(got) != 1 {
			tb.Fatal(got, err)
		}
		sigs = append(sigs, got...)
	}
	r.Note = head.WithCosignatures(sigs).Note
	text, err = r.MarshalText()
	if err != nil {
		tb.Fatal(err)
	}
	return text
}

func keysOf(vkey string, by []*ledger.Cosigner) []string {
	keys := []string{vkey}
	for _, c := range by {
		keys = append(keys, c.Key().String())
	}
	return keys
}

// With the witnesses' keys every bit of a cosigned receipt counts.
func TestFlippedBitOfACosignedReceiptIsRefused(t *testing.T) {
	texts, vkey := receipts(t, 60)
	by := cosigners(t, 3)
	keys := keysOf(vkey, by)
	for r, text := range texts {
		text = cosign(t, text, by[:1+r%3]...)
		got, err := ledger.Verify(text, keys...)
		if err != nil || len(got.Cosigned) != 1+r%3 || got.Cosigned[0].At.Unix() != 1_795_000_000 {
			t.Fatalf("receipt %d: %v, %v", r, got.Cosigned, err)
		}
		if got, err := ledger.Verify(text, vkey); err != nil || got.Cosigned != nil {
			t.Fatalf("receipt %d without the witnesses' keys: %v, %v", r, got.Cosigned, err)
		}
		from := bytes.LastIndex(text, []byte("\n\n"))
		for i := range text {
			for bit := range 8 {
				if !soak && i < from && (i%16 != r%16 || bit != (i/16+r)%8) || !soak && bit != (i+r)%8 {
					continue
				}
				text[i] ^= 1 << bit
				if _, err := ledger.Verify(text, keys...); !named(err) {
					t.Fatalf("receipt %d, byte %d, bit %d: got %v, want the check that failed", r, i, bit, err)
				}
				text[i] ^= 1 << bit
			}
		}
	}
}

// cosignedCases are cosigned receipts that each verifier must judge alike; the keys are
// separated by blanks.
func cosignedCases(t *testing.T) []vector {
	m := newMemlog(t, 1)
	m.add(40)
	by := cosigners(t, 3)
	good := cosign(t, m.receipt(11), by...)
	vkey := m.signer.VerifierKey()
	all := strings.Join(keysOf(vkey, by), " ")
	at := bytes.LastIndex(good, []byte("\n\n")) + 2
	lines := slices.Collect(bytes.Lines(good[at:]))
	with := func(l ...[]byte) []byte { return slices.Concat(good[:at], slices.Concat(l...)) }
	// Witness 2 says the name of witness 1 below a signature of its own.
	stolen := bytes.Replace(lines[2], []byte("/w2"), []byte("/w1"), 1)
	r, err := ledger.ParseReceipt(cosign(t, m.receipt(12), by[0]))
	if err != nil {
		t.Fatal(err)
	}
	_, head, _ := ledger.ParseAddCheckpoint(append([]byte("old 0\n\n"), r.Note...))
	again := by[0].Cosign(head, time.Unix(1_999_999_999, 0))
	twice := [][]byte{lines[1], again}
	slices.SortFunc(twice, bytes.Compare)
	return []vector{
		{"three cosignatures", good, all, "ok"},
		{"one cosignature", with(lines[0], lines[2]), all, "ok"},
		{"none, and the keys are given", with(lines[0]), all, "ok"},
		{"not judged", good, vkey, "ok"},
		{"out of order", with(lines[0], lines[2], lines[1]), all, "form"},
		{"the same line twice", with(lines[0], lines[1], lines[1]), all, "form"},
		{"one witness twice", with(lines[0], twice[0], twice[1]), all, "signature"},
		{"cosignature first", with(lines[1], lines[0]), all, "form"},
		{"another witness's name", with(lines[0], stolen), all, "signature"},
		{"a witness whose key was not given", good, strings.Join(keysOf(vkey, by[:2]), " "), "signature"},
		{"cosignatures alone", with(lines[1:]...), all, "form"},
		{"the log's signature twice", with(lines[0], lines[0]), all, "form"},
		{"seventeen", with(append([][]byte{lines[0]}, seventeen(head)...)...), vkey, "form"},
		{"sixteen, not judged", with(append([][]byte{lines[0]}, seventeen(head)[:16]...)...), vkey, "ok"},
		{"after the year 9999", with(lines[0], by[0].Cosign(head, time.Unix(253402300800, 0))), vkey, "form"},
	}
}

func seventeen(head ledger.Checkpoint) (lines [][]byte) {
	for i := range 17 {
		c, _ := ledger.NewCosigner(fmt.Sprintf("w%02d", i), bytes.Repeat([]byte{byte(i)}, 32)) // the name is well-formed
		lines = append(lines, c.Cosign(head, time.Unix(1, 0)))
	}
	return lines
}

func TestCosignedReceiptsAreJudgedAsWritten(t *testing.T) {
	for _, v := range cosignedCases(t) {
		got := "ok"
		if _, err := ledger.Verify(v.Text, strings.Fields(v.VKey)...); err != nil {
			got = check(err)
		}
		if got != v.Want {
			t.Errorf("%s: got %q, want %q", v.Name, got, v.Want)
		}
	}
}

func TestBrowserVerifierJudgesCosignatures(t *testing.T) {
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skip(err)
	}
	texts, vkey := receipts(t, 12)
	by := cosigners(t, 3)
	for i := range texts {
		texts[i] = cosign(t, texts[i], by...)
	}
	path, err := filepath.Abs(verifier)
	if err != nil {
		t.Fatal(err)
	}
	stride := 4
	if soak || os.Getenv("THIMBLE_REQUIRE_NODE") == "1" {
		stride = 1
	}
	in, err := json.Marshal(map[string]any{
		"vkey": strings.Join(keysOf(vkey, by), " "), "receipts": texts, "cases": cosignedCases(t), "every": soak, "stride": stride,
	})
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
		Opened          []*struct{ Cosigned []string }
	}
	if err := json.Unmarshal(out, &got); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if got.Accepted != len(texts) || len(got.Wrong) > 0 || len(got.Opened[0].Cosigned) != 3 || len(got.Opened[3].Cosigned) != 0 {
		t.Errorf("%d of %d accepted; wrong: %q", got.Accepted, len(texts), got.Wrong)
	}
	t.Logf("%d flips refused", got.Flips)
}

// B-3 of the security goals: at 10^9 leaves, with three cosignatures.
func TestCosignedReceiptStaysSmall(t *testing.T) {
	m := newMemlog(t, 1)
	o, err := ledger.Commit(ledger.Entry{Class: ledger.Decision, At: time.Unix(0, 0), Record: []byte("{}")}, [32]byte{})
	if err != nil {
		t.Fatal(err)
	}
	head, err := ledger.SignCheckpoint(m.signer, tlog.Tree{N: 1e9})
	if err != nil {
		t.Fatal(err)
	}
	text, err := (&ledger.Receipt{Opening: o, Index: 1e9 - 1, Proof: make(tlog.RecordProof, 30), Note: head.Note}).MarshalText()
	if err != nil {
		t.Fatal(err)
	}
	if text = cosign(t, text, cosigners(t, 3)...); len(text) > 2250 {
		t.Errorf("%d bytes and the record, want at most 2250", len(text))
	} else {
		t.Logf("%d bytes with a record of 2", len(text))
	}
}

func TestPolicySaysWhoMustHaveCosigned(t *testing.T) {
	by := cosigners(t, 5)
	var text strings.Builder
	fmt.Fprintf(&text, "# a comment\n\nlog %s https://shop.example/ledger\n", newMemlog(t, 1).signer.VerifierKey())
	for i, c := range by {
		fmt.Fprintf(&text, " \twitness W%d %s https://w%d.example \n", i+1, c.Key(), i+1)
	}
	text.WriteString("group X 2 W1 W2 W3\ngroup Y any W4 W5\ngroup Z all X Y\nquorum Z\n")
	p, err := ledger.ParsePolicy([]byte(text.String()))
	if err != nil || len(p.Logs) != 1 || len(p.Witnesses) != 5 || p.Witnesses[4].URL != "https://w5.example" {
		t.Fatal(p, err)
	}
	for set := range 1 << 5 {
		var sigs []ledger.Cosignature
		var n [5]int
		for i, c := range by {
			if set&(1<<i) != 0 {
				sigs, n[i] = append(sigs, ledger.Cosignature{Key: c.Key()}), 1
			}
		}
		if want := n[0]+n[1]+n[2] >= 2 && n[3]+n[4] >= 1; p.Met(sigs) != want {
			t.Errorf("cosigned by %v: %t, want %t", n, !want, want)
		}
	}

	m := newMemlog(t, 1)
	m.add(9)
	if _, err := p.Verify(cosign(t, m.receipt(3), by[0], by[2], by[4])); err != nil {
		t.Error(err)
	}
	for _, few := range [][]*ledger.Cosigner{nil, by[:2], {by[0], by[3]}} {
		if _, err := p.Verify(cosign(t, m.receipt(3), few...)); !errors.Is(err, ledger.ErrQuorum) {
			t.Errorf("%d cosignatures: got %v, want ErrQuorum", len(few), err)
		}
	}
}

func TestPolicyThatBreaksARuleIsRefused(t *testing.T) {
	by := cosigners(t, 3)
	w := func(i int) string { return fmt.Sprintf("witness W%d %s\n", i+1, by[i].Key()) }
	log := newMemlog(t, 1).signer.VerifierKey()
	for name, text := range map[string]string{
		"empty": "", "no quorum": w(0), "two quorums": "quorum none\nquorum none\n", "unknown quorum": "quorum W1\n",
		"quorum before its witness": "quorum W1\n" + w(0), "witness twice": w(0) + strings.Replace(w(0), "W1", "W2", 1) + "quorum none\n",
		"name twice":   w(0) + strings.Replace(w(1), "W2", "W1", 1) + "quorum none\n",
		"named none":   strings.Replace(w(0), "W1", "none", 1) + "quorum none\n",
		"log twice":    "log " + log + "\nlog " + log + "\nquorum none\n",
		"log's key":    "witness W1 " + log + "\nquorum none\n",
		"witness's":    "log " + by[0].Key().String() + "\nquorum none\n",
		"spoilt key":   strings.Replace(w(0), "/w1+", "/w2+", 1) + "quorum none\n",
		"none in":      "group G any none\nquorum G\n",
		"too many":     w(0) + "group G 2 W1\nquorum G\n",
		"zero":         w(0) + "group G 0 W1\nquorum G\n",
		"leading zero": w(0) + "group G 01 W1\nquorum G\n",
		"twice in":     w(0) + "group G 1 W1 W1\nquorum G\n",
		"in two":       w(0) + "group G any W1\ngroup H any W1\nquorum H\n",
		"itself":       "group G any G\nquorum G\n", "no members": "group G any\nquorum G\n",
		"other word": "monitor x\nquorum none\n", "control character": "quorum none\r\n", "form feed": "\fquorum none\n",
	} {
		if _, err := ledger.ParsePolicy([]byte(text)); !errors.Is(err, thimble.ErrInvalid) {
			t.Errorf("%s: got %v, want kind invalid", name, err)
		}
	}
}

func FuzzParsePolicy(f *testing.F) {
	f.Add([]byte("log x\nquorum none\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		if p, err := ledger.ParsePolicy(text); err == nil {
			p.Met(nil)
		} else if !errors.Is(err, thimble.ErrInvalid) {
			t.Fatal(err)
		}
	})
}

func FuzzParseAddCheckpoint(f *testing.F) {
	f.Add([]byte("old 0\n\nx\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n\n— x AAAA\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		req, _, err := ledger.ParseAddCheckpoint(text)
		if err != nil {
			return
		}
		if again, err := req.MarshalText(); err != nil || !bytes.Equal(again, text) {
			t.Fatal("two spellings of one request")
		}
	})
}
