package certificate_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"thimble/internal/ledger"
	"thimble/internal/rights/certificate"
	"thimble/internal/rights/rightsweb"
)

const seed = 20261130

var soak = os.Getenv("THIMBLE_SOAK") != ""

// A shop is a log in memory that issues certificates.
type shop struct {
	t      testing.TB
	signer *ledger.Signer
}

func newShop(t testing.TB, secret byte) shop {
	t.Helper()
	s, err := ledger.NewSigner("shop.example/ledger", bytes.Repeat([]byte{secret}, 32))
	if err != nil {
		t.Fatal(err)
	}
	return shop{t, s}
}

func hex(n int) string { return fmt.Sprintf("%064x", n+0xabc) }

// statement is one with every field in it.
func statement() certificate.Statement {
	at := time.Date(2026, 11, 30, 6, 12, 13, 456000, time.UTC)
	return certificate.Statement{
		Certificate: certificate.Kind, Request: "req_00", Issue: 2, Asked: at, Done: at.Add(time.Second), Issued: at.Add(time.Minute), Report: hex(1), Resumed: true,
		Holders:    []certificate.Holder{{"subject", 3}, {"order", 1204}, {"recommend", 0}},
		Keys:       certificate.Keys{Hashes: []string{hex(2), hex(3)}, Scanned: true},
		Models:     []certificate.Model{{"item-item", []certificate.Version{{7, "champion", hex(4)}, {6, "retired", hex(5)}, {8, "shadow", hex(6)}}, []certificate.Version{{9, "champion", hex(7)}}}},
		Recipients: []certificate.Recipient{{Name: "Parcels & Söhne <Nord>", Notice: "msg_1", State: certificate.Acknowledged, At: at.Add(30 * time.Second)}, {Name: "Night Vans", Notice: "msg_2", State: certificate.Unreachable, At: at, Why: "410"}},
		Kept:       []certificate.Kept{{"subject", "keyed hash of an identifier, to recognise it on a list", 3, "GDPR Art. 21(3)"}},
		Backups:    certificate.Backups{UnreadableAfter: at.AddDate(0, 0, 31), Why: "the keys of the day die"},
		Beyond:     []string{"systems outside of this shop that no recipient stands for"},
	}
}

// entry puts a record into a log among others, and returns its receipt.
func (s shop) entry(class ledger.Class, record []byte) *ledger.Receipt {
	s.t.Helper()
	tree, err := ledger.NewTree(0, nil)
	s.must(err)
	var hashes hashes
	var mine ledger.Opening
	for i := range 5 {
		e := ledger.Entry{Class: class, At: time.Unix(1_795_000_000, 0), Record: record}
		if i != 3 {
			e.Record = []byte(`{"n":1}`)
		}
		o, err := ledger.Commit(e, [32]byte{byte(i), 9})
		s.must(err)
		if i == 3 {
			mine = o
		}
		hashes = tree.Append(hashes, o.Hash())
	}
	head, err := ledger.SignCheckpoint(s.signer, tree.Head())
	s.must(err)
	proof, err := tlog.ProveRecord(5, 3, hashes)
	s.must(err)
	return &ledger.Receipt{Opening: mine, Index: 3, Proof: proof, Note: head.Note}
}

type hashes []tlog.Hash

func (h hashes) ReadHashes(at []int64) (all []tlog.Hash, err error) {
	for _, i := range at {
		all = append(all, h[i])
	}
	return all, nil
}

func (s shop) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s shop) issue(class ledger.Class, st certificate.Statement) []byte {
	s.t.Helper()
	record, err := st.Bytes()
	s.must(err)
	text, err := certificate.Write(s.entry(class, record))
	s.must(err)
	return text
}

// A vector is a file, and what verifiers say of it: "ok", or how the reason begins.
type vector struct {
	Name string `json:"name"`
	Text []byte `json:"text"`
	Want string `json:"want"`
}

