package app

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"time"

	"thimble"
	"thimble/internal/disclose/wire"
	"thimble/internal/rights/agentsdb"
	"thimble/internal/rights/agentsweb"
	"thimble/internal/rights/cases"
	"thimble/internal/rights/casesdb"
	"thimble/internal/rights/casesweb"
	"thimble/internal/rights/ddrf"
	"thimble/internal/rights/ddrfdb"
	"thimble/internal/rights/ddrfweb"
	"thimble/internal/rights/drp"
	"thimble/internal/rights/drpweb"
	"thimble/internal/sqldb"
)

// agentCalls is the way on which agents are told what became of a request.
type agentCalls struct{ sender *wire.Sender }

// openAgents opens the registry of agents, with a way out of its own: what it tells has
// its leaves there.
func (a *App) openAgents() (err error) {
	a.Agents = agentsdb.New(a.Core, a.Ledger, agentsdb.Config{Now: a.Config.clock(), Callable: func(address string) error {
		return a.calls.sender.Check(address, hostsOf(address))
	}})
	a.calls.sender, err = a.wayOut(a.Agents)
	return err
}

// hostsOf is the list of an agent's hosts: that of its one address.
func hostsOf(address string) []string {
	if u, err := url.Parse(address); err == nil {
		return []string{u.Hostname()}
	}
	return nil
}

// casePage is where the person sees a request, signed in.
func (a *App) casePage(id thimble.ID) string {
	return a.Config.BaseURL() + casesweb.PortalPath + "/" + id.Token(cases.TokenPrefix)
}

// mountAgents mounts the Data Rights Protocol, when the shop is in a network's directory.
func (d *doors) mountAgents(_ context.Context, mux *http.ServeMux) error {
	if d.Config.DRPBusiness == "" {
		return nil
	}
	mux.Handle(drpweb.Base+"/", drpweb.Handler(drpweb.Deps{
		Business: d.Config.DRPBusiness, Registry: d.Agents, Cases: d.Cases, Find: d.Subjects.FindAll, Page: d.casePage, Now: d.Config.clock(), Log: d.Log,
	}))
	return nil
}

// mountChains takes requests to delete that other firms pass on, when the shop has a domain
// for that.
func (d *doors) mountChains(ctx context.Context, mux *http.ServeMux) error {
	if d.Config.DeletionDomain == "" {
		return nil
	}
	signer, err := d.chainSigner(ctx)
	if err != nil {
		return err
	}
	ddrfweb.Mount(mux, ddrfweb.Deps{Signer: signer, Partners: d.partners, Base: d.Config.BaseURL(), Store: ddrfdb.New(d.Core, d.Cases, d.Config.clock()), Find: d.Subjects.FindAll, Now: d.Config.clock(), Log: d.Log})
	return nil
}

// chainSigner signs as the shop's domain, in requests to delete and in acknowledgements.
func (a *App) chainSigner(ctx context.Context) (*ddrf.Signer, error) {
	secret, err := a.Vault.Secret(ctx, "ddrf/signing", 32)
	if err != nil {
		return nil, fmt.Errorf("app: the key of acknowledgements: %w", err)
	}
	signer, err := ddrf.NewSigner(a.Config.DeletionDomain, secret)
	if err != nil {
		return nil, fmt.Errorf("configuration: deletion-domain: %w", err)
	}
	return signer, nil
}

// deletionPartners reads the files of the firms that take part in chains of deletion.
func (c *Config) deletionPartners() (ddrf.Partners, error) {
	if c.DeletionDomain == "" || c.DeletionPartners == "" {
		return ddrf.Partners{}, nil
	}
	p, err := ddrf.LoadPartners(os.DirFS(c.DeletionPartners))
	if err != nil {
		return nil, fmt.Errorf("configuration: deletion-partners: %w", err)
	}
	return p, nil
}

