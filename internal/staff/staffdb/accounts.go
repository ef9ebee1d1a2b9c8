package staffdb

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"time"

	"thimble"
	"thimble/internal/session"
	"thimble/internal/sqldb"
	"thimble/internal/staff"
)

// Add makes an account. Its owner comes in by a one-time link first. A name that anybody
// has or had is an error of kind thimble.ErrConflict.
func (s *Store) Add(ctx context.Context, name string, roles []staff.Role, by string) (a staff.Account, err error) {
	if err := staff.CheckName(name); err != nil {
		return a, err
	}
	id, err := thimble.NewID(nil)
	if err != nil {
		return a, err
	}
	a = staff.Account{ID: id, Name: name, Roles: roles, Status: staff.Invited, CreatedAt: s.cfg.Now().UTC().Truncate(time.Microsecond)}
	err = s.db.Write(ctx, func(tx *sqldb.Tx) error {
		encoded, err := encode(roles)
		if err != nil {
			return err
		}
		n, err := tx.Exec(ctx, `insert into staff_accounts (id, name, roles, status, trained_until, created_at, seen_at, password, code_step)
			values ($1, $2, $3, $4, 0, $5, 0, '', 0) on conflict (name) do nothing`, id, name, encoded, string(a.Status), a.CreatedAt.UnixMicro())
		if err == nil && n == 0 {
			err = fmt.Errorf("somebody has, or had, the name %q, and names are not given again: %w", name, thimble.ErrConflict)
		}
		if err != nil {
			return err
		}
		return s.note(ctx, tx, a, staff.Change{What: staff.Added, Roles: roles, By: by})
	})
	if err != nil {
		return a, fmt.Errorf("staff: adding an account: %w", err)
	}
	return a, nil
}

func encode(roles []staff.Role) (string, error) {
	if roles == nil {
		roles = []staff.Role{}
	}
	b, err := json.Marshal(roles)
	return string(b), err
}

// change does something to an account that has not left, and notes it. What f returns is
// noted.
func (s *Store) change(ctx context.Context, name string, f func(*sqldb.Tx, staff.Account) (staff.Change, error)) error {
	err := s.db.Write(ctx, func(tx *sqldb.Tx) error {
		a, err := account(ctx, tx, name)
		if err == nil && a.Status == staff.Left {
			err = fmt.Errorf("%q has left: %w", name, thimble.ErrConflict)
		}
		if err != nil {
			return err
		}
		c, err := f(tx, a)
		if err != nil {
			return err
		}
		return s.note(ctx, tx, a, c)
	})
	if err != nil {
		return fmt.Errorf("staff: changing an account: %w", err)
	}
	return nil
}

// SetRoles gives an account these roles and no other, and signs it out everywhere: a
// session from before was another role's.
func (s *Store) SetRoles(ctx context.Context, name string, roles []staff.Role, by, note string) error {
	return s.change(ctx, name, func(tx *sqldb.Tx, a staff.Account) (staff.Change, error) {
		c := staff.Change{What: staff.RolesChanged, Roles: roles, By: by, Note: note}
		encoded, err := encode(roles)
		if err != nil {
			return c, err
		}
		if _, err := tx.Exec(ctx, `update staff_accounts set roles = $1 where id = $2`, encoded, a.ID); err != nil {
			return c, err
		}
		return c, s.signOut(ctx, tx, name)
	})
}

// LetIn notes that somebody makes a one-time link for an account that has no password.
func (s *Store) LetIn(ctx context.Context, name, by string) error {
	return s.change(ctx, name, func(_ *sqldb.Tx, a staff.Account) (c staff.Change, err error) {
		switch {
		case a.HasPassword:
			err = fmt.Errorf("%q has a password and comes in with it; `thimble staff reset %s` takes it away: %w", name, name, thimble.ErrConflict)
		case !a.Usable():
			err = fmt.Errorf("the account %q is %s: %w", name, a.Status, thimble.ErrConflict)
		}
		return staff.Change{What: staff.LetIn, By: by}, err
	})
}

