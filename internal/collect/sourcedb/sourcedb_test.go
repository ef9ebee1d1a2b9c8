package sourcedb_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"thimble"
	"thimble/internal/collect/intake"
	"thimble/internal/collect/source"
	"thimble/internal/collect/sourcedb"
	"thimble/internal/ledger"
	"thimble/internal/ledger/ledgerdb"
	"thimble/internal/sqldb"
	"thimble/internal/sqldb/sqldbtest"
)

// A shop is one installation, and what a second process of it sees.
type shop struct {
	t     *testing.T
	db    *sqldb.DB
	here  *sourcedb.Store
	there *sourcedb.Store
	log   *ledgerdb.Log

	mu  sync.Mutex
	now time.Time
}

func (s *shop) clock() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.now
}

func (s *shop) pass(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now = s.now.Add(d)
}

func each(t *testing.T, f func(s *shop)) {
	t.Helper()
	sqldbtest.Installations(t, func(t *testing.T, open sqldbtest.Opener) {
		signer, err := ledger.NewSigner("shop.example/log", make([]byte, 32))
		if err != nil {
			t.Fatal(err)
		}
		s := &shop{t: t, db: open(sqldb.Core), now: time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)}
		s.log = ledgerdb.New(s.db, signer, ledgerdb.Config{Now: s.clock})
		s.here, s.there = sourcedb.New(s.db, s.log, s.clock), sourcedb.New(open(sqldb.Core), s.log, s.clock)
		f(s)
	})
}

func (s *shop) adds(name string, kind intake.Kind, origins ...string) (string, source.Source) {
	s.t.Helper()
	draft, err := source.New(name, kind, false, origins)
	if err != nil {
		s.t.Fatal(err)
	}
	key, made, err := s.here.Add(s.t.Context(), draft, "mara")
	if err != nil {
		s.t.Fatal(err)
	}
	return key, made
}

func (s *shop) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

func TestAKeyOpensItsSource(t *testing.T) {
	each(t, func(s *shop) {
		key, made := s.adds("till", intake.Server)
		_, second := s.adds("shop", intake.Browser, "https://shop.example")
		if made.Number != 1 || second.Number != 2 {
			s.t.Errorf("numbers %d and %d, want 1 and 2", made.Number, second.Number)
		}
		got, err := s.here.Find(s.t.Context(), key)
		if want := (intake.Source{Number: 1, Name: "till", Kind: intake.Server}); err != nil || got != want {
			s.t.Errorf("got %+v, %v, want %+v", got, err, want)
		}
		for origin, want := range map[string]bool{"https://shop.example": true, "https://other.example": false, "null": false, "": false} {
			if got, err := s.here.Origin(s.t.Context(), origin); err != nil || got != want {
				s.t.Errorf("%q: %t, %v, want %t", origin, got, err, want)
			}
		}
	})
}

func TestOnlyAPublicKeyIsKept(t *testing.T) {
	each(t, func(s *shop) {
		secret, till := s.adds("till", intake.Server)
		public, web := s.adds("shop", intake.Browser, "https://shop.example")
		for n, want := range map[uint32]string{till.Number: "", web.Number: public} {
			got, err := s.here.Get(s.t.Context(), n)
			if err != nil || len(got.Keys) != 1 || got.Keys[0].Text != want {
				s.t.Errorf("%d: got %+v, %v, want the key %q", n, got.Keys, err, want)
			}
		}
		for _, table := range []string{"select hint || public from collect_source_keys", "select name || kind || origins from collect_sources"} {
			s.must(s.db.Ask(s.t.Context(), func(row sqldb.Row) error {
				var text string
				err := row.Scan(&text)
				if text == source.Hint(secret)+secret || len(text) > 100 {
					s.t.Error("a secret key lies in the database")
				}
				return err
			}, table))
		}
	})
}

func TestUnknownAndEndedKeysAreToldAlike(t *testing.T) {
	each(t, func(s *shop) {
		key, made := s.adds("till", intake.Server)
		never, err := source.NewKey(nil, intake.Server)
		s.must(err)
		s.must(s.here.End(s.t.Context(), made.Number, "mara"))
		_, ended := s.here.Find(s.t.Context(), key)
		_, unknown := s.here.Find(s.t.Context(), never)
		if ended != sourcedb.ErrUnknown || unknown != sourcedb.ErrUnknown || !errors.Is(ended, thimble.ErrDenied) {
			s.t.Errorf("ended: %v, unknown: %v", ended, unknown)
		}
		if err := s.here.End(s.t.Context(), made.Number, "mara"); !errors.Is(err, thimble.ErrConflict) {
			s.t.Errorf("ending twice: %v, want a conflict", err)
		}
		if _, _, err := s.here.Add(s.t.Context(), made, "mara"); !errors.Is(err, source.ErrTaken) {
			s.t.Errorf("a name that was given before: %v, want ErrTaken", err)
		}
		if err := s.here.End(s.t.Context(), 99, "mara"); !errors.Is(err, thimble.ErrNotFound) {
			s.t.Errorf("ending none: %v", err)
		}
	})
}

