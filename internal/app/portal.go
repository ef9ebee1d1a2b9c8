package app

import (
	"context"
	"net/http"

	"thimble/internal/consent/consentweb"
	"thimble/internal/decision/decisionweb"
	"thimble/internal/gate/gateweb"
	"thimble/internal/ledger/ledgerweb"
	"thimble/internal/portal"
	"thimble/internal/rights/rightsweb"
	"thimble/internal/session/sessionweb"
	"thimble/internal/web"
)

func (d *doors) decisions() decisionweb.PortalDeps {
	return decisionweb.PortalDeps{Store: d.Decisions, Names: d.Catalog, Receipts: d.Ledger, Own: d.own}
}

// mountPortal mounts the customers' privacy centre.
func (d *doors) mountPortal(_ context.Context, mux *http.ServeMux) error {
	sections, err := sections(
		func() (web.Section, error) {
			return consentweb.Portal(d.kit, d.Consent, d.Ledger, d.own, d.Config.clock())
		},
		func() (web.Section, error) { return decisionweb.Portal(d.kit, d.decisions()) },
		func() (web.Section, error) { return gateweb.Portal(d.kit, d.Uses, d.own) },
		func() (web.Section, error) {
			return rightsweb.Portal(d.kit, rightsweb.PortalDeps{Desk: d.Desk, Requests: d.Requests, Names: d.Catalog, Receipts: d.Ledger, Own: d.own, Exit: d.customers})
		},
		func() (web.Section, error) {
			return ledgerweb.Portal(d.kit, d.Ledger, consentweb.PortalReceipts(d.Consent, d.own),
				decisionweb.PortalReceipts(d.Decisions, d.own), gateweb.PortalReceipts(d.Uses, d.own))
		},
		func() (web.Section, error) { return sessionweb.Portal(d.kit, d.customers, d.Config.Demo) },
	)
	if err != nil {
		return err
	}
	h, err := portal.New(portal.Config{
		Kit: d.kit, Log: d.Log, Sessions: d.customers, Sections: sections, Own: d.own, Label: d.label,
		Cards: []portal.Card{
			consentweb.PortalCard(d.Consent, d.Config.clock()), decisionweb.PortalCard(d.Decisions), gateweb.PortalCard(d.Uses),
			rightsweb.PortalCard(d.Desk), ledgerweb.PortalCard(),
		},
	})
	if err != nil {
		return err
	}
	mux.Handle(portal.Root, h)
	mux.Handle(portal.Root+"/", h)
	return nil
}

// sections builds sections in order, up to the first that fails.
func sections(build ...func() (web.Section, error)) ([]web.Section, error) {
	all := make([]web.Section, 0, len(build))
	for _, b := range build {
		s, err := b()
		if err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	return all, nil
}
