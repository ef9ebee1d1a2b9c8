package app

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"slices"
	"time"

	"thimble"
	"thimble/internal/rights/cases"
	"thimble/internal/rights/certificate"
	"thimble/internal/rights/ddrfweb"
	"thimble/internal/rights/opendsr"
	"thimble/internal/rights/opendsrdb"
	"thimble/internal/rights/opendsrweb"
	"thimble/internal/rights/portability"
	"thimble/internal/rights/rightsweb"
	"thimble/internal/rights/systems"
	"thimble/internal/rights/systemsdb"
)

// openSystems opens what keeps the systems outside that hold data about customers, and its
// own way out: its meter asks for the leaf of a case, and not of a disclosure.
func (a *App) openSystems(now func() time.Time) error {
	a.Systems = systemsdb.New(a.Core, systemsdb.Parts{Ledger: a.Ledger, Vault: a.Vault, People: a.Subjects, Pseudonyms: a.Disclose},
		systemsdb.Config{Now: now, Log: a.Log, Base: a.Config.BaseURL()})
	sender, err := a.wayOut(a.Systems)
	if err != nil {
		return err
	}
	roots, err := a.Config.openDSRRoots()
	if err != nil {
		return err
	}
	a.speaker = opendsrweb.NewController(sender, a.Config.BaseURL(), roots, now)
	speakers := map[systems.Means]systemsdb.Speaker{systems.Processor: a.speaker}
	if a.partners, err = a.Config.deletionPartners(); err != nil {
		return err
	}
	if a.Config.DeletionDomain != "" {
		speakers[systems.Framework] = ddrfweb.NewFirst(sender, a.partners, a.chainSigner, now)
	}
	a.Systems.Use(sender, speakers)
	return nil
}

// openOpenDSR opens what those ask whom the shop works for.
func (a *App) openOpenDSR(now func() time.Time) (err error) {
	if a.signer, err = a.Config.openDSRSigner(); err != nil {
		return err
	}
	a.OpenDSR = opendsrdb.New(a.Core, a.Cases, a.Subjects, a.Systems, opendsrdb.Config{Now: now, Log: a.Log, Signer: a.signer, Base: a.Config.BaseURL(), Copy: a.copyOf, Waits: a.Cases.Waits})
	sender, err := a.wayOut(a.OpenDSR)
	if err != nil {
		return err
	}
	a.OpenDSR.Use(sender)
	return nil
}

// copyOf makes a recorded access request, as a controller asked for it.
func (a *App) copyOf(ctx context.Context, who thimble.SubjectID) (ref string, count int, err error) {
	archive, err := a.Desk.Access(ctx, who)
	return archive.Report.Request, len(archive.Data), err
}

// writeCopy writes what a controller fetches. Who added an e-mail address meanwhile waits, as
// on the person's own pages.
func (a *App) writeCopy(ctx context.Context, w io.Writer, who thimble.SubjectID) error {
	if err := a.Cases.Waits(ctx, who); err != nil {
		return fmt.Errorf("app: a copy is not given now: %w: %w", thimble.ErrUnavailable, err)
	}
	archive, err := a.Desk.Access(ctx, who)
	if err != nil {
		return err
	}
	return portability.Write(w, rightsweb.Parcel(archive))
}

// openDSRRoots reads the authorities of processors' certificates; nil for the machine's.
func (c *Config) openDSRRoots() (*x509.CertPool, error) {
	if c.OpenDSRRoots == "" {
		return nil, nil
	}
	text, err := os.ReadFile(c.OpenDSRRoots)
	pool := x509.NewCertPool()
	if err == nil && !pool.AppendCertsFromPEM(text) {
		err = errors.New("certificates in PEM were expected")
	}
	if err != nil {
		return nil, fmt.Errorf("configuration: opendsr-roots (from %s): %w: %w", c.sources["opendsr-roots"], err, thimble.ErrInvalid)
	}
	return pool, nil
}

// openDSRSigner reads the certificate by which answers of OpenDSR are signed; nil without.
func (c *Config) openDSRSigner() (*opendsr.Signer, error) {
	if c.OpenDSRCert == "" && c.OpenDSRKey == "" {
		return nil, nil
	}
	wrong := func(err error) error {
		return fmt.Errorf("configuration: opendsr-cert (from %s): %w: %w", c.sources["opendsr-cert"], err, thimble.ErrInvalid)
	}
	to, err := url.Parse(c.BaseURL())
	if err != nil {
		return nil, wrong(err)
	}
	cert, err := os.ReadFile(c.OpenDSRCert)
	if err != nil {
		return nil, wrong(err)
	}
	key, err := os.ReadFile(c.OpenDSRKey)
	if err != nil {
		return nil, wrong(err)
	}
	s, err := opendsr.NewSigner(to.Hostname(), cert, key)
	if err != nil {
		return nil, wrong(err)
	}
	return s, nil
}

// systems are those outside that an erasure was passed on to, with what they answered.
func (s surroundings) systems(ctx context.Context, request thimble.ID) (all []certificate.Recipient, err error) {
	tasks, err := s.app.Systems.Caused(ctx, request)
	if err != nil || len(tasks) == 0 {
		return nil, err
	}
	names, err := s.app.Systems.SystemNames(ctx)
	for _, t := range tasks {
		all = append(all, asked(certificate.Plain(names[t.System]), t))
	}
	return all, err
}

// asked says where a task stands.
func asked(name string, t systems.Task) certificate.Recipient {
	r := certificate.Recipient{Name: name, Notice: t.ID.Token(systems.TaskPrefix), State: certificate.Told, At: t.At, Proof: certificate.Plain(t.Proof)}
	switch t.State {
	case systems.ToTell:
		if t.Why == string(systems.NoIdentifier) {
			r.Why = t.Why
		}
	case systems.Told:
		r.State, r.At = certificate.Delivered, t.Told
	case systems.Acknowledged:
		r.State, r.At = certificate.Promised, t.Acked
		if t.Means == systems.Framework { // it confirms that it has the request, and says no more
			r.State = certificate.Acknowledged
		}
	case systems.Overdue:
		r.State, r.At = certificate.Overdue, t.Due
	case systems.Done:
		r.State, r.At = certificate.Erased, t.Ended
	case systems.ByHand:
		r.State, r.At = certificate.DoneByHand, t.Ended
	case systems.Refused:
		r.State, r.At, r.Why = certificate.Refused, t.Ended, t.Why
	case systems.Vanished, systems.CalledOff:
		r.State, r.Why = certificate.Unreachable, t.Why
	}
	return r
}

// apart are the systems that hold data and take no part in erasures, by name.
func (s surroundings) apart(ctx context.Context) (all []string, err error) {
	stated, err := s.app.Systems.Systems(ctx)
	for _, y := range stated {
		if !y.Ended && !slices.Contains(y.Kinds, cases.Erase) {
			all = append(all, "what the system "+certificate.Plain(y.Name)+" holds, which the shop has stated to take no part in erasures")
		}
	}
	return all, err
}
