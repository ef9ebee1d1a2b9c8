package staffdb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"thimble"
	"thimble/internal/sqldb"
	"thimble/internal/staff"
)

func secretCell(id thimble.ID) thimble.Cell {
	return thimble.Cell{Table: "staff_accounts", Column: "secret", Row: id[:], Category: thimble.Credentials}
}

// A Setup is the first password and second factor of an account.
type Setup struct {
	Password thimble.Personal[string]
	Secret   thimble.Personal[string]
	Code     string // of the secret, now: it proves that an app has it
}

// Check says what is wrong with a set-up before anything is used up for it.
func (s *Store) Check(name string, u Setup) error {
	if err := staff.CheckPassword(u.Password, name); err != nil {
		return err
	}
	if err := staff.CheckSecret(u.Secret); err != nil {
		return err
	}
	if _, right := staff.CodeStep(u.Secret, u.Code, s.cfg.Now()); !right {
		return fmt.Errorf("staff: code: it is not of this secret and of now; look at the clock of the telephone: %w", thimble.ErrInvalid)
	}
	return nil
}

// SetUp sets the first password and second factor of an account that has none, and returns
// its recovery codes, which are shown once. An account that has a password is an error of
// kind thimble.ErrConflict.
func (s *Store) SetUp(ctx context.Context, name string, u Setup) ([]thimble.Personal[string], error) {
	if err := s.Check(name, u); err != nil {
		return nil, err
	}
	hash, err := staff.HashPassword(u.Password, s.cfg.Cost, nil)
	if err != nil {
		return nil, err
	}
	var codes []thimble.Personal[string]
	err = s.change(ctx, name, func(tx *sqldb.Tx, a staff.Account) (staff.Change, error) {
		c := staff.Change{What: staff.SetUp, By: name}
		if a.HasPassword || a.Status != staff.Invited {
			return c, fmt.Errorf("the account has a password: %w", thimble.ErrConflict)
		}
		if err := s.setFactor(ctx, tx, a, u); err != nil {
			return c, err
		}
		if _, err := tx.Exec(ctx, `update staff_accounts set password = $1, status = 'active' where id = $2`, hash, a.ID); err != nil {
			return c, err
		}
		codes, err = s.renewCodes(ctx, tx, a)
		return c, err
	})
	return codes, err
}

func (s *Store) setFactor(ctx context.Context, tx *sqldb.Tx, a staff.Account, u Setup) error {
	// Revealed to be sealed.
	sealed, err := s.vault.Seal(ctx, secretCell(a.ID), []byte(u.Secret.Reveal()))
	if err != nil {
		return err
	}
	// The code that proved the secret is used up by it.
	step, _ := staff.CodeStep(u.Secret, u.Code, s.cfg.Now())
	_, err = tx.Exec(ctx, `update staff_accounts set secret = $1, code_step = $2 where id = $3`, sealed, step, a.ID)
	return err
}

func (s *Store) renewCodes(ctx context.Context, tx *sqldb.Tx, a staff.Account) ([]thimble.Personal[string], error) {
	codes, err := staff.NewRecoveryCodes(nil)
	if err != nil {
		return nil, err
	}
	if _, err := tx.Exec(ctx, `delete from staff_recovery where account_id = $1`, a.ID); err != nil {
		return nil, err
	}
	for _, c := range codes {
		// Revealed to be hashed; its owner is shown it once.
		if _, err := tx.Exec(ctx, `insert into staff_recovery (hash, account_id) values ($1, $2)`, staff.RecoveryHash(a.ID, c.Reveal()), a.ID); err != nil {
			return nil, err
		}
	}
	return codes, nil
}

// NewPassword replaces a password. The caller has seen a fresh proof; every session of the
// account ends, and the caller begins a new one.
func (s *Store) NewPassword(ctx context.Context, name string, password thimble.Personal[string]) error {
	if err := staff.CheckPassword(password, name); err != nil {
		return err
	}
	hash, err := staff.HashPassword(password, s.cfg.Cost, nil)
	if err != nil {
		return err
	}
	return s.change(ctx, name, func(tx *sqldb.Tx, a staff.Account) (staff.Change, error) {
		c := staff.Change{What: staff.NewPassword, By: name}
		if !a.HasPassword {
			return c, fmt.Errorf("the account has no password yet: %w", thimble.ErrConflict)
		}
		if _, err := tx.Exec(ctx, `update staff_accounts set password = $1 where id = $2`, hash, a.ID); err != nil {
			return c, err
		}
		if _, err := tx.Exec(ctx, `delete from staff_browsers where account_id = $1`, a.ID); err != nil {
			return c, err
		}
		return c, s.signOut(ctx, tx, name)
	})
}

