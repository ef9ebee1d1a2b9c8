package staff

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"thimble"
)

// A Role names what somebody's work is. What a role may is in package rules.
type Role string

// The roles.
const (
	Support   Role = "support"   // helps customers who ask
	Stylist   Role = "stylist"   // advises customers in the shop
	Marketing Role = "marketing" // plans what is offered, and sees nobody
	Privacy   Role = "privacy"   // the data protection officer (GDPR Art. 37)
	Security  Role = "security"  // watches the log, the keys and the alarms
	Finance   Role = "finance"   // bills, refunds, taxes
	Warehouse Role = "warehouse" // packs what was ordered
	Designer  Role = "designer"  // products
	Partners  Role = "partners"  // agreements with recipients and suppliers
	Admin     Role = "admin"     // accounts and settings; sees nobody's data
)

// Roles returns all roles, in the order in which pages list them.
func Roles() []Role {
	return []Role{Admin, Privacy, Security, Support, Stylist, Marketing, Finance, Warehouse, Designer, Partners}
}

// A Status says whether an account can be used.
type Status string

// The states of an account.
const (
	Invited Status = "invited" // has a first link, and no password yet
	Active  Status = "active"
	Locked  Status = "locked" // by somebody who may, until they lift it
	Left    Status = "left"   // for good
)

// An Account is one member of staff.
type Account struct {
	ID     thimble.ID
	Name   string // a handle, which customers see
	Roles  []Role // in the order of [Roles]
	Status Status
	// TrainedUntil is until when the training in privacy and security counts: the zero
	// time means that there was none.
	TrainedUntil time.Time
	CreatedAt    time.Time
	SeenAt       time.Time // of the last sign-in; zero for none
	HasPassword  bool
	CodesLeft    int // recovery codes
}

// IDPrefix is the prefix of an account's id in text.
const IDPrefix = "stf"

// Usable reports whether the account may be used for anything.
func (a Account) Usable() bool { return a.Status == Invited || a.Status == Active }

// Has reports whether the account has a role.
func (a Account) Has(r Role) bool { return slices.Contains(a.Roles, r) }

// Trained reports whether the training counts at an instant.
func (a Account) Trained(at time.Time) bool { return at.Before(a.TrainedUntil) }

var nameForm = regexp.MustCompile(`^[a-z][a-z0-9._-]{1,31}$`)

// reserved are names that others have in the log, or that are pages.
var reserved = []string{"system", "thimble", "machine", "customer", "client", "api", "staff", "nobody", "anonymous", "root", "null", "undefined", "review", "role", "new"}

// CheckName says what is wrong with a name, by an error of kind thimble.ErrInvalid.
func CheckName(name string) error {
	switch {
	case !nameForm.MatchString(name):
		return fmt.Errorf("staff: name: 2 to 32 of a-z, 0-9, dot, dash and underline were expected, the first a letter: %w", thimble.ErrInvalid)
	case slices.Contains(reserved, name):
		return fmt.Errorf("staff: name: %q has a meaning of its own in the log; take another: %w", name, thimble.ErrInvalid)
	}
	return nil
}

// ParseRoles reads roles, in any order, and returns each once in the order of [Roles].
// The error is of kind thimble.ErrInvalid and names the roles there are.
func ParseRoles(names ...string) ([]Role, error) {
	for _, n := range names {
		if !slices.Contains(Roles(), Role(n)) {
			return nil, fmt.Errorf("staff: role: one of %s was expected: %w", strings.Join(RoleNames(Roles()), ", "), thimble.ErrInvalid)
		}
	}
	var roles []Role
	for _, r := range Roles() {
		if slices.Contains(names, string(r)) {
			roles = append(roles, r)
		}
	}
	return roles, nil
}

// RoleNames returns the names of roles.
func RoleNames(roles []Role) []string {
	names := make([]string, len(roles))
	for i, r := range roles {
		names[i] = string(r)
	}
	return names
}

type contextKey struct{}

// With returns a context that says whose account is at work.
func With(ctx context.Context, a Account) context.Context {
	return context.WithValue(ctx, contextKey{}, a)
}

// From returns whose account is at work; the zero Account is nobody's.
func From(ctx context.Context) Account {
	a, _ := ctx.Value(contextKey{}).(Account)
	return a
}
