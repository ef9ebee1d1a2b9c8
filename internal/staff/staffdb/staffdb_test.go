package staffdb_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"thimble"
	"thimble/internal/ledger"
	"thimble/internal/ledger/ledgerdb"
	"thimble/internal/session"
	"thimble/internal/session/sessiondb"
	"thimble/internal/sqldb"
	"thimble/internal/sqldb/sqldbtest"
	"thimble/internal/staff"
	"thimble/internal/staff/staffdb"
	"thimble/internal/vault/vaulttest"
)

const password = "ein Fingerhut voll Mut"

type office struct {
	*testing.T
	store    *staffdb.Store
	sessions *sessiondb.Store
	db       *sqldb.DB
	mu       sync.Mutex
	at       time.Time
	secret   thimble.Personal[string]
}

func (o *office) now() time.Time {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.at
}

func (o *office) pass(d time.Duration) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.at = o.at.Add(d)
}

// code is what the app shows now.
func (o *office) code() string {
	c, err := totp.GenerateCode(o.secret.Reveal(), o.now())
	o.must(err)
	return c
}

func (o *office) must(err error) {
	o.Helper()
	if err != nil {
		o.Fatal(err)
	}
}

func each(t *testing.T, f func(o *office)) {
	sqldbtest.Each(t, sqldb.Core, func(t *testing.T, db *sqldb.DB) {
		o := &office{T: t, db: db, at: time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)}
		signer, err := ledger.NewSigner("thimble.local/log/staff", make([]byte, 32))
		o.must(err)
		o.sessions = sessiondb.New(db, nil, o.now)
		o.store, err = staffdb.New(db, ledgerdb.New(db, signer, ledgerdb.Config{Now: o.now}), vaulttest.SQLite(t), o.sessions, staffdb.Config{Cost: staff.Cost{MemoryKiB: 64, Passes: 1, Lanes: 1}, Now: o.now})
		o.must(err)
		f(o)
	})
}

// employs makes an account that can sign in, and returns its recovery codes.
func (o *office) employs(name string, roles ...staff.Role) []thimble.Personal[string] {
	o.Helper()
	_, err := o.store.Add(o.Context(), name, roles, staff.CommandLine)
	o.must(err)
	o.secret, err = staff.NewSecret(nil)
	o.must(err)
	codes, err := o.store.SetUp(o.Context(), name, staffdb.Setup{Password: thimble.Hide(password), Secret: o.secret, Code: o.code()})
	o.must(err)
	o.pass(time.Minute) // the code of the set-up is used up
	return codes
}

func (o *office) signIn(name, password, code string) error {
	_, err := o.store.SignIn(o.Context(), name, thimble.Hide(password), code)
	return err
}

func (o *office) denied(what string, err error) {
	o.Helper()
	if !errors.Is(err, thimble.ErrDenied) {
		o.Errorf("%s: %v, want a denial", what, err)
	}
}

func TestWhoHasPasswordAndCodeComesInAndACodeComesInOnce(t *testing.T) {
	each(t, func(o *office) {
		codes := o.employs("mara", staff.Support)
		o.must(o.signIn("mara", password, o.code()))
		o.denied("the same code again", o.signIn("mara", password, o.code()))
		o.pass(time.Minute)
		o.denied("a wrong password", o.signIn("mara", password+"!", o.code()))
		o.denied("a wrong code", o.signIn("mara", password, "000000"))
		o.denied("no code", o.signIn("mara", password, ""))
		o.denied("nobody's name", o.signIn("ivo", password, o.code()))
		o.must(o.signIn("mara", password, o.code()))

		o.pass(-2 * time.Minute) // the clock is set back: the codes of then were used or are older
		o.denied("a code of before, on a clock set back", o.signIn("mara", password, o.code()))

		o.must(o.signIn("mara", password, strings.ToUpper(codes[3].Reveal())))
		o.denied("a recovery code again", o.signIn("mara", password, codes[3].Reveal()))
		a, err := o.store.Account(o.Context(), "mara")
		o.must(err)
		if a.CodesLeft != staff.RecoveryCodes-1 || a.Status != staff.Active || !a.HasPassword {
			o.Errorf("account = %+v", a)
		}
	})
}

func TestOfTwoWhoComeWithOneCodeOneComesIn(t *testing.T) {
	each(t, func(o *office) {
		o.employs("mara")
		for range 5 {
			code, errs := o.code(), make([]error, 4)
			var all sync.WaitGroup
			for i := range errs {
				all.Go(func() { errs[i] = o.signIn("mara", password, code) })
			}
			all.Wait()
			in := 0
			for _, err := range errs {
				if err == nil {
					in++
				} else {
					o.denied("the others", err)
				}
			}
			if in != 1 {
				o.Errorf("%d came in with one code", in)
			}
			o.pass(time.Minute)
		}
	})
}

