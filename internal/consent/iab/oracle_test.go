package iab_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"thimble/internal/consent/iab/gpp"
	"thimble/internal/consent/iab/tcf"
)

// installing bounds how long the reference packages may take to come.
const installing = time.Minute

// oracle returns a folder with the reference packages, or ends the test: by
// skipping it, and with THIMBLE_REQUIRE_NODE=1 by failing it.
func oracle(t *testing.T) string {
	t.Helper()
	missing := t.Skipf
	if os.Getenv("THIMBLE_REQUIRE_NODE") == "1" {
		missing = t.Fatalf
	}
	for _, tool := range []string{"node", "npm"} {
		if _, err := exec.LookPath(tool); err != nil {
			missing("%v", err)
		}
	}
	var all []byte
	for _, name := range []string{"package.json", "package-lock.json", "oracle.mjs"} {
		b, err := os.ReadFile("testdata/oracle/" + name)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, b...)
	}
	// Kept between runs in the folder that git ignores; its name follows the content.
	folder, err := filepath.Abs(fmt.Sprintf("../../../.cache/iab-oracle-%x", sha256.Sum256(all))[:len("../../../.cache/iab-oracle-")+16])
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(folder); err == nil {
		return folder
	}
	fresh, err := os.MkdirTemp(must(os.MkdirAll(filepath.Dir(folder), 0o755), filepath.Dir(folder))(t), "iab-oracle-")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(fresh, os.DirFS("testdata/oracle")); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), installing)
	defer cancel()
	npm := exec.CommandContext(ctx, "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline")
	npm.Dir, npm.WaitDelay = fresh, time.Second
	if out, err := npm.CombinedOutput(); err != nil {
		_ = os.RemoveAll(fresh)
		missing("the reference packages cannot be had: %v\n%s", err, out)
	}
	if err := os.Rename(fresh, folder); err != nil { // another test was quicker
		_ = os.RemoveAll(fresh)
	}
	return folder
}

func must[T any](err error, v T) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

type question struct {
	Op     string         `json:"op"`
	Kind   string         `json:"kind"`
	String string         `json:"string,omitempty"`
	Fields map[string]any `json:"fields,omitempty"`
}

type answer struct {
	String string
	Fields map[string]any
	Error  string
}

func ask(t *testing.T, folder string, all []question) []answer {
	t.Helper()
	var in bytes.Buffer
	for _, q := range all {
		if err := json.NewEncoder(&in).Encode(q); err != nil {
			t.Fatal(err)
		}
	}
	node := exec.CommandContext(t.Context(), "node", "oracle.mjs")
	var complaints bytes.Buffer
	node.Dir, node.Stdin, node.Stderr = folder, &in, &complaints
	out, err := node.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, complaints.Bytes())
	}
	answers := make([]answer, 0, len(all))
	for d := json.NewDecoder(bytes.NewReader(out)); d.More(); {
		var a answer
		if err := d.Decode(&a); err != nil {
			t.Fatal(err)
		}
		answers = append(answers, a)
	}
	if len(answers) != len(all) {
		t.Fatalf("%d answers to %d questions\n%s", len(answers), len(all), complaints.Bytes())
	}
	return answers
}

// seed is fixed, so that a failure comes back.
const seed = 20261122

func drawn() int {
	if os.Getenv("THIMBLE_SOAK") != "" {
		return 100_000
	}
	return 1000
}

// batches keeps the memory of node bounded.
const batch = 5000

// agree draws n strings. The reference must read of ours, and we of its, the same
// fields. A nil result of ours says that the reference does not write such strings.
func agree(t *testing.T, kind string, draw func(m maker) (fields map[string]any, ours string, theirs map[string]any), read func(string) (map[string]any, error)) {
	folder, m, n := oracle(t), draws(seed), drawn()
	t.Logf("seed %d, %d strings each way", seed, n)
	same := 0
	for done := 0; done < n; done += batch {
		var questions []question
		var fields []map[string]any
		for range min(batch, n-done) {
			f, ours, theirs := draw(m)
			questions = append(questions, question{Op: "decode", Kind: kind, String: ours}, question{Op: "encode", Kind: kind, Fields: theirs})
			fields = append(fields, f, theirs)
		}
		for i, a := range ask(t, folder, questions) {
			q := questions[i]
			if a.Error != "" {
				t.Fatalf("string %d: the reference cannot %s it: %s\n%s", done+i/2, q.Op, a.Error, q.String)
			}
			got := a.Fields
			if q.Op == "encode" {
				if a.String == questions[i-1].String {
					same++
				}
				var err error
				if got, err = read(a.String); err != nil {
					t.Fatalf("string %d: we cannot read the reference's: %v\n%s", done+i/2, err, a.String)
				}
			}
			if !reflect.DeepEqual(fields[i], got) { // quicker than cmp
				t.Fatalf("string %d, %s: drawn (-) and read (+):\n%s\n%s%s", done+i/2, q.Op, cmp.Diff(fields[i], got), q.String, a.String)
			}
		}
	}
	t.Logf("%d of %d strings are written byte for byte as the reference writes them", same, n)
}

func TestTCStringsAgreeWithTheReference(t *testing.T) {
	agree(t, "tcf", func(m maker) (map[string]any, string, map[string]any) {
		s := m.tc()
		text, err := s.Encode()
		if err != nil {
			t.Fatal(err)
		}
		return tcFields(s), text, tcFields(s)
	}, func(text string) (map[string]any, error) {
		s, err := tcf.Decode(text)
		if err != nil {
			return nil, err
		}
		return tcFields(s), nil
	})
}

func TestGPPStringsAgreeWithTheReference(t *testing.T) {
	agree(t, "gpp", func(m maker) (map[string]any, string, map[string]any) {
		s := m.gpp()
		for i := range s.Sections {
			if one := &s.Sections[i]; one.EU != nil {
				asReference(one.EU)
			}
		}
		text, err := s.Encode()
		if err != nil {
			t.Fatal(err)
		}
		return gppFields(s), text, gppFields(s)
	}, func(text string) (map[string]any, error) {
		s, err := gpp.Decode(text)
		if err != nil {
			return nil, err
		}
		return gppFields(s), nil
	})
}

// asReference narrows a TC string to what the reference's GPP model can write.
func asReference(s *tcf.String) {
	s.ServiceSpecific, s.Updated = true, s.Created
	s.Interests &^= tcf.NewBits(1, 3, 4, 5, 6)
	s.Allowed, s.HasAllowed = nil, false
}
