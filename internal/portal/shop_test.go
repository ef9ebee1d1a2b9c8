package portal_test

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"thimble"
	"thimble/internal/blob"
	"thimble/internal/catalog/catalogdb"
	"thimble/internal/collect"
	"thimble/internal/collect/collectdb"
	"thimble/internal/consent"
	"thimble/internal/consent/consentdb"
	"thimble/internal/consent/consentweb"
	"thimble/internal/decision/decisiondb"
	"thimble/internal/decision/decisionweb"
	"thimble/internal/gate"
	"thimble/internal/gate/gatedb"
	"thimble/internal/gate/gateweb"
	"thimble/internal/ledger"
	"thimble/internal/ledger/ledgerdb"
	"thimble/internal/ledger/ledgerweb"
	"thimble/internal/order/orderdb"
	"thimble/internal/policy"
	"thimble/internal/policy/calendar"
	"thimble/internal/portal"
	"thimble/internal/recommend/lists"
	"thimble/internal/recommend/listsdb"
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
	"thimble/internal/storefront"
	"thimble/internal/subject"
	"thimble/internal/subject/subjectdb"
	"thimble/internal/vault"
	"thimble/internal/vault/vaulttest"
	"thimble/internal/web"
	"thimble/internal/web/webtest"
)

func TestMain(m *testing.M) { os.Exit(webtest.Main(m)) }

// A house is a whole shop with both customers' doors, on real orders.
type house struct {
	*testing.T
	url       string
	ledger    *ledgerdb.Log
	people    *subjectdb.Store
	sessions  *sessiondb.Store
	consents  *consentdb.Store
	uses      *gatedb.Log
	gate      *gate.Gate
	decisions *decisiondb.Store
	catalog   *catalogdb.Store
	lists     *lists.Shop
	requests  *rightsdb.Store
	cases     *casesdb.Store
	desk      *rights.Desk
	customers []storefront.DemoCustomer
}

func open(t *testing.T) *house {
	core, keys := sqldbtest.SQLite(t, sqldb.Core), sqldbtest.SQLite(t, sqldb.Keys)
	h := &house{T: t}
	v := vaulttest.New(t, keys)
	h.kernel(core, v)
	h.fill()
	h.run(h.ledger.Run, h.uses.Run)
	h.serve()
	return h
}

