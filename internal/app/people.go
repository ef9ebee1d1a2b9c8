package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"thimble"
	"thimble/internal/consent"
	"thimble/internal/consent/consentdb"
	"thimble/internal/decision/decisiondb"
	"thimble/internal/disclose/disclosedb"
	"thimble/internal/gate/gatedb"
	"thimble/internal/job"
	"thimble/internal/order"
	"thimble/internal/order/orderdb"
	"thimble/internal/retention/retentiondb"
	"thimble/internal/rights"
	"thimble/internal/rights/cases"
	"thimble/internal/rights/casesdb"
	"thimble/internal/rights/rightsdb"
	"thimble/internal/sqldb"
	"thimble/internal/subject"
	"thimble/internal/subject/subjectdb"
)

// The pages and the API speak with people. The stores keep things by subject, of
// which a person may have several: what follows reads all of them.

type wholeOrders struct {
	*orderdb.Store
	people *subjectdb.Store
}

// Of returns a person's orders, the newest first.
func (w wholeOrders) Of(ctx context.Context, who thimble.SubjectID, limit int) ([]order.Sealed, error) {
	return union(ctx, w.people, who, limit, w.Store.Of, func(a, b order.Sealed) int { return b.PlacedAt.Compare(a.PlacedAt) })
}

type wholeDecisions struct {
	*decisiondb.Store
	people *subjectdb.Store
}

// Of returns the decisions about a person, the newest first.
func (w wholeDecisions) Of(ctx context.Context, who thimble.SubjectID, limit int) ([]decisiondb.Sealed, error) {
	return union(ctx, w.people, who, limit, w.Store.Of, func(a, b decisiondb.Sealed) int { return b.At.Compare(a.At) })
}

// StepsOf returns the steps of a person's reviews, the newest first.
func (w wholeDecisions) StepsOf(ctx context.Context, who thimble.SubjectID, limit int) ([]decisiondb.SealedStep, error) {
	return union(ctx, w.people, who, limit, w.Store.StepsOf, func(a, b decisiondb.SealedStep) int { return b.At.Compare(a.At) })
}

type wholeCases struct {
	*casesdb.Store
	people *subjectdb.Store
}

// Of returns a person's requests, the newest first.
func (w wholeCases) Of(ctx context.Context, who thimble.SubjectID, limit int) ([]cases.Case, error) {
	return union(ctx, w.people, who, limit, w.Store.Of, func(a, b cases.Case) int { return b.At.Compare(a.At) })
}

// OpenOf returns a person's requests that are open, the newest first.
func (w wholeCases) OpenOf(ctx context.Context, who thimble.SubjectID, limit int) ([]cases.Case, error) {
	return union(ctx, w.people, who, limit, w.Store.OpenOf, func(a, b cases.Case) int { return b.At.Compare(a.At) })
}

// wholeRequests are what was executed about a person, with an erasure that a law has stopped:
// it names nobody any more, and the holds know whose it is.
type wholeRequests struct {
	*rightsdb.Store
	people *subjectdb.Store
	holds  *retentiondb.Store
}

// Of returns the requests about a person, the newest first.
func (w wholeRequests) Of(ctx context.Context, who thimble.SubjectID, limit int) ([]rights.Request, error) {
	all, err := union(ctx, w.people, who, limit, w.of, func(a, b rights.Request) int { return b.At.Compare(a.At) })
	seen := map[thimble.ID]bool{} // an erasure of several accounts is stopped for each of them
	return slices.DeleteFunc(all, func(r rights.Request) bool {
		again := seen[r.ID]
		seen[r.ID] = true
		return again
	}), err
}

func (w wholeRequests) of(ctx context.Context, who thimble.SubjectID, limit int) ([]rights.Request, error) {
	all, err := w.Store.Of(ctx, who, limit)
	if err != nil {
		return nil, err
	}
	stopped, err := w.holds.StoppedOf(ctx, who)
	if err != nil {
		return nil, err
	}
	for _, token := range stopped {
		id, err := thimble.ParseID(rights.TokenPrefix, token)
		if err != nil {
			return nil, err
		}
		r, err := w.Get(ctx, id)
		if errors.Is(err, thimble.ErrNotFound) {
			continue // expired since
		}
		if err != nil {
			return nil, err
		}
		all = append(all, r)
	}
	return all, nil
}

type wholeUses struct {
	*gatedb.Log
	people *subjectdb.Store
}

// Of returns the uses of a person's data, the newest first. One look at a person is
// written down for each of their subjects; here it is one line.
func (w wholeUses) Of(ctx context.Context, who thimble.SubjectID, limit int) ([]gatedb.Use, error) {
	all, err := union(ctx, w.people, who, limit, w.Log.Of, func(a, b gatedb.Use) int { return b.At.Compare(a.At) })
	first := map[string]thimble.SubjectID{}
	return slices.DeleteFunc(all, func(u gatedb.Use) bool {
		look := fmt.Sprint(u.At.Truncate(time.Second).Unix(), u.Kind, u.Actor, u.Purpose, u.Categories)
		of, seen := first[look]
		if !seen {
			first[look] = u.Subject
		}
		return seen && of != u.Subject
	}), err
}

