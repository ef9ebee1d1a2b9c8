package gate_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"testing"
	"time"

	"thimble"
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

// A shop is a gate on real stores, with a clock that ticks at each look.
type shop struct {
	t        *testing.T
	core     *sqldb.DB
	vault    *vault.Vault
	people   *subjectdb.Store
	consents consentdb.Whole
	uses     *gatedb.Log
	gate     *gate.Gate
	door     *gate.Door
	n        int
}

func each(t *testing.T, f func(*shop)) {
	t.Helper()
	sqldbtest.Pair(t, func(t *testing.T, core, keys *sqldb.DB) {
		pack, err := policy.Baseline()
		if err != nil {
			t.Fatal(err)
		}
		signer, err := ledger.NewSigner("shop.example/ledger", bytes.Repeat([]byte{7}, 32))
		if err != nil {
			t.Fatal(err)
		}
		clock := time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)
		now := func() time.Time { clock = clock.Add(time.Second); return clock }
		s := &shop{t: t, core: core, vault: vaulttest.New(t, keys)}
		log := ledgerdb.New(core, signer, ledgerdb.Config{})
		moves := gate.NewMoves()
		s.people = subjectdb.New(core, s.vault, subjectdb.Config{Opener: s.vault, Ledger: log, Now: now, Moving: func(tx *sqldb.Tx, who thimble.SubjectID) { tx.OnCommit(func() { moves.Move(who) }) }})
		s.consents = consentdb.Whole{Store: consentdb.New(core, log, s.vault, s.people, pack, now), Persons: s.people}
		s.uses = gatedb.New(core, log, s.vault, gatedb.Config{Now: now})
		s.gate = gate.New(s.people, s.consents.Store, s.vault, s.uses, pack, moves, now)
		if s.door, err = s.gate.Door(gate.DoorUse{Category: thimble.PurchaseHistory, Purposes: []thimble.Purpose{thimble.TrainAISystem}}); err != nil {
			t.Fatal(err)
		}
		f(s)
	})
}

