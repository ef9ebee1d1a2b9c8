package door_test

import (
	"bytes"
	"cmp"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"thimble/internal/collect/door"
	"thimble/internal/collect/intake"
	"thimble/internal/collect/segment"
	"thimble/internal/collect/source"
	"thimble/internal/web/webtest"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func TestMain(m *testing.M) {
	flag.Parse()
	code := webtest.Main(m)
	if packages.dir != "" {
		_ = os.RemoveAll(packages.dir)
	}
	os.Exit(code)
}

// packages are Segment's own, from the index that npm is configured with; nothing of them
// is in the repository.
var packages struct {
	once sync.Once
	dir  string
	err  error
}

// node returns a folder in which Segment's packages are installed. Without Node the test
// is skipped, or fails when THIMBLE_REQUIRE_NODE is 1.
func node(t *testing.T) string {
	t.Helper()
	packages.once.Do(func() { packages.dir, packages.err = install() })
	if packages.err != nil {
		if os.Getenv("THIMBLE_REQUIRE_NODE") == "1" {
			t.Fatalf("%v, and THIMBLE_REQUIRE_NODE=1", packages.err)
		}
		t.Skipf("%v", packages.err)
	}
	return packages.dir
}

func install() (string, error) {
	npm, err := exec.LookPath("npm")
	if err != nil {
		return "", fmt.Errorf("there is no npm on the path: install Node to run this test")
	}
	dir, err := os.MkdirTemp("", "thimble-sdk-*")
	if err == nil {
		err = os.CopyFS(dir, os.DirFS("testdata/sdk"))
	}
	if err != nil {
		return dir, err
	}
	cmd := exec.Command(npm, "install", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error")
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return dir, fmt.Errorf("npm cannot install Segment's packages: %w: %s", err, out)
	}
	return dir, nil
}

// run runs a program with the address and the key in its environment, and returns what it
// prints.
func run(t *testing.T, dir string, env []string, name string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), env...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s %v: %v\n%s", name, args, err, out)
	}
	return string(out)
}

// analyticsGo builds the program that calls analytics-go, whose module must be there.
func analyticsGo(t *testing.T) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "analyticsgo")
	cmd := exec.CommandContext(t.Context(), "go", "build", "-o", program, ".")
	cmd.Dir, cmd.Env = "testdata/analytics-go", append(os.Environ(), "GOFLAGS=-mod=mod", "GOWORK=off")
	if out, err := cmd.CombinedOutput(); err != nil {
		if os.Getenv("THIMBLE_REQUIRE_NODE") == "1" {
			t.Fatalf("analytics-go: %v: %s", err, out)
		}
		t.Skipf("analytics-go cannot be built: %v: %s", err, out)
	}
	return program
}

// A sent is one event as an SDK has sent it, without what differs from run to run.
type sent struct {
	Call   string         `json:"call"`
	Event  map[string]any `json:"event"`
	Around map[string]any `json:"around,omitempty"` // of a batch, beside its events
}

// changing are keys whose values differ from run to run; that they are there is compared.
var changing = []string{"messageId", "sentAt", "writeKey", "anonymousId", "userAgent", "userAgentData", "timezone", "locale", "jsRuntime", "nodeVersion", "retryCount", "referrer", "url"}

func steady(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for k, inner := range v {
			switch {
			case slices.Contains(changing, k) && inner != nil && inner != "a1":
				v[k] = "*"
			case k == "timestamp" && !strings.HasPrefix(fmt.Sprint(inner), "2026-11-29T10:00:00"):
				v[k] = "*"
			default:
				v[k] = steady(inner)
			}
		}
	case []any:
		for i := range v {
			v[i] = steady(v[i])
		}
	}
	return v
}

// events are those of what the intake was given, in an order of their own.
func events(t *testing.T, all []taken) (list []sent) {
	t.Helper()
	for _, one := range all {
		var body map[string]any
		if err := json.Unmarshal([]byte(one.Body), &body); err != nil {
			t.Fatalf("%s: %v", one.Body, err)
		}
		if one.Call != segment.Batch {
			list = append(list, sent{Call: one.Call.String(), Event: steady(body).(map[string]any)})
			continue
		}
		batch, _ := body["batch"].([]any)
		delete(body, "batch")
		for _, e := range batch {
			list = append(list, sent{Call: "batch", Event: steady(e).(map[string]any), Around: steady(body).(map[string]any)})
		}
	}
	slices.SortStableFunc(list, func(a, b sent) int {
		return cmp.Or(cmp.Compare(fmt.Sprint(a.Call, a.Event["type"]), fmt.Sprint(b.Call, b.Event["type"])), cmp.Compare(fmt.Sprint(a.Event["event"]), fmt.Sprint(b.Event["event"])))
	})
	return list
}

// golden compares with a file, which -update rewrites.
func golden(t *testing.T, name string, got any) {
	t.Helper()
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", " ")
	if err := enc.Encode(got); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join("testdata", "golden", name)
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := gocmp.Diff(string(want), b.String()); diff != "" {
		t.Errorf("%s (-want +got)\n%s", name, diff)
	}
}

func TestAnalyticsNodeSendsEachCall(t *testing.T) {
	dir, b := node(t), open(t)
	out := run(t, dir, []string{"BASE=" + b.url, "WRITE_KEY=" + till}, "node", "node.mjs")
	if !strings.Contains(out, `"failed":[]`) {
		t.Errorf("the SDK says %s", out)
	}
	golden(t, "analytics-node.json", events(t, b.intake.since()))
}

func TestAnalyticsGoSendsEachCall(t *testing.T) {
	program, b := analyticsGo(t), open(t)
	if out := run(t, "", []string{"BASE=" + b.url, "WRITE_KEY=" + till}, program); out != "" {
		t.Errorf("the SDK says %s", out)
	}
	golden(t, "analytics-go.json", events(t, b.intake.since()))
}