// vectors are what was done to a certificate by somebody who has no key of the log.
func vectors(t *testing.T) (all []vector) {
	s := newShop(t, 1)
	good := s.issue(ledger.Erasure, statement())
	edit := func(old, new string) []byte {
		if !bytes.Contains(good, []byte(old)) {
			t.Fatalf("the certificate has no %q:\n%s", old, good)
		}
		return bytes.Replace(good, []byte(old), []byte(new), 1)
	}
	other := func(change func(*certificate.Statement)) []byte {
		st := statement()
		change(&st)
		return s.issue(ledger.Erasure, st)
	}
	foreign := newShop(t, 2).issue(ledger.Erasure, statement())
	return []vector{
		{"as it was issued", good, "ok"},
		{"without recipients, models and kept records", other(func(st *certificate.Statement) { st.Recipients, st.Models, st.Kept = nil, nil, nil }), "ok"},
		{"empty", nil, "form"},
		{"a receipt", []byte("c2sp.org/tlog-proof@v1\n"), "form"},
		{"a byte order mark", append([]byte("\ufeff"), good...), "form"},
		{"another blank", edit(`"issue": 2`, `"issue":  2`), "form"},
		{"no last line end", good[:len(good)-1], "form"},
		{"cut off", good[:len(good)/2], "form"},
		{"a field more", edit(`"resumed": true,`, `"resumed": true,`+"\n    "+`"note": "x",`), "form"},
		{"a field twice", edit(`"issue": 2,`, `"issue": 1,`+"\n    "+`"issue": 2,`), "form"},
		{"a count", edit(`"erased": 1204`, `"erased": 1205`), "statement: holders[1].erased"},
		{"a date", edit("2026-12-31T", "2026-12-01T"), "statement: backups.unreadable_after"},
		{"a state", edit(`"state": "unreachable"`, `"state": "acknowledged"`), "statement: recipients[1].state"},
		{"a law", edit("GDPR Art. 21(3)", "GDPR Art. 17(3)"), "statement: kept[0].law"},
		{"the hash of a model", edit(hex(7), hex(8)), "statement: models[0].after[0].weights_sha256"},
		{"a key's hash", edit(hex(3), hex(9)), "statement: keys.sha256[1]"},
		{"a holder taken out", edit("      {\n        \"holder\": \"order\",\n        \"erased\": 1204\n      },\n", ""), "statement: holders"},
		{"the request", edit(`"request": "req_00"`, `"request": "req_01"`), "statement: request"},
		{"what it does not cover", edit("outside of this shop", "outside of that shop"), "statement: not_covered[0]"},
		{"the receipt's index", edit(`"index 3"`, `"index 2"`), "inclusion"},
		{"another log's signature", foreign, "signature"},
		{"an entry of another class", s.issue(ledger.Model, statement()), "sense"},
		{"no key destroyed", other(func(st *certificate.Statement) { st.Keys.Hashes = nil }), "sense: keys"},
		{"done before it was asked", other(func(st *certificate.Statement) { st.Done = st.Asked.Add(-time.Hour) }), "sense: asked"},
		{"nobody asked", other(func(st *certificate.Statement) { st.Holders = nil }), "sense: holders"},
		{"it covers everything", other(func(st *certificate.Statement) { st.Beyond = nil }), "sense: not_covered"},
		{"an unknown state", other(func(st *certificate.Statement) { st.Recipients[0].State = "fine" }), "sense: recipients"},
	}
}

// said is how an error begins, without the package's word.
func said(err error) string {
	if err == nil {
		return "ok"
	}
	_, text, _ := strings.Cut(err.Error(), ": ")
	for _, e := range []error{certificate.ErrStatement, certificate.ErrSense} {
		if errors.Is(err, e) {
			_, what, _ := strings.Cut(err.Error(), "): ")
			text = strings.SplitN(text, ":", 2)[0] + ": " + what
		}
	}
	return text
}

func TestATamperedCertificateIsRefusedWithTheFieldThatWasChanged(t *testing.T) {
	key := newShop(t, 1).signer.VerifierKey()
	for _, v := range vectors(t) {
		_, err := certificate.Verify(v.Text, key)
		if got := said(err); !strings.HasPrefix(got, v.Want) {
			t.Errorf("%s: got %q, want %q", v.Name, got, v.Want)
		}
	}
}

// bits are those that are flipped: a seeded sample, or 10^5 in a soak; a file that has
// fewer has all of them flipped.
func bits(t *testing.T, size int) (all []int) {
	n := 4000
	if soak {
		n = 100_000
	}
	chance := rand.New(rand.NewPCG(seed, 1))
	all = chance.Perm(size * 8)
	t.Logf("%d bits of %d are flipped, seed %d", min(n, len(all)), size*8, seed)
	return all[:min(n, len(all))]
}

func TestEverySingleFlippedBitIsRefused(t *testing.T) {
	s := newShop(t, 1)
	st := statement()
	for i := range 100 { // long enough for 10^5 bits of the soak
		st.Holders = append(st.Holders, certificate.Holder{Holder: fmt.Sprintf("holder-%d", i), Erased: int64(i)})
	}
	good := s.issue(ledger.Erasure, st)
	key := s.signer.VerifierKey()
	if _, err := certificate.Verify(good, key); err != nil {
		t.Fatal(err)
	}
	for _, bit := range bits(t, len(good)) {
		bad := bytes.Clone(good)
		bad[bit/8] ^= 1 << (bit % 8)
		if _, err := certificate.Verify(bad, key); err == nil {
			t.Errorf("bit %d of byte %d: the certificate passes", bit%8, bit/8)
		}
	}
}

