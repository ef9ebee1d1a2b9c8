package app

import (
	"context"
	"fmt"

	"thimble"
	"thimble/internal/collect/intake"
	"thimble/internal/collect/intake/intakedb"
	"thimble/internal/consent/consentweb"
	"thimble/internal/subject"
	"thimble/internal/web"
)

// browsers are what the choices of browsers are recorded with in which nobody is signed in.
func (d *doors) browsers() consentweb.BrowserDeps {
	people := intakedb.New(d.Core, d.Subjects)
	return consentweb.BrowserDeps{
		Store: d.Consent, Receipts: d.Ledger, Source: d.browserSource, Log: d.Log, Now: d.Config.clock(),
		Limit: web.NewLimiter(consentweb.BrowserEvery, consentweb.BrowserBurst, nil),
		Said:  web.NewLimiter(consentweb.SaidEvery, consentweb.SaidBurst, nil),
		Answered: func(ctx context.Context, who thimble.SubjectID, p thimble.Purpose) (bool, error) {
			owned, err := people.Owned(ctx, who)
			if err != nil || !owned {
				return false, err
			}
			st, err := d.wholeConsent().Standing(ctx, who, p)
			return st.State != "", err
		},
		Find: func(ctx context.Context, anonymousID string) (who thimble.SubjectID, err error) {
			id, err := subject.NewIdentifier(subject.Device, anonymousID)
			if err != nil {
				return who, err
			}
			found, err := people.FindAll(ctx, []subject.Identifier{id})
			if err != nil {
				return who, err
			}
			return found[0], nil
		},
		Make: func(ctx context.Context, anonymousID string) (who thimble.SubjectID, err error) {
			id, err := subject.NewIdentifier(subject.Device, anonymousID)
			if err != nil {
				return who, err
			}
			made, err := people.Make(ctx, []subject.Identifier{id})
			if err != nil {
				return who, err
			}
			return made[0].Who, nil
		},
	}
}

// browserSource returns nil when a key is that of browsers, asks for consent, and names
// the origin. A caller without one is no browser (Fetch, 3.2: each POST carries it). The
// same error stands for all that is wrong, so that nobody can try keys.
func (d *doors) browserSource(ctx context.Context, writeKey, origin string) error {
	s, err := d.Sources.Open(ctx, writeKey)
	if err != nil {
		return err
	}
	if s.Kind != intake.Browser || !s.Consents || !s.Allows(origin) {
		return fmt.Errorf("consent: the key says no choices for pages of this origin: %w", thimble.ErrDenied)
	}
	return nil
}
