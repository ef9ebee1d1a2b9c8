package app_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"thimble"
	"thimble/internal/app"
	"thimble/internal/gate"
	"thimble/internal/ledger"
	"thimble/internal/ledger/ledgerdb"
	"thimble/internal/ledger/ledgerweb"
	"thimble/internal/ledger/witness"
	"thimble/internal/sqldb"
	"thimble/internal/sqldb/sqldbtest"
	"thimble/internal/thimbletest"
)

// A scene is an installation with a past, and what people outside of it remember.
type scene struct {
	*thimbletest.Shop
	t        *testing.T
	settings map[string]string
	ada, bob thimble.SubjectID // alive
	eve      thimble.SubjectID // erased
	auditor  *ledger.Auditor   // of somebody outside
	receipt  []byte            // of a decision about ada
	other    []byte            // of a decision about bob
	queued   ledger.Opening    // not in the tree yet
}

func newScene(t *testing.T, settings map[string]string) *scene {
	t.Helper()
	sc := &scene{t: t, settings: settings, Shop: &thimbletest.Shop{App: mustStart(t, settings), TB: t}}
	crowd(sc.Shop)
	for _, who := range []struct {
		id   *thimble.SubjectID
		name string
	}{{&sc.ada, "ada"}, {&sc.bob, "bob"}, {&sc.eve, "eve"}} {
		*who.id = sc.Subject(who.name, thimbletest.Allows(personalize, train)...)
		sc.Buys(*who.id, "shirt")
	}
	sc.Works()
	sc.Sees(sc.ada)
	sc.Sees(sc.bob)
	sc.Erase(sc.eve)
	sc.staffReads(sc.ada)
	sc.Works()
	var err error
	if sc.auditor, err = ledger.NewAuditor(nil, sc.Ledger.VerifierKey()); err != nil {
		t.Fatal(err)
	}
	if err := sc.outside(); err != nil {
		t.Fatal(err)
	}
	sc.receipt, sc.other = sc.receiptOf(sc.ada), sc.receiptOf(sc.bob)
	if err := sc.Remember(t.Context()); err != nil {
		t.Fatal(err)
	}
	sc.queued = sc.Chooses(sc.ada, thimbletest.Withdraws(personalize)...)[0].Opening
	return sc
}

func start(settings map[string]string) (*app.App, error) {
	cfg, err := app.Load(settings, func(string) string { return "" }, os.DevNull)
	if err != nil {
		return nil, err
	}
	a, err := app.Open(context.Background(), cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		return nil, err
	}
	if err := a.Recover(context.Background()); err != nil {
		return nil, errors.Join(err, a.Close())
	}
	return a, nil
}