// A moody door answers the first requests otherwise.
type moody struct {
	mu      sync.Mutex
	answers []int
	tries   []string // X-Retry-Count of each request
	ids     map[string]int
	next    http.Handler
}

func (m *moody) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		m.next.ServeHTTP(w, r)
		return
	}
	body, _ := io.ReadAll(r.Body)
	r.Body = io.NopCloser(bytes.NewReader(body))
	m.mu.Lock()
	m.tries = append(m.tries, r.Header.Get("X-Retry-Count"))
	status := 0
	if len(m.answers) > 0 {
		status, m.answers = m.answers[0], m.answers[1:]
	}
	m.mu.Unlock()
	if status != 0 {
		w.Header().Set("Retry-After", "1")
		w.Header().Set("Access-Control-Allow-Origin", "*")
		w.Header().Set("Access-Control-Expose-Headers", "Retry-After")
		w.WriteHeader(status)
		return
	}
	m.next.ServeHTTP(w, r)
}

// within puts a moody door in front of a bench's.
func within(t *testing.T, b *bench, answers ...int) *moody {
	t.Helper()
	m := &moody{answers: answers, next: b.door}
	server := httptest.NewServer(m)
	t.Cleanup(server.Close)
	b.server, b.url = server, server.URL
	return m
}

func TestWhatIsRefusedForNowIsSentAgainByEachSDK(t *testing.T) {
	for name, start := range map[string]func(t *testing.T) func(b *bench) string{
		"node": func(t *testing.T) func(*bench) string {
			dir := node(t)
			return func(b *bench) string {
				return run(t, dir, []string{"BASE=" + b.url, "WRITE_KEY=" + till, "COUNT=40", "FLUSH_AT=20"}, "node", "node.mjs")
			}
		},
		"go": func(t *testing.T) func(*bench) string {
			program := analyticsGo(t)
			return func(b *bench) string {
				return run(t, "", []string{"BASE=" + b.url, "WRITE_KEY=" + till, "COUNT=40"}, program)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			sends, b := start(t), open(t)
			m := within(t, b, 503, 429)
			out := sends(b)
			if strings.Contains(out, "failed:") || strings.Contains(out, `"failed":["`) {
				t.Errorf("the SDK gave up: %s", out)
			}
			users := map[any]bool{}
			for _, e := range events(t, b.intake.since()) {
				users[e.Event["userId"]] = true
			}
			if len(users) != 40 {
				t.Errorf("%d of 40 events arrived", len(users))
			}
			if len(m.tries) < 3 {
				t.Errorf("%d requests were made: nothing was sent again", len(m.tries))
			}
			if name == "node" && !slices.Contains(m.tries, "1") {
				t.Errorf("X-Retry-Count was %q", m.tries)
			}
		})
	}
}

// browserKey is the key of the pages of a test.
const browserKey = "wkp_pages"

// pages serves the shop's pages with Segment's SDK, from an origin that is not the door's,
// and a door for them.
func pages(t *testing.T, b func(*door.Config)) (shop string, at *bench) {
	t.Helper()
	shop = pageServer(t, node(t))
	one := &source.Source{Source: intake.Source{Number: 7, Name: "pages", Kind: intake.Browser}, Origins: []string{shop}}
	at = open(t, func(c *door.Config) {
		c.Sources = keys{by: map[string]*source.Source{browserKey: one}}
		if b != nil {
			b(c)
		}
	})
	return shop, at
}

// pageServer serves the pages alone, and returns their origin.
func pageServer(t *testing.T, dir string) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.HasPrefix(r.URL.Path, "/umd/"):
			http.ServeFile(w, r, filepath.Join(dir, "node_modules/@segment/analytics-next/dist", r.URL.Path))
		case strings.HasPrefix(r.URL.Path, "/modules/"):
			serveModule(w, r, filepath.Join(dir, "node_modules", strings.TrimPrefix(r.URL.Path, "/modules/")))
		case r.URL.Path == "/shim.js":
			w.Header().Set("Content-Type", "text/javascript")
			_, _ = io.WriteString(w, `export const AnalyticsBrowser = window.AnalyticsNext.AnalyticsBrowser`)
		default:
			w.Header().Set("Content-Type", "text/html")
			_, _ = io.WriteString(w, `<!doctype html><html lang=en><title>Shop</title><link rel=icon href="data:,"><script type="importmap">`+importMap+`</script><script src="/umd/index.js"></script>`)
		}
	}))
	t.Cleanup(server.Close)
	return strings.Replace(server.URL, "127.0.0.1", "localhost", 1)
}

// importMap has the names of packages resolve as a bundler does it.
const importMap = `{"imports": {
	"@segment/analytics-next": "/shim.js",
	"@segment/analytics-consent-tools": "/modules/@segment/analytics-consent-tools/dist/esm/index.js",
	"@segment/analytics-generic-utils": "/modules/@segment/analytics-generic-utils/dist/esm/index.js",
	"tslib": "/modules/tslib/tslib.es6.mjs"
}}`

// serveModule serves a file that a module names without its ending.
func serveModule(w http.ResponseWriter, r *http.Request, path string) {
	for _, ending := range []string{"", ".js", "/index.js"} {
		if f, err := os.Stat(path + ending); err != nil || f.IsDir() {
			continue
		}
		if ending != "" { // what it imports is found from its own address
			http.Redirect(w, r, r.URL.Path+ending, http.StatusFound)
			return
		}
		w.Header().Set("Content-Type", "text/javascript")
		b, _ := os.ReadFile(path)
		_, _ = w.Write(b)
		return
	}
	http.NotFound(w, r)
}
