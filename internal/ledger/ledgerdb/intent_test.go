package ledgerdb_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"testing"

	"thimble"
	"thimble/internal/ledger"
	"thimble/internal/ledger/ledgerdb"
	"thimble/internal/sqldb"
	"thimble/internal/sqldb/sqldbtest"
)

// outside is a place that no transaction reaches, such as a folder.
type outside map[string]bool

func putting(name string) ledger.Act {
	payload, err := json.Marshal(map[string]string{"name": name})
	if err != nil {
		panic(err) // a map of texts
	}
	return ledger.Act{Kind: "test.put", Class: ledger.System, Payload: payload}
}

func (o outside) put(_ context.Context, i ledger.Intent) (json.RawMessage, error) {
	var p map[string]string
	if err := json.Unmarshal(i.Payload, &p); err != nil {
		return nil, err
	}
	o[p["name"]] = true
	return json.Marshal(map[string]bool{"put": true})
}

var errDied = errors.New("the process died")

// deaths are the moments at which a process may die; each leaves behind what it had
// done by then.
func deaths(o outside) map[string]func(context.Context, *ledgerdb.Log, *sqldb.DB) error {
	announce := func(ctx context.Context, l *ledgerdb.Log, db *sqldb.DB, then error) (i ledger.Intent, err error) {
		err = db.Write(ctx, func(tx *sqldb.Tx) (err error) {
			if i, err = l.Intend(ctx, tx, putting("a")); err == nil {
				err = then
			}
			return err
		})
		return i, err
	}
	return map[string]func(context.Context, *ledgerdb.Log, *sqldb.DB) error{
		"before the announcement is durable": func(ctx context.Context, l *ledgerdb.Log, db *sqldb.DB) error {
			_, err := announce(ctx, l, db, errDied)
			return err
		},
		"between announcement and act": func(ctx context.Context, l *ledgerdb.Log, db *sqldb.DB) error {
			_, err := announce(ctx, l, db, nil)
			return err
		},
		"in the act": func(ctx context.Context, l *ledgerdb.Log, _ *sqldb.DB) error {
			return l.Act(ctx, putting("a"), func(context.Context, ledger.Intent) (json.RawMessage, error) { return nil, errDied })
		},
		"between act and completion": func(ctx context.Context, l *ledgerdb.Log, _ *sqldb.DB) error {
			return l.Act(ctx, putting("a"), func(ctx context.Context, i ledger.Intent) (json.RawMessage, error) {
				_, err := o.put(ctx, i)
				return nil, errors.Join(err, errDied)
			})
		},
		"before the completion is durable": func(ctx context.Context, l *ledgerdb.Log, db *sqldb.DB) error {
			i, err := announce(ctx, l, db, nil)
			if err != nil {
				return err
			}
			outcome, err := o.put(ctx, i)
			if err != nil {
				return err
			}
			return db.Write(ctx, func(tx *sqldb.Tx) error { return errors.Join(l.Complete(ctx, tx, i, outcome), errDied) })
		},
		"after the completion": func(ctx context.Context, l *ledgerdb.Log, _ *sqldb.DB) error {
			return l.Act(ctx, putting("a"), o.put)
		},
	}
}

func TestRecoveryLeavesNeitherALieNorAnOpenAct(t *testing.T) {
	sqldbtest.Each(t, sqldb.Core, func(t *testing.T, db *sqldb.DB) {
		unguard(t, db)
		for moment := range deaths(nil) {
			t.Run(moment, func(t *testing.T) {
				empty(t, db)
				alter(t, db, `delete from ledger_intents`)
				o, ctx := outside{}, t.Context()
				err := deaths(o)[moment](ctx, ledgerdb.New(db, signer(t), ledgerdb.Config{}), db)
				if err != nil && !errors.Is(err, errDied) {
					t.Fatal(err)
				}

				next := ledgerdb.New(db, signer(t), ledgerdb.Config{}) // the next start
				open, err := next.OpenIntents(ctx)
				if err != nil {
					t.Fatal(err)
				}
				halfDone := moment != "before the announcement is durable" && moment != "after the completion"
				if (len(open) > 0) != halfDone {
					t.Errorf("%d open acts, want one: %t", len(open), halfDone)
				}
				if err := next.HalfDone(ctx); errors.Is(err, thimble.ErrUnavailable) != halfDone {
					t.Errorf("HalfDone = %v, want a refusal: %t", err, halfDone)
				}
				if _, err := next.Recover(ctx, map[string]ledger.Performer{"test.put": o.put}); err != nil {
					t.Fatal(err)
				}
				truthful(t, next, o)
			})
		}
	})
}