func mustStart(t *testing.T, settings map[string]string) *app.App {
	t.Helper()
	a, err := start(settings)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func (sc *scene) staffReads(who thimble.SubjectID) {
	sc.t.Helper()
	_, err := sc.Gate.Open(sc.t.Context(), gate.Request{Actor: gate.Actor{Kind: gate.Staff, Name: "owner"}, Subject: who,
		Purpose: thimble.EssentialService, Categories: []thimble.Category{thimble.PurchaseHistory}})
	if err != nil {
		sc.t.Fatal(err)
	}
}

func (sc *scene) receiptOf(who thimble.SubjectID) []byte {
	sc.t.Helper()
	for c, err := range sc.Decisions.Claims(sc.t.Context()) {
		if err != nil {
			sc.t.Fatal(err)
		}
		if c.Subject == who {
			return sc.text(c.Opening)
		}
	}
	sc.t.Fatal("nothing was decided about the person")
	return nil
}

func (sc *scene) text(o ledger.Opening) []byte {
	sc.t.Helper()
	r, err := sc.Ledger.Receipt(sc.t.Context(), o)
	if err != nil {
		sc.t.Fatal(err)
	}
	text, err := r.MarshalText()
	if err != nil {
		sc.t.Fatal(err)
	}
	return text
}

// outside has somebody outside audit the log over HTTP.
func (sc *scene) outside() error {
	server := httptest.NewServer(ledgerweb.Handler(sc.Ledger, nil))
	defer server.Close()
	return sc.auditor.Audit(sc.t.Context(), ledgerweb.Fetch(server.Client(), server.URL+ledgerweb.Prefix))
}

// found is what an audit found, in one text; "" when everything fits.
func (sc *scene) found() string {
	sc.t.Helper()
	a, err := sc.Audit(sc.t.Context())
	if err != nil {
		sc.t.Fatal(err)
	}
	var text strings.Builder
	for _, f := range a.Findings {
		fmt.Fprintf(&text, "%s: %s (%d)\n", f.Table, f.Rule, f.Rows)
	}
	return text.String()
}

func (sc *scene) sql(db *sqldb.DB, statements ...string) {
	sc.t.Helper()
	err := db.Write(sc.t.Context(), func(tx *sqldb.Tx) error {
		for _, s := range statements {
			s = strings.NewReplacer("$ada", hexOf(tx, sc.ada), "$bob", hexOf(tx, sc.bob), "$eve", hexOf(tx, sc.eve)).Replace(s)
			if _, err := tx.Exec(sc.t.Context(), s); err != nil {
				return fmt.Errorf("%s: %w", s, err)
			}
		}
		return nil
	})
	if err != nil {
		sc.t.Fatal(err)
	}
}

func hexOf(tx *sqldb.Tx, id thimble.SubjectID) string {
	if tx.Engine() == sqldb.PostgreSQL {
		return fmt.Sprintf(`'\x%x'::bytea`, id[:])
	}
	return fmt.Sprintf("x'%x'", id[:])
}

// unguard drops the triggers: whoever owns the database can.
func (sc *scene) unguard() {
	sc.t.Helper()
	if sc.Core.Engine() == sqldb.PostgreSQL {
		sc.sql(sc.Core, `drop trigger ledger_leaves_keep on ledger_leaves`, `drop trigger ledger_hashes_keep on ledger_hashes`,
			`drop trigger consent_events_are_never_changed on consent_events`)
		return
	}
	sc.sql(sc.Core, `drop trigger ledger_leaves_update`, `drop trigger ledger_leaves_delete`, `drop trigger ledger_hashes_update`, `drop trigger ledger_hashes_delete`,
		`drop trigger consent_events_are_never_changed`, `drop trigger consent_events_are_never_deleted`)
}

// sqlAttacks are made in the core database under the running installation; the audit finds
// each, and says so in the words given.
var sqlAttacks = []struct {
	name, finds string
	do          []string
}{
	{"say that a withdrawn consent is given", "does not follow from the events", []string{`update consent_state set state = 'given' where state = 'withdrawn'`}},
	{"delete a person's current state", "does not follow from the events", []string{`delete from consent_state where subject_id = $ada`}},
	{"move a choice in time", ledger.Differs, []string{`update consent_events set at = at - 86400000000 where subject_id = $ada and seq = 1`}},
	{"delete a choice", "of class consent has no row", []string{`delete from consent_events where subject_id = $ada and seq = 3`}},
	{"swap the sealed choices of two people", "cannot be opened", []string{swapBodies("consent_events", "seq = 1")}},
	{"edit a leaf", "stored log is not the one that was signed", []string{`update ledger_leaves set leaf = (select leaf from ledger_queue limit 1) where idx = 3`}},
	{"edit a stored hash", "stored log is not the one that was signed", []string{`update ledger_hashes set hash = (select hash from ledger_hashes where idx = 1) where idx = 0`}},
	{"delete a leaf and renumber the rest", "stored log is not the one that was signed", []string{`delete from ledger_leaves where idx = 4`,
		`update ledger_leaves set idx = -idx where idx > 4`, `update ledger_leaves set idx = -idx - 1 where idx < 0`}},
	{"put two leaves in another order", "stored log is not the one that was signed", []string{`update ledger_leaves set idx = -1 where idx = 2`,
		`update ledger_leaves set idx = 2 where idx = 5`, `update ledger_leaves set idx = 5 where idx = -1`}},
	{"cut off the log's end", "has seen a later tree", []string{`delete from ledger_leaves where idx >= 0`, `delete from ledger_hashes where idx >= 0`,
		`update ledger_state set size = 0, note = ''`}},
	{"drop a queued leaf", "leaf is not in the log", []string{`delete from ledger_queue`}},
	{"move a decision in time", ledger.Differs, []string{`update decision_decisions set at = at + 1000000 where subject_id = $ada`}},
	{"give a decision to another model", ledger.Differs, []string{`update decision_decisions set model = substr(id, 1, 16) where subject_id = $ada`}},
	{"edit a decision's sealed record", "cannot be opened", []string{`update decision_decisions set body = substr(body, 1, length(body) - 1) where subject_id = $ada`}},
	{"swap the receipts of two decisions", "cannot be opened", []string{swapBodies("decision_decisions", "1 = 1")}},
	{"say that somebody else looked", ledger.Differs, []string{`update gate_uses set actor = 'nobody' where length(opening) > 0`}},
	{"delete the look of a colleague and its batch", "of class use-batch has no row", []string{`delete from gate_uses`, `delete from gate_batches`}},
	{"count fewer uses", "do not add up", []string{`update gate_uses set uses = uses + 7 where length(opening) = 0`}},
	{"make up uses", "are in no batch", []string{`update gate_uses set at = at + 1 where length(opening) = 0`}},
	{"hide an erasure", "of class erasure has no row", []string{`delete from rights_requests where kind = 'erase'`}},
	{"edit what an erasure reports", ledger.Differs, []string{`update rights_requests set report = replace(report, '"count":1', '"count":2') where kind = 'erase'`}},
	{"give a model another past", ledger.Differs, []string{`update recommend_versions set people = people + 1`}},
	{"say that an act came to something else", ledger.Differs, []string{`update ledger_intents set outcome = '{"kept":false}'`, `update ledger_intents set payload = '{"sha256":[]}' where kind like 'model.%'`}},
	{"hide an act", "of class key has no row", []string{`delete from ledger_intents where kind = 'key.shred'`}},
}

func swapBodies(table, where string) string {
	return fmt.Sprintf(`update %[1]s set body = (select o.body from %[1]s o where %[2]s and o.subject_id = case when %[1]s.subject_id = $ada then $bob else $ada end limit 1)
		where %[2]s and subject_id in ($ada, $bob)`, table, where)
}

func TestOperatorsAttacksOnRowsAreFoundByTheAudit(t *testing.T) {
	each := map[string]func(*testing.T) map[string]string{
		"sqlite": func(t *testing.T) map[string]string { return map[string]string{"data": t.TempDir()} },
		"postgres": func(t *testing.T) map[string]string {
			return map[string]string{"data": t.TempDir(), "database-url": sqldbtest.Database(t)}
		},
	}
	for engine, settings := range each {
		t.Run(engine, func(t *testing.T) {
			sc := newScene(t, settings(t))
			defer sc.Close()
			sc.unguard()
			if got := sc.found(); got != "" {
				t.Fatalf("the control, without an attack: %s", got)
			}
			sc.snapshot()
			for _, attack := range sqlAttacks {
				t.Run(attack.name, func(t *testing.T) {
					defer sc.restore()
					sc.sql(sc.Core, attack.do...)
					if got := sc.found(); !strings.Contains(got, attack.finds) {
						t.Errorf("the audit found %q, want %q", got, attack.finds)
					}
				})
			}
			if got := sc.found(); got != "" {
				t.Errorf("the control, after the last attack was undone: %s", got)
			}
		})
	}
}

// attacked are the tables that the attacks on rows touch.
var attacked = []string{"consent_events", "consent_state", "ledger_queue", "ledger_leaves", "ledger_hashes", "ledger_state", "ledger_intents",
	"decision_decisions", "gate_uses", "gate_batches", "rights_requests", "recommend_versions"}

func (sc *scene) snapshot() {
	sc.t.Helper()
	for _, table := range attacked {
		sc.sql(sc.Core, `create table kept_`+table+` as select * from `+table)
	}
}

func (sc *scene) restore() {
	sc.t.Helper()
	for _, table := range attacked {
		override := ""
		if table == "ledger_queue" && sc.Core.Engine() == sqldb.PostgreSQL {
			override = " overriding system value"
		}
		sc.sql(sc.Core, `delete from `+table, `insert into `+table+override+` select * from kept_`+table)
	}
}

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

func TestOperatorsAttacksOnThoseOutsideAreDetected(t *testing.T) {
	sc := newScene(t, map[string]string{"data": t.TempDir()})
	defer sc.Close()
	ctx := t.Context()
	head, err := sc.Ledger.Checkpoint(ctx)
	if err != nil {
		t.Fatal(err)
	}
	operator := sc.signer(sc.App, head.Origin)
	forked, err := ledger.SignCheckpoint(operator, tlog.Tree{N: head.Size, Hash: tlog.Hash{1}})
	if err != nil {
		t.Fatal(err)
	}
	longer, err := ledger.SignCheckpoint(operator, tlog.Tree{N: head.Size + 1, Hash: tlog.Hash{1}})
	if err != nil {
		t.Fatal(err)
	}
	stranger, err := ledger.NewSigner(head.Origin, bytes.Repeat([]byte{9}, 32))
	if err != nil {
		t.Fatal(err)
	}
	w, err := witness.Open(t.TempDir(), "witness.example/w", []ledger.PolicyLog{{Origin: head.Origin, VerifierKey: sc.Ledger.VerifierKey()}}, witness.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	watch := func(old int64, proof tlog.TreeProof, note []byte) ([]byte, error) {
		body, err := ledger.AddCheckpoint{Old: old, Proof: proof, Note: note}.MarshalText()
		if err != nil {
			t.Fatal(err)
		}
		return w.Add(ctx, body)
	}
	lines, err := watch(0, nil, head.Note)
	if err != nil {
		t.Fatal(err)
	}
	by, err := ledger.Cosignatures(head, lines, w.Key())
	if err != nil {
		t.Fatal(err)
	}
	cosigned := head.WithCosignatures(by)
	keys := []string{sc.Ledger.VerifierKey(), w.Key().String()}
	verify := func(receipt []byte, keys ...string) error { _, err := ledger.Verify(receipt, keys...); return err }
	in := func(receipt, note []byte) []byte {
		proof, _, _ := bytes.Cut(receipt, []byte("\n\n"))
		return slices.Concat(proof, []byte("\n\n"), note)
	}
	part := func(receipt []byte, i int) string { return strings.Split(string(receipt), "\n")[i] }
	old, err := ledger.SignCheckpoint(operator, tlog.Tree{N: head.Size - 1, Hash: tlog.Hash{1}})
	if err != nil {
		t.Fatal(err)
	}

	attacks := map[string]func(attacked bool) error{
		"show one customer another tree": func(attacked bool) error {
			return sc.shown(pick(attacked, forked.Note, head.Note))
		},
		"show an auditor an older tree": func(attacked bool) error {
			return sc.shown(pick(attacked, old.Note, head.Note))
		},
		"show a foreign checkpoint": func(attacked bool) error {
			foreign, err := ledger.SignCheckpoint(stranger, head.Tree())
			return errors.Join(err, sc.shown(pick(attacked, foreign.Note, head.Note)))
		},
		"replay an old checkpoint to a witness": func(attacked bool) error {
			_, err := watch(pick(attacked, head.Size-1, head.Size), nil, pick(attacked, old.Note, head.Note))
			return err
		},
		"show a witness another history": func(attacked bool) error {
			_, err := watch(head.Size, nil, pick(attacked, longer.Note, head.Note))
			return err
		},
		"forge a cosignature": func(attacked bool) error {
			note := slices.Clone(cosigned.Note)
			if attacked {
				at := bytes.LastIndexByte(note[:len(note)-1], ' ') + 30
				note[at] = pick(note[at] == 'A', byte('B'), byte('A'))
			}
			return verify(in(sc.receipt, note), keys...)
		},
		"leave a cosignature to a stranger": func(attacked bool) error {
			other, err := ledger.NewCosigner("witness.example/other", bytes.Repeat([]byte{3}, 32))
			if err != nil {
				return err
			}
			return verify(in(sc.receipt, cosigned.Note), keys[0], pick(attacked, other.Key(), w.Key()).String())
		},
		"present a receipt of another log": func(attacked bool) error {
			return verify(sc.receipt, pick(attacked, stranger.VerifierKey(), keys[0]))
		},
		"put a receipt under a foreign checkpoint": func(attacked bool) error {
			foreign, err := ledger.SignCheckpoint(stranger, head.Tree())
			return errors.Join(err, verify(in(sc.receipt, pick(attacked, foreign.Note, head.Note)), keys[0]))
		},
		"put a receipt under a forked checkpoint": func(attacked bool) error {
			return verify(in(sc.receipt, pick(attacked, forked.Note, head.Note)), keys[0])
		},
		"swap the records of two receipts": func(attacked bool) error {
			swapped := strings.Replace(string(sc.receipt), part(sc.receipt, 1), part(pick(attacked, sc.other, sc.receipt), 1), 1)
			return verify([]byte(swapped), keys[0])
		},
		"claim another place in the log": func(attacked bool) error {
			moved := strings.Replace(string(sc.receipt), part(sc.receipt, 2), pick(attacked, part(sc.other, 2), part(sc.receipt, 2)), 1)
			return verify([]byte(moved), keys[0])
		},
	}
	for _, name := range slices.Sorted(maps.Keys(attacks)) {
		t.Run(name, func(t *testing.T) {
			if err := attacks[name](false); err != nil {
				t.Errorf("the control: %v", err)
			}
			err := attacks[name](true)
			if err == nil {
				t.Error("nobody noticed")
			}
			t.Logf("detected: %v", err)
		})
	}
}

func pick[T any](attacked bool, yes, no T) T {
	if attacked {
		return yes
	}
	return no
}

// shown has the auditor see the log with another checkpoint than the one that is served.
func (sc *scene) shown(note []byte) error {
	server := httptest.NewServer(ledgerweb.Handler(sc.Ledger, nil))
	defer server.Close()
	fetch := ledgerweb.Fetch(server.Client(), server.URL+ledgerweb.Prefix)
	auditor, err := ledger.NewAuditor(sc.auditor.Seen().Note, sc.Ledger.VerifierKey())
	if err != nil {
		return err
	}
	return auditor.Audit(sc.t.Context(), func(ctx context.Context, path string) ([]byte, error) {
		if path == "checkpoint" {
			return note, nil
		}
		return fetch(ctx, path)
	})
}
