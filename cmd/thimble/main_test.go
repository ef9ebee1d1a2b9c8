package main

import (
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// A cleaner removes what the tests have built.
type cleaner struct{ *testing.M }

func (c cleaner) Run() int {
	code := c.M.Run()
	if builds != "" {
		_ = os.RemoveAll(builds) // it lies in a temporary folder
	}
	return code
}

func TestMain(m *testing.M) {
	testscript.Main(cleaner{m}, map[string]func(){"thimble": main, "thimble-workload": workload, "thimble-till": tillBatch, "thimble-till-receipts": tillReceipts, "thimble-cramped": cramped})
}

// TestCommands runs the scripts: each is a session at a shell.
func TestCommands(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:  "testdata/script",
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"served": awaitLog, "still": awaitStill, "awaits": awaitFile},
		Setup: func(e *testscript.Env) error {
			e.Setenv("TILL_KEY", tillPublic())
			if err := safeKeys(e); err != nil {
				return err
			}
			sample, err := os.ReadFile("../../internal/collect/testdata/online_retail_sample.csv.gz")
			if err != nil {
				return err
			}
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				return err
			}
			_, port, _ := net.SplitHostPort(l.Addr().String())
			e.Setenv("PORT", port)
			if err := l.Close(); err != nil {
				return err
			}
			if err := os.WriteFile(e.WorkDir+"/consents.csv", recentConsents(), 0o600); err != nil {
				return err
			}
			return os.WriteFile(e.WorkDir+"/sample.csv.gz", sample, 0o600)
		},
	})
}

// recentConsents is a file of choices from yesterday: a yes runs out after a year.
func recentConsents() []byte {
	yesterday := time.Now().Add(-24 * time.Hour).UTC().Format(time.RFC3339)
	row := func(email, evidence string) string {
		return email + ",personalize.content.profiled,yes," + yesterday + ",newsletter form,2026-1," + evidence + "\n"
	}
	proof := strings.Repeat("a", 64)
	return []byte("email,purpose,choice,date,source,text_version,evidence\n" +
		row("ada@example.org", proof) + row("bob@example.org", "") + row("eve@example.org", proof))
}

// awaitStill waits until the log that URL serves has not grown for some seconds: what was
// begun at the start, such as a training, has ended.
func awaitStill(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 1 {
		ts.Fatalf("usage: still URL")
	}
	size, since := "", time.Now()
	for end := time.Now().Add(2 * time.Minute); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		lines := strings.Split(textOf(args[0]+"/ledger/checkpoint"), "\n")
		if len(lines) < 2 || lines[1] != size {
			since = time.Now()
		}
		if len(lines) > 1 {
			size = lines[1]
		}
		if time.Since(since) > 4*time.Second {
			return
		}
	}
	ts.Fatalf("the log of %s does not stop growing", args[0])
}

// awaitLog waits until URL serves a log of at least N entries, or of N more than when it
// waited before, and sets KEY to the log's key.
func awaitLog(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: served URL N or +N")
	}
	least, err := strconv.Atoi(args[1])
	ts.Check(err)
	if strings.HasPrefix(args[1], "+") {
		before, err := strconv.Atoi(ts.Getenv("SIZE"))
		ts.Check(err)
		least += before
	}
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		lines := strings.Split(textOf(args[0]+"/ledger/checkpoint"), "\n")
		if len(lines) < 2 {
			continue
		}
		if size, err := strconv.Atoi(lines[1]); err == nil && size >= least {
			ts.Setenv("SIZE", lines[1])
			ts.Setenv("KEY", strings.TrimSpace(textOf(args[0]+"/ledger/key")))
			return
		}
	}
	ts.Fatalf("%s serves no log of %s entries within a minute", args[0], args[1])
}

func textOf(url string) string {
	res, err := http.Get(url)
	if err != nil {
		return ""
	}
	defer res.Body.Close()
	if b, err := io.ReadAll(res.Body); err == nil && res.StatusCode == http.StatusOK {
		return string(b)
	}
	return ""
}
