package app

import (
	"context"
	"fmt"
	"os"

	"thimble"
	"thimble/internal/collect/geo"
	"thimble/internal/collect/intake"
	"thimble/internal/collect/intake/intakedb"
	"thimble/internal/subject/subjectdb"
)

// openIntake puts together what takes events.
func (a *App) openIntake(ctx context.Context) error {
	// The secret is as old as the log: under another one everything would be new.
	secret, err := a.Vault.Secret(ctx, "intake-repeats", 32)
	if err != nil {
		return err
	}
	where, err := countries(a.Config)
	if err != nil {
		return err
	}
	a.events = &events{Store: a.Frames}
	people := intakedb.New(a.Core, a.Subjects)
	a.Presence = subjectdb.NewPresence(a.Subjects, a.Config.clock(), a.newestLeaf, a.Log)
	a.Intake, err = intake.New(intake.Deps{
		Plans: a.Plan, Gate: a.Gate, Vault: a.Vault, Log: a.events, Secret: secret, Now: a.Config.clock(),
		People: people, Consents: intakedb.NewConsents(a.wholeConsent(), people), Countries: where, Teller: a.Watch, NotKept: a.notKept(), Here: a.Presence.Here,
	})
	return err
}

// countries reads the operator's table of addresses, nil without one.
func countries(cfg Config) (*geo.Table, error) {
	if cfg.Countries == "" {
		return nil, nil
	}
	wrong := func(err error) error {
		return fmt.Errorf("configuration: countries (from %s): %w: %w", cfg.sources["countries"], err, thimble.ErrInvalid)
	}
	f, err := os.Open(cfg.Countries)
	if err != nil {
		return nil, wrong(err)
	}
	defer f.Close()
	t, err := geo.Read(f)
	if err != nil {
		return nil, wrong(err)
	}
	return t, nil
}
