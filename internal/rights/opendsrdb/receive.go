package opendsrdb

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"time"

	"thimble"
	"thimble/internal/rights/cases"
	"thimble/internal/rights/casesdb"
	"thimble/internal/rights/opendsr"
	"thimble/internal/sqldb"
	"thimble/internal/subject"
)

// Receive takes a request of a controller. Whether anybody is known by what it says is in
// neither the answer nor the number of statements. The error is a *opendsr.Fault for what
// the controller can put right, and of kind ErrConflict for another request under the id of
// an earlier one.
func (s *Store) Receive(ctx context.Context, c Controller, r opendsr.Request) (Held, error) {
	if r.Type != opendsr.Erasure && (!c.Copies || s.cfg.Copy == nil) {
		return Held{}, &opendsr.Fault{Field: "subject_request_type", Rule: "erasure was expected: the controller is not registered for copies", Reason: "UnsupportedRequestType"}
	}
	for _, u := range r.Callbacks {
		to, err := url.Parse(u)
		if err != nil || to.Scheme != "https" && to.Scheme != "http" || !slices.Contains(c.Hosts, to.Hostname()) {
			return Held{}, &opendsr.Fault{Field: "status_callback_urls", Rule: "addresses at the hosts that the controller is registered with were expected", Reason: "UnknownCallbackHost"}
		}
	}
	if old, err := s.find(ctx, c.ID, r.ID); err == nil {
		if !old.same(r) {
			return Held{}, fmt.Errorf("opendsr: another request has this id: %w", thimble.ErrConflict)
		}
		return old, nil
	} else if !errors.Is(err, thimble.ErrNotFound) {
		return Held{}, err
	}
	h := Held{Controller: c.ID, ID: r.ID, Type: r.Type, Regulation: r.Regulation, Submitted: r.Submitted.UTC().Truncate(time.Microsecond), Received: s.now(), Callbacks: r.Callbacks, Status: opendsr.Pending, Count: -1}
	who, reason, err := s.whose(ctx, r.Identities)
	if err != nil {
		return Held{}, err
	}
	if h.Reason = reason; reason != "" {
		h.Status, h.Expected = opendsr.Cancelled, h.Received
		return h, s.keep(ctx, h)
	}
	opened, err := s.cases.Open(ctx, casesdb.Asked{Subject: who, Kind: kinds[r.Type], Via: cases.Controller, By: cases.TheController})
	if err != nil {
		return Held{}, err
	}
	h.Case, h.Expected = opened.ID, opened.Due
	return h, s.keep(ctx, h)
}

var kinds = map[opendsr.Type]cases.Kind{opendsr.Erasure: cases.Erase, opendsr.Access: cases.Access, opendsr.Portability: cases.Port}

// whose is who the identities are: of nobody known zero. The reason says why they lead
// nowhere whoever it is.
func (s *Store) whose(ctx context.Context, all []opendsr.Identity) (who thimble.SubjectID, reason string, err error) {
	names := map[opendsr.IdentityType]subject.Kind{opendsr.CustomerID: subject.Account, opendsr.Email: subject.Email}
	var ids []subject.Identifier
	for _, i := range all {
		if kind, known := names[i.Type]; known && i.Format == opendsr.Raw {
			if id, err := subject.Normalize(subject.Identifier{Kind: kind, Value: i.Value}); err == nil {
				ids = append(ids, id)
			}
		}
	}
	if len(ids) == 0 {
		return who, NotSearchable, nil
	}
	found, err := s.people.FindAll(ctx, ids)
	if err != nil {
		return who, "", wrap("looking for whom it is about", err)
	}
	for _, f := range found {
		if !f.IsZero() && !who.IsZero() && f != who {
			return thimble.SubjectID{}, Disagree, nil // doubt means no
		}
		if !f.IsZero() {
			who = f
		}
	}
	return who, "", nil
}

func (s *Store) keep(ctx context.Context, h Held) error {
	if h.Callbacks == nil {
		h.Callbacks = []string{}
	}
	callbacks, err := json.Marshal(h.Callbacks)
	if err != nil {
		return err
	}
	err = s.db.Write(ctx, func(tx *sqldb.Tx) error {
		_, err := tx.Exec(ctx, `insert into opendsr_requests (controller_id, request_id, case_id, type, regulation, submitted_at, received_at, expected_at, callbacks, status, reason)
			values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`, h.Controller, h.ID, h.Case, string(h.Type), string(h.Regulation), h.Submitted.UnixMicro(), h.Received.UnixMicro(), h.Expected.UnixMicro(), string(callbacks), string(h.Status), h.Reason)
		if err == nil && h.Status == opendsr.Cancelled {
			err = s.queue(ctx, tx, h)
		}
		return err
	})
	return wrap("keeping a request", err)
}