func TestTheBrowserJudgesCertificatesAlike(t *testing.T) {
	folder := t.TempDir()
	for _, from := range []string{"../rightsweb/assets/certificate.js", "../../ledger/ledgerweb/assets/verify.js"} {
		text, err := os.ReadFile(from)
		if err == nil {
			err = os.WriteFile(filepath.Join(folder, filepath.Base(from)), text, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(folder, "package.json"), []byte(`{"type":"module"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	all := vectors(t)
	flips := bits(t, len(all[0].Text))
	if !soak {
		flips = flips[:500]
	}
	var got struct {
		Verdicts []string
		Passed   []int
	}
	underNode(t, "verify_test.mjs", map[string]any{"folder": folder, "vkey": newShop(t, 1).signer.VerifierKey(), "cases": all, "flips": flips}, &got)
	for i, v := range all {
		if !strings.HasPrefix(got.Verdicts[i], v.Want) {
			t.Errorf("%s: got %q, want %q", v.Name, got.Verdicts[i], v.Want)
		}
	}
	if len(got.Passed) > 0 {
		t.Errorf("flipped bits pass: %v (seed %d)", got.Passed, seed)
	}
}

// underNode runs a script of testdata on an input, and reads what it prints.
func underNode(t *testing.T, script string, input, into any) {
	t.Helper()
	node, err := exec.LookPath("node")
	if err != nil {
		if os.Getenv("THIMBLE_REQUIRE_NODE") == "1" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	in, err := json.Marshal(input)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), node, "testdata/"+script)
	cmd.Stdin = bytes.NewReader(in)
	out, err := cmd.Output()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		t.Fatalf("%v\n%s", err, exit.Stderr)
	}
	if err == nil {
		err = json.Unmarshal(out, into)
	}
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}

// The page is one file: its script is the verifier, the check of certificates and what
// shows them, one after the other.
func TestTheOfflinePageShowsEachLineAndTheFieldThatWasChanged(t *testing.T) {
	s := newShop(t, 1)
	page := string(rightsweb.OfflineCheck(s.signer.VerifierKey()))
	_, script, _ := strings.Cut(page, `<script type="module">`)
	script, _, ok := strings.Cut(script, "</script>")
	if !ok || !strings.Contains(page, s.signer.VerifierKey()) || !strings.Contains(page, "script-src 'sha256-") || strings.Contains(page, "'self'") {
		t.Fatal("the page is not one file that runs its own script only")
	}
	good := s.issue(ledger.Erasure, statement())
	bad := bytes.Replace(good, []byte(`"erased": 1204`), []byte(`"erased": 1205`), 1)
	var got []struct {
		Verdict, Why  string
		Lines, Checks []string
	}
	underNode(t, "page_test.mjs", map[string]any{"at": filepath.Join(t.TempDir(), "page.mjs"), "script": script, "vkey": s.signer.VerifierKey(), "files": [][]byte{good, bad}}, &got)
	if got[0].Verdict != "This certificate is genuine." || len(got[0].Checks) != 6 || slices.Contains(got[0].Checks, "failed") || len(got[0].Lines) < 12 {
		t.Errorf("a good one: %+v", got[0])
	}
	for _, want := range []string{"order: 1204 destroyed", "Night Vans was told (msg_2): unreachable, 410", "Kept by subject", "Not covered: systems outside", "unreadable after 2026-12-31", "Keys destroyed: " + hex(2)} {
		if !slices.ContainsFunc(got[0].Lines, func(l string) bool { return strings.Contains(l, want) && strings.HasSuffix(l, "passed") }) {
			t.Errorf("no line says %q: %q", want, got[0].Lines)
		}
	}
	if got[1].Verdict != "This certificate did not pass." || !strings.HasSuffix(got[1].Why, "holders[1].erased") || len(got[1].Lines) > 0 {
		t.Errorf("a changed one: %+v", got[1])
	}
}

func TestNamesAreWrittenInOneWay(t *testing.T) {
	for in, want := range map[string]string{"Söhne\u2028 & Co": "Söhne  & Co", "a\nb\x00": "a b ", "x\xffy": "x y", "<b>": "<b>"} {
		if got := certificate.Plain(in); got != want {
			t.Errorf("Plain(%q) = %q, want %q", in, got, want)
		}
	}
}
