package app_test

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"thimble/internal/app"
	"thimble/internal/ledger"
	"thimble/internal/ledger/ledgerdb"
	"thimble/internal/sqldb"
	"thimble/internal/thimbletest"
)

// An attack on the whole installation: do works on a stopped copy of it or on what it
// serves, and found says who noticed, or "".
type wholeAttack struct {
	name  string
	do    func(sc *scene)
	found func(sc *scene) string
}

func (sc *scene) path(name ...string) string {
	return filepath.Join(append([]string{sc.settings["data"]}, name...)...)
}

// older puts files back to how they were before eve was erased.
func (sc *scene) older(names ...string) {
	for _, name := range names {
		for _, suffix := range []string{"", "-wal", "-shm"} {
			_ = os.Remove(sc.path(name) + suffix)
		}
		b, err := os.ReadFile(filepath.Join(sc.settings["data"]+"-older", name))
		if err != nil {
			sc.t.Fatal(err)
		}
		if err := os.WriteFile(sc.path(name), b, 0o600); err != nil {
			sc.t.Fatal(err)
		}
	}
}

// The detectors. Each starts the installation again, as after the attack an operator would.
func (sc *scene) refusedStart() string {
	a, err := start(sc.settings)
	if err == nil {
		_ = a.Close()
		return ""
	}
	return "start: " + err.Error()
}

// toldByTheStart is what a start found and mended; the console shows it.
func (sc *scene) toldByTheStart() string {
	a, err := start(sc.settings)
	if err != nil {
		return "start: " + err.Error()
	}
	defer a.Close()
	last, err := a.Ledger.LastAudit(sc.t.Context())
	if err != nil || len(last.Findings) == 0 {
		return ""
	}
	return last.Findings[0].Rule
}

func (sc *scene) auditAfterStart() string {
	a, err := start(sc.settings)
	if err != nil {
		return "start: " + err.Error()
	}
	defer a.Close()
	sc.App = a
	return sc.found()
}

func (sc *scene) auditorAfterStart() string {
	a, err := start(sc.settings)
	if err != nil {
		return "start: " + err.Error()
	}
	defer a.Close()
	sc.App = a
	sc.sql(a.Core, free)
	if _, err := a.Ledger.Integrate(sc.t.Context()); err != nil {
		sc.t.Fatal(err)
	}
	if err := sc.outside(); err != nil {
		return "auditor: " + err.Error()
	}
	return ""
}

// free ends the lease of the process before, which a test does not wait out.
const free = `update ledger_lease set lease_until = 0`

var wholeAttacks = []wholeAttack{
	{"roll back the core database", func(sc *scene) { sc.older("core.db") }, (*scene).refusedStart},
	{"roll back the keys", func(sc *scene) { sc.older("keys/keys.db") }, (*scene).toldByTheStart},
	{"roll back both", func(sc *scene) { sc.older("core.db", "keys/keys.db") }, (*scene).refusedStart},
	{"roll back the whole folder", func(sc *scene) { sc.older("core.db", "keys/keys.db", app.SeenName) }, (*scene).auditorAfterStart},
	{"swap the log's signing key", func(sc *scene) {
		sc.stopped(func(a *app.App) { sc.sql(a.Keys, `delete from vault_secrets where name = 'ledger-signing-seed'`) })
	}, (*scene).refusedStart},
	{"swap two customers' keys", func(sc *scene) {
		sc.stopped(func(a *app.App) {
			sc.sql(a.Keys, `create table kept as select * from vault_keys where owner in ($ada, $bob)`,
				`update vault_keys set wrapped = (select k.wrapped from kept k where k.owner <> vault_keys.owner and k.class = vault_keys.class and k.chain = vault_keys.chain limit 1) where owner in ($ada, $bob)`,
				`drop table kept`)
		})
	}, (*scene).auditAfterStart},
	{"bring an erased person's key back from a copy", func(sc *scene) {
		sc.stopped(func(a *app.App) {
			sc.sql(a.Keys, `attach database '`+filepath.Join(sc.settings["data"]+"-older", "keys", "keys.db")+`' as older`)
			sc.sql(a.Keys, `insert into vault_keys select * from older.vault_keys where owner = $eve`)
		})
	}, func(sc *scene) string { return sc.auditBeforeStart() }},
	{"set the clock ahead, and back again", func(sc *scene) { sc.at(3 * 24 * time.Hour) }, (*scene).auditAfterStart},
	{"set the clock back", func(sc *scene) { sc.at(-3 * 24 * time.Hour) }, (*scene).auditAfterStart},
}

