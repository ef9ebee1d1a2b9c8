package console_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"thimble"
	"thimble/internal/blob"
	"thimble/internal/catalog/catalogdb"
	"thimble/internal/catalog/catalogweb"
	"thimble/internal/collect"
	"thimble/internal/collect/collectdb"
	"thimble/internal/collect/collectweb"
	"thimble/internal/consent"
	"thimble/internal/consent/consentdb"
	"thimble/internal/consent/consentweb"
	"thimble/internal/console"
	"thimble/internal/datamap/datamapweb"
	"thimble/internal/decision/decisiondb"
	"thimble/internal/decision/decisionweb"
	"thimble/internal/gate"
	"thimble/internal/gate/gatedb"
	"thimble/internal/gate/gateweb"
	"thimble/internal/job"
	"thimble/internal/job/jobdb"
	"thimble/internal/job/jobweb"
	"thimble/internal/ledger"
	"thimble/internal/ledger/ledgerdb"
	"thimble/internal/ledger/ledgerweb"
	"thimble/internal/order/orderdb"
	"thimble/internal/order/orderweb"
	"thimble/internal/policy"
	"thimble/internal/policy/calendar"
	"thimble/internal/recommend/lists"
	"thimble/internal/recommend/listsdb"
	"thimble/internal/recommend/recommendweb"
	"thimble/internal/registry"
	"thimble/internal/registry/registrydb"
	"thimble/internal/rights"
	"thimble/internal/rights/cases"
	"thimble/internal/rights/casesdb"
	"thimble/internal/rights/casesweb"
	"thimble/internal/rights/rightsdb"
	"thimble/internal/rights/rightsweb"
	"thimble/internal/session"
	"thimble/internal/session/sessiondb"
	"thimble/internal/session/sessionweb"
	"thimble/internal/sqldb"
	"thimble/internal/sqldb/sqldbtest"
	"thimble/internal/staff"
	"thimble/internal/staff/staffdb"
	"thimble/internal/staff/staffweb"
	"thimble/internal/subject"
	"thimble/internal/subject/subjectdb"
	"thimble/internal/subject/subjectweb"
	"thimble/internal/vault"
	"thimble/internal/vault/vaulttest"
	"thimble/internal/web"
)

// A shop is a whole installation without its other doors, on SQLite.
type shop struct {
	*testing.T
	core      *sqldb.DB
	vault     *vault.Vault
	ledger    *ledgerdb.Log
	subjects  *subjectdb.Store
	catalog   *catalogdb.Store
	orders    *orderdb.Store
	sessions  *sessiondb.Store
	staff     *staffdb.Store
	consent   *consentdb.Store
	uses      *gatedb.Log
	gate      *gate.Gate
	decisions *decisiondb.Store
	jobs      *jobdb.Queue
	versions  *registrydb.Shelf
	lists     *lists.Shop
	imports   *collectdb.Store
	requests  *rightsdb.Store
	cases     *casesdb.Store
	desk      *rights.Desk
	log       *slog.Logger
}

