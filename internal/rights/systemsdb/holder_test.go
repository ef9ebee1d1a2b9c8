package systemsdb_test

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"thimble"
	"thimble/internal/disclose/wire"
	"thimble/internal/holdertest"
	"thimble/internal/policy"
	"thimble/internal/rights/cases"
	"thimble/internal/rights/casesdb"
	"thimble/internal/rights/rightsdb"
	"thimble/internal/rights/systems"
	"thimble/internal/rights/systemsdb"
	"thimble/internal/sqldb"
)

// A shop is a store of systems with the cases that they take part in.
type shop struct {
	*holdertest.Kernel
	t        *testing.T
	store    *systemsdb.Store
	cases    *casesdb.Store
	requests *rightsdb.Store
	ahead    time.Duration // of the kernel's clock
}

// noPseudonyms is a shop without recipients.
type noPseudonyms struct{}

func (noPseudonyms) PseudonymTx(context.Context, *sqldb.Tx, thimble.ID, thimble.SubjectID) (string, error) {
	return "psn_theirs", nil
}

func open(t *testing.T, k *holdertest.Kernel, loopback ...string) *shop {
	s := &shop{Kernel: k, t: t}
	s.requests = rightsdb.New(k.Core, k.Ledger, k.Subjects, k.Now)
	s.store = systemsdb.New(k.Core, systemsdb.Parts{Ledger: k.Ledger, Vault: k.Vault, People: k.Subjects, Pseudonyms: noPseudonyms{}}, systemsdb.Config{Now: s.now, Base: "https://thimble.example"})
	sender, err := wire.New(s.store, wire.Config{Now: s.now, Loopback: loopback})
	s.must(err)
	s.store.Use(sender, nil)
	packs, err := policy.Shipped()
	s.must(err)
	s.cases = casesdb.New(k.Core, casesdb.Parts{Ledger: k.Ledger, Vault: k.Vault, Subjects: k.Subjects, Requests: s.requests, Systems: s.store}, casesdb.Config{
		Now: s.now,
		Dates: func(_ context.Context, _ *sqldb.Tx, _ thimble.SubjectID, at time.Time) (cases.Dates, error) {
			law, err := packs.Law(policy.Question{At: at, Residences: []policy.Residence{{Place: "DE", Evidence: policy.Declared}}})
			return cases.Deadlines(law, law), err
		},
	})
	s.store.Report(s.cases)
	return s
}

func (s *shop) now() time.Time { return s.Now().Add(s.ahead) }

func (s *shop) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *shop) states(y systems.System) systems.System {
	s.t.Helper()
	y, _, err := s.store.Add(s.t.Context(), y, thimble.Hide(""), "zoe")
	s.must(err)
	return y
}

// begins has somebody ask for something, and begins it.
func (s *shop) begins(who thimble.SubjectID, k cases.Kind) cases.Case {
	s.t.Helper()
	c, err := s.cases.Open(s.t.Context(), casesdb.Asked{Subject: who, Kind: k, Via: cases.Centre, Proof: cases.Session, By: cases.ThePerson})
	s.must(err)
	c, err = s.cases.Accept(s.t.Context(), c.ID, cases.ThePerson, "")
	s.must(err)
	return c
}

// executes has the rights desk do what was opened.
func (s *shop) executes() {
	s.t.Helper()
	all, err := s.requests.Open(s.t.Context())
	s.must(err)
	for _, r := range all {
		s.must(s.requests.Finish(s.t.Context(), r))
	}
	_, err = s.cases.Settle(s.t.Context())
	s.must(err)
}

// tells has everything told that is due.
func (s *shop) tells() {
	s.t.Helper()
	for range 100 {
		did, err := s.store.Step(s.t.Context())
		s.must(err)
		if !did {
			return
		}
	}
	s.t.Fatal("it does not come to an end")
}

func (s *shop) task(c cases.Case) systems.Task {
	s.t.Helper()
	all, err := s.store.OfCase(s.t.Context(), c.ID)
	s.must(err)
	if len(all) != 1 {
		s.t.Fatalf("%d tasks, want 1", len(all))
	}
	return all[0]
}

func (s *shop) get(c cases.Case) cases.Case {
	s.t.Helper()
	c, err := s.cases.Get(s.t.Context(), c.ID)
	s.must(err)
	return c
}

// heldTold counts the tasks that keep what a system is told.
func (s *shop) heldTold() (n int) {
	s.t.Helper()
	s.must(s.Core.Read(s.t.Context(), func(tx *sqldb.Tx) error {
		return tx.QueryRow(s.t.Context(), `select count(*) from systems_tasks where told is not null`).Scan(&n)
	}))
	return n
}

// A listener is a system outside that writes down what it is told.
type listener struct {
	*httptest.Server
	mu     sync.Mutex
	answer int
	body   string
	heard  []systems.Notice
	heads  []http.Header
	bodies [][]byte
}

func listen(t *testing.T) *listener {
	l := &listener{answer: http.StatusNoContent}
	l.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		l.mu.Lock()
		defer l.mu.Unlock()
		body, _ := io.ReadAll(r.Body)
		var n systems.Notice
		if err := json.Unmarshal(body, &n); err != nil {
			t.Error(err)
		}
		l.heard, l.heads, l.bodies = append(l.heard, n), append(l.heads, r.Header), append(l.bodies, body)
		w.WriteHeader(l.answer)
		_, _ = io.WriteString(w, l.body)
	}))
	t.Cleanup(l.Close)
	return l
}

func (l *listener) host() string { return l.Listener.Addr().(*net.TCPAddr).String() }

func (l *listener) system(kinds ...cases.Kind) systems.System {
	return systems.System{Name: "Newsletter", Kinds: kinds, Means: systems.Webhook, Endpoint: "http://" + l.host() + "/hook", Names: systems.Account, Days: 7}
}

func each(t *testing.T, f func(t *testing.T, s *shop, l *listener)) {
	holdertest.Each(t, func(t *testing.T, k *holdertest.Kernel) {
		l := listen(t)
		f(t, open(t, k, l.host()), l)
	})
}

func TestTheStoreKeepsTheContractOfHolders(t *testing.T) {
	each(t, func(t *testing.T, s *shop, l *listener) {
		s.states(l.system(cases.Restrict))
		holdertest.Run(t, holdertest.Fixture{
			Holder: s.store, Core: s.Core, Tick: s.Tick, Person: s.Person,
			Keep: func(tb testing.TB, who thimble.SubjectID) []string {
				c := s.begins(who, cases.Restrict)
				s.executes()
				task := s.task(c)
				if err := s.store.ByHand(tb.Context(), task.ID, systems.WasDoneByHand, "zoe"); err != nil {
					tb.Fatal(err)
				}
				return []string{"Newsletter", c.ID.Token(cases.TokenPrefix)}
			},
			Terms: map[thimble.Category]holdertest.Term{thimble.PrivacyPreferences: holdertest.Expires},
			Stays: []string{"systems_tasks", "cases_requests", "cases_steps", "rights_requests"},
		})
	})
}

func sorted(all []systems.Named) []string {
	var words []string
	for _, n := range all {
		words = append(words, string(n.Kind)+" "+n.Value)
	}
	slices.Sort(words)
	return words
}
