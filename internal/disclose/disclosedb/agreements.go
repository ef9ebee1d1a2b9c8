package disclosedb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"thimble"
	"thimble/internal/disclose"
	"thimble/internal/sqldb"
)

// Submit takes an agreement with a recipient. One that only tightens what is in force
// is in force when Submit returns; one that loosens it waits for [Store.Accept] by
// somebody else. The error of a text that breaks a rule is a *disclose.LineError.
func (s *Store) Submit(ctx context.Context, recipient thimble.ID, text, staff string) (signed disclose.Signed, err error) {
	a, err := disclose.ParseAgreement([]byte(text))
	if err != nil {
		return signed, err
	}
	if staff == "" {
		return signed, fmt.Errorf("disclose: nobody is signed in: %w", thimble.ErrDenied)
	}
	err = s.db.Write(ctx, func(tx *sqldb.Tx) error {
		if _, err := s.recipient(ctx, tx, recipient); err != nil {
			return err
		}
		old, err := inForce(ctx, tx, recipient)
		if err != nil {
			return err
		}
		signed = disclose.Signed{Recipient: recipient, Text: text, Agreement: a, State: disclose.InForce, SubmittedBy: staff, SubmittedAt: s.now()}
		if signed.ID, err = thimble.NewID(nil); err != nil {
			return err
		}
		var before *disclose.Agreement
		if old != nil {
			before = &old.Agreement
		}
		if signed.Loosens = disclose.Loosens(before, a); len(signed.Loosens) > 0 {
			signed.State = disclose.Waiting
		}
		return s.keep(ctx, tx, &signed)
	})
	if err != nil {
		return disclose.Signed{}, fmt.Errorf("disclose: submitting an agreement: %w", err)
	}
	return signed, nil
}

// keep inserts an agreement and what was done. Of those that wait, the newest counts.
func (s *Store) keep(ctx context.Context, tx *sqldb.Tx, a *disclose.Signed) error {
	if err := tx.QueryRow(ctx, `select coalesce(max(version), 0) + 1 from disclose_agreements where recipient_id = $1`, a.Recipient).Scan(&a.Version); err != nil {
		return err
	}
	replaced := []disclose.AgreementState{disclose.Waiting}
	what := "agreement submitted"
	if a.State == disclose.InForce {
		replaced, what = append(replaced, disclose.InForce), "agreement put in force"
	}
	for _, state := range replaced {
		if _, err := tx.Exec(ctx, `update disclose_agreements set state = 'superseded' where recipient_id = $1 and state = $2`, a.Recipient, string(state)); err != nil {
			return err
		}
	}
	_, err := tx.Exec(ctx, `insert into disclose_agreements (id, recipient_id, version, state, body, loosens, submitted_by, submitted_at) values ($1, $2, $3, $4, $5, $6, $7, $8)`,
		a.ID, a.Recipient, a.Version, string(a.State), a.Text, strings.Join(a.Loosens, "\n"), a.SubmittedBy, a.SubmittedAt.UnixMicro())
	if err != nil {
		return err
	}
	return s.act(ctx, tx, Act{Recipient: a.Recipient, Agreement: a.ID, Act: what, Staff: a.SubmittedBy, At: a.SubmittedAt})
}

// Accept puts an agreement in force that waits. Who submitted it cannot accept it: two
// people see what leaves.
func (s *Store) Accept(ctx context.Context, id thimble.ID, staff, reason string) error {
	return s.settle(ctx, id, disclose.Waiting, disclose.InForce, "agreement accepted", staff, reason)
}

// Reject lays an agreement aside that waits.
func (s *Store) Reject(ctx context.Context, id thimble.ID, staff, reason string) error {
	return s.settle(ctx, id, disclose.Waiting, disclose.Rejected, "agreement rejected", staff, reason)
}

// End ends the agreement that is in force, at once. What is queued under it is cancelled
// at its next try.
func (s *Store) End(ctx context.Context, id thimble.ID, staff, reason string) error {
	return s.settle(ctx, id, disclose.InForce, disclose.Ended, "agreement ended", staff, reason)
}

func (s *Store) settle(ctx context.Context, id thimble.ID, from, to disclose.AgreementState, what, staff, reason string) error {
	reason = strings.TrimSpace(reason)
	if err := checkReason(staff, reason); err != nil {
		return err
	}
	err := s.db.Write(ctx, func(tx *sqldb.Tx) error {
		a, err := s.agreement(ctx, tx, id)
		if err != nil {
			return err
		}
		switch {
		case a.State != from:
			return fmt.Errorf("the agreement is %s: %w", a.State, thimble.ErrConflict)
		case to == disclose.InForce && a.SubmittedBy == staff:
			return fmt.Errorf("a second member of staff accepts it: %w", thimble.ErrDenied)
		}
		if to == disclose.InForce {
			if _, err := tx.Exec(ctx, `update disclose_agreements set state = 'superseded' where recipient_id = $1 and state = 'in-force'`, a.Recipient); err != nil {
				return err
			}
		}
		if _, err := tx.Exec(ctx, `update disclose_agreements set state = $2 where id = $1`, id, string(to)); err != nil {
			return err
		}
		return s.act(ctx, tx, Act{Recipient: a.Recipient, Agreement: id, Act: what, Staff: staff, Reason: reason, At: s.now()})
	})
	if err != nil {
		return fmt.Errorf("disclose: agreement %s: %w", id.Token(disclose.AgreementPrefix), err)
	}
	return nil
}

const selectAgreement = `select id, recipient_id, version, state, body, loosens, submitted_by, submitted_at from disclose_agreements `

