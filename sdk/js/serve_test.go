package js

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// budget is what the module may weigh on the wire.
const budget = 8000

// rankBudget is what the module that ranks may weigh.
const rankBudget = 6000

func get(t *testing.T, path string, header ...string) *http.Response {
	t.Helper()
	h, err := Handler()
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest(http.MethodGet, path, nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result()
}

func TestTheModuleWeighsAtMostEightKilobytes(t *testing.T) {
	r := get(t, Current, "Accept-Encoding", "gzip")
	body, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d bytes, %d compressed, of %d", len(module), len(body), budget)
	if r.Header.Get("Content-Encoding") != "gzip" || len(body) == 0 || len(body) > budget {
		t.Errorf("%d bytes compressed, want at most %d", len(body), budget)
	}
	z, err := gzip.NewReader(bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if plain, err := io.ReadAll(z); err != nil || !bytes.Equal(plain, module) {
		t.Errorf("what is served compressed is not the module: %v", err)
	}
}

func TestTheModuleThatRanksWeighsAtMostSixKilobytes(t *testing.T) {
	r := get(t, Rank, "Accept-Encoding", "gzip")
	body, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d bytes, %d compressed, of %d", len(rank), len(body), rankBudget)
	if r.Header.Get("Content-Encoding") != "gzip" || len(body) == 0 || len(body) > rankBudget {
		t.Errorf("%d bytes compressed, want at most %d", len(body), rankBudget)
	}
}

// The tool that builds has a module of its own; this test needs nothing but the sources.
func TestTheModuleIsMadeFromTheSourcesBesideIt(t *testing.T) {
	files, err := filepath.Glob("src/*.ts")
	if err != nil || len(files) < 5 {
		t.Fatalf("sources: %q, %v", files, err)
	}
	slices.Sort(files)
	h := sha256.New()
	for _, file := range append([]string{"package.json"}, files...) {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256(b)
		h.Write([]byte(filepath.Base(file) + "\x00"))
		h.Write(sum[:])
	}
	if got, want := made().Sources, hex.EncodeToString(h.Sum(nil)); got != want {
		t.Error("dist is older than src: run make sdk")
	}
	sum := sha512.Sum384(module)
	if got, want := Integrity(), "sha384-"+base64.StdEncoding.EncodeToString(sum[:]); got != want {
		t.Errorf("integrity = %q, want %q", got, want)
	}
	sum = sha512.Sum384(rank)
	if got, want := RankIntegrity(), "sha384-"+base64.StdEncoding.EncodeToString(sum[:]); got != want {
		t.Errorf("integrity of the module that ranks = %q, want %q", got, want)
	}
}

func TestTheModuleIsServedToEverySite(t *testing.T) {
	for path, cache := range map[string]string{Current: "public, max-age=300", Path(): "public, max-age=31536000, immutable"} {
		r := get(t, path)
		want := map[string]string{
			"Access-Control-Allow-Origin": "*", "Cross-Origin-Resource-Policy": "cross-origin", "X-Content-Type-Options": "nosniff",
			"Content-Type": "text/javascript; charset=utf-8", "Cache-Control": cache,
		}
		for name, value := range want {
			if got := r.Header.Get(name); got != value {
				t.Errorf("%s: %s = %q, want %q", path, name, got, value)
			}
		}
		if body, err := io.ReadAll(r.Body); err != nil || !bytes.Equal(body, module) {
			t.Errorf("%s: not the module: %v", path, err)
		}
	}
	for path, cache := range map[string]string{Rank: "public, max-age=300", RankPath(): "public, max-age=31536000, immutable"} {
		r := get(t, path)
		if body, err := io.ReadAll(r.Body); err != nil || !bytes.Equal(body, rank) || r.Header.Get("Cache-Control") != cache || r.Header.Get("Access-Control-Allow-Origin") != "*" {
			t.Errorf("%s: not the module that ranks for every site: %v, %v", path, r.Header, err)
		}
	}
	if r := get(t, Prefix+"0123456789abcdef/thimble.js"); r.StatusCode != http.StatusNotFound {
		t.Errorf("another version: %d, want 404", r.StatusCode)
	}
}
