package systemsdb

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"thimble"
	"thimble/internal/disclose/wire"
	"thimble/internal/rights/cases"
	"thimble/internal/rights/systems"
	"thimble/internal/sqldb"
)

// Signed is the proof of an answer that was signed with the key of a system's webhooks.
const Signed = "signed by its webhook key (HMAC-SHA256)"

// InAnswer is the proof of what stood in a system's answer to the message itself.
const InAnswer = "its own answer over TLS"

// Answer takes what a system says, signed as its webhooks are. The same said twice changes
// nothing. Whatever is wrong with the signature, the system or the task is of kind
// ErrDenied, without saying which; what cannot follow is of kind ErrConflict.
func (s *Store) Answer(ctx context.Context, system thimble.ID, head http.Header, body []byte) error {
	secret, err := s.secret(ctx, system)
	var key wire.SigningKey
	if err == nil {
		key, err = wire.ParseSigningKey(secret)
	}
	if err == nil {
		_, err = wire.Verify(head, body, s.now(), key)
	}
	if err != nil {
		return denied(err)
	}
	a, id, what, err := systems.ParseAnswer(body)
	if err != nil {
		return err // it is the system's, and may be told what is wrong
	}
	return s.Heard(ctx, system, id, systems.Event{What: what, Why: string(a.Reason), Proof: Signed}, cases.ASystem)
}

// Heard keeps what a system said about a task of its own that it was told of.
func (s *Store) Heard(ctx context.Context, system, id thimble.ID, e systems.Event, by string) error {
	err := s.db.Write(ctx, func(tx *sqldb.Tx) error {
		all, err := list(ctx, tx, `where id = $1 and system_id = $2`, id, system)
		if err != nil {
			return err
		}
		if len(all) == 0 || all[0].Tries == 0 {
			return thimble.ErrDenied // of another system, or nothing has told it
		}
		return s.hear(ctx, tx, all[0], e, by)
	})
	if errors.Is(err, thimble.ErrDenied) {
		return denied(err)
	}
	return wrap("taking an answer", err)
}

// hear lets what was said happen, once.
func (s *Store) hear(ctx context.Context, tx *sqldb.Tx, t systems.Task, e systems.Event, by string) error {
	again := t.State == systems.Done && e.What == systems.HasDone || t.State == systems.Refused && e.What == systems.HasRefused || !t.Acked.IsZero() && e.What == systems.HasAcknowledged
	if again {
		return nil
	}
	_, err := s.happen(ctx, tx, t, e, by)
	return err
}

// Say keeps what a system of the shop says by the API, under the name of its key.
func (s *Store) Say(ctx context.Context, id thimble.ID, what systems.What, reason systems.Reason, key string) (t systems.Task, err error) {
	err = s.db.Write(ctx, func(tx *sqldb.Tx) error {
		if t, err = one(ctx, tx, id); err != nil {
			return err
		}
		if err := s.hear(ctx, tx, t, systems.Event{What: what, Why: string(reason), Proof: "the API key " + key}, cases.TheShop); err != nil {
			return err
		}
		t, err = one(ctx, tx, id)
		return err
	})
	return t, wrap("taking an answer", err)
}

// ByHand keeps what a member of staff did about a task: that it is done there, or that the
// system can be told again.
func (s *Store) ByHand(ctx context.Context, id thimble.ID, what systems.What, staff string) error {
	if what != systems.WasDoneByHand && what != systems.TellAgain {
		return fmt.Errorf("systems: one of what staff can do was expected: %w", thimble.ErrInvalid)
	}
	err := s.db.Write(ctx, func(tx *sqldb.Tx) error {
		t, err := one(ctx, tx, id)
		if err == nil {
			_, err = s.happen(ctx, tx, t, systems.Event{What: what, Staff: staff}, cases.TheStaff)
		}
		return err
	})
	s.hurry()
	return wrap("noting what was done by hand", err)
}

func one(ctx context.Context, tx *sqldb.Tx, id thimble.ID) (systems.Task, error) {
	all, err := list(ctx, tx, `where id = $1`, id)
	if err == nil && len(all) == 0 {
		err = thimble.ErrNotFound
	}
	if err != nil {
		return systems.Task{}, err
	}
	return all[0], nil
}

// tidy says of what is late that it is, and destroys what was kept for too long.
func (s *Store) tidy(ctx context.Context) error {
	now := s.now()
	late, err := s.tasks(ctx, `where state in ('to_be_told', 'told', 'acknowledged') and `+lasts+` and due_at <= $1 order by due_at, id limit 100`, now.UnixMicro())
	for _, t := range late {
		if err != nil {
			return err
		}
		err = s.db.Write(ctx, func(tx *sqldb.Tx) error {
			t, err := one(ctx, tx, t.ID)
			if err != nil || !t.May(systems.IsLate) {
				return err
			}
			_, err = s.happen(ctx, tx, t, systems.Event{What: systems.IsLate, Why: t.Why}, cases.TheProgram)
			return err
		})
	}
	if err != nil {
		return wrap("looking for what is late", err)
	}
	return s.forget(ctx, now.Add(-Longest))
}

func (s *Store) forget(ctx context.Context, before time.Time) error {
	var n int
	err := s.db.Read(ctx, func(tx *sqldb.Tx) error {
		return tx.QueryRow(ctx, `select count(*) from systems_tasks where told is not null and due_at < $1`, before.UnixMicro()).Scan(&n)
	})
	if err == nil && n > 0 {
		err = s.db.Write(ctx, func(tx *sqldb.Tx) error {
			_, err := tx.Exec(ctx, `update systems_tasks set told = null where told is not null and due_at < $1`, before.UnixMicro())
			return err
		})
	}
	return wrap("destroying what was kept for too long", err)
}

// Whom is what a system knows the person of a task by, for who of the staff does it there
// by hand. That they looked is a step of the case. It is of kind ErrNotFound when nothing is
// kept any more.
func (s *Store) Whom(ctx context.Context, id thimble.ID, staff string) (thimble.Personal[[]systems.Named], error) {
	none := thimble.Hide[[]systems.Named](nil)
	var sealed []byte
	err := s.db.Write(ctx, func(tx *sqldb.Tx) error {
		t, err := one(ctx, tx, id)
		if err == nil && (staff == "" || !t.Holds) {
			err = fmt.Errorf("what the system is told is not kept: %w", thimble.ErrNotFound)
		}
		if err == nil {
			err = tx.QueryRow(ctx, `select told from systems_tasks where id = $1`, id).Scan(&sealed)
		}
		if err != nil {
			return err
		}
		if t.Means == systems.Person && t.May(systems.WasTold) && t.Told.IsZero() {
			_, err = s.happen(ctx, tx, t, systems.Event{What: systems.WasTold, Staff: staff, Why: "looked_up"}, cases.TheStaff)
			return err
		}
		looked := step(t)
		looked.Why = "looked_up"
		return s.cases.HeardTx(ctx, tx, t.Case, looked, cases.TheStaff, staff)
	})
	var plain []byte
	if err == nil {
		plain, err = s.parts.Vault.Open(ctx, toldCell(id), sealed)
	}
	var named systems.Identifiers
	if err == nil {
		err = json.Unmarshal(plain, &named)
	}
	if err != nil {
		return none, wrap("opening what a system knows somebody by", err)
	}
	return thimble.Hide(named.Named), nil
}
