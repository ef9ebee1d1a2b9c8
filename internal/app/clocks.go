package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"thimble"
	"thimble/internal/collect/timelinedb"
	"thimble/internal/consent"
	"thimble/internal/consent/signal"
	"thimble/internal/policy"
	"thimble/internal/retention"
	"thimble/internal/retention/retentiondb"
	"thimble/internal/sqldb"
	"thimble/internal/subject"
)

// personClocks are what retention asks about periods that run for each person by itself.
type personClocks struct {
	*timelinedb.Store // the log of events
	app               *App
}

func (p personClocks) law(ctx context.Context, who thimble.SubjectID) (law *policy.Law, err error) {
	err = p.app.Core.Read(ctx, func(tx *sqldb.Tx) error {
		law, err = p.app.lawAt(ctx, tx, who, p.app.Config.clock()())
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("app: the law of a person: %w", err)
	}
	return law, nil
}

// Applies implements retentiondb.Clocks.
func (p personClocks) Applies(ctx context.Context, who thimble.SubjectID, r retention.Rule) (bool, error) {
	if r.Source.Kind != retention.Law {
		return true, nil
	}
	law, err := p.law(ctx, who)
	if err != nil {
		return false, err
	}
	return slices.ContainsFunc(retention.OfLaw(law), func(o retention.Rule) bool {
		return o.After == r.After && o.Category == r.Category && o.Key() == r.Key()
	}), nil
}

// Seen implements retentiondb.Clocks. Who was there just now is written down first.
func (p personClocks) Seen(ctx context.Context, who ...thimble.SubjectID) (time.Time, error) {
	if err := p.app.Presence.Flush(ctx); err != nil {
		return time.Time{}, err
	}
	return p.Store.Seen(ctx, who...)
}

// Present implements retentiondb.Clocks. Who was there and of whom nothing was kept is written
// down first.
func (p personClocks) Present(ctx context.Context, after int64, each func(thimble.SubjectID, time.Time)) (int64, error) {
	if err := p.app.Presence.Flush(ctx); err != nil {
		return after, err
	}
	return p.Store.Present(ctx, after, each)
}

// Ended implements retentiondb.Clocks: the last no to a purpose for which the category is
// collected. What their law lets be used without a yes, and what they were told of and did
// not refuse, has not ended; a purpose that needs a yes and never had one keeps nothing.
func (p personClocks) Ended(ctx context.Context, who thimble.SubjectID, c thimble.Category) (last time.Time, err error) {
	person, err := p.app.Subjects.Person(ctx, who)
	if errors.Is(err, thimble.ErrNotFound) || person.Restricted {
		return time.Time{}, nil // they are gone, or it is kept for them (GDPR Art. 18(2))
	}
	if err != nil {
		return time.Time{}, err
	}
	law, err := p.law(ctx, who)
	if err != nil {
		return time.Time{}, err
	}
	for _, u := range p.app.Plan.Compiled().Classes {
		if u.Category != c {
			continue
		}
		for _, purpose := range u.Purposes {
			at, ended, err := p.ended(ctx, person, purpose, law.Find(purpose, c).Mode)
			if err != nil || !ended {
				return time.Time{}, err
			}
			if at.After(last) {
				last = at
			}
		}
	}
	return last, nil
}

// ended reports whether somebody's purpose lets nothing be used, and since when they say so;
// zero when they never said anything.
func (p personClocks) ended(ctx context.Context, person subject.Person, purpose thimble.Purpose, mode policy.Mode) (last time.Time, ended bool, err error) {
	if mode == policy.Allow || !signal.Ends(purpose) {
		return last, false, nil
	}
	now := p.app.Config.clock()()
	st, err := consent.OfPerson(ctx, person, purpose, func(ctx context.Context, m thimble.SubjectID, purpose thimble.Purpose) (consent.Standing, error) {
		all, err := p.app.Consent.Standings(ctx, m, purpose)
		for _, part := range all { // a yes to a part of it, which no wider no has taken back
			if part.Now(now).Permits() && consent.Decide(all, part.Scope, now).Now(now).Permits() {
				return part, err
			}
		}
		return consent.Decide(all, consent.Scope{}, now), err
	})
	if err != nil {
		return last, false, err
	}
	switch said := st.Now(now); {
	case said.Permits(), mode == policy.Notice && !said.Refuses():
		return last, false, nil
	case said == consent.Expired:
		return st.Expires, true, nil
	}
	return st.At, true, nil
}

// Mark implements retentiondb.Clocks.
func (p personClocks) Mark(ctx context.Context, who thimble.SubjectID, on bool) error {
	return p.app.Core.Write(ctx, func(tx *sqldb.Tx) error { return p.app.Subjects.SetLapsed(ctx, tx, who, on) })
}

// Marked implements retentiondb.Clocks.
func (p personClocks) Marked(ctx context.Context) ([]thimble.SubjectID, error) {
	return p.app.Subjects.Lapsed(ctx)
}

// Clocks are what retention asks about periods that run for each person by itself.
func (a *App) Clocks() retentiondb.Clocks { return personClocks{a.Timeline, a} }
