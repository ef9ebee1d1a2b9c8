package decisionweb

import (
	"context"
	"fmt"

	"thimble"
	"thimble/internal/catalog"
	"thimble/internal/decision"
	"thimble/internal/decision/decisiondb"
	"thimble/internal/gate/gateweb"
	"thimble/internal/ledger/ledgerweb"
	"thimble/internal/web"
)

// A Reviews keeps what becomes of contested decisions; *decisiondb.Store does.
type Reviews interface {
	Contest(ctx context.Context, d decisiondb.Sealed, w decisiondb.Wish) (decision.Contest, error)
	ContestsOf(ctx context.Context, d thimble.ID) ([]decision.Contest, error)
	Steps(ctx context.Context, contest thimble.ID) ([]decisiondb.SealedStep, error)
	Types() *decision.Types
}

// wordsOf puts a record into the words of customers.
func wordsOf(names map[thimble.ItemID]catalog.Product) decision.Words {
	return decision.Words{
		Item:     func(id thimble.ItemID) string { return nameOf(names, id) },
		Category: gateweb.CategoryWords, Purpose: gateweb.PurposeWords, Basis: gateweb.BasisWords,
	}
}

// WordsOf are the words for what a record names.
func WordsOf(ctx context.Context, n Names, r decision.Record) (decision.Words, error) {
	names, err := n.Get(ctx, items(r)...)
	return wordsOf(names), err
}

// staffWords are wordsOf for staff, who know the keys of categories and purposes.
func staffWords(names map[thimble.ItemID]catalog.Product) decision.Words {
	return decision.Words{Item: func(id thimble.ItemID) string { return nameOf(names, id) }}
}

func reasonWords(key string) string {
	for _, r := range decision.Reasons {
		if r.Key == key {
			return r.Words
		}
	}
	return key
}

func outcomeWords(s decision.Standing) string {
	switch s {
	case decision.Upheld:
		return "The decision was right, and stays"
	case decision.Overturned:
		return "The decision was wrong, and no longer counts"
	case decision.Superseded:
		return "The decision is made anew"
	}
	return ""
}

func stepWords(kind string) string {
	switch kind {
	case decision.StepContested:
		return "You asked for a review"
	case decision.StepClaimed:
		return "Somebody took it up"
	case decision.StepReleased:
		return "It was put back for others"
	case decision.StepAnswered:
		return "It was answered"
	}
	return sentence(kind)
}

func stateBadge(c decision.Contest) web.Badge {
	switch {
	case c.State == decision.Answered && c.Outcome == decision.Upheld:
		return web.Badge{Text: "Upheld"}
	case c.State == decision.Answered:
		return web.Badge{Text: sentence(string(c.Outcome)), Tone: web.Good}
	case c.State == decision.Claimed:
		return web.Badge{Text: "Under review", Tone: web.Info}
	}
	return web.Badge{Text: "Waits", Tone: web.Warn}
}

// A review is one review of a decision with its steps, opened.
type review struct {
	Title string
	Badge web.Badge
	Facts []web.KeyValue
	Steps web.Table
}

// reviewsOf opens the reviews of a decision. ReceiptKind is the kind of the steps' receipts
// in addresses; empty for staff.
func reviewsOf(ctx context.Context, s Reviews, g thimble.Grant, d thimble.ID, receipts bool) (all []review, open []decision.Contest, err error) {
	if open, err = s.ContestsOf(ctx, d); err != nil {
		return nil, nil, err
	}
	for _, c := range open {
		v := review{Title: "Review", Badge: stateBadge(c), Facts: []web.KeyValue{{Key: "Asked for", Value: c.OpenedAt}, {Key: "Answer due before", Value: c.DueAt, Sub: c.Rule}}}
		if c.Appeal {
			v.Title = "Second review, by somebody else"
		}
		if c.Reviewer != "" {
			v.Facts = append(v.Facts, web.KeyValue{Key: "Reviewed by", Value: c.Reviewer})
		}
		if c.Outcome != "" {
			v.Facts = append(v.Facts, web.KeyValue{Key: "Outcome", Value: outcomeWords(c.Outcome)})
		}
		if v.Steps, err = stepTable(ctx, s, g, c, receipts); err != nil {
			return nil, nil, err
		}
		all = append(all, v)
	}
	return all, open, nil
}

func stepTable(ctx context.Context, s Reviews, g thimble.Grant, c decision.Contest, receipts bool) (web.Table, error) {
	t := web.Table{ID: "steps-" + c.ID.Token(decision.ContestPrefix), Caption: "What happened", HideCaption: true,
		Columns: []web.Column{{Label: "What"}, {Label: "When"}, {Label: "By"}}}
	if receipts {
		t.Columns = append(t.Columns, web.Column{Label: "Receipt", Kind: web.ActionColumn, HideHead: true})
	}
	steps, err := s.Steps(ctx, c.ID)
	if err != nil {
		return t, err
	}
	for _, sealed := range steps {
		step, _, err := decisiondb.OpenStep(ctx, g, sealed)
		if err != nil {
			return t, err
		}
		what := web.Cell{Value: stepWords(step.Kind), Sub: step.Text}
		if !receipts && step.Kind == decision.StepContested {
			what.Value = "The customer asked for a review"
		}
		if step.Reason != "" {
			what.Sub = reasonWords(step.Reason) + ". " + step.Text
		}
		cells := web.Cells(what, step.At, step.By)
		if receipts {
			cells = append(cells, web.Cell{Value: web.Action{Label: "Check", Icon: "seal", Kind: "quiet", About: fmt.Sprintf("the receipt: %s", stepWords(step.Kind)),
				Href: ledgerweb.ReceiptHref(ReviewKind, sealed.ID.Token(decision.StepPrefix))}})
		}
		t.Rows = append(t.Rows, web.Row{Cells: cells})
	}
	return t, nil
}

// ReviewKind is the kind of receipts of reviews in addresses.
const ReviewKind = "review"