type wholeDisclosures struct {
	*disclosedb.Store
	people *subjectdb.Store
}

// Of returns what went out about a person, the newest first.
func (w wholeDisclosures) Of(ctx context.Context, who thimble.SubjectID, limit int) ([]disclosedb.Disclosed, error) {
	return union(ctx, w.people, who, limit, w.Store.Of, func(a, b disclosedb.Disclosed) int { return b.At.Compare(a.At) })
}

// Entry returns the entry about a person that a key names.
func (w wholeDisclosures) Entry(ctx context.Context, who thimble.SubjectID, key string) (disclosedb.Disclosed, error) {
	members, err := w.people.Members(ctx, who)
	if err != nil {
		return disclosedb.Disclosed{}, err
	}
	for _, m := range members {
		d, err := w.Store.Entry(ctx, m, key)
		if !errors.Is(err, thimble.ErrNotFound) {
			return d, err
		}
	}
	return disclosedb.Disclosed{}, fmt.Errorf("app: no such entry: %w", thimble.ErrNotFound)
}

// union reads of each subject of a person, and keeps the first by an order.
func union[T any](ctx context.Context, people *subjectdb.Store, who thimble.SubjectID, limit int,
	of func(context.Context, thimble.SubjectID, int) ([]T, error), order func(a, b T) int,
) ([]T, error) {
	members, err := people.Members(ctx, who)
	if err != nil {
		return nil, err
	}
	var all []T
	for _, m := range members {
		some, err := of(ctx, m, limit)
		if err != nil {
			return nil, err
		}
		all = append(all, some...)
	}
	if len(members) > 1 {
		slices.SortStableFunc(all, order)
	}
	if limit > 0 {
		all = all[:min(len(all), limit)]
	}
	return all, nil
}

func (k *Kernel) wholeConsent() consentdb.Whole {
	return consentdb.Whole{Store: k.Consent, Persons: k.Subjects}
}

func (k *Kernel) wholeOrders() wholeOrders { return wholeOrders{k.Orders, k.Subjects} }

func (k *Kernel) wholeDecisions() wholeDecisions { return wholeDecisions{k.Decisions, k.Subjects} }

func (k *Kernel) wholeUses() wholeUses { return wholeUses{k.Uses, k.Subjects} }

func (k *Kernel) wholeDisclosures() wholeDisclosures {
	return wholeDisclosures{k.Disclose, k.Subjects}
}

// age is how old a person is as far as is known, for whoever takes a yes of theirs.
func (k *Kernel) age(ctx context.Context, tx *sqldb.Tx, who thimble.SubjectID) (consent.Age, error) {
	a, err := k.Subjects.YoungestTx(ctx, tx, who)
	return consent.Age{Known: a.Adult() || a.Minor(), Adult: a.Adult()}, err
}

// regrouped does what follows when people are joined or parted, in the transaction
// that does it: all holders are to be told. What was decided from the histories of
// two is destroyed at once, so that nobody reads it meanwhile.
func (a *App) regrouped(ctx context.Context, tx *sqldb.Tx, r subject.Regrouping) error {
	if !r.Until.IsZero() {
		if err := a.Decisions.Part(ctx, tx, r.Merge, r.Members...); err != nil {
			return err
		}
	}
	tx.OnCommit(func() {
		select {
		case a.regroups <- struct{}{}:
		default: // it is known already that there are some
		}
	})
	_, err := a.Requests.BeginTx(ctx, tx, rights.Regrouped(r.Merge, r.Members...))
	return err
}

// ReindexJob is the kind of the job that gives the index keys a new generation.
const ReindexJob = "rotate-index"

// reindex does a rotation of the index keys, or finishes one.
func (a *App) reindex(ctx context.Context, _ job.Job) error {
	r, err := a.Subjects.Rotate(ctx)
	if err == nil {
		a.Log.InfoContext(ctx, "index keys rotated", "identifiers", r.Reindexed, "destroyed", r.Destroyed, "waiting", r.Waiting)
	}
	return err
}

// resumeRotation queues the rest of a rotation that a crash interrupted.
func (a *App) resumeRotation(ctx context.Context) error {
	open, err := a.Subjects.Rotating(ctx)
	if err != nil || !open {
		return err
	}
	return a.Core.Write(ctx, func(tx *sqldb.Tx) error {
		return a.Jobs.Add(ctx, tx, job.Job{Kind: ReindexJob, Dedupe: ReindexJob})
	})
}