func (s *shop) person() thimble.SubjectID {
	s.t.Helper()
	s.n++
	id, err := subject.NewIdentifier(subject.Account, fmt.Sprintf("A-%d", s.n))
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

func (s *shop) says(who thimble.SubjectID, state consent.State) {
	s.t.Helper()
	_, err := s.consents.Record(ctx, who, []consent.Choice{{Purpose: thimble.TrainAISystem, State: state}}, consentdb.How{Notice: consent.Current(), By: consent.By{Actor: "subject"}})
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *shop) merge(a, b thimble.SubjectID) (m subject.Merge) {
	s.t.Helper()
	if err := s.core.Write(ctx, func(tx *sqldb.Tx) (err error) {
		m, err = s.people.Link(ctx, tx, a, b, subject.Evidence{Ground: subject.ByStaff, By: "staff sam"})
		return err
	}); err != nil {
		s.t.Fatal(err)
	}
	return m
}

func (s *shop) part(id thimble.ID) {
	s.t.Helper()
	if err := s.core.Write(ctx, func(tx *sqldb.Tx) error {
		_, err := s.people.Unlink(ctx, tx, id, "staff sam")
		return err
	}); err != nil {
		s.t.Fatal(err)
	}
}

func training(who thimble.SubjectID) gate.Request {
	return gate.Request{Actor: gate.Actor{Kind: gate.Machine, Name: "m"}, Subject: who, Purpose: thimble.TrainAISystem, Categories: []thimble.Category{thimble.PurchaseHistory}}
}

func (s *shop) permits(who thimble.SubjectID) bool {
	s.t.Helper()
	v, err := s.gate.Decide(ctx, training(who))
	if err != nil {
		s.t.Fatal(err)
	}
	// Whatever is tested of verdicts is tested of the door too.
	p, err := s.door.Permits(ctx, who)
	if err != nil {
		s.t.Fatal(err)
	}
	if s.door.Mask(p.Pairs) == 1 != v.Allowed || v.Allowed && !p.Known {
		s.t.Errorf("the door permits %v, the gate %v", p.Pairs, v.Allowed)
	}
	return v.Allowed
}

func (s *shop) scan() (all []thimble.SubjectID) {
	s.t.Helper()
	for g, err := range s.gate.Scan(ctx, gate.Actor{Kind: gate.Machine, Name: "m"}, thimble.TrainAISystem, thimble.PurchaseHistory) {
		if err != nil {
			s.t.Fatal(err)
		}
		all = append(all, g.Subject())
	}
	return all
}

// Privacy case 34.
func TestOfAMergeTheStricterChoiceWins(t *testing.T) {
	each(t, func(s *shop) {
		granted, withdrew := s.person(), s.person()
		s.says(granted, consent.Given)
		s.says(withdrew, consent.Given)
		s.says(withdrew, consent.Withdrawn)

		m := s.merge(withdrew, granted)

		if s.permits(granted) || s.permits(withdrew) || len(s.scan()) != 0 {
			s.t.Error("the merge loosened what one of the two withdrew")
		}
		s.says(withdrew, consent.Given) // signed in as either, the person decides
		if !s.permits(granted) || !s.permits(withdrew) || !slices.Equal(s.scan(), []thimble.SubjectID{granted}) {
			s.t.Errorf("the person decided again, and it does not count: %v", s.scan())
		}
		s.part(m.ID)
		if !s.permits(granted) || s.permits(withdrew) {
			s.t.Error("parted, each stands where they stood")
		}
	})
}

// Privacy case 35: what was refused while two were one is refused by both after.
func TestANoWhileMergedStaysANoOfBoth(t *testing.T) {
	each(t, func(s *shop) {
		a, b := s.person(), s.person()
		s.says(a, consent.Given)
		s.says(b, consent.Given)
		m := s.merge(a, b)
		if !s.permits(a) {
			s.t.Fatal("both permit, and the person does not")
		}
		s.says(b, consent.Withdrawn)
		s.part(m.ID)
		if s.permits(a) || s.permits(b) {
			s.t.Error("the end of the merge took back a no")
		}
	})
}

// Privacy case 36.
func TestAGrantOpensTheWholePersonAndNobodyElse(t *testing.T) {
	each(t, func(s *shop) {
		a, b, stranger := s.person(), s.person(), s.person()
		s.says(a, consent.Given)
		s.says(b, consent.Given)
		sealed := map[thimble.SubjectID][]byte{}
		cell := func(id thimble.SubjectID) thimble.Cell {
			return thimble.Cell{Owner: id, Table: "t", Column: "c", Category: thimble.PurchaseHistory}
		}
		for _, id := range []thimble.SubjectID{a, b, stranger} {
			var err error
			if sealed[id], err = s.vault.Seal(ctx, cell(id), []byte("x")); err != nil {
				s.t.Fatal(err)
			}
		}
		m := s.merge(a, b)
		g, err := s.gate.Open(ctx, training(b))
		if err != nil {
			s.t.Fatal(err)
		}
		if g.Subject() != a || !slices.Equal(g.Members(), []thimble.SubjectID{a, b}) {
			s.t.Errorf("grant of %s with %v", g.Subject(), g.Members())
		}
		opens := func(id thimble.SubjectID) bool {
			_, err := g.Open(ctx, cell(id), sealed[id])
			return err == nil
		}
		if !opens(a) || !opens(b) || opens(stranger) {
			s.t.Error("the grant opens less than the person, or more")
		}
		s.part(m.ID)
		if opens(a) || opens(b) || g.Live(ctx) == nil {
			s.t.Error("the grant outlived the person it was for")
		}
		if g, err = s.gate.Open(ctx, training(b)); err != nil || !opens(b) || opens(a) {
			s.t.Errorf("parted, b's grant opens a's data, or not b's: %v", err)
		}
	})
}

func TestAnyMembersMoveEndsTheGrant(t *testing.T) {
	each(t, func(s *shop) {
		a, b := s.person(), s.person()
		s.says(a, consent.Given)
		s.says(b, consent.Given)
		s.merge(a, b)
		g, err := s.gate.Open(ctx, training(a))
		if err != nil || g.Live(ctx) != nil {
			s.t.Fatal(err)
		}
		if _, err := s.consents.Store.Record(ctx, b, []consent.Choice{{Purpose: thimble.TrainAISystem, State: consent.Withdrawn}}, consentdb.How{Notice: consent.Current()}); err != nil {
			s.t.Fatal(err)
		}
		if _, err := g.Open(ctx, thimble.Cell{Owner: a, Category: thimble.PurchaseHistory}, nil); !errors.Is(err, thimble.ErrDenied) || g.Live(ctx) == nil {
			s.t.Errorf("a withdrawal under another subject left the grant alive: %v", err)
		}
	})
}

func TestACustomerSeesThePersonSignedInAsAny(t *testing.T) {
	each(t, func(s *shop) {
		a, b, stranger := s.person(), s.person(), s.person()
		s.merge(a, b)
		for self, want := range map[thimble.SubjectID]bool{a: true, b: true, stranger: false} {
			r := gate.Request{Actor: gate.Actor{Kind: gate.Customer, Name: "p", Self: self}, Subject: a, Purpose: thimble.LegalObligation, Categories: []thimble.Category{thimble.PurchaseHistory}}
			if _, err := s.gate.Open(ctx, r); (err == nil) != want {
				s.t.Errorf("own: %v, want %t", err, want)
			}
		}
	})
}

func TestALookAtAPersonIsWrittenDownForEachSubject(t *testing.T) {
	each(t, func(s *shop) {
		a, b := s.person(), s.person()
		m := s.merge(a, b)
		r := gate.Request{Actor: gate.Actor{Kind: gate.Staff, Name: "sam"}, Subject: b, Purpose: thimble.SupportOperations, Categories: []thimble.Category{thimble.PurchaseHistory}}
		g, err := s.gate.Open(ctx, r)
		if err != nil {
			s.t.Fatal(err)
		}
		s.part(m.ID)
		for _, id := range []thimble.SubjectID{a, b} {
			uses, err := s.uses.Of(ctx, id, 10)
			if err != nil || len(uses) != 1 || !uses[0].Receipted() {
				s.t.Errorf("uses = %v, %v, want the look, with its receipt", uses, err)
			} else if id == a && uses[0].ID != g.Use() {
				s.t.Error("the grant names another use than the canonical subject's")
			}
		}
	})
}

// TestNoSequenceLoosens joins, parts, asks and forgets at random, and holds every
// answer of the gate against a model that keeps lists and nothing else.
func TestNoSequenceLoosens(t *testing.T) {
	const seed = 34
	t.Logf("seed %d", seed)
	rounds, steps := 3, 40
	if os.Getenv("THIMBLE_SOAK") != "" {
		rounds, steps = 50, 200
	}
	for round := range rounds {
		t.Run(fmt.Sprint(round), func(t *testing.T) {
			each(t, func(s *shop) {
				m := newModel(s)
				r := rand.New(rand.NewPCG(seed, uint64(round)))
				for i := range steps {
					m.step(r)
					m.check(i)
				}
			})
		})
	}
}

// A model of people: who came when, the links, and all that was ever said.
type model struct {
	*shop
	ids   []thimble.SubjectID // in the order in which they came
	gone  map[thimble.SubjectID]bool
	links []subject.Merge
	said  map[thimble.SubjectID][]said
	tick  int
	made  map[thimble.ID]int
}

type said struct {
	yes  bool
	tick int
}

func newModel(s *shop) *model {
	m := &model{shop: s, gone: map[thimble.SubjectID]bool{}, said: map[thimble.SubjectID][]said{}, made: map[thimble.ID]int{}}
	for range 5 {
		m.ids = append(m.ids, s.person())
	}
	return m
}

func (m *model) group(id thimble.SubjectID) []thimble.SubjectID {
	in := map[thimble.SubjectID]bool{id: true}
	for range m.links {
		for _, l := range m.links {
			if in[l.Survivor] || in[l.Absorbed] {
				in[l.Survivor], in[l.Absorbed] = true, true
			}
		}
	}
	var all []thimble.SubjectID
	for _, other := range m.ids {
		if in[other] {
			all = append(all, other)
		}
	}
	return all
}

// since is when the last link between two was made: without the links that are
// younger than it, they are two.
func (m *model) since(a, b thimble.SubjectID) int {
	all := m.links
	defer func() { m.links = all }()
	for n := 0; n <= len(all); n++ {
		m.links = all[:n]
		if slices.Contains(m.group(a), b) {
			return m.made[all[n-1].ID]
		}
	}
	return 0
}

func (m *model) last(id thimble.SubjectID) (said, bool) {
	all := m.said[id]
	if len(all) == 0 {
		return said{}, false
	}
	return all[len(all)-1], true
}

func (m *model) permitted(id thimble.SubjectID) bool {
	group := m.group(id)
	head, ok := m.last(group[0])
	if !ok || !head.yes {
		return false
	}
	for _, other := range group[1:] {
		their, ok := m.last(other)
		decided := head.tick > m.since(group[0], other) && (!ok || head.tick >= their.tick)
		if !decided && (!ok || !their.yes) {
			return false
		}
	}
	return true
}

func (m *model) step(r *rand.Rand) {
	m.tick++
	var alive []thimble.SubjectID
	for _, id := range m.ids {
		if !m.gone[id] {
			alive = append(alive, id)
		}
	}
	a, b := alive[r.IntN(len(alive))], alive[r.IntN(len(alive))]
	switch r.IntN(8) {
	case 0, 1:
		if !slices.Contains(m.group(a), b) {
			l := m.merge(a, b)
			m.links, m.made[l.ID] = append(m.links, l), m.tick
		}
	case 2:
		if len(m.links) > 0 {
			i := r.IntN(len(m.links))
			m.part(m.links[i].ID)
			m.links = slices.Delete(slices.Clone(m.links), i, i+1)
		}
	case 3:
		if len(alive) > 3 {
			if _, err := m.people.Erase(ctx, a); err != nil {
				m.t.Fatal(err)
			}
			m.gone[a] = true
			m.links = slices.DeleteFunc(slices.Clone(m.links), func(l subject.Merge) bool { return l.Survivor == a || l.Absorbed == a })
			m.ids = append(m.ids, m.person())
		}
	case 4, 5, 6:
		m.choose(a, true)
	case 7:
		m.choose(a, false)
	}
}

// choose is what Whole.Record promises, written down a second time.
func (m *model) choose(a thimble.SubjectID, yes bool) {
	state := consent.Given
	if !yes {
		state = consent.Withdrawn
	}
	m.says(a, state)
	group := m.group(a)
	m.said[group[0]] = append(m.said[group[0]], said{yes, m.tick})
	for _, other := range group[1:] {
		if last, ok := m.last(other); ok && last.yes && !yes {
			m.said[other] = append(m.said[other], said{false, m.tick})
		}
	}
}

func (m *model) check(step int) {
	m.t.Helper()
	var scanned []thimble.SubjectID
	for _, id := range m.ids {
		if m.gone[id] {
			if m.permits(id) {
				m.t.Fatalf("step %d: an erased subject is permitted", step)
			}
			continue
		}
		group := m.group(id)
		got, err := m.people.Members(ctx, id)
		if err != nil || got[0] != group[0] || len(got) != len(group) {
			m.t.Fatalf("step %d: members %v, %v, want %v", step, got, err, group)
		}
		if got, want := m.permits(id), m.permitted(id); got != want {
			m.t.Fatalf("step %d: permits = %t, want %t for %v", step, got, want, group)
		}
		if group[0] == id && m.permitted(id) {
			scanned = append(scanned, id)
		}
	}
	slices.SortFunc(scanned, func(a, b thimble.SubjectID) int { return bytes.Compare(a[:], b[:]) })
	if got := m.scan(); !slices.Equal(got, scanned) {
		m.t.Fatalf("step %d: a scan met %v, want each person once: %v", step, got, scanned)
	}
}
