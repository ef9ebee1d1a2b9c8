package console_test

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"thimble"
	"thimble/internal/catalog"
	"thimble/internal/decision"
	"thimble/internal/rights"
	"thimble/internal/rights/cases"
	"thimble/internal/rights/casesdb"
	"thimble/internal/web/webtest"
)

func TestMain(m *testing.M) { os.Exit(webtest.Main(m)) }

// addresses lists every page of a filled shop.
func (s *shop) addresses() map[string]string {
	s.Helper()
	ctx := s.Context()
	pages := map[string]string{
		"overview": "/console", "customers": "/console/customers", "consent": "/console/consent", "access": "/console/access", "requests": "/console/requests", "requests-closed": "/console/requests?show=closed", "requests-new": "/console/requests/new", "executed": "/console/requests/executed",
		"decisions": "/console/decisions", "catalogue": "/console/catalogue", "imports": "/console/imports", "recommendations": "/console/recommendations",
		"ledger": "/console/ledger", "datamap": "/console/datamap", "datamap-field": "/console/datamap?holder=order&field=order_orders.body", "jobs": "/console/jobs",
		"catalogue-none": "/console/catalogue?q=zzzz", "catalogue-bad": "/console/catalogue?kind=zzzz", "missing": "/console/nowhere",
		"denied": "/console/customers/" + thimble.SubjectID{9}.String(),
	}
	decided, err := s.decisions.Recent(ctx, 1)
	s.must(err)
	if len(decided) > 0 {
		pages["decision"] = "/console/decisions/" + decided[0].ID.Token(decision.TokenPrefix)
		pages["customer"] = "/console/customers/" + decided[0].Subject.String()
	}
	requests, err := s.requests.List(ctx, 10)
	s.must(err)
	for _, r := range requests {
		pages["request-"+string(r.Kind)] = "/console/requests/" + r.ID.Token(rights.TokenPrefix)
	}
	waiting, err := s.cases.Queue(ctx, casesdb.Place{}, 1)
	s.must(err)
	for _, c := range waiting {
		pages["case"] = "/console/cases/" + c.ID.Token(cases.TokenPrefix)
	}
	imports, err := s.imports.Imports(ctx)
	s.must(err)
	for _, i := range imports {
		pages["import"] = "/console/imports/" + i.ID.Token("imp")
	}
	if v, ok := s.lists.Version(); ok && v.Card.Data.Weights > 0 {
		page, err := s.catalog.Page(ctx, bestSeller)
		s.must(err)
		pages["product"] = "/console/catalogue/" + string(page.Products[0].ID)
	}
	return pages
}

func dark(v webtest.Viewport) webtest.Viewport { v.Dark = true; return v }

func TestEachPageIsAccessibleSilentAndFitsAPhone(t *testing.T) {
	browser := webtest.Start(t)
	s := newShop(t, slog.New(slog.DiscardHandler))
	s.fill()
	base := s.serve()
	looks := []struct {
		name string
		view webtest.Viewport
	}{{"desk-light", webtest.Desk}, {"phone-light", webtest.Phone}, {"desk-dark", dark(webtest.Desk)}, {"phone-dark", dark(webtest.Phone)}}
	tab := browser.NewTab(webtest.Desk)
	see := func(name, path string) {
		t.Run(name, func(t *testing.T) {
			if strings.HasPrefix(path, "/") {
				tab.Goto(base + path)
			}
			for _, look := range looks {
				tab.Look(look.view)
				tab.Wait(`![...document.querySelectorAll(".plot")].some(p => !p.querySelector("canvas"))`)
				if dir := os.Getenv("THIMBLE_SCREENSHOTS"); dir != "" {
					tab.Screenshot(t, filepath.Join(dir, "console-"+name+"-"+look.name+".png"))
				}
				tab.NoOverflow(t)
				if look.name == "desk-light" || look.name == "phone-dark" { // each layout and each palette once
					tab.Axe(t)
				}
			}
			tab.Look(webtest.Desk)
		})
	}
	see("sign-in", "/console/sign-in")
	see("link", s.link())
	tab.Follow("form button.primary")
	pages := s.addresses()
	for name, path := range pages {
		see(name, path)
	}
	tab.Goto(base + "/console/customers")
	tab.Fill("input[name=account]", "no such customer")
	tab.Follow("#find button.primary")
	see("customers-bad", "")
	tab.Goto(base + "/console/customers")
	tab.Fill("input[name=account]", s.account(s.people()[0]))
	tab.Follow("#find button.primary")
	if got := tab.Text("h1"); !strings.HasPrefix(got, "Customer sub_") {
		t.Errorf("after finding a customer the heading is %q", got)
	}
	tab.Goto(base + "/console/sign-in")
	requests := strings.Join(tab.Requests(), "\n")
	if strings.Contains(requests, "account=") {
		t.Error("an account number is in an address")
	}
}

func TestEmptyPagesSayWhatToDoFirst(t *testing.T) {
	browser := webtest.Start(t)
	s := newShop(t, slog.New(slog.DiscardHandler))
	base := s.serve()
	tab := browser.Open(base+s.link(), webtest.Desk)
	tab.Follow("form button.primary")
	for name, path := range s.addresses() {
		if name == "missing" || name == "denied" || strings.HasPrefix(name, "catalogue-") {
			continue
		}
		tab.Goto(base + path)
		tab.Axe(t)
		if dir := os.Getenv("THIMBLE_SCREENSHOTS"); dir != "" {
			tab.Screenshot(t, filepath.Join(dir, "console-empty-"+name+".png"))
		}
	}
	tab.Clean(t, base)
}

// bestSeller asks for the product that sold most.
var bestSeller = catalog.Query{Sort: catalog.BySold, Desc: true, Limit: 1}
