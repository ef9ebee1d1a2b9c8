package lists

import (
	"context"
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

// learned are the orders that a person permits to learn from, without what they want
// forgotten, and what they say about their lists.
func (s *Shop) learned(ctx context.Context, g *gate.Grant) ([]recorded, taste.State, error) {
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
