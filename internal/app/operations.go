package app

import (
	"context"

	"github.com/danielgtaylor/huma/v2"

	"thimble"
	"thimble/internal/apikey"
	"thimble/internal/catalog/catalogweb"
	"thimble/internal/collect/planweb"
	"thimble/internal/consent/consentweb"
	"thimble/internal/decision/decisionweb"
	"thimble/internal/disclose/discloseweb"
	"thimble/internal/gate"
	"thimble/internal/ledger/ledgerweb"
	"thimble/internal/policy/policyweb"
	"thimble/internal/recommend/deviceweb"
	"thimble/internal/recommend/recommendweb"
	"thimble/internal/recommend/tasteweb"
	"thimble/internal/recommend/trialweb"
	"thimble/internal/registry/registryweb"
	"thimble/internal/rights/casesweb"
	"thimble/internal/rights/regulationweb"
	"thimble/internal/rights/systemsweb"
	"thimble/internal/subject/subjectweb"
)

// Version is the version of this build; the command sets it.
var Version = "development"

// operations are the capabilities' parts of the API, in the order of its manual.
func (d *doors) operations() []func(huma.API) {
	return []func(huma.API){
		recommendweb.Operations(d.Shop),
		trialweb.Operations(d.Trials),
		tasteweb.Operations(tasteweb.OperationDeps{Store: d.wholeTastes(), Receipts: d.Ledger, Exists: d.exists, Open: d.openFor}),
		deviceweb.Operations(),
		catalogweb.Operations(d.Catalog),
		subjectweb.Operations(d.Subjects, d.noteLookup, func(ctx context.Context) string { return apikey.From(ctx).Name }),
		consentweb.Operations(consentweb.OperationDeps{Store: d.wholeConsent(), Receipts: d.Ledger, Exists: d.exists, Open: d.openFor, Controller: d.Config.controller(), Now: d.Config.clock()}),
		decisionweb.Operations(d.Decisions, d.Gate, d.Ledger),
		decisionweb.ContestOperations(d.Decisions, d.Gate, d.Decisions),
		casesweb.Operations(d.caseOperations()),
		regulationweb.Operations(regulationweb.Deps{Store: d.Verbs, Key: func(ctx context.Context) string { return apikey.From(ctx).Name }, Hurry: d.hurry}),
		systemsweb.Operations(d.Systems, func(ctx context.Context) string { return apikey.From(ctx).Name }),
		ledgerweb.Operations(d.Ledger),
		policyweb.Operations(d.Laws),
		planweb.Operations(d.planPages(), func(ctx context.Context) string { return apikey.From(ctx).Name }),
		registryweb.Operations(d.Models),
		discloseweb.Operations(d.Disclose, d.Config.clock()),
	}
}

// noteLookup has the gate judge and count that a system of the shop asked who has
// an identifier.
func (d *doors) noteLookup(ctx context.Context, who thimble.SubjectID) error {
	_, err := d.Gate.Open(ctx, gate.Request{Actor: gate.Actor{Kind: gate.Client, Name: apikey.From(ctx).Name}, Subject: who,
		Purpose: thimble.EssentialService, Categories: []thimble.Category{thimble.AccountIdentifier}})
	return err
}

func (d *doors) exists(ctx context.Context, who thimble.SubjectID) error {
	_, err := d.Subjects.Epoch(ctx, who)
	return err
}

// openFor opens a person's data for a system of the shop, to meet a legal duty.
func (d *doors) openFor(ctx context.Context, key string, who thimble.SubjectID, categories ...thimble.Category) (thimble.Grant, error) {
	g, err := d.Gate.Open(ctx, gate.Request{Actor: gate.Actor{Kind: gate.Client, Name: key}, Subject: who, Purpose: thimble.LegalObligation, Categories: categories})
	if err != nil {
		return nil, err
	}
	return g, nil
}

// gauges are the numbers of the kernel that operators watch.
func (a *App) gauges() []Gauge {
	return append(append(append(a.bufferGauges(), a.logGauges()...), a.backupGauges()...), []Gauge{
		a.qualityGauge(),
		{Name: "ledger_leaves", Help: "Leaves in the ledger's tree.", Read: func(ctx context.Context) (float64, error) {
			n, err := a.Ledger.Size(ctx)
			return float64(n), err
		}},
		{Name: "ledger_lag_seconds", Help: "Age of the oldest leaf that waits for the sequencer.", Read: func(ctx context.Context) (float64, error) {
			lag, err := a.Ledger.Lag(ctx)
			return lag.Seconds(), err
		}},
		{Name: "clock_ahead_seconds", Help: "How far the clock is ahead of what else knows the time, negative when behind; 0 when none contradicts it.", Read: func(ctx context.Context) (float64, error) {
			off, _, err := a.ClockOff(ctx)
			return off.Seconds(), err
		}},
		{Name: "recommend_model_version", Help: "Version of the model that serves; 0 for none.", Read: func(context.Context) (float64, error) {
			v, _ := a.Shop.Version()
			return float64(v.Number), nil
		}},
	}...)
}
