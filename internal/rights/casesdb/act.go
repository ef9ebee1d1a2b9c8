package casesdb

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"thimble"
	"thimble/internal/rights"
	"thimble/internal/rights/cases"
	"thimble/internal/sqldb"
)

// Do lets something happen to a case: see [cases.Case.Next] for what may. An acceptance,
// a completion and what systems outside do have functions of their own.
func (s *Store) Do(ctx context.Context, id thimble.ID, e cases.Event, words thimble.Personal[string]) (cases.Case, error) {
	if slices.Contains([]cases.What{cases.Accepted, cases.Completed, cases.Awaited, cases.Heard, cases.AllAnswered, cases.InPart, cases.Left}, e.What) {
		return cases.Case{}, fmt.Errorf("cases: %s is no event by itself: %w", e.What, thimble.ErrInvalid)
	}
	if err := cases.CheckText(words.Reveal()); err != nil { // to measure it
		return cases.Case{}, err
	}
	return s.change(ctx, id, func(tx *sqldb.Tx, c cases.Case) (cases.Case, error) { return s.next(ctx, tx, c, e, words) })
}

// Accept begins what a case asks for. What the rights desk is to execute is opened in the
// same transaction; the desk does it when it is next asked to.
func (s *Store) Accept(ctx context.Context, id thimble.ID, by, staff string) (cases.Case, error) {
	return s.change(ctx, id, func(tx *sqldb.Tx, c cases.Case) (cases.Case, error) {
		c, err := s.accept(ctx, tx, c, by, staff)
		if err == nil && (c.Kind == cases.Restrict || c.Kind == cases.Lift) {
			err = s.unlimit(ctx, tx, c.Subject)
		}
		return c, err
	})
}

// accept is Accept in the caller's transaction.
func (s *Store) accept(ctx context.Context, tx *sqldb.Tx, c cases.Case, by, staff string) (cases.Case, error) {
	if !c.May(cases.Accepted) {
		return c, fmt.Errorf("it is %s: %w", c.State, thimble.ErrConflict)
	}
	if c.Subject.IsZero() {
		return c, fmt.Errorf("it is nobody's: %w", thimble.ErrConflict)
	}
	// A try: what is missing is said before anything is opened.
	try := cases.Event{What: cases.Accepted, By: by, Staff: staff, At: s.cfg.Now()}
	if c.Verb() == cases.Executed {
		probe := try
		probe.Work = []cases.Work{{Ref: "-"}}
		if _, err := c.Next(probe, nil); err != nil {
			return c, err
		}
		work, err := s.begin(ctx, tx, c)
		if err != nil {
			return c, err
		}
		try.Work = work
	}
	if s.parts.Systems != nil {
		tasks, err := s.fanOut(ctx, tx, c, try.Work)
		if err != nil {
			return c, err
		}
		try.Tasks = tasks
	}
	return s.next(ctx, tx, c, try, thimble.Hide(""))
}

// verbs are what the rights desk does for a kind; the others object.
var verbs = map[cases.Kind]rights.Kind{cases.Erase: rights.Erase, cases.Restrict: rights.Restrict, cases.Lift: rights.Lift}

// begin opens what the rights desk has to execute.
func (s *Store) begin(ctx context.Context, tx *sqldb.Tx, c cases.Case) (all []cases.Work, err error) {
	person, err := s.parts.Subjects.PersonTx(ctx, tx, c.Subject)
	if err != nil {
		return nil, err
	}
	members := person.IDs()
	ask := func(r rights.Request) error {
		r.Subject = members[0]
		if r.Kind != rights.Erase {
			r.Others = members[1:]
		}
		r, err := s.parts.Requests.BeginTx(ctx, tx, r)
		if err == nil {
			all = append(all, cases.Work{Ref: r.ID.Token(rights.TokenPrefix), What: string(r.Kind), Purpose: r.Report.Purpose})
		}
		return err
	}
	if c.Fix != "" {
		fix, err := s.fix(ctx, tx, c)
		if err != nil {
			return nil, err
		}
		return all, ask(rights.Request{Kind: rights.Rectify, Report: rights.Report{Case: c.ID.Token(cases.TokenPrefix), Holder: fix.Holder, Category: fix.Category, Since: fix.Since}})
	}
	if kind, ok := verbs[c.Kind]; ok {
		return all, ask(rights.Request{Kind: kind})
	}
	for _, p := range c.Ends {
		if err := ask(rights.Request{Kind: rights.Object, Report: rights.Report{Purpose: p}}); err != nil {
			return all, err
		}
	}
	return all, nil
}

