package app_test

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"thimble"
	"thimble/internal/app"
	"thimble/internal/job"
	"thimble/internal/ledger"
	"thimble/internal/sqldb"
	"thimble/internal/thimbletest"
)

// What lies outside of the core database is announced, done and closed: model files,
// epoch keys, a person's keys.
func TestWhatLiesOutsideIsAnnouncedAndClosed(t *testing.T) {
	thimbletest.Each(t, func(t *testing.T, s *thimbletest.Shop) {
		crowd(s)
		ada := s.Subject("ada", thimbletest.Allows(personalize, train)...)
		s.Buys(ada, "shirt")
		s.Works()

		s.Erase(ada)
		s.Works()

		kinds := map[string]int{}
		all, err := s.Ledger.Intents(t.Context(), 100)
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range all {
			if i.Done.IsZero() {
				t.Errorf("%s is open", i.Kind)
				continue
			}
			kinds[i.Kind]++
			for _, o := range []ledger.Opening{i.Opening, i.Completion} {
				if strings.Contains(string(o.Record), ada.String()) {
					t.Errorf("a step of %s names the person", i.Kind)
				}
				if _, err := s.Ledger.Receipt(t.Context(), o); err != nil {
					t.Errorf("a step of %s has no receipt: %v", i.Kind, err)
				}
			}
		}
		if kinds["model.keep"] < 2 || kinds["model.destroy"] < 1 || kinds["key.shred"] != 1 {
			t.Errorf("acts: %v, want at least two models kept, one destroyed, and one person's keys shredded", kinds)
		}
	})
}

var errCrash = errors.New("the process died")

// Each act is cut before and after it is done; the next start tells and does the rest.
func TestStartFinishesWhatACrashLeftOpen(t *testing.T) {
	for _, acted := range []bool{false, true} {
		name := "before the act"
		if acted {
			name = "after the act"
		}
		t.Run(name, func(t *testing.T) {
			dir := map[string]string{"data": t.TempDir()}
			s := thimbletest.Open(t, dir)
			ctx := t.Context()
			crowd(s)
			s.Works()
			stray, err := s.Files.Put(ctx, []byte("a model that nobody serves"))
			if err != nil {
				t.Fatal(err)
			}
			payload, err := json.Marshal(map[string][]string{"sha256": {stray.String()}})
			if err != nil {
				t.Fatal(err)
			}
			epochs, err := json.Marshal(map[string][]int64{"epochs": {0, 1}})
			if err != nil {
				t.Fatal(err)
			}
			for _, a := range []ledger.Act{
				{Kind: "model.keep", Class: ledger.Model, Payload: payload},
				{Kind: "model.destroy", Class: ledger.Model, Payload: payload},
				{Kind: "key.rotate", Class: ledger.Key, Payload: epochs},
				{Kind: "key.shred", Class: ledger.Key, Payload: json.RawMessage(`{"request":"req_none"}`)},
			} {
				err := s.Ledger.Act(ctx, a, func(ctx context.Context, _ ledger.Intent) (json.RawMessage, error) {
					if acted {
						if err := s.Files.Delete(ctx, stray); err != nil {
							return nil, err
						}
					}
					return nil, errCrash
				})
				if !errors.Is(err, errCrash) {
					t.Fatal(err)
				}
			}

			next := thimbletest.Open(t, dir)

			if err := next.Ledger.HalfDone(ctx); err != nil {
				t.Error(err)
			}
			if _, err := next.Files.Get(ctx, stray); !errors.Is(err, thimble.ErrNotFound) {
				t.Errorf("the stray file: %v, want that it is gone", err)
			}
			if _, ok := next.App.Shop.Version(); !ok {
				t.Error("the serving model is gone")
			}
		})
	}
}

func TestNothingIsServedWhileAnActIsHalfDone(t *testing.T) {
	s := thimbletest.New(t)
	opening := anOpening(t)
	err := s.Core.Write(t.Context(), func(tx *sqldb.Tx) error {
		_, err := tx.Exec(t.Context(), `insert into ledger_intents (id, kind, payload, opened_at, opening, done_at, outcome, completion)
			values ($1, 'model.destroy', '{}', 1, $2, 0, '', $3)`, []byte("0123456789abcdef"), opening, []byte{})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if err := s.Serve(t.Context(), l, http.NotFoundHandler()); !errors.Is(err, thimble.ErrUnavailable) {
		t.Errorf("Serve = %v, want a refusal", err)
	}
}

func anOpening(t *testing.T) []byte {
	t.Helper()
	o, err := ledger.Commit(ledger.Entry{Class: ledger.Model, At: time.Now(), Record: []byte(`{}`)}, [ledger.SaltSize]byte{})
	if err != nil {
		t.Fatal(err)
	}
	b, err := o.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestAuditJobTellsTheConsole(t *testing.T) {
	s := thimbletest.New(t)
	crowd(s)
	s.Works()
	err := s.Core.Write(t.Context(), func(tx *sqldb.Tx) error {
		return s.Jobs.Add(t.Context(), tx, job.Job{Kind: app.AuditJob, Dedupe: app.AuditJob})
	})
	if err != nil {
		t.Fatal(err)
	}
	s.Works()
	last, err := s.Ledger.LastAudit(t.Context())
	if err != nil || len(last.Findings) != 0 || last.Compared < 24 || time.Since(last.At) > time.Hour {
		t.Errorf("the last audit is %+v, %v; want that at least the crowd's 24 choices fit", last, err)
	}
}