func TestAnAccountIsSetUpOnce(t *testing.T) {
	each(t, func(o *office) {
		_, err := o.store.Add(o.Context(), "mara", []staff.Role{staff.Support}, staff.CommandLine)
		o.must(err)
		o.secret, err = staff.NewSecret(nil)
		o.must(err)
		good := staffdb.Setup{Password: thimble.Hide(password), Secret: o.secret, Code: o.code()}
		for field, change := range map[string]func(*staffdb.Setup){
			"password": func(u *staffdb.Setup) { u.Password = thimble.Hide("mara12345678") },
			"code":     func(u *staffdb.Setup) { u.Code = "000000" },
			"secret":   func(u *staffdb.Setup) { u.Secret = thimble.Hide("AAAA") },
		} {
			u := good
			change(&u)
			if _, err := o.store.SetUp(o.Context(), "mara", u); !errors.Is(err, thimble.ErrInvalid) || !strings.Contains(err.Error(), "staff: "+field+": ") {
				o.Errorf("a bad %s: %v", field, err)
			}
		}
		_, err = o.store.SetUp(o.Context(), "mara", good)
		o.must(err)
		if _, err := o.store.SetUp(o.Context(), "mara", good); !errors.Is(err, thimble.ErrConflict) {
			o.Errorf("again: %v, want a conflict", err)
		}
		o.denied("the code of the set-up", o.signIn("mara", password, o.code()))
	})
}

func TestANameIsNeverGivenAgain(t *testing.T) {
	each(t, func(o *office) {
		o.employs("mara", staff.Support)
		o.must(o.store.Leave(o.Context(), "mara", "ivo", "moved on"))
		if _, err := o.store.Add(o.Context(), "mara", nil, "ivo"); !errors.Is(err, thimble.ErrConflict) {
			o.Errorf("a second mara: %v, want a conflict", err)
		}
		if err := o.store.SetRoles(o.Context(), "mara", staff.Roles(), "ivo", ""); !errors.Is(err, thimble.ErrConflict) {
			o.Errorf("roles for who has left: %v, want a conflict", err)
		}
		o.denied("who has left", o.signIn("mara", password, o.code()))
		a, err := o.store.Account(o.Context(), "mara")
		o.must(err)
		if a.Usable() || a.HasPassword || len(a.Roles) != 0 || a.CodesLeft != 0 {
			o.Errorf("account = %+v", a)
		}
	})
}

func TestChangesEndTheSessionsAndAreInTheLog(t *testing.T) {
	each(t, func(o *office) {
		o.employs("mara", staff.Support)
		who := session.Who{Audience: session.Staff, Staff: "mara"}
		ctx := o.Context()
		for _, one := range []struct {
			what   staff.What
			change func() error
		}{
			{staff.RolesChanged, func() error { return o.store.SetRoles(ctx, "mara", []staff.Role{staff.Privacy}, "ivo", "new work") }},
			{staff.LockedUp, func() error { return o.store.Lock(ctx, "mara", true, "ivo", "lost laptop") }},
			{staff.Unlocked, func() error { return o.store.Lock(ctx, "mara", false, "ivo", "") }},
			{staff.NewPassword, func() error { return o.store.NewPassword(ctx, "mara", thimble.Hide("ein anderer Fingerhut")) }},
			{staff.Reset, func() error { return o.store.Reset(ctx, "mara", "ivo", "") }},
		} {
			cookie, err := o.sessions.Begin(ctx, who, "a")
			o.must(err)
			o.must(one.change())
			_, err = o.sessions.Session(ctx, cookie, session.Staff)
			o.denied("a session from before: "+string(one.what), err)
		}
		o.denied("a change of one's own roles", o.store.SetRoles(ctx, "mara", staff.Roles(), "mara", "more"))
		o.denied("a training of one's own", o.store.SetTraining(ctx, "mara", o.now().AddDate(1, 0, 0), "mara", ""))
		a, err := o.store.Account(ctx, "mara")
		o.must(err)
		all, err := o.store.Changes(ctx, a.ID, 100)
		o.must(err)
		if len(all) != 7 { // added, set up, and the five
			o.Errorf("%d changes are kept: %v", len(all), all)
		}
		for _, c := range all {
			if c.Account != "mara" || c.By == "" || c.At.IsZero() {
				o.Errorf("change %+v", c)
			}
		}
	})
}

