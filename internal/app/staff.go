package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"thimble"
	"thimble/internal/gate"
	"thimble/internal/session"
	"thimble/internal/staff"
	"thimble/internal/staff/rules"
	"thimble/internal/web"
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
	_, err = a.Staff.Account(ctx, name)
	if errors.Is(err, thimble.ErrNotFound) && name == Owner {
		_, err = a.Staff.Add(ctx, name, OwnerRoles(), staff.CommandLine)
		if err == nil && a.Config.Demo {
			err = a.Staff.SetTraining(ctx, name, a.Config.clock()().AddDate(1, 0, 0).UTC().Truncate(24*time.Hour), staff.CommandLine, "this is a demo")
		}
	}
	switch {
	case errors.Is(err, thimble.ErrNotFound):
		return "", fmt.Errorf("there is no account %q; make it with `thimble staff add %s --roles ROLES`: %w", name, name, thimble.ErrInvalid)
	case err != nil:
		return "", err
	}
	return a.invite(ctx, name, staff.CommandLine)
}

// invite makes a one-time link for an account that is there and has no password yet. Who
// made it is in the ledger before there is one.
func (a *App) invite(ctx context.Context, name, by string) (token string, err error) {
	if err := a.Staff.LetIn(ctx, name, by); err != nil {
		return "", err
	}
	return a.Sessions.Link(ctx, session.Who{Audience: session.Staff, Staff: name})
}

// staffRules answers the gate by the rules, the accounts, the broken glass and the use log.
type staffRules struct{ app *App }

// For implements gate.StaffRules.
func (s staffRules) For(ctx context.Context, name string, who thimble.SubjectID) (gate.StaffJudge, error) {
	now := s.app.Config.clock()()
	a, err := s.app.Staff.Account(ctx, name)
	if errors.Is(err, thimble.ErrNotFound) {
		return refusal("there is no such account of staff"), nil
	}
	if err != nil {
		return nil, err
	}
	if !a.Usable() {
		return refusal("the account is " + string(a.Status)), nil
	}
	j := staffJudge{set: s.app.Rules, ask: rules.Request{Account: name, Roles: a.Roles, Trained: a.Trained(now), Fresh: session.Fresh(web.VisitorFrom(ctx).Raised, now)}}
	live, overdue, err := s.app.Glass.State(ctx, name, who)
	if err != nil {
		return nil, err
	}
	if overdue {
		return refusal("the glass was broken by you and nobody has looked at it in time: until then you see nobody's data"), nil
	}
	j.glass = live
	j.ask.People, err = s.app.Uses.People(ctx, gate.Staff, name, now.Add(-time.Hour))
	return j, err
}

// A refusal is a judge who says no, and why.
type refusal string

// MayRead implements gate.StaffJudge.
func (r refusal) MayRead(thimble.Purpose, thimble.Category, bool) gate.StaffAnswer {
	return gate.StaffAnswer{Why: string(r)}
}

type staffJudge struct {
	set   *rules.Set
	ask   rules.Request
	glass bool
}

// MayRead implements gate.StaffJudge. Broken glass is asked about only where the role alone
// does not permit it, so that what is recorded says what was needed.
func (j staffJudge) MayRead(p thimble.Purpose, c thimble.Category, masked bool) gate.StaffAnswer {
	r := j.ask
	r.Action, r.Purpose, r.Category = rules.Read, p, c
	if masked {
		r.Action = rules.ReadMasked
	}
	a := j.set.Decide(r)
	if !a.Allowed && j.glass {
		r.Glass = true
		a = j.set.Decide(r)
	}
	return gate.StaffAnswer{Allowed: a.Allowed, Why: a.Why, Roles: staff.RoleNames(r.Roles), Rules: a.Policies, Glass: r.Glass && a.Allowed}
}

// openRules reads the rules that ship, and those of a folder of one's own beside them.
func openRules(folder string) (*rules.Set, error) {
	if folder == "" {
		return rules.Shipped()
	}
	if _, err := os.Stat(folder); err != nil {
		return nil, fmt.Errorf("configuration: staff-policies: %w: %w", cause(err), thimble.ErrInvalid)
	}
	set, err := rules.Load(rules.ShippedFolder(), os.DirFS(folder))
	if err != nil {
		return nil, fmt.Errorf("configuration: staff-policies: %w", err)
	}
	return set, nil
}
