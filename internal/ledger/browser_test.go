package ledger_test

import (
	"bytes"
	"compress/gzip"
	"encoding/hex"
	"encoding/json"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"thimble/internal/ledger"
)

var update = flag.Bool("update", false, "write the golden files anew")

const verifier = "ledgerweb/assets/verify.js"

// A vector is one receipt and the verdict on it: "ok", or the check that fails.
type vector struct {
	Name string `json:"name"`
	Text []byte `json:"text"`
	VKey string `json:"vkey"`
	Want string `json:"want"`
}

// vectors are receipts that each verifier must judge alike.
func vectors(t *testing.T) []vector {
	m := newMemlog(t, 1)
	m.add(1)
	first := m.receipt(0)
	m.add(299)
	vkey := m.signer.VerifierKey()
	good := m.receipt(123)
	return slices.Concat([]vector{
		{"only leaf", first, vkey, "ok"},
		{"leaf of many", good, vkey, "ok"},
		{"last leaf", m.receipt(299), vkey, "ok"},
		{"class from a newer version", m.foreign(t, 77), vkey, "ok"},
	}, m.misspelt(t, good), m.untrue(t, good), batchVectors(t))
}

// editor changes a receipt's text, and its parts.
func editor(t *testing.T, good []byte) (edit func(old, new string) []byte, with func(func(*ledger.Receipt)) []byte) {
	edit = func(old, new string) []byte {
		if !bytes.Contains(good, []byte(old)) {
			t.Fatalf("the receipt has no %q", old)
		}
		return bytes.Replace(good, []byte(old), []byte(new), 1)
	}
	with = func(change func(*ledger.Receipt)) []byte {
		r, err := ledger.ParseReceipt(good)
		if err != nil {
			t.Fatal(err)
		}
		change(r)
		text, err := r.MarshalText()
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	return edit, with
}

// misspelt are texts that are no receipts, whatever they say.
func (m *memlog) misspelt(t *testing.T, good []byte) []vector {
	edit, with := editor(t, good)
	vkey := m.signer.VerifierKey()
	text, _, _ := strings.Cut(string(m.head().Note), "\n\n")
	signedTwice, err := note.Sign(&note.Note{Text: text + "\n"}, m.signer, newMemlog(t, 2).signer)
	if err != nil {
		t.Fatal(err)
	}
	return []vector{
		{"empty", []byte{}, vkey, "form"},
		{"byte order mark", append([]byte("\ufeff"), good...), vkey, "form"},
		{"line ends of Windows", bytes.ReplaceAll(good, []byte("\n"), []byte("\r\n")), vkey, "form"},
		{"trailing line", append(bytes.Clone(good), '\n'), vkey, "form"},
		{"no last line end", good[:len(good)-1], vkey, "form"},
		{"other version", edit("proof@v1", "proof@v2"), vkey, "form"},
		{"no extra", edit("extra ", "extrb "), vkey, "form"},
		{"leading zero in the index", edit("index 123", "index 0123"), vkey, "form"},
		{"index with a sign", edit("index 123", "index +123"), vkey, "form"},
		{"index beyond 15 digits", edit("index 123", "index 1234567890123456"), vkey, "form"},
		{"size with a leading zero", edit("\n300\n", "\n0300\n"), vkey, "form"},
		{"extension line", edit("\n300\n", "\n300\nmore\n"), vkey, "form"},
		{"two signatures", with(func(r *ledger.Receipt) { r.Note = signedTwice }), vkey, "form"},
		{"signed in another name", edit("— shop.example/ledger", "— shop.example/ledges"), vkey, "form"},
		{"stray bits in base64", with(func(r *ledger.Receipt) { r.Note = bytes.Replace(r.Note, []byte("=\n\n"), []byte("A\n\n"), 1) }), vkey, "form"},
		{"opening too short", with(func(r *ledger.Receipt) { r.Note = bytes.Clone(r.Note) })[:80], vkey, "form"},
		{"leaf of another version", with(func(r *ledger.Receipt) { r.Opening.Leaf = append([]byte{2}, r.Opening.Leaf[1:]...) }), vkey, "form"},
	}
}

// untrue are receipts in good form that prove nothing.
func (m *memlog) untrue(t *testing.T, good []byte) []vector {
	edit, with := editor(t, good)
	vkey := m.signer.VerifierKey()
	notJSON := m.openings[123]
	notJSON.Record = []byte("{")
	return []vector{
		{"another record", with(func(r *ledger.Receipt) { r.Opening.Record = []byte(`{"n":0}`) }), vkey, "opening"},
		{"record is not JSON", with(func(r *ledger.Receipt) { r.Opening = notJSON }), vkey, "opening"},
		{"another salt", with(func(r *ledger.Receipt) { r.Opening.Salt = make([]byte, 32) }), vkey, "opening"},
		{"another index", edit("index 123", "index 122"), vkey, "inclusion"},
		{"index outside of the tree", edit("index 123", "index 300"), vkey, "inclusion"},
		{"another size", edit("\n300\n", "\n200\n"), vkey, "inclusion"},
		// The path from leaf 123 looks the same: only the signature knows.
		{"size of the same shape", edit("\n300\n", "\n299\n"), vkey, "signature"},
		{"empty tree", edit("\n300\n", "\n0\n"), vkey, "inclusion"},
		{"proof too short", with(func(r *ledger.Receipt) { r.Proof = r.Proof[1:] }), vkey, "inclusion"},
		{"proof too long", with(func(r *ledger.Receipt) { r.Proof = append(r.Proof[:len(r.Proof):len(r.Proof)], tlog.Hash{}) }), vkey, "inclusion"},
		{"another leaf's opening", with(func(r *ledger.Receipt) { r.Opening = m.openings[122] }), vkey, "inclusion"},
		{"another log's key", good, newMemlog(t, 2).signer.VerifierKey(), "signature"},
		{"another key id", with(func(r *ledger.Receipt) { r.Note = bytes.Replace(r.Note, lastLine(r.Note), lastLine(forged(t, m)), 1) }), vkey, "signature"},
	}
}

// foreign is a receipt for a leaf whose class this version does not know.
func (m *memlog) foreign(t *testing.T, class byte) []byte {
	fork := newMemlog(t, 1)
	fork.add(3)
	o := fork.openings[2]
	o.Leaf = bytes.Clone(o.Leaf)
	o.Leaf[1] = class
	fork.openings = append(fork.openings, o)
	fork.push(o.Leaf)
	return fork.receipt(3)
}

// forged is the same head signed with another key in the same name.
func forged(t *testing.T, m *memlog) []byte {
	head, err := ledger.SignCheckpoint(newMemlog(t, 2).signer, m.tree.Head())
	if err != nil {
		t.Fatal(err)
	}
	return head.Note
}

func lastLine(text []byte) []byte {
	return text[bytes.LastIndexByte(text[:len(text)-1], '\n'):]
}

func TestVectorsAreJudgedAsWritten(t *testing.T) {
	const golden = "testdata/vectors.json"
	made, err := json.MarshalIndent(vectors(t), "", "\t")
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(golden, made, 0o644); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile("testdata/example.tlog-proof", vectors(t)[1].Text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	kept, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(made, kept) {
		t.Error("receipts are written in another way than before: old ones must stay valid")
	}
	var all []vector
	if err := json.Unmarshal(kept, &all); err != nil {
		t.Fatal(err)
	}
	for _, v := range all {
		got := "ok"
		if _, err := ledger.Verify(v.Text, v.VKey); err != nil {
			got = check(err)
		}
		if got != v.Want {
			t.Errorf("%s: got %q, want %q", v.Name, got, v.Want)
		}
	}
}

// The verifier in the browser and the one in Go agree on every vector, and
// neither lets one flipped bit pass in any byte of 200 receipts. Node takes 40 s
// for all bytes: where it is not required, each receipt has every eighth byte
// flipped, beginning with another one.
func TestBrowserVerifierAgrees(t *testing.T) {
	node, err := exec.LookPath("node")
	if err != nil {
		if os.Getenv("THIMBLE_REQUIRE_NODE") == "1" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	n := 200
	if testing.Short() {
		n = 5
	}
	texts, vkey := receipts(t, n)
	all, stride := vectors(t), 8
	if soak || os.Getenv("THIMBLE_REQUIRE_NODE") == "1" {
		stride = 1
	}
	path, err := filepath.Abs(verifier)
	if err != nil {
		t.Fatal(err)
	}
	in, err := json.Marshal(map[string]any{"vkey": vkey, "receipts": texts, "cases": all, "every": soak, "stride": stride})
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), node, "testdata/verify_test.mjs", path)
	cmd.Stdin = bytes.NewReader(in)
	out, err := cmd.Output()
	if err != nil {
		if exit, ok := err.(*exec.ExitError); ok {
			t.Fatalf("%v\n%s", err, exit.Stderr)
		}
		t.Fatal(err)
	}
	var got struct {
		Accepted, Flips int
		Opened          []*openedJS
		Wrong           []string
	}
	if err := json.Unmarshal(out, &got); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if got.Accepted != n || len(got.Wrong) > 0 {
		t.Errorf("%d of %d receipts accepted; wrong: %q", got.Accepted, n, got.Wrong)
	}
	t.Logf("%d flips refused", got.Flips)
	for i, v := range all {
		if v.Want != "ok" {
			continue
		}
		opened, err := ledger.Verify(v.Text, v.VKey)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(inJS(t, opened), got.Opened[i]); diff != "" {
			t.Errorf("%s: Go (-) and JavaScript (+) differ:\n%s", v.Name, diff)
		}
	}
}

type openedJS struct {
	OK            bool
	Class, Hour   string
	Model, Policy string
	Record        any
	Index, Size   int64
	Root, Origin  string
}

func inJS(t *testing.T, o ledger.Opened) *openedJS {
	js := &openedJS{
		OK: true, Class: o.Class.String(), Hour: o.Hour.Format("2006-01-02T15:04:05.000Z"),
		Model: hex.EncodeToString(o.Model[:]), Policy: hex.EncodeToString(o.Policy[:]),
		Index: o.Index, Size: o.Size, Root: o.Root.String(), Origin: o.Origin,
	}
	if err := json.Unmarshal(o.Record, &js.Record); err != nil {
		t.Fatal(err)
	}
	return js
}

// The words of the classes are written three times; they must not drift apart.
func TestBrowserKnowsEveryClass(t *testing.T) {
	source, err := os.ReadFile(verifier)
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile("ledgerweb/assets/verify-page.js")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, c := range ledger.Classes() {
		for len(names)+1 < int(c) {
			names = append(names, "") // a number that no class has
		}
		names = append(names, "'"+c.String()+"'")
		if !regexp.MustCompile(`\W` + c.String() + `\W{1,2} '`).Match(page) {
			t.Errorf("verify-page.js has no words for %s", c)
		}
	}
	if want := "const classes = [, " + strings.Join(names, ", ") + "]\n"; !bytes.Contains(source, []byte(want)) {
		t.Errorf("verify.js lacks the line %s", want)
	}
}

func TestBrowserVerifierIsSmallAndAlone(t *testing.T) {
	source, err := os.ReadFile(verifier)
	if err != nil {
		t.Fatal(err)
	}
	var w bytes.Buffer
	z, err := gzip.NewWriterLevel(&w, gzip.BestCompression)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := z.Write(source); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	if w.Len() > 2200 {
		t.Errorf("verify.js has %d bytes gzipped, want at most 2200", w.Len())
	}
	t.Logf("%d bytes, %d gzipped", len(source), w.Len())
	for _, word := range []string{"import ", "import(", "fetch", "XMLHttpRequest", "eval", "Function("} {
		if bytes.Contains(source, []byte(word)) {
			t.Errorf("verify.js contains %q", word)
		}
	}
}