func TestAKeyThatWasEndedElsewhereIsRefusedWithinASecond(t *testing.T) {
	each(t, func(s *shop) {
		key, made := s.adds("till", intake.Server)
		if _, err := s.there.Find(s.t.Context(), key); err != nil {
			s.t.Fatal(err) // it is known there now, and remembered
		}
		s.must(s.here.End(s.t.Context(), made.Number, "mara"))
		if _, err := s.here.Find(s.t.Context(), key); !errors.Is(err, thimble.ErrDenied) {
			s.t.Errorf("here: %v, want it refused at once", err)
		}
		time.Sleep(time.Second)
		if _, err := s.there.Find(s.t.Context(), key); !errors.Is(err, thimble.ErrDenied) {
			s.t.Errorf("there: %v, want it refused after a second", err)
		}
	})
}

func TestWithoutADatabaseNoKeyOpensAnythingAfterASecond(t *testing.T) {
	each(t, func(s *shop) {
		key, _ := s.adds("till", intake.Server)
		if _, err := s.here.Find(s.t.Context(), key); err != nil {
			s.t.Fatal(err)
		}
		broken := sourcedb.New(s.db, s.log, s.clock)
		if _, err := broken.Find(s.t.Context(), key); err != nil {
			s.t.Fatal(err)
		}
		s.must(s.db.Write(s.t.Context(), func(tx *sqldb.Tx) error {
			_, err := tx.Exec(s.t.Context(), `alter table collect_source_keys rename to gone`)
			return err
		}))
		defer func() {
			s.must(s.db.Write(context.Background(), func(tx *sqldb.Tx) error {
				_, err := tx.Exec(context.Background(), `alter table gone rename to collect_source_keys`)
				return err
			}))
		}()
		if _, err := broken.Find(s.t.Context(), key); err != nil {
			s.t.Errorf("at once: %v, want what was known a moment ago", err)
		}
		time.Sleep(time.Second)
		if _, err := broken.Find(s.t.Context(), key); !errors.Is(err, thimble.ErrUnavailable) {
			s.t.Errorf("after a second: %v, want unavailable", err)
		}
	})
}

func TestAnOldKeyOpensUntilItsGraceIsOver(t *testing.T) {
	each(t, func(s *shop) {
		old, made := s.adds("till", intake.Server)
		next, err := s.here.Rotate(s.t.Context(), made.Number, time.Hour, "mara")
		s.must(err)
		last, err := s.here.Rotate(s.t.Context(), made.Number, 24*time.Hour, "mara")
		s.must(err)
		opens := func(key string) bool {
			got, err := s.here.Find(s.t.Context(), key)
			return err == nil && got.Number == made.Number
		}
		if !opens(old) || !opens(next) || !opens(last) {
			s.t.Error("within its grace a key is refused")
		}
		s.pass(time.Hour)
		if opens(old) || !opens(next) || !opens(last) {
			s.t.Error("after an hour: the first key's hour was made longer, or the second's day shorter")
		}
		if _, err := s.here.Rotate(s.t.Context(), made.Number, 0, "mara"); err != nil || opens(next) || opens(last) {
			s.t.Errorf("without grace the old keys open still, %v", err)
		}
		if _, err := s.here.Rotate(s.t.Context(), made.Number, sourcedb.MaxGrace+1, "mara"); !errors.Is(err, thimble.ErrInvalid) {
			s.t.Errorf("a longer grace: %v", err)
		}
	})
}

