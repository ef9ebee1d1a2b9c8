package main

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"thimble/internal/sqldb"
	"thimble/internal/thimbletest"
)

// seed makes the moments of death repeatable; it is printed with a failure.
const seed = 20261122

// binary is the program under test: this test binary, told to be thimble. Processes that are
// killed never say what the race detector saw; they are a binary without it.
func binary(t testing.TB) string {
	t.Helper()
	exe, err := os.Executable()
	if err == nil && raced {
		exe, err = unraced()
	}
	if err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(t.TempDir(), "thimble") // testscript.Main runs the command of this name
	if err := os.Symlink(exe, link); err != nil {
		t.Fatal(err)
	}
	return link
}

// builds is the folder of what a test process has built, removed at its end.
var builds string

// unraced builds this test binary without the race detector, once.
var unraced = sync.OnceValues(func() (string, error) {
	var err error
	if builds, err = os.MkdirTemp("", "thimble-unraced-"); err != nil {
		return "", err
	}
	exe := filepath.Join(builds, "thimble.test")
	if out, err := exec.Command("go", "test", "-c", "-vet=off", "-race=false", "-o", exe, ".").CombinedOutput(); err != nil {
		return "", fmt.Errorf("building without the race detector: %w\n%s", err, out)
	}
	return exe, nil
})

// rounds returns how often a test kills: a sample, or all of them in a soak.
func rounds(sample, soak int) int {
	if os.Getenv("THIMBLE_SOAK") != "" {
		return soak
	}
	return sample
}

func TestKilledImportIsTakenUpWithoutLossOrDoubling(t *testing.T) {
	thimble := binary(t)
	sample, err := filepath.Abs("../../internal/collect/testdata/online_retail_sample.csv.gz")
	if err != nil {
		t.Fatal(err)
	}
	whole := t.TempDir()
	if out, err := exec.Command(thimble, "import", "orders", sample, "--data", whole).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	want := contents(t, whole)
	chance := rand.New(rand.NewPCG(seed, 1))
	killed := 0
	for round := range rounds(6, 200) {
		dir := t.TempDir()
		kills := 0
		for {
			ctx, cancel := context.WithTimeout(t.Context(), time.Duration(20+chance.IntN(400))*time.Millisecond)
			cmd := exec.CommandContext(ctx, thimble, "import", "orders", sample, "--data", dir) // killed with SIGKILL
			out, err := cmd.CombinedOutput()
			dead := ctx.Err() != nil
			cancel()
			if err == nil {
				break
			}
			if !dead {
				t.Fatalf("round %d (seed %d): %v\n%s", round, seed, err, out)
			}
			if kills++; kills == 5 {
				if out, err := exec.Command(thimble, "import", "orders", sample, "--data", dir).CombinedOutput(); err != nil {
					t.Fatalf("round %d (seed %d), after %d kills: %v\n%s", round, seed, kills, err, out)
				}
				break
			}
		}
		killed += kills
		if got := contents(t, dir); got != want {
			t.Errorf("round %d (seed %d), %d kills:\n got %s\nwant %s", round, seed, kills, got, want)
		}
	}
	if killed == 0 {
		t.Error("no import was killed: the test proves nothing on this machine")
	}
	t.Logf("%d imports were killed (seed %d)", killed, seed)
}

func TestDatabaseFromANewerVersionIsRefused(t *testing.T) {
	thimble, dir := binary(t), t.TempDir()
	s := thimbletest.Open(t, map[string]string{"data": dir})
	err := s.Core.Write(t.Context(), func(tx *sqldb.Tx) error {
		_, err := tx.Exec(t.Context(), `insert into goose_db_version (version_id, is_applied) values (999999, 1)`)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(thimble, "serve", "--data", dir, "--listen", "127.0.0.1:0").CombinedOutput()
	if err == nil || strings.Count(string(out), "\n") != 1 || !strings.Contains(string(out), "newer version") {
		t.Errorf("error %v, output %q", err, out)
	}
}

// contents says what an import left behind.
func contents(t *testing.T, dir string) string {
	t.Helper()
	s := thimbletest.Open(t, map[string]string{"data": dir})
	ctx := t.Context()
	orders, err := s.Orders.Count(ctx)
	if err != nil {
		t.Fatal(err)
	}
	people, err := s.Subjects.Count(ctx)
	if err != nil {
		t.Fatal(err)
	}
	products, err := s.Catalog.Count(ctx)
	if err != nil {
		t.Fatal(err)
	}
	popular, err := s.Shop.Popular(ctx, 20)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "orders %v, people %d, products %d, popular", orders, people, products)
	for _, e := range popular.Entries {
		fmt.Fprintf(&b, " %s:%d", e.Product.ID, e.Orders)
	}
	return b.String()
}

// A served process is thimble serve under test.
type served struct {
	cmd *exec.Cmd
	url string
}

func start(t *testing.T, thimble string, args ...string) *served {
	t.Helper()
	cmd := exec.Command(thimble, args...)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if _, url, ok := strings.Cut(lines.Text(), "serves on "); ok {
			go func() {
				for lines.Scan() { // keep the pipe empty
				}
			}()
			return &served{cmd: cmd, url: strings.TrimSpace(url)}
		}
	}
	_ = cmd.Wait()
	t.Fatal("thimble serve ended without serving")
	return nil
}

func (s *served) kill(t *testing.T) {
	t.Helper()
	if err := s.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = s.cmd.Wait() // it was killed
}

func TestPortInUseIsOneClearLine(t *testing.T) {
	thimble := binary(t)
	s := start(t, thimble, "serve", "--data", t.TempDir(), "--listen", "127.0.0.1:0", "--log-level", "error")
	defer s.kill(t)
	_, port, _ := strings.Cut(strings.TrimPrefix(s.url, "http://"), ":")
	if _, err := strconv.Atoi(port); err != nil {
		t.Fatalf("url %q", s.url)
	}
	out, err := exec.Command(thimble, "serve", "--data", t.TempDir(), "--listen", "127.0.0.1:"+port).CombinedOutput()
	if err == nil || strings.Count(string(out), "\n") != 1 || !strings.Contains(string(out), "address already in use") {
		t.Errorf("error %v, output %q", err, out)
	}
}

func TestDataFolderIsServedOnce(t *testing.T) {
	thimble, dir := binary(t), t.TempDir()
	s := start(t, thimble, "serve", "--data", dir, "--listen", "127.0.0.1:0", "--log-level", "error")
	defer s.kill(t)
	out, err := exec.Command(thimble, "serve", "--data", dir, "--listen", "127.0.0.1:0").CombinedOutput()
	if err == nil || !strings.Contains(string(out), "another Thimble serves from the data folder") {
		t.Errorf("error %v, output %q", err, out)
	}
}
