package intake_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"thimble"
	"thimble/internal/collect/frame"
	"thimble/internal/collect/intake"
	"thimble/internal/collect/intake/intakedb"
	"thimble/internal/collect/plan"
	"thimble/internal/collect/segment"
	"thimble/internal/consent"
	"thimble/internal/consent/consentdb"
	"thimble/internal/gate"
	"thimble/internal/gate/gatedb"
	"thimble/internal/ledger"
	"thimble/internal/ledger/ledgerdb"
	"thimble/internal/policy"
	"thimble/internal/sqldb"
	"thimble/internal/sqldb/sqldbtest"
	"thimble/internal/subject"
	"thimble/internal/subject/subjectdb"
	"thimble/internal/vault"
	"thimble/internal/vault/vaulttest"
)

var ctx = context.Background()

// memory is a log of frames that forgets nothing.
type memory struct {
	mu      sync.Mutex
	records []frame.Record
	keys    map[frame.Key]bool
	fails   error
	before  func(context.Context) error // an append
}

func (m *memory) Append(ctx context.Context, records []frame.Record) (a frame.Appended, err error) {
	if m.before != nil {
		if err := m.before(ctx); err != nil {
			return a, err
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fails != nil {
		return a, m.fails
	}
	for _, r := range records {
		if m.keys[r.Repeat] || r.Order != (frame.Key{}) && m.keys[r.Order] {
			a.Repeated++
			continue
		}
		m.keys[r.Repeat] = true
		if r.Order != (frame.Key{}) {
			m.keys[r.Order] = true
		}
		// The sender uses its memory again.
		parts := slices.Clone(r.Parts)
		for i := range parts {
			parts[i].Sealed = bytes.Clone(parts[i].Sealed)
		}
		r.Parts, r.Counts = parts, slices.Clone(r.Counts)
		m.records = append(m.records, r)
		a.Kept++
	}
	return a, nil
}

func (m *memory) Seen(k frame.Key) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.keys[k]
}

type plans struct{ now *plan.Compiled }

func (p plans) Compiled() *plan.Compiled { return p.now }

// quiet is a ledger that can be silenced.
type quiet struct {
	*gatedb.Log
	silent bool
}

func (q *quiet) Silent(ctx context.Context) bool { return q.silent || q.Log.Silent(ctx) }

// A shop is an intake over real stores, with a log in memory.
type shop struct {
	t        testing.TB
	core     *sqldb.DB
	keyring  *sqldb.DB
	vault    *vault.Vault
	people   *subjectdb.Store
	consents *consentdb.Store
	moves    *gate.Moves
	uses     *quiet
	gate     *gate.Gate
	log      *memory
	deps     intake.Deps
	in       *intake.Intake
	at       time.Time
	n        int
}

var (
	server  = intake.Source{Number: 1, Name: "shop", Kind: intake.Server}
	browser = intake.Source{Number: 2, Name: "web", Kind: intake.Browser}
)

func each(t *testing.T, f func(*shop)) {
	t.Helper()
	sqldbtest.Pair(t, func(t *testing.T, core, keys *sqldb.DB) { f(newShop(t, core, keys)) })
}

// one is a shop on SQLite.
func one(t testing.TB) *shop {
	return newShop(t, sqldbtest.SQLite(t, sqldb.Core), sqldbtest.SQLite(t, sqldb.Keys))
}

func newShop(t testing.TB, core, keys *sqldb.DB) *shop {
	t.Helper()
	pack, err := policy.Baseline()
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ledger.NewSigner("shop.example/ledger", bytes.Repeat([]byte{7}, 32))
	if err != nil {
		t.Fatal(err)
	}
	c, err := plan.Compile(plan.Default())
	if err != nil {
		t.Fatal(err)
	}
	s := &shop{t: t, core: core, keyring: keys, vault: vaulttest.New(t, keys), moves: gate.NewMoves(), log: &memory{keys: map[frame.Key]bool{}}, at: time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)}
	now := func() time.Time { return s.at }
	log := ledgerdb.New(core, signer, ledgerdb.Config{})
	s.people = subjectdb.New(core, s.vault, subjectdb.Config{Opener: s.vault, Ledger: log, Now: now, Moving: func(tx *sqldb.Tx, who thimble.SubjectID) {
		tx.OnCommit(func() { s.moves.Move(who) })
		tx.OnSettle(func(ctx context.Context) error { return s.moves.Drain(ctx, who) })
	}})
	s.consents = consentdb.New(core, log, s.vault, s.people, pack, now)
	s.uses = &quiet{Log: gatedb.New(core, log, s.vault, gatedb.Config{Now: now})}
	s.gate = gate.New(s.people, s.consents, s.vault, s.uses, pack, s.moves, now)
	db := intakedb.New(core, s.people)
	s.deps = intake.Deps{Plans: plans{c}, Gate: s.gate, Vault: s.vault, Log: s.log, People: db, Consents: intakedb.NewConsents(consentdb.Whole{Store: s.consents, Persons: s.people}, db), Secret: bytes.Repeat([]byte{9}, 32), Now: now}
	s.open()
	return s
}

