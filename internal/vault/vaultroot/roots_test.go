package vaultroot_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"thimble"
	"thimble/internal/vault"
	"thimble/internal/vault/vaultroot"
	"thimble/internal/vault/vaulttest"
)

var ctx = context.Background()

func transitRoot(t *testing.T, address, key string) vault.Root {
	t.Helper()
	root, err := vaultroot.NewTransit(vaultroot.Transit{
		Address: address, Key: key, Namespace: "shop",
		Token: func(context.Context) (string, error) { return "s.token", nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	return root
}

func kmsRoot(t *testing.T, endpoint, key string) vault.Root {
	t.Helper()
	root, err := vaultroot.NewKMS(vaultroot.KMS{
		Region: "eu-central-1", Key: key, Endpoint: endpoint,
		Credentials: func(context.Context) (vaultroot.Credentials, error) {
			return vaultroot.Credentials{AccessKey: "AKID", SecretKey: "secret", Session: "token"}, nil
		},
		Now: func() time.Time { return time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC) },
	})
	if err != nil {
		t.Fatal(err)
	}
	return root
}

func serviceCase(s *service, open func(t *testing.T, key string) vault.Root) vaulttest.RootCase {
	return vaulttest.RootCase{
		Open:    func(t *testing.T) vault.Root { return open(t, "thimble") },
		Other:   func(t *testing.T) vault.Root { return open(t, "other") },
		Outage:  func(*testing.T) func() { return s.feel("out") },
		Slow:    func(*testing.T) func() { return s.feel("slow") },
		Rotate:  func(*testing.T) func() { s.rotate("thimble"); return nil },
		Destroy: func(*testing.T) func() { return s.destroy("thimble") },
	}
}

func TestVaultTransitIsARoot(t *testing.T) {
	vaulttest.TestRoot(t, func(t *testing.T) vaulttest.RootCase {
		s := newService("thimble", "other")
		server := s.transitDoor(t)
		return serviceCase(s, func(t *testing.T, key string) vault.Root { return transitRoot(t, server.URL, key) })
	})
}

func TestAWSKMSIsARoot(t *testing.T) {
	vaulttest.TestRoot(t, func(t *testing.T) vaulttest.RootCase {
		s := newService("thimble", "other")
		server := s.kmsDoor(t)
		return serviceCase(s, func(t *testing.T, key string) vault.Root { return kmsRoot(t, server.URL, key) })
	})
}

func TestAProgramIsARoot(t *testing.T) {
	vaulttest.TestRoot(t, func(t *testing.T) vaulttest.RootCase {
		s := newProgram(t)
		return vaulttest.RootCase{
			Open:    func(t *testing.T) vault.Root { return s.root(t) },
			Other:   func(t *testing.T) vault.Root { return newProgram(t).root(t) },
			Outage:  func(t *testing.T) func() { return s.feel(t, "out") },
			Slow:    func(t *testing.T) func() { return s.feel(t, "slow") },
			Destroy: func(t *testing.T) func() { return s.feel(t, "destroyed") },
		}
	})
}

// program is a plug-in: this test's own binary, run with a folder for its root.
type program struct{ dir string }

func newProgram(t *testing.T) program {
	t.Helper()
	dir := t.TempDir()
	// The root is made beforehand: plug-ins run side by side would make several.
	if _, err := folderRoot(dir); err != nil {
		t.Fatal(err)
	}
	return program{dir}
}

func (p program) root(t *testing.T) vault.Root {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	root, err := vaultroot.NewExec(vaultroot.Exec{Path: self, Env: []string{"THIMBLE_TEST_PLUGIN=" + p.dir}})
	if err != nil {
		t.Fatal(err)
	}
	return root
}

func (p program) feel(t *testing.T, mood string) (undo func()) {
	t.Helper()
	path := filepath.Join(p.dir, "mood")
	if err := os.WriteFile(path, []byte(mood), 0o600); err != nil {
		t.Fatal(err)
	}
	return func() { os.Remove(path) }
}

func folderRoot(dir string) (vault.Root, error) {
	return vault.NewFileRoot(filepath.Join(dir, "root.age"), vault.IdentityFile(filepath.Join(dir, "root.key")))
}

func TestMain(m *testing.M) {
	if dir := os.Getenv("THIMBLE_TEST_PLUGIN"); dir != "" {
		os.Exit(plugIn(dir))
	}
	os.Exit(m.Run())
}

func plugIn(dir string) int {
	mood, _ := os.ReadFile(filepath.Join(dir, "mood"))
	out := json.NewEncoder(os.Stdout)
	switch string(mood) {
	case "out":
		out.Encode(map[string]string{"error": "unavailable"})
		return 0
	case "destroyed":
		out.Encode(map[string]string{"error": "denied"})
		return 0
	case "slow":
		time.Sleep(10 * time.Second)
	case "crash":
		os.Stderr.WriteString("the key is 123456")
		return 3
	case "babble":
		os.Stdout.WriteString(strings.Repeat("x", 1<<20))
		return 0
	}
	var in struct {
		Op                  string
		Plain, Wrapped, AAD []byte
	}
	root, err := folderRoot(dir)
	if err == nil {
		err = json.NewDecoder(os.Stdin).Decode(&in)
	}
	if err != nil {
		return 1
	}
	name, value := "wrapped", []byte(nil)
	if in.Op == "wrap" {
		value, err = root.Wrap(ctx, in.Plain, in.AAD)
	} else {
		name = "plain"
		value, err = root.Unwrap(ctx, in.Wrapped, in.AAD)
	}
	if err != nil {
		out.Encode(map[string]string{"error": "denied"})
		return 0
	}
	out.Encode(map[string][]byte{name: value})
	return 0
}

func TestAProgramThatMisbehavesIsUnavailableAndNotQuoted(t *testing.T) {
	p := newProgram(t)
	for _, mood := range []string{"crash", "babble"} {
		undo := p.feel(t, mood)
		_, err := p.root(t).Unwrap(ctx, []byte("x"), nil)
		if !errors.Is(err, thimble.ErrUnavailable) || strings.Contains(err.Error(), "123456") || strings.Contains(err.Error(), "xxx") {
			t.Errorf("%s: %v, want unavailable and no output", mood, err)
		}
		undo()
	}
	gone, err := vaultroot.NewExec(vaultroot.Exec{Path: "/nowhere/plugin"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := gone.Wrap(ctx, nil, nil); !errors.Is(err, thimble.ErrUnavailable) {
		t.Errorf("a missing program: %v, want unavailable", err)
	}
	if _, err := vaultroot.NewExec(vaultroot.Exec{Path: "plugin"}); !errors.Is(err, thimble.ErrInvalid) {
		t.Errorf("a relative path: %v, want invalid", err)
	}
}

func TestAServiceThatIsGoneIsUnavailable(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	server.Close()
	for name, root := range map[string]vault.Root{"transit": transitRoot(t, server.URL, "k"), "kms": kmsRoot(t, server.URL, "k")} {
		if _, err := root.Wrap(ctx, []byte("x"), nil); !errors.Is(err, thimble.ErrUnavailable) {
			t.Errorf("%s: %v, want unavailable", name, err)
		}
	}
}

func TestStrangeAnswersAreRefused(t *testing.T) {
	for _, c := range []struct {
		name   string
		status int
		body   string
		kind   error
	}{
		{"throttled", 429, `{"__type":"ThrottlingException"}`, thimble.ErrUnavailable},
		{"throttled with status 400, as KMS does", 400, `{"__type":"ThrottlingException"}`, nil},
		{"forbidden", 403, `{"__type":"AccessDeniedException"}`, thimble.ErrDenied},
		{"a gateway's page", 502, `<html>`, thimble.ErrUnavailable},
		{"a page instead of JSON", 200, `<html>`, thimble.ErrUnavailable},
		{"an empty object", 200, `{}`, thimble.ErrUnavailable},
		{"a redirect", 302, ``, thimble.ErrDenied},
		{"too long", 200, `{"data":{"plaintext":"` + strings.Repeat("A", 1<<17) + `"}}`, thimble.ErrUnavailable},
	} {
		t.Run(c.name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/stolen" {
					t.Error("the redirect was followed")
				}
				w.Header().Set("Location", "/stolen")
				w.WriteHeader(c.status)
				w.Write([]byte(c.body))
			}))
			defer server.Close()
			_, errT := transitRoot(t, server.URL, "k").Unwrap(ctx, []byte("vault:v1:AAAA"), nil)
			_, errK := kmsRoot(t, server.URL, "k").Unwrap(ctx, []byte("x"), nil)
			if c.kind == nil {
				errT, c.kind = errK, thimble.ErrUnavailable
			}
			if !errors.Is(errT, c.kind) || !errors.Is(errK, c.kind) {
				t.Errorf("transit %v, kms %v, want kind %q", errT, errK, c.kind)
			}
		})
	}
}

