package opendsrdb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"time"

	"thimble"
	"thimble/internal/disclose/wire"
	"thimble/internal/job"
	"thimble/internal/rights/opendsr"
	"thimble/internal/sqldb"
)

// queue keeps a callback for each address of a request, in the transaction of the change.
func (s *Store) queue(ctx context.Context, tx *sqldb.Tx, h Held) error {
	for _, u := range h.Callbacks {
		id, err := thimble.NewID(nil)
		if err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `insert into opendsr_callbacks (id, controller_id, request_id, url, status, state, why, tries, first_at, next_at, lease_until) values ($1, $2, $3, $4, $5, 'queued', '', 0, 0, $6, 0)`,
			id, h.Controller, h.ID, u, string(h.Status), s.now().UnixMicro()); err != nil {
			return err
		}
	}
	if len(h.Callbacks) > 0 {
		select {
		case s.wake <- struct{}{}:
		default:
		}
	}
	return nil
}

// Run sends callbacks, until ctx ends.
func (s *Store) Run(ctx context.Context) error {
	job.Steps(ctx, 2*time.Second, s.wake, s.Step, func(err error) {
		s.cfg.Log.ErrorContext(ctx, "a callback was not sent", slog.String("cause", err.Error()))
	})
	return nil
}

type callback struct {
	id, controller thimble.ID
	request, url   string
	status         opendsr.Status
	tries          int
	first          int64
}

const dueCallbacks = `state = 'queued' and next_at <= $1 and lease_until <= $1`

// lease is longer than any try.
const lease = time.Minute

// Step sends one callback that is due. It reports whether there was one.
func (s *Store) Step(ctx context.Context) (bool, error) {
	if s.cfg.Signer == nil || s.caller == nil {
		return false, nil
	}
	var n int
	err := s.db.Read(ctx, func(tx *sqldb.Tx) error {
		return tx.QueryRow(ctx, `select count(*) from opendsr_callbacks where `+dueCallbacks, s.now().UnixMicro()).Scan(&n)
	})
	if err != nil || n == 0 {
		return false, wrap("looking for callbacks", err)
	}
	var c callback
	err = s.db.Write(ctx, func(tx *sqldb.Tx) error {
		now := s.now()
		return tx.QueryRow(ctx, `update opendsr_callbacks set tries = tries + 1, lease_until = $2, first_at = case when first_at = 0 then $1 else first_at end
			where id = (select id from opendsr_callbacks where `+dueCallbacks+` order by next_at, id limit 1) returning id, controller_id, request_id, url, status, tries, first_at`,
			now.UnixMicro(), now.Add(lease).UnixMicro()).Scan(&c.id, &c.controller, &c.request, &c.url, &c.status, &c.tries, &c.first)
	})
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	if err != nil {
		return false, wrap("taking a callback", err)
	}
	return true, wrap("sending a callback", s.send(ctx, c))
}

// Begin implements wire.Meter: it is nil only for a callback under a lease. It says how far
// a request is, and nothing of a person; the case's steps have the leaves.
func (s *Store) Begin(ctx context.Context, id thimble.ID) error {
	var n int
	err := s.db.Read(ctx, func(tx *sqldb.Tx) error {
		return tx.QueryRow(ctx, `select count(*) from opendsr_callbacks where id = $1 and lease_until > $2`, id, s.now().UnixMicro()).Scan(&n)
	})
	if err == nil && n != 1 {
		err = fmt.Errorf("opendsr: nobody sends this callback: %w", thimble.ErrDenied)
	}
	return err
}

// Sent implements wire.Meter.
func (s *Store) Sent(thimble.ID, int) {}

func (s *Store) send(ctx context.Context, c callback) error {
	h, err := s.find(ctx, c.controller, c.request)
	if err != nil {
		return err
	}
	var hosts []string
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		all, err := controllers(ctx, tx, `where id = $1`, c.controller)
		if len(all) == 1 {
			hosts = all[0].Hosts
		}
		return err
	})
	if err != nil {
		return err
	}
	h.Status = c.status
	body, head, err := s.Says(h, c.url)
	if err != nil {
		return err
	}
	a := s.caller.Call(ctx, wire.Call{ID: c.id, Method: http.MethodPost, URL: c.url, Hosts: hosts, Head: head, Body: thimble.Hide(body)})
	state, next := "queued", s.now()
	switch a.State {
	case wire.Delivered:
		state = "sent"
	case wire.Permanent:
		state = "dead"
	default:
		wait, again := s.cfg.Schedule.Next(c.tries, s.now().Sub(instant(c.first)), a.After, rand.Float64())
		if next = next.Add(wait); !again {
			state = "dead"
		}
	}
	return s.db.Write(context.WithoutCancel(ctx), func(tx *sqldb.Tx) error {
		_, err := tx.Exec(ctx, `update opendsr_callbacks set state = $2, why = $3, next_at = $4, lease_until = 0 where id = $1`, c.id, state, string(a.Why), next.UnixMicro())
		return err
	})
}

// Says is how far a request is as it is written, with the headers of its signature; callback
// is the address that it goes to, "" for an answer.
func (s *Store) Says(h Held, callback string) (body []byte, head http.Header, err error) {
	st := opendsr.Standing{Controller: h.Controller.Token(ControllerPrefix), Expected: h.Expected, Callback: callback, ID: h.ID, Status: h.Status}
	if h.Reason != "" && h.Status == opendsr.Cancelled && s.cfg.Signer != nil {
		st.Extensions = map[string]map[string]string{s.cfg.Signer.Domain(): {"reason": h.Reason}}
	}
	s.where(&st, h)
	if body, err = st.Marshal(); err != nil {
		return nil, nil, err
	}
	head, err = s.Sign(body)
	return body, head, err
}

// Sign returns the headers of a body.
func (s *Store) Sign(body []byte) (http.Header, error) {
	if s.cfg.Signer == nil {
		return nil, fmt.Errorf("opendsr: no certificate is set: %w", thimble.ErrUnavailable)
	}
	signature, err := s.cfg.Signer.Sign(body)
	if err != nil {
		return nil, err
	}
	return http.Header{opendsr.DomainHeader: {s.cfg.Signer.Domain()}, opendsr.SignatureHeader: {signature}, "Content-Type": {"application/json"}}, nil
}
