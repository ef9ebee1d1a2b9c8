package systemsdb

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"thimble"
	"thimble/internal/disclose/wire"
	"thimble/internal/job"
	"thimble/internal/rights/cases"
	"thimble/internal/rights/systems"
	"thimble/internal/sqldb"
)

// AnswerPath is where systems answer; their token follows.
const AnswerPath = "/rights/systems/"

// Run tells systems what is due, until ctx ends.
func (s *Store) Run(ctx context.Context) error {
	job.Steps(ctx, s.cfg.Poll, s.wake, s.Step, func(err error) {
		s.cfg.Log.ErrorContext(ctx, "a system was not told", slog.String("cause", err.Error()))
	})
	return nil
}

// Step tries one task that is due, and says of others that they are late. It reports
// whether there was one to try.
func (s *Store) Step(ctx context.Context) (bool, error) {
	if err := s.tidy(ctx); err != nil {
		return false, err
	}
	l, ok, err := s.take(ctx)
	if err != nil || !ok {
		return false, err
	}
	said, err := s.tell(ctx, l)
	if err != nil {
		return true, fmt.Errorf("systems: telling %s: %w", l.ID.Token(systems.TaskPrefix), err)
	}
	return true, s.finish(context.WithoutCancel(ctx), l, said)
}

// due is what is to be tried: not told yet, or under way with who has to be asked.
const due = `means <> 'person' and told is not null and next_at <= $1 and lease_until <= $1 and (state in ('to_be_told', 'overdue') and told_at = 0 or means = 'opendsr' and state in ('told', 'acknowledged', 'overdue'))`

// leased is a task with what the system is told, under a lease.
type leased struct {
	systems.Task
	fence int64
	told  []byte
}

func (s *Store) take(ctx context.Context) (l leased, ok bool, err error) {
	var n int
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		return tx.QueryRow(ctx, `select count(*) from systems_tasks where `+due, s.now().UnixMicro()).Scan(&n)
	})
	if err != nil || n == 0 {
		return l, false, wrap("looking for what is due", err) // the common answer needs no writing transaction
	}
	err = s.db.Write(ctx, func(tx *sqldb.Tx) error {
		now := s.now()
		l, ok = leased{}, false
		var id thimble.ID
		err := tx.QueryRow(ctx, `update systems_tasks set tries = tries + 1, fence = fence + 1, lease_until = $2, first_at = case when first_at = 0 then $1 else first_at end
			where id = (select id from systems_tasks where `+due+` order by next_at, id limit 1) returning id, fence, told`,
			now.UnixMicro(), now.Add(s.cfg.Lease).UnixMicro()).Scan(&id, &l.fence, &l.told)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		if err == nil {
			l.Task, err = one(ctx, tx, id)
		}
		ok = err == nil
		return err
	})
	return l, ok, wrap("taking a task", err)
}

// Begin implements wire.Meter: it is nil only for a task that somebody has a lease of, which
// is durable with the step that begins its case, and so with a leaf; and for a system that
// is asked about itself, which says nothing of anybody.
func (s *Store) Begin(ctx context.Context, task thimble.ID) error {
	var n int
	err := s.db.Read(ctx, func(tx *sqldb.Tx) error {
		return tx.QueryRow(ctx, `select (select count(*) from systems_tasks where id = $1 and lease_until > $2) + (select count(*) from systems_systems where id = $1 and means = 'opendsr' and ended = 0)`, task, s.now().UnixMicro()).Scan(&n)
	})
	if err == nil && n != 1 {
		err = fmt.Errorf("systems: nobody tells %s: %w", task.Token(systems.TaskPrefix), thimble.ErrDenied)
	}
	return err
}

// Sent implements wire.Meter. What leaves is a few lines; nobody counts them.
func (s *Store) Sent(thimble.ID, int) {}