// open starts the intake, as a process that has just begun.
func (s *shop) open() {
	s.t.Helper()
	var err error
	if s.in, err = intake.New(s.deps); err != nil {
		s.t.Fatal(err)
	}
}

// keys counts the keys that the vault has made for people.
func (s *shop) keys() (n int) {
	s.t.Helper()
	if err := s.keyring.Read(ctx, func(tx *sqldb.Tx) error {
		return tx.QueryRow(ctx, `select count(*) from vault_keys`).Scan(&n)
	}); err != nil {
		s.t.Fatal(err)
	}
	return n
}

// person makes somebody with an identifier.
func (s *shop) person(kind subject.Kind, value string) thimble.SubjectID {
	s.t.Helper()
	id, err := subject.NewIdentifier(kind, value)
	if err != nil {
		s.t.Fatal(err)
	}
	drafts, err := s.people.Draft(ctx, []subject.Identifier{id})
	if err == nil {
		err = s.core.Write(ctx, func(tx *sqldb.Tx) error { return s.people.Create(ctx, tx, drafts[0]) })
	}
	if err != nil {
		s.t.Fatal(err)
	}
	return drafts[0].ID
}

func (s *shop) says(who thimble.SubjectID, state consent.State, purposes ...thimble.Purpose) {
	s.t.Helper()
	var choices []consent.Choice
	for _, p := range purposes {
		choices = append(choices, consent.Choice{Purpose: p, State: state})
	}
	if _, err := s.consents.Record(ctx, who, choices, consentdb.How{Notice: consent.Current(), By: consent.By{Actor: "subject"}}); err != nil {
		s.t.Fatal(err)
	}
}

// track is a track call with a messageId of its own.
func (s *shop) track(ids, event, properties string) string {
	s.n++
	return fmt.Sprintf(`{"type":"track",%s,"event":%q,"messageId":"m-%d","properties":{%s}}`, ids, event, s.n, properties)
}

func batch(events ...string) string {
	all := ""
	for i, e := range events {
		if i > 0 {
			all += ","
		}
		all += e
	}
	return `{"batch":[` + all + `]}`
}

func (s *shop) take(src intake.Source, body string) (intake.Taken, error) {
	return s.in.Take(ctx, src, segment.Batch, []byte(body), intake.Arrival{At: s.at})
}

func (s *shop) sends(src intake.Source, body string) intake.Taken {
	s.t.Helper()
	t, err := s.take(src, body)
	if err != nil {
		s.t.Fatal(err)
	}
	return t
}

// A kept event is one that the log has, opened.
type kept struct {
	who   thimble.SubjectID
	parts map[thimble.Category]map[string]any
}

// kept opens what the log has of people.
func (s *shop) kept() (all []kept) {
	s.t.Helper()
	s.log.mu.Lock()
	defer s.log.mu.Unlock()
	for i := range s.log.records {
		r := &s.log.records[i]
		if r.Subject.IsZero() {
			continue
		}
		k := kept{r.Subject, map[thimble.Category]map[string]any{}}
		for _, p := range r.Parts {
			plain, err := s.vault.Open(ctx, frame.PartCell(r, p.Category), p.Sealed)
			if errors.Is(err, thimble.ErrDenied) {
				continue // the person was erased
			}
			var part map[string]any
			if err == nil {
				err = json.Unmarshal(plain, &part)
			}
			if err != nil {
				s.t.Fatal(err)
			}
			k.parts[p.Category] = part
		}
		all = append(all, k)
	}
	return all
}

// counted returns the counts of nobody.
func (s *shop) counted() (all []frame.Count) {
	s.log.mu.Lock()
	defer s.log.mu.Unlock()
	for _, r := range s.log.records {
		all = append(all, r.Counts...)
	}
	return all
}