func TestAnOpenLineIsRefused(t *testing.T) {
	token := func(context.Context) (string, error) { return "", nil }
	for _, address := range []string{"http://vault.example.org", "vault.example.org", "https://user:word@vault.example.org", "ftp://127.0.0.1", ""} {
		if _, err := vaultroot.NewTransit(vaultroot.Transit{Address: address, Key: "k", Token: token}); !errors.Is(err, thimble.ErrInvalid) {
			t.Errorf("%q: %v, want invalid", address, err)
		}
	}
	for _, address := range []string{"https://vault.example.org:8200", "http://127.0.0.1:8200", "http://[::1]:8200", "http://localhost"} {
		if _, err := vaultroot.NewTransit(vaultroot.Transit{Address: address, Key: "k", Token: token}); err != nil {
			t.Errorf("%q: %v", address, err)
		}
	}
}

func TestTheServicesDoNotLearnTheAssociatedData(t *testing.T) {
	var seen bytes.Buffer
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { seen.ReadFrom(r.Body) }))
	defer server.Close()
	kmsRoot(t, server.URL, "k").Wrap(ctx, []byte("x"), []byte("installation"))
	if seen.Len() == 0 || strings.Contains(seen.String(), "installation") || strings.Contains(seen.String(), strconv.Quote("aW5zdGFsbGF0aW9u")) {
		t.Errorf("KMS, whose log shows the context, saw %s", seen.String())
	}
}