// auditBeforeStart audits without the recovery of a start, which mends what it finds.
func (sc *scene) auditBeforeStart() string {
	found := ""
	sc.stopped(func(a *app.App) {
		sc.App = a
		found = sc.found()
	})
	return found
}

// stopped opens the databases of an installation that does not serve.
func (sc *scene) stopped(f func(*app.App)) {
	sc.t.Helper()
	cfg, err := app.Load(sc.settings, func(string) string { return "" }, os.DevNull)
	if err != nil {
		sc.t.Fatal(err)
	}
	a, err := app.Open(context.Background(), cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		sc.t.Fatal(err)
	}
	defer a.Close()
	f(a)
}

// at has the installation record something at another time.
func (sc *scene) at(off time.Duration) {
	sc.stopped(func(a *app.App) {
		head, err := a.Ledger.Checkpoint(sc.t.Context())
		if err != nil {
			sc.t.Fatal(err)
		}
		l := ledgerdb.New(a.Core, sc.signer(a, head.Origin), ledgerdb.Config{Now: func() time.Time { return time.Now().Add(off) }})
		err = a.Core.Write(sc.t.Context(), func(tx *sqldb.Tx) error {
			_, err := l.Queue(sc.t.Context(), tx, ledger.Entry{Class: ledger.Access, Record: []byte(`{}`)})
			return err
		})
		sc.sql(a.Core, free)
		if _, again := l.Integrate(sc.t.Context()); errors.Join(err, again) != nil {
			sc.t.Fatal(err, again)
		}
		sc.sql(a.Core, free)
	})
}

// signer is the log's key in the hands of an operator.
func (sc *scene) signer(a *app.App, origin string) *ledger.Signer {
	sc.t.Helper()
	seed, err := a.Vault.Secret(sc.t.Context(), "ledger-signing-seed", 32)
	if err != nil {
		sc.t.Fatal(err)
	}
	s, err := ledger.NewSigner(origin, seed)
	if err != nil {
		sc.t.Fatal(err)
	}
	return s
}

func TestOperatorsAttacksOnTheInstallationAreDetected(t *testing.T) {
	dir := t.TempDir()
	first := map[string]string{"data": filepath.Join(dir, "data")}
	sc := newScene(t, first)
	late := sc.Subject("eve-2", thimbletest.Allows(personalize)...)
	sc.Works()
	if err := sc.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(filepath.Join(dir, "data-older"), os.DirFS(first["data"])); err != nil {
		t.Fatal(err)
	}
	sc.App = mustStart(t, first)
	sc.sql(sc.Core, free)
	sc.Erase(late)
	sc.eve = late
	sc.Works()
	if err := errors.Join(sc.outside(), sc.Remember(t.Context()), sc.Close()); err != nil {
		t.Fatal(err)
	}
	for _, attack := range wholeAttacks {
		t.Run(attack.name, func(t *testing.T) {
			for _, attacked := range []bool{false, true} { // the control first
				copied := filepath.Join(t.TempDir(), "data")
				for _, suffix := range []string{"", "-older"} {
					if err := os.CopyFS(copied+suffix, os.DirFS(filepath.Join(dir, "data"+suffix))); err != nil {
						t.Fatal(err)
					}
				}
				one := *sc
				one.t, one.settings = t, map[string]string{"data": copied}
				one.Shop = &thimbletest.Shop{TB: t}
				if attacked {
					attack.do(&one)
				}
				got := attack.found(&one)
				if (got != "") != attacked {
					t.Errorf("attacked: %t, detected: %q", attacked, got)
				}
				if attacked {
					t.Logf("detected: %s", strings.TrimSpace(got))
				}
			}
		})
	}
}
