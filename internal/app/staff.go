package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	"thimble"
	"thimble/internal/session"
	"thimble/internal/staff"
)

// Owner is the name of the account that the first sign-in makes.
const Owner = "owner"

// OwnerRoles are what whoever sets an installation up begins with: enough to make the
// other accounts, and to see that people's rights are kept meanwhile.
func OwnerRoles() []staff.Role {
	return []staff.Role{staff.Admin, staff.Privacy, staff.Security, staff.Support}
}

// StaffLink makes a one-time link for an account that has no password yet, on behalf of
// whoever may run commands on the data folder. The account of the owner is made if there
// is none; in the demo its training counts for a year.
func (a *App) StaffLink(ctx context.Context, name string) (token string, err error) {
	who, err := a.Staff.Account(ctx, name)
	if errors.Is(err, thimble.ErrNotFound) && name == Owner {
		who, err = a.Staff.Add(ctx, name, OwnerRoles(), staff.CommandLine)
		if err == nil && a.Config.Demo {
			err = a.Staff.SetTraining(ctx, name, a.Config.clock()().AddDate(1, 0, 0).UTC().Truncate(24*time.Hour), staff.CommandLine, "this is a demo")
		}
	}
	switch {
	case errors.Is(err, thimble.ErrNotFound):
		return "", fmt.Errorf("there is no account %q; make it with `thimble staff add %s --role ROLE`: %w", name, name, thimble.ErrInvalid)
	case err != nil:
		return "", err
	case who.HasPassword:
		return "", fmt.Errorf("%q has a password and comes in with it; `thimble staff reset %s` takes it away: %w", name, name, thimble.ErrConflict)
	case !who.Usable():
		return "", fmt.Errorf("the account %q is %s: %w", name, who.Status, thimble.ErrConflict)
	}
	return a.Sessions.Link(ctx, session.Who{Audience: session.Staff, Staff: name})
}
