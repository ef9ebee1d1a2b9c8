package main

import (
	"database/sql"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"thimble/internal/sqldb/sqldbtest"
)

// free returns an address on loopback that nobody has, below those that connections are
// given, so that nothing takes it by chance.
func free(t *testing.T) string {
	t.Helper()
	for range 1000 {
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", 20_000+rand.IntN(12_000)))
		if err != nil {
			continue
		}
		defer l.Close()
		return l.Addr().String()
	}
	t.Fatal("no port is free")
	return ""
}

// sells sends an order until it is taken, and reports how often it was refused before.
func sells(t *testing.T, url, key, order string) (refused int) {
	t.Helper()
	body := fmt.Sprintf(`{"type":"track","event":"Order Completed","userId":"account-%s","messageId":"message-%s","properties":{"order_id":%q,"currency":"EUR","total":19.95,"products":[{"product_id":"LS-38","price":19.95,"quantity":1}]}}`, order, order, order)
	for ; refused < 400; refused++ {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url+"/v1/track", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.SetBasicAuth(key, "")
		answer, err := http.DefaultClient.Do(r)
		if err == nil {
			_ = answer.Body.Close()
			if answer.StatusCode == http.StatusOK {
				return refused
			}
			if answer.StatusCode != http.StatusServiceUnavailable || answer.Header.Get("Retry-After") == "" {
				t.Fatalf("order %s: %s", order, answer.Status)
			}
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Fatalf("order %s was refused %d times", order, refused)
	return refused
}

// Three processes of the program itself take orders in together before PostgreSQL. One is
// killed, the others go on, and it comes back: what was answered is archived, once.
func TestThreeServersTakeInWhatOneOfThemMayDieOver(t *testing.T) {
	program, database, folders := binary(t), sqldbtest.Database(t), t.TempDir()
	names := []string{"a", "b", "c"}
	first := filepath.Join(folders, "a")
	out, err := exec.Command(program, "source", "add", "shop", "--data", first, "--database-url", database).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	key := regexp.MustCompile(`wks_[A-Za-z0-9_-]+`).FindString(string(out))
	if key == "" {
		t.Fatalf("no key in %s", out)
	}
	var members []string
	for _, name := range names {
		members = append(members, name+"="+free(t))
	}
	serve := func(name string) *served {
		return start(t, program, "serve", "--data", filepath.Join(folders, name), "--database-url", database, "--listen", "127.0.0.1:0", "--log-level", "error",
			"--nats-mode", "embedded", "--nats-node", name, "--nats-members", strings.Join(members, " "), "--nats-secret", "a secret of the nodes")
	}
	for _, name := range names[1:] { // the root's file and the day's key are those of one installation
		if err := os.CopyFS(filepath.Join(folders, name), os.DirFS(first)); err != nil {
			t.Fatal(err)
		}
	}
	nodes := map[string]*served{}
	t.Cleanup(func() {
		for _, s := range nodes {
			_ = s.cmd.Process.Kill()
			_ = s.cmd.Wait()
		}
	})
	for _, name := range names {
		nodes[name] = serve(name)
	}
	orders, refused := 0, 0
	sell := func(n int, at ...string) {
		for range n {
			for _, name := range at {
				orders++
				refused += sells(t, nodes[name].url, key, fmt.Sprintf("%s-%d", name, orders))
			}
		}
	}
	sell(5, names...)
	for _, name := range names {
		if _, err := os.Stat(filepath.Join(folders, name, "buffer", "jetstream")); err != nil {
			t.Errorf("node %s is none: %v", name, err)
		}
	}
	nodes["a"].kill(t)
	sell(10, "b", "c")
	nodes["a"] = serve("a")
	sell(5, names...)

	db, err := sql.Open("pgx", database)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	archived := 0
	for until := time.Now().Add(time.Minute); archived < orders && time.Now().Before(until); time.Sleep(100 * time.Millisecond) {
		if err := db.QueryRowContext(t.Context(), `select count(*) from log.log_orders`).Scan(&archived); err != nil {
			t.Fatal(err)
		}
	}
	if archived != orders {
		t.Errorf("%d orders are archived of %d that were answered", archived, orders)
	}
	t.Logf("%d orders, refused for a moment %d times", orders, refused)
}