func (s *Store) find(ctx context.Context, controller thimble.ID, id string) (Held, error) {
	var all []Held
	err := s.db.Read(ctx, func(tx *sqldb.Tx) (err error) {
		all, err = list(ctx, tx, `where controller_id = $1 and request_id = $2`, controller, id)
		return err
	})
	if err == nil && len(all) == 0 {
		err = thimble.ErrNotFound
	}
	if err != nil {
		return Held{}, wrap("looking for a request", err)
	}
	return all[0], nil
}

// Standing is how far a request of a controller is. Another's is of kind ErrNotFound.
func (s *Store) Standing(ctx context.Context, c Controller, id string) (Held, error) {
	h, err := s.find(ctx, c.ID, id)
	if err != nil || h.Status.Final() || h.Case.IsZero() {
		return h, err
	}
	return s.refresh(ctx, h)
}

// Cancel takes a request back that is pending. The error is of kind ErrConflict for one that
// is begun or done.
func (s *Store) Cancel(ctx context.Context, c Controller, id string) (Held, error) {
	h, err := s.Standing(ctx, c, id)
	if err == nil && h.Status == opendsr.Cancelled {
		return h, nil
	}
	if err == nil && h.Status != opendsr.Pending {
		err = fmt.Errorf("it is %s: %w", h.Status, thimble.ErrConflict)
	}
	if err == nil {
		_, err = s.cases.Do(ctx, h.Case, cases.Event{What: cases.Withdrawn, By: cases.TheController}, thimble.Hide(""))
	}
	if err != nil {
		return h, wrap("cancelling a request", err)
	}
	return s.refresh(ctx, h)
}

// refresh notes how far the case is, and queues the callbacks of a change.
func (s *Store) refresh(ctx context.Context, h Held) (Held, error) {
	c, err := s.cases.Get(ctx, h.Case)
	if err != nil {
		return h, err
	}
	status, reason := StatusOf(c)
	if c.Due.After(h.Expected) || c.Due.Before(h.Expected) {
		h.Expected = c.Due
	}
	if status == h.Status || !status.Follows(h.Status) {
		return h, nil
	}
	before := h.Status
	h.Status, h.Reason = status, reason
	if status == opendsr.Completed && h.Type != opendsr.Erasure {
		if h, err = s.offered(h, c); err != nil {
			return h, err
		}
	}
	var n int64
	err = s.db.Write(ctx, func(tx *sqldb.Tx) (err error) {
		n, err = tx.Exec(ctx, `update opendsr_requests set status = $3, reason = $4, expected_at = $5, results = $7, results_until = $8, results_count = $9 where controller_id = $1 and request_id = $2 and status = $6`,
			h.Controller, h.ID, string(h.Status), h.Reason, h.Expected.UnixMicro(), string(before), h.Results, micro(h.Until), h.Count)
		if err != nil || n == 0 {
			return err // somebody else has noted it
		}
		return s.queue(ctx, tx, h)
	})
	if err == nil && n == 0 {
		return s.find(ctx, h.Controller, h.ID)
	}
	return h, wrap("noting how far a request is", err)
}

// StatusOf is how far a case is in the words of OpenDSR, and why it was cancelled. Of
// nobody nothing is held: an erasure of that is completed.
func StatusOf(c cases.Case) (opendsr.Status, string) {
	switch c.State {
	case cases.Received, cases.Awaiting, cases.Clarify:
		return opendsr.Pending, ""
	case cases.Executing, cases.Waiting, cases.Appealed:
		return opendsr.InProgress, ""
	case cases.Revoked:
		return opendsr.Cancelled, TakenBack
	case cases.Lapsed:
		if !c.Subject.IsZero() { // of nobody there is nothing to do
			return opendsr.Cancelled, Lapsed
		}
	case cases.Refused, cases.Upheld:
		return opendsr.Cancelled, string(c.Ground)
	}
	return opendsr.Completed, ""
}

// Follow notes how far all open requests are. It returns how many have moved.
func (s *Store) Follow(ctx context.Context) (moved int, err error) {
	var open []Held
	err = s.db.Read(ctx, func(tx *sqldb.Tx) (err error) {
		open, err = list(ctx, tx, `where status in ('pending', 'in_progress') order by received_at, request_id limit 1000`)
		return err
	})
	if err != nil {
		return 0, wrap("looking for open requests", err)
	}
	for _, h := range open {
		h, refreshErr := s.fulfil(ctx, h)
		n := h
		if refreshErr == nil {
			n, refreshErr = s.refresh(ctx, h)
		}
		if refreshErr != nil {
			err = errors.Join(err, refreshErr)
		} else if n.Status != h.Status {
			moved++
		}
	}
	return moved, errors.Join(err, s.forget(ctx))
}