// Whoever administers accounts could make one for themselves; without training it opens
// nobody's data, and that takes a second person.
func TestWhoLetsSomebodyInDoesNotSayThatTheyAreTrained(t *testing.T) {
	each(t, func(o *office) {
		ctx, until := o.Context(), o.now().AddDate(1, 0, 0)
		_, err := o.store.Add(ctx, "sock", []staff.Role{staff.Support}, "ivo")
		o.must(err)
		o.denied("training by who added the account", o.store.SetTraining(ctx, "sock", until, "ivo", "trust me"))
		o.pass(time.Second)
		o.must(o.store.LetIn(ctx, "sock", "mara"))
		o.denied("training by who made the link", o.store.SetTraining(ctx, "sock", until, "mara", "trust me"))
		o.denied("training by who added it, after another's link", o.store.SetTraining(ctx, "sock", until, "ivo", "trust me"))
		o.must(o.store.SetTraining(ctx, "sock", until, "nia", "was in the course"))
		o.must(o.store.SetTraining(ctx, "sock", time.Time{}, "mara", "to take it away needs one"))

		o.employs("ada", staff.Support)
		o.must(o.store.SetTraining(ctx, "ada", until, staff.CommandLine, "was in the course"))
		o.pass(time.Second)
		o.must(o.store.Reset(ctx, "ada", "ivo", "lost her phone"))
		a, err := o.store.Account(ctx, "ada")
		o.must(err)
		if a.Trained(o.now()) {
			o.Error("who reset an account could come in as somebody trained")
		}
		o.denied("training by who reset the account", o.store.SetTraining(ctx, "ada", until, "ivo", "again"))
		o.must(o.store.SetTraining(ctx, "ada", until, staff.CommandLine, "from the machine itself"))
	})
}

func TestALinkIsInTheLogBeforeItExists(t *testing.T) {
	each(t, func(o *office) {
		ctx := o.Context()
		a, err := o.store.Add(ctx, "mara", []staff.Role{staff.Support}, "ivo")
		o.must(err)
		o.must(o.store.LetIn(ctx, "mara", "ivo"))
		all, err := o.store.Changes(ctx, a.ID, 10)
		o.must(err)
		if len(all) != 2 || all[0].What == all[1].What {
			o.Errorf("changes = %v, want the account's beginning and the link", all)
		}
		o.employs("eve", staff.Support)
		if err := o.store.LetIn(ctx, "eve", "ivo"); !errors.Is(err, thimble.ErrConflict) {
			o.Errorf("a link for who has a password: %v, want a conflict", err)
		}
	})
}

func TestTheSecretIsSealedAndThePasswordIsAHash(t *testing.T) {
	each(t, func(o *office) {
		codes := o.employs("mara")
		var dump strings.Builder
		for _, table := range []string{"staff_accounts", "staff_recovery", "staff_changes", "ledger_queue"} {
			o.must(o.db.Read(o.Context(), func(tx *sqldb.Tx) error {
				rows, err := tx.Query(o.Context(), `select * from `+table)
				if err != nil {
					return err
				}
				defer rows.Close()
				columns, err := rows.Columns()
				if err != nil {
					return err
				}
				for rows.Next() {
					row := make([]any, len(columns))
					for i := range row {
						row[i] = new(any)
					}
					if err := rows.Scan(row...); err != nil {
						return err
					}
					for _, v := range row {
						if b, ok := (*v.(*any)).([]byte); ok {
							dump.Write(b)
						} else {
							fmt.Fprint(&dump, *v.(*any))
						}
					}
				}
				return rows.Err()
			}))
		}
		for name, secret := range map[string]string{"password": password, "secret": o.secret.Reveal(), "recovery code": codes[0].Reveal(), "its letters": strings.ReplaceAll(codes[0].Reveal(), "-", "")} {
			if strings.Contains(dump.String(), secret) {
				o.Errorf("the %s is in the database", name)
			}
		}
	})
}

func TestABrowserIsKnownForItsAccountAlone(t *testing.T) {
	each(t, func(o *office) {
		o.employs("mara")
		o.employs("ivo")
		a, err := o.store.Account(o.Context(), "mara")
		o.must(err)
		token, err := o.store.KnowBrowser(o.Context(), a)
		o.must(err)
		know := func(name, token string, want bool) {
			o.Helper()
			got, err := o.store.KnowsBrowser(o.Context(), name, token)
			o.must(err)
			if got != want {
				o.Errorf("%s is known there: %t, want %t", name, got, want)
			}
		}
		know("mara", token, true)
		know("ivo", token, false)
		know("nobody", token, false)
		know("mara", "", false)
		o.pass(staffdb.BrowserLives)
		know("mara", token, false)
	})
}