func scanAgreement(row interface{ Scan(...any) error }) (a disclose.Signed, err error) {
	var loosens string
	var at int64
	if err := row.Scan(&a.ID, &a.Recipient, &a.Version, &a.State, &a.Text, &loosens, &a.SubmittedBy, &at); err != nil {
		return a, err
	}
	a.SubmittedAt = instant(at)
	if loosens != "" {
		a.Loosens = strings.Split(loosens, "\n")
	}
	a.Agreement, err = disclose.ParseAgreement([]byte(a.Text))
	return a, err
}

// Agreement returns one.
func (s *Store) Agreement(ctx context.Context, id thimble.ID) (a disclose.Signed, err error) {
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error { a, err = s.agreement(ctx, tx, id); return err })
	return a, err
}

func (s *Store) agreement(ctx context.Context, tx *sqldb.Tx, id thimble.ID) (disclose.Signed, error) {
	a, err := scanAgreement(tx.QueryRow(ctx, selectAgreement+`where id = $1`, id))
	if errors.Is(err, sql.ErrNoRows) {
		err = thimble.ErrNotFound
	}
	if err != nil {
		return a, fmt.Errorf("disclose: agreement %s: %w", id.Token(disclose.AgreementPrefix), err)
	}
	return a, nil
}

// inForce returns the agreement in force with a recipient, nil for none.
func inForce(ctx context.Context, tx *sqldb.Tx, recipient thimble.ID) (*disclose.Signed, error) {
	a, err := scanAgreement(tx.QueryRow(ctx, selectAgreement+`where recipient_id = $1 and state = 'in-force'`, recipient))
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return &a, nil
}

// Agreements returns those with a recipient, the newest first.
func (s *Store) Agreements(ctx context.Context, recipient thimble.ID) (all []disclose.Signed, err error) {
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		all, err = agreements(ctx, tx, `where recipient_id = $1 order by version desc`, recipient)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("disclose: reading agreements: %w", err)
	}
	return all, nil
}

func agreements(ctx context.Context, tx *sqldb.Tx, where string, args ...any) (all []disclose.Signed, err error) {
	rows, err := tx.Query(ctx, selectAgreement+where, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		a, err := scanAgreement(rows)
		if err != nil {
			return nil, err
		}
		all = append(all, a)
	}
	return all, rows.Err()
}

// A Standing is a recipient with the agreement in force, nil for none, and whether
// another waits.
type Standing struct {
	disclose.Recipient
	InForce *disclose.Signed
	Waiting bool
}

// Standings returns all recipients with their agreements.
func (s *Store) Standings(ctx context.Context) ([]Standing, error) {
	recipients, err := s.Recipients(ctx)
	if err != nil {
		return nil, err
	}
	all := make([]Standing, len(recipients))
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		signed, err := agreements(ctx, tx, `where state in ('in-force', 'waiting') order by version`)
		if err != nil {
			return err
		}
		for i, r := range recipients {
			all[i] = Standing{Recipient: r}
			for _, a := range signed {
				if a.Recipient == r.ID && a.State == disclose.InForce {
					all[i].InForce = &a
				}
				all[i].Waiting = all[i].Waiting || a.Recipient == r.ID && a.State == disclose.Waiting
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("disclose: reading agreements: %w", err)
	}
	return all, nil
}

// Builtin keeps a recipient whose agreement comes with Thimble or its configuration,
// such as the mail server, under a fixed id. What it says may change from one start to
// the next.
func (s *Store) Builtin(ctx context.Context, r disclose.Recipient, text string) error {
	a, err := disclose.ParseAgreement([]byte(text))
	if err != nil {
		return err
	}
	err = s.db.Write(ctx, func(tx *sqldb.Tx) error {
		_, err := s.recipient(ctx, tx, r.ID)
		if errors.Is(err, thimble.ErrNotFound) {
			err = s.addBuiltin(ctx, tx, r)
		}
		if err != nil {
			return err
		}
		old, err := inForce(ctx, tx, r.ID)
		if err != nil || old != nil && old.Text == text {
			return err
		}
		signed := disclose.Signed{Recipient: r.ID, Text: text, Agreement: a, State: disclose.InForce, SubmittedBy: Configuration, SubmittedAt: s.now()}
		if signed.ID, err = thimble.NewID(nil); err != nil {
			return err
		}
		return s.keep(ctx, tx, &signed)
	})
	if err != nil {
		return fmt.Errorf("disclose: built-in recipient: %w", err)
	}
	return nil
}

// Configuration is who acts for what the configuration says.
const Configuration = "configuration"

func (s *Store) addBuiltin(ctx context.Context, tx *sqldb.Tx, r disclose.Recipient) error {
	now := s.now()
	_, err := tx.Exec(ctx, `insert into disclose_recipients (id, name, kind, contact, countries, transport, endpoint, sealing_key, secret, status, why, generation, created_at, changed_at)
		values ($1, $2, $3, $4, $5, $6, '', '', $7, 'active', '', 1, $8, $8)`,
		r.ID, r.Name, string(r.Kind), r.Contact, strings.Join(r.Countries, " "), string(r.Transport), []byte{}, now.UnixMicro())
	if err != nil {
		return err
	}
	s.knows(r)
	return s.act(ctx, tx, Act{Recipient: r.ID, Act: "added", Staff: Configuration, At: now})
}

// Expiring are the recipients whose agreement or assessment ends before an instant, or
// has ended.
func (s *Store) Expiring(ctx context.Context, before time.Time) (all []Standing, err error) {
	standings, err := s.Standings(ctx)
	for _, st := range standings {
		if st.InForce != nil && (st.InForce.Agreement.Until.Before(before) || st.InForce.Agreement.Assessment.Expires.Before(before)) {
			all = append(all, st)
		}
	}
	return all, err
}
