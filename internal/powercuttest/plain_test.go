package powercuttest_test

import (
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	_ "modernc.org/sqlite" // the driver "sqlite"

	"thimble/internal/powercuttest"
)

const (
	seed     = 20261122
	plainEnv = "POWERCUTTEST_PLAIN"
)

func TestMain(m *testing.M) {
	if synchronous := os.Getenv(plainEnv); synchronous != "" {
		if err := plain(os.Args[1], synchronous); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// plain is a program that commits, and prints what was committed.
func plain(folder, synchronous string) error {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	db, err := sql.Open("sqlite", "file:"+filepath.Join(folder, "plain.db")+
		"?_pragma=journal_mode(WAL)&_pragma=mmap_size(0)&_pragma=synchronous("+synchronous+")")
	if err != nil {
		return err
	}
	db.SetMaxOpenConns(1)
	if _, err := db.Exec(`create table t (n integer primary key)`); err != nil {
		return err
	}
	for n := range 120 {
		if _, err := db.Exec(`insert into t (n) values ($1)`, n); err != nil {
			return err
		}
		fmt.Printf("ack %d\n", n)
	}
	return db.Close()
}

// The explorer must be able to fail: kill -9 finds none of these losses.
func TestOnlyWhatIsNotSyncedIsLost(t *testing.T) {
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, synchronous string
		drop              powercuttest.Kind // as if the program had forgotten these calls
		loses             bool
	}{
		{name: "FULL", synchronous: "FULL"},
		{name: "NORMAL", synchronous: "NORMAL", loses: true},
		{name: "FULL with forgotten syncs", synchronous: "FULL", drop: powercuttest.Sync, loses: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Setenv(plainEnv, c.synchronous)
			folder := filepath.Join(t.TempDir(), "data")
			ops := powercuttest.Run(t, folder, exe, folder)
			ops = slices.DeleteFunc(ops, func(o powercuttest.Op) bool { return o.Kind == c.drop })
			for _, m := range []powercuttest.Model{powercuttest.Journal, powercuttest.Folders} {
				explorePlain(t, ops, m, c.loses)
			}
		})
	}
}

func explorePlain(t *testing.T, ops []powercuttest.Op, m powercuttest.Model, loses bool) {
	t.Helper()
	images, losing, most := 0, 0, 0
	for image := range powercuttest.Images(ops, m, seed, 60) {
		lost := losses(t, image, !loses)
		images, most = images+1, max(most, lost)
		if lost > 0 {
			losing++
		}
	}
	t.Logf("model %s: %d of %d images lose acknowledged commits, at most %d (seed %d)", m, losing, images, most, seed)
	if images != 60 || (losing > 0) != loses {
		t.Errorf("model %s: %d of %d images lose commits", m, losing, images)
	}
}

// losses counts the acknowledged rows that an image lacks. Without syncs it may not
// even be sound.
func losses(t *testing.T, image powercuttest.Image, sound bool) (lost int) {
	t.Helper()
	folder := filepath.Join(t.TempDir(), "image")
	if err := image.Save(folder); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", "file:"+filepath.Join(folder, "plain.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close() //nolint:errcheck // the image is thrown away
	var said string
	if err := db.QueryRow(`pragma quick_check`).Scan(&said); sound && (err != nil || said != "ok") {
		t.Errorf("%s is damaged: %v, %s", image, err, said)
	}
	for _, line := range image.Said {
		n, err := strconv.Atoi(strings.TrimPrefix(line, "ack "))
		var there int
		if err != nil || db.QueryRow(`select count(*) from t where n = $1`, n).Scan(&there) != nil || there == 0 {
			lost++
		}
	}
	return lost
}