// tell opens what the system is told, and sends it.
func (s *Store) tell(ctx context.Context, l leased) (Said, error) {
	y, err := s.System(ctx, l.System)
	if err != nil {
		return Said{}, err
	}
	secret, err := s.secret(ctx, y.ID)
	if err != nil {
		return Said{}, err
	}
	plain, err := s.parts.Vault.Open(ctx, toldCell(l.ID), l.told)
	var named systems.Identifiers
	if err == nil {
		err = json.Unmarshal(plain, &named)
	}
	if err != nil {
		return Said{}, err
	}
	n := systems.Notice{Type: systems.NoticeType, Task: l.ID.Token(systems.TaskPrefix), Request: l.Kind, Identifiers: named.Named, Asked: l.At, Due: l.Due, Chain: named.Chain}
	if l.Means != systems.Webhook {
		sp := s.speakers[l.Means]
		if sp == nil {
			return Said{Outcome: wire.Outcome{State: wire.Retry, Why: "not-set-up"}}, nil
		}
		return sp.Speak(ctx, y, secret, n, l.Task), nil
	}
	key, err := wire.ParseSigningKey(secret)
	if err != nil {
		return Said{}, err
	}
	if s.cfg.Base != "" {
		n.Answer = s.cfg.Base + AnswerPath + y.ID.Token(systems.SystemPrefix) + "/answers"
	}
	body, err := json.Marshal(n)
	if err != nil {
		return Said{}, err
	}
	out := s.ways.Post(ctx, wire.Hook{URL: y.Endpoint, Hosts: Hosts(y), Keys: []wire.SigningKey{key}}, wire.Message{ID: l.ID, Disclosure: l.ID, Type: "application/json", Body: thimble.Hide(body)})
	return inAnswer(l.Task, out), nil
}

// inAnswer reads what stands in the system's answer to the message itself: that it will do
// it. That it has, it has to sign.
func inAnswer(t systems.Task, out wire.Outcome) Said {
	said := Said{Outcome: out}
	var a struct {
		Acknowledged string `json:"acknowledged"`
	}
	// One value of it is compared, and none is kept.
	if text := out.Ack.Reveal(); len(text) > 0 && json.Unmarshal(text, &a) == nil && a.Acknowledged == t.ID.Token(systems.TaskPrefix) {
		said.Events = []systems.Event{{What: systems.HasAcknowledged, Proof: InAnswer}}
	}
	return said
}

// finish keeps the result of a try, unless somebody else has the task by now.
func (s *Store) finish(ctx context.Context, l leased, said Said) error {
	err := s.db.Write(ctx, func(tx *sqldb.Tx) error {
		n, err := tx.Exec(ctx, `update systems_tasks set lease_until = 0, status = $3 where id = $1 and fence = $2`, l.ID, l.fence, said.Status)
		if err != nil || n == 0 {
			return err
		}
		t, err := one(ctx, tx, l.ID)
		if err != nil {
			return err
		}
		if said.Remote != "" && said.Remote != t.Remote {
			if _, err := tx.Exec(ctx, `update systems_tasks set remote = $2 where id = $1`, t.ID, said.Remote); err != nil {
				return err
			}
		}
		return s.follow(ctx, tx, t, said)
	})
	return wrap("keeping the result of a try", err)
}

// follow lets happen what follows from a try.
func (s *Store) follow(ctx context.Context, tx *sqldb.Tx, t systems.Task, said Said) error {
	now := s.now()
	var events []systems.Event
	switch said.State {
	case wire.Delivered:
		if t.Told.IsZero() {
			events = append(events, systems.Event{What: systems.WasTold})
		}
		t.NextTry = now.Add(said.Again)
	case wire.Permanent:
		events = append(events, systems.Event{What: systems.HasVanished, Why: string(said.Why)})
	default:
		wait, again := s.cfg.Schedule.Next(t.Tries, now.Sub(t.First), said.After, s.float())
		if t.NextTry, t.Why = now.Add(wait), string(said.Why); !again && t.Told.IsZero() {
			events = append(events, systems.Event{What: systems.HasVanished, Why: string(said.Why)})
		} else if !again { // it has it, and does not say how far it is
			t.NextTry = now.Add(pollAgain)
		}
	}
	if err := s.update(ctx, tx, t); err != nil {
		return err
	}
	var err error
	for _, e := range append(events, said.Events...) {
		// It may have answered while it was told.
		if t.May(e.What) && !(e.What == systems.HasAcknowledged && !t.Acked.IsZero()) {
			if t, err = s.happen(ctx, tx, t, e, byOf(e.What)); err != nil {
				return err
			}
		}
	}
	return nil
}

// pollAgain is how often a system is asked that does not say by itself how far it is.
const pollAgain = 6 * time.Hour

func byOf(w systems.What) string {
	if slices.Contains([]systems.What{systems.HasAcknowledged, systems.HasDone, systems.HasRefused}, w) {
		return cases.ASystem
	}
	return cases.TheProgram
}
