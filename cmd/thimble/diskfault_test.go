package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"thimble/internal/consent"
	"thimble/internal/consent/consentweb"
)

// faults are what a disk does to a server that runs: strace makes its system calls
// fail. They end without a restart.
var faults = []string{
	"pwrite64:error=ENOSPC", "pwrite64:error=EIO", "fsync,fdatasync:error=EIO",
	"pwrite64:error=EROFS", "pwrite64:error=EDQUOT", "pwrite64,fsync,fdatasync,ftruncate:error=EIO", "fsync,fdatasync:delay_enter=20000",
}

func TestFailingDiskIsAnsweredWith503AndForgottenWhenItPasses(t *testing.T) {
	program, dir := binary(t), t.TempDir()
	shop := opened(t, dir)
	s := start(t, program, "serve", "--data", dir, "--listen", "127.0.0.1:0", "--log-level", "error")
	t.Cleanup(func() { _ = s.cmd.Process.Kill() }) // it is dead by then, unless the test has failed
	chance := rand.New(rand.NewPCG(seed, 7))
	refused, done := 0, 0
	points := rounds(21, 300)
	for point := range points {
		c, fault := shop[chance.IntN(len(shop))], faults[point%len(faults)]
		work := func() int {
			status, _ := c.choose(t, s.url)
			return status
		}
		if status := work(); status/100 != 2 {
			t.Fatalf("point %d (seed %d): before the fault the answer is %d", point, seed, status)
		}
		end := inject(t, s.cmd.Process.Pid, fault)
		for range 1 + chance.IntN(4) {
			switch status := work(); {
			case status/100 == 2:
				done++
			case status == http.StatusServiceUnavailable:
				refused++
			default:
				t.Errorf("point %d (seed %d), %s: the answer is %d, want 503 or success", point, seed, fault, status)
			}
			if status, body := get(t, s.url+"/healthz", ""); status != http.StatusOK {
				t.Errorf("point %d, %s: the server does not answer: %d %s", point, fault, status, body)
			}
			if status, body := get(t, s.url+"/v1/subjects/"+c.people[0].String()+"/consents", c.key); status != http.StatusOK && status != http.StatusServiceUnavailable {
				// 503: a use that cannot be recorded is none
				t.Errorf("point %d, %s: reading is answered with %d %s", point, fault, status, body)
			}
		}
		end()
		for began := time.Now(); work()/100 != 2; time.Sleep(20 * time.Millisecond) {
			if time.Since(began) > 20*time.Second {
				t.Fatalf("point %d (seed %d): %v after %s ended, choices are still refused", point, seed, time.Since(began), fault)
			}
		}
	}
	for _, c := range shop {
		c.compare(t, s.url, points)
	}
	shop[0].prove(t, s.url)
	s.kill(t)
	acked := exactly(t, dir, shop)
	if refused < points/4 {
		t.Errorf("only %d choices were refused: the test proves nothing", refused)
	}
	t.Logf("%d faults (seed %d): %d choices refused with 503, %d done in spite of a fault, %d acknowledged in all", points, seed, refused, done, acked)
}

// choose posts one choice, remembers it if it was answered with 2xx, and looks at a
// refusal.
func (c *client) choose(t *testing.T, url string) (status int, body string) {
	t.Helper()
	who := c.people[c.chance.IntN(len(c.people))]
	state := []consent.State{consent.Given, consent.Withdrawn}[c.chance.IntN(2)]
	text, err := json.Marshal(consentweb.NewChoices{
		Choices: []consentweb.NewChoice{{Purpose: string(consent.Asked[0].Purpose), State: string(state)}},
		UI:      consentweb.ChoiceUI{Component: "banner"}, Lang: consent.Current().Lang, Notice: consent.Current().Ref().SHA256,
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, url+"/v1/subjects/"+who.String()+"/consents", strings.NewReader(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+c.key)
	r.Header.Set("Content-Type", "application/json")
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatalf("the server is gone: %v", err)
	}
	defer answer.Body.Close() //nolint:errcheck // it was read to its end
	said, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	if answer.StatusCode/100 != 2 {
		kind, wait := answer.Header.Get("Content-Type"), answer.Header.Get("Retry-After")
		if _, err := strconv.Atoi(wait); err != nil || !strings.HasPrefix(kind, "application/problem+json") {
			t.Errorf("%d as %q with Retry-After %q: %s", answer.StatusCode, kind, wait, said)
		}
		return answer.StatusCode, string(said)
	}
	var out consentweb.RecordedChoices
	if err := json.Unmarshal(said, &out); err != nil {
		t.Fatal(err)
	}
	for _, r := range out.Recorded {
		c.acked[who][r.Seq] = r
	}
	return answer.StatusCode, string(said)
}

func get(t *testing.T, url, key string) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if key != "" {
		r.Header.Set("Authorization", "Bearer "+key)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatalf("the server is gone: %v", err)
	}
	defer answer.Body.Close() //nolint:errcheck // it was read to its end
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(text)
}

// inject makes system calls of a process fail until the returned function is called.
func inject(t *testing.T, pid int, fault string) (end func()) {
	t.Helper()
	calls, _, _ := strings.Cut(fault, ":")
	cmd := exec.Command("strace", "-f", "-p", strconv.Itoa(pid), "-e", "trace="+calls, "-e", "inject="+fault, "-o", os.DevNull)
	said, err := cmd.StderrPipe()
	if err == nil {
		err = cmd.Start()
	}
	lines := bufio.NewScanner(said)
	if err == nil && !(lines.Scan() && strings.Contains(lines.Text(), "attached")) {
		err = fmt.Errorf("strace said %q", lines.Text())
	}
	if err != nil {
		if os.Getenv("THIMBLE_REQUIRE_STRACE") == "1" {
			t.Fatalf("strace cannot be used: %v", err)
		}
		t.Skipf("strace (Debian's package strace) cannot attach to a process here: %v", err)
	}
	go func() {
		for lines.Scan() { // keep the pipe empty
		}
	}()
	return func() {
		t.Helper()
		if err := cmd.Process.Signal(os.Interrupt); err != nil { // it lets the process go on
			t.Fatal(err)
		}
		_ = cmd.Wait() // it was interrupted
	}
}
