package lists

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"thimble"
	"thimble/internal/consent"
	"thimble/internal/gate"
	"thimble/internal/recommend/taste"
)

// Known are the words that the lists name when they ask the gate.
func Known() gate.Known {
	return gate.Known{Features: []string{consent.Recommendations}, Signals: []string{consent.Returns}}
}

// WithoutLists is why somebody who permits the rest gets no list of their own.
const WithoutLists = "Not personal, because you do not want lists made for you. Nothing about you was used."

// personal asks for a list that is made for somebody.
func personal(a gate.Actor, who thimble.SubjectID) gate.Request {
	return gate.Request{
		Actor: a, Subject: who, Purpose: thimble.PersonalizeContent, Categories: []thimble.Category{thimble.PurchaseHistory},
		Scope: gate.Scope{Feature: consent.Recommendations},
	}
}

// denied is the popular list, with the reason why it is not a person's own.
func (s *Shop) denied(ctx context.Context, r gate.Request, v *gate.Verdict, a Ask) (List, error) {
	list, err := s.instead(ctx, a, "Not personal, because "+v.Why+".")
	if err != nil {
		return list, err
	}
	list.Verdict = v
	r.Scope = gate.Scope{}
	whole, err := s.Gate.Decide(ctx, r)
	if err == nil && whole.Allowed {
		list.Why = strings.TrimSpace(WithoutLists + " " + list.Empty)
	}
	return list, err
}

// returns reports whether somebody's returns may be opened for a use that they permit.
// It is asked under the grant of the use: what changes later ends that.
func (s *Shop) returns(ctx context.Context, r gate.Request) (bool, error) {
	r.Scope.Signal = consent.Returns
	v, err := s.Gate.Decide(ctx, r)
	if err != nil {
		return false, fmt.Errorf("recommend: asking about returns: %w", err)
	}
	return v.Allowed, nil
}

// attempts bounds how often what somebody has is opened again, when their grant ends meanwhile.
const attempts = 8

// errUnsteady is that a grant ended each time before what it opens was read.
var errUnsteady = fmt.Errorf("recommend: somebody's choices kept changing while they were read: %w", thimble.ErrConflict)

// learned are the orders that a person permits to learn from, without what they want
// forgotten, and what they say about their lists. A grant also ends by a change that has nothing
// to do with learning, and when the process has lost touch with the others: who is permitted
// still is read again by a grant of now, which is returned. It is nil for who is not.
func (s *Shop) learned(ctx context.Context, g *gate.Grant) (*gate.Grant, []recorded, taste.State, error) {
	who := g.Subject()
	for range attempts {
		orders, state, err := s.learnedBy(ctx, g)
		if !gone(ctx, g, err) {
			return g, orders, state, err
		}
		g, err = g.Renew(ctx)
		if denied(err) || err == nil && g.Subject() != who { // one with somebody else by now, and met under that
			return nil, nil, taste.State{}, nil
		}
		if err != nil {
			return nil, nil, taste.State{}, fmt.Errorf("recommend: asking again what may be learned of a person: %w", err)
		}
	}
	return nil, nil, taste.State{}, errUnsteady
}

// damaged reports whether an error is that of data that nobody can open, while the gate answers.
func damaged(err error) bool {
	return errors.Is(err, thimble.ErrDenied) && !errors.Is(err, thimble.ErrUnavailable)
}

// denied reports whether the gate was asked and said no.
func denied(err error) bool {
	_, no := errors.AsType[*gate.Denial](err)
	return no
}

func (s *Shop) learnedBy(ctx context.Context, g *gate.Grant) ([]recorded, taste.State, error) {
	returns, err := s.returns(ctx, trains(g.Subject()))
	if err != nil {
		return nil, taste.State{}, err
	}
	orders, err := s.orders(ctx, g, returns)
	if err != nil {
		return nil, taste.State{}, err
	}
	state, err := s.said(ctx, g)
	if err != nil {
		return nil, taste.State{}, err
	}
	orders, err = s.unforgotten(ctx, state, orders)
	return orders, state, err
}
