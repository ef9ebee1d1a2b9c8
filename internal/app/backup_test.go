package app_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"filippo.io/age"
	"github.com/google/go-cmp/cmp"

	"thimble"
	"thimble/internal/app"
	"thimble/internal/backup"
	"thimble/internal/thimbletest"
)

var silent = slog.New(slog.DiscardHandler)

// A safe is a shop with a folder of what is kept apart, and a set of backups.
type safe struct {
	*thimbletest.Shop
	t                      *testing.T
	dir, data, apart, root string
	set                    string
	identity               *age.X25519Identity
	now                    func() time.Time
	more                   map[string]string // settings
}

func newSafe(t *testing.T, now func() time.Time) *safe {
	t.Helper()
	return newSafeAt(t, nil, now)
}

func newSafeAt(t *testing.T, more map[string]string, now func() time.Time) *safe {
	t.Helper()
	dir := t.TempDir()
	s := &safe{t: t, dir: dir, data: filepath.Join(dir, "data"), apart: filepath.Join(dir, "apart"), root: filepath.Join(dir, "root"), set: filepath.Join(dir, "set"), now: now, more: more}
	if err := errors.Join(os.Mkdir(s.apart, 0o700), os.Mkdir(s.root, 0o700)); err != nil {
		t.Fatal(err)
	}
	var err error
	if s.identity, err = age.GenerateX25519Identity(); err != nil {
		t.Fatal(err)
	}
	s.open()
	for _, name := range []string{"root.age", "root.identity"} {
		b, err := os.ReadFile(filepath.Join(s.data, "keys", name))
		if err == nil {
			err = os.WriteFile(filepath.Join(s.root, name), b, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return s
}

func (s *safe) open() {
	s.t.Helper()
	settings := map[string]string{"data": s.data, "apart": s.apart}
	maps.Copy(settings, s.more)
	s.Shop = thimbletest.OpenAt(s.t, settings, s.now)
}

func (s *safe) backup(logOnly bool) app.BackedUp {
	s.t.Helper()
	return s.backupAs(app.Backup{LogOnly: logOnly})
}

func (s *safe) backupAs(b app.Backup) app.BackedUp {
	s.t.Helper()
	b.Set, b.To = s.set, []age.Recipient{s.identity.Recipient()}
	done, err := s.App.Backup(s.t.Context(), b)
	if err != nil {
		s.t.Fatal(err)
	}
	return done
}

// seen is what a witness would have: the newest checkpoint, when what is kept apart reaches it.
func (s *safe) seen() []byte {
	s.t.Helper()
	head, err := s.Ledger.Checkpoint(s.t.Context())
	if err = errors.Join(err, s.KeepApart(s.t.Context())); err != nil {
		s.t.Fatal(err)
	}
	return head.Note
}

// restore puts back, into SQLite unless a database is given.
func (s *safe) restore(to string, seen []byte, at time.Time, database ...string) (app.Restored, error) {
	s.t.Helper()
	return s.restoreFrom(s.set, s.apart, to, seen, at, database...)
}

func (s *safe) restoreFrom(set, apart, to string, seen []byte, at time.Time, database ...string) (app.Restored, error) {
	s.t.Helper()
	cfg := s.config(to, apart)
	cfg.DatabaseURL = strings.Join(database, "")
	return app.PutBack(s.t.Context(), cfg, app.Restore{Set: set, Identities: []age.Identity{s.identity}, Root: s.root, Seen: seen, At: at}, silent)
}

func (s *safe) inPlace(data string, seen []byte) (app.Restored, error) {
	s.t.Helper()
	return app.RiseInPlace(s.t.Context(), s.config(data, s.apart), seen, silent)
}

func (s *safe) config(data, apart string) app.Config {
	s.t.Helper()
	cfg, err := app.Load(map[string]string{"data": data, "apart": apart}, func(string) string { return "" }, os.DevNull)
	if err != nil {
		s.t.Fatal(err)
	}
	cfg.Demo, cfg.Now, cfg.LearnPause, cfg.ListsFresh = true, s.now, -24*365*time.Hour, 0
	return cfg
}

// serve opens what was put back, as a start would.
func (s *safe) serve(to string) *thimbletest.Shop {
	s.t.Helper()
	return thimbletest.OpenAt(s.t, map[string]string{"data": to, "apart": s.apart}, s.now)
}

func TestWhoWasErasedAfterABackupIsNotBroughtBackByIt(t *testing.T) {
	s := newSafe(t, nil)
	crowd(s.Shop)
	ada, eve := someone(t, s.Shop, "ada"), someone(t, s.Shop, "eve")
	s.Works()
	s.backup(false)
	s.Erase(eve)
	late := s.Subject("late", thimbletest.Allows(personalize)...)
	s.Works()
	before := held(s.Shop, ada)

	done, err := s.restore(filepath.Join(s.dir, "back"), s.seen(), time.Time{})
	if err != nil {
		t.Fatal(err)
	}

	if done.Erased != 1 || done.Tombstones != 1 || done.Epoch != 2 || len(done.Audit.Findings) != 0 {
		t.Errorf("restored: %+v, want one person erased again, in epoch 2, without a finding", done)
	}
	back := s.serve(filepath.Join(s.dir, "back"))
	for _, gone := range []thimble.SubjectID{eve, late} {
		if _, err := back.Subjects.Epoch(t.Context(), gone); !errors.Is(err, thimble.ErrNotFound) {
			t.Errorf("somebody who was erased, or came later, is there: %v", err)
		}
	}
	if _, err := back.Vault.Seal(t.Context(), thimble.Cell{Owner: eve, Table: "order_orders", Column: "body", Row: []byte("1"), Category: thimble.PurchaseHistory}, []byte("x")); !errors.Is(err, thimble.ErrNotFound) {
		t.Errorf("sealing for who was erased: %v, want that there is no key", err)
	}
	if diff := cmp.Diff(before, held(back, ada)); diff != "" {
		t.Errorf("what is held about ada differs (- was, + is):\n%s", diff)
	}
	proof, err := back.App.Shop.Prove(t.Context(), nil, 2, 1)
	if err != nil || !proof.Holds() {
		t.Errorf("prove unlearning: %+v, %v", proof, err)
	}
	back.Works()
	audit, err := back.Audit(t.Context())
	if err != nil || len(audit.Findings) != 0 {
		t.Errorf("the audit of what serves: %+v, %v", audit.Findings, err)
	}
}

// An erasure is not done before its tombstone outlives the machine. The keys are gone all the same.
func TestAnErasureWaitsForWhatIsKeptApart(t *testing.T) {
	s := newSafe(t, nil)
	ada := s.Subject("ada", thimbletest.Allows(personalize)...)
	s.Buys(ada, "shirt")
	s.Works()
	away := s.apart + "-away"
	if err := os.Rename(s.apart, away); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Desk.Erase(t.Context(), ada); !errors.Is(err, thimble.ErrUnavailable) {
		t.Errorf("erasing while the disk is away: %v, want that it is unavailable", err)
	}
	if open, err := s.Requests.Open(t.Context()); err != nil || len(open) != 1 {
		t.Errorf("%d requests are open, %v, want the erasure", len(open), err)
	}
	if _, err := s.Vault.Seal(t.Context(), thimble.Cell{Owner: ada, Table: "order_orders", Column: "body", Row: []byte("1"), Category: thimble.PurchaseHistory}, nil); !errors.Is(err, thimble.ErrNotFound) {
		t.Errorf("sealing for ada: %v, want that there is no key", err)
	}
	if err := os.Rename(away, s.apart); err != nil {
		t.Fatal(err)
	}
	s.Works()
	if open, err := s.Requests.Open(t.Context()); err != nil || len(open) != 0 {
		t.Errorf("%d requests are open, %v, want none", len(open), err)
	}
	kept, err := backup.ReadApart(s.apart)
	if err != nil || len(kept.Stones) != 1 {
		t.Errorf("%d tombstones are kept apart, %v, want one", len(kept.Stones), err)
	}
}

// held is everything that is held about a person, in words, without the uses that were recorded
// since and when the model was made.
func held(s *thimbletest.Shop, who thimble.SubjectID) (all []string) {
	s.TB.Helper()
	for _, d := range s.Archive(who).Data {
		if d.Holder == "gate" || d.Holder == "recommend" {
			continue
		}
		all = append(all, fmt.Sprintf("%s %s %s %s", d.Holder, d.Category, d.Name, d.At.UTC().Format(time.RFC3339Nano)))
	}
	slices.Sort(all)
	return all
}

func TestARestoreIsRefused(t *testing.T) {
	s := newSafe(t, nil)
	crowd(s.Shop)
	first, second := s.Subject("first", thimbletest.Allows(personalize)...), s.Subject("second", thimbletest.Allows(personalize)...)
	s.Works()
	s.Erase(first)
	s.Works()
	s.seen()
	s.backup(false)
	old := filepath.Join(s.dir, "apart-old")
	copyTree(t, s.apart, old)
	s.Erase(second)
	s.Works()
	seen := s.seen()
	other := newSafe(t, nil)
	other.Subject("somebody")
	other.Works()
	foreignSeen := other.seen()

	spoilt := func(change func(text []byte) []byte) func(dir string) {
		return func(dir string) {
			path := filepath.Join(dir, "tombstones")
			b, err := os.ReadFile(path)
			if err == nil {
				err = os.WriteFile(path, change(b), 0o600)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	cases := []struct {
		name  string
		apart string
		do    func(apart string)
		seen  []byte
		says  string
	}{
		{"without what was kept apart", s.apart, func(dir string) { _ = os.RemoveAll(dir) }, seen, "does not hold what was kept apart"},
		{"without tombstones", s.apart, func(dir string) { _ = os.Remove(filepath.Join(dir, "tombstones")) }, seen, "has signed for 2 tombstones, and 0 are there"},
		{"with an older copy of them", old, nil, seen, "too few tombstones"},
		{"with a line less", s.apart, spoilt(func(b []byte) []byte { return b[:bytes.IndexByte(b, '\n')+1] }), seen, "has signed for 2 tombstones, and 1 are there"},
		{"with a bit changed", s.apart, spoilt(func(b []byte) []byte { b[10] ^= 1; return b }), seen, "tombstones, line 1: it was changed"},
		{"with another installation's", other.apart, nil, foreignSeen, "none of the ledger's keys signed it"},
		{"with a checkpoint of another log", s.apart, nil, foreignSeen, "none of this installation's ledger"},
		{"without a checkpoint", s.apart, nil, nil, "--seen is needed"},
		{"without the keys of days", s.apart, func(dir string) { _ = os.RemoveAll(filepath.Join(dir, "epochs")) }, seen, "has no epoch keys"},
		{"with the keys of other days", s.apart, func(dir string) {
			_ = os.RemoveAll(filepath.Join(dir, "epochs"))
			_ = os.Mkdir(filepath.Join(dir, "epochs"), 0o700)
		}, seen, "opens to nobody"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			apart := filepath.Join(t.TempDir(), "apart")
			copyTree(t, c.apart, apart)
			if c.do != nil {
				c.do(apart)
			}
			to := filepath.Join(t.TempDir(), "back")
			_, err := s.restoreFrom(s.set, apart, to, c.seen, time.Time{})
			if err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("restore: %v, want %q", err, c.says)
			}
			if _, err := os.Stat(to); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("there is a data folder: %v", err)
			}
		})
	}
	if done, err := s.restore(filepath.Join(s.dir, "control"), seen, time.Time{}); err != nil || done.Erased != 1 {
		t.Errorf("the control: %+v, %v, want that it is put back and one is erased again", done, err)
	}
}

func copyTree(t *testing.T, from, to string) {
	t.Helper()
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
}
