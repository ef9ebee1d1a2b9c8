package main

import (
	"bytes"
	"context"
	"flag"
	"io"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"thimble/internal/ledger"
)

// said is a writer that another goroutine may read.
type said struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *said) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *said) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

func TestWitnessServesAndPrintsItsPolicyLine(t *testing.T) {
	signer, err := ledger.NewSigner("shop.example/ledger", make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	out := &said{}
	c := &call{flags: flag.NewFlagSet("witness", flag.ContinueOnError), settings: map[string]string{"listen": "localhost:0", "data": t.TempDir()}, out: out, err: io.Discard}
	witnessFlags(c.flags)
	if err := witness(t.Context(), c); err == nil || !strings.Contains(err.Error(), "--name") {
		t.Errorf("without a name: got %v", err)
	}
	if err := c.flags.Parse([]string{"--name", "witness.example/w1", "--log", signer.VerifierKey()}); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- witness(ctx, c) }()
	line := regexp.MustCompile(`(?m)^witness .* http://.*$`)
	for began := time.Now(); line.FindString(out.String()) == ""; time.Sleep(5 * time.Millisecond) {
		if time.Since(began) > 10*time.Second {
			t.Fatalf("it says %q", out.String())
		}
	}
	p, err := ledger.ParsePolicy([]byte(line.FindString(out.String()) + "\nquorum none\n"))
	if err != nil || len(p.Witnesses) != 1 {
		t.Fatal(p, err)
	}
	res, err := http.Get(p.Witnesses[0].URL + "/key")
	if err != nil {
		t.Fatal(err)
	}
	key, _ := io.ReadAll(res.Body)
	res.Body.Close()
	if string(key) != p.Witnesses[0].Key.String()+"\n" {
		t.Errorf("key = %q", key)
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
