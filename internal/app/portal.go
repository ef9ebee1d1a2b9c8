package app

import (
	"context"
	"net/http"
	"slices"

	"thimble/internal/collect/timelineweb"
	"thimble/internal/consent/consentweb"
	"thimble/internal/decision/decisionweb"
	"thimble/internal/disclose/discloseweb"
	"thimble/internal/gate/gateweb"
	"thimble/internal/ledger/ledgerweb"
	"thimble/internal/portal"
	"thimble/internal/recommend/tasteweb"
	"thimble/internal/retention/retentionweb"
	"thimble/internal/rights/casesweb"
	"thimble/internal/rights/rightsweb"
	"thimble/internal/session/sessionweb"
	"thimble/internal/subject/subjectweb"
	"thimble/internal/web"
)

func (d *doors) decisions() decisionweb.PortalDeps {
	return decisionweb.PortalDeps{Store: d.wholeDecisions(), Names: d.Catalog, Receipts: d.Ledger, Own: d.own, Reviews: d.Decisions}
}

// portalSections are all parts of the privacy centre, in the order of its navigation.
func (d *doors) portalSections() ([]web.Section, error) {
	return sections(
		func() (web.Section, error) {
			return consentweb.Portal(d.kit, consentweb.PortalDeps{
				Store: d.wholeConsent(), Log: d.Ledger, Own: d.own, Controller: d.Config.controller(), Children: d.children, Now: d.Config.clock(),
			})
		},
		func() (web.Section, error) { return decisionweb.Portal(d.kit, d.decisions()) },
		func() (web.Section, error) {
			return timelineweb.Portal(d.kit, timelineweb.PortalDeps{Events: d.Timeline, Names: d.Catalog, Own: d.own})
		},
		func() (web.Section, error) { return tasteweb.Portal(d.kit, d.tastePages()) },
		func() (web.Section, error) { return gateweb.Portal(d.kit, d.wholeUses(), d.own, d.Without()...) },
		func() (web.Section, error) { return discloseweb.Portal(d.kit, d.wholeDisclosures(), d.own) },
		func() (web.Section, error) {
			return rightsweb.Portal(d.kit, rightsweb.PortalDeps{Desk: forgetting{d.Desk, d.App}, Requests: d.Requests, Tickets: d.Requests, Waits: d.Cases.Waits, Now: d.Config.clock(), Names: d.Catalog, Receipts: d.Ledger, Own: d.own, Exit: d.customers, Correct: d.correctHref, Terms: retentionweb.PortalTerms(d.Retention, d.Subjects.Members)})
		},
		func() (web.Section, error) {
			return ledgerweb.Portal(d.kit, d.Ledger, d.receiptSources()...)
		},
		func() (web.Section, error) { return casesweb.Portal(d.kit, d.casePages()) },
		func() (web.Section, error) { return subjectweb.Portal(d.kit, d.Subjects, d.own) },
		func() (web.Section, error) { return sessionweb.Portal(d.kit, d.customers, d.signIn()) },
	)
}

// receiptSources keep the receipts of somebody.
func (d *doors) receiptSources() []ledgerweb.Source {
	return []ledgerweb.Source{consentweb.PortalReceipts(d.wholeConsent(), d.own),
		tasteweb.PortalReceipts(d.wholeTastes(), d.own), decisionweb.PortalReceipts(d.wholeDecisions(), d.own), decisionweb.PortalReviewReceipts(d.wholeDecisions(), d.own), gateweb.PortalReceipts(d.wholeUses(), d.own), discloseweb.PortalReceipts(d.wholeDisclosures(), d.own), casesweb.PortalReceipts(wholeCases{d.Cases, d.Subjects}, d.own, d.children),
		rightsweb.PortalReceipts(wholeRequests{d.Requests, d.Subjects, d.Retention}, d.own)}
}

// newestProofs is how many receipts the first page of the privacy centre shows.
const newestProofs = 3

// mountPortal mounts the customers' privacy centre.
func (d *doors) mountPortal(_ context.Context, mux *http.ServeMux) error {
	sections, err := d.portalSections()
	if err != nil {
		return err
	}
	h, err := portal.New(portal.Config{
		Kit: d.kit, Log: d.Log, Sessions: d.customers, Sections: sections, Own: d.own, Label: d.label,
		Signals: consentweb.Signals(d.wholeConsent(), d.Log), Now: d.Config.clock(),
		Proofs: slices.Concat(rightsweb.Proofs(), casesweb.Proofs(), sessionweb.Proofs()),
		Cards: []portal.Card{
			consentweb.PortalCard(d.wholeConsent(), d.Config.clock()), decisionweb.PortalCard(d.wholeDecisions()), gateweb.PortalCard(d.wholeUses()),
			discloseweb.PortalCard(d.wholeDisclosures(), d.own), ledgerweb.PortalCard(), retentionweb.PortalAway(d.Retention, d.Subjects.Members, d.packTitle),
		},
		Held: rightsweb.PortalHeld(d.Desk, retentionweb.PortalUntil(d.Retention, d.Subjects.Members, d.packTitle)), Open: casesweb.PortalOpen(wholeCases{d.Cases, d.Subjects}, d.Config.clock()), Receipts: ledgerweb.Recent(d.Ledger, newestProofs, d.receiptSources()...),
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

// signIn is how customers come in.
func (d *doors) signIn() sessionweb.PortalDeps {
	return sessionweb.PortalDeps{
		Sessions: d.Sessions, Codes: d.Sessions, Tokens: d.Sessions, People: d.Subjects, Index: d.Vault,
		Post: d.post, Shop: d.shopKeys, Demo: d.Config.Demo, Now: d.Config.clock(),
	}
}
