package main

import (
	"bufio"
	"context"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

var (
	fenced     = regexp.MustCompile("(?s)```sh\n(.*?)```")
	inline     = regexp.MustCompile("`((?:THIMBLE_SOAK=1 )?go test [^`]*)`")
	storefront = regexp.MustCompile(`Storefront +(http://\S+)`)
)

// TestCommandsOfTheReadmeWork runs `make demo` as a newcomer would, and asks for
// the first page; the other commands are held against what they name.
func TestCommandsOfTheReadmeWork(t *testing.T) {
	root := "../.."
	readme, err := os.ReadFile(filepath.Join(root, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	ran := 0
	for _, block := range fenced.FindAllStringSubmatch(string(readme), -1) {
		for line := range strings.Lines(block[1]) {
			words := strings.Fields(line)
			ran++
			switch {
			case len(words) == 2 && words[0] == "make" && words[1] == "demo":
				makeDemo(t, root)
			case len(words) == 2 && words[0] == "make":
				dry := exec.Command("make", "-n", words[1])
				dry.Dir = root
				if out, err := dry.CombinedOutput(); err != nil {
					t.Errorf("make %s: %v\n%s", words[1], err, out)
				}
			default:
				t.Errorf("the README runs %q, and this test does not know it", line)
			}
		}
	}
	for _, match := range inline.FindAllStringSubmatch(string(readme), -1) {
		ran++
		namesTests(t, root, strings.ReplaceAll(match[1], `\|`, "|"))
	}
	if ran < 10 {
		t.Errorf("only %d commands were found", ran)
	}
}

var runFlag = regexp.MustCompile(`-run '?([^' ]+)'?`)

// namesTests holds a `go test` line against the tree: its packages exist, and each
// alternative of its -run matches a test in one of them.
func namesTests(t *testing.T, root, line string) {
	t.Helper()
	var sources strings.Builder
	for _, word := range strings.Fields(line) {
		if !strings.HasPrefix(word, "./") {
			continue
		}
		files, err := filepath.Glob(filepath.Join(root, strings.TrimSuffix(word, "/..."), "*_test.go"))
		if err != nil || len(files) == 0 {
			t.Errorf("%s: no tests in %s", line, word)
		}
		for _, f := range files {
			b, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			sources.Write(b)
		}
	}
	run := runFlag.FindStringSubmatch(line)
	if run == nil {
		return
	}
	for _, name := range strings.Split(run[1], "|") {
		if !regexp.MustCompile(`func Test\w*` + name).MatchString(sources.String()) {
			t.Errorf("%s: no test is called %s", line, name)
		}
	}
}

func makeDemo(t *testing.T, root string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 8*time.Minute) // a first build compiles everything
	defer cancel()
	cmd := exec.CommandContext(ctx, "make", "demo")
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "THIMBLE_LISTEN=127.0.0.1:0", "THIMBLE_DATA="+t.TempDir())
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // make and its child end together
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM)
		_ = cmd.Wait() // make tells that its child was stopped
	}()
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		t.Log(lines.Text())
		if m := storefront.FindStringSubmatch(lines.Text()); m != nil {
			res, err := http.Get(m[1]) //nolint:noctx // the process is bounded
			if err != nil {
				t.Fatal(err)
			}
			defer res.Body.Close()
			if res.StatusCode != http.StatusOK {
				t.Errorf("the first page answers %s", res.Status)
			}
			return
		}
	}
	t.Error("make demo ended without serving")
}
