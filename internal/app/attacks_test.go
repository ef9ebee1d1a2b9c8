package app_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"thimble"
	"thimble/internal/app"
	"thimble/internal/gate"
	"thimble/internal/ledger"
	"thimble/internal/ledger/ledgerweb"
	"thimble/internal/sqldb"
	"thimble/internal/sqldb/sqldbtest"
	"thimble/internal/staff"
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
	ctx := sc.t.Context()
	if _, err := sc.Staff.Account(ctx, app.Owner); err != nil {
		if _, err := sc.Staff.Add(ctx, app.Owner, app.OwnerRoles(), staff.CommandLine); err != nil {
			sc.t.Fatal(err)
		}
		if err := sc.Staff.SetTraining(ctx, app.Owner, time.Now().AddDate(1, 0, 0), staff.CommandLine, ""); err != nil {
			sc.t.Fatal(err)
		}
	}
	_, err := sc.Gate.Open(ctx, gate.Request{Actor: gate.Actor{Kind: gate.Staff, Name: app.Owner}, Subject: who,
		Purpose: thimble.SupportOperations, Categories: []thimble.Category{thimble.PurchaseHistory}})
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
	{"give a model another past", ledger.Differs, []string{`update registry_versions set card = replace(card, '"people": ', '"people": 1')`}},
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
	"decision_decisions", "gate_uses", "gate_batches", "rights_requests", "registry_versions", "registry_changes"}

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
