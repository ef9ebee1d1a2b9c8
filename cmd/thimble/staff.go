package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"thimble/internal/app"
	"thimble/internal/session"
	"thimble/internal/staff"
)

func staffFlags(f *flag.FlagSet) {
	f.String("roles", "", "roles of the account, with commas: "+strings.Join(staff.RoleNames(staff.Roles()), ", "))
	f.String("until", "", "the day until which a training counts, such as 2027-05-31")
	f.String("note", "", "why, for the record")
}

// staffCommand looks after the accounts of staff, for whoever may use the data folder.
func staffCommand(ctx context.Context, c *call) error {
	words := c.flags.Args()
	if len(words) == 0 || (words[0] == "list") != (len(words) == 1) || len(words) > 2 {
		return errWords
	}
	name := words[len(words)-1]
	do, ok := map[string]func(context.Context, *call, *app.App, string) error{
		"list": listStaff, "add": addStaff, "roles": setRoles, "trained": setTraining, "lock": lockStaff, "unlock": lockStaff, "reset": resetStaff, "leave": leaveStaff,
	}[words[0]]
	if !ok {
		return errWords
	}
	a, err := c.open(ctx)
	if err != nil {
		return err
	}
	return errors.Join(do(ctx, c, a, name), a.Close())
}

func (c *call) roles() ([]staff.Role, error) {
	names := strings.FieldsFunc(c.flag("roles"), func(r rune) bool { return r == ',' || r == ' ' })
	if len(names) == 0 {
		return nil, invalid("--roles: at least one of %s was expected", strings.Join(staff.RoleNames(staff.Roles()), ", "))
	}
	return staff.ParseRoles(names...)
}

func listStaff(ctx context.Context, c *call, a *app.App, _ string) error {
	all, err := a.Staff.Accounts(ctx)
	if err != nil {
		return err
	}
	tab := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tab, "NAME\tROLES\tSTATE\tTRAINED UNTIL\tLAST SIGN-IN")
	for _, s := range all {
		fmt.Fprintf(tab, "%s\t%s\t%s\t%s\t%s\n", s.Name, strings.Join(staff.RoleNames(s.Roles), " "), s.Status, day(s.TrainedUntil, "not trained"), day(s.SeenAt, "never"))
	}
	return tab.Flush()
}

func day(t time.Time, none string) string {
	if t.IsZero() {
		return none
	}
	return t.UTC().Format(time.DateOnly)
}

func addStaff(ctx context.Context, c *call, a *app.App, name string) error {
	roles, err := c.roles()
	if err == nil {
		_, err = a.Staff.Add(ctx, name, roles, staff.CommandLine)
	}
	if err != nil {
		return err
	}
	return printLink(ctx, c, a, name)
}

func printLink(ctx context.Context, c *call, a *app.App, name string) error {
	token, err := a.StaffLink(ctx, name)
	if err != nil {
		return err
	}
	fmt.Fprintf(c.out, "%s/console/link/%s\nIt works once, within %d minutes.\n", a.Config.BaseURL(), token, int(session.LinkLives.Minutes()))
	return nil
}

func setRoles(ctx context.Context, c *call, a *app.App, name string) error {
	roles, err := c.roles()
	if err != nil {
		return err
	}
	return c.said(a.Staff.SetRoles(ctx, name, roles, staff.CommandLine, c.flag("note")), "%s is %s now, and is signed out everywhere.\n", name, strings.Join(staff.RoleNames(roles), ", "))
}

func setTraining(ctx context.Context, c *call, a *app.App, name string) error {
	until, err := time.Parse(time.DateOnly, c.flag("until"))
	if err != nil {
		return invalid("--until: a day such as 2027-05-31 was expected")
	}
	return c.said(a.Staff.SetTraining(ctx, name, until, staff.CommandLine, c.flag("note")), "The training of %s counts until %s.\n", name, until.Format(time.DateOnly))
}

func lockStaff(ctx context.Context, c *call, a *app.App, name string) error {
	on := c.flags.Arg(0) == "lock"
	return c.said(a.Staff.Lock(ctx, name, on, staff.CommandLine, c.flag("note")), "%s is %sed.\n", name, c.flags.Arg(0))
}

func resetStaff(ctx context.Context, c *call, a *app.App, name string) error {
	if err := a.Staff.Reset(ctx, name, staff.CommandLine, c.flag("note")); err != nil {
		return err
	}
	return printLink(ctx, c, a, name)
}

func leaveStaff(ctx context.Context, c *call, a *app.App, name string) error {
	return c.said(a.Staff.Leave(ctx, name, staff.CommandLine, c.flag("note")), "%s has left. The name stays, and is not given again.\n", name)
}

// said prints what was done, unless it failed.
func (c *call) said(err error, format string, args ...any) error {
	if err == nil {
		fmt.Fprintf(c.out, format, args...)
	}
	return err
}
