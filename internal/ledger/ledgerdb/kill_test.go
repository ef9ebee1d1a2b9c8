package ledgerdb_test

import (
	"bufio"
	"context"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"thimble/internal/ledger"
	"thimble/internal/ledger/ledgerdb"
	"thimble/internal/sqldb"
)

const victimEnv = "LEDGERDB_TEST_VICTIM"

func TestMain(m *testing.M) {
	if path := os.Getenv(victimEnv); path != "" {
		fmt.Fprintln(os.Stderr, victim(path))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// victim queues and integrates until it is killed. It prints an opening once the
// database has acknowledged it.
func victim(path string) error {
	ctx := context.Background()
	db, err := sqldb.Open(ctx, sqldb.Config{Set: sqldb.Core, Path: path})
	if err != nil {
		return err
	}
	signer, err := ledger.NewSigner(origin, seed)
	if err != nil {
		return err
	}
	l := ledgerdb.New(db, signer, ledgerdb.Config{Every: 5 * time.Millisecond, Lease: 40 * time.Millisecond})
	go func() { _ = l.Run(ctx) }()
	for i := 0; ; i++ {
		var o ledger.Opening
		err := db.Write(ctx, func(tx *sqldb.Tx) (err error) { o, err = l.Queue(ctx, tx, entry(i)); return err })
		if err != nil {
			return err
		}
		b, err := o.MarshalBinary()
		if err != nil {
			return err
		}
		fmt.Println(hex.EncodeToString(b))
	}
}

// acknowledged runs a victim for a while, kills it, and returns what it printed.
func acknowledged(t *testing.T, path string, life time.Duration) (openings []ledger.Opening) {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), exe)
	cmd.Env = append(os.Environ(), victimEnv+"="+path)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var dying *time.Timer
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if dying == nil { // it has begun
			dying = time.AfterFunc(life, func() { _ = cmd.Process.Kill() })
		}
		b, err := hex.DecodeString(lines.Text())
		var o ledger.Opening
		if err != nil || o.UnmarshalBinary(b) != nil {
			break // the line it died on
		}
		openings = append(openings, o)
	}
	_ = cmd.Wait() // killed
	return openings
}

func TestKilledProcessLosesNoLeaf(t *testing.T) {
	rounds := 5
	if os.Getenv("THIMBLE_SOAK") != "" {
		rounds = 100
	}
	path := filepath.Join(t.TempDir(), "core.db")
	auditor, err := ledger.NewAuditor(nil, signer(t).VerifierKey())
	if err != nil {
		t.Fatal(err)
	}
	var kept []ledger.Opening
	for round := range rounds {
		kept = append(kept, acknowledged(t, path, time.Duration(10+round*37%90)*time.Millisecond)...)
		time.Sleep(40 * time.Millisecond) // the dead one's lease
		afterDeath(t, path, kept, auditor)
	}
	t.Logf("%d leaves were acknowledged before %d kills", len(kept), rounds)
}

func afterDeath(t *testing.T, path string, kept []ledger.Opening, auditor *ledger.Auditor) {
	t.Helper()
	db, err := sqldb.Open(t.Context(), sqldb.Config{Set: sqldb.Core, Path: path})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	l := ledgerdb.New(db, signer(t), ledgerdb.Config{Lease: 40 * time.Millisecond})
	integrate(t, l)
	if err := l.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := auditor.Audit(t.Context(), fetch(l)); err != nil {
		t.Fatal(err)
	}
	// One more per death may be committed without having been printed.
	size, err := l.Size(t.Context())
	if err != nil || size < int64(len(kept)) {
		t.Fatalf("%d leaves are in the log, %v; %d were acknowledged", size, err, len(kept))
	}
	for _, o := range kept {
		verified(t, l, o)
	}
}