// SetTraining says until when the training of an account counts; the zero time takes it
// away. Without training nobody's data is opened, so whoever added the account, or made
// a link for who is in it or reset it, does not set it: an account made for oneself would have been
// trained by nobody. The error is of kind thimble.ErrDenied.
func (s *Store) SetTraining(ctx context.Context, name string, until time.Time, by, note string) error {
	return s.change(ctx, name, func(tx *sqldb.Tx, a staff.Account) (staff.Change, error) {
		if err := s.twoOf(ctx, tx, a, until, by); err != nil {
			return staff.Change{}, err
		}
		_, err := tx.Exec(ctx, `update staff_accounts set trained_until = $1 where id = $2`, micro(until), a.ID)
		return staff.Change{What: staff.TrainingSet, Until: until, By: by, Note: note}, err
	})
}

// twoOf refuses training by whoever had a part in letting in who has the account now.
func (s *Store) twoOf(ctx context.Context, tx *sqldb.Tx, a staff.Account, until time.Time, by string) error {
	if by == staff.CommandLine || until.IsZero() {
		return nil
	}
	past, err := changes(ctx, tx, a.ID, math.MaxInt32)
	if err != nil {
		return err
	}
	setUps := 0
	for _, c := range past {
		if c.What == staff.SetUp {
			if setUps++; setUps == 2 { // what came before let in somebody before
				return nil
			}
		}
		if c.What != staff.Added && c.What != staff.LetIn && c.What != staff.Reset {
			continue
		}
		if c.By == by {
			return fmt.Errorf("staff: training: until: %q let them in; somebody else says that they are trained: %w", by, thimble.ErrDenied)
		}
	}
	return nil
}

func micro(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

// Lock signs an account out and lets nobody in by it, until it is unlocked.
func (s *Store) Lock(ctx context.Context, name string, on bool, by, note string) error {
	return s.change(ctx, name, func(tx *sqldb.Tx, a staff.Account) (staff.Change, error) {
		c, status := staff.Change{What: staff.LockedUp, By: by, Note: note}, staff.Locked
		if !on {
			c.What, status = staff.Unlocked, staff.Active
			if !a.HasPassword {
				status = staff.Invited
			}
		}
		if _, err := tx.Exec(ctx, `update staff_accounts set status = $1 where id = $2`, string(status), a.ID); err != nil {
			return c, err
		}
		return c, s.signOut(ctx, tx, name)
	})
}

// Reset takes password and second factor away, and signs out everywhere. The owner comes
// in by a one-time link again. A lock is lifted first, by a change of its own. The training
// ends too, unless it is done from the machine itself: who resets an account could use the
// link, so somebody else has to say again that whoever came in is trained.
func (s *Store) Reset(ctx context.Context, name, by, note string) error {
	return s.change(ctx, name, func(tx *sqldb.Tx, a staff.Account) (staff.Change, error) {
		c := staff.Change{What: staff.Reset, By: by, Note: note}
		if a.Status == staff.Locked {
			return c, fmt.Errorf("%q is locked; unlock it first: %w", name, thimble.ErrConflict)
		}
		if by != staff.CommandLine {
			if _, err := tx.Exec(ctx, `update staff_accounts set trained_until = 0 where id = $1`, a.ID); err != nil {
				return c, err
			}
		}
		return c, errors.Join(s.forget(ctx, tx, a, staff.Invited), s.signOut(ctx, tx, name))
	})
}

// Leave ends an account for good: what proved who it was is destroyed, the name stays, so
// that the log says who it was and nobody gets it again.
func (s *Store) Leave(ctx context.Context, name, by, note string) error {
	return s.change(ctx, name, func(tx *sqldb.Tx, a staff.Account) (staff.Change, error) {
		c := staff.Change{What: staff.HasLeft, By: by, Note: note}
		if _, err := tx.Exec(ctx, `update staff_accounts set roles = '[]', trained_until = 0 where id = $1`, a.ID); err != nil {
			return c, err
		}
		return c, errors.Join(s.forget(ctx, tx, a, staff.Left), s.signOut(ctx, tx, name))
	})
}

func (s *Store) forget(ctx context.Context, tx *sqldb.Tx, a staff.Account, status staff.Status) error {
	for _, table := range []string{"staff_recovery", "staff_browsers"} {
		if _, err := tx.Exec(ctx, `delete from `+table+` where account_id = $1`, a.ID); err != nil {
			return err
		}
	}
	_, err := tx.Exec(ctx, `update staff_accounts set password = '', secret = null, status = $1 where id = $2`, string(status), a.ID)
	return err
}

func (s *Store) signOut(ctx context.Context, tx *sqldb.Tx, name string) error {
	return s.sessions.RevokeTx(ctx, tx, session.Who{Audience: session.Staff, Staff: name})
}