// Complete closes a case by what fulfils it: the token of an archive that the person
// opened, of a review or of a decision, or, where a person of the shop answers, words.
func (s *Store) Complete(ctx context.Context, id thimble.ID, by, staff, ref string, words thimble.Personal[string]) (cases.Case, error) {
	if err := cases.CheckText(words.Reveal()); err != nil { // to measure it
		return cases.Case{}, err
	}
	return s.change(ctx, id, func(tx *sqldb.Tx, c cases.Case) (cases.Case, error) {
		if !c.May(cases.Completed) {
			return c, fmt.Errorf("it is %s: %w", c.State, thimble.ErrConflict)
		}
		e := cases.Event{What: cases.Completed, By: by, Staff: staff}
		if verb := c.Verb(); verb != cases.Answered {
			if err := s.proves(ctx, tx, c, verb, ref); err != nil {
				return c, err
			}
			e.Work = []cases.Work{{Ref: ref, What: string(verb), Done: true}}
		}
		e, err := s.ending(ctx, tx, c, e)
		if err != nil {
			return c, err
		}
		return s.next(ctx, tx, c, e, words)
	})
}

// proves holds what is said to fulfil a case against its record.
func (s *Store) proves(ctx context.Context, tx *sqldb.Tx, c cases.Case, v cases.Verb, ref string) error {
	person, err := s.parts.Subjects.PersonTx(ctx, tx, c.Subject)
	if err != nil {
		return err
	}
	switch v {
	case cases.Collected:
		r, err := s.request(ctx, tx, ref)
		if err == nil && (r.Kind != rights.Access || r.State != rights.Fulfilled || !slices.Contains(person.IDs(), r.Subject)) {
			err = fmt.Errorf("it is no archive of theirs: %w", thimble.ErrConflict)
		}
		return err
	case cases.Reviewed, cases.Explained:
		if s.cfg.Proves != nil {
			return s.cfg.Proves(ctx, v, person.IDs(), ref)
		}
	}
	return fmt.Errorf("nothing proves that it is done: %w", thimble.ErrConflict)
}

func (s *Store) request(ctx context.Context, tx *sqldb.Tx, ref string) (rights.Request, error) {
	id, err := thimble.ParseID(rights.TokenPrefix, ref)
	if err != nil {
		return rights.Request{}, fmt.Errorf("the request: %w", thimble.ErrInvalid)
	}
	return s.parts.Requests.GetTx(ctx, tx, id)
}

// change lets something happen to one case in one transaction.
func (s *Store) change(ctx context.Context, id thimble.ID, f func(*sqldb.Tx, cases.Case) (cases.Case, error)) (c cases.Case, err error) {
	err = s.db.Write(ctx, func(tx *sqldb.Tx) error {
		all, err := list(ctx, tx, `where id = $1`, id)
		if err == nil && len(all) == 0 {
			err = thimble.ErrNotFound
		}
		if err != nil {
			return err
		}
		c, err = f(tx, all[0])
		return err
	})
	if err != nil {
		return c, fmt.Errorf("cases: %s: %w", id.Token(cases.TokenPrefix), err)
	}
	return c, nil
}

// Settle does what follows by itself: it closes what the rights desk has done, begins
// what a system asked for and needs no proof, and lets what nobody came back for lapse.
// It returns how many cases moved.
func (s *Store) Settle(ctx context.Context) (moved int, failed error) {
	for _, part := range []struct {
		where string
		args  []any
		do    func(context.Context, cases.Case) (bool, error)
	}{
		{`where state = 'received' and via in ('system', 'registered_agent') order by at, id limit 1000`, nil, s.start},
		{`where state in ('received', 'awaiting_identity') and via = 'controller' order by at, id limit 1000`, nil, s.vouched},
		{`where state = 'executing' order by at, id`, nil, s.close},
		{`where state = 'waiting_recipients' order by at, id`, nil, s.answered},
		{`where state in ('awaiting_identity', 'clarifying') and at < $1 order by at, id limit 1000`, []any{s.cfg.Now().Add(-cases.Patience).UnixMicro()}, s.lapse},
	} {
		all, err := s.list(ctx, part.where, part.args...)
		if err != nil {
			return moved, err
		}
		for _, c := range all {
			yes, err := part.do(ctx, c)
			if err != nil && !errors.Is(err, thimble.ErrConflict) {
				failed = errors.Join(failed, err)
			}
			if yes && err == nil {
				moved++
			}
		}
	}
	return moved, failed
}

