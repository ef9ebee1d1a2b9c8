package app

import (
	"context"

	"thimble/internal/collect/intake"
	"thimble/internal/collect/intake/intakedb"
	"thimble/internal/collect/plan"
)

// shippedPlan is the tracking plan that ships.
type shippedPlan struct{ compiled *plan.Compiled }

// Compiled implements intake.Plans.
func (p shippedPlan) Compiled() *plan.Compiled { return p.compiled }

// openIntake puts together what takes events.
func (a *App) openIntake(ctx context.Context) error {
	// The secret is as old as the log: under another one everything would be new.
	secret, err := a.Vault.Secret(ctx, "intake-repeats", 32)
	if err != nil {
		return err
	}
	compiled, err := plan.Compile(plan.Default())
	if err != nil {
		return err
	}
	a.Intake, err = intake.New(intake.Deps{
		Plans: shippedPlan{compiled}, Gate: a.Gate, Vault: a.Vault, Log: a.Frames, Secret: secret, Now: a.Config.clock(),
		People: intakedb.New(a.Core, a.Subjects), Consents: intakedb.NewConsents(a.wholeConsent()),
	})
	return err
}
