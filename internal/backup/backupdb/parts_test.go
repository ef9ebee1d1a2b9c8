package backupdb_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"thimble"
	"thimble/internal/backup/backupdb"
	"thimble/internal/sqldb"
	"thimble/internal/sqldb/sqldbtest"
)

var begin = time.Date(2026, 9, 29, 22, 0, 0, 0, time.UTC)

// frames appends rows as the log of events has them, ten minutes apart.
func frames(t *testing.T, db *sqldb.DB, from, to int, r *rand.Rand) {
	t.Helper()
	err := db.Write(t.Context(), func(tx *sqldb.Tx) error {
		for seq := from; seq <= to; seq++ {
			body := make([]byte, r.IntN(300))
			for i := range body {
				body[i] = byte(r.Uint32())
			}
			at := begin.Add(time.Duration(seq) * 10 * time.Minute).UnixMicro()
			if _, err := tx.Exec(t.Context(), `insert into log_frames (seq, received_at, elapsed, bytes) values ($1, $2, $3, $4)`, seq, at, seq, body); err != nil {
				return err
			}
			if seq%7 == 0 {
				if _, err := tx.Exec(t.Context(), `insert into log_orders (key, seq) values ($1, $2)`, fmt.Appendf(nil, "order %d", seq), seq); err != nil {
					return err
				}
			}
			if seq%97 == 0 {
				if _, err := tx.Exec(t.Context(), `insert into log_unreadable (seq, found_at) values ($1, $2)`, seq, at+1); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

type piece struct {
	first, last int64
	month       string
	bytes       []byte
}

func pieces(t *testing.T, db *sqldb.DB) (all []piece) {
	t.Helper()
	err := backupdb.Parts(t.Context(), db, func(p backupdb.Part) error {
		var once, twice bytes.Buffer
		if err := errors.Join(p.Write(&once), p.Write(&twice)); err != nil {
			return err
		}
		if !bytes.Equal(once.Bytes(), twice.Bytes()) {
			t.Errorf("frames %d to %d are written in two ways", p.First, p.Last)
		}
		all = append(all, piece{p.First, p.Last, p.Month, once.Bytes()})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// rows is all that a log holds.
func rows(t *testing.T, db *sqldb.DB) (all []string) {
	t.Helper()
	err := db.Read(t.Context(), func(tx *sqldb.Tx) error {
		for _, query := range []string{`select seq, received_at, elapsed, bytes from log_frames order by seq`, `select seq, seq, seq, key from log_orders order by key`, `select seq, found_at, found_at, null from log_unreadable order by seq`} {
			found, err := tx.Query(t.Context(), query)
			if err != nil {
				return err
			}
			for found.Next() {
				var a, b, c int64
				var body []byte
				if err := found.Scan(&a, &b, &c, &body); err != nil {
					return err
				}
				all = append(all, fmt.Sprintf("%d %d %d %x", a, b, c, body))
			}
			if err := errors.Join(found.Err(), found.Close()); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func put(ctx context.Context, db *sqldb.DB, k *backupdb.Keep, parts ...piece) error {
	for _, p := range parts {
		if _, err := backupdb.Put(ctx, db, bytes.NewReader(p.bytes), k); err != nil {
			return err
		}
	}
	return nil
}

func TestALogComesBackAsItWas(t *testing.T) {
	sqldbtest.Each(t, sqldb.Log, func(t *testing.T, db *sqldb.DB) {
		r := rand.New(rand.NewPCG(7, 1))
		frames(t, db, 1, 700, r)
		parts := pieces(t, db)
		months := map[string]bool{}
		for _, p := range parts {
			months[p.month] = true
			if p.last-p.first >= 256 {
				t.Errorf("a part has frames %d to %d", p.first, p.last)
			}
		}
		if len(parts) != 4 || len(months) != 2 { // 700 frames are three runs of 256, one of which a month ends in
			t.Errorf("%d parts of %d months, want 4 of 2", len(parts), len(months))
		}
		again := sqldbtest.SQLite(t, sqldb.Log)
		if err := put(t.Context(), again, nil, parts...); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(rows(t, db), rows(t, again)); diff != "" {
			t.Errorf("what came back differs (- was, + is):\n%s", diff)
		}
	})
}

func TestAPartStaysTheSameUntilAFrameInItIsWrittenAgain(t *testing.T) {
	db := sqldbtest.SQLite(t, sqldb.Log)
	r := rand.New(rand.NewPCG(7, 2))
	frames(t, db, 1, 600, r)
	before := pieces(t, db)
	frames(t, db, 601, 900, r)
	err := db.Write(t.Context(), func(tx *sqldb.Tx) error {
		_, err := tx.Exec(t.Context(), `update log_frames set bytes = $1 where seq = 300`, []byte("without somebody"))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	same := 0
	for _, p := range pieces(t, db) {
		for _, b := range before {
			if bytes.Equal(p.bytes, b.bytes) {
				same++
			} else if p.first == b.first && p.last == b.last && (b.last < 300 || b.first > 300) {
				t.Errorf("frames %d to %d changed, although none of them did", b.first, b.last)
			}
		}
	}
	if same != len(before)-2 { // without the one that was written again, and the last, which grew
		t.Errorf("%d of %d parts stayed the same, want all but two", same, len(before))
	}
}

func TestALogComesBackUpToAnInstant(t *testing.T) {
	db := sqldbtest.SQLite(t, sqldb.Log)
	frames(t, db, 1, 700, rand.New(rand.NewPCG(7, 3)))
	at := func(seq int64) int64 { return begin.Add(time.Duration(seq) * 10 * time.Minute).UnixMicro() }
	for _, c := range []struct{ least, before, want int64 }{{0, at(500), 500}, {0, at(500) + 1, 500}, {600, at(500), 600}, {700, at(1), 700}, {0, at(0), 0}} {
		again := sqldbtest.SQLite(t, sqldb.Log)
		if err := put(t.Context(), again, &backupdb.Keep{Least: c.least, Before: c.before}, pieces(t, db)...); err != nil {
			t.Fatal(err)
		}
		var last, orders int64
		err := again.Read(t.Context(), func(tx *sqldb.Tx) error {
			return tx.QueryRow(t.Context(), `select (select coalesce(max(seq), 0) from log_frames), (select count(*) from log_orders)`).Scan(&last, &orders)
		})
		if err != nil || last != c.want || orders != c.want/7 {
			t.Errorf("at least %d and before %d: %d frames, %d orders, %v; want %d and %d", c.least, c.before, last, orders, err, c.want, c.want/7)
		}
	}
}

func TestAPartThatIsNotWholeIsRefused(t *testing.T) {
	db := sqldbtest.SQLite(t, sqldb.Log)
	frames(t, db, 1, 10, rand.New(rand.NewPCG(7, 4)))
	whole := pieces(t, db)[0].bytes
	for n := range whole {
		if n%97 != 0 && n < len(whole)-20 {
			continue
		}
		to := sqldbtest.SQLite(t, sqldb.Log)
		if _, err := backupdb.Put(t.Context(), to, io.LimitReader(bytes.NewReader(whole), int64(n)), nil); !errors.Is(err, thimble.ErrDenied) {
			t.Errorf("cut off after %d bytes: %v, want a refusal", n, err)
		}
		if got := rows(t, to); len(got) > 0 {
			t.Errorf("cut off after %d bytes: %d rows were written", n, len(got))
		}
	}
	if _, err := backupdb.Put(t.Context(), sqldbtest.SQLite(t, sqldb.Log), bytes.NewReader(append(whole, 'e')), nil); !errors.Is(err, thimble.ErrDenied) {
		t.Errorf("with a byte more: %v, want a refusal", err)
	}
}