// start begins what a system asked for and needs no proof; what is nobody's is closed.
// What somebody has shown to be theirs waits for them, or for staff, to go on.
func (s *Store) start(ctx context.Context, c cases.Case) (bool, error) {
	nature, err := cases.NatureOf(c.Kind)
	if err != nil || !nature.Open || c.Via.InPlace() && !c.Authorised {
		return false, err
	}
	if c.Subject.IsZero() {
		_, err = s.Do(ctx, c.ID, cases.Event{What: cases.Gone, By: cases.TheProgram}, thimble.Hide(""))
	} else {
		_, err = s.Accept(ctx, c.ID, cases.TheProgram, "")
	}
	return true, err
}

// Finish closes a case if the rights desk has done what it asks for.
func (s *Store) Finish(ctx context.Context, c cases.Case) (cases.Case, error) {
	if _, err := s.finish(ctx, c); err != nil && !errors.Is(err, thimble.ErrConflict) {
		return c, err
	}
	return s.Get(ctx, c.ID)
}

// close closes what is done, or lay ready for long enough.
func (s *Store) close(ctx context.Context, c cases.Case) (bool, error) {
	switch c.Verb() {
	case cases.Executed:
		return s.finish(ctx, c)
	case cases.Collected:
		return s.leave(ctx, c)
	}
	return false, nil
}

// finish closes what the rights desk has done.
func (s *Store) finish(ctx context.Context, c cases.Case) (bool, error) {
	moved := false
	_, err := s.change(ctx, c.ID, func(tx *sqldb.Tx, c cases.Case) (cases.Case, error) {
		e := cases.Event{What: cases.Completed, By: cases.TheProgram, Work: slices.Clone(c.Work)}
		for i, w := range e.Work {
			r, err := s.request(ctx, tx, w.Ref)
			if err != nil {
				return c, err
			}
			switch r.State {
			case rights.Executing:
				return c, nil
			case rights.Refused:
				e.What = cases.Returned
			}
			e.Work[i].Done = true
		}
		moved = true
		e, err := s.ending(ctx, tx, c, e)
		if err != nil {
			return c, err
		}
		return s.next(ctx, tx, c, e, thimble.Hide(""))
	})
	return moved, err
}

// leave closes what lay ready for long enough once the person knew.
func (s *Store) leave(ctx context.Context, c cases.Case) (bool, error) {
	if c.Ready.IsZero() || s.cfg.Now().Before(c.Ready.Add(cases.Lies)) {
		return false, nil
	}
	_, err := s.change(ctx, c.ID, func(tx *sqldb.Tx, c cases.Case) (cases.Case, error) {
		e := cases.Event{What: cases.Left, By: cases.TheProgram}
		if c.Tasks > 0 {
			var err error
			if e.Waits, err = s.parts.Systems.StandingTx(ctx, tx, c.ID); err != nil {
				return c, err
			}
		}
		return s.next(ctx, tx, c, e, thimble.Hide(""))
	})
	return true, err
}

// Offered notes that the person was told that what they asked for lies ready. A case of
// which that was noted, or of which nothing lies ready, stays as it is.
func (s *Store) Offered(ctx context.Context, id thimble.ID) error {
	_, err := s.Do(ctx, id, cases.Event{What: cases.Offered, By: cases.TheProgram}, thimble.Hide(""))
	if errors.Is(err, thimble.ErrConflict) {
		err = nil
	}
	return err
}

func (s *Store) lapse(ctx context.Context, c cases.Case) (bool, error) {
	_, err := s.Do(ctx, c.ID, cases.Event{What: cases.Expired, By: cases.TheProgram}, thimble.Hide(""))
	return true, err
}
