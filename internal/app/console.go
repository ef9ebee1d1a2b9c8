package app

import (
	"context"
	"net/http"
	"slices"
	"time"

	"thimble"
	"thimble/internal/apikey/apikeyweb"
	"thimble/internal/catalog/catalogweb"
	"thimble/internal/collect/collectweb"
	"thimble/internal/collect/planweb"
	"thimble/internal/collect/sourceweb"
	"thimble/internal/collect/timelineweb"
	"thimble/internal/consent/consentweb"
	"thimble/internal/console"
	"thimble/internal/datamap/datamapweb"
	"thimble/internal/decision/decisionweb"
	"thimble/internal/disclose/discloseweb"
	"thimble/internal/gate"
	"thimble/internal/gate/gateweb"
	"thimble/internal/job/jobweb"
	"thimble/internal/ledger/ledgerweb"
	"thimble/internal/order/orderweb"
	"thimble/internal/policy/policyweb"
	"thimble/internal/recommend/deviceweb"
	"thimble/internal/recommend/lists"
	"thimble/internal/recommend/recommendweb"
	"thimble/internal/recommend/suspectweb"
	"thimble/internal/recommend/trialweb"
	"thimble/internal/registry/registryweb"
	"thimble/internal/retention/retentionweb"
	"thimble/internal/rights/agentsweb"
	"thimble/internal/rights/casesweb"
	"thimble/internal/rights/opendsrweb"
	"thimble/internal/rights/rightsweb"
	"thimble/internal/rights/systemsweb"
	"thimble/internal/staff"
	"thimble/internal/staff/staffweb"
	"thimble/internal/subject/subjectweb"
	"thimble/internal/vault/vaultweb"
	"thimble/internal/web"
)

// consoleSections are all parts of the console, in the order of its navigation.
func (d *doors) consoleSections() ([]web.Section, error) {
	staff := gateweb.Staff(d.Gate)
	return sections(
		func() (web.Section, error) { return d.overview().Section(d.kit) },
		func() (web.Section, error) {
			return subjectweb.Console(d.kit, d.Subjects, staff, orderweb.CustomerPanel(d.usableOrders(thimble.SupportOperations), d.Catalog), timelineweb.CustomerPanel(d.eventPages(staff)),
				consentweb.CustomerPanel(d.Consent), recommendweb.CustomerPanel(), decisionweb.CustomerPanel(d.wholeDecisions()), gateweb.CustomerPanel(d.wholeUses()))
		},
		func() (web.Section, error) { return timelineweb.Console(d.kit, d.eventPages(staff)) },
		func() (web.Section, error) { return recommendweb.ConsoleGlimpse(d.kit, d.Shop, staff) },
		func() (web.Section, error) { return consentweb.Console(d.kit, d.Consent, d.Subjects) },
		func() (web.Section, error) { return casesweb.Console(d.kit, d.casesDesk(staff)) },
		func() (web.Section, error) { return agentsweb.Console(d.kit, d.agentPages()) },
		func() (web.Section, error) { return rightsweb.Console(d.kit, d.Requests, d.Ledger) },
		func() (web.Section, error) { return opendsrweb.Console(d.kit, d.OpenDSR, d.openDSRBase()) },
		d.systemsSection,
		func() (web.Section, error) { return retentionweb.Console(d.kit, d.retentionPages()) },
		func() (web.Section, error) {
			return decisionweb.Console(d.kit, decisionweb.ConsoleConfig{Decisions: d.Decisions, Reader: staff, Receipts: d.Ledger, Names: d.Catalog, Types: d.Decisions.Types()})
		},
		func() (web.Section, error) {
			return decisionweb.ConsoleReviews(d.kit, decisionweb.ConsoleConfig{Reader: staff, Names: d.Catalog, Types: d.Decisions.Types()}, d.Decisions, d.Config.clock())
		},
		func() (web.Section, error) { return gateweb.Console(d.kit, d.Uses, d.Without()...) },
		func() (web.Section, error) {
			return gateweb.ConsoleWatch(d.kit, d.Uses, d.PlantCanary, d.holderNames()...)
		},
		func() (web.Section, error) {
			return catalogweb.Console(d.kit, d.Catalog, recommendweb.Neighbours(d.Shop, d.Suspects))
		},
		func() (web.Section, error) { return collectweb.Console(d.kit, d.Imports, d.Uploads) },
		func() (web.Section, error) {
			return sourceweb.Console(d.kit, sourceweb.Deps{Store: d.Sources, PublicURL: d.Config.PublicURL, Now: d.Config.clock()})
		},
		func() (web.Section, error) { return planweb.Console(d.kit, d.planPages()) },
		d.deviceSection,
		func() (web.Section, error) { return trialweb.Console(d.kit, d.quality()) },
		func() (web.Section, error) { return recommendweb.Console(d.kit, d.Core, d.Models, d.Jobs) },
		func() (web.Section, error) { return recommendweb.ConsoleTuning(d.kit, d.Tunings, d.Models) },
		func() (web.Section, error) { return suspectweb.Console(d.kit, d.Suspects) },
		func() (web.Section, error) {
			return discloseweb.Console(d.kit, discloseweb.Deps{Store: d.Disclose, Reader: staff, Now: d.Config.clock()})
		},
		func() (web.Section, error) { return ledgerweb.Console(d.kit, d.Ledger) },
		func() (web.Section, error) {
			return policyweb.Console(d.kit, policyweb.Config{Laws: d.Laws, Flows: d.Flows, Count: d.AskCount})
		},
		func() (web.Section, error) {
			return registryweb.Console(d.kit, d.Models, map[string]registryweb.Model{lists.ModelName: d.Shop})
		},
		func() (web.Section, error) { return vaultweb.Console(d.kit, keeper{d.Vault, d.App}, d.App) },
		func() (web.Section, error) { return datamapweb.Console(d.kit) },
		func() (web.Section, error) { return jobweb.Console(d.kit, d.Jobs) },
		func() (web.Section, error) { return apikeyweb.Console(d.kit, d.keys) },
		func() (web.Section, error) { return staffweb.Account(d.kit, d.staffDeps()) },
		func() (web.Section, error) { return staffweb.People(d.kit, d.peopleDeps()) },
		func() (web.Section, error) { return staffweb.Glass(d.kit, d.Glass, d.Config.clock()) },
	)
}