func (s *shop) must(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

func newShop(t *testing.T, log *slog.Logger) *shop {
	t.Helper()
	s := &shop{T: t, core: sqldbtest.SQLite(t, sqldb.Core), vault: vaulttest.SQLite(t), log: log}
	signer, err := ledger.NewSigner("thimble.local/log/console", make([]byte, 32))
	s.must(err)
	pack, err := policy.Baseline()
	s.must(err)
	files, err := blob.Open(filepath.Join(t.TempDir(), "models"))
	s.must(err)
	s.ledger = ledgerdb.New(s.core, signer, ledgerdb.Config{})
	s.subjects = subjectdb.New(s.core, s.vault, subjectdb.Config{Opener: s.vault})
	s.catalog = catalogdb.New(s.core)
	s.orders = orderdb.New(s.core, s.vault, s.vault)
	s.sessions = sessiondb.New(s.core, s.subjects, nil)
	s.staff, err = staffdb.New(s.core, s.ledger, s.vault, s.sessions, staffdb.Config{})
	s.must(err)
	_, err = s.staff.Add(t.Context(), "mara", staff.Roles(), staff.CommandLine)
	s.must(err)
	s.consent = consentdb.New(s.core, s.ledger, s.vault, s.subjects, pack, nil)
	s.uses = gatedb.New(s.core, s.ledger, s.vault, gatedb.Config{})
	s.gate = gate.New(s.subjects, s.consent, s.vault, s.uses, pack, gate.NewMoves(), nil)
	s.gate.Knows(lists.Known())
	s.decisions = decisiondb.New(s.core, s.ledger, s.vault, s.subjects)
	s.versions = registrydb.NewShelf(registrydb.New(s.core, s.ledger, time.Now), files, func(ctx context.Context, name string) ([]byte, error) {
		return s.vault.Secret(ctx, name, registry.SeedSize)
	}, log)
	s.lists = lists.New(lists.Deps{People: s.subjects, Leaving: listsdb.New(s.core, time.Now, nil), Gate: s.gate, Orders: s.orders, Catalog: s.catalog, Decisions: s.decisions, Models: s.versions, Now: time.Now})
	s.jobs = jobdb.New(s.core, map[string]jobdb.Handler{recommendweb.TrainJob: func(ctx context.Context, _ job.Job) error {
		_, err := s.lists.Train(ctx, "asked for in the console", nil)
		return err
	}}, jobdb.Config{})
	s.imports = collectdb.New(s.core, collectdb.Parts{People: s.subjects, Orders: s.orders, Catalogue: s.catalog}, time.Now, nil)
	s.requests = rightsdb.New(s.core, s.ledger, s.subjects, nil)
	s.cases = casesdb.New(s.core, casesdb.Parts{Ledger: s.ledger, Vault: s.vault, Subjects: s.subjects, Requests: s.requests}, casesdb.Config{
		Dates: func(_ context.Context, _ *sqldb.Tx, _ thimble.SubjectID, at time.Time) (cases.Dates, error) {
			law, err := policy.Baseline()
			if err != nil {
				return nil, err
			}
			strict := policy.LawOf(calendar.On(at, time.UTC), law)
			return cases.Deadlines(strict, strict), nil
		},
	})
	model := func() string {
		v, ok := s.lists.Version()
		if !ok {
			return ""
		}
		return fmt.Sprintf("%x", v.Hash)
	}
	s.desk = rights.NewDesk(s.requests, s.vault, model, s.subjects, s.sessions, s.consent, s.orders, s.decisions, s.uses, s.requests, s.lists)
	return s
}

// fill imports real orders (UCI Online Retail: a sample, or the file named by
// THIMBLE_RETAIL), assigns consents by a rule, trains, and has things happen.
func (s *shop) fill() {
	s.Helper()
	path := os.Getenv("THIMBLE_RETAIL")
	if path == "" {
		path = "../collect/testdata/online_retail_sample.csv.gz"
	}
	_, err := collect.New(s.imports, s.gate).Orders(s.Context(), collect.File(path), collect.Options{})
	s.must(err)
	people := s.people()
	for i, who := range people {
		s.choose(who, i%10)
	}
	_, err = s.lists.Train(s.Context(), "the first training", nil)
	s.must(err)
	for _, who := range people[:min(len(people), 12)] {
		_, err := s.lists.ForYou(s.Context(), gate.Actor{Kind: gate.Machine, Name: "recommend"}, who, "storefront home", 8)
		s.must(err)
	}
	_, err = s.desk.Access(s.Context(), people[1])
	s.must(err)
	for _, kind := range []cases.Kind{cases.Erase, cases.Complain} {
		_, err = s.cases.Open(s.Context(), casesdb.Asked{Subject: people[1], Kind: kind, Via: cases.Centre, Proof: cases.Session, By: cases.ThePerson, Words: thimble.Hide("please")})
		s.must(err)
	}
	_, err = s.desk.Erase(s.Context(), people[2])
	s.must(err)
	s.must(s.uses.Flush(s.Context()))
	s.integrate()
}

func (s *shop) people() []thimble.SubjectID {
	s.Helper()
	people, err := s.subjects.Page(s.Context(), thimble.SubjectID{}, 10_000)
	s.must(err)
	return people
}

func (s *shop) choose(who thimble.SubjectID, n int) {
	s.Helper()
	state := func(yes bool) consent.State {
		if yes {
			return consent.Given
		}
		return consent.Refused
	}
	_, err := s.consent.Record(s.Context(), who, []consent.Choice{{Purpose: thimble.PersonalizeContent, State: state(n < 8)}, {Purpose: thimble.TrainAISystem, State: state(n < 6)}},
		consentdb.How{Notice: consent.Current(), UI: consent.UI{Component: "test-rule"}, By: consent.By{Actor: "test-rule", Auth: "none"}})
	s.must(err)
}

func (s *shop) integrate() {
	s.Helper()
	for {
		n, err := s.ledger.Integrate(s.Context())
		s.must(err)
		if n == 0 {
			return
		}
	}
}

// account returns a person's account number, as the shop itself knows it.
func (s *shop) account(who thimble.SubjectID) string {
	s.Helper()
	for d, err := range s.subjects.Export(s.Context(), who) {
		s.must(err)
		if d.Name == string(subject.Account) {
			return d.Value.(string)
		}
	}
	s.Fatal("no account")
	return ""
}

func (s *shop) sections(kit *web.Kit) (sections []web.Section) {
	s.Helper()
	add := func(section web.Section, err error) {
		s.Helper()
		s.must(err)
		sections = append(sections, section)
	}
	reader := gateweb.Staff(s.gate)
	add(console.Overview{
		Tiles: []func(context.Context) ([]web.Stat, error){
			subjectweb.ConsoleTiles(s.subjects), orderweb.ConsoleTiles(s.orders), catalogweb.ConsoleTiles(s.catalog), consentweb.ConsoleTiles(s.consent, s.subjects),
			recommendweb.ConsoleTiles(s.versions, time.Now), decisionweb.ConsoleTiles(s.decisions), ledgerweb.ConsoleTiles(s.ledger),
		},
		Charts:  []func(context.Context) (web.Chart, error){catalogweb.ConsoleChart(sales{s.core})},
		Moments: []func(context.Context) ([]web.Moment, error){recommendweb.ConsoleMoments(s.versions), collectweb.ConsoleMoments(s.imports), rightsweb.ConsoleMoments(s.requests)},
	}.Section(kit))
	add(subjectweb.Console(kit, s.subjects, reader, orderweb.CustomerPanel(s.orders, s.catalog), consentweb.CustomerPanel(s.consent), decisionweb.CustomerPanel(s.decisions), gateweb.CustomerPanel(s.uses)))
	add(consentweb.Console(kit, s.consent, s.subjects))
	add(casesweb.Console(kit, casesweb.ConsoleDeps{Store: s.cases, Queue: s.cases, Reader: reader, Receipts: s.ledger, Now: time.Now,
		Colleagues: func(context.Context) ([]string, error) { return []string{"mara", "zoe"}, nil }}))
	add(rightsweb.Console(kit, s.requests, s.ledger))
	add(decisionweb.Console(kit, decisionweb.ConsoleConfig{Decisions: s.decisions, Reader: reader, Receipts: s.ledger, Names: s.catalog}))
	add(gateweb.Console(kit, s.uses))
	add(catalogweb.Console(kit, s.catalog, recommendweb.Neighbours(s.lists, nil)))
	add(collectweb.Console(kit, s.imports, collectweb.NewUploads(s.TempDir(), nil, time.Now, nil)))
	add(recommendweb.Console(kit, s.core, s.versions, s.jobs))
	add(ledgerweb.Console(kit, s.ledger))
	add(datamapweb.Console(kit))
	add(jobweb.Console(kit, s.jobs))
	return sections
}

// serve opens the console behind the chain of middleware the product has.
func (s *shop) serve() string {
	s.Helper()
	kit, err := web.New(web.Config{Log: s.log})
	s.must(err)
	enter := sessionweb.New(s.sessions, session.Staff, false, s.log)
	entrance, err := staffweb.Entrance(kit, staffweb.Deps{Accounts: s.staff, Door: enter, Links: s.sessions, Sessions: s.sessions, Log: s.log, Demo: true, Hint: "thimble sign-in --staff you"})
	s.must(err)
	door, err := console.New(console.Config{Kit: kit, Log: s.log, Sessions: enter, Sections: s.sections(kit), Site: "Fold & Hem", Entrance: entrance, Account: s.staff.Account, Rules: ruled(s.T),
		Banner: "Demo: real orders of UCI Online Retail, consents assigned by a rule"})
	s.must(err)
	mux := http.NewServeMux()
	mux.Handle("GET "+web.AssetPrefix, kit.Assets())
	mux.Handle("/console", door)
	mux.Handle("/console/", door)
	secure, err := web.Secure(mux, web.SecureOptions{})
	s.must(err)
	// The sequencer and the use log run beside the door, as they do in the product.
	ctx, stop := context.WithCancel(s.Context())
	var running sync.WaitGroup
	running.Go(func() { _ = s.ledger.Run(ctx) })
	running.Go(func() { _ = s.uses.Run(ctx) })
	s.Cleanup(func() { stop(); running.Wait() })
	server := httptest.NewServer(web.RequestID(web.AccessLog(web.Recover(secure, s.log, nil), s.log)))
	s.Cleanup(server.Close)
	return server.URL
}

// link makes a one-time link's path for a member of staff.
func (s *shop) link() string {
	s.Helper()
	token, err := s.sessions.Link(s.Context(), session.Who{Audience: session.Staff, Staff: "mara"})
	s.must(err)
	return "/console/link/" + token
}