func TestChangesNeedSomebodyAndAreLeaves(t *testing.T) {
	each(t, func(s *shop) {
		_, made := s.adds("shop", intake.Browser, "https://shop.example")
		s.must(s.here.Set(s.t.Context(), made.Number, true, []string{"https://www.shop.example"}, "tomas"))
		_, err := s.here.Rotate(s.t.Context(), made.Number, 0, "mara")
		s.must(err)
		if err := s.here.Set(s.t.Context(), made.Number, true, []string{"https://evil.example"}, ""); !errors.Is(err, thimble.ErrDenied) {
			s.t.Errorf("nobody: %v", err)
		}
		if err := s.here.Set(s.t.Context(), made.Number, true, []string{"evil"}, "mara"); !errors.Is(err, thimble.ErrInvalid) {
			s.t.Errorf("no origin: %v", err)
		}
		s.must(s.here.End(s.t.Context(), made.Number, "mara"))

		changes, err := s.here.Changes(s.t.Context(), made.Number)
		s.must(err)
		var did []string
		for _, c := range changes {
			did = append(did, string(c.What)+" by "+c.Staff)
		}
		if want := []string{"ended by mara", "new-key by mara", "settings by tomas", "added by mara"}; !slices.Equal(did, want) {
			s.t.Errorf("got %v, want %v", did, want)
		}
		if found := s.audit(); len(found) != 0 {
			s.t.Errorf("the audit found %v", found)
		}
	})
}

// audit holds the changes against the ledger.
func (s *shop) audit() []ledger.Finding {
	s.t.Helper()
	_, err := s.log.Integrate(s.t.Context())
	s.must(err)
	nobody := func(context.Context, thimble.SubjectID) (bool, error) { return false, nil }
	_, found, err := s.log.Compare(s.t.Context(), s.here.Claims(s.t.Context()), nobody, ledger.System)
	s.must(err)
	return found
}

func TestTheAuditFindsWhatWasChangedInTheTables(t *testing.T) {
	for name, statement := range map[string]string{
		"an origin more":       `update collect_sources set origins = origins || ' https://evil.example'`,
		"it asks for consent":  `update collect_sources set consents = 1`,
		"it was made a server": `update collect_sources set kind = 'server'`,
		"another name":         `update collect_sources set name = 'other' where number = 1`,
		"it lives again":       `update collect_sources set ended_at = null where number = 2`,
		"a key more":           `select 1`,
		"a key lives longer":   `update collect_source_keys set ends_at = ends_at + 1 where ends_at is not null`,
		"a key moved":          `update collect_source_keys set source = 1`,
		"a change went":        `delete from collect_source_changes where seq = 1`,
		"somebody else did it": `update collect_source_changes set staff = 'tomas' where seq = 1`,
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(s *shop) {
				_, one := s.adds("shop", intake.Browser, "https://shop.example")
				_, two := s.adds("till", intake.Server)
				_, err := s.here.Rotate(s.t.Context(), one.Number, time.Hour, "mara")
				s.must(err)
				s.must(s.here.End(s.t.Context(), two.Number, "mara"))
				if name == "a key more" {
					s.must(s.db.Write(s.t.Context(), func(tx *sqldb.Tx) error {
						_, err := tx.Exec(s.t.Context(), `insert into collect_source_keys (hash, source, public, hint, created_at) values ($1, 1, '', 'evil', 0)`, make([]byte, 32))
						return err
					}))
				}
				s.must(s.db.Write(s.t.Context(), func(tx *sqldb.Tx) error { _, err := tx.Exec(s.t.Context(), statement); return err }))
				if found := s.audit(); len(found) == 0 {
					s.t.Error("the audit found nothing")
				}
			})
		})
	}
}

func TestWhoAsksAfterAnEndIsRefusedHoweverManyAskAtOnce(t *testing.T) {
	each(t, func(s *shop) {
		key, made := s.adds("till", intake.Server)
		var all sync.WaitGroup
		end := make(chan struct{})
		for range 8 {
			all.Go(func() {
				for range 2000 {
					ended := false
					select {
					case <-end:
						ended = true
					default:
					}
					if _, err := s.here.Find(context.Background(), key); ended && !errors.Is(err, thimble.ErrDenied) {
						s.t.Errorf("after the end: %v", err)
						return
					}
				}
			})
		}
		s.must(s.here.End(s.t.Context(), made.Number, "mara"))
		close(end)
		all.Wait()
	})
}

func BenchmarkFind(b *testing.B) {
	signer, err := ledger.NewSigner("shop.example/log", make([]byte, 32))
	if err != nil {
		b.Fatal(err)
	}
	db := sqldbtest.SQLite(b, sqldb.Core)
	store := sourcedb.New(db, ledgerdb.New(db, signer, ledgerdb.Config{}), nil)
	draft, err := source.New("till", intake.Server, false, nil)
	if err != nil {
		b.Fatal(err)
	}
	key, _, err := store.Add(b.Context(), draft, "mara")
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := store.Open(b.Context(), key); err != nil {
			b.Fatal(err)
		}
	}
}