// truthful checks that no act is open, that what is closed was done, that nothing was done
// in silence, and that both leaves of an act are in the tree.
func truthful(t *testing.T, l *ledgerdb.Log, o outside) {
	t.Helper()
	if err := l.HalfDone(t.Context()); err != nil {
		t.Error(err)
	}
	integrate(t, l)
	all, err := l.Intents(t.Context(), 10)
	if err != nil {
		t.Fatal(err)
	}
	if done := len(all) == 1; done != o["a"] {
		t.Errorf("%d acts are told, done: %t", len(all), o["a"])
	}
	for _, i := range all {
		verified(t, l, i.Opening)
		verified(t, l, i.Completion)
	}
	if n, err := l.Size(t.Context()); err != nil || n != int64(2*len(all)) {
		t.Errorf("%d leaves (%v), want two for each act", n, err)
	}
}

func TestActUnderWayIsNotRecovered(t *testing.T) {
	sqldbtest.Each(t, sqldb.Core, func(t *testing.T, db *sqldb.DB) {
		l := ledgerdb.New(db, signer(t), ledgerdb.Config{})
		o, ctx := outside{}, t.Context()
		err := l.Act(ctx, putting("a"), func(ctx context.Context, i ledger.Intent) (json.RawMessage, error) {
			n, err := l.Recover(ctx, map[string]ledger.Performer{"test.put": o.put})
			if n != 0 || err != nil {
				t.Errorf("recovered %d, %v while the act was under way", n, err)
			}
			if err := l.HalfDone(ctx); err != nil {
				t.Errorf("an act under way is told as half done: %v", err)
			}
			return o.put(ctx, i)
		})
		if err != nil {
			t.Fatal(err)
		}
		if again, err := l.Recover(ctx, nil); again != 0 || err != nil {
			t.Errorf("recovered %d, %v after it", again, err)
		}
	})
}

func TestActNobodyFinishesIsNamed(t *testing.T) {
	db := sqldbtest.SQLite(t, sqldb.Core)
	l := ledgerdb.New(db, signer(t), ledgerdb.Config{})
	failing := func(context.Context, ledger.Intent) (json.RawMessage, error) { return nil, errDied }
	if err := l.Act(t.Context(), putting("a"), failing); !errors.Is(err, errDied) {
		t.Fatal(err)
	}
	if _, err := l.Recover(t.Context(), nil); !errors.Is(err, thimble.ErrUnavailable) {
		t.Errorf("got %v, want unavailable", err)
	}
	if n, err := l.Recover(t.Context(), map[string]ledger.Performer{"test.put": outside{}.put}); n != 1 || err != nil {
		t.Errorf("recovered %d, %v, want 1", n, err)
	}
}

func TestActThatNamesAPersonIsRefused(t *testing.T) {
	db := sqldbtest.SQLite(t, sqldb.Core)
	l := ledgerdb.New(db, signer(t), ledgerdb.Config{})
	who, err := thimble.NewSubjectID(nil)
	if err != nil {
		t.Fatal(err)
	}
	bad := []ledger.Act{
		{Kind: "test.put", Class: ledger.System, Payload: fmt.Appendf(nil, `{"who":%q}`, who)},
		{Kind: "test.put", Class: ledger.System, Payload: json.RawMessage(`{`)},
		{Kind: "", Class: ledger.System, Payload: json.RawMessage(`{}`)},
		{Kind: "test.put", Payload: json.RawMessage(`{}`)},
		{Kind: "test.put", Class: ledger.System, Payload: slices.Repeat([]byte(" "), 1<<15)},
	}
	for i, a := range bad {
		err := l.Act(t.Context(), a, outside{}.put)
		if !errors.Is(err, thimble.ErrInvalid) {
			t.Errorf("act %d: got %v, want invalid", i, err)
		}
	}
	if all, err := l.Intents(t.Context(), 1); err != nil || len(all) != 0 {
		t.Errorf("%d acts were announced (%v)", len(all), err)
	}
}