// NewFactor replaces the second factor and the recovery codes, which it returns.
func (s *Store) NewFactor(ctx context.Context, name string, u Setup) (codes []thimble.Personal[string], err error) {
	if _, right := staff.CodeStep(u.Secret, u.Code, s.cfg.Now()); staff.CheckSecret(u.Secret) != nil || !right {
		return nil, fmt.Errorf("staff: code: it is not of this secret and of now: %w", thimble.ErrInvalid)
	}
	err = s.change(ctx, name, func(tx *sqldb.Tx, a staff.Account) (staff.Change, error) {
		c := staff.Change{What: staff.NewFactor, By: name}
		if err := s.setFactor(ctx, tx, a, u); err != nil {
			return c, err
		}
		codes, err = s.renewCodes(ctx, tx, a)
		return c, err
	})
	return codes, err
}

var errSignIn = fmt.Errorf("staff: name, password or code is wrong: %w", thimble.ErrDenied)

// SignIn checks a name, a password, and a code of the second factor or a recovery code,
// which it uses up. Whatever is wrong is one error of kind thimble.ErrDenied, after the same
// work: a hash of a password and a code are computed for a name that nobody has too.
func (s *Store) SignIn(ctx context.Context, name string, password thimble.Personal[string], code string) (staff.Account, error) {
	var a staff.Account
	var phc string
	var sealed []byte
	err := error(sql.ErrNoRows) // a name that nobody can have is looked for in no database
	if staff.CheckName(name) == nil {
		err = s.db.Read(ctx, func(tx *sqldb.Tx) (err error) {
			a, err = scan(tx.QueryRow(ctx, `select `+columns+`, a.password, a.secret from staff_accounts a where a.name = $1`, name), &phc, &sealed)
			return err
		})
	}
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return staff.Account{}, fmt.Errorf("staff: signing in: %w", err)
	}
	known := err == nil && a.Status == staff.Active && phc != ""
	if !known {
		phc = s.dummy
	}
	right, again := staff.VerifyPassword(phc, password, s.cfg.Cost)
	secret, err := s.secret(ctx, a.ID, sealed, known)
	if err != nil {
		return staff.Account{}, err
	}
	step, ofApp := staff.CodeStep(secret, code, s.cfg.Now())
	if !known || !right {
		return staff.Account{}, errSignIn
	}
	if err := s.comeIn(ctx, a, phc, step, ofApp, code); err != nil {
		return staff.Account{}, err
	}
	if again {
		err = s.rehash(ctx, a, phc, password)
	}
	return a, err
}

// secret opens the secret of an account, or draws one that is nobody's.
func (s *Store) secret(ctx context.Context, id thimble.ID, sealed []byte, known bool) (thimble.Personal[string], error) {
	if !known || len(sealed) == 0 {
		return staff.NewSecret(nil)
	}
	plain, err := s.vault.Open(ctx, secretCell(id), sealed)
	if err != nil {
		return thimble.Personal[string]{}, fmt.Errorf("staff: opening the second factor: %w", err)
	}
	return thimble.Hide(string(plain)), nil
}

// comeIn uses up the code. Of two that come with one code, one gets in. Whoever was locked,
// or got another password, while the one that came was hashed does not.
func (s *Store) comeIn(ctx context.Context, a staff.Account, phc string, step int64, ofApp bool, code string) error {
	err := s.db.Write(ctx, func(tx *sqldb.Tx) error {
		n, err := tx.Exec(ctx, `update staff_accounts set seen_at = $1 where id = $2 and status = 'active' and password = $3`, s.cfg.Now().UnixMicro(), a.ID, phc)
		switch {
		case err != nil || n == 0:
		case ofApp:
			n, err = tx.Exec(ctx, `update staff_accounts set code_step = $1 where id = $2 and code_step < $1`, step, a.ID)
		default:
			n, err = tx.Exec(ctx, `update staff_recovery set used_at = $1 where hash = $2 and account_id = $3 and used_at is null`,
				s.cfg.Now().UnixMicro(), staff.RecoveryHash(a.ID, code), a.ID)
		}
		if err == nil && n == 0 {
			err = errSignIn
		}
		return err
	})
	if err != nil && !errors.Is(err, errSignIn) {
		err = fmt.Errorf("staff: signing in: %w", err)
	}
	return err
}

// rehash makes the hash anew, unless there is another password by now.
func (s *Store) rehash(ctx context.Context, a staff.Account, old string, password thimble.Personal[string]) error {
	hash, err := staff.HashPassword(password, s.cfg.Cost, nil)
	if err != nil {
		return err
	}
	return s.db.Write(ctx, func(tx *sqldb.Tx) error {
		_, err := tx.Exec(ctx, `update staff_accounts set password = $1 where id = $2 and password = $3`, hash, a.ID, old)
		return err
	})
}
