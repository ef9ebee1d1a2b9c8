package webtest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// A Browser is a running Chromium, for the length of one test.
type Browser struct {
	t   testing.TB
	ctx context.Context
}

// Viewport says how a page is looked at.
type Viewport struct {
	Width, Height int // 1280 × 800 when zero
	Dark          bool
	NoScript      bool
}

// The viewports that each page is looked at in.
var (
	Desk  = Viewport{Width: 1280, Height: 800}
	Phone = Viewport{Width: 390, Height: 844}
)

// shared is the package's one browser. It is a test's helper, and a process is a
// thing there is one of; the product has nothing like it.
var shared chromium

type chromium struct {
	mu   sync.Mutex
	refs int
	ctx  context.Context
	stop func()
	err  error
}

// Main runs a package's tests with one browser, and closes it behind them.
func Main(m *testing.M) int {
	shared.hold()
	defer shared.release()
	return m.Run()
}

// Start returns the package's browser. Without Chromium the test is skipped, or
// fails when THIMBLE_REQUIRE_BROWSER is 1.
func Start(t testing.TB) *Browser {
	t.Helper()
	path, err := findChromium()
	if err != nil {
		if os.Getenv("THIMBLE_REQUIRE_BROWSER") == "1" {
			t.Fatalf("%v, and THIMBLE_REQUIRE_BROWSER=1", err)
		}
		t.Skipf("%v: install Debian's package chromium to run this test", err)
	}
	shared.hold()
	t.Cleanup(shared.release)
	ctx, err := shared.start(path)
	if err != nil {
		t.Fatal(err)
	}
	return &Browser{t: t, ctx: ctx}
}

func findChromium() (string, error) {
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", errors.New("webtest: there is no Chromium on the path")
}

func (c *chromium) hold() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.refs++
}

func (c *chromium) release() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.refs--; c.refs > 0 || c.stop == nil {
		return
	}
	c.stop()
	c.ctx, c.stop, c.err = nil, nil, nil
}

func (c *chromium) start(path string) (context.Context, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ctx != nil || c.err != nil {
		return c.ctx, c.err
	}
	profile, err := os.MkdirTemp("", "thimble-chromium-*")
	if err != nil {
		return nil, fmt.Errorf("webtest: making a profile folder: %w", err)
	}
	allocated, cancelAllocator := chromedp.NewExecAllocator(context.Background(), flags(path, profile)...)
	ctx, cancel := chromedp.NewContext(allocated)
	if err := chromedp.Do(ctx); err != nil { // starts it
		c.err = fmt.Errorf("webtest: starting %s: %w", path, err)
	}
	c.ctx = ctx
	c.stop = func() {
		limit, done := context.WithTimeout(ctx, 5*time.Second)
		_ = chromedp.Cancel(limit) // closed or not, the next lines end it
		done()
		cancel()
		cancelAllocator()
		removeProfile(profile)
	}
	return c.ctx, c.err
}

func flags(path, profile string) []chromedp.ExecAllocatorOption {
	return append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path),
		chromedp.UserDataDir(profile),
		chromedp.NoSandbox, // tests run as root in containers
		chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-component-update", true),
		chromedp.Flag("disable-domain-reliability", true),
		chromedp.Flag("no-pings", true),
		chromedp.Flag("lang", "en-GB"),
	)
}

// removeProfile tries more than once: Chromium's children write for a moment
// after it is gone.
func removeProfile(dir string) {
	for range 40 {
		if os.RemoveAll(dir) == nil {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
}
