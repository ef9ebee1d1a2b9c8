package casesweb

import (
	"context"
	"fmt"
	"slices"

	"thimble"
	"thimble/internal/gate/gateweb"
	"thimble/internal/ledger"
	"thimble/internal/ledger/ledgerweb"
	"thimble/internal/rights/cases"
	"thimble/internal/rights/casesdb"
)

// ReceiptKind is the kind of the receipts of steps in addresses.
const ReceiptKind = "request"

func receiptHref(k casesdb.Kept) string { return ledgerweb.ReceiptHref(ReceiptKind, receiptKey(k)) }

// PortalReceipts is the source of the receipts of a person's requests. A guardian opens those
// of what a guardian asked for, on whose page they stand, while they answer for the child.
func PortalReceipts(s Store, own gateweb.Own, children Children) ledgerweb.Source {
	return ledgerweb.Source{
		Kind: ReceiptKind, Title: "Requests",
		List: func(ctx context.Context, who thimble.SubjectID) (listed []ledgerweb.Listed, err error) {
			all, err := s.Of(ctx, who, shown)
			if err != nil {
				return nil, err
			}
			for _, c := range all {
				steps, err := s.Steps(ctx, c.ID)
				if err != nil {
					return nil, err
				}
				for _, k := range slices.Backward(steps) {
					listed = append(listed, ledgerweb.Listed{Key: receiptKey(k), At: k.At, Title: whatWords[k.What], Text: c.Kind.Words()})
				}
			}
			return listed, nil
		},
		Open: func(ctx context.Context, who thimble.SubjectID, key string) (o ledger.Opening, err error) {
			id, n, err := splitKey(key)
			if err != nil {
				return o, err
			}
			c, err := s.Get(ctx, id)
			if err != nil {
				return o, err
			}
			grant, err := own(ctx, who, thimble.PrivacyPreferences)
			if err != nil {
				return o, err
			}
			theirs := slices.Contains(grant.Members(), c.Subject)
			if !theirs && c.Via == cases.Guardian && !c.Subject.IsZero() {
				answers, err := children(ctx, who)
				if err != nil {
					return o, err
				}
				theirs = slices.Contains(answers, c.Subject)
			}
			if !theirs {
				err = fmt.Errorf("casesweb: %s is about somebody else: %w", key, thimble.ErrNotFound)
			}
			if err != nil {
				return o, err
			}
			return openingOf(ctx, s, c, n)
		},
	}
}

// openingOf opens the leaf of one step.
func openingOf(ctx context.Context, s Store, c cases.Case, n int) (o ledger.Opening, err error) {
	steps, err := s.Steps(ctx, c.ID)
	if err != nil {
		return o, err
	}
	for _, k := range steps {
		if k.N == n {
			return k.Opening, nil
		}
	}
	return o, fmt.Errorf("casesweb: %s has no step %d: %w", token(c), n, thimble.ErrNotFound)
}