// openDSRBase is where controllers ask; "" when nobody is answered.
func (d *doors) openDSRBase() string {
	if d.signer == nil {
		return ""
	}
	return d.Config.BaseURL()
}

// systemsSection are the pages of systems outside.
func (d *doors) systemsSection() (web.Section, error) {
	return systemsweb.Console(d.kit, systemsweb.Deps{Store: d.Systems, Recipients: d.Disclose.Recipients, Base: d.Config.BaseURL(), Now: d.Config.clock()})
}

// ConsoleSections are the parts of the console, for who holds them against the rules.
func (a *App) ConsoleSections(ctx context.Context) ([]web.Section, error) {
	d, err := a.doors(ctx)
	if err != nil {
		return nil, err
	}
	return d.consoleSections()
}

// mountConsole mounts the staff's console.
func (d *doors) mountConsole(_ context.Context, mux *http.ServeMux) error {
	sections, err := d.consoleSections()
	if err != nil {
		return err
	}
	entrance, err := staffweb.Entrance(d.kit, d.staffDeps())
	if err != nil {
		return err
	}
	cfg := console.Config{
		Kit: d.kit, Log: d.Log, Sessions: d.staff, Sections: sections, Entrance: entrance, Account: d.Staff.Account, Rules: d.Rules, Notice: d.glassNotice, Now: d.Config.clock(),
		Proofs: slices.Concat(staffweb.Proofs(), staffweb.PeopleProofs(), staffweb.GlassProofs(), apikeyweb.Proofs(), sourceweb.Proofs(), agentsweb.Proofs(), registryweb.Proofs(), discloseweb.Proofs(), vaultweb.Proofs(), systemsweb.Proofs(), opendsrweb.Proofs(), subjectweb.Proofs(), policyweb.Proofs(), planweb.Proofs(), deviceweb.Proofs(), trialweb.Proofs(), recommendweb.Proofs(), retentionweb.Proofs()),
	}
	if d.Config.Demo {
		cfg.Banner = "Demo on real orders of a real shop (UCI Online Retail, CC BY 4.0). Who allows what was assigned by a rule."
	}
	h, err := console.New(cfg)
	if err != nil {
		return err
	}
	mux.Handle("/console", h)
	mux.Handle("/console/", h)
	return nil
}

func (d *doors) peopleDeps() staffweb.PeopleDeps {
	return staffweb.PeopleDeps{
		Accounts: d.Staff, Rules: d.Rules, Links: d.invite, Base: d.Config.BaseURL(), Now: d.Config.clock(),
		Used: func(ctx context.Context, name string, since time.Time) ([]staffweb.Used, error) {
			uses, err := d.Uses.ByActor(ctx, gate.Staff, name, since)
			used := make([]staffweb.Used, len(uses))
			for i, u := range uses {
				used[i] = staffweb.Used{Purpose: u.Purpose, Categories: u.Categories, Uses: u.Uses, Last: u.At}
			}
			return used, err
		},
	}
}

// glassNotice says on each page that an account has broken the glass.
func (d *doors) glassNotice(ctx context.Context, a staff.Account) string {
	g, live, err := d.Glass.Live(ctx, a.Name)
	if err != nil || !live {
		return ""
	}
	return "You have broken the glass for " + web.ShortToken(g.Subject) + " until " + g.Until.Format("15:04") + " UTC. They see it, and somebody else looks at it afterwards."
}

func (d *doors) staffDeps() staffweb.Deps {
	return staffweb.Deps{
		Accounts: d.Staff, Door: d.staff, Links: d.Sessions, Sessions: d.Sessions, Log: d.Log,
		Demo: d.Config.Demo, Secure: d.tls, Now: d.Config.clock(),
	}
}

func (d *doors) overview() console.Overview {
	return console.Overview{
		Tiles: []func(context.Context) ([]web.Stat, error){
			subjectweb.ConsoleTiles(d.Subjects), orderweb.ConsoleTiles(d.Orders), catalogweb.ConsoleTiles(d.Catalog),
			consentweb.ConsoleTiles(d.Consent, d.Subjects), recommendweb.ConsoleTiles(d.Models, d.Config.clock()), suspectweb.ConsoleTiles(d.Suspects), trialweb.Tiles(d.quality()),
			decisionweb.ConsoleTiles(d.Decisions), casesweb.ConsoleTiles(d.Cases), systemsweb.ConsoleTiles(d.Systems), retentionweb.ConsoleTiles(d.retentionPages()), ledgerweb.ConsoleTiles(d.Ledger), registryweb.ConsoleTiles(d.Models), discloseweb.ConsoleTiles(d.Disclose, d.Config.clock()), staffweb.GlassTiles(d.Glass), d.clockTiles, d.logTiles, d.backupTiles,
		},
		Charts: []func(context.Context) (web.Chart, error){catalogweb.ConsoleChart(d.Catalog)},
		Moments: []func(context.Context) ([]web.Moment, error){
			recommendweb.ConsoleMoments(d.Models), collectweb.ConsoleMoments(d.Imports), rightsweb.ConsoleMoments(d.Requests),
		},
	}
}
