package main

import (
	"net/http"
	"os"
	"os/exec"
	"testing"
	"time"
)

// BenchmarkDemo starts the demo on all 541,909 rows in an empty folder, and again
// on the full one, and reports how long each took from the process's start to the
// first page.
func BenchmarkDemo(b *testing.B) {
	thimble := binary(b)
	for b.Loop() {
		dir := b.TempDir()
		b.ReportMetric(firstPage(b, thimble, dir).Seconds(), "s-first-page")
		b.ReportMetric(firstPage(b, thimble, dir).Seconds(), "s-second-start")
	}
	b.ReportMetric(0, "ns/op") // the whole of both starts says nothing
}

func firstPage(b *testing.B, thimble, dir string) time.Duration {
	b.Helper()
	const addr = "127.0.0.1:18099"
	began := time.Now()
	cmd := exec.Command(thimble, "demo", "--data", dir, "--listen", addr)
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	defer func() {
		_ = cmd.Process.Signal(os.Interrupt)
		_ = cmd.Wait() // its exit code is another test's
	}()
	for time.Since(began) < 2*time.Minute {
		res, err := http.Get("http://" + addr + "/")
		if err == nil {
			_ = res.Body.Close() // nothing was read
			if res.StatusCode == http.StatusOK {
				return time.Since(began)
			}
		}
		time.Sleep(5 * time.Millisecond)
	}
	b.Fatal("no page within two minutes")
	return 0
}
