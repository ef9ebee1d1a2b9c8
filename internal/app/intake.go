package app

import (
	"context"

	"thimble/internal/collect/intake"
	"thimble/internal/collect/intake/intakedb"
)

// openIntake puts together what takes events.
func (a *App) openIntake(ctx context.Context) error {
	// The secret is as old as the log: under another one everything would be new.
	secret, err := a.Vault.Secret(ctx, "intake-repeats", 32)
	if err != nil {
		return err
	}
	a.Intake, err = intake.New(intake.Deps{
		Plans: a.Plan, Gate: a.Gate, Vault: a.Vault, Log: a.Frames, Secret: secret, Now: a.Config.clock(),
		People: intakedb.New(a.Core, a.Subjects), Consents: intakedb.NewConsents(a.wholeConsent()), Teller: a.Watch,
	})
	return err
}
