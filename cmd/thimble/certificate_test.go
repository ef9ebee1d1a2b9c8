package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"thimble"
	"thimble/internal/rights"
	"thimble/internal/rights/certificate"
	"thimble/internal/thimbletest"
)

// certificateOf is the newest certificate of an erasure.
func certificateOf(t *testing.T, s *thimbletest.Shop, request string) []byte {
	t.Helper()
	s.Works()
	id, err := thimble.ParseID(rights.TokenPrefix, request)
	if err != nil {
		t.Fatal(err)
	}
	o, err := s.Requests.Certificate(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	r, err := s.Ledger.Receipt(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	text, err := certificate.Write(r)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestACertificateIsCheckedOfflineByAStranger(t *testing.T) {
	program := binary(t)
	s := thimbletest.New(t)
	ada := s.Subject("ada")
	s.Buys(ada, "shirt")
	text := certificateOf(t, s, s.Erase(ada).Request)
	key := s.Ledger.VerifierKey()
	verify := func(text []byte, more ...string) (string, error) {
		t.Helper()
		file := filepath.Join(t.TempDir(), "certificate.json")
		if err := os.WriteFile(file, text, 0o600); err != nil {
			t.Fatal(err)
		}
		out, err := exec.Command(program, append([]string{"verify", "certificate", file}, more...)...).CombinedOutput()
		return string(out), err
	}
	out, err := verify(text, "--key", key)
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, want := range []string{"The certificate is genuine", "holder     order: 1 destroyed", "keys       ", "kept       subject: 1 × keyed hash", "backups    unreadable after", "not covered: "} {
		if !strings.Contains(out, want) {
			t.Errorf("it does not say %q:\n%s", want, out)
		}
	}
	for name, tc := range map[string]struct {
		text []byte
		key  []string
		says string
	}{
		"a changed count": {bytes.Replace(text, []byte(`"holder": "order",
        "erased": 1`), []byte(`"holder": "order",
        "erased": 2`), 1), []string{"--key", key}, "the file says 2, the log 1"},
		"another log's key": {text, []string{"--key", "shop.example/ledger+ec35bd9a+AbFwP+PP1Nsk0PeUZodbjMg8A9Bf9MmCe8FMRPffMyKD"}, "signature"},
		"no key":            {text, nil, "--key is needed"},
		"no certificate":    {[]byte("{}\n"), []string{"--key", key}, "form"},
	} {
		if out, err := verify(tc.text, tc.key...); err == nil || !strings.Contains(out, tc.says) || strings.Contains(out, "genuine") {
			t.Errorf("%s: %v\n%s", name, err, out)
		}
	}
}