func (d *doors) agentPages() agentsweb.Deps {
	deps := agentsweb.Deps{Store: d.Agents, Business: d.Config.DRPBusiness, Base: d.Config.BaseURL() + drpweb.Base, Public: func(ctx context.Context) (string, error) {
		key, err := d.callKey(ctx)
		return key.Public(), err
	}}
	for _, action := range drp.Supported() {
		deps.Actions = append(deps.Actions, string(action))
	}
	return deps
}

// callsAtOnce bounds how many agents are told in one go; the others in the next.
const callsAtOnce = 200

// keptOfAgents is for how long what agents signed is kept after a request was closed, and
// what they were told.
const keptOfAgents = drp.Kept

// TellAgents queues what agents are to be told, and tells it.
func (a *App) TellAgents(ctx context.Context) error {
	now := a.Config.clock()()
	untold, err := a.Cases.Untold(ctx, callsAtOnce)
	if err != nil {
		return err
	}
	for _, c := range untold {
		if err := a.noteStatus(ctx, c, now); err != nil {
			return err
		}
	}
	due, err := a.Agents.Due(ctx, callsAtOnce)
	if err != nil {
		return err
	}
	var failed error
	for _, call := range due {
		failed = errors.Join(failed, a.call(ctx, call, now))
	}
	_, err = a.Cases.SweepSigned(ctx, now.Add(-keptOfAgents))
	_, sweepErr := a.Agents.SweepCalls(ctx, now.Add(-keptOfAgents))
	return errors.Join(failed, err, sweepErr)
}

// noteStatus queues that an agent is told of a status, unless it has been. An opt-out that
// may not be called done yet is looked at again.
func (a *App) noteStatus(ctx context.Context, c casesdb.AgentCase, now time.Time) error {
	if c.Proof == "" && !c.NeedsProof() && c.State.Final() && !drp.Settled(drp.View{Case: c.Case, Now: now}) {
		return nil
	}
	s := drpweb.StatusOf(c, a.casePage, now)
	status := string(s.State) + " " + string(s.Reason)
	return a.Core.Write(ctx, func(tx *sqldb.Tx) error {
		if err := a.Cases.ToldTx(ctx, tx, c, status); err != nil || status == c.Told {
			return err
		}
		return a.Agents.QueueTx(ctx, tx, c.Agent, c.ID, status)
	})
}

// call tells an agent the status of a request as it is now.
func (a *App) call(ctx context.Context, call agentsdb.Call, now time.Time) error {
	agent, err := a.Agents.Get(ctx, call.Agent)
	if err != nil {
		return err
	}
	c, err := a.Cases.OfAgent(ctx, call.Agent, call.Case)
	if errors.Is(err, thimble.ErrNotFound) || agent.Callback == "" || agent.State != "active" {
		return a.Agents.Overtake(ctx, call)
	}
	if err != nil {
		return err
	}
	s := drpweb.StatusOf(c, a.casePage, now)
	if string(s.State)+" "+string(s.Reason) != call.Status {
		return a.Agents.Overtake(ctx, call)
	}
	body, err := s.Marshal()
	if err != nil {
		return err
	}
	key, err := a.callKey(ctx)
	if err != nil {
		return err
	}
	out := a.calls.sender.Post(ctx, wire.Hook{URL: agent.Callback, Hosts: hostsOf(agent.Callback), Keys: []wire.SigningKey{key}},
		wire.Message{ID: call.ID, Disclosure: call.ID, Type: "application/json", Body: thimble.Hide(body)})
	return a.Agents.Done(ctx, call, out)
}

// callKey signs what agents are told, so that they can tell it from what others send them.
func (a *App) callKey(ctx context.Context) (wire.SigningKey, error) {
	seed, err := a.Vault.Secret(ctx, "agents/callbacks", 32)
	if err != nil {
		return wire.SigningKey{}, fmt.Errorf("app: the key of status callbacks: %w", err)
	}
	return wire.ParseSigningKey("whsk_" + base64.StdEncoding.EncodeToString(seed))
}
