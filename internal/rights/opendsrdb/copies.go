package opendsrdb

import (
	"context"
	"errors"
	"fmt"
	"time"

	"thimble"
	"thimble/internal/rights"
	"thimble/internal/rights/cases"
	"thimble/internal/rights/opendsr"
	"thimble/internal/sqldb"
)

// ResultsPath is where copies are fetched; a number that was drawn follows.
const ResultsPath = "/v2/results/"

// Fetchable is how long a copy can be fetched once it is ready: as long as callbacks that say
// so are tried. While its person waits after an e-mail address was added, it is not ready, and
// the time begins anew.
const Fetchable = 3 * 24 * time.Hour

// fulfil has the copy made that a case asks for, which answers it. The copy itself is not
// kept: it is written when it is fetched.
func (s *Store) fulfil(ctx context.Context, h Held) (Held, error) {
	if h.Type == opendsr.Erasure || h.Case.IsZero() || s.cfg.Copy == nil {
		return h, nil
	}
	c, err := s.cases.Get(ctx, h.Case)
	if err != nil || c.State != cases.Executing || c.Subject.IsZero() {
		return h, err
	}
	ref, count, err := s.cfg.Copy(ctx, c.Subject)
	if errors.Is(err, thimble.ErrNotFound) { // they were erased meanwhile, which closes the case
		return h, nil
	}
	if err == nil {
		_, err = s.cases.Complete(ctx, h.Case, cases.TheController, "", ref, thimble.Hide(""))
	}
	if errors.Is(err, thimble.ErrConflict) { // the person opened it themselves
		return h, nil
	}
	if err != nil {
		return h, wrap("making a copy", err)
	}
	h.Count = count
	err = s.db.Write(ctx, func(tx *sqldb.Tx) error {
		_, err := tx.Exec(ctx, `update opendsr_requests set results_count = $3 where controller_id = $1 and request_id = $2`, h.Controller, h.ID, count)
		return err
	})
	return h, wrap("noting how much is held", err)
}

// offered draws the address of a copy that is ready. Of nobody there is none, and nothing
// is held.
func (s *Store) offered(h Held, c cases.Case) (Held, error) {
	if c.Subject.IsZero() {
		h.Count = 0
		return h, nil
	}
	id, err := thimble.NewID(nil)
	if err == nil {
		h.Results, h.Until = opendsr.RequestID(id), s.now().Add(Fetchable)
	}
	return h, err
}

// Whose is the person whose copy a controller fetches. The error is of kind ErrNotFound for
// another's, for what is too late, and once the person is erased: which is not said.
func (s *Store) Whose(ctx context.Context, c Controller, results string) (thimble.SubjectID, error) {
	var all []Held
	err := s.db.Read(ctx, func(tx *sqldb.Tx) (err error) {
		all, err = list(ctx, tx, `where controller_id = $1 and results = $2 and results_until > $3`, c.ID, results, s.now().UnixMicro())
		return err
	})
	if err == nil && (results == "" || !c.Copies || len(all) != 1) {
		err = thimble.ErrNotFound
	}
	var of cases.Case
	if err == nil {
		of, err = s.cases.Get(ctx, all[0].Case)
	}
	if err == nil && of.Subject.IsZero() {
		err = thimble.ErrNotFound
	}
	if err != nil {
		return thimble.SubjectID{}, fmt.Errorf("opendsr: looking for a copy: %w", err)
	}
	return of.Subject, nil
}

// postpone has the address of a copy that waits stay good: its time begins when the copy can
// be fetched. It ends with the person, whose copy there is none of then.
func (s *Store) postpone(ctx context.Context, h Held) (Held, error) {
	if h.Results == "" || h.Case.IsZero() || s.cfg.Waits == nil {
		return h, nil
	}
	c, err := s.cases.Get(ctx, h.Case)
	if err != nil || c.Subject.IsZero() {
		return h, err
	}
	if err := s.cfg.Waits(ctx, c.Subject); err == nil || errors.Is(err, thimble.ErrNotFound) {
		return h, nil
	} else if !errors.Is(err, rights.ErrWaits) {
		return h, err
	}
	h.Until = s.now().Add(Fetchable)
	err = s.db.Write(ctx, func(tx *sqldb.Tx) error {
		_, err := tx.Exec(ctx, `update opendsr_requests set results_until = $4 where controller_id = $1 and request_id = $2 and results = $3`, h.Controller, h.ID, h.Results, h.Until.UnixMicro())
		return err
	})
	return h, wrap("having an address wait with its copy", err)
}

// waiting looks after the addresses whose time is half over.
func (s *Store) waiting(ctx context.Context) error {
	var all []Held
	err := s.db.Read(ctx, func(tx *sqldb.Tx) (err error) {
		all, err = list(ctx, tx, `where results <> '' and results_until <= $1 limit 1000`, s.now().Add(Fetchable/2).UnixMicro())
		return err
	})
	for _, h := range all {
		_, one := s.postpone(ctx, h)
		err = errors.Join(err, one)
	}
	return err
}

// Copied reports whether some controller may ask for copies.
func (s *Store) Copied(ctx context.Context) (bool, error) {
	var n int
	err := s.db.Read(ctx, func(tx *sqldb.Tx) error {
		return tx.QueryRow(ctx, `select count(*) from opendsr_controllers where copies = 1 and ended = 0`).Scan(&n)
	})
	return n > 0 && s.cfg.Copy != nil, wrap("looking for who may ask for copies", err)
}

// callbacksKept is for how long staff can look up what a controller was told.
const callbacksKept = 60 * 24 * time.Hour

// forget takes the addresses back that nobody fetched from in time, and how much was there;
// and callbacks that ended long ago.
func (s *Store) forget(ctx context.Context) error {
	if err := s.waiting(ctx); err != nil {
		return err // nothing is forgotten that may have to wait
	}
	_, err := s.db.Drain(ctx, `update opendsr_requests set results = '', results_until = 0, results_count = -1 where (controller_id, request_id) in
		(select controller_id, request_id from opendsr_requests where results_until <> 0 and results_until <= $1 limit 1000)`, s.now().UnixMicro())
	if err == nil {
		_, err = s.db.Drain(ctx, `delete from opendsr_callbacks where id in (select id from opendsr_callbacks where state <> 'queued' and first_at < $1 limit 1000)`, s.now().Add(-callbacksKept).UnixMicro())
	}
	return wrap("taking addresses of copies back", err)
}

// where adds to a standing where the copy is, and how much it holds.
func (s *Store) where(st *opendsr.Standing, h Held) {
	if h.Status != opendsr.Completed || h.Type == opendsr.Erasure {
		return
	}
	if h.Results != "" && h.Until.After(s.now()) {
		st.Results = s.cfg.Base + ResultsPath + h.Results
	}
	if h.Count >= 0 {
		st.Count = &h.Count
	}
}
