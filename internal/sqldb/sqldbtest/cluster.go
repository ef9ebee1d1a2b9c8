package sqldbtest

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// cluster starts a private PostgreSQL once and returns its URL.
var cluster = sync.OnceValues(func() (string, error) {
	bin, err := binaries()
	if err != nil {
		return "", err
	}
	dir, err := os.MkdirTemp("", "thimble-pg-")
	if err != nil {
		return "", err
	}
	port, err := freePort()
	if err != nil {
		return "", err
	}
	if err := start(bin, dir, port); err != nil {
		return "", errors.Join(err, os.RemoveAll(dir))
	}
	server := fmt.Sprintf("postgres://thimble@127.0.0.1:%d/postgres?sslmode=disable", port)
	if err := await(server); err != nil {
		return "", fmt.Errorf("%w\n%s", err, tail(filepath.Join(dir, "log")))
	}
	return server, nil
})

func binaries() (string, error) {
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb") // the pattern is well-formed
	slices.SortFunc(found, func(a, b string) int { return version(a) - version(b) })
	if len(found) > 0 {
		return filepath.Dir(found[len(found)-1]), nil
	}
	if path, err := exec.LookPath("initdb"); err == nil {
		return filepath.Dir(path), nil
	}
	return "", errors.New("PostgreSQL is not installed; on Debian: apt-get install postgresql")
}

func version(path string) int {
	n, _ := strconv.Atoi(filepath.Base(filepath.Dir(filepath.Dir(path)))) // an odd folder sorts first
	return n
}

// The shell outlives the test process by a moment: when the pipe that is its
// standard input closes, however the process ended, it stops the server and
// removes the folder.
const keeper = `
"$BIN/initdb" -D "$DIR/data" -U thimble -A trust -E UTF8 --no-sync >"$DIR/log" 2>&1 || exit 1
"$BIN/postgres" -D "$DIR/data" -p "$PORT" -k "$DIR" -h 127.0.0.1 \
	-c fsync="${FSYNC:-off}" -c max_connections=200 -c shared_buffers=32MB -c logging_collector=off >>"$DIR/log" 2>&1 </dev/null &
server=$!
cat >/dev/null
kill -INT "$server"
wait "$server"
rm -rf "$DIR"
`

func start(bin, dir string, port int) error {
	args := []string{"sh", "-c", keeper}
	if os.Geteuid() == 0 {
		// initdb refuses to run as root.
		if err := exec.Command("chown", "postgres", dir).Run(); err != nil {
			return fmt.Errorf("sqldbtest: giving the folder to user postgres: %w", err)
		}
		args = append([]string{"runuser", "-u", "postgres", "--"}, args...)
	}
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Dir = dir
	cmd.Env = []string{"BIN=" + bin, "DIR=" + dir, "PORT=" + strconv.Itoa(port), "PATH=" + os.Getenv("PATH"), "LC_ALL=C", "FSYNC=" + os.Getenv("THIMBLE_TEST_FSYNC")}
	var err error
	if lifeline, err = cmd.StdinPipe(); err != nil {
		return err
	}
	return cmd.Start()
}

// lifeline is open as long as the process lives: unreferenced, it would be
// collected and closed.
//
//lint:ignore U1000 it is there to be held, not to be read
var lifeline io.WriteCloser

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

func await(server string) error {
	db, err := sql.Open("pgx", server)
	if err != nil {
		return err
	}
	defer db.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
	defer cancel()
	for {
		if err = db.PingContext(ctx); err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("sqldbtest: PostgreSQL did not start: %w", err)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func tail(path string) string {
	b, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	lines := strings.Split(strings.TrimSpace(string(b)), "\n")
	return strings.Join(lines[max(0, len(lines)-10):], "\n")
}
