package thimbletest

import (
	"context"
	"errors"
	"fmt"

	"thimble"
	"thimble/internal/disclose"
	"thimble/internal/disclose/disclosedb"
)

// Fulfilment is an agreement with whoever sends parcels.
const Fulfilment = `agreement: 1
title: Fulfilment of orders
contract: "Contract 12 of 2026, annex 2"
act: process
effective: 2020-01-01
until: 2190-01-01
purposes: [essential.service]
fields:
  - {name: order, category: user.behavior.purchase_history}
  - {name: placed, category: user.behavior.purchase_history, coarsen: day}
  - {name: country, category: user.behavior.purchase_history}
  - {name: lines, category: user.behavior.purchase_history}
transfer: {basis: none}
assessment: {by: "data protection officer", on: 2020-01-01, expires: 2190-01-01}
retention: 30d
`

// Recipient makes a recipient of a name, with an agreement that two members of staff have
// seen. It is reached by the folder for files, or by the address when there is one.
func (s *Shop) Recipient(name, endpoint, agreement string) thimble.ID {
	s.TB.Helper()
	ctx := context.Background()
	r := disclose.Recipient{Name: name, Kind: disclose.Processor, Contact: "privacy@parcels.example", Countries: []string{"DE"}, Transport: disclose.Folder, Endpoint: endpoint}
	if endpoint != "" {
		r.Transport = disclose.Webhook
	}
	id, _, err := s.Disclose.Add(ctx, r, "owner")
	s.must(err)
	signed, err := s.Disclose.Submit(ctx, id, agreement, "owner")
	s.must(err)
	s.must(s.Disclose.Accept(ctx, signed.ID, "grace", "the contract was read"))
	return id
}

// Discloses queues something about a person for a recipient, which is made at first.
func (s *Shop) Discloses(who thimble.SubjectID) thimble.ID {
	s.TB.Helper()
	ctx := context.Background()
	all, err := s.Disclose.Recipients(ctx)
	s.must(err)
	var to thimble.ID
	for _, r := range all {
		if r.Name == "Parcels" {
			to = r.ID
		}
	}
	if to.IsZero() {
		to = s.Recipient("Parcels", "", Fulfilment)
	}
	r, err := s.Disclose.Send(ctx, disclosedb.Disclosure{Recipient: to, Purpose: thimble.EssentialService, Subjects: []thimble.SubjectID{who},
		Build: func(context.Context, thimble.Grant, thimble.SubjectID) ([]disclose.Row, error) {
			return []disclose.Row{{"order": disclose.Alias{Kind: "order", Value: fmt.Sprint(s.orders)}, "country": "DE"}}, nil
		}})
	if err == nil && r.People != 1 {
		err = errors.New("the gate refused")
	}
	s.must(err)
	return r.Message
}