func must[V any](v V, err error) func(testing.TB) V {
	return func(t testing.TB) V {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func (h *house) kernel(core *sqldb.DB, v *vault.Vault) {
	pack := must(policy.Baseline())(h)
	signer := must(ledger.NewSigner("shop.test/log", []byte("a seed of exactly thirty-two by.")))(h)
	h.ledger = ledgerdb.New(core, signer, ledgerdb.Config{Every: 50 * time.Millisecond})
	h.people = subjectdb.New(core, v, subjectdb.Config{Opener: v})
	orders := orderdb.New(core, v, v)
	h.catalog = catalogdb.New(core)
	h.sessions = sessiondb.New(core, h.people, nil)
	h.consents = consentdb.New(core, h.ledger, v, h.people, pack, nil)
	h.uses = gatedb.New(core, h.ledger, v, gatedb.Config{Every: 50 * time.Millisecond})
	h.gate = gate.New(h.people, h.consents, v, h.uses, pack, gate.NewMoves(), nil)
	h.gate.Knows(lists.Known())
	h.decisions = decisiondb.New(core, h.ledger, v, h.people)
	h.lists = lists.New(lists.Deps{
		People: h.people, Leaving: listsdb.New(core, time.Now, nil), Gate: h.gate, Orders: orders, Catalog: h.catalog, Decisions: h.decisions, Now: time.Now,
		Models: registrydb.NewShelf(registrydb.New(core, h.ledger, time.Now), must(blob.Open(h.TempDir()))(h), func(ctx context.Context, name string) ([]byte, error) {
			return v.Secret(ctx, name, registry.SeedSize)
		}, nil),
	})
	h.requests = rightsdb.New(core, h.ledger, h.people, nil)
	h.cases = casesdb.New(core, casesdb.Parts{Ledger: h.ledger, Vault: v, Subjects: h.people, Requests: h.requests}, casesdb.Config{
		Dates: func(_ context.Context, _ *sqldb.Tx, _ thimble.SubjectID, at time.Time) (cases.Dates, error) {
			law, err := policy.Baseline()
			if err != nil {
				return nil, err
			}
			strict := policy.LawOf(calendar.On(at, time.UTC), law)
			return cases.Deadlines(strict, strict), nil
		},
	})
	h.desk = rights.NewDesk(h.requests, v, func() string {
		version, _ := h.lists.Version()
		return fmt.Sprintf("%x", version.Hash)
	}, h.people, h.sessions, h.consents, orders, h.decisions, h.uses, h.requests, h.lists)
	imports := collectdb.New(core, collectdb.Parts{People: h.people, Orders: orders, Catalogue: h.catalog}, time.Now, nil)
	path := os.Getenv("THIMBLE_TEST_ORDERS") // the whole data set, for looking at pages
	if path == "" {
		path = "../collect/testdata/online_retail_sample.csv.gz"
	}
	must(collect.New(imports, h.gate).Orders(h.Context(), collect.File(path), collect.Options{}))(h)
}

// fill assigns consents and trains.
func (h *house) fill() {
	ctx := h.Context()
	for i, account := range []string{"17850", "17968", "13952", "17920"} {
		who := must(h.people.Find(ctx, must(subject.NewIdentifier(subject.Account, account))(h)))(h)
		note := []string{"Allows everything", "Refused everything", "Allows a personal list", "Was not asked"}[i]
		h.customers = append(h.customers, storefront.DemoCustomer{Label: "Customer " + account, Note: note, Subject: who})
	}
	answers := [][2]consent.State{{consent.Given, consent.Given}, {consent.Refused, consent.Refused}, {consent.Given, consent.Refused}, {}}
	all := must(h.people.Page(ctx, thimble.SubjectID{}, 60))(h)
	for _, who := range all {
		state := [2]consent.State{"", consent.Given}
		for i, c := range h.customers {
			if c.Subject == who {
				state = answers[i]
			}
		}
		h.choose(who, "demo-rule", state)
	}
	for i, c := range h.customers {
		if must(h.consents.Standing(ctx, c.Subject, thimble.TrainAISystem))(h).State == "" {
			h.choose(c.Subject, "demo-rule", answers[i])
		}
	}
	must(h.lists.Train(ctx, "test", nil))(h)
}

func (h *house) choose(who thimble.SubjectID, actor string, state [2]consent.State) {
	h.Helper()
	var choices []consent.Choice
	for i, s := range state {
		if s != "" {
			choices = append(choices, consent.Choice{Purpose: consent.Asked[i].Purpose, State: s})
		}
	}
	if len(choices) > 0 {
		must(h.consents.Record(h.Context(), who, choices, consentdb.How{Notice: consent.Current(), By: consent.By{Actor: actor, Auth: "none"}}))(h)
	}
}

// run runs workers until the test ends, and waits for them.
func (h *house) run(workers ...func(context.Context) error) {
	ctx, stop := context.WithCancel(context.Background())
	var all sync.WaitGroup
	for _, w := range workers {
		all.Go(func() { _ = w(ctx) })
	}
	h.Cleanup(func() { stop(); all.Wait() })
}

func (h *house) serve() {
	kit := must(web.New(web.Config{Extra: []fs.FS{portal.Assets(), storefront.Assets(), consentweb.Assets(), decisionweb.PortalAssets(), ledgerweb.PortalAssets()}}))(h)
	log := slog.New(slog.NewTextHandler(h.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))
	sessions := sessionweb.New(h.sessions, session.Customer, false, log)
	label := func(_ context.Context, who thimble.SubjectID) string {
		for _, c := range h.customers {
			if c.Subject == who {
				return c.Label
			}
		}
		return "Customer"
	}
	mux := http.NewServeMux()
	mux.Handle("GET "+web.AssetPrefix, kit.Assets())
	mux.Handle(ledgerweb.Prefix+"/", ledgerweb.Handler(h.ledger, log))
	private := h.privacy(kit, log, sessions, label)
	mux.Handle("/privacy", private)
	mux.Handle("/privacy/", private)
	mux.Handle("/", h.shop(kit, log, sessions, label))
	server := httptest.NewServer(must(web.Secure(web.RequestID(mux), web.SecureOptions{}))(h))
	h.Cleanup(server.Close)
	h.url = server.URL
}

type labels = func(context.Context, thimble.SubjectID) string

func (h *house) privacy(kit *web.Kit, log *slog.Logger, sessions *sessionweb.Door, label labels) http.Handler {
	own := gateweb.OpenOwn(h.gate)
	why := decisionweb.PortalDeps{Store: h.decisions, Names: h.catalog, Receipts: h.ledger, Own: own}
	return must(portal.New(portal.Config{
		Kit: kit, Log: log, Sessions: sessions, Own: own, Label: label, Shop: "Online Retail",
		Banner: "Demo on real orders of a real shop (UCI Online Retail, CC BY 4.0).",
		Sections: []web.Section{
			must(consentweb.Portal(kit, consentweb.PortalDeps{Store: consentdb.Whole{Store: h.consents, Persons: h.people}, Log: h.ledger, Own: own}))(h),
			must(rightsweb.Portal(kit, rightsweb.PortalDeps{Desk: h.desk, Requests: h.requests, Tickets: h.requests, Names: h.catalog, Receipts: h.ledger, Own: own, Exit: sessions}))(h),
			must(casesweb.Portal(kit, h.asking(own)))(h),
			must(decisionweb.Portal(kit, why))(h),
			must(gateweb.Portal(kit, h.uses, own))(h),
			must(ledgerweb.Portal(kit, h.ledger, consentweb.PortalReceipts(h.consents, own), decisionweb.PortalReceipts(h.decisions, own), gateweb.PortalReceipts(h.uses, own)))(h),
			must(sessionweb.Portal(kit, sessions, sessionweb.PortalDeps{Sessions: h.sessions, Codes: h.sessions, Tokens: h.sessions, People: h.people, Demo: true}))(h),
		},
		Cards: []portal.Card{
			consentweb.PortalCard(h.consents, nil), decisionweb.PortalCard(h.decisions), gateweb.PortalCard(h.uses), ledgerweb.PortalCard(),
		},
	}))(h)
}

// asking are the pages on which people ask.
func (h *house) asking(own gateweb.Own) casesweb.PortalDeps {
	return casesweb.PortalDeps{
		Store: h.cases, Own: own, Now: time.Now, Access: h.desk.Access,
		Begin: func(ctx context.Context, id thimble.ID, by, staff string) (cases.Case, error) {
			return h.cases.Accept(ctx, id, by, staff)
		},
		Children: func(context.Context, thimble.SubjectID) ([]thimble.SubjectID, error) { return nil, nil },
		Restricted: func(ctx context.Context, who thimble.SubjectID) (bool, error) {
			p, err := h.people.Person(ctx, who)
			return p.Restricted, err
		},
		Refuses: func(ctx context.Context, who thimble.SubjectID, p thimble.Purpose) (bool, error) {
			st, err := h.consents.Standing(ctx, who, p)
			return st.State.Refuses(), err
		},
	}
}

func (h *house) shop(kit *web.Kit, log *slog.Logger, sessions *sessionweb.Door, label labels) http.Handler {
	own := gateweb.OpenOwn(h.gate)
	asks := consentweb.ShopDeps{Store: consentdb.Whole{Store: h.consents, Persons: h.people}, Log: log}
	return must(storefront.New(storefront.Config{
		Kit: kit, Log: log, Sessions: sessions, Lists: h.lists, Catalog: h.catalog, Label: label, Demo: true, Customers: h.customers,
		Categories: []string{"bags", "mugs", "tableware", "kitchen", "lights", "candles", "stationery", "storage", "decorations", "toys", "other"},
		Rule:       "Two in three customers allow a personal list, by the last digit of the account number.",
		Prompt:     consentweb.ShopPrompt(asks),
		Sections:   []web.Section{must(consentweb.Shop(kit, asks))(h), must(decisionweb.Shop(kit, decisionweb.PortalDeps{Store: h.decisions, Names: h.catalog, Receipts: h.ledger, Own: own}))(h)},
	}))(h)
}

// A guest is a browser without script.
type guest struct {
	*house
	client *http.Client
}

func (h *house) guest() *guest {
	return &guest{h, &http.Client{Jar: must(cookiejar.New(nil))(h)}}
}

// signedIn is a guest who picked the customer at the demo's sign-in.
func (h *house) signedIn(i int) *guest {
	h.Helper()
	g := h.guest()
	if code, _ := g.post("/shop/sign-in", url.Values{"customer": {h.customers[i].Subject.String()}}); code != http.StatusOK {
		h.Fatalf("signing in = %d", code)
	}
	return g
}

func (g *guest) read(res *http.Response, err error) (int, string) {
	g.Helper()
	if err != nil {
		g.Fatal(err)
	}
	defer res.Body.Close()
	return res.StatusCode, string(must(io.ReadAll(res.Body))(g))
}

func (g *guest) get(path string) (int, string) {
	g.Helper()
	req := must(http.NewRequest(http.MethodGet, g.url+path, nil))(g)
	req.Header.Set("Accept", "text/html")
	return g.read(g.client.Do(req))
}

func (g *guest) page(path string) string {
	g.Helper()
	code, body := g.get(path)
	if code != http.StatusOK {
		g.Fatalf("GET %s = %d: %s", path, code, strings.Join(webtest.Select(g.T, body, "main"), " "))
	}
	return body
}

func (g *guest) post(path string, form url.Values) (int, string) {
	g.Helper()
	req := must(http.NewRequest(http.MethodPost, g.url+path, strings.NewReader(form.Encode())))(g)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Accept", "text/html")
	return g.read(g.client.Do(req))
}
